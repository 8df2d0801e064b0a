package wire

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"
)

// utf8Texts are valid, from every length of sequence and both its ends.
var utf8Texts = []string{
	"",
	"Hello",
	"κόσμε",
	"Съешь же ещё этих мягких французских булок, да выпей чаю",
	"日本語のテキスト",
	"\x00\x7f\u0080\u07ff\u0800\ud7ff\ue000\uffff\U00010000\U0010ffff",
	"чат 👩‍👩‍👧‍👦 и 🇷🇺, ok 🙂",
}

// utf8Refusals are prefixes that are possible up to, and not including, their
// last byte (RFC 3629 §4).
var utf8Refusals = []struct{ name, text string }{
	{"lone continuation", "\x80"},
	{"highest lone continuation", "\xBF"},
	{"overlong lead C0", "\xC0"},
	{"overlong lead C1", "\xC1"},
	{"lead beyond U+10FFFF", "\xF5"},
	{"byte FE", "\xFE"},
	{"byte FF", "\xFF"},
	{"overlong of three", "\xE0\x9F"},
	{"overlong of four", "\xF0\x8F"},
	{"first high surrogate", "\xED\xA0"},
	{"last low surrogate", "\xED\xBF"},
	{"above U+10FFFF", "\xF4\x90"},
	{"ASCII behind a lead of two", "\xD0a"},
	{"lead behind a lead of two", "\xD0\xD0"},
	{"ASCII as third byte", "\xE2\x82a"},
	{"ASCII as fourth byte", "\xF0\x9F\x99a"},
	{"lead as fourth byte", "\xF0\x9F\x99\xF0"},
	{"continuation too many behind two", "\xD0\xB0\x80"},
	{"continuation too many behind three", "\xE2\x82\xAC\x80"},
	{"continuation too many behind four", "\xF0\x9F\x99\x82\x80"},
}

// firstImpossible returns the index of the first byte that no valid text could
// have there, or len(p). It is slow and plain: a prefix is possible if some
// completion of up to three continuation bytes makes it valid for unicode/utf8.
func firstImpossible(p []byte) int {
	for i := range p {
		if !possiblePrefix(p[:i+1]) {
			return i
		}
	}
	return len(p)
}

func possiblePrefix(p []byte) bool {
	// The second byte of a sequence lies in one of the ranges that these
	// values are in, and every byte behind it may be any of them.
	for _, completion := range []string{
		"", "\x80", "\x90", "\xA0",
		"\x80\x80", "\x90\x80", "\xA0\x80",
		"\x80\x80\x80", "\x90\x80\x80",
	} {
		if utf8.Valid(append(bytes.Clone(p), completion...)) {
			return true
		}
	}
	return false
}

func TestUTF8RefusesAtTheFirstImpossibleByte(t *testing.T) {
	for _, refusal := range utf8Refusals {
		t.Run(refusal.name, func(t *testing.T) {
			for _, before := range utf8Texts {
				// Behind the fault comes enough to reach the vector code.
				text := before + refusal.text + strings.Repeat("ж", 40)
				want := len(before) + len(refusal.text) - 1
				for n := range len(text) + 1 {
					var u UTF8
					if got := u.Valid([]byte(text[:n])); got != (n <= want) {
						t.Fatalf("the first %d bytes of %q: %t, want refusal at %d", n, text, got, want)
					}
				}
				if got := refusalOf([]byte(text), 1); got != want {
					t.Fatalf("%q byte by byte: refused at %d, want %d", text, got, want)
				}
			}
		})
	}
}

// refusalOf feeds p in pieces of the given size and returns the index of the
// last byte of the piece that was refused, or len(p).
func refusalOf(p []byte, size int) int {
	var u UTF8
	for i := 0; i < len(p); i += size {
		if !u.Valid(p[i:min(i+size, len(p))]) {
			return min(i+size, len(p)) - 1
		}
	}
	return len(p)
}

// checkUTF8 compares both ways to check p with unicode/utf8.
func checkUTF8(t *testing.T, p []byte) {
	t.Helper()
	want := utf8.Valid(p)
	if got := ValidUTF8(p); got != want {
		t.Fatalf("ValidUTF8 of % x = %t, want %t", p, got, want)
	}
	var u UTF8
	if got := u.Valid(p) && u.Complete(); got != want {
		t.Fatalf("UTF8 of % x = %t, want %t", p, got, want)
	}
}

func TestUTF8AgreesWithTheStandardLibraryOnEverySequence(t *testing.T) {
	// The sequences stand alone, and among ASCII across two vectors.
	text := bytes.Repeat([]byte("a"), 80)
	t.Run("1 byte", func(t *testing.T) {
		for a := range 256 {
			text[31] = byte(a)
			checkUTF8(t, text[31:32])
			checkUTF8(t, text)
		}
	})
	t.Run("2 bytes", func(t *testing.T) {
		for ab := range 1 << 16 {
			text[31], text[32] = byte(ab>>8), byte(ab)
			checkUTF8(t, text[31:33])
			checkUTF8(t, text)
		}
	})
	t.Run("3 bytes, the first a lead byte", func(t *testing.T) {
		for abc := 0xC00000; abc <= 0xFFFFFF; abc++ {
			text[31], text[32], text[33] = byte(abc>>16), byte(abc>>8), byte(abc)
			want := utf8.Valid(text[31:34])
			var u UTF8
			if got := u.Valid(text[31:34]) && u.Complete(); got != want {
				t.Fatalf("UTF8 of %06x = %t, want %t", abc, got, want)
			}
			if got := ValidUTF8(text); got != want {
				t.Fatalf("ValidUTF8 of %06x among ASCII = %t, want %t", abc, got, want)
			}
		}
	})
	t.Run("4 bytes", func(t *testing.T) {
		for _, p := range boundarySequences(4) {
			checkUTF8(t, p)
		}
	})
}

// boundarySequences returns every sequence of n bytes that are first or last
// of a range the grammar tells apart.
func boundarySequences(n int) [][]byte {
	if n == 0 {
		return [][]byte{nil}
	}
	var sequences [][]byte
	for _, head := range boundarySequences(n - 1) {
		for _, b := range []byte("\x00\x7F\x80\x8F\x90\x9F\xA0\xBF\xC0\xC1\xC2\xDF\xE0\xE1\xEC\xED\xEE\xEF\xF0\xF1\xF3\xF4\xF5\xFF") {
			sequences = append(sequences, append(bytes.Clone(head), b))
		}
	}
	return sequences
}

// TestUTF8AgreesOnEverySequenceAmongOthers puts the sequences where vector
// code sees them: at every place in a text that is longer than its vectors.
func TestUTF8AgreesOnEverySequenceAmongOthers(t *testing.T) {
	sequences := boundarySequences(4)
	for _, filler := range []string{"a", "ж", "日", "🙂"} {
		t.Run(filler, func(t *testing.T) {
			text := []byte(strings.Repeat(filler, 132/len(filler)))
			p := make([]byte, len(text))
			at := 0
			for _, sequence := range sequences {
				at = (at + 37) % (len(text) + 1 - len(sequence))
				copy(p, text)
				copy(p[at:], sequence)
				checkUTF8(t, p)
			}
		})
	}
}

func TestUTF8FindsOneFaultAnywhereInATextOfAnyLength(t *testing.T) {
	for _, filler := range []string{"a", "ж", "日", "🙂", "aж日🙂bcdefgh"} {
		t.Run(filler, func(t *testing.T) {
			text := strings.Repeat(filler, 1+130/len(filler))
			for length := range len(text) + 1 {
				p := []byte(text[:length])
				checkUTF8(t, p)
				for at, right := range p {
					for _, fault := range []byte{0x00, 0x80, 0xD0, 0xED, 0xFF} {
						p[at] = fault
						checkUTF8(t, p)
					}
					p[at] = right
				}
			}
		})
	}
}

func TestUTF8AcceptsATextCutAnywhere(t *testing.T) {
	for _, text := range utf8Texts {
		t.Run(text, func(t *testing.T) {
			p := []byte(text)
			for a := range len(p) + 1 {
				for b := a; b <= len(p); b++ {
					var u UTF8
					for _, end := range [][2]int{{0, a}, {a, b}, {b, len(p)}} {
						if !u.Valid(p[end[0]:end[1]]) {
							t.Fatalf("cut at %d and %d: refused", a, b)
						}
						if got, want := u.Complete(), utf8.Valid(p[:end[1]]); got != want {
							t.Fatalf("cut at %d and %d: complete at %d is %t", a, b, end[1], got)
						}
					}
				}
			}
		})
	}
}

func TestUTF8IsExactToTheByteOnRandomTexts(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		var p []byte
		for len(p) < 150 {
			p = append(p, utf8Texts[rng.IntN(len(utf8Texts))]...)
		}
		for range rng.IntN(3) {
			p[rng.IntN(len(p))] = byte(rng.Uint32())
		}
		want := firstImpossible(p)
		if got := refusalOf(p, 1); got != want {
			t.Fatalf("% x byte by byte: refused at %d, want %d", p, got, want)
		}
		cut := rng.IntN(len(p) + 1)
		for _, n := range []int{want, min(want+1, len(p))} {
			var u UTF8
			got := u.Valid(p[:min(cut, n)])
			got = u.Valid(p[min(cut, n):n]) && got
			if got != (n <= want) {
				t.Fatalf("the first %d bytes of % x, cut at %d: %t, want refusal at %d", n, p, cut, got, want)
			}
		}
	}
}

func TestUTF8RemembersARefusalUntilReset(t *testing.T) {
	var u UTF8
	u.Valid([]byte("ok\xFF"))
	for _, text := range []string{"", "ok", strings.Repeat("ok", 100)} {
		if u.Valid([]byte(text)) {
			t.Errorf("valid again after %q", text)
		}
	}
	if u.Complete() {
		t.Error("a refused text is complete")
	}
	u.Reset()
	if !u.Valid([]byte("ok")) || !u.Complete() {
		t.Error("not ready after Reset")
	}
	u.Valid([]byte("\xD0"))
	u.Reset()
	if !u.Complete() {
		t.Error("Reset left a sequence pending")
	}
}

func TestUTF8AllocatesNothing(t *testing.T) {
	p := []byte(strings.Repeat("ж🙂 ok", 100))
	if n := testing.AllocsPerRun(100, func() {
		var u UTF8
		u.Valid(p[:333])
		u.Valid(p[333:])
		ValidUTF8(p)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzUTF8 checks any bytes, cut in three, against unicode/utf8 and the plain
// definition of the first impossible byte.
func FuzzUTF8(f *testing.F) {
	for _, text := range utf8Texts {
		f.Add([]byte(text), uint16(len(text)/3), uint16(1))
		f.Add([]byte(strings.Repeat(text, 10)), uint16(50), uint16(70))
	}
	for _, refusal := range utf8Refusals {
		f.Add([]byte(strings.Repeat("ж🙂 ", 20)+refusal.text+"ok"), uint16(1), uint16(140))
	}
	f.Fuzz(func(t *testing.T, p []byte, first, second uint16) {
		if len(p) > 4096 { // firstImpossible is quadratic
			return
		}
		checkUTF8(t, p)
		impossible := firstImpossible(p)
		a := min(int(first), len(p))
		b := min(a+int(second), len(p))
		var u UTF8
		for _, piece := range [][2]int{{0, a}, {a, b}, {b, len(p)}} {
			want := piece[1] <= impossible
			if got := u.Valid(p[piece[0]:piece[1]]); got != want {
				t.Fatalf("cut at %d and %d, at %d: %t, want refusal at %d", a, b, piece[1], got, impossible)
			}
			if got, want := u.Complete(), utf8.Valid(p[:piece[1]]); got != want {
				t.Fatalf("cut at %d and %d: complete at %d is %t", a, b, piece[1], got)
			}
		}
		if got := refusalOf(p, 1); got != impossible {
			t.Fatalf("byte by byte: refused at %d, want %d", got, impossible)
		}
	})
}

// BenchmarkUTF8 compares both validators with unicode/utf8.
func BenchmarkUTF8(b *testing.B) {
	validators := []struct {
		name  string
		valid func(p []byte) bool
	}{
		{"ValidUTF8", ValidUTF8},
		{"UTF8", func(p []byte) bool {
			var u UTF8
			return u.Valid(p) && u.Complete()
		}},
		{"unicode/utf8", utf8.Valid},
	}
	for _, text := range []struct{ name, unit string }{
		{"ascii", "The quick brown fox jumps over the lazy dog. "},
		{"russian", "Съешь же ещё этих мягких французских булок, да выпей чаю. "},
		{"mixed", "Привет, мир! 👋 Как дела? 🙂 Hello, 世界. "},
	} {
		for _, n := range []int{8, 16, 32, 64, 1 << 10, 64 << 10} {
			p := []byte(strings.Repeat(text.unit, n/len(text.unit)+2))
			p = p[:wholeUTF8(p[:n])]
			for _, validator := range validators {
				b.Run(fmt.Sprintf("%s/%d/%s", text.name, n, validator.name), func(b *testing.B) {
					b.ReportAllocs()
					b.SetBytes(int64(len(p)))
					for b.Loop() {
						if !validator.valid(p) {
							b.Fatal("refused")
						}
					}
				})
			}
		}
	}
}
