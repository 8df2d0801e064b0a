package main

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/molva-ws/molva/internal/console"
	"github.com/molva-ws/molva/internal/load"
)

// benchFlags are those of every kind of run.
type benchFlags struct {
	URL string `arg:"" help:"The server: ws://localhost:9001/, example.com/ws or :9001/. Without a scheme it is ws on this machine and wss elsewhere."`

	Conns    int           `short:"c" default:"${conns}" placeholder:"N" group:"Connections" help:"How many. Default: ${default}."`
	Ramp     float64       `placeholder:"N" group:"Connections" help:"Open so many in a second. Default: as fast as the server takes them."`
	AtOnce   int           `default:"128" placeholder:"N" group:"Connections" help:"Opening handshakes under way at a time. Default: ${default}."`
	Source   []addresses   `placeholder:"ADDRESS" group:"Connections" help:"Local addresses to come from, in turn: 127.0.0.2-127.0.0.9, or several with commas. Each has ports of its own. Default: as many of 127.0.0.0/8 as are needed, to a server there."`
	Timeout  time.Duration `default:"10s" placeholder:"TIME" group:"Connections" help:"How long an opening handshake may take, and messages that are under way at the end. Default: ${default}."`
	Header   []string      `short:"H" sep:"none" placeholder:"'NAME: VALUE'" group:"Connections" help:"Add a field to the requests. May be repeated."`
	Insecure bool          `group:"Connections" help:"Accept any certificate."`
	Compress bool          `group:"Connections" help:"Compress every message (permessage-deflate)."`

	Protocol  string `enum:"websocket,molva" default:"websocket" placeholder:"NAME" help:"What the server speaks: websocket, when it sends back what it gets, or molva, which is the client protocol of molva serve: connections join a room and publish to it. Default: ${default}."`
	PID       []int  `name:"pid" placeholder:"PID" help:"Processes of the server on this machine, to tell what it uses. May be repeated."`
	KeepGoing bool   `help:"Count all that is wrong with what comes back; otherwise the run ends with the first."`
	Loops     int    `placeholder:"N" help:"Event loops to drive the connections with. Default: half of the processors."`
	JSON      bool   `name:"json" help:"Print the result as one line of JSON."`
	HDR       string `name:"hdr" type:"path" placeholder:"FILE" help:"Write all percentiles of the latency to a file that HdrHistogram's plotter reads."`
	Quiet     bool   `short:"q" help:"No progress."`
}

// benchPart is flags that not every kind of run has.
type benchPart interface {
	apply(*load.Config) error
}

// config returns what the flags ask for, in the terms of package load.
func (f *benchFlags) config(mode load.Mode, parts ...benchPart) (load.Config, error) {
	address, err := console.ParseAddress(f.URL)
	if err != nil {
		return load.Config{}, err
	}
	header, err := requestHeader(f.Header)
	if err != nil {
		return load.Config{}, err
	}
	c := load.Config{
		Mode:      mode,
		URL:       address.URL.String(),
		Header:    header,
		TLS:       &tls.Config{InsecureSkipVerify: f.Insecure},
		Compress:  f.Compress,
		Conns:     f.Conns,
		Sources:   slices.Concat(f.Source...),
		Ramp:      f.Ramp,
		AtOnce:    f.AtOnce,
		Patience:  f.Timeout,
		PIDs:      f.PID,
		KeepGoing: f.KeepGoing,
		Molva:     f.Protocol == "molva",
		Loops:     f.Loops,
	}
	err = cmp.Or(positive("--conns", f.Conns), positive("--at-once", f.AtOnce), positive("--timeout", f.Timeout),
		notNegative("--ramp", f.Ramp), notNegative("--loops", f.Loops))
	for _, part := range parts {
		err = cmp.Or(err, part.apply(&c))
	}
	return c, err
}

func positive[N int | time.Duration](flag string, n N) error {
	if n <= 0 {
		return fmt.Errorf("%s: has to be more than 0", flag)
	}
	return nil
}

func notNegative[N int | float64 | time.Duration](flag string, n N) error {
	if n < 0 {
		return fmt.Errorf("%s: cannot be negative", flag)
	}
	return nil
}

func requestHeader(lines []string) (http.Header, error) {
	h := make(http.Header)
	for _, line := range lines {
		name, value, ok := strings.Cut(line, ":")
		if name = strings.TrimSpace(name); !ok || name == "" {
			return nil, fmt.Errorf("--header: %q is not 'Name: value'", line)
		}
		h.Add(name, strings.TrimSpace(value))
	}
	return h, nil
}

// payloadFlags say what messages are like.
type payloadFlags struct {
	Size messageSize `short:"s" default:"128" placeholder:"SIZE" group:"Messages" help:"Bytes in a message: 128, 64k, 1MiB. Default: ${default}."`
	Kind *load.Kind  `placeholder:"KIND" group:"Messages" help:"What is in them: binary, text, which is English letters, or unicode, which is many scripts. Default: binary; text with --protocol molva."`
	Raw  bool        `group:"Messages" help:"The server speaks no WebSocket: it is a TCP server that sends back bytes as they are."`
}

func (f *payloadFlags) apply(c *load.Config) error {
	c.Size, c.Raw = int(f.Size), f.Raw
	if f.Kind != nil {
		c.Kind = *f.Kind
		if c.Molva && c.Kind == load.Binary {
			return errors.New("--kind: messages in molva's client protocol are text or unicode")
		}
	}
	return nil
}

// windowFlags say how many messages there are, and for how long.
type windowFlags struct {
	Inflight int           `short:"n" default:"1" placeholder:"N" group:"Messages" help:"Messages under way at a time${inflight}. Default: ${default}."`
	Duration time.Duration `short:"d" default:"10s" placeholder:"TIME" group:"Messages" help:"How long to measure. Default: ${default}."`
	Messages uint64        `placeholder:"N" group:"Messages" help:"Measure so many messages in place of a time."`
	Warmup   time.Duration `default:"1s" placeholder:"TIME" group:"Messages" help:"What goes before and is not measured. Default: ${default}."`
}

func (f *windowFlags) apply(c *load.Config) error {
	c.Inflight, c.Duration, c.Messages, c.Warmup = f.Inflight, f.Duration, f.Messages, f.Warmup
	if f.Warmup == 0 {
		c.Warmup = -1
	}
	return cmp.Or(positive("--inflight", f.Inflight), positive("--duration", f.Duration),
		notNegative("--warmup", f.Warmup))
}

// rateFlags say at which rate messages are sent.
type rateFlags struct {
	Rate float64 `placeholder:"N" group:"Messages" help:"Send so many in a second${rate}, whether or not others have come back, as long as --inflight allows. Default: a message that comes back is followed by the next."`
}

func (f *rateFlags) apply(c *load.Config) error {
	c.Rate = f.Rate
	return notNegative("--rate", f.Rate)
}

// messageSize is a number of bytes, which may be 0.
type messageSize int

// UnmarshalText implements [encoding.TextUnmarshaler].
func (s *messageSize) UnmarshalText(text []byte) error {
	if string(text) == "0" {
		*s = 0
		return nil
	}
	var size console.Size
	if err := size.UnmarshalText(text); err != nil {
		return err
	}
	*s = messageSize(size)
	return nil
}

// addresses are one address, or all from one to another.
type addresses []netip.Addr

// mostAddresses is as many as a range may have: with 28,000 ports each, more than connections can be had.
const mostAddresses = 1024

// UnmarshalText implements [encoding.TextUnmarshaler].
func (a *addresses) UnmarshalText(text []byte) error {
	from, to, isRange := strings.Cut(string(text), "-")
	if !isRange {
		to = from
	}
	first, err := netip.ParseAddr(from)
	if err != nil {
		return fmt.Errorf("%q is not an address such as 127.0.0.2, or a range such as 127.0.0.2-127.0.0.9", text)
	}
	last, err := netip.ParseAddr(to)
	if err != nil || last.Less(first) || last.Is4() != first.Is4() {
		return fmt.Errorf("%q is not a range such as 127.0.0.2-127.0.0.9", text)
	}
	for *a = append(*a, first); first != last; *a = append(*a, first) {
		if first = first.Next(); len(*a) == mostAddresses {
			return fmt.Errorf("%q has more than %d addresses", text, mostAddresses)
		}
	}
	return nil
}
