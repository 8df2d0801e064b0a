package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// closeCodes are codes of every class, and whether they may stand in a close frame (RFC 6455 §7.4).
var closeCodes = []struct {
	code     CloseCode
	sendable bool
}{
	{0, false}, {1, false}, {999, false},
	{1000, true}, {1001, true}, {1002, true}, {1003, true}, {1004, false}, {1005, false}, {1006, false},
	{1007, true}, {1008, true}, {1009, true}, {1010, true}, {1011, true}, {1012, true}, {1013, true}, {1014, true},
	{1015, false}, {1016, false}, {1100, false}, {2000, false}, {2999, false},
	{3000, true}, {3999, true}, {4000, true}, {4999, true},
	{5000, false}, {32768, false}, {65535, false},
}

func TestCloseCodeSendable(t *testing.T) {
	for _, c := range closeCodes {
		if got := c.code.Sendable(); got != c.sendable {
			t.Errorf("%d: %t", c.code, got)
		}
	}
}

func TestCloseCodeSaysItsMeaning(t *testing.T) {
	for code, want := range map[CloseCode]string{
		0: "0", 999: "999", NormalClosure: "1000 normal closure", GoingAway: "1001 going away",
		ProtocolError: "1002 protocol error", UnsupportedData: "1003 unsupported data", 1004: "1004",
		NoStatus: "1005 no status", AbnormalClosure: "1006 abnormal closure", InvalidPayload: "1007 invalid payload",
		PolicyViolation: "1008 policy violation", MessageTooBig: "1009 message too big",
		MandatoryExtension: "1010 mandatory extension", InternalError: "1011 internal error",
		ServiceRestart: "1012 service restart", TryAgainLater: "1013 try again later", BadGateway: "1014 bad gateway",
		TLSHandshake: "1015 tls handshake failed", 1016: "1016", 4000: "4000", 65535: "65535",
	} {
		if got := code.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestParseClose(t *testing.T) {
	longest := strings.Repeat("r", MaxReason)
	for _, c := range []struct {
		payload string
		code    CloseCode
		reason  string
		failure CloseCode
	}{
		{"", NoStatus, "", 0},
		{"\x03\xe8", NormalClosure, "", 0},
		{"\x03\xe9bye", GoingAway, "bye", 0},
		{"\x0f\xa0до встречи", 4000, "до встречи", 0},
		{"\x13\x87" + longest, 4999, longest, 0},
		{"\x03", 0, "", ProtocolError},
		{"\x03\xed", 0, "", ProtocolError},
		{"\x03\xedreason", 0, "", ProtocolError},
		{"\x03\xed\xff", 0, "", ProtocolError},
		{"\x03\xe8\xff", 0, "", InvalidPayload},
		{"\x03\xe8ok\xe2\x82", 0, "", InvalidPayload},
	} {
		t.Run(fmt.Sprintf("%.20q", c.payload), func(t *testing.T) {
			code, reason, err := ParseClose([]byte(c.payload))
			if code != c.code || reason != c.reason {
				t.Errorf("%v %q", code, reason)
			}
			var failure *Error
			if errors.As(err, &failure) != (c.failure != 0) || failure != nil && failure.Code != c.failure {
				t.Errorf("error %v, want %v", err, c.failure)
			}
		})
	}
}

func TestParseCloseReadsWhatAppendCloseWrites(t *testing.T) {
	for _, c := range closeCodes {
		if !c.sendable {
			continue
		}
		code, reason, err := ParseClose(AppendClose(nil, c.code, "почему"))
		if code != c.code || reason != "почему" || err != nil {
			t.Errorf("%d: %d %q, %v", c.code, code, reason, err)
		}
	}
	if got := AppendClose(nil, NoStatus, "a reason needs a code"); len(got) != 0 {
		t.Errorf("without a status: %q", got)
	}
}

func TestAppendCloseMakesTheReasonFit(t *testing.T) {
	for _, c := range []struct{ name, reason, want string }{
		{"longest", strings.Repeat("a", 123), strings.Repeat("a", 123)},
		{"one too long", strings.Repeat("a", 124), strings.Repeat("a", 123)},
		{"much too long", strings.Repeat("a", 1<<16), strings.Repeat("a", 123)},
		{"ends with a character of two", strings.Repeat("a", 121) + "ж", strings.Repeat("a", 121) + "ж"},
		{"character of two does not fit", strings.Repeat("a", 122) + "ж", strings.Repeat("a", 122)},
		{"nothing follows a character that does not fit", strings.Repeat("a", 122) + "жb", strings.Repeat("a", 122)},
		{"character of four does not fit", strings.Repeat("a", 120) + "🙂", strings.Repeat("a", 120)},
		{"not UTF-8", "a\xffb", "a\ufffdb"},
		{"not UTF-8 grows too long", strings.Repeat("\xff", 123), strings.Repeat("\ufffd", 41)},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := AppendClose([]byte("before"), InternalError, c.reason)
			want := append(binary.BigEndian.AppendUint16([]byte("before"), 1011), c.want...)
			if !bytes.Equal(got, want) {
				t.Errorf("%q, want %q", got, want)
			}
		})
	}
}
