package molva

import (
	"context"
	"io"
)

// Reader returns the type of the next message and a reader of its data, which gives what arrives as it arrives. A
// compressed message is inflated whole first. The context governs the reader, too. The next call that reads from the
// connection skips what is left of the message. Reader returns the errors of Read.
func (c *Conn) Reader(ctx context.Context) (Type, io.Reader, error) {
	if err := c.takeTurn(ctx); err != nil {
		return 0, nil, err
	}
	defer c.endTurn()
	if err := c.skipMessage(ctx); err != nil {
		return 0, nil, err
	}
	r := &messageReader{conn: c, ctx: ctx}
	if err := r.more(); err != nil {
		return 0, nil, err
	}
	c.pull.message = r
	return r.typ, r, nil
}

// messageReader reads one message, piece by piece.
type messageReader struct {
	conn *Conn
	ctx  context.Context
	typ  Type
	held []byte // what was decoded and not read yet
	last bool   // nothing comes after held
	gone bool   // another call has read from the connection, and with that taken the memory of held
}

// Read implements [io.Reader]. It returns [io.ErrUnexpectedEOF] if another call has skipped the rest of the message.
func (r *messageReader) Read(p []byte) (int, error) {
	if err := r.conn.takeTurn(r.ctx); err != nil {
		return 0, err
	}
	defer r.conn.endTurn()
	for len(r.held) == 0 {
		switch {
		case r.gone:
			return 0, io.ErrUnexpectedEOF
		case r.last:
			return 0, io.EOF
		}
		if err := r.more(); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.held)
	r.held = r.held[n:]
	return n, nil
}

// more gets the next piece. The caller has the turn.
func (r *messageReader) more() error {
	c := r.conn
	c.decoder.SetStreaming(true)
	defer c.decoder.SetStreaming(false)
	ev, err := c.next(r.ctx)
	if err != nil {
		return err
	}
	r.typ, r.held, r.last = Type(ev.Op), ev.Payload, ev.Fin
	return nil
}

// skipMessage drops what is left of a message that was being read piece by piece. The caller has the turn.
func (c *Conn) skipMessage(ctx context.Context) error {
	r := c.pull.message
	if r == nil {
		return nil
	}
	r.gone = r.gone || !r.last || len(r.held) > 0
	r.held = nil
	rest := messageReader{conn: c, ctx: ctx, last: r.last}
	for !rest.last {
		if err := rest.more(); err != nil {
			return err
		}
	}
	c.pull.message = nil
	return nil
}
