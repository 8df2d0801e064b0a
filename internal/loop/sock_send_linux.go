package loop

import (
	"context"
	"os"

	"golang.org/x/sys/unix"
)

// Send implements [Conn].
func (c *sock) Send(head Head, body []byte, p Priority) error {
	n := head.Size + len(body)
	c.mu.Lock()
	if err := c.pass(p); err != nil || n == 0 {
		c.mu.Unlock()
		return err
	}
	if cfg := c.config(); !c.queue.fits(n, p, cfg) { // this is admit, of which fits is inlined
		if err := c.queue.makeRoom(n, p, cfg); err != nil {
			c.mu.Unlock()
			return err
		}
	}
	if len(body) >= directSize && c.queue.empty() && !c.writing && !c.full {
		return c.sendDirect(head, body, p)
	}
	c.queue.add(head, body, p)
	c.unlock(!c.writing && !c.full)
	return nil
}

// SendFrame implements [Conn].
func (c *sock) SendFrame(f *Frame, p Priority) error {
	n := len(f.Bytes())
	c.mu.Lock()
	if err := c.pass(p); err != nil || n == 0 || c.queue.replace(f, p, c.config()) {
		c.mu.Unlock()
		return err
	}
	if err := c.queue.admit(n, p, c.config()); err != nil {
		c.mu.Unlock()
		return err
	}
	c.queue.addFrame(f, p)
	c.unlock(!c.writing && !c.full)
	return nil
}

// sendDirect writes a message from the caller's memory and queues what the socket did not take. The lock is held on
// entry and released on return. Whoever else sends meanwhile leaves it to sendDirect to tell the loop, which tries to
// write the rest once even though the socket was full: it may have missed that the socket took more again.
func (c *sock) sendDirect(head Head, body []byte, p Priority) error {
	c.writing = true
	fd := c.fd
	c.mu.Unlock()
	var b [maxHead]byte
	head.put(b[:])
	n, errno := writeTwo(fd, b[:head.Size], body)
	c.loop.direct.note(n, p)
	c.mu.Lock()
	c.writing = false
	if errno != 0 && errno != unix.EAGAIN {
		c.abort(os.NewSyscallError("write", errno))
		c.unlock(true)
		return ErrClosed
	}
	if n < head.Size+len(body) {
		skip := min(n, head.Size)
		c.queue.addFirst(head.skip(skip), body[n-skip:])
		c.queue.rest()
		c.queue.trim(c.config())
	}
	c.unlock(c.state != open || !c.queue.empty())
	return nil
}

// pass reports whether the connection takes messages of a priority at all.
func (c *sock) pass(p Priority) error {
	if c.state != open {
		return ErrClosed
	}
	return c.gate.check(p)
}

// Hold implements [Conn].
func (c *sock) Hold(on bool) {
	c.mu.Lock()
	c.gate.hold(on)
	c.mu.Unlock()
}

// WaitRoom implements [Conn].
func (c *sock) WaitRoom(ctx context.Context, n int) error {
	return waitFor(ctx, func() (<-chan struct{}, error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		switch {
		case c.state != open:
			return nil, ErrClosed
		case c.queue.fits(n, Normal, c.config()):
			return nil, nil
		}
		return c.getStraits().room.wait(), nil
	})
}

// Cork implements [Conn]: what is sent while Data runs leaves together in any case.
func (c *sock) Cork() {}

// Queued implements [Conn].
func (c *sock) Queued() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.queue.size()
}
