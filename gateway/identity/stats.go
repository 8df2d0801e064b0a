package identity

import "sync/atomic"

// Stats is what a chain has counted since it was made.
type Stats struct {
	Admitted       map[Source]uint64 // by who vouched for them
	Refused        map[Reason]uint64
	Renewed        uint64
	RenewalRefused map[Reason]uint64
	Keys           KeyStats
	Application    ApplicationStats
}

// KeyStats counts what was done to have keys.
type KeyStats struct {
	Fetches  uint64 // of a JWK set
	Failures uint64 // of fetching one, or of reading a key file again
}

// ApplicationStats counts what the application was asked.
type ApplicationStats struct {
	Requests uint64
	Cached   uint64 // answers that were remembered or asked for by another client just then
	Failures uint64 // without an answer in time, and answers that made no sense
	Spared   uint64 // requests that were not made, as those before had failed
	Admitted uint64 // clients let in as anonymous while it could not be asked; they are in Stats.Admitted, too
}

// Stats returns what was counted. Reasons and sources that never occurred are there with 0.
func (c *Chain) Stats() Stats {
	n := &c.counts
	s := Stats{
		Admitted: map[Source]uint64{
			ByToken: n.byToken.Load(), ByApplication: n.byApp.Load(), ByNobody: n.byNobody.Load(),
		},
		Refused:        make(map[Reason]uint64, len(reasons)),
		Renewed:        n.renewed.Load(),
		RenewalRefused: make(map[Reason]uint64, len(reasons)),
		Keys:           KeyStats{Fetches: n.fetches.Load(), Failures: n.keyFailures.Load()},
		Application: ApplicationStats{
			Requests: n.asked.Load(), Cached: n.cached.Load(), Failures: n.appFailures.Load(), Spared: n.spared.Load(),
			Admitted: n.admittedUnasked.Load(),
		},
	}
	for i, r := range reasons {
		s.Refused[r], s.RenewalRefused[r] = n.refused[i].Load(), n.refusedRenewals[i].Load()
	}
	return s
}

// counts are the counters of a chain.
type counts struct {
	byToken, byApp, byNobody atomic.Uint64
	refused, refusedRenewals [len(reasons)]atomic.Uint64
	renewed                  atomic.Uint64
	fetches, keyFailures     atomic.Uint64
	asked, cached            atomic.Uint64
	appFailures, spared      atomic.Uint64
	admittedUnasked          atomic.Uint64
}

func (n *counts) admit(by Source) {
	switch by {
	case ByToken:
		n.byToken.Add(1)
	case ByApplication:
		n.byApp.Add(1)
	case ByNobody:
		n.byNobody.Add(1)
	}
}

func (n *counts) refuse(r Reason)        { n.refused[r.index()].Add(1) }
func (n *counts) refuseRenewal(r Reason) { n.refusedRenewals[r.index()].Add(1) }

// index is where r is among reasons.
func (r Reason) index() int {
	for i := range reasons {
		if reasons[i] == r {
			return i
		}
	}
	return 0
}
