//go:build linux

// Command load drives a WebSocket echo or broadcast server, or one with no
// protocol at all, from one thread and checks every byte that comes back.
//
//	load -addr 127.0.0.1:9001 -conns 1000 -size 128 -duration 5s -pid $(pidof echo)
//
// Modes: echo keeps -inflight messages under way on each connection; idle opens
// connections, holds them and then echoes on a sample; fanout publishes on one
// and waits for all the others. With -pid it reports what the server used.
package main

import (
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/molva-ws/molva/bench/internal/client"
	"github.com/molva-ws/molva/bench/internal/traffic"
)

func main() {
	c, asJSON, err := parseFlags(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	var result *Result
	if err == nil {
		result, err = c.run()
	}
	if err == nil {
		err = result.print(os.Stdout, asJSON)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

// config is what the flags ask for.
type config struct {
	mode     string
	addr     netip.AddrPort
	source   netip.Addr
	path     string
	raw      bool
	text     bool
	conns    int
	inflight int
	size     int
	messages uint64 // measured; 0 measures for duration
	duration time.Duration
	warmup   time.Duration
	hold     time.Duration
	limit    time.Duration // for connecting, and for stragglers
	pids     []int
}

// maxConns leaves some of the usual 20,000 descriptors for everything else.
const maxConns = 18_000

var errUsage = errors.New("wrong flags")

func parseFlags(args []string) (c *config, asJSON bool, err error) {
	c = &config{}
	fs := flag.NewFlagSet("load", flag.ContinueOnError)
	fs.StringVar(&c.mode, "mode", "echo", "echo, idle or fanout")
	fs.TextVar(&c.addr, "addr", netip.MustParseAddrPort("127.0.0.1:9001"), "address of the server")
	fs.TextVar(&c.source, "source", netip.Addr{}, "address to come from, such as 127.0.0.2 when ports run out")
	fs.StringVar(&c.path, "path", "/", "path to ask for")
	fs.BoolVar(&c.raw, "raw", false, "no WebSocket: the bytes of a client's frames, echoed as they are")
	fs.BoolVar(&c.text, "text", false, "text messages in place of binary ones")
	fs.IntVar(&c.conns, "conns", 100, "connections")
	fs.IntVar(&c.inflight, "inflight", 1, "messages under way per connection")
	fs.IntVar(&c.size, "size", 128, "payload bytes of a message")
	fs.Uint64Var(&c.messages, "messages", 0, "measure so many messages, however long it takes")
	fs.DurationVar(&c.duration, "duration", 3*time.Second, "measure so long")
	fs.DurationVar(&c.warmup, "warmup", 500*time.Millisecond, "run so long before measuring")
	fs.DurationVar(&c.hold, "hold", time.Second, "idle: hold the connections so long")
	fs.DurationVar(&c.limit, "limit", 60*time.Second, "give up when opening, or the last messages, take longer")
	fs.Func("pid", "process IDs of the server, with commas between", c.setPIDs)
	fs.BoolVar(&asJSON, "json", false, "report in JSON")
	if err := fs.Parse(args); err != nil {
		return nil, false, err
	}
	return c, asJSON, c.check()
}

func (c *config) setPIDs(list string) error {
	for field := range strings.SplitSeq(list, ",") {
		pid, err := strconv.Atoi(field)
		if err != nil {
			return err
		}
		c.pids = append(c.pids, pid)
	}
	return nil
}

func (c *config) check() error {
	switch {
	case c.conns < 1 || c.conns > maxConns:
		return fmt.Errorf("%w: -conns goes from 1 to %d; start several of these, each with its own -source, for more", errUsage, maxConns)
	case c.inflight < 1 || c.size < 0:
		return fmt.Errorf("%w: -inflight and -size cannot be that small", errUsage)
	case c.mode == "fanout" && c.conns < 2:
		return fmt.Errorf("%w: fanout needs a publisher and a receiver", errUsage)
	}
	return nil
}

func (c *config) target() client.Target {
	opcode, path := traffic.Binary, c.path
	switch {
	case c.raw:
		opcode, path = traffic.Raw, ""
	case c.text:
		opcode = traffic.Text
	}
	return client.Target{
		Addr:   c.addr,
		Path:   path,
		Source: c.source,
		Format: traffic.NewFormat(opcode, c.size),
		Batch:  c.inflight,
	}
}

// run opens the connections and drives them as the mode says.
func (c *config) run() (*Result, error) {
	mode, known := map[string]func(*config, *client.Fleet, *Result) error{
		"echo": echo, "idle": idle, "fanout": fanout,
	}[c.mode]
	if !known {
		return nil, fmt.Errorf("%w: no mode %q", errUsage, c.mode)
	}
	fleet, err := client.New(c.target(), c.conns)
	if err != nil {
		return nil, err
	}
	defer fleet.Close()

	r := &Result{Mode: c.mode, Conns: c.conns, Inflight: c.inflight, Size: c.size}
	empty, err := memory(c.pids)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if err := fleet.Open(c.limit); err != nil {
		return nil, fmt.Errorf("opening: %w", err)
	}
	r.OpenSeconds = time.Since(began).Seconds()
	if err := mode(c, fleet, r); err != nil {
		return nil, fmt.Errorf("%s: %w", c.mode, err)
	}
	return r, r.addMemory(c.pids, empty)
}
