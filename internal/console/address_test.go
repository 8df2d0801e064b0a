package console

import (
	"errors"
	"testing"
)

func TestParseAddress(t *testing.T) {
	for s, want := range map[string]string{
		"ws://h":                         "ws://h/",
		"wss://h:1/a?b=c":                "wss://h:1/a?b=c",
		"http://h/":                      "ws://h/",
		"https://h/":                     "wss://h/",
		"WS://h/":                        "ws://h/",
		" ws://h/ ":                      "ws://h/",
		"localhost":                      "ws://localhost/ guessed",
		"LOCALHOST:8000/ws":              "ws://LOCALHOST:8000/ws guessed",
		"app.localhost/ws":               "ws://app.localhost/ws guessed",
		":8000":                          "ws://localhost:8000/ guessed",
		":8000/ws?token=1":               "ws://localhost:8000/ws?token=1 guessed",
		"/ws":                            "ws://localhost/ws guessed",
		"?a":                             "ws://localhost/?a guessed",
		"127.1.2.3:80":                   "ws://127.1.2.3:80/ guessed",
		"[::1]:8000/ws":                  "ws://[::1]:8000/ws guessed",
		"::1":                            "ws://[::1]/ guessed",
		"::1/ws":                         "ws://[::1]/ws guessed",
		"2001:db8::1/ws":                 "wss://[2001:db8::1]/ws guessed",
		"10.0.0.1:8000":                  "wss://10.0.0.1:8000/ guessed",
		"example.com":                    "wss://example.com/ guessed",
		"localhost.example.com:443/a//b": "wss://localhost.example.com:443/a//b guessed",
		"me:pass@example.com/ws":         "wss://me:xxxxx@example.com/ws guessed",
	} {
		a, err := ParseAddress(s)
		if err != nil {
			t.Errorf("%q: %v", s, err)
			continue
		}
		got := a.String()
		if a.Guessed {
			got += " guessed"
		}
		if got != want {
			t.Errorf("%q: %s, want %s", s, got, want)
		}
	}
	for _, s := range []string{"", " ", "ftp://h", "ws://", "ws://h/#f", "h:port", "://h", "ws://h\x00", "unix:///x"} {
		var usage *UsageError
		if a, err := ParseAddress(s); !errors.As(err, &usage) {
			t.Errorf("%q: %v, %v", s, a, err)
		}
	}
}
