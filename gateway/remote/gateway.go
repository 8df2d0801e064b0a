package remote

import (
	"context"
	"errors"
	"iter"

	"github.com/molva-ws/molva/gateway/api"
)

// ErrClosed is returned by a [Gateway] whose Close was called.
var ErrClosed = errors.New("gateway: remote is closed")

// Gateway says commands to a gateway in another process: by HTTP if it comes from [New], on the local socket from
// [DialSocket] or [DialTCP]. Its methods may be called from any goroutine.
type Gateway struct {
	transport transport
}

// transport is one of the ways to a gateway.
type transport interface {
	do(ctx context.Context, c *api.Command) (*api.Answer, error)
	stream(ctx context.Context, commands iter.Seq[*api.Command]) iter.Seq2[*api.Answer, error]
	close() error
}

// Do says a command and waits for its answer. What the gateway refuses is no error, but an answer whose OK is false.
// An error means that there is no answer, which does not tell whether the command was carried out; on the local socket
// no other command gets one then, either, unless it is the context's error.
func (g *Gateway) Do(ctx context.Context, c *api.Command) (*api.Answer, error) {
	return g.transport.do(ctx, c)
}

// Stream says commands by the thousand without waiting for one answer before the next command. It yields an answer to
// each command, in the same order, and ends after the last one or after the first error. Many commands share a system
// call, or a request, but none waits for those that have not come yet, so they may as well be typed.
//
// The sequence runs in a goroutine of its own. If the loop over the answers ends early, that goroutine ends with the
// next command that the sequence yields; those that were said by then may have been carried out.
func (g *Gateway) Stream(ctx context.Context, commands iter.Seq[*api.Command]) iter.Seq2[*api.Answer, error] {
	return g.transport.stream(ctx, commands)
}

// Close ends the connections. Commands that wait for an answer get [ErrClosed].
func (g *Gateway) Close() error { return g.transport.close() }
