package loop

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
)

func TestAdmit(t *testing.T) {
	const n = 100
	cases := []struct {
		name    string
		limit   int
		queued  []Priority // of messages of n bytes
		resting bool       // they were taken for writing, and put down
		writing bool       // and then taken once more
		p       Priority
		want    error
		dropped int
	}{
		{name: "into an empty queue, whatever the limit", limit: 1},
		{name: "within the limit", limit: 2 * (n + pieceCost), queued: []Priority{Normal}},
		{name: "one byte too much", limit: 2*(n+pieceCost) - 1, queued: []Priority{Normal}, want: ErrFull},
		{name: "urgent", limit: 1, queued: []Priority{Normal}, p: Urgent},
		{name: "droppable, behind an urgent one", limit: n, queued: []Priority{Urgent}, p: Droppable, want: ErrFull},
		{name: "in place of an older one", limit: 2 * (n + pieceCost),
			queued: []Priority{Droppable, Droppable}, p: Droppable, dropped: 1},
		{name: "in place of all older ones", limit: n + pieceCost,
			queued: []Priority{Droppable, Droppable}, p: Normal, dropped: 2},
		{name: "behind what must not be dropped", limit: 2 * (n + pieceCost),
			queued: []Priority{Normal, Urgent}, p: Droppable, want: ErrFull},
		{name: "beside what must not be dropped", limit: 2 * (n + pieceCost),
			queued: []Priority{Normal, Droppable}, p: Droppable, dropped: 1},
		{name: "in place of one that was taken and put down", limit: 2 * (n + pieceCost),
			queued: []Priority{Droppable, Droppable}, resting: true, p: Normal, dropped: 1},
		{name: "beside what was put down and is being written again", limit: n + pieceCost,
			queued: []Priority{Droppable}, resting: true, writing: true, p: Normal},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dropped := 0
			cfg := &Config{Outbox: c.limit, Dropped: func(n int) { dropped += n }}
			var q queue
			for _, p := range c.queued {
				q.add(Head{}, make([]byte, n), p)
			}
			if c.resting {
				q.take()
				q.rest()
			}
			if c.writing {
				q.take()
			}
			if err := q.admit(n, c.p, cfg); err != c.want {
				t.Errorf("admit returned %v, want %v", err, c.want)
			}
			if dropped != c.dropped {
				t.Errorf("%d were dropped, want %d", dropped, c.dropped)
			}
		})
	}
}

func TestLimitDefaultsToOneMebibyte(t *testing.T) {
	var q queue
	cfg := new(Config)
	q.add(Head{}, make([]byte, 1<<20-2*pieceCost-1), Normal)
	if err := q.admit(1, Normal, cfg); err != nil {
		t.Errorf("the last byte below 1 MiB: %v", err)
	}
	if err := q.admit(2, Normal, cfg); err != ErrFull {
		t.Errorf("a byte above 1 MiB: %v, want ErrFull", err)
	}
}

// modelled is a queue, with what must come out of it.
type modelled struct {
	t    *testing.T
	rand *rand.Rand
	cfg  Config

	priorities []Priority
	replaces   bool // some messages take the place of older ones, and so pass others

	queue   queue
	written []byte
	frames  []*Frame
	sent    []Priority // of the messages that were admitted, by number
	dropped int
	taken   bool
}

// encode makes message number i: its number, its length and that many bytes made of its number.
func (m *modelled) encode(i, n int) []byte {
	p := binary.BigEndian.AppendUint32(nil, uint32(i))
	p = binary.BigEndian.AppendUint32(p, uint32(n))
	for range n {
		p = append(p, byte(i))
	}
	return p
}

func (m *modelled) send() {
	p := m.priorities[m.rand.IntN(len(m.priorities))]
	message := m.encode(len(m.sent), m.rand.IntN(200))
	if m.queue.admit(len(message), p, &m.cfg) != nil {
		return
	}
	m.sent = append(m.sent, p)
	if m.rand.IntN(2) == 0 {
		m.queue.add(MakeHead(message[:3]), message[3:], p)
		return
	}
	f := shared(string(message))
	m.frames = append(m.frames, f)
	m.queue.addFrame(f, p)
}

// sendAbout sends a message of which only the newest about its subject is wanted.
func (m *modelled) sendAbout() {
	f := shared(string(m.encode(len(m.sent), m.rand.IntN(200))))
	f.Subject = Subject{"space", string('a' + rune(m.rand.IntN(3)))}
	if !m.queue.replace(f, Droppable, &m.cfg) {
		if m.queue.admit(len(f.Bytes()), Droppable, &m.cfg) != nil {
			return
		}
		m.queue.addFrame(f, Droppable)
	}
	m.sent = append(m.sent, Droppable)
	m.frames = append(m.frames, f)
}

// write writes some bytes, as one system call would, from what was taken before.
func (m *modelled) write() {
	o := m.queue.take()
	if o == nil {
		return
	}
	if m.taken = !m.taken; m.taken {
		return // others send meanwhile
	}
	total := 0
	slices := o.next()
	for _, s := range slices {
		total += len(s)
	}
	n := m.rand.IntN(total) + 1
	left := n
	for _, s := range slices {
		k := min(left, len(s))
		m.written = append(m.written, s[:k]...)
		left -= k
	}
	m.queue.wrote(n)
	if m.rand.IntN(2) == 0 {
		m.queue.rest()
	}
}

// check reads what was written: whole messages in their order, of which only droppable ones are missing.
func (m *modelled) check() {
	seen := make([]bool, len(m.sent))
	last := -1
	for p := m.written; len(p) > 0; {
		i, n := int(binary.BigEndian.Uint32(p)), int(binary.BigEndian.Uint32(p[4:]))
		if i <= last && !m.replaces || seen[i] {
			m.t.Fatalf("message %d comes after %d", i, last)
		}
		want := m.encode(i, n)
		if string(p[:len(want)]) != string(want) {
			m.t.Fatalf("message %d is damaged", i)
		}
		last, p, seen[i] = i, p[len(want):], true
	}
	missing := 0
	for i, p := range m.sent {
		if !seen[i] {
			missing++
			if p != Droppable {
				m.t.Errorf("message %d of priority %d is missing", i, p)
			}
		}
	}
	if missing != m.dropped {
		m.t.Errorf("%d messages are missing, %d were reported as dropped", missing, m.dropped)
	}
	for i, f := range m.frames {
		if got := f.refs.Load(); got != 1 {
			m.t.Errorf("frame %d has %d references, want 1", i, got)
		}
	}
	if m.queue.size() != 0 || m.queue.pending != nil || m.queue.flight != nil {
		m.t.Error("the empty queue holds memory")
	}
}

func TestQueueSendsAllInOrderButWhatItDrops(t *testing.T) {
	for kind := range 3 {
		drop, replaces := kind > 0, kind > 1
		for seed := range uint64(200) {
			m := &modelled{t: t, rand: rand.New(rand.NewPCG(seed, 1)), priorities: []Priority{Normal, Through}}
			if drop {
				m.priorities = append(m.priorities, Droppable, Droppable)
			}
			m.replaces = replaces
			m.cfg = Config{
				Outbox:   2000,
				Dropped:  func(n int) { m.dropped += n },
				Replaced: func() { m.dropped++ },
			}
			for range 500 {
				if m.rand.IntN(2+int(seed%2)) > 0 {
					if m.replaces && m.rand.IntN(2) == 0 {
						m.sendAbout()
						continue
					}
					m.send()
				} else {
					m.write()
				}
			}
			for !m.queue.empty() {
				m.write()
			}
			m.check()
			if t.Failed() {
				t.Fatalf("seed %d, dropping %v, replacing %v", seed, drop, replaces)
			}
		}
	}
}
