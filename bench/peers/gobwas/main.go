// Command gobwas is an echo and a broadcast on github.com/gobwas/ws.
//
// Set up as its README advises for speed: the zero-copy upgrade straight on the TCP connection, and the low-level frame
// functions with a reused payload buffer, unmasked in place. As those make a system call for each header and each
// payload on a bare connection, they run over bufio here, flushed when nothing more has arrived. Data frames are echoed
// one by one, which is what its own example does. The broadcast compiles the frame once (CompileFrame) and writes it to
// one connection after the other, as gobwas/ws-examples does for its chat; the pool of goroutines there would gain
// nothing on one processor.
package main

import (
	"bufio"
	"io"
	"log"
	"net"

	"github.com/gobwas/ws"

	"github.com/molva-ws/molva/bench/internal/peer"
)

func main() {
	o := peer.Parse()
	listener := o.MustListen()
	var all room
	for {
		nc, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		c := &conn{Conn: nc, r: bufio.NewReader(nc), w: bufio.NewWriter(nc)}
		if o.Broadcast {
			c.room = &all
		}
		go c.serve(o.Compress)
	}
}

// conn is one connection. What it keeps of a message depends on what becomes of it: frames are echoed one by one, a
// compressed message and one for all must be whole.
type conn struct {
	net.Conn
	r       *bufio.Reader
	w       *bufio.Writer
	room    *room // nil: echo
	deflate bool  // as negotiated
	payload []byte
	message message
}

func (c *conn) serve(compress bool) {
	defer c.Close()
	var err error
	if c.deflate, err = upgrade(c.Conn, compress); err != nil {
		return
	}
	if c.room != nil {
		c.room.join(c)
		defer c.room.leave(c)
	}
	for {
		header, err := ws.ReadHeader(c.r)
		if err != nil || c.readPayload(header) != nil {
			return
		}
		closing := header.OpCode == ws.OpClose
		if c.handle(header) != nil || c.flush(closing) != nil || closing {
			return
		}
	}
}

// flush waits for more to send, if more has arrived.
func (c *conn) flush(closing bool) error {
	if c.r.Buffered() > 0 && !closing {
		return nil
	}
	return c.w.Flush()
}

func (c *conn) readPayload(header ws.Header) error {
	if int64(cap(c.payload)) < header.Length {
		c.payload = make([]byte, header.Length)
	}
	c.payload = c.payload[:header.Length]
	if _, err := io.ReadFull(c.r, c.payload); err != nil {
		return err
	}
	ws.Cipher(c.payload, header.Mask, 0)
	return nil
}

func (c *conn) handle(header ws.Header) error {
	header.Masked = false
	switch {
	case header.OpCode == ws.OpPong:
		return nil
	case header.OpCode == ws.OpPing:
		header.OpCode = ws.OpPong
		return c.write(header, c.payload)
	case header.OpCode == ws.OpClose, c.room == nil && !c.deflate:
		return c.write(header, c.payload)
	}
	c.message.add(header, c.payload)
	if !header.Fin {
		return nil
	}
	frame, err := c.message.frame(c.deflate)
	if err != nil {
		return err
	}
	if c.room != nil {
		return c.room.publish(frame)
	}
	return c.write(frame.Header, frame.Payload)
}

func (c *conn) write(header ws.Header, payload []byte) error {
	if err := ws.WriteHeader(c.w, header); err != nil {
		return err
	}
	_, err := c.w.Write(payload)
	return err
}
