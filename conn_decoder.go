package molva

import "github.com/molva-ws/molva/wire"

// takeDecoder returns the decoder for what has arrived. On a connection with callbacks, which needs one only while
// bytes are on their way through it, it is borrowed unless the connection has compression, or a message has come in
// part.
func (c *Conn) takeDecoder() *wire.Decoder {
	if c.decoder == nil {
		c.decoder = c.set.borrowDecoder(c.role)
	}
	return c.decoder
}

// leaveDecoder gives the decoder back if nothing is in it.
func (c *Conn) leaveDecoder() {
	if d := c.decoder; d.AtRest() && !d.Inflates() {
		c.decoder = nil
		c.set.decoders.Put(d)
	}
}

// dropDecoder gives back what the decoder holds. Nothing is decoded any more.
func (c *Conn) dropDecoder() {
	if c.decoder != nil {
		c.decoder.Release()
		c.decoder = nil
	}
}

// borrowDecoder returns a decoder with nothing in it. All connections with callbacks that share the settings play the
// same role.
func (s *settings) borrowDecoder(role wire.Role) *wire.Decoder {
	if d, ok := s.decoders.Get().(*wire.Decoder); ok {
		return d
	}
	d := wire.NewDecoder(role, &s.limits, nil)
	return &d
}
