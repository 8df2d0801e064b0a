package gateway

import (
	"bytes"
	"errors"
	"io"
)

// errLineTooLong stands for a line that was skipped.
var errLineTooLong = errors.New("gateway: line is too long")

const (
	lineBuffer      = 4 << 10  // of a connection that waits
	lineBufferBurst = 64 << 10 // of one on which much comes
)

// lineReader reads lines of bounded length. Its buffer is small, and grows for a long line or for many.
type lineReader struct {
	from       io.Reader
	limit      int
	beforeRead func() error // may be nil

	buf      []byte
	start    int // of the line that comes next
	seen     int // where to go on looking for its end
	end      int // of what was read
	skipping bool
	ended    error // what the last Read returned
}

// next returns the next line without its end; it is valid until the following call. A line without an end counts if
// there is nothing behind it. beforeRead is called when no whole line is left, and its error returned.
func (l *lineReader) next() ([]byte, error) {
	for {
		if i := bytes.IndexByte(l.buf[l.seen:l.end], '\n'); i >= 0 {
			return l.take(l.seen+i, l.seen+i+1)
		}
		l.seen = l.end
		if l.skipping || l.end-l.start > l.limit {
			l.skipping = true
			l.start, l.seen, l.end = 0, 0, 0
		}
		if l.ended != nil {
			if l.skipping || l.start < l.end && l.ended == io.EOF {
				return l.take(l.end, l.end)
			}
			return nil, l.ended
		}
		if l.beforeRead != nil {
			if err := l.beforeRead(); err != nil {
				return nil, err
			}
		}
		l.read()
	}
}

// take returns the line that ends at end and goes on behind it.
func (l *lineReader) take(end, behind int) ([]byte, error) {
	line := l.buf[l.start:end]
	l.start, l.seen = behind, behind
	if l.skipping || len(line) > l.limit {
		l.skipping = false
		return nil, errLineTooLong
	}
	return line, nil
}

// read reads once more, behind what is there.
func (l *lineReader) read() {
	l.makeRoom()
	var n int
	n, l.ended = l.from.Read(l.buf[l.end:])
	l.end += n
	if l.end == len(l.buf) && len(l.buf) < lineBufferBurst {
		l.resize(lineBufferBurst) // there is more where that came from
	}
}

// makeRoom moves the beginning of a line to the front, and sees to it that the buffer has a good size.
func (l *lineReader) makeRoom() {
	waiting := l.end - l.start
	switch {
	case l.buf == nil:
		l.buf = make([]byte, lineBuffer)
	case waiting == 0 && len(l.buf) != lineBuffer && l.end < len(l.buf)/2:
		l.resize(lineBuffer) // what came last did not need more
	case waiting > len(l.buf)/2:
		l.resize(2 * len(l.buf))
	default:
		copy(l.buf, l.buf[l.start:l.end])
		l.start, l.seen, l.end = 0, l.seen-l.start, waiting
	}
}

func (l *lineReader) resize(size int) {
	buf := make([]byte, size)
	n := copy(buf, l.buf[l.start:l.end])
	l.buf, l.start, l.seen, l.end = buf, 0, l.seen-l.start, n
}
