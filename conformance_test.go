package molva_test

import (
	"testing"

	"github.com/molva-ws/molva/wire"
)

// testCase is a row of the conformance table: what a peer sends, and what it must get.
type testCase struct {
	name   string
	config config
	send   []frame
	chunk  int            // bytes in each write; 0 for all at once
	want   []frame        // what comes back before the close frame
	code   wire.CloseCode // of the close frame that ends it; 0 if the peer closes, with 1000
	dialog func(*peer)    // instead of send, want and code, for what takes more than one turn
}

// echoed is a row in which one message comes back, whatever frames it was sent in.
func echoed(name string, message frame, sent ...frame) testCase {
	if len(sent) == 0 {
		sent = []frame{message}
	}
	return testCase{name: name, send: sent, want: []frame{message}}
}

// refused is a row in which nothing comes back but a close frame.
func refused(name string, code wire.CloseCode, sent ...frame) testCase {
	return testCase{name: name, send: sent, code: code}
}

// chunked is the same row with other writes.
func (c testCase) chunked(name string, bytes int) testCase {
	c.name += ", " + name
	c.chunk = bytes
	return c
}

func (c testCase) run(p *peer) {
	if c.dialog != nil {
		c.dialog(p)
		return
	}
	p.write(p.encode(c.send...), c.chunk)
	p.want(c.want...)
	if c.code == 0 {
		p.close()
		return
	}
	p.wantClose(c.code)
}

// conformance is the table, by the parts of the protocol.
var conformance = []struct {
	name  string
	cases func() []testCase
}{
	{"framing", framingCases},
	{"pings and pongs", pingCases},
	{"reserved bits", reservedBitCases},
	{"opcodes", opcodeCases},
	{"masking", maskingCases},
	{"lengths", lengthCases},
	{"fragmentation", fragmentationCases},
	{"utf-8", utf8Cases},
	{"closing", closingCases},
	{"limits", limitCases},
	{"large messages", largeCases},
	{"compression", compressionCases},
	{"compression, wrong", compressionFaultCases},
}

// TestConformance runs every case of the table against every engine, over real sockets.
func TestConformance(t *testing.T) {
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) {
			for _, part := range conformance {
				t.Run(part.name, func(t *testing.T) {
					t.Parallel()
					for _, c := range part.cases() {
						t.Run(c.name, func(t *testing.T) {
							t.Parallel()
							c.run(e.connect(t, c.config))
						})
					}
				})
			}
		})
	}
}
