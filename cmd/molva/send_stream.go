package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"sync"
	"time"

	"github.com/molva-ws/molva/gateway/api"
	"github.com/molva-ws/molva/gateway/remote"
	"github.com/molva-ws/molva/internal/console"
)

const (
	// shownProblems is how many lines with problems are named one by one.
	shownProblems = 20
	// progressEvery is how often a long run tells how far it is.
	progressEvery = 2 * time.Second
)

// stream sends each line of an input as a message, without waiting for one answer before the next message.
type stream struct {
	*sendCmd
	streams
	terminal bool // on which progress can be shown

	lines waiting

	mu       sync.Mutex // what follows is written by whoever reads lines and by whoever reads answers
	problems int
	progress bool // the cursor is behind a line of progress

	sent, reached, nobody int
	shown                 time.Time
}

func newStream(c *sendCmd, s streams) *stream {
	terminal := console.NewStreams(s.in, s.out, s.err)
	if terminal.InTerminal && !c.Quiet {
		fmt.Fprintln(s.err, "Each line is a message; Ctrl+D ends.")
	}
	return &stream{
		sendCmd: c, streams: s, shown: time.Now(),
		terminal: terminal.ErrTerminal && !terminal.InTerminal && !c.Quiet,
	}
}

// run sends all there is.
func (t *stream) run(ctx context.Context, server *remote.Gateway) error {
	var broken error
	var read error // why reading ended; of the goroutine in Stream until that has ended
	for answer, err := range server.Stream(ctx, t.commands(&read)) {
		if err != nil {
			broken = err
			break
		}
		if fatal := t.answered(answer); fatal != nil {
			broken = fatal
			break
		}
	}
	t.clearProgress()
	if !t.Quiet && t.Output == "text" {
		fmt.Fprintln(t.out, t.summary())
	}
	return t.outcome(ctx, broken, read)
}

// outcome makes an error of all that happened. read is only looked at if everything was answered.
func (t *stream) outcome(ctx context.Context, broken, read error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case ctx.Err() != nil:
		return &exitError{code: exitCanceled, text: "interrupted"}
	case broken != nil:
		return fmt.Errorf("after %s: %w", count(t.sent, "message"), t.explain(broken))
	case read != nil:
		return fmt.Errorf("reading standard input: %w", read)
	case t.problems > 0:
		return &exitError{code: exitFailed, text: count(t.problems, "line") + " could not be sent"}
	case t.nobody > 0 && t.RequireDelivery:
		return &exitError{code: exitNobody}
	}
	return nil
}

// commands reads lines. What is wrong with one of them is told, and the next is read.
func (t *stream) commands(failed *error) iter.Seq[*api.Command] {
	return func(yield func(*api.Command) bool) {
		lines := bufio.NewReaderSize(t.in, 64<<10)
		for number := 1; ; number++ {
			line, err := readLine(lines)
			if err == io.EOF {
				return
			}
			if err != nil && !errors.Is(err, errLongLine) {
				*failed = err
				return
			}
			if t.JSON && err == nil && len(bytes.TrimSpace(line)) == 0 {
				continue
			}
			var message []byte
			if err == nil {
				message, err = encodeMessage(line, t.JSON)
			}
			if err != nil {
				t.problem(number, err.Error())
				continue
			}
			t.lines.push(number)
			if !yield(t.command(message)) {
				return
			}
		}
	}
}

// answered notes an answer. An error ends everything: it would be the same for every line.
func (t *stream) answered(answer *api.Answer) error {
	number := t.lines.pop()
	if t.Output == "json" && !t.Quiet {
		if err := printJSON(t.out, answer); err != nil {
			return err
		}
	}
	if answer.Error == api.ErrUnauthorized {
		return t.refused(answer)
	}
	if !answer.OK {
		t.problem(number, t.refused(answer).Error())
		return nil
	}
	reached := reachedBy(answer)
	t.sent++
	t.reached += reached
	if reached == 0 {
		t.nobody++
	}
	t.showProgress()
	return nil
}

func (t *stream) problem(line int, text string) {
	t.clearProgress()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.problems++
	switch {
	case t.problems <= shownProblems:
		fmt.Fprintf(t.err, "molva: line %d: %s\n", line, text)
	case t.problems == shownProblems+1:
		fmt.Fprintln(t.err, "molva: there are more lines with problems; they are counted only")
	}
}

func (t *stream) summary() string {
	text := fmt.Sprintf("sent %s, reached %s", count(t.sent, "message"), count(t.reached, "connection"))
	if t.reached != t.sent {
		text += " in all"
	}
	if t.nobody > 0 {
		text += fmt.Sprintf("; %s reached nobody", grouped(t.nobody))
	}
	return text
}

func (t *stream) showProgress() {
	if !t.terminal || time.Since(t.shown) < progressEvery {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.shown, t.progress = time.Now(), true
	fmt.Fprintf(t.err, "\r%s sent", count(t.sent, "message"))
}

func (t *stream) clearProgress() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.progress {
		fmt.Fprintln(t.err)
		t.progress = false
	}
}

// waiting has the numbers of the lines whose answers have not come yet, in order.
type waiting struct {
	mu      sync.Mutex
	numbers []int
}

func (w *waiting) push(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.numbers = append(w.numbers, n)
}

func (w *waiting) pop() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.numbers) == 0 {
		return 0
	}
	n := w.numbers[0]
	w.numbers = w.numbers[1:]
	return n
}

// errLongLine says that a line was skipped.
var errLongLine = fmt.Errorf("the line has more than %s bytes", grouped(maxLine))

// readLine returns the next line without its end. It is valid until the next one.
func readLine(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	if err == nil {
		return trimLine(line), nil
	}
	if err != bufio.ErrBufferFull && len(line) == 0 {
		return nil, err
	}
	long := bytes.Clone(line)
	for err == bufio.ErrBufferFull {
		line, err = r.ReadSlice('\n')
		if len(long) <= maxLine+1 { // longer ones are read to their end, and forgotten
			long = append(long, line...)
		}
	}
	if err != nil && err != io.EOF {
		return nil, err
	}
	if long = trimLine(long); len(long) > maxLine {
		return nil, errLongLine
	}
	return long, nil
}

func trimLine(line []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
}
