package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/molva-ws/molva"
)

const manyLines = 100_000

func numberedLines(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "line %d of many\n", i)
	}
	return b.String()
}

func TestConnectPassesManyLinesInOrder(t *testing.T) {
	t.Parallel()
	input := numberedLines(manyLines)
	got := connectOnce(t, input, connectEcho(t), "--wait=3s")
	if got.code != 0 || got.out != input {
		t.Errorf("code %d, %d bytes came back of %d\n%s", got.code, len(got.out), len(input), got.err)
	}
}

// watchedOutput closes a channel when a text was written to it.
type watchedOutput struct {
	connectOutput
	text string
	seen chan struct{}
	once sync.Once
}

func (w *watchedOutput) Write(p []byte) (int, error) {
	n, err := w.connectOutput.Write(p)
	if strings.Contains(w.String(), w.text) {
		w.once.Do(func() { close(w.seen) })
	}
	return n, err
}

// TestConnectWaitsForAServerThatReadsSlowly has one that starts to read long after the end of the input. What is on its
// way then must not be lost to the close.
func TestConnectWaitsForAServerThatReadsSlowly(t *testing.T) {
	t.Parallel()
	stderr := &watchedOutput{text: "waiting for the server to read everything", seen: make(chan struct{})}
	lines := 0
	ended := make(chan error, 1)
	url := connectServer(t, &molva.Server{
		OnMessage: func(*molva.Conn, molva.Message) {
			<-stderr.seen
			lines++
		},
		OnClose: func(_ *molva.Conn, err error) { ended <- err },
	})
	s := streams{strings.NewReader(numberedLines(manyLines)), io.Discard, stderr}
	code := runConnect(t, t.Context(), s, url, "--wait=0s")
	stderr.once.Do(func() { close(stderr.seen) })
	if err := <-ended; code != 0 || lines != manyLines || !strings.Contains(err.Error(), "1000") {
		t.Errorf("code %d, the server got %d lines and %v\n%s", code, lines, err, stderr)
	}
}

// countingReader is an endless input that knows how much was taken of it.
type countingReader struct {
	taken atomic.Int64
	grew  chan struct{}
}

func (r *countingReader) Read(p []byte) (int, error) {
	line := bytes.Repeat([]byte("x"), min(len(p), 1000))
	line[len(line)-1] = '\n'
	r.taken.Add(int64(len(line)))
	select {
	case r.grew <- struct{}{}:
	default:
	}
	return copy(p, line), nil
}

// TestConnectReadsNoFasterThanTheServerDoes gives a server that reads one message an endless input: it must come to a
// stop.
func TestConnectReadsNoFasterThanTheServerDoes(t *testing.T) {
	t.Parallel()
	reached, release := make(chan struct{}), make(chan struct{})
	reach := sync.OnceFunc(func() { close(reached) })
	url := connectServer(t, &molva.Server{OnMessage: func(*molva.Conn, molva.Message) {
		reach()
		<-release
	}})
	t.Cleanup(func() { close(release) })
	in := &countingReader{grew: make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan int, 1)
	go func() { done <- run(ctx, []string{"connect", url, "-q"}, streams{in, io.Discard, io.Discard}) }()
	select {
	case <-reached: // from here on the server reads nothing, not even the close
	case code := <-done:
		t.Fatalf("ended with code %d", code)
	}
	const tooMuch = 64 << 20
	for quiet := false; !quiet && in.taken.Load() < tooMuch; {
		select {
		case <-in.grew:
		case <-time.After(time.Second):
			quiet = true
		}
	}
	if in.taken.Load() >= tooMuch {
		t.Errorf("%d bytes were taken from the input", in.taken.Load())
	}
	cancel()
	if code := <-done; code != 1 {
		t.Errorf("code %d", code)
	}
}

// blockingWriter takes nothing until it is released.
type blockingWriter struct{ called, release chan struct{} }

func (w *blockingWriter) Write(p []byte) (int, error) {
	close(w.called)
	<-w.release
	return len(p), nil
}

// TestConnectIsInterruptedWhenNobodyReadsItsOutput is Ctrl-C while a pager waits for a key.
func TestConnectIsInterruptedWhenNobodyReadsItsOutput(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	out := &blockingWriter{make(chan struct{}), make(chan struct{})}
	defer close(out.release)
	go func() {
		<-out.called
		cancel()
	}()
	var stderr connectOutput
	code := runConnect(t, ctx, streams{strings.NewReader("x\n"), out, &stderr}, connectEcho(t))
	connectResult{code, "", stderr.String()}.wants(t, 1, "", "nobody reads it")
}

// failingWriter fails after some bytes.
type failingWriter struct {
	left int
	err  error
}

func (w *failingWriter) Write(p []byte) (int, error) {
	if w.left -= len(p); w.left < 0 {
		return 0, w.err
	}
	return len(p), nil
}

func TestConnectEndsWhenNobodyReadsItsOutput(t *testing.T) {
	closed := make(chan error, 1)
	url := connectServer(t, &molva.Server{
		OnMessage: func(c *molva.Conn, m molva.Message) { c.Write(context.Background(), m) },
		OnClose:   func(_ *molva.Conn, err error) { closed <- err },
	})
	for _, c := range []struct {
		err    error
		code   int
		stderr string
	}{
		{syscall.EPIPE, 0, ""},
		{io.ErrClosedPipe, 0, ""},
		{errors.New("disk is full"), 1, "molva: disk is full\n"},
	} {
		var stderr connectOutput
		in, input := io.Pipe()
		go io.WriteString(input, "a\nb\nc\n") // and it does not end
		code := runConnect(t, t.Context(), streams{in, &failingWriter{2, c.err}, &stderr}, url, "-q")
		in.Close()
		if code != c.code || stderr.String() != c.stderr {
			t.Errorf("%v: code %d, %q", c.err, code, stderr.String())
		}
		if err := <-closed; !strings.Contains(err.Error(), "closed by peer: 1000") {
			t.Errorf("%v: the server saw %v", c.err, err)
		}
	}
}
