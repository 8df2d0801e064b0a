// Command gobwas is a WebSocket echo on github.com/gobwas/ws.
//
// Set up as its documentation advises for speed: the zero-copy upgrade straight
// on the TCP connection, and the low-level frame functions with a reused payload
// buffer, unmasked in place. As those make a system call for each header and each
// payload on a bare connection, they run over bufio here, flushed when nothing
// more has arrived. Data frames are echoed one by one, which is what its own
// example does.
package main

import (
	"bufio"
	"flag"
	"io"
	"log"
	"net"

	"github.com/gobwas/ws"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:9001", "address to listen on")
	flag.Parse()
	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		log.Fatal(err)
	}
	for {
		conn, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go serve(conn)
	}
}

func serve(conn net.Conn) {
	defer conn.Close()
	if _, err := (ws.Upgrader{}).Upgrade(conn); err != nil {
		return
	}
	r, w := bufio.NewReader(conn), bufio.NewWriter(conn)
	var payload []byte
	for {
		header, err := ws.ReadHeader(r)
		if err != nil {
			return
		}
		if payload, err = readPayload(r, header, payload); err != nil {
			return
		}
		switch header.OpCode {
		case ws.OpClose:
			return
		case ws.OpPong:
			continue
		case ws.OpPing:
			header.OpCode = ws.OpPong
		}
		header.Masked = false
		if err := ws.WriteHeader(w, header); err != nil {
			return
		}
		if _, err := w.Write(payload); err != nil {
			return
		}
		if r.Buffered() > 0 {
			continue
		}
		if err := w.Flush(); err != nil {
			return
		}
	}
}

func readPayload(r io.Reader, header ws.Header, b []byte) ([]byte, error) {
	if int64(cap(b)) < header.Length {
		b = make([]byte, header.Length)
	}
	b = b[:header.Length]
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, err
	}
	ws.Cipher(b, header.Mask, 0)
	return b, nil
}
