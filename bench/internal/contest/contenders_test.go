//go:build linux

package contest

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/molva-ws/molva"
)

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
