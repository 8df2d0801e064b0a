package loop

// A gate decides which messages a connection takes at the moment. It is used under the connection's lock.
type gate uint8

const (
	gateOpen   gate = iota
	gateHeld        // messages pass only if they are sent through
	gateSealed      // nothing passes: the last message was taken
)

// check returns nil, [ErrHeld] or [ErrClosed] for a message of a priority.
func (g *gate) check(p Priority) error {
	switch {
	case *g == gateSealed:
		return ErrClosed
	case *g == gateHeld && p <= Droppable:
		return ErrHeld
	case p == Last:
		*g = gateSealed
	}
	return nil
}

// hold implements [Conn.Hold].
func (g *gate) hold(on bool) {
	switch {
	case *g == gateSealed:
	case on:
		*g = gateHeld
	default:
		*g = gateOpen
	}
}
