package molva

import (
	"sync"

	"github.com/molva-ws/molva/internal/buffer"
	"github.com/molva-ws/molva/internal/loop"
	"github.com/molva-ws/molva/wire"
)

// Prepared is a message that was encoded once, to be sent to many connections or many times. It may be used from any
// goroutine.
type Prepared struct {
	message Message
	plain   *loop.Frame
	slow    SlowPolicy
	subject loop.Subject

	mu       sync.Mutex
	deflated [16]*loop.Frame // by window size, made when a connection wants it
}

// Prepare encodes m, whose data must not change afterwards. It returns [ErrType].
func Prepare(m Message) (*Prepared, error) {
	p := new(Prepared)
	return p, p.init(m)
}

func (p *Prepared) init(m Message) error {
	if !m.valid() {
		return ErrType
	}
	p.message = m
	p.plain = p.encode(m.Data, false)
	return nil
}

// release gives the memory back once the last connection has sent it. Nobody may use p any more.
func (p *Prepared) release() {
	p.plain.Release()
	for _, f := range p.deflated {
		if f != nil {
			f.Release()
		}
	}
	*p = Prepared{}
}

func (p *Prepared) encode(payload []byte, compressed bool) *loop.Frame {
	b := buffer.Get(wire.MaxHeaderSize + len(payload))
	h := wire.Header{Fin: true, Opcode: wire.Opcode(p.message.Type), RSV1: compressed}
	b.Set(wire.AppendFrame(b.Bytes(), h, payload))
	f := loop.NewFrame(b)
	f.Subject = p.subject
	return f
}

// compressed returns the message compressed for a window, without context.
func (p *Prepared) compressed(window uint8) (*loop.Frame, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if f := p.deflated[window]; f != nil {
		return f, nil
	}
	b := buffer.Get(len(p.message.Data))
	defer b.Free()
	data, err := wire.NewDeflater(int(window), false).Append(b.Bytes(), p.message.Data)
	if err != nil {
		return nil, err
	}
	b.Set(data)
	p.deflated[window] = p.encode(data, true)
	return p.deflated[window], nil
}

// SendPrepared is [Conn.Send] for a message that is encoded already. A client has to mask each frame by a key of its
// own, and so saves nothing by it.
func (c *Conn) SendPrepared(p *Prepared) error {
	err := c.sendPrepared(p)
	if err != nil {
		c.refused(err, p.slow.or(c.set.slow))
	}
	return err
}

func (c *Conn) sendPrepared(p *Prepared) error {
	if !p.message.valid() {
		return ErrType // the zero Prepared
	}
	if c.role == wire.Client {
		return c.send(p.message, c.set.slow.priority())
	}
	if c.closing.Load() != nil {
		return ErrClosed
	}
	frame, priority := p.plain, p.slow.or(c.set.slow).priority()
	if c.compresses(p.message) {
		var err error
		if frame, err = p.compressed(c.extra.window); err != nil {
			return err
		}
		if c.extra.takeover {
			// What is compressed with context must be sent, or the peer loses the thread.
			return c.sendPreparedInOrder(p, frame, loop.Normal)
		}
	}
	if err := sendError(c.transport.SendFrame(frame, priority)); err != loop.ErrHeld {
		return err
	}
	return c.sendPreparedInOrder(p, frame, priority)
}

// sendPreparedInOrder is sendInOrder for p, of which frame is the form that suits the connection.
func (c *Conn) sendPreparedInOrder(p *Prepared, frame *loop.Frame, priority loop.Priority) error {
	c.order.Lock()
	defer c.order.Unlock()
	if c.closing.Load() != nil {
		return ErrClosed
	}
	if c.streaming != nil {
		err := c.postpone(p.message)
		c.countUnless(err)
		return err
	}
	err := sendError(c.transport.SendFrame(frame, priority))
	if err == nil && frame != p.plain {
		c.extra.deflater.Note(p.message.Data)
	}
	return err
}
