package console

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/molva-ws/molva/internal/bytesize"
)

// Options is what the user asked for.
type Options struct {
	Address      string   // a URL, or what [ParseAddress] makes one of
	Header       []string // fields of the request, each as "Name: value"
	Subprotocols []string
	Origin       string
	UserAgent    string
	Compress     bool
	Insecure     bool          // accept any certificate
	Unix         string        // path of the Unix socket to connect to, instead of the URL's host
	Timeout      time.Duration // of the opening; 0 means 10 s
	Keepalive    time.Duration // silence after which the server is given up; 0 means forever

	Binary     bool // lines typed are hex, sent as binary messages
	Raw        bool // payloads are written as they are, with nothing between them
	Pretty     bool // JSON is indented
	Timestamps bool
	Verbose    bool
	Quiet      bool // only errors on the error stream

	Wait       Wait // how long the server may be silent after the end of a piped input
	Count      int  // messages received after which to end; 0 for any number
	MaxMessage Size // largest message received, and longest line sent; 0 means 64 MiB
}

const (
	defaultMaxMessage = 64 << 20
	defaultWait       = time.Second
)

// UsageError reports an option that makes no sense.
type UsageError struct{ text string }

func (e *UsageError) Error() string { return e.text }

func usagef(format string, args ...any) error { return &UsageError{fmt.Sprintf(format, args...)} }

func (o *Options) maxMessage() int {
	if o.MaxMessage > 0 {
		return int(o.MaxMessage)
	}
	return defaultMaxMessage
}

// header returns the fields to add to the request.
func (o *Options) header() (http.Header, error) {
	h := http.Header{}
	for _, line := range o.Header {
		name, value, ok := strings.Cut(line, ":")
		if name = strings.TrimSpace(name); !ok || name == "" {
			return nil, usagef("header %q is not 'Name: value'", line)
		}
		h.Add(name, strings.TrimSpace(value))
	}
	if o.Origin != "" {
		h.Set("Origin", o.Origin)
	}
	if _, given := h["User-Agent"]; !given {
		h.Set("User-Agent", o.UserAgent)
	}
	return h, nil
}

// Size is a number of bytes, written as 4096, 64k, 64KiB, 10MB or 1GiB.
type Size = bytesize.Size

// Wait is how long to wait. The zero value is the default, which depends on what is waited for.
type Wait struct {
	set      bool
	forever  bool
	duration time.Duration
}

// UnmarshalText implements [encoding.TextUnmarshaler]: a duration, or forever.
func (w *Wait) UnmarshalText(text []byte) error {
	*w = Wait{set: true}
	if string(text) == "forever" {
		w.forever = true
		return nil
	}
	d, err := time.ParseDuration(string(text))
	if err != nil || d < 0 {
		return errors.New("want a duration such as 500ms or 2s, or forever")
	}
	w.duration = d
	return nil
}

// wait returns how long the server may be silent after the end of the input. Who counts messages waits for them.
func (o *Options) wait() (d time.Duration, forever bool) {
	switch {
	case o.Wait.set:
		return o.Wait.duration, o.Wait.forever
	case o.Count > 0:
		return 0, true
	}
	return defaultWait, false
}
