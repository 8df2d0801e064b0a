package loop

import (
	"bytes"
	"strconv"
	"testing"

	"github.com/molva-ws/molva/internal/buffer"
)

func shared(s string) *Frame {
	b := buffer.Get(len(s))
	b.Append([]byte(s))
	return NewFrame(b)
}

// outboxOf makes an outbox of messages: those that begin with "/" are shared frames, those that end with "?" may be
// dropped. It returns the frames, too.
func outboxOf(messages ...string) (*outbox, []*Frame) {
	o := new(outbox)
	var frames []*Frame
	for _, m := range messages {
		priority := Normal
		if m[len(m)-1] == '?' {
			priority = Droppable
		}
		if m[0] != '/' {
			o.add(MakeHead([]byte(m[:1])), []byte(m[1:]), priority)
			continue
		}
		f := shared(m)
		frames = append(frames, f)
		o.addFrame(f, priority)
	}
	return o, frames
}

func content(o *outbox) string { return string(bytes.Join(o.gather(nil, 1000), nil)) }

func TestOutboxGathersNeighboursInMemoryAsOneSlice(t *testing.T) {
	cases := []struct {
		name     string
		messages []string
		written  int
		max      int
		want     []string
	}{
		{"one message", []string{"one"}, 0, 64, []string{"one"}},
		{"own messages join", []string{"one", "two", "three"}, 0, 64, []string{"onetwothree"}},
		{"frames stay apart", []string{"/one", "/two"}, 0, 64, []string{"/one", "/two"}},
		{"own around a frame", []string{"a", "b", "/f", "c", "d"}, 0, 64, []string{"ab", "/f", "cd"}},
		{"from within an own message", []string{"one", "two"}, 2, 64, []string{"etwo"}},
		{"from within a frame", []string{"/one", "two"}, 2, 64, []string{"ne", "two"}},
		{"from the second message on", []string{"one", "/two", "three"}, 3, 64, []string{"/two", "three"}},
		{"from within the second", []string{"one", "two", "/f"}, 4, 64, []string{"wo", "/f"}},
		{"no more than max", []string{"/one", "two", "/three"}, 0, 2, []string{"/one", "two"}},
		{"what joins is within max", []string{"/one", "two", "three", "/four"}, 0, 2, []string{"/one", "twothree"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			o, _ := outboxOf(c.messages...)
			o.wrote(c.written)
			got := o.gather(nil, c.max)
			if len(got) != len(c.want) {
				t.Fatalf("%d slices %q, want %q", len(got), got, c.want)
			}
			for i, s := range got {
				if string(s) != c.want[i] {
					t.Errorf("slice %d is %q, want %q", i, s, c.want[i])
				}
			}
		})
	}
}

func TestOutboxCountsWhatIsLeft(t *testing.T) {
	o, _ := outboxOf("one", "/two", "three")
	for _, step := range []struct{ n, size int }{
		{0, 12 + 3*pieceCost}, {2, 10 + 3*pieceCost}, {1, 9 + 2*pieceCost}, {5, 4 + pieceCost}, {4, 0},
	} {
		o.wrote(step.n)
		if got := o.size(); got != step.size {
			t.Errorf("after %d more bytes the size is %d, want %d", step.n, got, step.size)
		}
	}
	if !o.empty() {
		t.Error("the outbox is not empty")
	}
}

// Where many small messages are one piece, the room of those that are written must not be kept until the last is.
func TestOutboxMakesRoomPieceByPiece(t *testing.T) {
	var o outbox
	for range 3 * maxJoined {
		o.add(Head{}, []byte("x"), Normal)
	}
	o.wrote(maxJoined)
	if want := 2 * maxJoined * (1 + pieceCost); o.size() != want {
		t.Errorf("%d bytes count, want %d", o.size(), want)
	}
}

func TestDropOldest(t *testing.T) {
	cases := []struct {
		name     string
		messages []string
		written  int
		limit    int
		want     string
		dropped  int
	}{
		{"nothing above the limit", []string{"a?", "b?"}, 0, 2 * (2 + pieceCost), "a?b?", 0},
		{"the oldest goes first", []string{"a?", "b?", "c?"}, 0, 2 * (2 + pieceCost), "b?c?", 1},
		{"all go", []string{"a?", "/b?"}, 0, 0, "", 2},
		{"what may not be dropped stays", []string{"a!", "b?", "c!"}, 0, 0, "a!c!", 1},
		{"frames in between", []string{"/a?", "b?", "/c!", "d?"}, 0, 2 + pieceCost + 3 + pieceCost, "/c!d?", 2},
		{"own messages move together", []string{"a!", "b?", "/c!", "d!", "e?"}, 0, 0, "a!/c!d!", 2},
		{"behind what is written", []string{"xx", "a?", "b?"}, 2, 2 + pieceCost, "b?", 1},
		{"an own message half written stays", []string{"abc?", "b?"}, 1, 0, "bc?", 1},
		{"a frame half written stays", []string{"/bc?", "b?", "c?"}, 1, 0, "bc?", 2},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			o, _ := outboxOf(c.messages...)
			o.wrote(c.written)
			if got := o.dropOldest(c.limit); got != c.dropped {
				t.Errorf("dropped %d, want %d", got, c.dropped)
			}
			if got := content(o); got != c.want {
				t.Errorf("left is %q, want %q", got, c.want)
			}
			if o.empty() != (c.want == "") {
				t.Errorf("empty is %v when %q is left", o.empty(), c.want)
			}
			o.add(MakeHead([]byte("n")), []byte("ew"), Normal)
			if got := content(o); got != c.want+"new" {
				t.Errorf("with another message it is %q, want %q", got, c.want+"new")
			}
			if got, want := o.bytes, len(c.want)+3; got != want {
				t.Errorf("%d bytes are counted, want %d", got, want)
			}
		})
	}
}

func TestOutboxReleasesEachFrameOnce(t *testing.T) {
	ends := map[string]func(*outbox){
		"written": func(o *outbox) { o.wrote(o.bytes) },
		"dropped": func(o *outbox) { o.dropOldest(0) },
		"freed":   func(o *outbox) { o.free() },
		"half written, half dropped, freed": func(o *outbox) {
			o.wrote(4)
			o.dropOldest(0)
			o.free()
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			o, frames := outboxOf("/a?", "/b?", "/c?")
			for _, f := range frames {
				if got := f.refs.Load(); got != 2 {
					t.Fatalf("a queued frame has %d references, want 2", got)
				}
			}
			end(o)
			for i, f := range frames {
				if got := f.refs.Load(); got != 1 {
					t.Errorf("frame %d has %d references, want 1", i, got)
				}
			}
		})
	}
}

func TestLastReleaseGivesTheMemoryBack(t *testing.T) {
	f := shared("bytes")
	f.Retain()
	f.Release()
	if string(f.Bytes()) != "bytes" {
		t.Error("the bytes went with the first of two references")
	}
	f.Release()
	if f.buf != nil {
		t.Error("the frame without references holds its buffer")
	}
}

// outboxAbout makes an outbox of droppable frames, each about the subject that its first letter names.
func outboxAbout(messages ...string) (*outbox, []*Frame) {
	o := new(outbox)
	var frames []*Frame
	for _, m := range messages {
		f := shared(m)
		f.Subject.Name = m[:1]
		frames = append(frames, f)
		if !o.replace(f, 1000) {
			o.addFrame(f, Droppable)
		}
	}
	return o, frames
}

func TestNewestAboutASubjectTakesTheOldPlace(t *testing.T) {
	const each = 2 + pieceCost
	cases := []struct {
		name     string
		messages []string
		before   func(*outbox)
		then     string
		limit    int
		want     string
	}{
		{"the first", nil, nil, "a1", 1000, "a1"},
		{"in place", []string{"a1", "b1"}, nil, "a2", 1000, "a2b1"},
		{"twice", []string{"a1", "b1", "a2", "b2"}, nil, "a3", 1000, "a3b2"},
		{"not what is partly written", []string{"a1", "b1"}, func(o *outbox) { o.wrote(1) }, "a2", 1000, "1b1a2"},
		{"not what is written", []string{"a1", "b1"}, func(o *outbox) { o.wrote(2) }, "a2", 1000, "b1a2"},
		{"not what was thrown away", []string{"a1", "b1"}, func(o *outbox) { o.dropOldest(each) }, "a2", 1000, "b1a2"},
		{"what is longer, within the limit", []string{"a1", "b1"}, nil, "a22", 2*each + 1, "a22b1"},
		{"not what is longer than the limit", []string{"a1", "b1"}, nil, "a22", 2 * each, "a1b1a22"},
		{"after gaps were closed", []string{"a1", "b1", "c1"}, func(o *outbox) { o.dropOldest(2 * each); o.compact() },
			"c2", 1000, "b1c2"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			o, frames := outboxAbout(c.messages...)
			if c.before != nil {
				c.before(o)
			}
			f := shared(c.then)
			f.Subject.Name = c.then[:1]
			frames = append(frames, f)
			if !o.replace(f, c.limit) {
				o.addFrame(f, Droppable)
			}
			if got := content(o); got != c.want {
				t.Errorf("the outbox has %q, want %q", got, c.want)
			}
			if o.bytes != len(c.want) {
				t.Errorf("%d bytes are counted, want %d", o.bytes, len(c.want))
			}
			o.free()
			for i, f := range frames {
				if got := f.refs.Load(); got != 1 {
					t.Errorf("frame %d has %d references, want 1", i, got)
				}
			}
		})
	}
}

// A client that does not read must cost neither memory nor, for each message, time in proportion to what waits.
func TestThrowingAwayKeepsTheOutboxSmall(t *testing.T) {
	for _, size := range []int{10, 3000} {
		o := new(outbox)
		body := make([]byte, size)
		const waiting = 100
		for range 100 * waiting {
			o.dropOldest((waiting - 1) * (size + pieceCost))
			o.add(Head{}, body, Droppable)
		}
		if o.waiting != waiting || o.bytes != waiting*size {
			t.Errorf("%d messages of %d bytes wait, want %d", o.waiting, size, waiting)
		}
		if len(o.pieces) > 3*waiting+compactFrom || o.own.Len() > 3*waiting*size+2*compactOwn {
			t.Errorf("%d messages of %d bytes take %d pieces and %d bytes", waiting, size, len(o.pieces), o.own.Len())
		}
		o.free()
	}
}

func BenchmarkDropOldest(b *testing.B) {
	for _, waiting := range []int{10, 10_000} {
		b.Run(strconv.Itoa(waiting), func(b *testing.B) {
			o := new(outbox)
			defer o.free()
			body := make([]byte, 16)
			for b.Loop() {
				o.dropOldest((waiting - 1) * (len(body) + pieceCost))
				o.add(Head{}, body, Droppable)
			}
		})
	}
}
