package benchreport

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/molva-ws/molva/internal/load"
	"github.com/molva-ws/molva/internal/machine"
)

// notes tell what has to be known to believe the figures.
func (r *report) notes() {
	var notes []string
	add := func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }
	if r.Unsent > 0 {
		add("%s fell due and could not be sent for want of room: the server is slower than the rate, or --inflight too small",
			plural(r.Unsent, "message"))
	}
	if r.clientWasBusy() {
		add("this client was busy for %.0f%% of the time of its %s: the server may be capable of more (--loops, or several clients)",
			100*r.ClientBusy, plural(r.Loops, "loop"))
	}
	if r.RateLimit > 0 && r.Mode != load.Idle && r.Mode != load.Storm {
		add("the server lets a client send no more than %s a second; what lifts it:\n    %s",
			plural(r.RateLimit, "message"), "molva serve --max-messages 0 --max-bytes 1GiB")
	}
	if r.didNothing() {
		add("the processes of --pid used next to no CPU: are they the server's?")
	}
	if r.Overflows > 0 {
		add("accept queues of this machine overflowed %s, and who was left out had to wait; what lifts it:\n    %s",
			plural(r.Overflows, "time"), machine.LiftAcceptQueue+"    # and start the server again")
	}
	if len(notes) > 0 {
		r.title("notes")
		for _, note := range notes {
			r.line("  %s", note)
		}
	}
	if r.Interrupted || len(r.Faults) > 0 {
		return
	}
	r.line("\nNothing was lost, doubled, out of order or corrupt: every byte was checked.")
}

// clientWasBusy reports whether the figures may be the client's and not the server's.
func (r *report) clientWasBusy() bool {
	measured := r.Mode == load.Echo && r.Rate == 0 || r.Mode == load.Fanout
	return measured && r.ClientBusy > 0.95*float64(r.Loops) && r.ServerBusy < 0.95
}

// didNothing reports whether the processes that were looked at can hardly be the server's: they used less for each message
// than a system call takes.
func (r *report) didNothing() bool {
	const least, enough = 100e-9, 1000
	return r.ServerRSS > 0 && r.Mode != load.Idle && r.Messages > enough && r.ServerCPUSeconds < least*float64(r.Messages)
}

// Account says what the server did wrong.
func Account(r *load.Result) string {
	var counts []string
	for _, kind := range slices.Sorted(maps.Keys(r.FaultCounts)) {
		counts = append(counts, fmt.Sprintf("%s %s", grouped(r.FaultCounts[kind]), kind))
	}
	lines := []string{"the server was caught: " + strings.Join(counts, ", ")}
	var total uint64
	for _, n := range r.FaultCounts {
		total += n
	}
	for _, f := range r.Faults {
		lines = append(lines, "  "+f.String())
	}
	if more := total - uint64(len(r.Faults)); more > 0 {
		lines = append(lines, fmt.Sprintf("  and %s more", grouped(more)))
	}
	if r.Advice != "" {
		lines = append(lines, r.Advice)
	}
	return strings.Join(lines, "\n")
}
