package console

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
)

// ErrClosed is returned by [Run] for a connection that did not end well. The user has been told why.
var ErrClosed = errors.New("the connection did not end well")

// Run connects, sends what is typed and shows what arrives, until an end of either side. When the context ends it
// closes the connection in order. The error is a [*UsageError], the context's while connecting, [ErrClosed], or says
// in some lines why the server could not be reached.
func Run(ctx context.Context, o Options, s Streams) error {
	d, err := newDialing(&o)
	if err != nil {
		return err
	}
	screen := newScreen(&o, s)
	c, response, err := d.connect(ctx, screen)
	if err != nil {
		return err
	}
	defer c.CloseNow()
	screen.event("connected to %s%s", d.address, agreed(response.Header))
	if o.Verbose {
		screen.event("%s", headerLines(response))
	}
	session := newSession(c, &o, screen, s)
	return session.run(ctx)
}

// agreed tells what the handshake settled.
func agreed(h http.Header) string {
	var text string
	if subprotocol := h.Get("Sec-Websocket-Protocol"); subprotocol != "" {
		text += ", subprotocol " + subprotocol
	}
	if extensions := h.Values("Sec-Websocket-Extensions"); len(extensions) > 0 {
		text += ", " + strings.Join(extensions, ", ")
	}
	return text
}

// headerLines returns the response's status line and header.
func headerLines(r *http.Response) string {
	lines := []string{}
	for name, values := range r.Header {
		for _, value := range values {
			lines = append(lines, name+": "+value)
		}
	}
	slices.Sort(lines)
	return r.Proto + " " + r.Status + "\n" + strings.Join(lines, "\n")
}
