package console

import (
	"bufio"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// hostile reports whether a character does something to a terminal, or to the order in which it shows others: control
// characters, line separators and what switches the direction of writing.
func hostile(r rune) bool {
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || unicode.Is(unicode.Bidi_Control, r)
}

// writeEscaped writes text for a terminal, with hostile characters made visible. Tabs stay; a line feed starts a new
// line, with indent before it.
func writeEscaped(w *bufio.Writer, text []byte, indent string) {
	clean := 0 // where what needs no care begins
	for i := 0; i < len(text); {
		r, size := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRune(text[i:])
		}
		bad := r == utf8.RuneError && size == 1
		if r == '\t' || !bad && !hostile(r) {
			i += size
			continue
		}
		w.Write(text[clean:i])
		switch {
		case r == '\n':
			w.WriteByte('\n')
			w.WriteString(indent)
		case bad:
			fmt.Fprintf(w, `\x%02x`, text[i])
		default:
			w.WriteString(escaped(r))
		}
		i += size
		clean = i
	}
	w.Write(text[clean:])
}

// escaped makes a hostile character visible.
func escaped(r rune) string {
	switch {
	case r == '\n':
		return `\n`
	case r == '\r':
		return `\r`
	case r < 0x80:
		return fmt.Sprintf(`\x%02x`, r)
	}
	return fmt.Sprintf(`\u%04x`, r)
}

// visible returns s for one line of a terminal, with hostile characters made visible.
func visible(s string) string {
	if strings.IndexFunc(s, hostile) < 0 && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if hostile(r) && r != '\t' {
			b.WriteString(escaped(r))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}
