package molva_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/wire"
)

// closingCases are the closing handshake (RFC 6455 §5.5.1, §7).
func closingCases() []testCase {
	return append(closeFrameCases(), append(afterCloseCases(), closedByOurEndCases()...)...)
}

// closeFrameCases are close frames of all kinds.
func closeFrameCases() []testCase {
	var cases []testCase
	answered := func(name string, code wire.CloseCode, f frame) {
		c := testCase{name: name, send: []frame{f}, code: code}
		cases = append(cases, c, c.chunked("a byte at a time", 1))
	}
	for _, code := range []wire.CloseCode{
		1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999,
	} {
		answered(fmt.Sprintf("code %d", code), code, closeFrame(code, ""))
		answered(fmt.Sprintf("code %d with a reason", code), code, closeFrame(code, "reason"))
	}
	for _, code := range []wire.CloseCode{0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535} {
		name := fmt.Sprintf("code %d, which may not be sent", code)
		answered(name, wire.ProtocolError, closeFrame(code, ""))
		answered(name+", with a reason", wire.ProtocolError, closeFrame(code, "reason"))
	}
	answered("no code", wire.NoStatus, frame{op: wire.OpClose})
	answered("half a code", wire.ProtocolError, frame{op: wire.OpClose, payload: []byte{3}})
	answered("reason in Russian", wire.NormalClosure, closeFrame(1000, "до свидания"))
	answered("reason of 122 bytes", wire.NormalClosure, closeFrame(1000, strings.Repeat("*", 122)))
	answered("reason of 123 bytes", wire.NormalClosure, closeFrame(1000, strings.Repeat("*", 123)))
	answered("reason of 124 bytes", wire.ProtocolError, closeFrame(1000, strings.Repeat("*", 124)))
	for _, s := range []string{"\xff", "\xed\xa0\x80", "cut \xd0", "κόσμε\xed\xa0\x80e"} {
		answered(fmt.Sprintf("reason that is not UTF-8, %+q", s), wire.InvalidPayload, closeFrame(1000, s))
	}
	return cases
}

// afterCloseCases are what comes around a close frame: what is before is answered, what is after is not.
func afterCloseCases() []testCase {
	bye := closeFrame(1000, "bye")
	message := textFrame("hello")
	return []testCase{
		{name: "message before", send: []frame{message, bye}, want: []frame{message}, code: wire.NormalClosure},
		{name: "ping before", send: []frame{pingFrame("?"), bye}, want: []frame{pongFrame("?")}, code: wire.NormalClosure},
		{name: "message after", send: []frame{bye, message}, code: wire.NormalClosure},
		{name: "ping after", send: []frame{bye, pingFrame("?")}, code: wire.NormalClosure},
		{name: "second close after", send: []frame{bye, closeFrame(1001, "")}, code: wire.NormalClosure},
		{name: "nonsense after", send: []frame{bye, {op: 11, rsv: 7}}, code: wire.NormalClosure},
		{name: "256 KiB after", send: []frame{bye, binaryFrame(make([]byte, 256<<10))}, code: wire.NormalClosure},
		{name: "unfinished message before", send: []frame{message.unfinished(), bye}, code: wire.NormalClosure},
		{name: "256 KiB before", send: []frame{textFrame(strings.Repeat("*", 256<<10)), bye},
			want: []frame{textFrame(strings.Repeat("*", 256<<10))}, code: wire.NormalClosure},
		{name: "4 MiB of nonsense", code: wire.ProtocolError,
			send: []frame{{op: 3}, binaryFrame(make([]byte, 4<<20)), message}},
		{name: "after the last byte of the peer", dialog: func(p *peer) {
			p.send(message, bye)
			p.closeWrite()
			p.want(message)
			p.wantClose(wire.NormalClosure)
		}},
		{name: "end without a close frame", dialog: func(p *peer) {
			p.send(message)
			p.want(message)
			p.closeWrite()
			p.wantEnd()
		}},
		{name: "end without a close frame, at once after a message", dialog: func(p *peer) {
			p.send(message)
			p.closeWrite()
			p.want(message)
			p.wantEnd()
		}},
		{name: "end within a frame", dialog: func(p *peer) {
			p.send(message.missing(1))
			p.closeWrite()
			p.wantEnd()
		}},
	}
}

// closedByOurEndCases are those in which the end under test begins.
func closedByOurEndCases() []testCase {
	ask := textFrame(askClose)
	asked := closeFrame(4000, "as you wish")
	impatient := config{timeouts: molva.Timeouts{Close: 50 * time.Millisecond}}
	return []testCase{
		{name: "begun by our end", dialog: func(p *peer) {
			p.send(ask)
			p.want(asked)
			p.send(asked)
			p.wantEnd()
		}},
		{name: "begun by our end, answered by another code", dialog: func(p *peer) {
			p.send(ask)
			p.want(asked)
			p.send(closeFrame(1001, "me too"))
			p.wantEnd()
		}},
		{name: "begun by our end, answered late", dialog: func(p *peer) {
			p.send(ask)
			p.want(asked)
			p.send(textFrame("in flight"), pingFrame("in flight"), binaryFrame(make([]byte, 100000)), asked)
			p.wantEnd()
		}},
		{name: "begun by our end while messages wait", dialog: func(p *peer) {
			p.send(textFrame("before"), ask, textFrame("after"), pingFrame("after"), asked)
			p.want(textFrame("before"), asked)
			p.wantEnd()
		}},
		{name: "begun by both ends", dialog: func(p *peer) {
			p.send(ask, closeFrame(1000, ""))
			p.want(asked)
			p.wantEnd()
		}},
		{name: "begun by our end, never answered", config: impatient, dialog: func(p *peer) {
			p.send(ask)
			p.want(asked)
			p.wantEndOfAnyKind()
		}},
		{name: "begun by our end, answered by nonsense", dialog: func(p *peer) {
			p.send(ask)
			p.want(asked)
			p.send(frame{op: 3})
			p.wantEnd()
		}},
		{name: "peer that stays when all is said", config: impatient, dialog: func(p *peer) {
			p.close()
			p.wantGone()
		}},
		{name: "peer that stays after a violation", config: impatient, dialog: func(p *peer) {
			p.send(frame{op: 3})
			p.wantClose(wire.ProtocolError)
			p.wantGone()
		}},
	}
}

// closeWrite tells the other end that nothing more will come.
func (p *peer) closeWrite() {
	p.Helper()
	if err := p.conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		p.Fatal(err)
	}
}

// wantEndOfAnyKind reads until the connection ends, by a reset perhaps.
func (p *peer) wantEndOfAnyKind() {
	p.Helper()
	if f, err := readFrame(p.in, 1-p.role); err == nil {
		p.Fatalf("got %v after the close frame", f)
	}
}

// wantGone writes until the system says that nobody is there any more.
func (p *peer) wantGone() {
	p.Helper()
	deadline := time.Now().Add(peerPatience)
	for time.Now().Before(deadline) {
		if _, err := p.conn.Write(make([]byte, 1)); err != nil {
			return
		}
		time.Sleep(time.Millisecond)
	}
	p.Fatal("the socket is still open")
}
