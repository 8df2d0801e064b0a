package console

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"time"

	"github.com/molva-ws/molva"
)

// session is an open connection and the user at it.
type session struct {
	conn        *molva.Conn
	opts        *Options
	screen      *screen
	in          *lines
	interactive bool // somebody types

	sent     int          // bytes of the messages sent
	showing  atomic.Bool  // a message is being written to the output
	lastSeen atomic.Int64 // when the last one had been, as of time.Since(started)
	started  time.Time
}

func newSession(c *molva.Conn, o *Options, s *screen, streams Streams) *session {
	limit := o.maxMessage()
	if o.Binary {
		limit *= 3 // two digits and a space
	}
	return &session{
		conn:        c,
		opts:        o,
		screen:      s,
		in:          newLines(streams.In, limit),
		interactive: streams.InTerminal,
		started:     time.Now(),
	}
}

// leaving is why this end closes the connection.
type leaving struct {
	code   molva.CloseCode
	reason string
	err    error // what went wrong here, if anything did
}

func (l *leaving) Error() string { return "leaving" }

func leave(err error) *leaving { return &leaving{code: molva.CloseNormal, err: err} }

// run works until the connection has ended.
func (s *session) run(ctx context.Context) error {
	work, stop := context.WithCancel(context.Background()) // an interrupt is no reason to drop what has arrived
	defer stop()
	received, spoken := make(chan error, 1), make(chan error, 1)
	go func() { received <- s.receive(work) }()
	if s.interactive {
		s.screen.startPrompt()
	}
	go func() { spoken <- s.speak(work) }()
	why := s.await(ctx, work, received, spoken)
	s.screen.stopPrompt()
	return s.end(why)
}

// await returns why it is time to leave, or how the connection ended.
func (s *session) await(ctx, work context.Context, received, spoken <-chan error) error {
	var silence chan struct{}
	for {
		select {
		case <-ctx.Done():
			return leave(nil)
		case err := <-received:
			return err
		case err := <-spoken:
			switch {
			case err == nil && s.interactive:
				return leave(nil) // Ctrl-D
			case err == nil:
				silence = make(chan struct{})
				go s.awaitSilence(work, silence)
			case !errors.Is(err, molva.ErrClosed): // that is told by who receives
				return err
			}
			spoken = nil
		case <-silence:
			return leave(nil)
		}
	}
}

// receive shows what arrives. It returns a *leaving, or how the connection ended.
func (s *session) receive(ctx context.Context) error {
	n := 0
	for m, err := range s.conn.Messages(ctx) {
		if err != nil {
			return err
		}
		s.showing.Store(true)
		err = s.screen.message(m)
		s.lastSeen.Store(int64(time.Since(s.started)))
		s.showing.Store(false)
		if err != nil {
			return leave(outputError(err))
		}
		if n++; n == s.opts.Count {
			return leave(nil)
		}
	}
	return leave(nil)
}

// outputError leaves out that nobody reads any more, which is a way to end a pipe like any other.
func outputError(err error) error {
	if isBrokenPipe(err) || errors.Is(err, io.ErrClosedPipe) {
		return nil
	}
	return err
}

// muchSent is how many bytes one socket or another holds back without ado.
const muchSent = 64 << 10

// awaitSilence closes silent when the server has read everything and then been silent for long enough. If only little
// was sent it is taken for read: simple servers answer no ping.
func (s *session) awaitSilence(ctx context.Context, silent chan<- struct{}) {
	if s.sent > muchSent {
		slow := time.AfterFunc(2*time.Second, func() { s.screen.event("waiting for the server to read everything") })
		defer slow.Stop()
		s.conn.Ping(ctx) // its pong comes after what was sent before
		slow.Stop()
	}
	wait, forever := s.opts.wait()
	if forever {
		return
	}
	since := time.Since(s.started)
	for {
		idle := time.Since(s.started) - max(since, time.Duration(s.lastSeen.Load()))
		if s.showing.Load() {
			idle = 0 // who reads the output is slow, the server is not
		}
		if idle >= wait {
			close(silent)
			return
		}
		select {
		case <-time.After(max(wait-idle, time.Millisecond)):
		case <-ctx.Done():
			return
		}
	}
}
