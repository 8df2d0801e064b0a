package console

import (
	"bufio"
	"bytes"
	"io"
)

// lines reads an input line by line, however long they are.
type lines struct {
	in     *bufio.Reader
	limit  int    // in bytes on a line
	number int    // of the line that was read last, from 1
	long   []byte // a line that does not fit into in's buffer
}

// maxKept is how large a buffer may be that is kept for the next line.
const maxKept = 1 << 20

func newLines(in io.Reader, limit int) *lines {
	return &lines{in: bufio.NewReaderSize(in, 64<<10), limit: limit}
}

// next returns the next line without its end, \n or \r\n. It is valid until the next call. A line that is too long is
// an [*inputError], and the next call returns the line after it. At the end of the input the error is [io.EOF].
func (l *lines) next() ([]byte, error) {
	l.number++
	part, err := l.in.ReadSlice('\n')
	if err == nil {
		return l.checked(part)
	}
	if cap(l.long) > maxKept {
		l.long = nil
	}
	l.long = append(l.long[:0], part...)
	for err == bufio.ErrBufferFull {
		part, err = l.in.ReadSlice('\n')
		if len(l.long) <= l.limit+len("\r\n") {
			l.long = append(l.long, part...)
		}
	}
	if err != nil && (err != io.EOF || len(l.long) == 0) {
		return nil, err
	}
	return l.checked(l.long)
}

func (l *lines) checked(line []byte) ([]byte, error) {
	line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
	if len(line) > l.limit {
		return nil, &inputError{l.number, "is longer than --max-message allows"}
	}
	return line, nil
}
