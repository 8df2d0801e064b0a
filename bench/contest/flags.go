//go:build linux

package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/molva-ws/molva/bench/internal/contest"
)

// options are what the flags ask for.
type options struct {
	// The campaign for the document.
	only  []string
	again bool
	limit time.Duration
	list  bool
	write bool
	quick bool
	cache string
	docs  string

	// Another comparison.
	custom   bool
	servers  []contest.Contender
	mode     string
	sizes    []int
	conns    []int
	inflight []int
	kind     string
	compress bool
	json     bool

	repeats   int
	timing    contest.Timing
	serverCPU int
	clientCPU int
}

var errUsage = errors.New("wrong flags")

// ownFlags make the comparison another one than the document's.
var ownFlags = []string{"servers", "server", "rawserver", "mode", "sizes", "conns", "inflight", "kind", "compress", "json"}

func parseFlags(args []string) (*options, error) {
	o := &options{sizes: []int{128}, conns: []int{100, 1000}, inflight: []int{1}}
	fs := flag.NewFlagSet("contest", flag.ContinueOnError)
	fs.Usage = func() { usage(fs) }
	o.campaignFlags(fs)
	servers := o.comparisonFlags(fs)
	fs.IntVar(&o.repeats, "repeats", 5, "`runs` of each server in each cell")
	fs.DurationVar(&o.timing.Duration, "duration", time.Second, "measured part of a run")
	fs.DurationVar(&o.timing.Warmup, "warmup", 300*time.Millisecond, "what goes before it")
	fs.DurationVar(&o.timing.Hold, "hold", 2*time.Second, "how long idle connections are left alone before memory is read")
	fs.IntVar(&o.serverCPU, "server-cpu", 0, "`processor` of the server (default 0)")
	fs.IntVar(&o.clientCPU, "client-cpu", 1, "`processor` of the load generator")
	if err := fs.Parse(args); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			err = fmt.Errorf("%w: %w", errUsage, err)
		}
		return nil, err
	}
	if fs.NArg() > 0 {
		return nil, fmt.Errorf("%w: %q is no flag", errUsage, fs.Arg(0))
	}
	fs.Visit(func(f *flag.Flag) { o.custom = o.custom || slices.Contains(ownFlags, f.Name) })
	chosen, err := contest.Choose(*servers)
	if err != nil {
		return nil, err
	}
	o.servers = append(o.servers, chosen...)
	return o, o.check()
}

func usage(fs *flag.FlagSet) {
	fmt.Fprint(fs.Output(), `contest measures servers against each other. Without flags it measures all that is in docs/benchmarks.md, goes on
where it was interrupted, and writes the document when everything is done. That takes an hour and a half, Linux, two
processors and nothing else to do; a server that is not installed is named and left out.

    go -C bench run ./contest                              all of it; or for so long, again and again: -for 8m
    go -C bench run ./contest -list                        the cells, and how much of each is done
    go -C bench run ./contest -again -only 'echo-128b-*'   some of them anew
    go -C bench run ./contest -quick                       a minute: does all of it work here?

With -servers, -server, -rawserver, -mode, -sizes, -conns, -inflight, -kind, -compress or -json it makes a comparison of
its own, prints a table, and keeps nothing:

    go -C bench run ./contest -servers rawecho,molva,gws -sizes 128,65536 -conns 100

`)
	fs.PrintDefaults()
}

func (o *options) campaignFlags(fs *flag.FlagSet) {
	fs.Func("only", "measure only these `cells`, keys as -list shows them, with commas between; * stands for anything", func(s string) error {
		o.only = append(o.only, strings.Split(s, ",")...)
		for _, pattern := range o.only {
			if _, err := filepath.Match(pattern, ""); err != nil {
				return err
			}
		}
		return nil
	})
	fs.BoolVar(&o.again, "again", false, "forget first what has been measured of these cells; without it only what is missing is measured")
	fs.DurationVar(&o.limit, "for", 0, "begin no run that would last beyond this time, but for one, and exit with code 3 if some are left")
	fs.BoolVar(&o.list, "list", false, "list the cells and what is done of each, and measure nothing")
	fs.BoolVar(&o.write, "write", false, "write the document from what has been measured, and measure nothing")
	fs.BoolVar(&o.quick, "quick", false, "a small run of every mode in a minute: shows that all of it works, not who is faster; writes nothing")
	fs.StringVar(&o.cache, "cache", defaultCache(), "`folder` for what has been measured")
	fs.StringVar(&o.docs, "docs", "", "`folder` for the document (default docs beside bench)")
}

func defaultCache() string {
	folder, err := os.UserCacheDir()
	if err != nil {
		folder = os.TempDir()
	}
	return filepath.Join(folder, "molva-contest")
}

// comparisonFlags are those that make another comparison.
func (o *options) comparisonFlags(fs *flag.FlagSet) (servers *string) {
	servers = fs.String("servers", "all", "`names` with commas between, of "+strings.Join(contest.Names(), ", "))
	custom := func(raw bool) func(string) error {
		return func(s string) error {
			one, err := contest.ParseCustom(s, raw)
			o.servers = append(o.servers, one)
			return err
		}
	}
	fs.Func("server", "`name=command` with {addr} in it; one more server, ahead of -servers", custom(false))
	fs.Func("rawserver", "`name=command` of a server that speaks no WebSocket", custom(true))
	fs.StringVar(&o.mode, "mode", "echo", fmt.Sprint("`what` the connections do: one of ", contest.Modes()))
	fs.Func("sizes", "payload `bytes`, with commas between (default 128)", list(&o.sizes))
	fs.Func("conns", "`connections`, with commas between (default 100,1000)", list(&o.conns))
	fs.Func("inflight", "`messages` under way per connection, with commas between (default 1)", list(&o.inflight))
	fs.StringVar(&o.kind, "kind", "", "`what` is in messages: binary, text or unicode")
	fs.BoolVar(&o.compress, "compress", false, "compress every message")
	fs.BoolVar(&o.json, "json", false, "a line of JSON for each cell, with every run")
	return servers
}

// list reads numbers with commas between.
func list(to *[]int) func(string) error {
	return func(s string) error {
		*to = nil
		for field := range strings.SplitSeq(s, ",") {
			n, err := strconv.Atoi(field)
			if err != nil {
				return err
			}
			*to = append(*to, n)
		}
		return nil
	}
}

func (o *options) check() error {
	switch {
	case len(o.servers) == 0 || o.repeats < 1:
		return fmt.Errorf("%w: nothing to measure", errUsage)
	case !slices.Contains(contest.Modes(), contest.Mode(o.mode)):
		return fmt.Errorf("%w: -mode is one of %v", errUsage, contest.Modes())
	case o.custom && (len(o.only) > 0 || o.again || o.list || o.write || o.quick):
		return fmt.Errorf("%w: a comparison of its own is not kept, so -only, -again, -list, -write and -quick do not go with -%s",
			errUsage, strings.Join(ownFlags, ", -"))
	case o.custom && len(o.cells()) == 0:
		return fmt.Errorf("%w: no load to measure with", errUsage)
	}
	return nil
}

// cells is every combination of size, connections and messages in flight.
func (o *options) cells() (all []contest.Cell) {
	kind := o.kind
	if kind == "binary" {
		kind = ""
	}
	for _, size := range o.sizes {
		for _, conns := range o.conns {
			for _, inflight := range o.inflight {
				all = append(all, contest.Cell{Mode: contest.Mode(o.mode), Size: size, Conns: conns, Inflight: inflight,
					Kind: kind, Compress: o.compress})
			}
		}
	}
	return all
}

// selects tells whether -only means what has this key.
func (o *options) selects(key string) bool {
	return len(o.only) == 0 || slices.ContainsFunc(o.only, func(pattern string) bool {
		matched, _ := filepath.Match(pattern, key)
		return matched
	})
}

// runner measures as the flags say.
func (o *options) runner(p *progress) *contest.Runner {
	return &contest.Runner{
		Contenders: o.servers,
		Repeats:    o.repeats,
		Timing:     o.timing,
		ServerCPU:  o.serverCPU,
		ClientCPU:  o.clientCPU,
		PerProcess: perProcess,
		Progress:   p.say,
	}
}
