package loop

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// A sock is one connection on an event loop. There are many of them, and most are idle: nothing is kept here that
// can be found out or borrowed when it is needed.
type sock struct {
	loop    *eventLoop
	handler Handler // belongs to the callback that runs, else to the loop

	// These belong to the loop.

	token   token // zero until the loop watches the descriptor
	due     tick  // when the wheel is to give the connection back; zero if it is not on it
	ready   bool  // there may be bytes to read
	hungUp  bool  // reading goes on until the end of the stream or an error
	again   bool  // is in the loop's list of those to read from
	ended   bool  // the peer has closed its side
	parting parting
	bulk    uint8 // how many reads more may bring much at once; see readBuffer
	dialing bool  // see connect_linux.go
	slow    uint8 // how many callbacks more are kept off the loop, because one has blocked

	// These are guarded by mu. Only the loop changes away and full, and so may read them without.

	away     bool // a callback runs outside the loop
	full     bool // the socket takes no more for now
	state    state
	attended bool // the loop is in a callback and will look after the connection right after
	returned comeback
	mailed   bool // is in the loop's mailbox, or was taken out and not looked at yet
	writing  bool // somebody writes to fd
	gate     gate
	mu       sync.Mutex
	fd       int32
	queue    queue
	timer    tick // when Handler.Timer is due; zero for never
	arrived  tick // when bytes last arrived
	straits  *straits

	wheel wheelLinks // belong to the loop
	mail  *sock      // the next one in the mailbox
	peer  endpoint
}

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

// finishing reports whether what is queued is being sent before the end. The lock is held.
func (c *sock) finishing() bool { return c.state == finishing || c.state == agreed }

// state is how far the end of a connection has come. It only grows.
type state uint8

const (
	open      state = iota
	finishing       // takes no more messages; what is queued is being sent
	agreed          // likewise, and the peer has said that it will send nothing more
	aborted         // the descriptor is to be closed
	detached        // the descriptor belongs to somebody else
	closed          // Handler.Closed has been called
)

// parting is how far Finish has come. It only grows.
type parting uint8

const (
	staying parting = iota
	bounded         // guard is when Finish gives up a peer that does not read
	shut            // the peer was told that nothing more will come
)

// comeback says whether the callback outside the loop has returned.
type comeback uint8

const (
	notReturned comeback = iota
	returnedLate
	returnedQuickly
)

// errQueued says that a connection cannot be detached while messages wait in its outbox.
var errQueued = errors.New("messages are still queued")

func (c *sock) config() *Config { return &c.loop.group.cfg.Config }

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

// unlock releases mu; tell says that something has changed that the loop must look at. A loop that will look anyway is
// not told again.
func (c *sock) unlock(tell bool) {
	if !tell || c.attended || c.mailed || c.fd < 0 {
		c.mu.Unlock()
		return
	}
	c.mailed = true
	c.mu.Unlock()
	c.loop.post(c)
}

func (c *sock) isOpen() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state == open
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

// Idle implements [Conn].
func (c *sock) Idle() time.Duration {
	c.mu.Lock()
	arrived := c.arrived
	c.mu.Unlock()
	return time.Duration(c.loop.tickNow()-arrived) * tickLength
}

// SetTimer implements [Conn].
func (c *sock) SetTimer(d time.Duration) {
	var due tick
	if d > 0 {
		due = c.loop.after(d)
	}
	c.mu.Lock()
	c.timer = due
	if due == 0 {
		c.mu.Unlock()
		return
	}
	c.unlock(true)
}

// SetHandler implements [Conn].
func (c *sock) SetHandler(h Handler) { c.handler = h }

// Finish implements [Conn].
func (c *sock) Finish(err error, linger time.Duration) { c.finish(finishing, err, linger) }

// Part implements [Conn].
func (c *sock) Part(err error, linger time.Duration) { c.finish(agreed, err, linger) }

// finish begins to end the connection in good order: to is finishing or agreed.
func (c *sock) finish(to state, err error, linger time.Duration) {
	c.mu.Lock()
	if c.state != open {
		c.mu.Unlock()
		return
	}
	c.state = to
	s := c.getStraits()
	s.reason = err
	if linger > 0 {
		s.linger = tick(0).after(linger)
	}
	c.ring()
	c.unlock(true)
}

// Abort implements [Conn].
func (c *sock) Abort(err error) {
	c.mu.Lock()
	if c.state >= aborted {
		c.mu.Unlock()
		return
	}
	c.abort(err)
	c.unlock(true)
}

// abort does what can be done without the loop. The lock is held.
func (c *sock) abort(err error) {
	if c.state == open && err != nil {
		c.getStraits().reason = err
	}
	c.state = max(c.state, aborted)
	c.ring()
}

// Detach hands the socket over to the caller and makes the loop forget it; Closed will not be called. Only Data may
// call it, and only while nothing is queued. Bytes given to Data belong to the connection's past: the new owner does
// not see them again. It returns [ErrClosed], or an error of the system; the connection goes on then.
func (c *sock) Detach() (net.Conn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.state != open:
		return nil, ErrClosed
	case c.writing || !c.queue.empty():
		return nil, errQueued
	}
	fd, err := unix.FcntlInt(uintptr(c.fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("dup", err)
	}
	f := os.NewFile(uintptr(fd), "socket")
	defer f.Close()
	nc, err := net.FileConn(f)
	if err != nil {
		return nil, err
	}
	c.state = detached
	c.ring()
	return nc, nil
}

// LocalAddr implements [Conn]. Once the socket is closed the address is unspecified.
func (c *sock) LocalAddr() net.Addr {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fd >= 0 {
		if sa, err := unix.Getsockname(int(c.fd)); err == nil {
			return addrOf(sa)
		}
	}
	return endpoint{family: c.peer.family}.addr()
}

// RemoteAddr implements [Conn]. It goes on working once the socket is closed.
func (c *sock) RemoteAddr() net.Addr { return c.peer.addr() }
