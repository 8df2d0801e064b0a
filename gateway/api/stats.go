package api

// Stats is what the gateway has counted; see docs/api.md.
type Stats struct {
	Conns       int          `json:"conns"` // now, as users, rooms and queued are
	Users       int          `json:"users"`
	Rooms       int          `json:"rooms"`
	MessagesIn  uint64       `json:"messages_in"`
	MessagesOut uint64       `json:"messages_out"`
	BytesIn     uint64       `json:"bytes_in"`
	BytesOut    uint64       `json:"bytes_out"`
	Commands    uint64       `json:"commands"`
	Refused     RefusedStats `json:"refused"`
	Slow        SlowStats    `json:"slow"`
	Queued      int64        `json:"queued"` // bytes in outboxes
	Uptime      int64        `json:"uptime"` // seconds
}

// RefusedStats is [molva.RefusedStats] in JSON.
type RefusedStats struct {
	Request  uint64 `json:"request"`
	Origin   uint64 `json:"origin"`
	Total    uint64 `json:"total"`
	Addr     uint64 `json:"addr"`
	Rate     uint64 `json:"rate"`
	Upgrade  uint64 `json:"upgrade"`
	Timeout  uint64 `json:"timeout"`
	TooLarge uint64 `json:"too_large"`
	Shutdown uint64 `json:"shutdown"`
	Failed   uint64 `json:"failed"`
}

// SlowStats is [molva.SlowStats] in JSON.
type SlowStats struct {
	Closed  uint64 `json:"closed"`
	Stalled uint64 `json:"stalled"`
	Refused uint64 `json:"refused"`
	Dropped uint64 `json:"dropped"`
	Latest  uint64 `json:"latest"`
}
