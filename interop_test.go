//go:build interop

package molva_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/molva-ws/molva"
)

// stranger is an implementation of WebSocket that nobody here wrote. Its scripts are in testdata/interop: a client that
// checks an echo server, and an echo server.
type stranger struct {
	name           string
	check          []string // fails where the tool is missing
	client, server []string
}

var strangers = []stranger{
	{
		// Debian's own interpreter, for its python3-websockets: another one in PATH would not have it.
		name:   "Python websockets",
		check:  []string{"/usr/bin/python3", "-c", "import websockets"},
		client: []string{"/usr/bin/python3", "client.py"},
		server: []string{"/usr/bin/python3", "server.py"},
	},
	{
		name:   "npm ws",
		check:  []string{"node", "--input-type=module", "-e", "import 'ws'"},
		client: []string{"node", "client.mjs"},
		server: []string{"node", "server.mjs"},
	},
}

// interopCompression is how this end is set for what the scripts know by the same name.
var interopCompression = map[string]molva.Compression{
	"off":                     {},
	"without takeover":        {Enabled: true, MinSize: -1},
	"with takeover":           {Enabled: true, MinSize: -1, Takeover: true},
	"in windows of 512 bytes": {Enabled: true, MinSize: -1, Takeover: true, WindowBits: 9},
}

// interopPatience bounds a script's run.
const interopPatience = 60 * time.Second

// command is a script, to be run where their packages are.
func (s stranger) command(t *testing.T, script []string, args ...string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(context.Background(), interopPatience)
	t.Cleanup(cancel)
	command := append(script[:len(script):len(script)], args...)
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Dir = "testdata/interop"
	return cmd
}

// need skips the test where the tool is missing, except under CI.
func (s stranger) need(t *testing.T) {
	out, err := s.command(t, s.check).CombinedOutput()
	switch {
	case err == nil:
	case os.Getenv("CI") != "":
		t.Fatalf("%s is missing: %v\n%s", s.name, err, out)
	default:
		t.Skipf("%s is missing; install python3-websockets, and ws by `npm ci` in testdata/interop (%v)", s.name, err)
	}
}

// TestInteropServer has their clients talk to each of our servers.
func TestInteropServer(t *testing.T) {
	for _, s := range strangers {
		t.Run(s.name, func(t *testing.T) {
			s.need(t)
			for name, compression := range interopCompression {
				for _, e := range engines {
					if e.serve == nil {
						continue
					}
					t.Run(name+", "+e.name, func(t *testing.T) {
						t.Parallel()
						l, err := net.Listen("tcp", "127.0.0.1:0")
						if err != nil {
							t.Fatal(err)
						}
						e.serve(t, l, config{compression: compression})
						out, err := s.command(t, s.client, "ws://"+l.Addr().String()+"/echo", name).CombinedOutput()
						if err != nil {
							t.Fatalf("%v\n%s", err, out)
						}
					})
				}
			}
		})
	}
}

// TestInteropDial talks to their servers.
func TestInteropDial(t *testing.T) {
	for _, s := range strangers {
		t.Run(s.name, func(t *testing.T) {
			s.need(t)
			for name, compression := range interopCompression {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					url := "ws://127.0.0.1:" + s.serve(t, name)
					opts := &molva.DialOptions{Compression: compression}
					talkToStranger(t, url, opts)
					closeStranger(t, url, opts)
					askStrangerToClose(t, url, opts)
				})
			}
		})
	}
}

// serve starts their server and returns its port.
func (s stranger) serve(t *testing.T, compression string) (port string) {
	t.Helper()
	cmd := s.command(t, s.server, compression)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Logf("their server said: %s", &complaints)
		}
	})
	port, err = bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("their server did not start: %v", err)
	}
	return strings.TrimSpace(port)
}

func dialStranger(t *testing.T, url string, opts *molva.DialOptions) (context.Context, *molva.Conn) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), interopPatience)
	t.Cleanup(cancel)
	c, response, err := molva.Dial(ctx, url, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseNow)
	if agreed := response.Header.Get("Sec-WebSocket-Extensions"); (agreed != "") != opts.Compression.Enabled {
		t.Fatalf("extensions agreed on are %q", agreed)
	}
	return ctx, c
}

// talkToStranger exchanges messages of all kinds.
func talkToStranger(t *testing.T, url string, opts *molva.DialOptions) {
	ctx, c := dialStranger(t, url, opts)
	want := func(sent, message molva.Message) {
		t.Helper()
		if err := c.Write(ctx, sent); err != nil {
			t.Fatal(err)
		}
		m, err := c.Read(ctx)
		if err != nil || m.Type != message.Type || !bytes.Equal(m.Data, message.Data) {
			t.Fatalf("sent %v %.40q, got %v %.40q of %d bytes, %v", sent.Type, sent.Data, m.Type, m.Data, len(m.Data), err)
		}
	}
	messages := []molva.Message{
		molva.Text("hello"), molva.Text(""), molva.Text("Привет, мир"), molva.Text(strings.Repeat("🌍", 1000)),
		molva.Binary(bytes.Repeat([]byte("\x00\xff"), 500)), molva.Binary(nil), molva.Text(strings.Repeat("молва ", 1000)),
	}
	for range 3 {
		for _, m := range messages {
			want(m, m)
		}
	}
	mebibyte := molva.Text(strings.Repeat("x", 1<<20))
	want(mebibyte, mebibyte)
	want(molva.Text("please send fragments"), molva.Text("in many fragments"))
	want(molva.Text("please ping"), molva.Text("pong came"))
	sendStrangerFragments(t, ctx, c)
}

func sendStrangerFragments(t *testing.T, ctx context.Context, c *molva.Conn) {
	w, err := c.Writer(ctx, molva.TypeText)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{"in ", "many ", "fragments"} {
		if _, err := w.Write([]byte(s)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if m, err := c.Read(ctx); err != nil || m.String() != "in many fragments" {
		t.Fatalf("sent fragments, got %q, %v", m, err)
	}
}

// closeStranger pings, and closes with a code of its own.
func closeStranger(t *testing.T, url string, opts *molva.DialOptions) {
	ctx, c := dialStranger(t, url, opts)
	reading := c.CloseRead(ctx)
	if _, err := c.Ping(ctx); err != nil {
		t.Fatalf("ping: %v", err)
	}
	if err := c.Close(4001, "пока"); err != nil {
		t.Fatalf("closing: %v", err)
	}
	<-reading.Done()
}

// askStrangerToClose has them begin the closing handshake.
func askStrangerToClose(t *testing.T, url string, opts *molva.DialOptions) {
	ctx, c := dialStranger(t, url, opts)
	if err := c.Write(ctx, molva.Text(askClose)); err != nil {
		t.Fatal(err)
	}
	_, err := c.Read(ctx)
	var closed *molva.CloseError
	if !errors.As(err, &closed) || closed.Code != 4000 || closed.Reason != "as you wish" || !closed.ByPeer {
		t.Fatalf("asked them to close, got %v", err)
	}
}
