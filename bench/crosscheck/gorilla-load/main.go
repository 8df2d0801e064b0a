// Command gorilla-load is a load generator on gorilla/websocket's client, a goroutine per connection, to check the
// figures of molva bench by: it shares no line with it. It prints what ws-load.mjs prints, and takes the same flags
// behind the URL.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"github.com/molva-ws/molva/internal/proc"
)

var (
	conns    = flag.Int("conns", 50, "connections")
	inflight = flag.Int("inflight", 1, "messages under way on each, without a rate")
	size     = flag.Int("size", 128, "bytes in a message")
	rate     = flag.Float64("rate", 0, "messages a second")
	warmup   = flag.Float64("warmup", 1, "seconds")
	duration = flag.Float64("duration", 5, "seconds")
	pid      = flag.Int("pid", os.Getpid(), "of the server")
)

// measuring and ending say what the run has come to.
var measuring, ending atomic.Bool

func main() {
	url := os.Args[1]
	flag.CommandLine.Parse(os.Args[2:])
	message := bytes.Repeat([]byte{0x5a}, *size)
	all := make([]*conn, *conns)
	for i := range all {
		ws, _, err := websocket.DefaultDialer.Dial(url, nil)
		if err != nil {
			log.Fatal(err)
		}
		all[i] = &conn{ws: ws, message: message, sent: make(chan time.Time, 1024), ended: make(chan struct{})}
	}
	for _, c := range all {
		go c.receive()
	}
	if *rate > 0 {
		go pace(all)
	} else {
		for _, c := range all {
			for range *inflight {
				c.send()
			}
		}
	}
	measure(all)
}

// conn is one connection. One goroutine sends on it: at a rate pace, otherwise receive once main has begun.
type conn struct {
	ws        *websocket.Conn
	message   []byte
	sent      chan time.Time // when the messages under way left
	latencies []time.Duration
	ended     chan struct{} // closed when latencies is no longer written
}

func (c *conn) send() {
	c.sent <- time.Now()
	if err := c.ws.WriteMessage(websocket.BinaryMessage, c.message); err != nil {
		log.Fatal(err)
	}
}

func (c *conn) receive() {
	defer close(c.ended)
	for !ending.Load() {
		_, p, err := c.ws.ReadMessage()
		if err != nil || !bytes.Equal(p, c.message) {
			log.Fatal("a message came back wrong: ", err)
		}
		took := time.Since(<-c.sent)
		if measuring.Load() {
			c.latencies = append(c.latencies, took)
		}
		if *rate == 0 && !ending.Load() {
			c.send()
		}
	}
}

// pace sends what is due, on the connections in turn, until the process ends, so that each has a message that comes back.
func pace(all []*conn) {
	every := time.Duration(float64(time.Second) / *rate)
	began := time.Now()
	for i := 0; ; i++ {
		time.Sleep(time.Until(began.Add(time.Duration(i) * every)))
		all[i%len(all)].send()
	}
}

// measure prints what came back in the time that is measured.
func measure(all []*conn) {
	time.Sleep(seconds(*warmup))
	measuring.Store(true)
	began := time.Now()
	before, err := proc.CPU(*pid)
	if err != nil {
		log.Fatal(err)
	}
	time.Sleep(seconds(*duration))
	measuring.Store(false)
	took := time.Since(began)
	after, _ := proc.CPU(*pid)
	ending.Store(true)
	var latencies []time.Duration
	for _, c := range all { // which end with the next message that comes back
		<-c.ended
		latencies = append(latencies, c.latencies...)
	}
	report(latencies, took, after-before)
}

func report(latencies []time.Duration, took, cpu time.Duration) {
	slices.Sort(latencies)
	var sum time.Duration
	for _, d := range latencies {
		sum += d
	}
	n := len(latencies)
	micros := func(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
	percentile := func(p float64) float64 { return micros(latencies[min(n-1, int(p*float64(n)))]) }
	out, err := json.Marshal(map[string]float64{
		"messages":            float64(n),
		"seconds":             took.Seconds(),
		"messages_per_second": float64(n) / took.Seconds(),
		"mean_us":             micros(sum) / float64(n),
		"p50_us":              percentile(0.5),
		"p90_us":              percentile(0.9),
		"p99_us":              percentile(0.99),
		"server_cpu_seconds":  cpu.Seconds(),
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(out))
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
