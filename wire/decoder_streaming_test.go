package wire

import (
	"fmt"
	"slices"
	"testing"
)

// pieces returns what the decoder makes of chunk, each event as a line.
func pieces(t *testing.T, d *Decoder, chunk string) (lines []string) {
	t.Helper()
	for rest := []byte(chunk); ; {
		ev, after, err := d.Next(rest)
		if err != nil {
			t.Fatal(err)
		}
		if ev.Op == 0 {
			return lines
		}
		lines = append(lines, fmt.Sprintf("%v %q fin=%t", ev.Op, ev.Payload, ev.Fin))
		rest = after
	}
}

func TestDecoderStreamsPiecesAsTheyArrive(t *testing.T) {
	d := NewDecoder(Client, nil, NewInflater(15, false))
	defer d.Release()
	d.SetStreaming(true)
	for _, step := range []struct {
		chunk string
		want  []string
	}{
		{"\x01\x05", nil},
		{"He", []string{`text "He" fin=false`}},
		{"l", []string{`text "l" fin=false`}},
		{"lo\x89\x02p", []string{`text "lo" fin=false`}},
		{"q\x00\x03 \xd0", []string{`ping "pq" fin=true`, `text " \xd0" fin=false`}},
		{"\xb6\x00\x00\x80\x00", []string{`text "\xb6" fin=false`, `text "" fin=true`}},
		{"\x82\x03abc", []string{`binary "abc" fin=true`}},
		{"\x82\x00\x82\x02ab\x82\x02c", []string{`binary "" fin=true`, `binary "ab" fin=true`, `binary "c" fin=false`}},
		{"d", []string{`binary "d" fin=true`}},
		{"\x41\x03\xf2\x48\xcd\x80\x04\xc9\xc9", nil},
		{"\x07\x00", []string{`text "Hello" fin=true`}},
	} {
		if got := pieces(t, &d, step.chunk); !slices.Equal(got, step.want) {
			t.Fatalf("%q:\n got %v\nwant %v", step.chunk, got, step.want)
		}
		if d.partial.Len() > 0 && !d.rsv1 {
			t.Fatalf("after %q it holds %q", step.chunk, d.partial.Bytes())
		}
	}
}

func TestDecoderStreamingIsSwitchedAmidAMessage(t *testing.T) {
	d := NewDecoder(Client, nil, nil)
	defer d.Release()
	for _, step := range []struct {
		streaming bool
		chunk     string
		want      []string
	}{
		{false, "\x01\x03abc\x00\x03d", nil},
		{true, "", nil},
		{true, "e", []string{`text "abcde" fin=false`}},
		{true, "f", []string{`text "f" fin=false`}},
		{false, "\x00\x02gh", nil},
		{true, "\x00\x00", []string{`text "gh" fin=false`}},
		{false, "\x00\x01i\x80\x02jk", []string{`text "ijk" fin=true`}},

		{false, "\x01\x03abc", nil},
		{true, "\x89\x00", []string{`ping "" fin=true`}},
		{true, "\x80\x00", []string{`text "abc" fin=true`}},

		{true, "\x02\x02ab", []string{`binary "ab" fin=false`}},
		{false, "\x80\x02cd\x81\x01e", []string{`binary "cd" fin=true`, `text "e" fin=true`}},

		{true, "\x02\x02ab", []string{`binary "ab" fin=false`}},
		{false, "\x80\x00", []string{`binary "" fin=true`}},
	} {
		d.SetStreaming(step.streaming)
		if got := pieces(t, &d, step.chunk); !slices.Equal(got, step.want) {
			t.Fatalf("%q, streaming %t:\n got %v\nwant %v", step.chunk, step.streaming, got, step.want)
		}
	}
}

func TestDecoderJudgesTextAcrossASwitchOfStreaming(t *testing.T) {
	d := NewDecoder(Client, nil, nil)
	pieces(t, &d, "\x01\x01\xe2")
	d.SetStreaming(true)
	pieces(t, &d, "\x00\x01\x82")
	d.SetStreaming(false)
	if _, _, err := d.Next([]byte("\x80\x01a")); err != errInvalidUTF8 {
		t.Errorf("%v", err)
	}
}

func TestDecoderStreamsPiecesWhereTheyLie(t *testing.T) {
	d := NewDecoder(Client, nil, nil)
	d.SetStreaming(true)
	p := []byte("\x82\x05ab")
	ev, _, err := d.Next(p)
	if err != nil || &ev.Payload[0] != &p[2] || cap(ev.Payload) != 2 {
		t.Errorf("%q, capacity %d, %v", ev.Payload, cap(ev.Payload), err)
	}
}
