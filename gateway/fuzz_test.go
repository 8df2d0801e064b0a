package gateway_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/gateway"
	"github.com/molva-ws/molva/gateway/api"
)

// silent is for servers to which only nonsense is said.
func silent() *slog.Logger { return slog.New(slog.DiscardHandler) }

// FuzzClient says a message on a connection. Whatever it is, the answers are correct JSON in UTF-8 of a known type, data
// comes back as it was, and the connection can be used afterwards unless it was closed for a reason that is documented.
func FuzzClient(f *testing.F) {
	for _, text := range []string{
		`{"type":"join","room":"r","presence":true,"ack":1}`, `{"type":"leave","room":"lobby","ack":1}`,
		`{"type":"publish","room":"lobby","echo":true,"data":{"a":[1,"\u2028"]},"ack":2}`,
		`{"type":"send","user":"me","data":"\ud800","ack":9007199254740991}`, `{"type":"presence","room":"lobby","ack":3}`,
		`{"type":"renew","token":"t"}`, ` {"typ\u0065":"ping","x":{"type":"join"},"ack":4} `, `{"type":"ping","ack":1e3}`,
		`{"type":"join","room":"\u0000"}`, `[]`, `{"type":"join","room":"\"\\é"`, "{\"type\":\"\xff\"}", `{"type":"send","user":"$","data":1}`,
	} {
		f.Add(text)
	}
	g := &gateway.Gateway{Logger: silent(), WebSocket: molva.Server{Limits: unlimited}}
	addr := open(f, g)
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4<<10 {
			return
		}
		p := connect(t, addr, "me")
		p.must(`{"type":"join","room":"lobby"`)
		p.say(text)
		p.say(`{"type":"publish","room":"lobby","echo":true,"data":"the end"}`)
		for {
			m, err := p.Read(t.Context())
			if err != nil {
				wantDocumentedEnd(t, text, err)
				return
			}
			if end := checkSaid(t, text, m.String()); end {
				return
			}
		}
	})
}

// wantDocumentedEnd fails if nothing in text explains why a connection has ended.
func wantDocumentedEnd(t *testing.T, text string, err error) {
	var closed *molva.CloseError
	if !errors.As(err, &closed) || closed.Code != molva.CloseInvalidPayload || utf8.ValidString(text) {
		t.Fatalf("%q ends the connection: %v", text, err)
	}
}

// checkSaid checks what the server said, and reports whether it was the last thing.
func checkSaid(t *testing.T, text, said string) (end bool) {
	t.Helper()
	var m struct {
		Type, Code, Message string
		Data                json.RawMessage
	}
	if err := json.Unmarshal([]byte(said), &m); err != nil || !utf8.ValidString(said) {
		t.Fatalf("%q is answered with %q: %v", text, said, err)
	}
	switch m.Type {
	case "ok", "presence":
	case "error":
		if m.Code == "" || m.Message == "" || len(said) > 400 {
			t.Fatalf("%q is answered with %q", text, said)
		}
	case "message":
		if string(m.Data) == `"the end"` {
			return true
		}
		if !strings.Contains(text, string(m.Data)) {
			t.Fatalf("%q is passed on as %q", text, said)
		}
	default:
		t.Fatalf("%q is answered with %q", text, said)
	}
	return false
}

// FuzzSocket says lines on a local socket. Each that has anything gets one answer, and however the lines are cut, the
// answers are the same.
func FuzzSocket(f *testing.F) {
	for _, lines := range []string{
		`{"user":"42","message":"hi"}` + "\n" + `{"command":"ping","id":[1]}`, "\n\r\n \n{}\n", `{"command":"conns","limit":1e2}` + "\r\n",
		`{"command":"disconnect","user":"42","code":4000,"reason":"é"}` + "\n", "[]\nnull\n\"\xff\"\n", `{"comm\u0061nd":"users","after":""}`,
		`{"all":true,"message":[[[[]]]],"key":"k"}` + "\n" + `{"all":true,"message":[],"key":"k"}`, `{"command":"stats"}{}`,
	} {
		f.Add([]byte(lines), uint16(7))
	}
	g := &gateway.Gateway{Logger: silent()}
	path := openSocket(f, g)
	f.Fuzz(func(t *testing.T, lines []byte, cut uint16) {
		if len(lines) > 4<<10 {
			return
		}
		at := min(int(cut), len(lines))
		whole, pieces := talk(t, path, lines), talk(t, path, lines[:at], lines[at:])
		want := 0
		for line := range bytes.SplitSeq(lines, []byte("\n")) {
			if len(bytes.TrimSpace(line)) > 0 {
				want++
			}
		}
		if len(whole) != want || len(pieces) != want {
			t.Fatalf("%q gets %d answers, in pieces %d; want %d", lines, len(whole), len(pieces), want)
		}
		for i, a := range whole {
			if a.OK != pieces[i].OK && a.Error != api.ErrKeyReused || a.OK == (a.Error != "") {
				t.Fatalf("%q: answer %d is %+v, in pieces %+v", lines, i, a, pieces[i])
			}
		}
	})
}

// talk says some bytes on a socket and returns the answers.
func talk(t *testing.T, path string, pieces ...[]byte) (answers []*api.Answer) {
	t.Helper()
	nc, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	for _, p := range pieces {
		if _, err := nc.Write(p); err != nil {
			t.Fatal(err)
		}
	}
	nc.(*net.UnixConn).CloseWrite()
	for lines := bufio.NewReader(nc); ; {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF && len(line) == 0 {
			return answers
		}
		a := new(api.Answer)
		if err != nil || json.Unmarshal(line, a) != nil {
			t.Fatalf("%q is answered with %q: %v", bytes.Join(pieces, nil), line, err)
		}
		answers = append(answers, a)
	}
}

// FuzzAPI sends bodies and queries to all paths of the HTTP API. Every answer is correct JSON with the status of its
// error, and no error is one of the server's own.
func FuzzAPI(f *testing.F) {
	for _, body := range []string{
		`{"user":"42","message":"hi","id":null}`, `{"room":"r","message":{"a":[1,"\u2028"]},"key":"k"}`, `{"user":"42","limit":10,"after":"c1"}`,
		`[{"user":"42","message":1},{"command":"stats"},7,[],{"command":"disconnect","conn":"c","code":3000}]`, `{"us\u0065r":"\ud800","user":1}`,
	} {
		f.Add(body, "user=42&limit=10&after=%C3%A9&all=true&id=1")
	}
	f.Add("{}", "a=%zz;&&=&user=%ff&command=send")
	g := &gateway.Gateway{Logger: silent(), Keys: []string{testKey}}
	f.Cleanup(func() { g.Shutdown(f.Context()) })
	f.Fuzz(func(t *testing.T, body, query string) {
		for _, path := range []string{"send", "online", "conns", "rooms", "users", "disconnect", "stats", "ping", "batch", "x"} {
			checkAPI(t, g, http.MethodPost, path, "", body)
			checkAPI(t, g, http.MethodGet, path, query, "")
		}
	})
}

func checkAPI(t *testing.T, g *gateway.Gateway, method, path, query, body string) {
	t.Helper()
	r := httptest.NewRequest(method, "/api/"+path, strings.NewReader(body))
	r.URL.RawQuery = query
	r.Header.Set("Authorization", "Bearer "+testKey)
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	answer := w.Body.Bytes()
	if !utf8.Valid(answer) || w.Code >= 500 {
		t.Fatalf("%s %s?%s %q: %d %q", method, path, query, body, w.Code, answer)
	}
	var answers []api.Answer
	if path == "batch" && w.Code == 200 {
		if err := json.Unmarshal(answer, &answers); err != nil {
			t.Fatalf("%q: %q: %v", body, answer, err)
		}
		return
	}
	var a api.Answer
	if err := json.Unmarshal(answer, &a); err != nil || a.OK != (w.Code == 200) || a.OK == (a.Error != "") {
		t.Fatalf("%s %s?%s %q: %d %q, %v", method, path, query, body, w.Code, answer, err)
	}
}
