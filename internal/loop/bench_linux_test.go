package loop

import (
	"fmt"
	"io"
	"testing"

	"github.com/molva-ws/molva/internal/buffer"
)

// What a callback costs beyond the call itself: the bookkeeping by which its loop can be taken over, and everything
// that the loop does around it.
func BenchmarkCallback(b *testing.B) {
	l := &eventLoop{group: newGroup(b, GroupConfig{Loops: 1})}
	c := &sock{loop: l, handler: &calls{}, fd: -1}
	b.Run("direct", func(b *testing.B) {
		for b.Loop() {
			c.run(callData, nil)
		}
	})
	b.Run("bookkeeping", func(b *testing.B) {
		for b.Loop() {
			word := l.word.Load()
			l.word.Store(word + 1)
			c.run(callData, nil)
			l.word.CompareAndSwap(word+1, word+2)
		}
	})
	b.Run("complete", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			c.mu.Lock()
			c.attended = true
			c.mu.Unlock()
			l.call(c, callData, nil)
		}
	})
}

func BenchmarkEcho(b *testing.B) {
	for _, size := range []int{128, 1 << 10, 64 << 10} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			_, address := serve(b, GroupConfig{Loops: 1}, echo)
			nc := dial(b, address)
			p := make([]byte, size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				nc.Write(p)
				if _, err := io.ReadFull(nc, p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A message from outside the loop finds it asleep and has to wake it.
func BenchmarkSendFromOutside(b *testing.B) {
	c, nc := pair(b, GroupConfig{Loops: 1}, silent)
	p := make([]byte, 128)
	b.ReportAllocs()
	for b.Loop() {
		c.Send(Head{}, p, Normal)
		io.ReadFull(nc, p)
	}
}

// One frame for a thousand connections, until all have it.
func BenchmarkFanOut(b *testing.B) {
	const receivers = 1000
	opened := make(chan Conn, receivers)
	_, address := serve(b, GroupConfig{Loops: 1}, func(c Conn) Handler {
		opened <- c
		return &calls{}
	})
	var conns []Conn
	for range receivers {
		nc := dial(b, address)
		go io.Copy(io.Discard, nc)
		conns = append(conns, receive(b, opened, "open"))
	}
	message := make([]byte, 128)
	b.ReportAllocs()
	for b.Loop() {
		payload := buffer.Get(len(message))
		payload.Append(message)
		f := NewFrame(payload)
		for _, c := range conns {
			c.SendFrame(f, Normal)
		}
		f.Release()
		for conns[len(conns)-1].Queued() > 0 {
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*receivers), "ns/delivery")
}
