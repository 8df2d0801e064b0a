//go:build linux

package client

import (
	"errors"
	"fmt"

	"github.com/molva-ws/molva/bench/internal/netpoll"
	"github.com/molva-ws/molva/bench/internal/traffic"
)

// What can go wrong besides a byte that is not as it should be, which is a
// *traffic.Mismatch.
var (
	ErrTimeout    = errors.New("out of time")
	ErrClosed     = errors.New("closed by the server")
	ErrUnasked    = errors.New("more messages came back than were sent")
	ErrIncomplete = errors.New("messages are missing")
)

// Conn is one connection of a fleet. It keeps counters in place of buffers: what
// is to be sent and what has to come back follow from a message's number.
type Conn struct {
	ID    uint32
	Hears uint32 // whose messages come in: its own of an echo server

	fleet   *Fleet
	checker traffic.Checker
	granted uint32 // messages it was told to send …
	sent    uint32 // … and has given to the kernel whole
	offset  int    // bytes of the next one the kernel has
	partial []byte // of a handshake response or a control frame
	reply   []byte // pongs that wait for the end of a message
	fd      int
	state   state
}

type state uint8

const (
	connecting state = iota
	shaking          // the request is out, the response is not in
	open
)

// Received is the number of messages that have come in.
func (c *Conn) Received() uint32 { return c.checker.Received() }

// Granted is the number of messages it was told to send.
func (c *Conn) Granted() uint32 { return c.granted }

// Send sends the next n messages, now or as soon as the socket takes them.
func (c *Conn) Send(n int) error {
	c.granted += uint32(n)
	return c.flush()
}

// serve does what a readiness event asks for.
func (c *Conn) serve(events uint32) error {
	if c.state == connecting {
		return c.connected()
	}
	if events&netpoll.Writable != 0 {
		if err := c.flush(); err != nil {
			return err
		}
	}
	if events&(netpoll.Readable|netpoll.Hangup) == 0 {
		return nil
	}
	return c.read(events&netpoll.Hangup != 0)
}

// read takes all that has arrived. A short read means drained, unless the
// server has hung up: then the end of the stream comes after it.
func (c *Conn) read(hangup bool) error {
	buf := c.fleet.scratch
	for {
		n, errno := netpoll.Read(c.fd, buf)
		if errno == netpoll.Again {
			return nil
		}
		if errno != 0 {
			return fmt.Errorf("read: %w", errno)
		}
		if n == 0 {
			return ErrClosed
		}
		if err := c.receive(buf[:n]); err != nil {
			return err
		}
		if n < len(buf) && !hangup {
			return nil
		}
	}
}

func (c *Conn) receive(b []byte) error {
	var err error
	if c.state == shaking {
		if b, err = c.shake(b); err != nil {
			return err
		}
	}
	messages := 0
	for len(b) > 0 {
		if len(c.partial) > 0 {
			if b, err = c.control(b); err != nil {
				return err
			}
		}
		n, control, err := c.checker.Check(c.fleet.target.Format, c.Hears, b)
		if err != nil {
			return err
		}
		messages += n
		if b = control; len(b) > 0 {
			c.partial, b = append(c.partial, b[0]), b[1:]
		}
	}
	if messages == 0 {
		return nil
	}
	if c.Hears == c.ID && c.Received() > c.granted {
		return ErrUnasked
	}
	return c.fleet.OnMessages(c, messages)
}

// flush writes until everything is out or the socket is full. A pong goes
// between two messages, never into one.
func (c *Conn) flush() error {
	f := c.fleet
	size := f.target.Format.RequestLen()
	for c.sent != c.granted || len(c.reply) > 0 {
		if c.offset == 0 && len(c.reply) > 0 {
			n, err := c.write(c.reply)
			if c.reply = c.reply[n:]; err != nil || len(c.reply) > 0 {
				return err
			}
			continue
		}
		batch := f.batch[:min(int(c.granted-c.sent)*size, len(f.batch))]
		f.target.Format.Stamp(batch, c.ID, c.sent)
		n, err := c.write(batch[c.offset:])
		done := c.offset + n
		c.sent += uint32(done / size)
		c.offset = done % size
		if err != nil || done < len(batch) {
			return err
		}
	}
	return nil
}

// write answers how much the socket took, which may be nothing.
func (c *Conn) write(b []byte) (int, error) {
	n, errno := netpoll.Write(c.fd, b)
	if errno != 0 && errno != netpoll.Again {
		return n, fmt.Errorf("write: %w", errno)
	}
	return n, nil
}
