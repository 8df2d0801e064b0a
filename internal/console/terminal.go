package console

import (
	"io"
	"os"
)

// Streams is where Run reads from and writes to, and which of these are terminals.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer

	InTerminal, OutTerminal, ErrTerminal bool
	Escapes                              bool // the terminal understands ANSI escape sequences
	Colors                               bool
}

// NewStreams finds out which streams are terminals, and from TERM and NO_COLOR what may be done there.
func NewStreams(in io.Reader, out, err io.Writer) Streams {
	s := Streams{
		In: in, Out: out, Err: err,
		InTerminal:  isTerminal(in),
		OutTerminal: isTerminal(out),
		ErrTerminal: isTerminal(err),
	}
	s.Escapes = s.OutTerminal && os.Getenv("TERM") != "dumb" && allowEscapes(out)
	s.Colors = s.Escapes && os.Getenv("NO_COLOR") == ""
	return s
}

// usualColumns is taken where a terminal does not say how wide it is.
const usualColumns = 80

// Columns returns how many characters a line of a terminal has.
func Columns(terminal any) int {
	if file, ok := terminal.(descriptor); ok {
		if n := columns(file); n > 0 {
			return n
		}
	}
	return usualColumns
}

// descriptor is what files have.
type descriptor interface{ Fd() uintptr }
