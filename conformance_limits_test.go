package molva_test

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/wire"
)

// limitCases go up to each limit and one further. Beyond it the header alone is refused.
func limitCases() []testCase {
	message := config{limits: molva.Limits{Message: 1000}}
	frames := config{limits: molva.Limits{Message: 1000, Frame: 500}}
	fragments := config{limits: molva.Limits{Fragments: 4}}
	with := func(cfg config, c testCase) testCase {
		c.config = cfg
		return c
	}
	tooBig := func(name string, cfg config, sent ...frame) testCase {
		return with(cfg, refused(name, wire.MessageTooBig, sent...))
	}
	nothing := binaryFrame(nil)
	kilobyte := textFrame(strings.Repeat("k", 1000))
	most := binaryFrame(make([]byte, 1024))
	oneMore := continuationFrame("").missing(1)
	return []testCase{
		with(message, echoed("message as large as may be", kilobyte)),
		with(message, echoed("message as large as may be, in fragments", kilobyte, kilobyte.fragments(300)...)),
		with(message, testCase{
			name: "two messages as large as may be",
			send: []frame{kilobyte, kilobyte},
			want: []frame{kilobyte, kilobyte},
		}),
		tooBig("message a byte too large", message, nothing.missing(1001)),
		tooBig("message far too large", message, nothing.missing(1<<40)),
		tooBig("message of the largest length there is", message, nothing.missing(1<<63-1)),
		tooBig("second fragment a byte too large", message, kilobyte.unfinished(), continuationFrame("").missing(1)),
		tooBig("second fragment of the largest length there is", message,
			textFrame("start").unfinished(), continuationFrame("").missing(1<<63-1)),
		tooBig("message of the largest length there is by default", config{}, nothing.missing(1<<63-1)),
		with(frames, echoed("frame as large as may be", binaryFrame(make([]byte, 500)))),
		with(frames, echoed("frames as large as may be", kilobyte, kilobyte.fragments(500)...)),
		tooBig("frame a byte too large", frames, nothing.missing(501)),
		tooBig("second frame a byte too large", frames, nothing.unfinished(), continuationFrame("").missing(501)),
		with(fragments, echoed("as many fragments as may be", textFrame("1234"), textFrame("1234").fragments(1)...)),
		tooBig("a fragment too many", fragments, append(textFrame("1234").unfinished().fragments(1), oneMore)...),
		with(fragments, manyPingsBetweenFragments()),
		with(config{}, echoed("message as large as may be by default", binaryFrame(make([]byte, 1<<20)))),
		tooBig("message a byte too large by default", config{}, nothing.missing(1<<20+1)),
		with(config{}, echoed("as many fragments as may be by default", most, most.fragments(1)...)),
		tooBig("a fragment too many by default", config{}, append(most.unfinished().fragments(1), oneMore)...),
	}
}

// manyPingsBetweenFragments: control frames are not fragments.
func manyPingsBetweenFragments() testCase {
	c := testCase{name: "pings between fragments do not count"}
	c.send = append(c.send, textFrame("start ").unfinished())
	for range 20 {
		c.send, c.want = append(c.send, pingFrame("?")), append(c.want, pongFrame("?"))
	}
	c.send, c.want = append(c.send, continuationFrame("end")), append(c.want, textFrame("start end"))
	return c
}

// largeCases are messages to 16 MiB, whole and in fragments.
func largeCases() []testCase {
	unlimited := config{limits: molva.Limits{Message: -1, Fragments: -1}}
	var cases []testCase
	for _, c := range []struct{ size, fragment int }{
		{1 << 20, 64}, {1 << 20, 4096}, {1 << 20, 65536},
		{4 << 20, 64}, {4 << 20, 4096}, {4 << 20, 4 << 20},
		{16 << 20, 64}, {16 << 20, 65536}, {16 << 20, 16 << 20},
	} {
		if raceDetector && c.size > 4<<20 {
			break
		}
		op := wire.OpText
		if c.fragment == 4096 {
			op = wire.OpBinary
		}
		name := fmt.Sprintf("%v of %d MiB in frames of %d bytes", op, c.size>>20, c.fragment)
		cases = append(cases, testCase{name: name, config: unlimited, dialog: func(p *peer) {
			message := frame{op: op, payload: bytes.Repeat([]byte("γεια σας "), c.size/16)}
			p.send(message.fragments(c.fragment)...)
			p.want(message)
			p.close()
		}})
	}
	return cases
}
