package gateway_test

import (
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/molva-ws/molva/gateway"
	"github.com/molva-ws/molva/gateway/api"
	"github.com/molva-ws/molva/gateway/console"
)

func TestThePageBringsAllItNeedsAndNothingInline(t *testing.T) {
	g := &gateway.Gateway{Console: true}
	page := fetch(t, g, http.MethodGet, "/", 200)
	if kind := page.Header().Get("Content-Type"); kind != "text/html; charset=utf-8" {
		t.Errorf("it is %s", kind)
	}
	policy := page.Header().Get("Content-Security-Policy")
	if !strings.HasPrefix(policy, "default-src 'none'") || strings.ContainsAny(policy, "*:") || strings.Contains(policy, "unsafe") {
		t.Errorf("policy %q", policy)
	}
	html := page.Body.String()
	inline := regexp.MustCompile(`(?i)<style|\sstyle=|\son[a-z]+=|<script[^>]*>[^<]|https?:|//[a-z]`)
	if found := inline.FindString(html); found != "" {
		t.Errorf("the page has %q", found)
	}
	wanted := regexp.MustCompile(`(?:href|src)="(/[^"]+)"`).FindAllStringSubmatch(html, -1)
	if len(wanted) < 4 {
		t.Fatalf("the page needs only %v", wanted)
	}
	for _, link := range wanted {
		file := fetch(t, g, http.MethodGet, link[1], 200)
		if file.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("browsers may guess what %s is", link[1])
		}
		for _, module := range regexp.MustCompile(`from "(\./|/)([^"]+)"`).FindAllStringSubmatch(file.Body.String(), -1) {
			path := "/" + module[2]
			if module[1] == "./" {
				path = "/console/" + module[2]
			}
			kind := fetch(t, g, http.MethodGet, path, 200).Header().Get("Content-Type")
			if !strings.HasPrefix(kind, "text/javascript") {
				t.Errorf("%s is %s", path, kind)
			}
		}
	}
}

func TestThePageSaysWhatEachReasonMeans(t *testing.T) {
	script := fetch(t, &gateway.Gateway{Console: true}, http.MethodGet, "/console/figures.js", 200).Body.String()
	for list, counts := range map[string]any{"refusals": api.RefusedStats{}, "slownesses": api.SlowStats{}} {
		_, after, _ := strings.Cut(script, "const "+list+" = {")
		meanings, _, _ := strings.Cut(after, "};")
		for field := range reflect.TypeOf(counts).Fields() {
			if name := field.Tag.Get("json"); !strings.Contains(meanings, "\n  "+name+`: "`) {
				t.Errorf("%s has no %s", list, name)
			}
		}
	}
}

func TestThePageIsOnlyLookedAt(t *testing.T) {
	g := &gateway.Gateway{Console: true}
	if allow := fetch(t, g, http.MethodPost, "/", 405).Header().Get("Allow"); allow != "GET, HEAD" {
		t.Errorf("Allow: %q", allow)
	}
	if body := fetch(t, g, http.MethodHead, "/", 200).Body; body.Len() > 0 {
		t.Error("HEAD has a body")
	}
	for _, path := range []string{"/console/", "/console/none.js", "/console/..%2fconsole.go", "/console/%00", "/none"} {
		fetch(t, g, http.MethodGet, path, 404)
	}
	fetch(t, &gateway.Gateway{}, http.MethodGet, "/", 404)
	fetch(t, &gateway.Gateway{}, http.MethodGet, "/console/hints.json", 404)
}

func TestThePageIsToldWhatTheHintsSayAndNoKey(t *testing.T) {
	const key = "0123456789abcdef"
	g := &gateway.Gateway{Console: true, Keys: []string{key}}
	if hints := fetch(t, g, http.MethodGet, "/console/hints.json", 200).Body.String(); hints != "{}" {
		t.Errorf("without hints it says %s", hints)
	}
	g = &gateway.Gateway{Console: true, Keys: []string{key}}
	g.Hints = console.Hints{Send: "molva send", Keyed: true, Socket: "/x", Open: true}
	hints := fetch(t, g, http.MethodGet, "/console/hints.json", 200)
	if hints.Body.String() != `{"send":"molva send","keyed":true,"socket":"/x","open":true}` {
		t.Errorf("it says %s", hints.Body)
	}
	if hints.Header().Get("Cross-Origin-Resource-Policy") != "same-origin" {
		t.Error("pages from elsewhere may read it")
	}
}

// fetch asks g for a path and checks the status.
func fetch(t *testing.T, g *gateway.Gateway, method, path string, status int) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	g.ServeHTTP(w, httptest.NewRequest(method, path, nil))
	if w.Code != status {
		t.Fatalf("%s %s: %d, want %d", method, path, w.Code, status)
	}
	return w
}
