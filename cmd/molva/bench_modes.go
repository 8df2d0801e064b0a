package main

import (
	"context"
	"time"

	"github.com/molva-ws/molva/internal/load"
)

// benchEchoCmd is molva bench echo.
type benchEchoCmd struct {
	benchFlags
	payloadFlags
	windowFlags
	rateFlags
}

// Help is shown by --help.
func (*benchEchoCmd) Help() string {
	return `Without --rate it tells how many messages the server can do at most, and the latency is that under full load.

With --rate it tells the latency at a load of your choice. It is measured from when each message should have been sent,
and so a server that stalls is charged for all that it kept waiting (corrected for coordinated omission). Choose
--inflight large enough for the stalls you expect.

  molva bench echo :9001/
  molva bench echo -c 1000 -n 16 -s 1k --kind text :9001/
  molva bench echo -c 100 --rate 20000 -n 64 -d 30s :9001/
  taskset -c 1 molva bench echo -c 1000 --pid $(pidof server) :9001/
  molva bench echo --json :9001/ | jq .messages_per_second`
}

// Run runs it.
func (c *benchEchoCmd) Run(ctx context.Context, s streams) error {
	return c.run(ctx, s, load.Echo, &c.payloadFlags, &c.windowFlags, &c.rateFlags)
}

// benchIdleCmd is molva bench idle.
type benchIdleCmd struct {
	benchFlags
	payloadFlags
	Hold time.Duration `short:"d" default:"10s" placeholder:"TIME" group:"Connections" help:"How long to hold them. Default: ${default}."`
}

// Help is shown by --help.
func (*benchIdleCmd) Help() string {
	return `It opens connections, holds them, and at the end has a thousand of them echo a message each, to show that they live.
With --pid it tells what the server's memory has grown by for each.

  molva bench idle -c 10000 --pid $(pidof server) :9001/
  molva bench idle -c 100000 --ramp 5000 --hold 5m --pid $(pidof server) :9001/

A hundred thousand connections need as many descriptors here and in the server, and ports on several local addresses. The
addresses are chosen by themselves on the loopback. For descriptors you are told what to type.`
}

// Run runs it.
func (c *benchIdleCmd) Run(ctx context.Context, s streams) error {
	return c.run(ctx, s, load.Idle, &c.payloadFlags, c)
}

func (c *benchIdleCmd) apply(l *load.Config) error {
	l.Hold = c.Hold
	return positive("--hold", c.Hold)
}

// benchFanoutCmd is molva bench fanout.
type benchFanoutCmd struct {
	benchFlags
	payloadFlags
	windowFlags
	rateFlags
}

// Help is shown by --help.
func (*benchFanoutCmd) Help() string {
	return `One connection publishes; the server sends what it says to all others, and to itself or not. A message is done when
the last one has it, and then the next is published. Latency runs from the publishing to each receipt; with --rate from
when a message should have been published (corrected for coordinated omission).

  molva bench fanout -c 1000 :9001/
  molva bench fanout -c 10000 -n 4 --pid $(pidof server) :9001/
  molva bench fanout -c 10000 -n 64 --rate 20 :9001/               latency at 20 messages a second to all

With --protocol molva all join a room of molva serve, and one publishes to it:

  molva bench fanout --protocol molva -c 1000 :8000/ws`
}

// Run runs it.
func (c *benchFanoutCmd) Run(ctx context.Context, s streams) error {
	return c.run(ctx, s, load.Fanout, &c.payloadFlags, &c.windowFlags, &c.rateFlags)
}

// benchStormCmd is molva bench storm.
type benchStormCmd struct {
	benchFlags
	payloadFlags
	Rounds int `default:"3" placeholder:"N" help:"How often all are cut and come back. Default: ${default}."`
}

// Help is shown by --help.
func (*benchStormCmd) Help() string {
	return `It is what a server sees when it has been restarted, or when the network was away: all clients come back at once.
Whoever has opened a connection again and has had a message echoed is served. Latency runs from the cut to that, for
each connection. Who is refused tries again after 100 ms.

  molva bench storm -c 10000 :9001/
  molva bench storm -c 10000 --ramp 2000 --timeout 1m :9001/    clients that come back more slowly`
}

// Run runs it.
func (c *benchStormCmd) Run(ctx context.Context, s streams) error {
	return c.run(ctx, s, load.Storm, &c.payloadFlags, c)
}

func (c *benchStormCmd) apply(l *load.Config) error {
	l.Rounds = c.Rounds
	return positive("--rounds", c.Rounds)
}

// benchSoakCmd is molva bench soak.
type benchSoakCmd struct {
	benchFlags
	windowFlags
	rateFlags
	Size     messageSize `short:"s" placeholder:"SIZE" group:"Messages" help:"Bytes in the largest message. Default: 64KiB, 32KiB with --protocol molva."`
	Lifetime int         `default:"1000" placeholder:"N" group:"Connections" help:"Messages after which a connection is replaced, on average. Default: ${default}."`
	Seed     uint64      `default:"1" placeholder:"N" group:"Messages" help:"Of all that is chosen at random: the same messages again with the same number. Default: ${default}."`
}

// Help is shown by --help.
func (*benchSoakCmd) Help() string {
	return `It looks for faults. Messages are of all sizes, text in many scripts and binary, whole and in fragments, with pings
between and within them, compressed and not with --compress; connections come and go, with and without a closing
handshake. Every message has to come back once, in order, to the byte, and every ping to be answered.

  molva bench soak :9001/
  molva bench soak -c 100 -n 16 -d 8h --compress :9001/
  molva bench soak -c 1000 --rate 5000 -n 16 -d 8h :9001/           all night at a load of your choice

With --rate latency is measured from when each message should have been sent (corrected for coordinated omission), which
includes the wait for a connection that is just being replaced.

With --protocol molva each connection joins a room of its own in molva serve, and hears there what it publishes. Then
all messages are text.

  molva bench soak --protocol molva :8000/ws`
}

// Run runs it.
func (c *benchSoakCmd) Run(ctx context.Context, s streams) error {
	return c.run(ctx, s, load.Soak, &c.windowFlags, &c.rateFlags, c)
}

func (c *benchSoakCmd) apply(l *load.Config) error {
	l.Size, l.Lifetime, l.Seed = int(c.Size), c.Lifetime, c.Seed
	if c.Size == 0 {
		l.Size = map[bool]int{false: 64 << 10, true: 32 << 10}[l.Molva]
	}
	return positive("--lifetime", c.Lifetime)
}
