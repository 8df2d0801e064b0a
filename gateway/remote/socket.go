package remote

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"sync"

	"github.com/molva-ws/molva/gateway/api"
	"github.com/molva-ws/molva/gateway/localsocket"
)

const (
	// inFlight is how many commands of one connection may wait for their answers.
	inFlight = 4096
	// burstBytes is how many bytes of commands share a system call, roughly.
	burstBytes = 64 << 10
)

// DialSocket connects to the local socket at path; see [localsocket.DefaultPath].
func DialSocket(ctx context.Context, path string) (*Gateway, error) {
	nc, err := localsocket.Dial(ctx, path)
	if err != nil {
		return nil, err
	}
	return &Gateway{transport: newSocketTransport(nc)}, nil
}

// DialTCP connects to a gateway that serves its commands on a TCP address, where it asks for a key.
func DialTCP(ctx context.Context, addr, key string) (*Gateway, error) {
	nc, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("gateway: no server at the address: %w", err)
	}
	s := newSocketTransport(nc)
	answer, err := s.say(ctx, newCall(authLine(key)))
	if err == nil && !answer.OK {
		err = fmt.Errorf("gateway: %s: %s", answer.Error, answer.Message)
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return &Gateway{transport: s}, nil
}

// socketTransport pipelines commands on a connection. One goroutine writes whatever has gathered, another reads answers
// and gives them to the calls in the order in which they were written.
type socketTransport struct {
	nc       net.Conn
	outgoing chan *call // to be written
	awaiting chan *call // written

	ended chan struct{} // closed with err set
	once  sync.Once
	err   error
	gone  sync.WaitGroup // the two goroutines
}

// call is a command on its way.
type call struct {
	line   []byte
	answer *api.Answer
	err    error
	done   chan struct{} // closed when one of them is there
}

func newCall(line []byte) *call { return &call{line: line, done: make(chan struct{})} }

func newSocketTransport(nc net.Conn) *socketTransport {
	s := &socketTransport{
		nc:       nc,
		outgoing: make(chan *call, 256),
		awaiting: make(chan *call, inFlight),
		ended:    make(chan struct{}),
	}
	s.gone.Go(s.write)
	s.gone.Go(s.read)
	return s
}

func (s *socketTransport) do(ctx context.Context, c *api.Command) (*api.Answer, error) {
	line, err := encodeCommand(c)
	if err != nil {
		return nil, err
	}
	return s.say(ctx, newCall(line))
}

func (s *socketTransport) say(ctx context.Context, c *call) (*api.Answer, error) {
	if err := s.start(ctx, c); err != nil {
		return nil, err
	}
	return s.wait(ctx, c)
}

// start hands a call to the goroutine that writes.
func (s *socketTransport) start(ctx context.Context, c *call) error {
	select {
	case s.outgoing <- c:
		return nil
	case <-s.ended:
		return s.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *socketTransport) wait(ctx context.Context, c *call) (*api.Answer, error) {
	select {
	case <-c.done:
		return c.answer, c.err
	default:
	}
	select {
	case <-c.done:
		return c.answer, c.err
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-s.ended:
	}
	select {
	case <-c.done: // the last thing that came
		return c.answer, c.err
	default:
		return nil, s.err
	}
}

// write writes calls, as many at a time as there are.
func (s *socketTransport) write() {
	var burst []byte
	for {
		if cap(burst) > 4*burstBytes {
			burst = nil // a large message must not stay for ever
		}
		select {
		case <-s.ended:
			return
		case c := <-s.outgoing:
			if burst = s.gather(burst[:0], c); burst == nil {
				return
			}
		}
		if _, err := s.nc.Write(burst); err != nil {
			s.end(fmt.Errorf("gateway: the connection to the server broke: %w", err))
			return
		}
	}
}

// gather appends c to a burst, and what else is waiting. It returns nil when the connection has ended.
func (s *socketTransport) gather(burst []byte, c *call) []byte {
	for {
		select {
		case s.awaiting <- c:
		default:
			// Nobody answers what was not sent.
			if _, err := s.nc.Write(burst); err != nil {
				s.end(fmt.Errorf("gateway: the connection to the server broke: %w", err))
				return nil
			}
			burst = burst[:0]
			select {
			case s.awaiting <- c:
			case <-s.ended:
				return nil
			}
		}
		burst = append(burst, c.line...)
		c.line = nil
		if len(burst) >= burstBytes {
			return burst
		}
		select {
		case c = <-s.outgoing:
		default:
			return burst
		}
	}
}

// read gives answers to calls.
func (s *socketTransport) read() {
	lines := bufio.NewReaderSize(s.nc, 16<<10)
	var long []byte
	for {
		line, err := lines.ReadSlice('\n')
		if err == bufio.ErrBufferFull {
			long = append(long, line...)
			continue
		}
		if err != nil {
			s.end(readError(err))
			return
		}
		if len(long) > 0 {
			line = append(long, line...)
			long = nil
		}
		if err := s.answered(line); err != nil {
			s.end(err)
			return
		}
	}
}

func readError(err error) error {
	if err == io.EOF {
		return fmt.Errorf("gateway: the server closed the connection: %w", io.ErrUnexpectedEOF)
	}
	return fmt.Errorf("gateway: the connection to the server broke: %w", err)
}

// answered gives a line to the call that waits longest. One that nobody waits for is why the server closes.
func (s *socketTransport) answered(line []byte) error {
	answer, err := decodeAnswer(line)
	if err != nil {
		return err
	}
	select {
	case c := <-s.awaiting:
		c.answer = answer
		close(c.done)
		return nil
	default:
		return fmt.Errorf("gateway: the server closes the connection: %s: %s", answer.Error, answer.Message)
	}
}

// end gives the connection up.
func (s *socketTransport) end(err error) {
	s.once.Do(func() {
		s.err = err
		close(s.ended)
		s.nc.Close()
	})
}

func (s *socketTransport) close() error {
	s.end(ErrClosed)
	s.gone.Wait()
	return nil
}
