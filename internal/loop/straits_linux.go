package loop

// straits is what a connection needs once its peer does not read, or its end has come. It is under the connection's
// lock.
type straits struct {
	room    bell   // is rung when the outbox may have room, or never will
	reason  error  // what ended the connection
	linger  tick   // how long Finish waits for the peer to close, in ticks
	discard uint32 // the bytes thrown away since Finish
	guard   tick   // when to look after a peer that does not read or does not close; zero for never
	unsent  uint32 // the bytes in the socket's send buffer when guard was set
}

// lingerFrom sets when Finish gives up the peer.
func (s *straits) lingerFrom(now tick) { s.guard = max(now+s.linger, 1) }

// inStraits returns a copy of c's straits.
func (c *sock) inStraits() straits {
	if c.straits == nil {
		return straits{}
	}
	return *c.straits
}

// getStraits returns c's straits, to be changed.
func (c *sock) getStraits() *straits {
	if c.straits == nil {
		c.straits = new(straits)
	}
	return c.straits
}

// ring wakes those who wait for room. The lock is held.
func (c *sock) ring() {
	if c.straits != nil {
		c.straits.room.ring()
	}
}
