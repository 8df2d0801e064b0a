// Package machine knows the limits of the machine that decide how many connections it can have, and what lifts them.
package machine

import "fmt"

// Limits are those that hold for this process. A field is 0 where it is not known.
type Limits struct {
	Descriptors uint64 // that it may have open at a time
	AcceptQueue int    // connections that may wait to be accepted, on one listener
}

// Shortage is a limit that is lower than it should be.
type Shortage struct {
	What string   // and where it stands
	Lift []string // commands that lift it
}

const (
	// usualConns is how many connections a server should be able to have if nobody has said how many there may be.
	usualConns = 10_000
	// usualQueue is how many clients come back at once when a server was restarted, or a network was away.
	usualQueue = 1024
	// SpareDescriptors is what a server needs beside those of its connections.
	SpareDescriptors = 64
)

// LiftAcceptQueue is the command that makes room for those who wait to be accepted.
const LiftAcceptQueue = "sudo sysctl -w net.core.somaxconn=65535 net.ipv4.tcp_max_syn_backlog=65535"

// Shortages returns the limits that are too low for a server of so many connections; 0 is any number.
func (l Limits) Shortages(conns int) []Shortage {
	var all []Shortage
	if conns == 0 {
		conns = usualConns
	}
	if need := uint64(conns) + SpareDescriptors; l.Descriptors > 0 && l.Descriptors < need {
		what := fmt.Sprintf("this process may have %d descriptors open, which is less than %d connections need", l.Descriptors, conns)
		all = append(all, Shortage{what, LiftDescriptors(need)})
	}
	if l.AcceptQueue > 0 && l.AcceptQueue < usualQueue {
		what := fmt.Sprintf("only %d connections can wait to be accepted (net.core.somaxconn); when all clients come back "+
			"at once, many will have to try again", l.AcceptQueue)
		all = append(all, Shortage{what, []string{LiftAcceptQueue}})
	}
	return all
}
