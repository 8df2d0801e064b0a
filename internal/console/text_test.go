package console

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"
)

// TestLinesOfEverySize reads lines around every boundary, from an input that comes at once and from one that trickles.
func TestLinesOfEverySize(t *testing.T) {
	const buffer, limit = 64 << 10, 200_000
	for _, n := range []int{
		0, 1, buffer - 2, buffer - 1, buffer, buffer + 1, 2 * buffer, limit - 1, limit, limit + 1, limit + 2, 2 * limit,
	} {
		for _, end := range []string{"\n", "\r\n", ""} {
			line := strings.Repeat("x", n)
			input := "first\n" + line + end
			for name, in := range map[string]io.Reader{
				"at once":  strings.NewReader(input),
				"by halfs": iotest.HalfReader(strings.NewReader(input)),
			} {
				l := newLines(in, limit)
				if first, err := l.next(); string(first) != "first" || err != nil {
					t.Fatalf("%d bytes: %q, %v", n, first, err)
				}
				got, err := l.next()
				var tooLong *inputError
				switch {
				case n == 0 && end == "":
					if err != io.EOF {
						t.Errorf("nothing: %q, %v", got, err)
					}
					continue
				case n > limit:
					if !errors.As(err, &tooLong) || tooLong.line != 2 {
						t.Errorf("%d bytes, %s: %d, %v", n, name, len(got), err)
					}
				case err != nil || string(got) != line:
					t.Errorf("%d bytes and %q, %s: %d, %v", n, end, name, len(got), err)
				}
				if got, err := l.next(); err != io.EOF {
					t.Errorf("after %d bytes: %q, %v", n, got, err)
				}
			}
		}
	}
}

func TestLinesGoOnAfterOneThatIsTooLong(t *testing.T) {
	l := newLines(strings.NewReader(strings.Repeat("x", 300_000)+"\nnext\n"), 100)
	if _, err := l.next(); err == nil {
		t.Error("a line of any length is taken")
	}
	if line, err := l.next(); string(line) != "next" || err != nil {
		t.Errorf("%q, %v", line, err)
	}
	if len(l.long) > 70_000 {
		t.Errorf("%d bytes were kept", len(l.long))
	}
}

func TestLinesTellOfAnInputThatFails(t *testing.T) {
	broken := errors.New("broken")
	l := newLines(io.MultiReader(strings.NewReader("half"), iotest.ErrReader(broken)), 100)
	if _, err := l.next(); err != broken {
		t.Error(err)
	}
}

func escapeAll(s string) string {
	var b bytes.Buffer
	w := bufio.NewWriter(&b)
	writeEscaped(w, []byte(s), indent)
	w.Flush()
	return b.String()
}

func TestWriteEscaped(t *testing.T) {
	for s, want := range map[string]string{
		"":                         "",
		"plain, привет 🙂 é":        "plain, привет 🙂 é",
		"👩‍👩‍👧":                    "👩‍👩‍👧", // joined by a character that shows nothing
		"a\tb\nc":                  "a\tb\n  c",
		"\x1b[2J":                  `\x1b[2J`,
		"\r\x00\x7f":               `\r\x00\x7f`,
		"\u0085\u009b":             `\u0085\u009b`,
		"\u202a\u2069\u200f\u2028": `\u202a\u2069\u200f\u2028`,
		"a\xffb":                   `a\xffb`,
		"\ufffd":                   "\ufffd",
	} {
		if got := escapeAll(s); got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
}

func FuzzWriteEscapedIsHarmless(f *testing.F) {
	f.Add("\x1b[2J\u202e\xff\n")
	f.Fuzz(func(t *testing.T, s string) {
		for _, got := range []string{escapeAll(s), visible(s)} {
			if !utf8.ValidString(got) {
				t.Errorf("%q is no UTF-8", got)
			}
			for _, r := range got {
				if r != '\n' && r != '\t' && hostile(r) {
					t.Errorf("%q in %q", r, got)
				}
			}
		}
		if strings.Contains(visible(s), "\n") {
			t.Error("more than a line")
		}
	})
}
