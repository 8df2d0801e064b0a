package load

// adviseOnFaults says what kind of server this may be, if nothing at all came as it should have.
func (r *run) adviseOnFaults() string {
	counts := r.result.FaultCounts
	missing, misdelivered := counts[Missing.String()], counts[Misdelivered.String()]
	var all uint64
	for _, n := range counts {
		all += n
	}
	switch {
	case r.result.Interrupted || all == 0:
		return ""
	case r.cfg.Raw && r.result.Messages == 0:
		return "with --raw the server has to send back bytes as they are; for one that speaks WebSocket leave --raw out"
	case r.fleet.strangers.Load() > 0 && r.result.Messages == 0:
		return "the server says something of its own, and has to send back what it gets and nothing else; " +
			"molva serve is measured with --protocol molva"
	case r.cfg.Mode != Fanout && misdelivered > 0 && r.result.Messages <= misdelivered:
		return "the server seems to send messages to everyone: molva bench fanout measures that"
	case r.result.Messages > 0 || missing < all:
		return ""
	case r.cfg.Mode == Fanout:
		return "nobody received anything: does the server send what it gets to every connection? " +
			"One that sends it back to its sender is measured with molva bench echo"
	}
	return "nothing came back: does the server send back what it gets?"
}
