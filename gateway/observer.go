package gateway

// Observer is told what happens. Those functions that are nil are told nothing. What is said of one connection comes in
// order, and so does what is said of one room; for the rest they are called at the same time from many goroutines.
// Locks are held meanwhile: they must return at once and call no method of the Gateway. What they are given may be
// kept, unless it says otherwise.
type Observer struct {
	// Connected is called first, when the client was greeted.
	Connected func(c *Client)
	// Disconnected is called last, when the connection has left its rooms. err is a [*molva.CloseError].
	Disconnected func(c *Client, err error)
	// Joined and Left are called when a connection has joined a room, and when it has left it.
	Joined, Left func(c *Client, room string)
	// Occupied is called before the first Joined of a room, Vacated after the last Left.
	Occupied, Vacated func(room string)
	// Published is called for each message of a client to a room, Sent for each to a user.
	Published, Sent func(c *Client, p Publication)
}

// Publication is a message of a client that was sent on.
type Publication struct {
	ID      string // as in the message
	Time    int64  // likewise; in milliseconds since 1970
	Room    string // where it went, or
	User    string // to whom
	Data    []byte // a JSON value; it must be left as it is, and not be kept
	Reached int    // how many connections it was sent to
}
