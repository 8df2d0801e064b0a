package load

import (
	"crypto/tls"
	"errors"
	"net/http"
	"net/netip"
	"runtime"
	"time"
)

// Mode says what the connections do.
type Mode string

// The modes.
const (
	Echo   Mode = "echo"   // messages go to an echo server and back, a number of them under way
	Idle   Mode = "idle"   // connections are held; at the end some of them echo a message
	Fanout Mode = "fanout" // one connection publishes, all others receive
	Storm  Mode = "storm"  // all connections are cut and come back, several times
	Soak   Mode = "soak"   // messages of all kinds, pings, connections that come and go
)

// Config says what a run does. Zero fields mean the defaults.
type Config struct {
	Mode   Mode
	URL    string      // ws, wss, http or https
	Header http.Header // to add to the opening handshake
	TLS    *tls.Config // for wss
	// Raw is for a server that speaks no WebSocket and echoes the bytes of a client's frames as they are.
	Raw bool
	// Molva is for a server that speaks the client protocol of molva serve: connections join rooms, and publish to them.
	// Messages are text then.
	Molva    bool
	Compress bool // offer permessage-deflate, and compress every message

	Conns   int          // default 100; 10 for Soak
	Sources []netip.Addr // local addresses to come from, in turn; default: as many of 127.0.0.0/8 as are needed there
	Ramp    float64      // connections to open in a second; default: as many as the server takes
	AtOnce  int          // opening handshakes under way at a time; default 128
	Loops   int          // event loops; default: half of the processors

	Kind     Kind
	Size     int     // bytes in a message; of Soak, in the largest
	Inflight int     // messages under way on a connection, default 1
	Rate     float64 // Echo, Fanout, Soak: messages to send in a second, in all; default: as fast as they come back

	Duration time.Duration // of what is measured; default 10 s
	Messages uint64        // measure so many messages in place of a time
	Warmup   time.Duration // what goes before, default 1 s; negative for none
	Hold     time.Duration // Idle: how long the connections are held, default 10 s
	Rounds   int           // Storm: how often all are cut and come back, default 3
	Lifetime int           // Soak: messages after which a connection is replaced, on average, default 1,000
	Patience time.Duration // for an opening handshake, and for the next message of those under way at the end; default 10 s

	PIDs      []int  // processes of the server, whose processor time and memory are to be told
	KeepGoing bool   // count everything that is wrong; otherwise the run ends with the first
	Seed      uint64 // Soak: of everything that is chosen at random

	// Progress, if set, is called once a second, from one goroutine.
	Progress func(Progress)
}

// Progress is what a run has come to.
type Progress struct {
	Phase    string        // opening, warming up, measuring …
	Elapsed  time.Duration // since the phase began
	Total    time.Duration // that the phase takes; 0 if that is not known
	Open     int           // connections
	Conns    int           // that there should be
	Messages uint64        // that have come back in this phase
	Rate     float64       // messages in a second, over the last second
	Faults   uint64
}

// ErrConfig says that a configuration cannot be run.
var ErrConfig = errors.New("not a run")

const (
	mostConns = 1<<sourceBits - 1 // what the numbers in messages reach to
	mostSize  = 256 << 20         // bytes in a message
	mostLoops = 1024
	// mostRate is more than any client can send, and little enough that noting what is due leaves time for all else.
	mostRate = 10_000_000
)

func (c *Config) withDefaults() (*Config, error) {
	d := *c
	setDefault(&d.Mode, Echo)
	setDefault(&d.Conns, map[bool]int{true: 10, false: 100}[d.Mode == Soak])
	setDefault(&d.AtOnce, 128)
	setDefault(&d.Inflight, 1)
	setDefault(&d.Loops, max(1, runtime.GOMAXPROCS(0)/2))
	setDefault(&d.Duration, 10*time.Second)
	setDefault(&d.Warmup, time.Second)
	d.Warmup = max(d.Warmup, 0)
	setDefault(&d.Hold, 10*time.Second)
	setDefault(&d.Rounds, 3)
	setDefault(&d.Lifetime, 1000)
	setDefault(&d.Patience, 10*time.Second)
	d.Loops = min(d.Loops, d.Conns)
	if d.Molva && d.Kind == Binary {
		d.Kind = Text
	}
	return &d, d.check()
}

func setDefault[T comparable](field *T, value T) {
	if *field == *new(T) {
		*field = value
	}
}

func (c *Config) check() error {
	switch {
	case c.Conns < 1 || c.Conns > mostConns:
		return wrong("there can be 1 to %d connections", mostConns)
	case c.Mode == Fanout && c.Conns < 2:
		return wrong("a fan-out needs two connections, a publisher and a receiver")
	case c.Inflight < 1 || c.Inflight > 1<<20:
		return wrong("a connection can have 1 to %d messages in flight", 1<<20)
	case c.Size < 0 || c.Size > mostSize:
		return wrong("a message can have 0 to %d MiB", mostSize>>20)
	case c.Mode == Soak && c.Size < tagSize:
		return wrong("a soak needs messages of %d bytes and more, which hold their number", tagSize)
	case c.Raw && (c.Compress || c.Molva || c.Mode == Soak):
		return wrong("without WebSocket there is neither compression nor a room nor a soak")
	case c.Duration < 0 || c.Patience < 0 || c.Hold < 0 || c.Rounds < 0 || c.AtOnce < 0:
		return wrong("a number is negative")
	case c.Loops < 0 || c.Loops > mostLoops:
		return wrong("there can be 1 to %d loops", mostLoops)
	}
	return c.checkRates()
}

// checkRates is written so that it refuses what is not a number, too.
func (c *Config) checkRates() error {
	switch {
	case c.Rate != 0 && (c.Mode == Idle || c.Mode == Storm):
		return wrong("only an echo, a fan-out and a soak have a rate")
	case !(c.Rate >= 0 && c.Rate <= mostRate):
		return wrong("the rate can be up to %d messages a second", mostRate)
	case !(c.Ramp >= 0 && c.Ramp <= mostRate):
		return wrong("up to %d connections can be opened in a second", mostRate)
	}
	return nil
}
