package loop

import "golang.org/x/sys/unix"

// alarmOf returns when the wheel is to give c back. A timer that is due during a callback waits for its return. The lock
// is held.
func (l *eventLoop) alarmOf(c *sock) tick {
	guard := l.guarded(c)
	if c.away && !l.tick.before(c.timer) {
		return guard
	}
	return sooner(c.timer, guard)
}

// guarded returns when to look after the peer, and begins to watch one that has stopped reading. The lock is held.
func (l *eventLoop) guarded(c *sock) tick {
	if c.full && c.parting != bounded && c.inStraits().guard == 0 {
		s := c.getStraits()
		s.guard = l.after(l.group.cfg.writeTimeout())
		s.unsent = unsent(c.fd)
	} else if !c.full && c.parting == staying && c.straits != nil {
		c.straits.guard = 0
	}
	return c.inStraits().guard
}

// expire looks what c was on the wheel for.
func (l *eventLoop) expire(c *sock) (mine bool) {
	c.mu.Lock()
	if guard := c.inStraits().guard; guard != 0 && !l.tick.before(guard) {
		l.guardExpired(c)
	}
	return l.attend(c)
}

// guardExpired cuts a connection whose peer does not do what it should. The lock is held.
func (l *eventLoop) guardExpired(c *sock) {
	c.straits.guard = 0
	switch {
	case c.parting != staying:
		c.abort(nil)
	case c.full && unsent(c.fd) == c.straits.unsent:
		// Nothing says that the peer will ever take what the kernel still holds: reset the connection.
		unix.SetsockoptLinger(int(c.fd), unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
		c.abort(ErrStalled)
	}
}

// unsent returns the number of bytes that the peer has not acknowledged.
func unsent(fd int32) uint32 {
	n, err := unix.IoctlGetInt(int(fd), unix.SIOCOUTQ)
	if err != nil {
		return 0
	}
	return uint32(n)
}
