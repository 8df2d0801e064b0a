package handshake_test

import (
	"bufio"
	"bytes"
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/molva-ws/molva/handshake"
)

// FuzzRequest: whatever bytes a client sends, the server either refuses with a
// response that is one, or accepts with a response that the client, had it made
// that offer, accepts in turn.
func FuzzRequest(f *testing.F) {
	f.Add([]byte(sampleRequest))
	f.Add([]byte(strings.Replace(sampleRequest, "Origin", "Sec-WebSocket-Extensions: permessage-deflate\r\nOrigin", 1)))
	f.Add([]byte(strings.Replace(sampleRequest, "Connection: ", "Connection: keep-alive\r\nConnection: ,", 1)))
	f.Add([]byte(strings.Replace(sampleRequest, "Version: 13", "Version: 8", 1)))
	f.Add([]byte("GET / HTTP/1.1\r\nHost: h\r\n\r\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
		if err != nil {
			return
		}
		offer, err := handshake.CheckRequest(r)
		if err == nil {
			err = handshake.CheckOrigin(r, []string{"*.example.com"})
		}
		if err != nil {
			fuzzRefusal(t, err)
			return
		}
		if !handshake.IsUpgrade(r) {
			t.Fatal("a handshake that is no upgrade")
		}
		fuzzAcceptance(t, offer)
	})
}

func fuzzRefusal(t *testing.T, err error) {
	var refusal *handshake.Refusal
	if !errors.As(err, &refusal) {
		t.Fatalf("%T is no *Refusal", err)
	}
	raw := handshake.AppendRefusal(nil, refusal)
	response, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(raw)), nil)
	if err != nil {
		t.Fatalf("%q: %v", raw, err)
	}
	if response.StatusCode != refusal.Status || response.ContentLength != int64(len(refusal.Reason)+1) {
		t.Fatalf("%+v was sent as %q", refusal, raw)
	}
}

func fuzzAcceptance(t *testing.T, offer handshake.Offer) {
	agreed := handshake.Agreement{Subprotocol: handshake.ChooseSubprotocol([]string{"superchat", "chat"}, offer.Subprotocols)}
	if deflate, ok := handshake.NegotiateDeflate(offer.Extensions, small); ok {
		agreed.Deflate = &deflate
	}
	raw, err := handshake.AppendResponse(nil, offer.Key, agreed, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(raw)), nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := handshake.CheckResponse(response, offer)
	if err != nil {
		t.Fatalf("%q was answered %q: %v", handshake.AppendExtensions(nil, offer.Extensions), raw, err)
	}
	if got.Subprotocol != agreed.Subprotocol || (got.Deflate == nil) != (agreed.Deflate == nil) {
		t.Fatalf("the server agreed to %v, the client to %v", agreed, got)
	}
}

// FuzzResponse: whatever bytes a server sends, the client accepts nothing that
// was not offered.
func FuzzResponse(f *testing.F) {
	for _, agreed := range []handshake.Agreement{
		{}, {Subprotocol: "chat"}, {Deflate: &handshake.Deflate{}}, {Deflate: &small},
	} {
		raw, err := handshake.AppendResponse(nil, sampleKey, agreed, nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add(handshake.AppendRefusal(nil, &handshake.Refusal{Status: 403}))
	offer := handshake.Offer{Key: sampleKey, Subprotocols: []string{"chat"}, Extensions: []handshake.Extension{
		handshake.Deflate{ServerMaxWindowBits: 12, ClientMaxWindowBits: 11}.Extension(),
	}}
	f.Fuzz(func(t *testing.T, raw []byte) {
		response, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(raw)), nil)
		if err != nil {
			return
		}
		agreed, err := handshake.CheckResponse(response, offer)
		if err != nil {
			var rejected *handshake.ResponseError
			if !errors.As(err, &rejected) || rejected.Status != response.StatusCode {
				t.Fatalf("%v of status %d", err, response.StatusCode)
			}
			return
		}
		if response.StatusCode != 101 || response.Header.Get("Sec-WebSocket-Accept") != sampleAccept {
			t.Fatalf("accepted %q", raw)
		}
		if agreed.Subprotocol != "" && agreed.Subprotocol != "chat" {
			t.Fatalf("agreed to subprotocol %q", agreed.Subprotocol)
		}
		if d := agreed.Deflate; d != nil && (d.ServerWindowBits() > 12 || d.ClientWindowBits() > 11 || d.Validate() != nil) {
			t.Fatalf("agreed to %q", d)
		}
	})
}

// FuzzExtensions: what can be read can be written, and is then read as the same.
func FuzzExtensions(f *testing.F) {
	for _, test := range extensionCases {
		f.Add(strings.Join(test.lines, "\n"))
	}
	f.Add("permessage-deflate; server_no_context_takeover; client_max_window_bits=\"1\\5\", x")
	f.Fuzz(func(t *testing.T, header string) {
		read, err := handshake.ParseExtensions(strings.Split(header, "\n"))
		if err != nil {
			if read != nil {
				t.Fatalf("%v beside %v", read, err)
			}
			return
		}
		written := string(handshake.AppendExtensions(nil, read))
		again, err := handshake.ParseExtensions([]string{written})
		if err != nil || !reflect.DeepEqual(read, again) {
			t.Fatalf("%q read as %v, written as %q, read as %v, %v", header, read, written, again, err)
		}
		if agreed, ok := handshake.NegotiateDeflate(read, small); ok {
			if _, err := handshake.AppendResponse(nil, sampleKey, handshake.Agreement{Deflate: &agreed}, nil); err != nil {
				t.Fatalf("%q agreed to %q: %v", header, agreed, err)
			}
		}
	})
}

// FuzzOrigin: an origin that is allowed is one to net/url, too, which finds the
// same host in it.
func FuzzOrigin(f *testing.F) {
	for _, test := range originCases {
		f.Add(test.origin, test.host)
	}
	f.Fuzz(func(t *testing.T, origin, host string) {
		r := &http.Request{Host: host, Header: http.Header{"Origin": {origin}}}
		if handshake.CheckOrigin(r, nil) == nil {
			target, err := url.Parse("http://" + host)
			if got := originURL(t, origin); err != nil || !strings.EqualFold(got.Hostname(), target.Hostname()) {
				t.Fatalf("origin %q is taken for host %q, %v", origin, host, err)
			}
		}
		r.Host = ""
		if handshake.CheckOrigin(r, []string{"https://*.example.com"}) == nil {
			got := originURL(t, origin)
			if got.Scheme != "https" || !strings.HasSuffix(strings.ToLower(got.Hostname()), ".example.com") {
				t.Fatalf("origin %q is taken for a subdomain", origin)
			}
		}
	})
}

func originURL(t *testing.T, origin string) *url.URL {
	u, err := url.Parse(origin)
	if err != nil || u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" {
		t.Fatalf("origin %q is allowed: %v, %v", origin, u, err)
	}
	return u
}
