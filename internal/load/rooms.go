package load

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/molva-ws/molva/wire"
)

// rooms is the client protocol of molva serve as connections speak it: each joins a room and publishes there. In a
// fan-out it is one room for all. Otherwise it is one for each connection, to which its messages come back; and another
// one each time it is opened, so that it hears nothing of what it said before it was cut.
type rooms struct {
	name   string
	shared bool
}

func newRooms(shared bool) *rooms {
	return &rooms{fmt.Sprintf("molva-bench-%08x", wire.NewKey()), shared}
}

// appendRoom appends the name of a connection's room.
func (r *rooms) appendRoom(dst []byte, c *conn) []byte {
	dst = append(dst, r.name...)
	if r.shared {
		return dst
	}
	dst = append(dst, '-')
	dst = strconv.AppendUint(dst, uint64(c.id), 10)
	dst = append(dst, '-')
	return strconv.AppendUint(dst, uint64(c.life), 10)
}

// joinAck is the number of the only request that is to be answered.
const joinAck = 1

func (r *rooms) appendJoin(dst []byte, c *conn) []byte {
	dst = append(dst, `{"type":"join","ack":`...)
	dst = strconv.AppendUint(dst, joinAck, 10)
	dst = append(dst, `,"room":"`...)
	return append(r.appendRoom(dst, c), `"}`...)
}

// appendPublish appends the request that publishes a message, in which nothing needs an escape but the tag.
func (r *rooms) appendPublish(dst []byte, c *conn, message []byte) []byte {
	dst = append(dst, `{"type":"publish","room":"`...)
	dst = r.appendRoom(dst, c)
	if !r.shared {
		dst = append(dst, `","echo":true,"data":"`...)
	} else {
		dst = append(dst, `","data":"`...)
	}
	start := len(dst)
	dst = append(dst, message...)
	exchange(dst[start:min(start+tagSize, len(dst))], '\\', tagBackslash)
	return append(dst, `"}`...)
}

// tagBackslash stands for the backslash of a tag in JSON, and is none of a tag's own characters.
const tagBackslash = '0'

func exchange(tag []byte, from, to byte) {
	for i, b := range tag {
		if b == from {
			tag[i] = to
		}
	}
}

// said is a message of the server.
type said struct {
	Type     string          `json:"type"`
	Ack      uint64          `json:"ack"`
	Room     string          `json:"room"`
	Data     json.RawMessage `json:"data"`
	Code     string          `json:"code"`    // of an error
	Message  string          `json:"message"` // of an error
	Protocol int             `json:"protocol"`
	Limits   struct {
		Message int     `json:"message"`
		Rate    float64 `json:"rate"`
	} `json:"limits"`
}

// hear takes what the server says.
func (c *conn) hear(text []byte) {
	var s said
	if err := json.Unmarshal(text, &s); err != nil || c.partial.op != wire.OpText {
		c.broken("%q is not in molva's client protocol", text[:min(len(text), 60)])
		return
	}
	switch {
	case c.state == joining:
		c.join(&s)
	case s.Type == "error":
		c.fault(Refused, c.next, "%s: %s", s.Code, s.Message)
	case s.Type == "message" && s.Room != "": // what is for a user or for everyone is the application's
		c.heard(&s, text)
	}
}

// join goes through the server's hello and its answer.
func (c *conn) join(s *said) {
	f := c.shard.fleet
	switch {
	case s.Type == "hello" && s.Protocol != 1:
		c.end(refused("the server speaks version %d of molva's client protocol, and this is 1", s.Protocol))
	case s.Type == "hello":
		longest := len(f.rooms.appendPublish(nil, c, make([]byte, f.largest)))
		if s.Limits.Message > 0 && longest > s.Limits.Message {
			c.end(refused("the server takes %d bytes from a client, and a message of %d becomes %d: --size %d would fit",
				s.Limits.Message, f.largest, longest, f.largest-(longest-s.Limits.Message)))
			return
		}
		f.rateLimit.Store(uint64(s.Limits.Rate))
		c.sendPart(wire.OpText, true, f.rooms.appendJoin(nil, c))
	case s.Type == "ok" && s.Ack == joinAck:
		c.opened()
	case s.Type == "error":
		c.end(refused("%s: %s", s.Code, s.Message))
	case s.Type == "":
		c.end(errNotMolva)
	}
}

// heard takes a message to a room.
func (c *conn) heard(s *said, text []byte) {
	if want := c.shard.fleet.rooms.appendRoom(nil, c); s.Room != string(want) {
		c.fault(Misdelivered, c.next, "it is to room %q, which this connection has not joined", s.Room)
		return
	}
	data := []byte(s.Data)
	if len(data) < 2 || data[0] != '"' {
		c.fault(Corrupt, c.next, "its data is %.40q, and not a string", data)
		c.passOver()
		return
	}
	message := data[1 : len(data)-1]
	exchange(message[:min(len(message), tagSize)], tagBackslash, '\\')
	c.compare(message)
	sequence := c.next
	if c.messageEnds() && c.shard.fleet.rooms.shared && !c.partial.compressed {
		c.shard.know(sequence, text)
	}
}

// known is the frame of a message to everyone, as one of the shard's connections has received it. The others need not
// look into theirs if it is the same.
type known struct {
	sequence uint32
	frame    []byte
}

// know remembers a message that was judged well.
func (s *shard) know(sequence uint32, text []byte) {
	if s.known == nil {
		s.known = make([]known, s.fleet.cfg.Inflight)
	}
	k := &s.known[sequence%uint32(len(s.known))]
	k.sequence = sequence
	k.frame = wire.AppendFrame(k.frame[:0], wire.Header{Fin: true, Opcode: wire.OpText}, text)
}

// takeKnown takes the messages at the beginning of p that are known.
func (c *conn) takeKnown(p []byte) []byte {
	all := c.shard.known
	for len(all) > 0 && c.state == live && c.ahead() > 0 {
		k := &all[c.next%uint32(len(all))]
		if k.sequence != c.next || len(k.frame) == 0 || !bytes.HasPrefix(p, k.frame) {
			break
		}
		c.next++
		p = p[len(k.frame):]
	}
	return p
}
