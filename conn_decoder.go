package molva

import (
	"sync"

	"github.com/molva-ws/molva/wire"
)

// decoders lends decoders to connections with callbacks, each of which needs one only while bytes are on their way
// through it.
var decoders = sync.Pool{New: func() any { return new(wire.Decoder) }}

// takeDecoder returns the decoder for what has arrived. On a connection with callbacks it is borrowed unless the
// connection has compression, or a message has come in part.
func (c *Conn) takeDecoder() *wire.Decoder {
	if c.decoder == nil {
		c.decoder = decoders.Get().(*wire.Decoder)
		*c.decoder = wire.NewDecoder(c.role, &c.set.limits, nil)
	}
	return c.decoder
}

// leaveDecoder gives the decoder back if nothing is in it.
func (c *Conn) leaveDecoder() {
	if d := c.decoder; d.AtRest() && !d.Inflates() {
		c.decoder = nil
		decoders.Put(d)
	}
}

// dropDecoder gives back what the decoder holds. Nothing is decoded any more.
func (c *Conn) dropDecoder() {
	if c.decoder != nil {
		c.decoder.Release()
		c.decoder = nil
	}
}
