package main

import (
	"bytes"
	"compress/flate"
	"io"
	"net"
	"sync"

	"github.com/gobwas/httphead"
	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsflate"

	"github.com/molva-ws/molva/bench/internal/peer"
)

// upgrade answers the opening handshake, and whether compression was agreed on (README, Compression).
func upgrade(nc net.Conn, compress bool) (deflate bool, err error) {
	if !compress {
		_, err = ws.Upgrader{}.Upgrade(nc)
		return false, err
	}
	extension := wsflate.Extension{Parameters: wsflate.DefaultParameters}
	upgrader := ws.Upgrader{Negotiate: func(o httphead.Option) (httphead.Option, error) { return extension.Negotiate(o) }}
	if _, err = upgrader.Upgrade(nc); err != nil {
		return false, err
	}
	_, deflate = extension.Accepted()
	return deflate, nil
}

// message collects the frames of one.
type message struct {
	first ws.Header
	data  []byte
}

func (m *message) add(header ws.Header, payload []byte) {
	if header.OpCode != ws.OpContinuation {
		m.first, m.data = header, m.data[:0]
	}
	m.data = append(m.data, payload...)
}

// frame is the whole message in one, inflated and deflated anew if that was agreed on.
func (m *message) frame(deflate bool) (ws.Frame, error) {
	payload := m.data
	if compressed, err := wsflate.IsCompressed(m.first); err != nil {
		return ws.Frame{}, err
	} else if compressed {
		if payload, err = codecs.inflate(payload); err != nil {
			return ws.Frame{}, err
		}
	}
	frame := ws.NewFrame(m.first.OpCode, true, payload)
	if !deflate {
		return frame, nil
	}
	var err error
	if frame.Payload, err = codecs.deflate(payload); err != nil {
		return ws.Frame{}, err
	}
	frame.Header.Length = int64(len(frame.Payload))
	frame.Header, err = wsflate.SetBit(frame.Header)
	return frame, err
}

// codecs reuses compressors and decompressors, which are large, between messages, as the README does.
var codecs pools

type pools struct{ readers, writers sync.Pool }

func (p *pools) inflate(payload []byte) ([]byte, error) {
	r, _ := p.readers.Get().(*wsflate.Reader)
	if r == nil {
		r = wsflate.NewReader(nil, func(r io.Reader) wsflate.Decompressor { return flate.NewReader(r) })
	}
	defer p.readers.Put(r)
	r.Reset(bytes.NewReader(payload))
	return io.ReadAll(r)
}

func (p *pools) deflate(payload []byte) ([]byte, error) {
	w, _ := p.writers.Get().(*wsflate.Writer)
	if w == nil {
		w = wsflate.NewWriter(nil, func(w io.Writer) wsflate.Compressor {
			f, _ := flate.NewWriter(w, peer.Level) // fails for a wrong level only
			return f
		})
	}
	defer p.writers.Put(w)
	var out bytes.Buffer
	w.Reset(&out)
	if _, err := w.Write(payload); err != nil {
		return nil, err
	}
	err := w.Flush()
	return out.Bytes(), err
}

// room is everyone who is connected.
type room struct {
	mu    sync.Mutex
	conns map[*conn]struct{}
}

func (r *room) join(c *conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.conns == nil {
		r.conns = make(map[*conn]struct{})
	}
	r.conns[c] = struct{}{}
}

func (r *room) leave(c *conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.conns, c)
}

// publish writes past the buffers of the connections, in which there is only ever a pong. One that fails is noticed by
// its own reader.
func (r *room) publish(frame ws.Frame) error {
	compiled, err := ws.CompileFrame(frame)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.conns {
		c.Conn.Write(compiled)
	}
	return nil
}
