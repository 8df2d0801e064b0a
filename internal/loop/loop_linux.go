package loop

import (
	"log/slog"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/molva-ws/molva/internal/buffer"
)

const (
	// readSize is the size of a loop's one read buffer, and bulkSize that of the other one, for connections of which a
	// whole readSize has come at once: a large message then arrives in one piece more often, and need not be copied.
	readSize = 64 << 10
	bulkSize = 256 << 10
	// bulkReads is how many reads that bring less it takes until a connection is no longer one of those.
	bulkReads = 8
	// maxEvents bounds what is taken from the poller at once.
	maxEvents = 1024
	// yieldAfter is how long a loop that never sleeps keeps other goroutines from its processor.
	yieldAfter = 100 * time.Microsecond
)

// An eventLoop serves many sockets in turns: whatever is ready, one read each; then who has asked for attention; then
// timers. It belongs to one goroutine at a time. Since that goroutine may be kept by a callback, and another go on in
// the middle of the turn, everything that a turn needs is here and nothing on the stack: each list is taken from
// before what was taken is dealt with.
type eventLoop struct {
	group  *Group
	poller poller
	start  time.Time

	word   atomic.Uint64 // see callback_linux.go
	asleep atomic.Bool   // waits in the poller, or is about to
	mail   mailbox
	tasks  taskList
	live   atomic.Int64 // connections whose Closed has not returned
	counts loopCounts
	direct directCounts

	// The rest belongs to the goroutine that drives the loop.

	now     time.Duration // since start, at the beginning of the turn
	tick    tick
	yielded time.Duration // when other goroutines last had their turn

	events []event // what the poller told; events[next:] is still to be served
	next   int

	reading  []*sock // there is more to read from these; reading[nextRead:] is still to be served
	nextRead int
	unread   []*sock // these come in the next turn
	letters  *sock   // from the mailbox, still to be looked at
	wheel    wheel

	socks table
	buf   *buffer.Buffer // what is read goes here
	large *buffer.Buffer // or here; nil until it is needed
	lent  *buffer.Buffer // the one of them that a callback has
	iov   vector
	spare *outbox // is lent to whoever's callback runs, so that an answer need not fetch one; nil while it is lent

	current  *sock         // whose callback runs
	takenAt  time.Duration // when the loop was last taken over
	cautious time.Duration // until when callbacks are not trusted to be quick
	lastSeen uint64        // belongs to the watch

	listeners    map[uint32]*acceptor
	lastListener uint32
	resume       tick // when accepting goes on after a pause; zero unless it pauses
	stopping     bool // no new connections; the loop ends with the last one
}

func newEventLoop(g *Group) (*eventLoop, error) {
	p, err := newEpoll(maxEvents)
	if err != nil {
		return nil, err
	}
	l := &eventLoop{
		group:     g,
		poller:    p,
		start:     time.Now().Add(-tickLength), // tick zero stands for never
		events:    make([]event, 0, maxEvents),
		buf:       buffer.Get(readSize),
		listeners: make(map[uint32]*acceptor),
	}
	l.clock()
	l.wheel.now = l.tick
	return l, nil
}

// tickNow returns the present tick to whoever asks.
func (l *eventLoop) tickNow() tick { return tick(time.Since(l.start) / tickLength) }

// after returns the tick at which d from now will have passed.
func (l *eventLoop) after(d time.Duration) tick { return l.tickNow().after(d) }

func (l *eventLoop) clock() {
	l.now = time.Since(l.start)
	l.tick = tick(l.now / tickLength)
}

// post makes the loop look at c, which must not be in the mailbox. It returns false if the loop has ended.
func (l *eventLoop) post(c *sock) bool {
	if !l.mail.put(c) {
		return false
	}
	l.rouse()
	return true
}

// rouse wakes the loop if it sleeps.
func (l *eventLoop) rouse() {
	if l.asleep.Load() && l.asleep.CompareAndSwap(true, false) {
		l.poller.wake()
	}
}

// run drives the loop until it ends or somebody has taken it over.
func (l *eventLoop) run() {
	for l.turn() && l.poll() {
	}
}

// turn serves everything that is ready. It returns false when the calling goroutine has lost the loop.
func (l *eventLoop) turn() (mine bool) {
	for l.next < len(l.events) {
		e := l.events[l.next]
		l.next++
		if !l.serve(e) {
			return false
		}
	}
	for l.nextRead < len(l.reading) {
		c := l.reading[l.nextRead]
		l.reading[l.nextRead] = nil
		l.nextRead++
		c.again = false
		if !l.read(c) {
			return false
		}
	}
	return l.readMail() && l.runTimers()
}

// serve deals with one event.
func (l *eventLoop) serve(e event) (mine bool) {
	if e.generation == listenerGeneration {
		l.accept(l.listeners[e.slot])
		return true
	}
	c := l.socks.get(e.token)
	if c == nil {
		return true
	}
	if c.dialing {
		return l.connected(c, e.readiness)
	}
	if e.readiness&readable != 0 {
		c.ready = true
		c.hungUp = c.hungUp || e.readiness&hungUp != 0
	}
	if c.full && e.readiness&writable != 0 && !l.nowWritable(c) {
		return false
	}
	if e.readiness&failed != 0 && c.away {
		return l.fail(c, socketError(c.fd))
	}
	return l.read(c)
}

// readLater makes c one of those to read from in the next turn.
func (l *eventLoop) readLater(c *sock) {
	if !c.again {
		c.again = true
		l.unread = append(l.unread, c)
	}
}

// readMail looks at everybody who has asked for it.
func (l *eventLoop) readMail() (mine bool) {
	if l.letters == nil {
		l.letters = l.mail.take()
	}
	for l.letters != nil {
		c := l.letters
		l.letters, c.mail = c.mail, nil
		if !l.readLetter(c) {
			return false
		}
	}
	for task := l.tasks.next(); task != nil; task = l.tasks.next() {
		task(l)
	}
	return true
}

func (l *eventLoop) readLetter(c *sock) (mine bool) {
	if c.token.generation == 0 {
		return l.enroll(c)
	}
	c.mu.Lock()
	c.mailed = false
	return l.attend(c)
}

// runTimers looks at everybody whose time has come.
func (l *eventLoop) runTimers() (mine bool) {
	if l.resume != 0 && !l.tick.before(l.resume) {
		l.resumeAccepting()
	}
	for c := l.wheel.expired(l.tick); c != nil; c = l.wheel.expired(l.tick) {
		if !l.expire(c) {
			return false
		}
	}
	return true
}

// poll finds out what is ready, and sleeps until something is. It returns false when the loop has ended.
func (l *eventLoop) poll() bool {
	if l.stopping && l.socks.len() == 0 && l.mail.close() {
		l.end()
		return false
	}
	l.counts.publish()
	if l.now-l.yielded > yieldAfter {
		runtime.Gosched()
		l.yielded = l.now
	}
	l.next, l.events = 0, l.events[:maxEvents]
	n, err := l.poller.ready(l.events)
	if n == 0 && err == nil && len(l.unread) == 0 {
		n, err = l.sleep()
	}
	if err != nil {
		// The poller's own descriptor is broken: no way to go on, and no connection to blame.
		l.group.cfg.log().Error("event loop", slog.Any("error", err))
		time.Sleep(time.Second)
	}
	l.events = l.events[:n]
	l.reading, l.unread, l.nextRead = l.unread, l.reading[:0], 0
	l.clock()
	return true
}

// sleep waits for an event, a letter or a timer.
func (l *eventLoop) sleep() (int, error) {
	l.asleep.Store(true)
	l.current = nil
	var n int
	var err error
	if l.mail.empty() && l.tasks.empty() {
		n, err = l.poller.wait(l.events, l.alarm())
		l.yielded = time.Since(l.start)
	}
	l.asleep.Store(false)
	l.group.watch.start()
	return n, err
}

// alarm returns until when the loop may sleep; zero means for ever.
func (l *eventLoop) alarm() time.Time {
	t := sooner(l.wheel.next(), l.resume)
	if t == 0 {
		return time.Time{}
	}
	return l.start.Add(time.Duration(l.tick)*tickLength + time.Duration(int32(t-l.tick))*tickLength)
}

// end gives back what the loop holds.
func (l *eventLoop) end() {
	for _, a := range l.listeners {
		l.removeListener(a)
	}
	l.asleep.Store(true)
	l.poller.close()
	l.buf.Free()
	l.large.Free()
	l.counts.publish()
	l.group.running.Done()
}
