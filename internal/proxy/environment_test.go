package proxy

import (
	"net/url"
	"os"
	"testing"
)

// TestMain sets the environment for the whole run, since net/http reads it once.
func TestMain(m *testing.M) {
	for name, value := range map[string]string{
		"HTTP_PROXY": "plain.test:3128", "http_proxy": "",
		"HTTPS_PROXY": "socks5://molva:secret@secure.test", "https_proxy": "",
		"NO_PROXY": "direct.test,.inside.test,192.0.2.0/24,port.test:8080", "no_proxy": "",
		"REQUEST_METHOD": "",
	} {
		os.Setenv(name, value)
	}
	os.Exit(m.Run())
}

func TestFromEnvironment(t *testing.T) {
	const plain, secure, direct = "http://plain.test:3128", "socks5://molva:secret@secure.test", ""
	tests := map[string]string{
		"ws://example.com/ws":      plain,
		"wss://example.com/ws":     secure,
		"http://example.com/ws":    plain,
		"https://example.com/ws":   secure,
		"wss://direct.test":        direct,
		"wss://a.inside.test:8000": direct,
		"ws://192.0.2.7":           direct,
		"ws://port.test:8080":      direct,
		"ws://port.test":           plain,
		"ws://localhost:8000":      direct,
		"wss://127.0.0.1":          direct,
		"ws://[::1]:8000":          direct,
	}
	for raw, want := range tests {
		t.Run(raw, func(t *testing.T) {
			u, err := url.Parse(raw)
			if err != nil {
				t.Fatal(err)
			}
			got, err := FromEnvironment(u)
			if err != nil {
				t.Fatal(err)
			}
			if got == nil {
				got = new(url.URL)
			}
			if got.String() != want {
				t.Errorf("FromEnvironment = %q, want %q", got, want)
			}
			if u.String() != raw {
				t.Errorf("the URL became %q", u)
			}
		})
	}
}
