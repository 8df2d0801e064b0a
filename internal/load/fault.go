package load

import (
	"fmt"
	"slices"
	"sync"
)

// FaultKind says what was wrong.
type FaultKind uint8

// What a server can do wrong.
const (
	Missing      FaultKind = iota // the message never came back
	Doubled                       // it came more than once
	OutOfOrder                    // it came after one that was sent later
	Corrupt                       // it came with other bytes, another length or another type
	Misdelivered                  // it is another connection's
	Unasked                       // it was never sent
	Disconnected                  // the server ended the connection
	BrokeRules                    // the server broke the protocol
	Refused                       // the server answered a message with an error
	faultKinds
)

var faultNames = [...]string{
	"missing", "doubled", "out of order", "corrupt", "misdelivered", "unasked", "disconnected", "protocol broken",
	"refused",
}

// String returns what is wrong in a word or two.
func (k FaultKind) String() string { return faultNames[k] }

// MarshalText returns the same for JSON.
func (k FaultKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText is the inverse.
func (k *FaultKind) UnmarshalText(name []byte) error {
	i := slices.Index(faultNames[:], string(name))
	if i < 0 {
		return fmt.Errorf("%q is not a kind of fault", name)
	}
	*k = FaultKind(i)
	return nil
}

// A Fault is one thing that the server did wrong.
type Fault struct {
	Kind    FaultKind `json:"kind"`
	Conn    uint32    `json:"connection"`
	Message uint32    `json:"message"` // its number on the connection, from 0
	Detail  string    `json:"detail,omitempty"`
}

// String says it in a line.
func (f Fault) String() string {
	s := fmt.Sprintf("connection %d, message %d: %v", f.Conn, f.Message, f.Kind)
	if f.Kind == Disconnected {
		s = fmt.Sprintf("connection %d: %v before message %d", f.Conn, f.Kind, f.Message)
	}
	if f.Detail != "" {
		s += ": " + f.Detail
	}
	return s
}

// keptFaults is how many faults are told one by one.
const keptFaults = 10

// faultLog collects faults from all connections.
type faultLog struct {
	mu     sync.Mutex
	counts [faultKinds]uint64
	first  []Fault
	found  chan struct{} // closed with the first one, or where there may be one
	once   sync.Once
}

func newFaultLog() *faultLog { return &faultLog{found: make(chan struct{})} }

func (l *faultLog) add(f Fault) {
	l.mu.Lock()
	l.counts[f.Kind]++
	if len(l.first) < keptFaults {
		l.first = append(l.first, f)
	}
	l.mu.Unlock()
	l.suspect()
}

// suspect says that it has yet to be seen what exactly is wrong.
func (l *faultLog) suspect() { l.once.Do(func() { close(l.found) }) }

// total returns how many there were of each kind, without those of which there was none.
func (l *faultLog) total() map[string]uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	counts := make(map[string]uint64)
	for kind, n := range l.counts {
		if n > 0 {
			counts[FaultKind(kind).String()] = n
		}
	}
	return counts
}

func (l *faultLog) list() []Fault {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]Fault(nil), l.first...)
}
