package clientaddr

import (
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

// testTrust has the proxies 10.x.x.x and fd00::x.
func testTrust(t testing.TB) *Trust {
	trust, err := ParseTrust([]string{"10.0.0.0/8", "fd00::/8"})
	if err != nil {
		t.Fatal(err)
	}
	return &trust
}

// header makes a header of lines such as "X-Real-IP: 192.0.2.1".
func header(lines ...string) http.Header {
	h := make(http.Header)
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		h.Add(name, value)
	}
	return h
}

const malformed = "malformed" // in place of the address that is wanted

func TestFromHeader(t *testing.T) {
	const peer = "10.0.0.1"
	for _, test := range []struct {
		name  string
		field string
		lines []string
		want  string
	}{
		{name: "no field", want: peer},

		{name: "one", lines: []string{"X-Forwarded-For: 192.0.2.1"}, want: "192.0.2.1"},
		{name: "the last untrusted one", lines: []string{"X-Forwarded-For: 1.1.1.1, 192.0.2.1, 10.0.0.2"}, want: "192.0.2.1"},
		{name: "all trusted", lines: []string{"X-Forwarded-For: 10.0.0.3, 10.0.0.2"}, want: "10.0.0.3"},
		{name: "several lines", lines: []string{"X-Forwarded-For: 192.0.2.1", "X-Forwarded-For: 10.0.0.2,10.0.0.3"}, want: "192.0.2.1"},
		{name: "forged line first", lines: []string{"X-Forwarded-For: 1.1.1.1", "X-Forwarded-For: 192.0.2.1"}, want: "192.0.2.1"},
		{name: "junk before it", lines: []string{"X-Forwarded-For: \"<script>, 192.0.2.1"}, want: "192.0.2.1"},
		{name: "junk where a proxy should stand", lines: []string{"X-Forwarded-For: 192.0.2.1, unknown, 10.0.0.2"}, want: "10.0.0.2"},
		{name: "junk only", lines: []string{"X-Forwarded-For: unknown"}, want: peer},
		{name: "empty", lines: []string{"X-Forwarded-For: "}, want: peer},
		{name: "empty entries", lines: []string{"X-Forwarded-For: ,192.0.2.1,, ,\t"}, want: "192.0.2.1"},
		{name: "a port", lines: []string{"X-Forwarded-For: 192.0.2.1:4711"}, want: "192.0.2.1"},
		{name: "IPv6", lines: []string{"X-Forwarded-For: 2001:db8::1"}, want: "2001:db8::1"},
		{name: "IPv6 in brackets", lines: []string{"X-Forwarded-For: [2001:db8::1]"}, want: "2001:db8::1"},
		{name: "IPv6 with a port", lines: []string{"X-Forwarded-For: [2001:db8::1]:4711"}, want: "2001:db8::1"},
		{name: "IPv6 with a zone", lines: []string{"X-Forwarded-For: fe80::1%eth0"}, want: "fe80::1"},
		{name: "IPv4 in IPv6", lines: []string{"X-Forwarded-For: ::ffff:192.0.2.1"}, want: "192.0.2.1"},
		{name: "a trusted one as IPv6", lines: []string{"X-Forwarded-For: 192.0.2.1, ::ffff:10.0.0.2"}, want: "192.0.2.1"},
		{name: "IPv4 in brackets is none", lines: []string{"X-Forwarded-For: [192.0.2.1]"}, want: peer},

		{name: "forwarded", lines: []string{"Forwarded: for=192.0.2.1;proto=https;by=10.0.0.1"}, want: "192.0.2.1"},
		{name: "forwarded, any case", lines: []string{"Forwarded: Proto=https ; FOR=192.0.2.1"}, want: "192.0.2.1"},
		{name: "forwarded, quoted IPv6", lines: []string{`Forwarded: for="[2001:db8::1]:4711"`}, want: "2001:db8::1"},
		{name: "forwarded, escaped", lines: []string{`Forwarded: for="192\.0.2.1"`}, want: "192.0.2.1"},
		{name: "forwarded, not quoted", lines: []string{`Forwarded: for=[2001:db8::1]:4711`}, want: "2001:db8::1"},
		{name: "forwarded, the last untrusted one", lines: []string{"Forwarded: for=1.1.1.1, for=192.0.2.1, for=10.0.0.2"}, want: "192.0.2.1"},
		{name: "forwarded, several lines", lines: []string{"Forwarded: for=192.0.2.1", "Forwarded: for=10.0.0.2"}, want: "192.0.2.1"},
		{name: "forwarded, malformed before it", lines: []string{`Forwarded: for="`, "Forwarded: for=192.0.2.1"}, want: "192.0.2.1"},
		{name: "forwarded, comma in quotes", lines: []string{`Forwarded: for=192.0.2.1;secret="a, for=1.1.1.1"`}, want: "192.0.2.1"},
		{name: "forwarded, unknown", lines: []string{"Forwarded: for=192.0.2.1, for=unknown"}, want: peer},
		{name: "forwarded, obfuscated", lines: []string{"Forwarded: for=192.0.2.1, for=_hidden, for=10.0.0.2"}, want: "10.0.0.2"},
		{name: "forwarded, no for", lines: []string{"Forwarded: for=192.0.2.1, proto=https"}, want: peer},
		{name: "forwarded, empty elements", lines: []string{"Forwarded: , for=192.0.2.1, ,"}, want: "192.0.2.1"},
		{name: "forwarded, element of separators", lines: []string{"Forwarded: for=192.0.2.1, ;"}, want: peer},
		{name: "forwarded, names of all letters", lines: []string{"Forwarded: aAzZ09=aAzZ09;for=192.0.2.1"}, want: "192.0.2.1"},
		{name: "forwarded, open quote swallows the proxy's", lines: []string{`Forwarded: for=", for=192.0.2.1`}, want: malformed},
		{name: "forwarded, quote closed by the proxy's", lines: []string{`Forwarded: for=", for="[2001:db8::1]"`}, want: malformed},
		{name: "forwarded, escape at the end", lines: []string{`Forwarded: for="\`}, want: malformed},
		{name: "forwarded, for twice", lines: []string{"Forwarded: for=1.1.1.1;for=192.0.2.1"}, want: malformed},
		{name: "forwarded, no value", lines: []string{"Forwarded: for="}, want: malformed},
		{name: "forwarded, no equals", lines: []string{"Forwarded: for"}, want: malformed},
		{name: "forwarded, space around equals", lines: []string{"Forwarded: for = 192.0.2.1"}, want: malformed},
		{name: "forwarded, not separated", lines: []string{"Forwarded: for=192.0.2.1 for=1.1.1.1"}, want: malformed},

		{name: "real IP", lines: []string{"X-Real-IP: 192.0.2.1"}, want: "192.0.2.1"},
		{name: "real IP, twice", lines: []string{"X-Real-IP: 1.1.1.1", "X-Real-IP: 192.0.2.1"}, want: malformed},
		{name: "real IP, list", lines: []string{"X-Real-IP: 1.1.1.1, 192.0.2.1"}, want: malformed},
		{name: "real IP, empty", lines: []string{"X-Real-IP: "}, want: malformed},
		{name: "real IP of a proxy alone", lines: []string{"X-Real-IP: 10.0.0.9"}, want: "10.0.0.9"},

		{name: "fields agree", lines: []string{"Forwarded: for=192.0.2.1", "X-Forwarded-For: 192.0.2.1", "X-Real-IP: 192.0.2.1"}, want: "192.0.2.1"},
		{name: "real IP is the next proxy", lines: []string{"X-Forwarded-For: 192.0.2.1, 10.0.0.2", "X-Real-IP: 10.0.0.2"}, want: "192.0.2.1"},
		{name: "forged Forwarded", lines: []string{"Forwarded: for=1.1.1.1", "X-Forwarded-For: 192.0.2.1"}, want: malformed},
		{name: "forged Forwarded, and a list of proxies", lines: []string{"Forwarded: for=1.1.1.1", "X-Forwarded-For: 10.0.0.2"}, want: malformed},
		{name: "forged list", lines: []string{"X-Forwarded-For: 1.1.1.1", "X-Real-IP: 192.0.2.1"}, want: malformed},

		{name: "chosen field", field: "x-forwarded-for", lines: []string{"Forwarded: for=1.1.1.1", "X-Forwarded-For: 192.0.2.1"}, want: "192.0.2.1"},
		{name: "chosen Forwarded", field: "Forwarded", lines: []string{"Forwarded: for=192.0.2.1", "X-Real-IP: 1.1.1.1"}, want: "192.0.2.1"},
		{name: "chosen field of another name", field: "CF-Connecting-IP", lines: []string{"CF-Connecting-IP: 192.0.2.1", "X-Forwarded-For: 1.1.1.1"}, want: "192.0.2.1"},
		{name: "chosen field of another name, twice", field: "CF-Connecting-IP", lines: []string{"CF-Connecting-IP: 192.0.2.1", "CF-Connecting-IP: 192.0.2.1"}, want: malformed},
		{name: "chosen field is not there", field: "CF-Connecting-IP", lines: []string{"X-Forwarded-For: 1.1.1.1"}, want: peer},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := FromHeader(header(test.lines...), test.field, netip.MustParseAddr(peer), testTrust(t))
			var bad *HeaderError
			switch {
			case test.want == malformed:
				if !errors.As(err, &bad) || got.IsValid() {
					t.Errorf("got %v, %v; want a *HeaderError", got, err)
				}
			case err != nil || got != netip.MustParseAddr(test.want):
				t.Errorf("got %v, %v; want %v", got, err, test.want)
			}
		})
	}
}

func TestFromHeaderOfAPeerAsIPv6(t *testing.T) {
	peer := netip.MustParseAddr("::ffff:10.0.0.1")
	for _, h := range []http.Header{nil, header("X-Forwarded-For: unknown")} {
		if got, err := FromHeader(h, "", peer, testTrust(t)); err != nil || got != netip.MustParseAddr("10.0.0.1") {
			t.Errorf("%v: %v, %v", h, got, err)
		}
	}
}

func TestFromHeaderOfAPeerWithoutAnAddress(t *testing.T) {
	trust := testTrust(t)
	if got, err := FromHeader(nil, "", netip.Addr{}, trust); err != nil || got.IsValid() {
		t.Errorf("no field: %v, %v", got, err)
	}
	got, err := FromHeader(header("X-Forwarded-For: 192.0.2.1"), "", netip.Addr{}, trust)
	if err != nil || got != netip.MustParseAddr("192.0.2.1") {
		t.Errorf("got %v, %v", got, err)
	}
}

// FuzzForwarded looks for panics, and for what a client can do to the word of the proxy that appends to its header.
func FuzzForwarded(f *testing.F) {
	for _, seed := range []string{
		"", "for=192.0.2.1", `for="[2001:db8::1]:4711";proto=https`, `for="`, `for="\`, "for=_hidden, for=unknown",
		"192.0.2.1, 10.0.0.1", ",;,", `a=b;for="x, y"`,
	} {
		f.Add(seed)
	}
	trust := testTrust(f)
	peer, client := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("192.0.2.1")
	f.Fuzz(func(t *testing.T, forged string) {
		for _, appended := range []http.Header{
			header("Forwarded: " + forged + ", for=192.0.2.1"),
			header("Forwarded: " + forged + `, for="192.0.2.1"`),
			header("Forwarded: "+forged, "Forwarded: for=192.0.2.1"),
			header("X-Forwarded-For: " + forged + ", 192.0.2.1"),
			header("X-Forwarded-For: "+forged, "X-Forwarded-For: 192.0.2.1"),
		} {
			got, err := FromHeader(appended, "", peer, trust)
			if err == nil && got != client {
				t.Errorf("%q makes the client %v", appended, got)
			}
		}
	})
}
