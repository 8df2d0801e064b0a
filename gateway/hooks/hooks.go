package hooks

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/molva-ws/molva/internal/quietlog"
)

// Hooks tell the application what happens. They are made by New, and their methods may be called from any goroutine.
type Hooks struct {
	log    quietlog.Log
	prefix string // of the ids of events, so that those of two runs differ
	queue  *queue
	counts counts

	reloading sync.Mutex
	current   atomic.Pointer[setup]

	cancel context.CancelFunc // ends what is on its way
	ended  chan struct{}      // closed when nothing is sent any more
}

// New begins to send what Observer will be told. End it with Shutdown. The error joins everything that Options.Check
// finds.
func New(o Options) (*Hooks, error) {
	if err := o.wrong(); err != nil {
		return nil, err
	}
	o = o.withDefaults()
	h := &Hooks{
		log:    quietlog.Log{Logger: o.Logger},
		prefix: strings.ToLower(rand.Text()[:8]),
		queue:  newQueue(o.QueueEvents, o.QueueBytes),
		ended:  make(chan struct{}),
	}
	set := h.newSetup(o)
	h.current.Store(set)
	var ctx context.Context
	ctx, h.cancel = context.WithCancel(context.Background())
	sending := &sender{Hooks: h, to: set, closing: h.queue.closing}
	go sending.run(ctx)
	return h, nil
}

// UnsentError says that Shutdown had no time to send everything.
type UnsentError struct {
	Events int // how many were not sent
	cause  error
}

// Error says how many events were not sent, and why.
func (e *UnsentError) Error() string {
	return fmt.Sprintf("hooks: %d events were not sent to the application: %v", e.Events, e.cause)
}

// Unwrap returns the error of the context.
func (e *UnsentError) Unwrap() error { return e.cause }

// Shutdown sends what waits and ends. What happens from now on is not told, so that the gateway should be shut down
// before. If the context is done first, the rest is dropped, and the error is an [*UnsentError].
func (h *Hooks) Shutdown(ctx context.Context) error {
	h.queue.close()
	select {
	case <-h.ended:
	case <-ctx.Done():
	}
	h.cancel()
	<-h.ended
	if n := h.queue.abandon(); n > 0 {
		return &UnsentError{n, ctx.Err()}
	}
	return nil
}

// Stats is what Hooks have counted. Events is always the sum of Queued, Sent, Failed and Dropped.
type Stats struct {
	Events      uint64 // that there were to tell
	Queued      int    // of them, now
	QueuedBytes int
	Sent        uint64 // taken by the application
	Failed      uint64 // refused by the application, or given up
	Dropped     uint64 // for want of room, or of time at the end

	Requests      uint64        // that told events, again ones included
	RequestErrors uint64        // of them, those without a good answer
	LastTook      time.Duration // by the last one
	BadAnswers    uint64        // answers that made no sense
	Commands      uint64        // in answers, that were carried out
	CommandErrors uint64        // that were not
	Asked         uint64        // questions that were asked
	AskRefused    uint64        // of them, those answered with no
	AskErrors     uint64        // those without a good answer
	AskCached     uint64        // not asked, as the answer was known, or somebody else was just asking
	AskSpared     uint64        // not asked, as there was no answer to those before, or too many waited
}

// counts are those that the queue does not keep.
type counts struct {
	requests, requestErrors, badAnswers, commands, commandErrors atomic.Uint64
	asked, askRefused, askErrors, askCached, askSpared           atomic.Uint64
	took                                                         atomic.Int64
}

// Stats returns what was counted so far.
func (h *Hooks) Stats() Stats {
	c := &h.counts
	s := Stats{
		Requests:      c.requests.Load(),
		RequestErrors: c.requestErrors.Load(),
		LastTook:      time.Duration(c.took.Load()),
		BadAnswers:    c.badAnswers.Load(),
		Commands:      c.commands.Load(),
		CommandErrors: c.commandErrors.Load(),
		Asked:         c.asked.Load(),
		AskRefused:    c.askRefused.Load(),
		AskErrors:     c.askErrors.Load(),
		AskCached:     c.askCached.Load(),
		AskSpared:     c.askSpared.Load(),
	}
	q := h.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	s.Events, s.Queued, s.QueuedBytes = q.last, len(q.items), q.bytes
	s.Sent, s.Failed, s.Dropped = q.sent, q.failed, q.dropped
	return s
}
