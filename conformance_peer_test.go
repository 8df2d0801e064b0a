package molva_test

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/molva-ws/molva/wire"
)

// peerPatience bounds a whole case. It only passes when something hangs.
const peerPatience = 60 * time.Second

// peer is the raw end of a connection whose other end is under test: it sends what it is told to, right or wrong, and
// looks closely at what comes back. Its methods end the test when that is not what was wanted.
type peer struct {
	testing.TB
	conn net.Conn
	in   *bufio.Reader
	role wire.Role // of this end
}

// dialPeer connects to a server under test.
func dialPeer(t testing.TB, addr string, cfg config) *peer {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	p := newPeer(t, nc, wire.Client)
	request := "GET /echo HTTP/1.1\r\nHost: " + addr + "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" + cfg.extensionHeader() + "\r\n"
	rest := p.open(request, cfg)
	response, err := http.ReadResponse(p.in, nil)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("handshake answered %s", response.Status)
	}
	// The key and its answer are those of RFC 6455 §1.3.
	if got := response.Header.Get("Sec-WebSocket-Accept"); got != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
		t.Fatalf("Sec-WebSocket-Accept is %q", got)
	}
	if agreed := response.Header.Get("Sec-WebSocket-Extensions"); (agreed == "") != (cfg.extensions == "") {
		t.Fatalf("offered %q, server agreed to %q", cfg.extensions, agreed)
	}
	p.write(rest, 0)
	return p
}

// acceptPeer waits for a client under test.
func acceptPeer(t testing.TB, l net.Listener, cfg config) *peer {
	t.Helper()
	nc, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	p := newPeer(t, nc, wire.Server)
	request, err := http.ReadRequest(p.in)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha1.Sum([]byte(request.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	response := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: " + base64.StdEncoding.EncodeToString(sum[:]) + "\r\n" + cfg.extensionHeader() + "\r\n"
	p.write(p.open(response, cfg), 0)
	return p
}

func newPeer(t testing.TB, nc net.Conn, role wire.Role) *peer {
	nc.SetDeadline(time.Now().Add(peerPatience))
	t.Cleanup(func() { nc.Close() })
	return &peer{TB: t, conn: nc, in: bufio.NewReader(nc), role: role}
}

// open sends this end's half of the opening handshake with what is to come together with it, and returns what is not.
func (p *peer) open(head string, cfg config) []byte {
	p.Helper()
	early := p.encode(cfg.early...)
	n := len(early)
	if cfg.earlyBytes > 0 {
		n = cfg.earlyBytes
	}
	p.write(append([]byte(head), early[:n]...), 0)
	return early[n:]
}

func (p *peer) encode(frames ...frame) []byte {
	size := 0
	for _, f := range frames {
		size += wire.MaxHeaderSize + len(f.payload)
	}
	data := make([]byte, 0, size)
	for _, f := range frames {
		data = f.append(data, p.role)
	}
	return data
}

// send sends frames with one system call.
func (p *peer) send(frames ...frame) {
	p.Helper()
	p.write(p.encode(frames...), 0)
}

// write sends data in chunks of so many bytes, or all at once if chunk is 0.
func (p *peer) write(data []byte, chunk int) {
	p.Helper()
	if chunk == 0 {
		chunk = max(len(data), 1)
	}
	for len(data) > 0 {
		n := min(chunk, len(data))
		if _, err := p.conn.Write(data[:n]); err != nil {
			p.Fatalf("sending: %v", err)
		}
		data = data[n:]
	}
}

// want reads as many frames as it is given and compares them.
func (p *peer) want(frames ...frame) {
	p.Helper()
	for i, f := range frames {
		if got := p.read(fmt.Sprintf("frame %d of %d, %v", i+1, len(frames), f)); !got.equal(f) {
			p.Fatalf("frame %d of %d is %v, want %v", i+1, len(frames), got, f)
		}
	}
}

// read reads a frame.
func (p *peer) read(wanted string) frame {
	p.Helper()
	f, err := readFrame(p.in, 1-p.role)
	if err != nil {
		p.Fatalf("reading: %v, want %s", err, wanted)
	}
	return f
}

// wantClose reads a close frame with the code, or without any for wire.NoStatus, and then the end of the connection.
func (p *peer) wantClose(code wire.CloseCode) {
	p.Helper()
	f := p.read(fmt.Sprintf("close frame with %v", code))
	if f.op != wire.OpClose || f.more || f.rsv != 0 {
		p.Fatalf("got %v, want close frame with %v", f, code)
	}
	got := wire.NoStatus
	switch {
	case len(f.payload) >= 2:
		got = wire.CloseCode(binary.BigEndian.Uint16(f.payload))
		if len(f.payload) > 125 || !utf8.Valid(f.payload[2:]) {
			p.Fatalf("close frame has the payload %q", f.payload)
		}
	case len(f.payload) == 1:
		p.Fatalf("close frame has the payload %q", f.payload)
	}
	if got != code {
		p.Fatalf("closed with %v, want %v", f, code)
	}
	p.wantEnd()
}

// wantEnd reads the end of the connection: nothing may come before, and no reset.
func (p *peer) wantEnd() {
	p.Helper()
	if f, err := readFrame(p.in, 1-p.role); err == nil {
		p.Fatalf("got %v after the close frame", f)
	} else if err != io.EOF {
		p.Fatalf("connection ends by %v, want EOF", err)
	}
}

// close does the closing handshake.
func (p *peer) close() {
	p.Helper()
	p.send(closeFrame(wire.NormalClosure, ""))
	p.wantClose(wire.NormalClosure)
}
