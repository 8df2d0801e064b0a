package proxy

import (
	"errors"
	"strings"
	"testing"
)

func TestParseTargetAcceptsWhatAProxyCanBeAskedFor(t *testing.T) {
	longest := strings.Repeat("a", maxDomainLen)
	tests := map[string]string{
		"example.com:443":        "example.com:443",
		"under_score-1.test.:1":  "under_score-1.test.:1",
		"az.AZ.09:1":             "az.AZ.09:1",
		"192.0.2.1:65535":        "192.0.2.1:65535",
		"[2001:db8:0::1]:80":     "[2001:db8::1]:80",
		"[::ffff:192.0.2.1]:080": "192.0.2.1:80",
		longest + ":80":          longest + ":80",
	}
	for addr, want := range tests {
		t.Run(addr, func(t *testing.T) {
			got, err := parseTarget(addr)
			if err != nil || got.String() != want {
				t.Errorf("parseTarget = %v, %v; want %s", got, err, want)
			}
		})
	}
}

func TestParseTargetRejectsTheRest(t *testing.T) {
	for _, addr := range []string{
		"", "example.com", ":80", "example.com:", "example.com:0", "example.com:65536",
		"example.com:-1", "example.com:+1", "example.com:https", "2001:db8::1:80", "[a:b]:80",
		"[fe80::1%eth0]:80", "exa mple.com:80", "example.com\r\nX: y:80", "user@example.com:80",
		"example.com/:80", "пример.рф:80", "a\x00b:80", strings.Repeat("a", maxDomainLen+1) + ":80",
	} {
		t.Run(addr, func(t *testing.T) {
			if got, err := parseTarget(addr); !errors.Is(err, ErrAddress) {
				t.Errorf("parseTarget = %v, %v; want ErrAddress", got, err)
			}
		})
	}
}
