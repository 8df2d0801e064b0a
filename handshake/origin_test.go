package handshake_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/molva-ws/molva/handshake"
)

var originCases = []struct {
	name     string
	host     string
	origin   string
	patterns string // separated by spaces
	allowed  bool
}{
	// The same host.
	{"same host", "example.com", "https://example.com", "", true},
	{"same host over HTTP", "example.com", "http://example.com", "", true},
	{"same host in another case", "Example.COM", "HTTPS://exAmple.com", "", true},
	{"same host and port", "example.com:8080", "http://example.com:8080", "", true},
	{"default port in Host", "example.com:443", "https://example.com", "", true},
	{"default port in Origin", "example.com", "http://example.com:80", "", true},
	{"default port of the other scheme", "example.com:443", "http://example.com", "", false},
	{"another port", "example.com:8080", "http://example.com:8081", "", false},
	{"a port the host has not", "example.com", "http://example.com:8080", "", false},
	{"same IPv6 address", "[::1]:8080", "http://[::1]:8080", "", true},
	{"same IPv6 address, default port", "[::1]", "http://[::1]", "", true},
	{"another host", "example.com", "https://example.org", "", false},
	{"host as a prefix", "example.com", "https://example.com.evil.com", "", false},
	{"host as a suffix", "example.com", "https://evil-example.com", "", false},
	{"a subdomain", "example.com", "https://app.example.com", "", false},
	{"Kelvin sign in Host", "\u212aelvin.com", "https://kelvin.com", "", false},
	{"not of the web", "localhost", "capacitor://localhost", "", false},
	{"no Host", "", "https://example.com", "", false},
	{"malformed Host", "example.com:80:80", "http://example.com", "", false},

	// Exact patterns.
	{"origin", "h", "https://app.example.com", "https://app.example.com", true},
	{"origin with the default port", "h", "https://app.example.com:443", "https://app.example.com", true},
	{"default port in the pattern", "h", "https://app.example.com", "https://app.example.com:443", true},
	{"origin on another port", "h", "https://app.example.com:8443", "https://app.example.com", false},
	{"origin with its port", "h", "https://app.example.com:8443", "https://app.example.com:8443", true},
	{"origin of another scheme", "h", "http://app.example.com", "https://app.example.com", false},
	{"origin in another case", "h", "https://app.example.com", "HTTPS://App.Example.com", true},
	{"not of the web, listed", "h", "capacitor://localhost", "capacitor://localhost", true},
	{"second pattern", "h", "https://b.com", "https://a.com https://b.com", true},
	{"file, listed", "h", "file://", "file://", true},
	{"file, not listed", "h", "file://", "https://a.com", false},

	// Host patterns.
	{"host", "h", "https://app.example.com", "app.example.com", true},
	{"host over HTTP", "h", "http://app.example.com", "app.example.com", true},
	{"host on another port", "h", "https://app.example.com:8443", "app.example.com", false},
	{"host with port", "h", "http://localhost:3000", "localhost:3000", true},
	{"host with another port", "h", "http://localhost:3001", "localhost:3000", false},
	{"any port", "h", "http://localhost:3001", "localhost:*", true},
	{"any port, default", "h", "http://localhost", "localhost:*", true},
	{"any port, another host", "h", "http://localhost.evil.com", "localhost:*", false},
	{"host as a prefix of the origin's", "h", "https://app.example.com.evil.com", "app.example.com", false},

	// Wildcards.
	{"subdomain", "h", "https://a.example.com", "*.example.com", true},
	{"deep subdomain", "h", "https://a.b.example.com", "*.example.com", true},
	{"subdomain in another case", "h", "https://A.Example.com", "*.exAmple.com", true},
	{"not the domain itself", "h", "https://example.com", "*.example.com", false},
	{"not a longer label", "h", "https://evil-example.com", "*.example.com", false},
	{"not a longer domain", "h", "https://a.example.com.evil.com", "*.example.com", false},
	{"not an empty label", "h", "https://.example.com", "*.example.com", false},
	{"subdomain by scheme", "h", "https://a.example.com", "https://*.example.com", true},
	{"subdomain by another scheme", "h", "http://a.example.com", "https://*.example.com", false},
	{"subdomain on another port", "h", "https://a.example.com:1", "*.example.com", false},
	{"subdomain on any port", "h", "https://a.example.com:1", "*.example.com:*", true},
	{"anything", "h", "https://example.com", "*", true},
	{"anything of an embedded browser", "h", "capacitor://localhost", "*", true},

	// Opaque origins.
	{"null", "h", "null", "", false},
	{"null on a host of that name", "null", "null", "", false},
	{"null, listed", "h", "null", "null", true},
	{"null and anything", "h", "null", "*", true},
	{"null by a host pattern", "h", "null", "*.null", false},
	{"null does not list a host", "h", "https://null", "null", false},

	// Malformed origins, and patterns that match nothing.
	{"empty", "h", "", "*", false},
	{"no scheme", "h", "h", "*", false},
	{"no host", "h", "https://", "*", false},
	{"user information", "h", "https://user@h", "*", false},
	{"user information before the right host", "h", "https://h:80@evil.com", "*", false},
	{"path", "h", "https://h/", "*", false},
	{"query", "h", "https://h?a", "*", false},
	{"fragment", "h", "https://h#a", "*", false},
	{"backslash", "h", `https://evil.com\@h`, "*", false},
	{"space", "h", "https://a.com https://h", "*", false},
	{"no port", "h", "https://h:", "*", false},
	{"port no number", "h", "https://h:a", "*", false},
	{"long port", "h", "https://h:123456", "*", false},
	{"IPv6 without end", "h", "https://[::1", "*", false},
	{"IPv6 with a tail", "h", "https://[::1]a", "*", false},
	{"IPv6 with a zone", "[fe80::1%eth0]", "http://[fe80::1%eth0]", "*", false},
	{"IPv6 of dots", "[.]", "https://[.]", "*", false},
	{"IPv6 with a name", "h", "https://[h]", "*", false},
	{"beyond ASCII", "h", "https://\u212aelvin.com", "*", false},
	{"scheme with a space", "h", "ht tp://h", "*", false},
	{"pattern with a path", "h", "https://a.com", "https://a.com/", false},
	{"pattern with an inner wildcard", "h", "https://ab.com", "a*.com", false},
	{"pattern with a wildcard for a scheme", "h", "https://a.com", "*://a.com", false},
	{"empty pattern", "h", "https://a.com", "https://", false},
}

func TestCheckOrigin(t *testing.T) {
	for _, test := range originCases {
		t.Run(test.name, func(t *testing.T) {
			r := &http.Request{Host: test.host, Header: http.Header{"Origin": {test.origin}}}
			err := handshake.CheckOrigin(r, strings.Fields(test.patterns))
			if (err == nil) != test.allowed {
				t.Fatalf("Host %q, Origin %q, patterns %q: %v", test.host, test.origin, test.patterns, err)
			}
			var refusal *handshake.Refusal
			if err != nil && (!errors.As(err, &refusal) || refusal.Status != http.StatusForbidden) {
				t.Errorf("got %v, want a *Refusal with 403", err)
			}
		})
	}
}

func TestCheckOriginAllowsRequestsWithoutOrigin(t *testing.T) {
	if err := handshake.CheckOrigin(&http.Request{Host: "h"}, nil); err != nil {
		t.Error(err)
	}
}

func TestCheckOriginRefusesTwoOrigins(t *testing.T) {
	r := &http.Request{Host: "h", Header: http.Header{"Origin": {"http://h", "http://h"}}}
	if err := handshake.CheckOrigin(r, []string{"*"}); err == nil {
		t.Error("allowed")
	}
}

func TestValidateOriginsFindsWhatMatchesNothing(t *testing.T) {
	good := []string{
		"*", "null", "https://a.com", "https://a.com:8443", "a.com", "localhost:3000", "localhost:*",
		"*.a.com", "https://*.a.com", "https://*.a.com:*", "[::1]:80", "file://", "capacitor://localhost",
	}
	if err := handshake.ValidateOrigins(good); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{
		"", "https://", "https://a.com/", "a.com/", "a*.com", "*a.com", "**", "*.", "*.*.com", "*://a.com",
		"https://user@a.com", "a.com:", "a.com:x", "*.[::1]", "http:a.com", " a.com", "чат.рф",
	} {
		var invalid *handshake.OriginError
		if err := handshake.ValidateOrigins(append(good, bad)); !errors.As(err, &invalid) || invalid.Pattern != bad {
			t.Errorf("pattern %q: %v", bad, err)
		}
	}
}

func BenchmarkCheckOrigin(b *testing.B) {
	r := &http.Request{Host: "example.com", Header: http.Header{"Origin": {"https://app.example.org"}}}
	patterns := []string{"https://example.net", "*.example.org"}
	b.ReportAllocs()
	for b.Loop() {
		if err := handshake.CheckOrigin(r, patterns); err != nil {
			b.Fatal(err)
		}
	}
}
