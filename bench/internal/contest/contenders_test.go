//go:build linux

package contest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/molva-ws/molva"
)

// testPatience only passes when something hangs.
const testPatience = 10 * time.Second

var (
	workshopOnce sync.Once
	theWorkshop  *workshop
	workshopErr  error
	workshopDir  string
)

func TestMain(m *testing.M) {
	status := m.Run()
	if workshopDir != "" {
		os.RemoveAll(workshopDir)
	}
	os.Exit(status)
}

// shared returns a workshop that all tests share, so that each peer is built once.
func shared(t *testing.T) *workshop {
	t.Helper()
	if testing.Short() {
		t.Skip("builds and starts peers")
	}
	workshopOnce.Do(func() {
		if workshopDir, workshopErr = os.MkdirTemp("", "contest"); workshopErr == nil {
			theWorkshop, workshopErr = newWorkshop(context.Background(), workshopDir)
		}
	})
	if workshopErr != nil {
		t.Fatal(workshopErr)
	}
	return theWorkshop
}

// up starts a contender for a cell, for the time of a test.
func up(t *testing.T, s *Contender, c Cell) string {
	t.Helper()
	server, err := launch(t.Context(), s, c, 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if said := server.stop(); said != "" && t.Failed() {
			t.Logf("the server said: %s", said)
		}
	})
	return server[0].addr
}

// onEach runs a test against every contender that speaks WebSocket and is fit for the cell. One that is missing on
// this machine is skipped, except under CI.
func onEach(t *testing.T, c Cell, test func(t *testing.T, s *Contender, addr string)) {
	w := shared(t)
	for _, s := range Contenders() {
		if s.Raw || s.Unfit(c) != "" {
			continue
		}
		t.Run(s.Name, func(t *testing.T) {
			missing, err := w.prepare(t.Context(), &s)
			switch {
			case err != nil:
				t.Fatal(err)
			case missing != "" && os.Getenv("CI") != "":
				t.Fatal(missing)
			case missing != "":
				t.Skip(missing)
			}
			test(t, &s, up(t, &s, c))
		})
	}
}

func dial(t *testing.T, addr string, opts *molva.DialOptions) *molva.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testPatience)
	defer cancel()
	c, _, err := molva.Dial(ctx, "ws://"+addr+"/", opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseNow)
	return c
}

func expect(t *testing.T, c *molva.Conn, want molva.Message) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testPatience)
	defer cancel()
	got, err := c.Read(ctx)
	if err != nil {
		t.Fatalf("awaiting %v of %d bytes: %v", want.Type, len(want.Data), err)
	}
	if got.Type != want.Type || !bytes.Equal(got.Data, want.Data) {
		t.Fatalf("%v of %d bytes came back as %v of %d bytes: %.40q", want.Type, len(want.Data), got.Type, len(got.Data), got.Data)
	}
}

// messages have every form of length, and both types. nbio does not hand on those that are empty.
func messages(s *Contender) []molva.Message {
	noise := make([]byte, 64<<10)
	for i := range noise {
		noise[i] = byte(i * i >> 3)
	}
	all := []molva.Message{
		molva.Text("hello"),
		molva.Binary([]byte{0, 1, 0xfe, 0xff}),
		molva.Text(strings.Repeat("слово ", 20)),
		molva.Binary(noise[:125]),
		molva.Binary(noise[:126]),
		molva.Binary(noise[:0xffff]),
		molva.Binary(noise),
		molva.Text(strings.Repeat("слово ", 50_000)),
	}
	if !strings.HasPrefix(s.Name, "nbio") {
		all = append(all, molva.Text(""), molva.Text("after it"))
	}
	return all
}

func TestPeersEcho(t *testing.T) {
	onEach(t, Cell{Mode: Echo}, func(t *testing.T, s *Contender, addr string) {
		c := dial(t, addr, nil)
		for _, m := range messages(s) {
			if err := c.Write(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			expect(t, c, m)
		}
		ctx, cancel := context.WithTimeout(t.Context(), testPatience)
		defer cancel()
		c.CloseRead(ctx) // reads the pong
		if _, err := c.Ping(ctx); err != nil {
			t.Errorf("ping: %v", err)
		}
		if err := c.Close(molva.CloseNormal, ""); err != nil {
			t.Errorf("close: %v", err)
		}
	})
}

func TestPeersEchoCompressed(t *testing.T) {
	onEach(t, Cell{Mode: Echo, Compress: true}, func(t *testing.T, s *Contender, addr string) {
		counted := &countingConn{}
		c := dial(t, addr, &molva.DialOptions{
			Compression: molva.Compression{Enabled: true, MinSize: -1},
			DialContext: counted.dial,
		})
		for _, m := range messages(s) {
			if err := c.Write(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			expect(t, c, m)
		}
		before := counted.read
		long := molva.Text(strings.Repeat("again and ", 10_000))
		if err := c.Write(t.Context(), long); err != nil {
			t.Fatal(err)
		}
		expect(t, c, long)
		if n := counted.read - before; n > len(long.Data)/10 {
			t.Errorf("%d bytes that repeat themselves came back as %d", len(long.Data), n)
		}
	})
}

// countingConn counts what is read. Reads happen before the message is there, so the count needs no lock.
type countingConn struct {
	net.Conn
	read int
}

func (c *countingConn) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	var err error
	c.Conn, err = (&net.Dialer{}).DialContext(ctx, network, addr)
	return c, err
}

func (c *countingConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.read += n
	return n, err
}

func TestPeersEchoFragments(t *testing.T) {
	onEach(t, Cell{Mode: Echo}, func(t *testing.T, _ *Contender, addr string) {
		c := dial(t, addr, nil)
		w, err := c.Writer(t.Context(), molva.TypeText)
		if err != nil {
			t.Fatal(err)
		}
		want := ""
		for range 20 {
			part := strings.Repeat("часть ", 1000)
			if _, err := io.WriteString(w, part); err != nil {
				t.Fatal(err)
			}
			want += part
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		expect(t, c, molva.Text(want))
	})
}

// TestPeersTakeBytesOneByOne sends the opening handshake and some frames in the smallest pieces there are.
func TestPeersTakeBytesOneByOne(t *testing.T) {
	const request = "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Key: bW9sdmEgaXMgbW9sdmEhIQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
	onEach(t, Cell{Mode: Echo}, func(t *testing.T, _ *Contender, addr string) {
		nc, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		nc.SetDeadline(time.Now().Add(testPatience))
		drip := func(s string) {
			for _, b := range []byte(s) {
				if _, err := nc.Write([]byte{b}); err != nil {
					t.Fatal(err)
				}
			}
		}
		in := bufio.NewReader(nc)
		drip(request)
		if response, err := http.ReadResponse(in, nil); err != nil || response.StatusCode != http.StatusSwitchingProtocols {
			t.Fatal(response, err)
		}
		for _, exchange := range []struct{ frames, want string }{
			{"\x81\x85\x00\x00\x00\x00hello\x82\x83\x01\x01\x01\x01\x01\x00\x03", "\x81\x05hello\x82\x03\x00\x01\x02"},
			{"\x88\x82\x00\x00\x00\x00\x03\xe8", "\x88\x02\x03\xe8"},
		} {
			drip(exchange.frames)
			got := make([]byte, len(exchange.want))
			if _, err := io.ReadFull(in, got); err != nil || string(got) != exchange.want {
				t.Fatalf("got %q, %v, want %q", got, err, exchange.want)
			}
		}
		if rest, err := io.ReadAll(in); err != nil || len(rest) > 0 {
			t.Errorf("after the closing handshake: %q, %v", rest, err)
		}
	})
}

func TestPeersBroadcast(t *testing.T) {
	onEach(t, Cell{Mode: Fanout}, func(t *testing.T, s *Contender, addr string) {
		var all []*molva.Conn
		for range 5 {
			c := dial(t, addr, nil)
			// Its own message says that the server knows of it.
			if err := c.Write(t.Context(), molva.Text("here")); err != nil {
				t.Fatal(err)
			}
			all = append(all, c)
			for _, receiver := range all {
				expect(t, receiver, molva.Text("here"))
			}
		}
		for _, m := range messages(s) {
			if err := all[2].Write(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			for _, c := range all {
				expect(t, c, m)
			}
		}
		all[4].CloseNow()
		if err := all[0].Write(t.Context(), molva.Text("without one")); err != nil {
			t.Fatal(err)
		}
		for _, c := range all[:4] {
			expect(t, c, molva.Text("without one"))
		}
	})
}

func TestPHPRefusesWhatTheProtocolForbids(t *testing.T) {
	for name, c := range map[string]struct {
		frames string
		want   molva.CloseCode
	}{
		"no mask":                {"\x81\x00", molva.CloseProtocolError},
		"reserved bit":           {"\xc1\x80\x00\x00\x00\x00", molva.CloseProtocolError},
		"unknown opcode":         {"\x83\x80\x00\x00\x00\x00", molva.CloseProtocolError},
		"long ping":              {"\x89\xfe\x00\xff\x00\x00\x00\x00", molva.CloseProtocolError},
		"continuation of naught": {"\x80\x80\x00\x00\x00\x00", molva.CloseProtocolError},
		"message in a message":   {"\x01\x80\x00\x00\x00\x00\x81\x80\x00\x00\x00\x00", molva.CloseProtocolError},
		"wrong close code":       {"\x88\x82\x00\x00\x00\x00\x03\xed", molva.CloseProtocolError},
		"not UTF-8":              {"\x81\x81\x00\x00\x00\x00\xff", molva.CloseInvalidPayload},
		"64 bits of length":      {"\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00", molva.CloseMessageTooBig},
	} {
		t.Run(name, func(t *testing.T) {
			s := php()
			if missing, err := shared(t).prepare(t.Context(), &s); missing != "" || err != nil {
				t.Skip(missing, err)
			}
			conn := dial(t, up(t, &s, Cell{Mode: Echo}), nil)
			if _, err := io.WriteString(conn.NetConn(), c.frames); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), testPatience)
			defer cancel()
			_, err := conn.Read(ctx)
			var closed *molva.CloseError
			if !errors.As(err, &closed) || closed.Code != c.want {
				t.Errorf("got %v, want %d", err, c.want)
			}
		})
	}
}
