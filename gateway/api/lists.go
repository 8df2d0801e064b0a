package api

// ConnInfo describes a connection.
type ConnInfo struct {
	Conn    string   `json:"conn"`
	User    string   `json:"user,omitempty"`
	Address string   `json:"address"`
	Rooms   []string `json:"rooms"`
	Since   int64    `json:"since"`
	Queued  int      `json:"queued"`
}

// RoomInfo describes a room.
type RoomInfo struct {
	Room  string `json:"room"`
	Conns int    `json:"conns"`
	Users int    `json:"users"`
}

// UserInfo describes a user who is online, or in a room.
type UserInfo struct {
	User  string `json:"user"`
	Conns int    `json:"conns"`
}
