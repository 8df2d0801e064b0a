//go:build linux

package main

import (
	_ "embed"
	"fmt"
	"strings"

	"github.com/molva-ws/molva/bench/internal/contest"
	"github.com/molva-ws/molva/bench/internal/report"
)

// command is what the document tells people to type.
const command = "go -C bench run ./contest"

//go:embed notes.txt
var notes string

const intro = `
Each run is a fresh server with GOMAXPROCS=1 on one processor, driven from another by ` + "`molva bench`" + `, which checks every
byte that comes back. The runs of all servers are interleaved, A B C A B C …, so that whatever slows the machine for a
while slows everyone. What is compared is messages per CPU second of the server, which neighbours on the machine
disturb least; a figure is the median of the runs, a ratio the median of those between neighbouring runs, with the
smallest and the largest. The limit, *raw TCP*, is an echo on epoll in Go without any protocol.

*busy* is the share of its processor that the server used, *client* that of the load generator. Where the client's is
the higher one the server had to wait at times, and so slept and woke more often than at full load: its figure per CPU
second is then a little too low. That goes for the fastest most, and so such a cell shows the slower ones a little
nearer than they are.

*p50* and *p99* are of the latency from a message's sending to its receipt, at full load: mostly the time that it waits
for the others, so the faster server has the shorter one. The next message waits until one comes back, and so they are
not corrected for coordinated omission; ` + "`molva bench --rate`" + ` measures latency at a load that a server is not overrun by.

*molva Server* is ` + "`molva.Server`" + ` on its event loops; *portable* is the same with a goroutine per connection, as on systems
other than Linux; *molva Accept* is ` + "`molva.Accept`" + ` with a loop over ` + "`Messages`" + `. All of molva checks the UTF-8 of text.
Each peer is set up as its own documentation advises for speed; the beginning of its source under bench/peers says how.
`

// perProcess is how many connections a process holds: of the usual 20,000 descriptors some are for other things, and
// a shared port spreads connections at random.
const perProcess = 16_000

var (
	fanoutCell  = contest.Cell{Mode: contest.Fanout, Size: 128, Conns: 10_000, Inflight: 1}
	connectCell = contest.Cell{Mode: contest.Connect, Conns: 64}
	idleCell    = contest.Cell{Mode: contest.Idle, Size: 128, Conns: 100_000, Inflight: 1}
	millionCell = contest.Cell{Mode: contest.Idle, Size: 128, Conns: 1_000_000, Inflight: 1,
		Only: []string{contest.MolvaName}, Repeats: 1}
)

func echo(size, conns, inflight int) contest.Cell {
	return contest.Cell{Mode: contest.Echo, Size: size, Conns: conns, Inflight: inflight}
}

// echoes is every size with every number of connections.
func echoes() (cells []contest.Cell) {
	for _, size := range []int{128, 1 << 10, 64 << 10} {
		for _, conns := range []int{100, 1000, 10_000} {
			cells = append(cells, echo(size, conns, 1))
		}
	}
	return cells
}

// document is what is measured, and where it is told.
func document() (*report.Document, error) {
	all, err := report.ParseNotes(notes)
	if err != nil {
		return nil, fmt.Errorf("contest/notes.txt: %w", err)
	}
	unicode := contest.Cell{Mode: contest.Echo, Size: 64 << 10, Conns: 100, Inflight: 1, Kind: "unicode"}
	compressed := contest.Cell{Mode: contest.Echo, Size: 1 << 10, Conns: 100, Inflight: 1, Kind: "unicode", Compress: true}
	return &report.Document{
		Command: command,
		Intro:   intro,
		Notes:   all,
		Sections: []report.Section{
			{Title: "Echo", Text: "Every connection has one message under way.", Cells: echoes()},
			{Title: "Echo, 16 in flight", Text: "Every connection has sixteen messages under way, which may share system calls.",
				Cells: []contest.Cell{echo(128, 100, 16), echo(128, 1000, 16), echo(1<<10, 100, 16)}},
			{Title: "Text", Text: textText, Cells: []contest.Cell{unicode}},
			{Title: "Compression", Text: "permessage-deflate without context takeover, at the quickest level where one can choose. " +
				"The raw TCP echo has none. Inflating and deflating keeps the client busy, too.", Cells: []contest.Cell{compressed}},
			{Title: "Fan-out", Text: fanoutText, Cells: []contest.Cell{fanoutCell}},
			{Title: "Connection rate", Text: "Connect, opening handshake, closing handshake, end of the stream, and again.",
				Cells: []contest.Cell{connectCell}},
			{Title: "Idle connections", Text: idleText, Cells: []contest.Cell{idleCell}},
			{Title: "A million connections", Text: millionText(), Cells: []contest.Cell{millionCell}},
		},
		Charts: []report.Picture{
			{File: "benchmarks-echo.svg", Title: "Echo of 128 bytes, 1,000 connections", Cell: echo(128, 1000, 1)},
			{File: "benchmarks-fanout.svg", Title: "Fan-out of 128 bytes to 10,000 connections", Cell: fanoutCell},
			{File: "benchmarks-idle.svg", Title: "Memory of an idle connection, 100,000 open", Cell: idleCell},
		},
	}, nil
}

const textText = `
Text in many scripts. molva, nbio, ws, websockets and the PHP server check that it is UTF-8, as RFC 6455 asks for; the
others leave that to the application.
`

const fanoutText = `
One connection publishes a message, the server sends it to all, and when the last has it the next is published. A
delivery is one message at one receiver.
`

const idleText = `
What the resident memory of the server's processes grows by, after the opening handshake and without a message. The
connections are spread over several processes, as one may often have no more than 20,000 descriptors; those share a
port where the server can, and the clients, one for each, come from addresses of their own. *of the machine* is what a
connection takes from the machine's memory: the server's part, the client's, and the kernel's for both ends. At the end
a sample of a thousand connections of each client, spread over all of them, echo a message.
`

// millionText has the lines that prepare a machine.
func millionText() string {
	var lift strings.Builder
	for _, n := range contest.Needs(millionCell) {
		fmt.Fprintln(&lift, n.Lift())
	}
	return fmt.Sprintf(`
The same with ten times as many, in %d processes on each side, on one port of one machine. Both ends of a million
connections take some 8 GiB. These lines prepare a machine; the last is for where connections are tracked, and many
machines need none of them:

`+"```sh\n%s```", (millionCell.Conns+perProcess-1)/perProcess, lift.String())
}
