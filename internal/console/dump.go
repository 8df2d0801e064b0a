package console

import (
	"bufio"
	"fmt"
)

const (
	dumpColumns = 16
	maxDump     = 4 << 10 // bytes of a message that are shown on a terminal
)

// writeDump writes the first bytes of p as lines of offset, hex and ASCII, as hexdump -C does.
func writeDump(w *bufio.Writer, p []byte, indent string) {
	shown := p[:min(len(p), maxDump)]
	for offset := 0; offset < len(shown); offset += dumpColumns {
		writeDumpLine(w, offset, shown[offset:min(offset+dumpColumns, len(shown))], indent)
	}
	if rest := len(p) - len(shown); rest > 0 {
		fmt.Fprintf(w, "%sand %d bytes more; a pipe or --raw gets them all\n", indent, rest)
	}
}

func writeDumpLine(w *bufio.Writer, offset int, line []byte, indent string) {
	fmt.Fprintf(w, "%s%08x ", indent, offset)
	for i := range dumpColumns {
		if i == dumpColumns/2 {
			w.WriteByte(' ')
		}
		if i < len(line) {
			fmt.Fprintf(w, " %02x", line[i])
		} else {
			w.WriteString("   ")
		}
	}
	w.WriteString("  |")
	for _, b := range line {
		if b < ' ' || b > '~' {
			b = '.'
		}
		w.WriteByte(b)
	}
	w.WriteString("|\n")
}
