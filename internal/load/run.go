package load

import (
	"context"
	"errors"
	"os"
	"runtime/debug"
	"time"

	"github.com/molva-ws/molva/internal/proc"
)

// run is one run.
type run struct {
	cfg    *Config
	fleet  *fleet
	result *Result

	server, client int64 // memory before the first connection

	phase    string
	began    time.Time     // the phase
	total    time.Duration // of the phase, if it is known
	reported time.Time
	counted  uint64 // messages when last reported
}

// Run does what cfg says. What the server did wrong to messages is in the result's faults. The error says why the run
// could not be done, or not to its end; there may be a result all the same, of what was done until then, as there is
// when ctx ends the run early. The limit on descriptors is raised as far as the process may.
func Run(ctx context.Context, cfg Config) (*Result, error) {
	c, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := raiseDescriptors(c); err != nil {
		return nil, err
	}
	if err := checkMemory(c, availableMemory()); err != nil {
		return nil, err
	}
	r := &run{cfg: c, result: newResult(c)}
	if err := r.weigh(); err != nil {
		return nil, err
	}
	if r.fleet, err = newFleet(ctx, c); err != nil {
		return nil, err
	}
	overflows := listenOverflows()
	r.fleet.overflows = func() uint64 { return listenOverflows() - overflows }
	err = r.drive(ctx)
	r.fleet.part(r.farewell(ctx))
	if r.result.Seconds == 0 && err != nil && len(r.fleet.faults.list()) == 0 {
		return nil, err
	}
	r.result.FaultCounts, r.result.Faults = r.fleet.faults.total(), r.fleet.faults.list()
	r.result.Overflows = r.fleet.overflows()
	r.result.RateLimit = r.fleet.rateLimit.Load()
	r.result.Advice = r.adviseOnFaults()
	if errors.Is(err, errInterrupted) {
		r.result.Interrupted, err = true, nil
	}
	return r.result, err
}

// weigh takes the memory of both sides before the first connection.
func (r *run) weigh() (err error) {
	if r.server, err = memory(r.cfg.PIDs); err != nil {
		return err
	}
	r.client, _ = proc.RSS(os.Getpid())
	return nil
}

// weighAgain takes it again with all of them open.
func (r *run) weighAgain() (err error) {
	if r.result.ServerRSS, err = memory(r.cfg.PIDs); err != nil {
		return err
	}
	r.result.ClientRSS, _ = proc.RSS(os.Getpid())
	n := float64(r.cfg.Conns)
	r.result.BytesPerConn = float64(r.result.ServerRSS-r.server) / n
	r.result.ClientPer = float64(r.result.ClientRSS-r.client) / n
	return nil
}

// drive opens the connections and does what the mode says.
func (r *run) drive(ctx context.Context) error {
	f := r.fleet
	var mode interface {
		pattern
		run(context.Context, *run) error
	}
	switch r.cfg.Mode {
	case Echo:
		mode = newEcho(f)
	case Idle:
		mode = &idle{newEcho(f)}
	case Fanout:
		mode = newFanout(f)
	case Storm:
		mode = newStorm(f)
	case Soak:
		mode = newSoak(f)
	default:
		return wrong("there is no mode %q", r.cfg.Mode)
	}
	f.pattern = mode
	if err := r.open(ctx); err != nil {
		return err
	}
	return mode.run(ctx, r)
}

func (r *run) open(ctx context.Context) error {
	r.enter("opening")
	opened := make(chan error, 1)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { opened <- r.fleet.open(ctx) }()
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case err := <-opened:
			r.result.OpenSeconds = time.Since(r.began).Seconds()
			return err
		case <-ticker.C:
			r.report()
		}
	}
}

// enter begins a phase.
func (r *run) enter(phase string) {
	r.total = 0
	r.phase, r.began, r.reported, r.counted = phase, time.Now(), time.Now(), r.fleet.received()
}

// report tells how far the run is.
func (r *run) report() {
	if r.cfg.Progress == nil {
		return
	}
	now, n := time.Now(), r.fleet.received()
	p := Progress{
		Phase: r.phase, Elapsed: now.Sub(r.began), Total: r.total,
		Open: int(r.fleet.live.Load()), Conns: r.cfg.Conns, Messages: n,
	}
	if n >= r.counted {
		p.Rate = float64(n-r.counted) / now.Sub(r.reported).Seconds()
	}
	for _, count := range r.fleet.faults.total() {
		p.Faults += count
	}
	r.reported, r.counted = now, n
	r.cfg.Progress(p)
}

// reportEvery is how often the progress is told: a little less than the second at which tickers tick.
const reportEvery = 900 * time.Millisecond

// wait waits for so long, or until done says so, in which case d is the limit. It returns errInterrupted when the
// context ends, errFaulty when the server was caught, unless the run is to go on, and what broke the fleet.
func (r *run) wait(ctx context.Context, phase string, d time.Duration, done func() bool) error {
	r.enter(phase)
	found := r.fleet.faults.found
	if r.cfg.KeepGoing {
		found = nil
	}
	interval := 2 * time.Millisecond
	if done == nil {
		r.total, interval = d, time.Second
	}
	ticker, end := time.NewTicker(interval), time.NewTimer(d)
	defer ticker.Stop()
	defer end.Stop()
	for done == nil || !done() {
		select {
		case <-ticker.C:
			if time.Since(r.reported) >= reportEvery {
				r.report()
			}
		case <-end.C:
			return nil
		case <-found:
			return errFaulty
		case <-ctx.Done():
			return errInterrupted
		case <-r.fleet.broken:
			return r.fleet.err
		}
	}
	return nil
}

// errFaulty ends the measuring early; what follows tells what was wrong.
var errFaulty = errors.New("the server was caught")

// measure warms up and then measures for the time, or the number of messages, that was asked for.
func (r *run) measure(ctx context.Context) error {
	switch err := r.wait(ctx, "warming up", r.cfg.Warmup, nil); {
	case errors.Is(err, errInterrupted):
		return err
	case err != nil:
		return r.ended(err)
	}
	r.fleet.restart()
	w, err := openWindow(r.cfg.PIDs)
	if err != nil {
		return err
	}
	if r.cfg.Messages > 0 {
		enough := func() bool { return r.fleet.received() >= r.cfg.Messages }
		err = r.await(ctx, enough)
	} else {
		err = r.wait(ctx, "measuring", r.cfg.Duration, nil)
	}
	if e := w.close(r.result, r.fleet.received()); e != nil {
		return e
	}
	r.result.setLatency(r.fleet.latency())
	return errors.Join(r.ended(err), r.weighAgain())
}

// await waits for enough messages, for as long as some come.
func (r *run) await(ctx context.Context, enough func() bool) error {
	for {
		before := r.fleet.received()
		err := r.wait(ctx, "measuring", r.cfg.Patience, enough)
		if err != nil || enough() || r.fleet.received() == before {
			return err
		}
	}
}

// settle has the memory of the opening given back, so that what connections cost can be told.
func settle() { debug.FreeOSMemory() }
