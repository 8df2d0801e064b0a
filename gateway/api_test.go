package gateway_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/molva-ws/molva/gateway"
	"github.com/molva-ws/molva/gateway/api"
)

// openAPI serves the HTTP API of g until the test ends, and returns where.
func openAPI(t testing.TB, g *gateway.Gateway) string {
	t.Helper()
	g.Keys = []string{testKey}
	return "http://" + open(t, g)
}

func (c call) answer(t testing.TB, base string) (*http.Response, *api.Answer) {
	t.Helper()
	response, body := c.fetch(t, base)
	a := new(api.Answer)
	if err := json.Unmarshal(body, a); err != nil {
		t.Fatalf("%s %s: %q: %v", c.method, c.path, body, err)
	}
	return response, a
}

func TestWrongRequestsToTheAPI(t *testing.T) {
	base := openAPI(t, new(gateway.Gateway))
	send := post("/api/send", `{"user":"a","message":1}`)
	for _, test := range []struct {
		name   string
		call   call
		status int
		want   api.ErrorCode
	}{
		{"no such command", post("/api/sned", `{}`), 404, api.ErrBadCommand},
		{"nothing", get("/api/"), 404, api.ErrBadCommand},
		{"below a command", get("/api/ping/x"), 404, api.ErrBadCommand},
		{"a long path", get("/api/" + strings.Repeat("x", 5000)), 404, api.ErrBadCommand},
		{"send by GET", get("/api/send?user=a&message=1"), 405, api.ErrBadMethod},
		{"DELETE", call{method: http.MethodDelete, path: "/api/conns"}, 405, api.ErrBadMethod},
		{"batch by GET", get("/api/batch"), 405, api.ErrBadMethod},
		{"no body", post("/api/send", ""), 400, api.ErrBadJSON},
		{"an array", post("/api/send", `[]`), 400, api.ErrBadJSON},
		{"two objects", post("/api/send", `{"user":"a","message":1}{}`), 400, api.ErrBadJSON},
		{"a form", post("/api/send", `user=a&message=hi`), 400, api.ErrBadJSON},
		{"a multipart form", send.with("Content-Type", "multipart/form-data; boundary=x"), 400, api.ErrBadJSON},
		{"compressed", send.with("Content-Encoding", "gzip"), 400, api.ErrBadJSON},
		{"deep nesting", post("/api/send", `{"user":"a","message":`+strings.Repeat(`[`, 20_000)+strings.Repeat(`]`, 20_000)+`}`),
			400, api.ErrBadJSON},
		{"no UTF-8", post("/api/send", "{\"user\":\"a\",\"message\":\"\xff\"}"), 400, api.ErrBadJSON},
		{"fields in body and query", post("/api/send?user=b", `{"user":"a","message":1}`), 400, api.ErrBadField},
		{"the command twice", post("/api/send", `{"command":"send","user":"a","message":1}`), 400, api.ErrBadField},
		{"the command in the query", get("/api/ping?command=stats"), 400, api.ErrBadField},
		{"a field twice in the query", get("/api/online?user=a&user=b"), 400, api.ErrBadField},
		{"a query that is none", get("/api/online?user=%zz"), 400, api.ErrBadField},
		{"no UTF-8 in the query", get("/api/online?user=%ff"), 400, api.ErrBadField},
		{"two keys of idempotency", send.with("Idempotency-Key", "a", "b"), 400, api.ErrBadField},
		{"two that differ", post("/api/send", `{"user":"a","message":1,"key":"k"}`).with("Idempotency-Key", "l"), 400, api.ErrBadField},
		{"an empty one", send.with("Idempotency-Key", ""), 400, api.ErrBadField},
		{"one for a batch", post("/api/batch", `[]`).with("Idempotency-Key", "k"), 400, api.ErrBadField},
		{"a batch that is no array", post("/api/batch", `{"user":"a","message":1}`), 400, api.ErrBadJSON},
		{"a batch that breaks off", post("/api/batch", `[{"user":"a","message":1}`), 400, api.ErrBadJSON},
		{"a batch of too many", post("/api/batch", `[`+strings.Repeat(`1,`, 1000)+`1]`), 413, api.ErrTooLarge},
	} {
		t.Run(test.name, func(t *testing.T) {
			response, a := test.call.answer(t, base)
			if response.StatusCode != test.status || a.OK || a.Error != test.want || a.Message == "" || len(a.Message) > 500 {
				t.Errorf("%s: %+v; want %d %s", response.Status, a, test.status, test.want)
			}
			if kind := response.Header.Get("Content-Type"); kind != "application/json" {
				t.Errorf("of type %s", kind)
			}
			if allow := response.Header.Get("Allow"); (test.status == 405) != (allow != "") {
				t.Errorf("Allow: %s", allow)
			}
		})
	}
}

func TestOnlyAGoodKeyOpensTheAPI(t *testing.T) {
	const second = "fedcba9876543210"
	g := &gateway.Gateway{Keys: []string{testKey, second, ""}}
	base := "http://" + open(t, g)
	for _, test := range []struct {
		header []string
		ok     bool
	}{
		{[]string{"Bearer " + testKey}, true},
		{[]string{"Bearer " + second}, true},
		{[]string{"bearer  " + testKey}, true},
		{nil, false},
		{[]string{""}, false},
		{[]string{"Bearer"}, false},
		{[]string{"Bearer "}, false},
		{[]string{testKey}, false},
		{[]string{"Basic " + testKey}, false},
		{[]string{"Bearer " + testKey[:15]}, false},
		{[]string{"Bearer " + testKey + "0"}, false},
		{[]string{"Bearer " + strings.ToUpper(testKey)}, false},
		{[]string{"Bearer " + testKey, "Bearer " + testKey}, false},
		{[]string{"Bearer " + strings.Repeat("k", 10_000)}, false},
	} {
		response, a := get("/api/ping").with("Authorization", test.header...).answer(t, base)
		if test.ok && (response.StatusCode != 200 || !a.OK) {
			t.Errorf("%q: %s %+v", test.header, response.Status, a)
		}
		if challenge := response.Header.Get("WWW-Authenticate"); !test.ok &&
			(response.StatusCode != 401 || a.Error != api.ErrUnauthorized || !strings.HasPrefix(challenge, "Bearer")) {
			t.Errorf("%.50q: %s %+v, %s", test.header, response.Status, a, challenge)
		}
	}
	locked := "http://" + open(t, &gateway.Gateway{Keys: []string{""}})
	if response, a := get("/api/ping").with("Authorization", "Bearer ").answer(t, locked); response.StatusCode != 401 {
		t.Errorf("without keys: %s %+v", response.Status, a)
	}
	response, a := get("/api/nothing").with("Authorization").answer(t, base)
	if response.StatusCode != 401 || strings.Contains(a.Message, "there is no") {
		t.Errorf("who has no key learns what there is: %+v", a)
	}
}

// lockedBuffer is a log that several goroutines write.
type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}

func TestTheLogHasRequestsButNoKeys(t *testing.T) {
	var log lockedBuffer
	g := &gateway.Gateway{Logger: slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	base := openAPI(t, g)
	response, _ := get("/api/ping").with("X-Request-Id", "mine").answer(t, base)
	if id := response.Header.Get("X-Request-Id"); id != "mine" {
		t.Errorf("the id of the request is %s", id)
	}
	get("/api/ping").with("Authorization", "Bearer wrong-0123456789").answer(t, base)
	ok := within(func() bool { return strings.Count(log.String(), "request to the HTTP API") == 2 })
	text := log.String()
	if !ok || !strings.Contains(text, `"request":"mine"`) || !strings.Contains(text, `"status":401`) {
		t.Errorf("the log has %s", text)
	}
	if strings.Contains(text, testKey) || strings.Contains(text, "wrong-") {
		t.Errorf("there is a key in %s", text)
	}
}

func TestABatchIsCarriedOutInOrder(t *testing.T) {
	g := new(gateway.Gateway)
	base := openAPI(t, g)
	p := connect(t, strings.TrimPrefix(base, "http://"), "42")
	_, body := post("/api/batch", ` [ {"user":"42","message":1,"id":"a"} , {"user":"42"}, 7, {"command":"online","user":"42"},
		{"command":"nothing","id":2}, {"user":"42","message":[1,{"]":"}"}],"key":"k"}, {"user":"42","message":[1,{"]":"}"}],"key":"k"},
		{"command":"disconnect","user":"42","code":4000}, {"user":"42","message":"`+strings.Repeat("m", 1<<20)+`"} ] `).
		fetch(t, base)
	var answers []*api.Answer
	if err := json.Unmarshal(body, &answers); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	var got []string
	for _, a := range answers {
		a.Message = ""
		got = append(got, strings.ReplaceAll(said(t, a), ",\n", ","))
	}
	want := []string{
		`{"ok":true,"request":"a","id":"*","time":0,"reached":1}`,
		`{"ok":false,"error":"bad_field"}`,
		`{"ok":false,"error":"bad_json"}`,
		`{"ok":true,"online":true,"conns":1}`,
		`{"ok":false,"request":2,"error":"bad_command"}`,
		`{"ok":true,"id":"*","time":0,"reached":1}`,
		`{"ok":true,"id":"*","time":0,"reached":1,"repeated":true}`,
		`{"ok":true,"closed":1}`,
		`{"ok":false,"error":"too_large"}`,
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	p.want(`{"type":"message","id":"*","user":"42","data":1,"time":0}`,
		`{"type":"message","id":"*","user":"42","data":[1,{"]":"}"}],"time":0}`)
	p.wantClosed(4000)
}

func TestABatchMayHaveAThousandCommands(t *testing.T) {
	base := openAPI(t, new(gateway.Gateway))
	_, body := post("/api/batch", `[`+strings.Repeat(`{"command":"conns"},`, 999)+`{"command":"ping"}]`).fetch(t, base)
	var answers []*api.Answer
	if err := json.Unmarshal(body, &answers); err != nil || len(answers) != 1000 || answers[999].Time == 0 {
		t.Errorf("%d answers, %v", len(answers), err)
	}
}
