package loop

import (
	"time"

	"github.com/molva-ws/molva/internal/buffer"
)

// A callback runs on its loop, and the loop may be taken away from it. The loop's word counts the callbacks, in all
// bits but the lowest, which is set while one runs. Whoever adds one to a word that is odd, which succeeds only once,
// owns the loop: the goroutine that ran the callback, after it has returned, or the watch, when it has not returned in
// time. The latter then lets another goroutine drive the loop, see inherit. To a quick callback this costs two atomic
// operations.

type callback uint8

const (
	callOpen callback = iota
	callData
	callTimer
	callClosed
)

const (
	// slowCalls is how many callbacks of a connection must have been quick before they are run on the loop again
	// after one has blocked.
	slowCalls = 4
	// Two takeovers within surprise make a loop run all callbacks outside for the time of caution: that a thousand
	// connections begin to block at once then takes one or two times Blocked, not a thousand.
	surprise = 10 * time.Millisecond
	caution  = 50 * time.Millisecond
)

// call runs a callback of c and then attends to c. Unless the callback is Closed, c.attended is set. It returns false
// if the loop was taken over meanwhile; the caller must not touch anything then.
func (l *eventLoop) call(c *sock, k callback, p []byte) (mine bool) {
	if c.slow > 0 || l.now < l.cautious {
		return l.dispatch(c, k, p)
	}
	l.current = c
	lent := l.lent
	word := l.word.Load()
	l.word.Store(word + 1)
	c.run(k, p)
	if !l.word.CompareAndSwap(word+1, word+2) {
		lent.Free()
		c.comeBack(k, returnedLate)
		return false
	}
	if k == callClosed {
		l.gone()
		return true
	}
	c.mu.Lock()
	return l.attend(c)
}

func (c *sock) run(k callback, p []byte) {
	switch k {
	case callOpen:
		c.handler.(*opening).run(c)
	case callData:
		c.handler.Data(p)
	case callTimer:
		c.handler.Timer()
	case callClosed:
		c.handler.Closed(c.inStraits().reason)
	}
}

// inherit drives a loop that was taken away from a goroutine in the middle of its turn.
func (l *eventLoop) inherit() {
	l.clock()
	if l.now < l.takenAt+surprise {
		l.cautious = l.now + caution
	}
	l.takenAt = l.now
	l.counts.handovers++
	l.replaceLent()
	c := l.current
	c.slow = slowCalls
	c.mu.Lock()
	c.away = true
	if l.attend(c) {
		l.run()
	}
}

// dispatch runs a callback in a goroutine of its own.
func (l *eventLoop) dispatch(c *sock, k callback, p []byte) (mine bool) {
	l.counts.dispatched++
	var b *buffer.Buffer
	if len(p) > 0 {
		b = buffer.Get(len(p))
		b.Append(p)
	}
	c.mu.Lock()
	c.away = true
	mine = l.attend(c)
	go c.runAway(k, b)
	return mine
}

func (c *sock) runAway(k callback, b *buffer.Buffer) {
	began := time.Now()
	c.run(k, b.Bytes())
	b.Free()
	how := returnedLate
	if time.Since(began) < c.loop.group.cfg.blocked()/2 {
		how = returnedQuickly
	}
	c.comeBack(k, how)
}

// comeBack gives c back to its loop after a callback has returned elsewhere.
func (c *sock) comeBack(k callback, how comeback) {
	if k == callClosed {
		c.loop.gone()
		return
	}
	c.mu.Lock()
	c.attended = false
	if c.fd >= 0 {
		c.returned = how
		c.unlock(true)
		return
	}
	// The loop has closed the socket, and may itself be gone.
	detached := c.state == detached
	c.state = closed
	c.mu.Unlock()
	if !detached {
		c.handler.Closed(c.inStraits().reason)
	}
	c.loop.gone()
}

// opening is the handler of a connection that has none yet.
type opening struct {
	open    func(Conn) Handler
	initial []byte
}

func (o *opening) run(c *sock) {
	h := o.open(c)
	if h == nil {
		c.handler = refused
		c.Abort(nil)
		return
	}
	c.handler = h
	if len(o.initial) > 0 && c.isOpen() {
		h.Data(o.initial)
	}
}

func (*opening) Data([]byte)  {}
func (*opening) Timer()       {}
func (*opening) Closed(error) {}

// refused is the handler of a connection that nobody wanted.
var refused Handler = new(opening)
