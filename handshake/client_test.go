package handshake_test

import (
	"bufio"
	"bytes"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/molva-ws/molva/handshake"
)

// accepting returns the response of RFC 6455 §1.2 to a client with sampleKey.
func accepting() *http.Response {
	return &http.Response{StatusCode: http.StatusSwitchingProtocols, Header: http.Header{
		"Upgrade":              {"websocket"},
		"Connection":           {"Upgrade"},
		"Sec-Websocket-Accept": {sampleAccept},
	}}
}

func TestNewRequestIsReadBackAsTheOffer(t *testing.T) {
	for _, test := range []struct {
		name  string
		offer handshake.Offer
	}{
		{"key only", handshake.Offer{Key: sampleKey}},
		{"subprotocols", handshake.Offer{Key: sampleKey, Subprotocols: []string{"chat", "superchat"}}},
		{"extensions", handshake.Offer{Key: sampleKey, Extensions: []handshake.Extension{
			handshake.Deflate{ServerMaxWindowBits: 9, ClientMaxWindowBits: handshake.AnyWindowBits}.Extension(),
			handshake.Deflate{}.Extension(),
			{Name: "x-foo", Params: []handshake.Param{{Name: "a", Value: "b"}}},
		}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			sent, err := handshake.NewRequest(t.Context(), "ws://example.com/chat?room=1", test.offer, nil)
			if err != nil {
				t.Fatal(err)
			}
			var wire bytes.Buffer
			if err := sent.Write(&wire); err != nil {
				t.Fatal(err)
			}
			read, err := http.ReadRequest(bufio.NewReader(&wire))
			if err != nil {
				t.Fatal(err)
			}
			got, err := handshake.CheckRequest(read)
			if err != nil || !reflect.DeepEqual(got, test.offer) {
				t.Errorf("got %v, %v; want %v", got, err, test.offer)
			}
			if read.Host != "example.com" || read.RequestURI != "/chat?room=1" {
				t.Errorf("Host %q, URI %q", read.Host, read.RequestURI)
			}
		})
	}
}

func TestNewRequestReadsTheURL(t *testing.T) {
	for _, test := range []struct{ raw, url, host string }{
		{"ws://example.com", "http://example.com", "example.com"},
		{"wss://example.com/a?b=c", "https://example.com/a?b=c", "example.com"},
		{"WSS://example.com:8443/", "https://example.com:8443/", "example.com:8443"},
		{"http://[::1]:8000/", "http://[::1]:8000/", "[::1]:8000"},
		{"https://example.com", "https://example.com", "example.com"},
	} {
		t.Run(test.raw, func(t *testing.T) {
			r, err := handshake.NewRequest(t.Context(), test.raw, handshake.Offer{Key: sampleKey}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if r.URL.String() != test.url || r.Host != test.host {
				t.Errorf("URL %q, Host %q", r.URL, r.Host)
			}
		})
	}
}

func TestNewRequestRefusesURLsOfNoServer(t *testing.T) {
	for _, raw := range []string{
		"", "example.com", "ftp://example.com", "ws:", "ws://", "ws:///chat", "ws://:80", "ws://h/#fragment",
		"ws://h:port", "ws://h/%zz", "ws://user:secret@h:port", "ws://user:secret@h/#f", "ws://user:secret@h\n",
	} {
		t.Run(raw, func(t *testing.T) {
			_, err := handshake.NewRequest(t.Context(), raw, handshake.Offer{Key: sampleKey}, nil)
			var invalid *handshake.URLError
			if !errors.As(err, &invalid) {
				t.Fatalf("got %v, want a *URLError", err)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("the password is in %q", err)
			}
		})
	}
}

func TestNewRequestAddsHeaderAndUser(t *testing.T) {
	extra := http.Header{"Authorization": {"Bearer x"}, "x-a": {"1", "2"}}
	offer := handshake.Offer{Key: sampleKey}
	r, err := handshake.NewRequest(t.Context(), "ws://user:secret@h", offer, extra)
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Header.Get("Authorization"); got != "Bearer x" {
		t.Errorf("Authorization %q", got)
	}
	if got := r.Header.Values("X-A"); len(got) != 2 || r.URL.User != nil {
		t.Errorf("X-A %q, user %q", got, r.URL.User)
	}
	r, err = handshake.NewRequest(t.Context(), "ws://user:secret@h", offer, nil)
	if err != nil {
		t.Fatal(err)
	}
	if user, password, ok := r.BasicAuth(); !ok || user != "user" || password != "secret" {
		t.Errorf("Authorization %q", r.Header.Get("Authorization"))
	}
}

func TestNewRequestAsksForTheHostInHeader(t *testing.T) {
	for _, test := range []struct {
		name   string
		header http.Header
		host   string // "" for a *HeaderError
	}{
		{"none", nil, "h:1"},
		{"a name", http.Header{"Host": {"example.com"}}, "example.com"},
		{"in lower case, with a port", http.Header{"host": {"example.com:8080"}}, "example.com:8080"},
		{"an address", http.Header{"Host": {"[::1]:80"}}, "[::1]:80"},
		{"empty", http.Header{"Host": {""}}, ""},
		{"no value", http.Header{"Host": nil}, ""},
		{"two values", http.Header{"Host": {"a", "a"}}, ""},
		{"two fields", http.Header{"Host": {"a"}, "host": {"a"}}, ""},
		{"a line break", http.Header{"Host": {"a\r\nX: y"}}, ""},
		{"user information", http.Header{"Host": {"user@a"}}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, err := handshake.NewRequest(t.Context(), "ws://h:1", handshake.Offer{Key: sampleKey}, test.header)
			var malformed *handshake.HeaderError
			switch {
			case test.host == "" && !errors.As(err, &malformed):
				t.Errorf("got %v, want a *HeaderError", err)
			case test.host != "" && err != nil:
				t.Error(err)
			case err == nil && (r.Host != test.host || r.URL.Host != "h:1" || r.Header["Host"] != nil):
				t.Errorf("Host %q, URL %q, header %q", r.Host, r.URL, r.Header)
			}
		})
	}
}

func TestNewRequestRefusesForbiddenHeaders(t *testing.T) {
	for name, extra := range forbiddenHeaders {
		t.Run(name, func(t *testing.T) {
			_, err := handshake.NewRequest(t.Context(), "ws://h", handshake.Offer{Key: sampleKey}, extra)
			var forbidden *handshake.HeaderError
			if !errors.As(err, &forbidden) {
				t.Errorf("got %v, want a *HeaderError", err)
			}
		})
	}
}

func TestNewRequestRefusesMalformedOffers(t *testing.T) {
	param := func(name, value string) []handshake.Extension {
		return []handshake.Extension{{Name: "a", Params: []handshake.Param{{Name: name, Value: value}}}}
	}
	for _, test := range []struct {
		name  string
		offer handshake.Offer
	}{
		{"no key", handshake.Offer{}},
		{"line break in the key", handshake.Offer{Key: sampleKey[:20] + "\r\n=="}},
		{"subprotocol no token", handshake.Offer{Key: sampleKey, Subprotocols: []string{"a b"}}},
		{"subprotocol empty", handshake.Offer{Key: sampleKey, Subprotocols: []string{""}}},
		{"subprotocol twice", handshake.Offer{Key: sampleKey, Subprotocols: []string{"a", "b", "a"}}},
		{"too many subprotocols", handshake.Offer{Key: sampleKey, Subprotocols: make([]string, 65)}},
		{"extension no token", handshake.Offer{Key: sampleKey, Extensions: []handshake.Extension{{Name: "a,b"}}}},
		{"parameter no token", handshake.Offer{Key: sampleKey, Extensions: param("a\n", "")}},
		{"value no token", handshake.Offer{Key: sampleKey, Extensions: param("a", "b;c")}},
		{"too many extensions", handshake.Offer{Key: sampleKey, Extensions: make([]handshake.Extension, 33)}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := handshake.NewRequest(t.Context(), "ws://h", test.offer, nil)
			var malformed *handshake.HeaderError
			if !errors.As(err, &malformed) {
				t.Errorf("got %v, want a *HeaderError", err)
			}
		})
	}
}

func TestCheckResponseAccepts(t *testing.T) {
	for _, test := range []struct{ name, field, value string }{
		{"the example of the RFC", "Upgrade", "websocket"},
		{"Upgrade in another case", "Upgrade", "WebSocket"},
		{"Connection in another case", "Connection", "upgrade"},
		{"Connection as a list", "Connection", "keep-alive, Upgrade"},
	} {
		t.Run(test.name, func(t *testing.T) {
			response := accepting()
			response.Header.Set(test.field, test.value)
			agreed, err := handshake.CheckResponse(response, handshake.Offer{Key: sampleKey})
			if err != nil || agreed != (handshake.Agreement{}) {
				t.Errorf("got %v, %v", agreed, err)
			}
		})
	}
}

func TestCheckResponseRejects(t *testing.T) {
	for _, test := range []struct {
		name   string
		field  string
		values []string
	}{
		{"no Upgrade", "Upgrade", nil},
		{"another Upgrade", "Upgrade", []string{"h2c"}},
		{"two Upgrades", "Upgrade", []string{"websocket, h2c"}},
		{"two lines of Upgrade", "Upgrade", []string{"websocket", "websocket"}},
		{"no Connection", "Connection", nil},
		{"another Connection", "Connection", []string{"close"}},
		{"no accept key", "Sec-WebSocket-Accept", nil},
		{"an empty accept key", "Sec-WebSocket-Accept", []string{""}},
		{"another accept key", "Sec-WebSocket-Accept", []string{"s3pPLMBiTxaQ9kYGzzhZRbK+xOp="}},
		{"accept key in another case", "Sec-WebSocket-Accept", []string{strings.ToUpper(sampleAccept)}},
		{"two accept keys", "Sec-WebSocket-Accept", []string{sampleAccept, sampleAccept}},
		{"a subprotocol not offered", "Sec-WebSocket-Protocol", []string{"c"}},
		{"two subprotocols", "Sec-WebSocket-Protocol", []string{"a, b"}},
		{"two lines of subprotocols", "Sec-WebSocket-Protocol", []string{"a", "a"}},
		{"an empty subprotocol", "Sec-WebSocket-Protocol", []string{""}},
		{"an extension not offered", "Sec-WebSocket-Extensions", []string{"permessage-deflate"}},
		{"a malformed extension", "Sec-WebSocket-Extensions", []string{"a b"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			response := accepting()
			response.Header[http.CanonicalHeaderKey(test.field)] = test.values
			offer := handshake.Offer{Key: sampleKey, Subprotocols: []string{"a", "b"}}
			agreed, err := handshake.CheckResponse(response, offer)
			var rejected *handshake.ResponseError
			var header *handshake.HeaderError
			if !errors.As(err, &rejected) || rejected.Status != 101 || !errors.As(err, &header) {
				t.Fatalf("got %v, %v; want a *ResponseError by a *HeaderError", agreed, err)
			}
			if agreed != (handshake.Agreement{}) {
				t.Errorf("agreement %v beside the error", agreed)
			}
		})
	}
}

func TestCheckResponseTellsTheStatusOfARefusal(t *testing.T) {
	for _, status := range []int{200, 302, 401, 403, 426, 503} {
		response := accepting()
		response.StatusCode = status
		_, err := handshake.CheckResponse(response, handshake.Offer{Key: sampleKey})
		var rejected *handshake.ResponseError
		if !errors.As(err, &rejected) || rejected.Status != status || rejected.Err != nil {
			t.Errorf("status %d: %v", status, err)
		}
	}
}

func TestCheckResponseReturnsTheSubprotocol(t *testing.T) {
	response := accepting()
	response.Header.Set("Sec-WebSocket-Protocol", "b")
	agreed, err := handshake.CheckResponse(response, handshake.Offer{Key: sampleKey, Subprotocols: []string{"a", "b"}})
	if err != nil || agreed.Subprotocol != "b" {
		t.Errorf("got %v, %v", agreed, err)
	}
}

func BenchmarkClient(b *testing.B) {
	response := accepting()
	b.ReportAllocs()
	for b.Loop() {
		offer := handshake.Offer{Key: sampleKey}
		if _, err := handshake.NewRequest(b.Context(), "ws://example.com/chat", offer, nil); err != nil {
			b.Fatal(err)
		}
		if _, err := handshake.CheckResponse(response, offer); err != nil {
			b.Fatal(err)
		}
	}
}
