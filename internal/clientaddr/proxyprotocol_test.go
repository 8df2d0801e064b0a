package clientaddr

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/netip"
	"strings"
	"testing"
)

// v2 makes a header of version 2 that says its true length.
func v2(command, family byte, block string) string {
	b := append([]byte(v2Signature), command, family)
	b = binary.BigEndian.AppendUint16(b, uint16(len(block)))
	return string(b) + block
}

const (
	block4 = "\xc0\x00\x02\x01" + "\x0a\x00\x00\x01" + "\x12\x67" + "\x00\x50"
	block6 = "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01" +
		"\xfd\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01" + "\x12\x67" + "\x00\x50"
	mapped6 = "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\xc0\x00\x02\x01" +
		"\xfd\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01" + "\x12\x67" + "\x00\x50"
	additions = "\x01\x00\x02h2" + "\xee\x00\x00"
)

var proxyProtocolCases = []struct {
	name   string
	header string
	want   string // the source; "" for the socket's
	wrong  bool
}{
	{name: "v1 TCP4", header: "PROXY TCP4 192.0.2.1 10.0.0.1 4711 80\r\n", want: "192.0.2.1:4711"},
	{name: "v1 TCP6", header: "PROXY TCP6 2001:db8::1 fd00::1 4711 80\r\n", want: "[2001:db8::1]:4711"},
	{name: "v1 TCP6 with IPv4 in it", header: "PROXY TCP6 ::ffff:192.0.2.1 ::ffff:10.0.0.1 4711 80\r\n", want: "192.0.2.1:4711"},
	{name: "v1 unknown", header: "PROXY UNKNOWN\r\n"},
	{name: "v1 unknown with the longest addresses", header: "PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n"},
	{name: "v1 port 0", header: "PROXY TCP4 192.0.2.1 10.0.0.1 0 65535\r\n", want: "192.0.2.1:0"},
	{name: "v1 port too large", header: "PROXY TCP4 192.0.2.1 10.0.0.1 65536 80\r\n", wrong: true},
	{name: "v1 port with a zero", header: "PROXY TCP4 192.0.2.1 10.0.0.1 04711 80\r\n", wrong: true},
	{name: "v1 port with a sign", header: "PROXY TCP4 192.0.2.1 10.0.0.1 +4711 80\r\n", wrong: true},
	{name: "v1 destination port wrong", header: "PROXY TCP4 192.0.2.1 10.0.0.1 4711 x\r\n", wrong: true},
	{name: "v1 destination wrong", header: "PROXY TCP4 192.0.2.1 - 4711 80\r\n", wrong: true},
	{name: "v1 IPv6 as TCP4", header: "PROXY TCP4 2001:db8::1 fd00::1 4711 80\r\n", wrong: true},
	{name: "v1 IPv4 as TCP6", header: "PROXY TCP6 192.0.2.1 10.0.0.1 4711 80\r\n", wrong: true},
	{name: "v1 zone", header: "PROXY TCP6 fe80::1%eth0 fd00::1 4711 80\r\n", wrong: true},
	{name: "v1 two spaces", header: "PROXY TCP4  192.0.2.1 10.0.0.1 4711 80\r\n", wrong: true},
	{name: "v1 too many fields", header: "PROXY TCP4 192.0.2.1 10.0.0.1 4711 80 1\r\n", wrong: true},
	{name: "v1 no fields", header: "PROXY \r\n", wrong: true},
	{name: "v1 another protocol", header: "PROXY UDP4 192.0.2.1 10.0.0.1 4711 80\r\n", wrong: true},
	{name: "v1 bare line feed", header: "PROXY TCP4 192.0.2.1 10.0.0.1 4711 80\n\r\n", wrong: true},
	{name: "v1 no end", header: "PROXY UNKNOWN " + strings.Repeat("x", 93), wrong: true},
	{name: "v1 one byte too long", header: "PROXY UNKNOWN " + strings.Repeat("x", 92) + "\r\n", wrong: true},
	{name: "v1 as long as it may be", header: "PROXY UNKNOWN " + strings.Repeat("x", 91) + "\r\n"},
	{name: "v1 lower case", header: "proxy TCP4 192.0.2.1 10.0.0.1 4711 80\r\n", wrong: true},
	{name: "HTTP", header: "GET / HTTP/1.1\r\n\r\n", wrong: true},
	{name: "PUT", header: "PUT / HTTP/1.1\r\n\r\n", wrong: true},

	{name: "v2 TCP4", header: v2(0x21, 0x11, block4), want: "192.0.2.1:4711"},
	{name: "v2 UDP4", header: v2(0x21, 0x12, block4), want: "192.0.2.1:4711"},
	{name: "v2 TCP6", header: v2(0x21, 0x21, block6), want: "[2001:db8::1]:4711"},
	{name: "v2 TCP6 with IPv4 in it", header: v2(0x21, 0x21, mapped6), want: "192.0.2.1:4711"},
	{name: "v2 with additions", header: v2(0x21, 0x11, block4+additions), want: "192.0.2.1:4711"},
	{name: "v2 Unix", header: v2(0x21, 0x31, strings.Repeat("/", 216))},
	{name: "v2 not specified", header: v2(0x21, 0x00, "whatever")},
	{name: "v2 not specified, and nothing said", header: v2(0x21, 0x00, "")},
	{name: "v2 local", header: v2(0x20, 0x00, "")},
	{name: "v2 local with an address", header: v2(0x20, 0x11, block4)},
	{name: "v2 local of any family", header: v2(0x20, 0xff, "")},
	{name: "v2 as long as it may be", header: v2(0x21, 0x11, block4+strings.Repeat("x", maxBlock-12)), want: "192.0.2.1:4711"},
	{name: "v2 too long", header: v2(0x21, 0x11, block4+strings.Repeat("x", maxBlock-11)), wrong: true},
	{name: "v2 local, too long", header: v2(0x20, 0x00, strings.Repeat("x", maxBlock+1)), wrong: true},
	{name: "v2 length without room for the addresses", header: v2(0x21, 0x11, block4[:11]), wrong: true},
	{name: "v2 length without room for IPv6", header: v2(0x21, 0x21, block6[:35]), wrong: true},
	{name: "v2 length without room for Unix", header: v2(0x21, 0x31, strings.Repeat("/", 215)), wrong: true},
	{name: "v2 family that is not assigned", header: v2(0x21, 0x41, block6), wrong: true},
	{name: "v2 transport that is not assigned", header: v2(0x21, 0x13, block4), wrong: true},
	{name: "v2 command that is not assigned", header: v2(0x22, 0x11, block4), wrong: true},
	{name: "v3", header: v2(0x31, 0x11, block4), wrong: true},
	{name: "half a signature", header: "\r\n\r\n\x00\r\nQUIX", wrong: true},
}

func TestParseProxyProtocol(t *testing.T) {
	const rest = "GET / HTTP/1.1\r\n\r\n"
	for _, test := range proxyProtocolCases {
		t.Run(test.name, func(t *testing.T) {
			source, n, err := ParseProxyProtocol([]byte(test.header + rest))
			if test.wrong {
				if !errors.Is(err, ErrProxyProtocol) || n != 0 || source.IsValid() {
					t.Fatalf("got %v, %d, %v; want ErrProxyProtocol", source, n, err)
				}
				return
			}
			if err != nil || n != len(test.header) {
				t.Fatalf("got length %d, %v; want %d", n, err, len(test.header))
			}
			if test.want == "" && source.IsValid() || test.want != "" && source != netip.MustParseAddrPort(test.want) {
				t.Errorf("got %v, want %q", source, test.want)
			}
			if alone, n, err := ParseProxyProtocol([]byte(test.header)); alone != source || n != len(test.header) || err != nil {
				t.Fatalf("with nothing behind it: %v, %d, %v", alone, n, err)
			}
			for i := range test.header {
				if source, n, err := ParseProxyProtocol([]byte(test.header[:i])); n != 0 || err != nil || source.IsValid() {
					t.Fatalf("after %d bytes: %v, %d, %v", i, source, n, err)
				}
			}
		})
	}
}

// FuzzProxyProtocol looks for panics, and for answers that depend on how many of the bytes have come.
func FuzzProxyProtocol(f *testing.F) {
	for _, test := range proxyProtocolCases {
		if len(test.header) < 300 {
			f.Add([]byte(test.header))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		whole := bytes.Clone(b)
		source, n, err := ParseProxyProtocol(b)
		switch {
		case !bytes.Equal(b, whole):
			t.Fatal("the bytes were changed")
		case err != nil && (n != 0 || source.IsValid()), n == 0 && source.IsValid():
			t.Fatalf("got %v, %d, %v", source, n, err)
		case n == 0:
			return
		case n > len(b):
			t.Fatalf("header of %d bytes in %d", n, len(b))
		}
		if again, m, err := ParseProxyProtocol(b[:n]); again != source || m != n || err != nil {
			t.Fatalf("alone: %v, %d, %v; want %v, %d", again, m, err, source, n)
		}
		if _, m, err := ParseProxyProtocol(b[:n-1]); m != 0 || err != nil {
			t.Fatalf("without its last byte: %d, %v", m, err)
		}
	})
}
