package remote

import (
	"context"
	"iter"

	"github.com/molva-ws/molva/gateway/api"
)

func (s *socketTransport) stream(ctx context.Context, commands iter.Seq[*api.Command]) iter.Seq2[*api.Answer, error] {
	return func(yield func(*api.Answer, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		calls := make(chan *call, inFlight)
		go s.startAll(ctx, commands, calls)
		for {
			var c *call
			select {
			case c = <-calls:
			case <-ctx.Done():
				yield(nil, ctx.Err())
				return
			}
			if c == nil {
				return
			}
			if answer, err := s.wait(ctx, c); !yield(answer, err) || err != nil {
				return
			}
		}
	}
}

// startAll starts commands and passes them on in the same order. It closes calls after the last one.
func (s *socketTransport) startAll(ctx context.Context, commands iter.Seq[*api.Command], calls chan<- *call) {
	for command := range commands {
		line, err := encodeCommand(command)
		c := newCall(line)
		if err == nil {
			err = s.start(ctx, c)
		}
		if err != nil {
			c.err = err
			close(c.done)
		}
		select {
		case calls <- c:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
	close(calls)
}
