//go:build linux

package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/molva-ws/molva"
)

// What somebody tries in an afternoon who means no good. docs/security.md lists what each of these guards against, and
// where the rest is tested.

func TestAPageOfAnotherSiteDoesNotGetIn(t *testing.T) {
	var asked atomic.Int64
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		fmt.Fprint(w, `{"user":"victim"}`)
	}))
	defer app.Close()
	s := startServer(t, "--app-url", app.URL, "--origin", "https://app.example.com")
	for _, origin := range [][]string{
		{"https://evil.example"}, {"http://app.example.com"}, {"https://app.example.com.evil.example"},
		{"https://app.example.com@evil.example"}, {"https://app.example.com:444"}, {"https://app.example.com/"}, {"null"}, {""},
		{"https://app.example.com", "https://evil.example"}, {"https://app.example.com https://evil.example"},
	} {
		if _, status := s.enter("", http.Header{"Origin": origin, "Cookie": {"session=victim"}}); status != http.StatusForbidden {
			t.Errorf("Origin %q: %d", origin, status)
		}
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("the application was asked %d times with the cookies of those who were tricked", n)
	}
	if _, status := s.enter("", http.Header{"Origin": {"https://app.example.com"}}); status != 101 {
		t.Errorf("the application's own page: %d", status)
	}
}

func TestNobodyGetsAroundALimitByForgedHeaders(t *testing.T) {
	s := startServer(t, "--max-conns-per-address", "2")
	address := strings.TrimPrefix(s.url, "http://")
	for i := range 4 {
		header := forged.Clone()
		header.Set("X-Forwarded-For", fmt.Sprintf("198.51.100.%d", i))
		_, status := from(t, stranger, address, "", header)
		if want := map[bool]int{true: 101, false: 429}[i < 2]; status != want {
			t.Errorf("connection %d: %d, want %d", i, status, want)
		}
	}
	if _, status := from(t, visitor, address, "", nil); status != 101 {
		t.Errorf("somebody else: %d", status)
	}
}

func TestATrustedProxyThatContradictsItselfIsRefused(t *testing.T) {
	s := startServer(t, "--trusted-proxy", "127.0.0.1")
	for _, header := range []http.Header{
		{"X-Forwarded-For": {"192.0.2.1"}, "Forwarded": {"for=203.0.113.7"}},
		{"X-Forwarded-For": {"192.0.2.1"}, "X-Real-Ip": {"203.0.113.7"}},
		{"X-Real-Ip": {"192.0.2.1", "203.0.113.7"}},
		{"Forwarded": {`for="203.0.113.7`}},
	} {
		if _, status := s.enter("", header); status != http.StatusBadRequest {
			t.Errorf("%v: %d", header, status)
		}
	}
}

func TestLimitsCountAnIPv6PrefixAsOneAddress(t *testing.T) {
	s := startServer(t, "--trusted-proxy", "127.0.0.1", "--max-conns-per-address", "2")
	enter := func(address string) int {
		_, status := s.enter("", http.Header{"X-Forwarded-For": {address}})
		return status
	}
	for i, c := range []struct {
		address string
		status  int
	}{
		{"192.0.2.1", 101}, {"::ffff:192.0.2.1", 101}, {"192.0.2.1", 429}, {"192.0.2.2", 101},
		{"2001:db8:0:1::1", 101}, {"2001:db8:0:1:ffff::2", 101}, {"2001:db8:0:1:abcd:ef01::3", 429}, {"2001:db8:0:2::1", 101},
	} {
		if status := enter(c.address); status != c.status {
			t.Errorf("%d: %s: %d, want %d", i, c.address, status, c.status)
		}
	}
	wide := startServer(t, "--trusted-proxy", "127.0.0.1", "--max-conns-per-address", "1", "--ipv6-prefix", "48")
	for address, want := range map[string]int{"2001:db8:0:1::1": 101, "2001:db8:1::1": 101} {
		if _, status := wide.enter("", http.Header{"X-Forwarded-For": {address}}); status != want {
			t.Errorf("by 48: %s: %d", address, status)
		}
	}
	if _, status := wide.enter("", http.Header{"X-Forwarded-For": {"2001:db8:0:2::1"}}); status != 429 {
		t.Errorf("by 48: another one of the prefix: %d", status)
	}
}

func TestNoSecretIsInTheLogOrInTheConfiguration(t *testing.T) {
	const key = "0123456789abcdef-api"
	tokens := []string{token(t, firstSecret, "42", time.Hour), token(t, secondSecret, "42", time.Hour), "n0nsense.0f.s0mebody"}
	s := startServer(t, "--jwt-secret", firstSecret, "--key", key, "--log-level", "debug",
		"--jwt-in", "query:token", "--jwt-in", "cookie:jwt", "--jwt-in", "header", "--jwt-in", "subprotocol")
	for _, token := range tokens {
		s.enter("token="+token, nil)
		s.enter("", http.Header{"Authorization": {"Bearer " + token}})
		s.enter("", http.Header{"Cookie": {"jwt=" + token}})
		conn, _, err := molva.Dial(t.Context(), strings.Replace(s.url, "http", "ws", 1)+"/ws",
			&molva.DialOptions{Subprotocols: []string{"molva.v1", "molva.token." + token}})
		if err == nil {
			conn.CloseNow()
		}
		molvaRun(t, "", "send", "--url", s.url, "--key", key+"x"+token, "--all", "hi")
	}
	molvaRun(t, "", "send", "--url", s.url, "--key", key, "--all", "hi").wantsText(t, 0, "reached", "")
	s.until("client refused")
	shown := molvaRun(t, "", "config", "--jwt-secret", firstSecret, "--key", key)
	for what, text := range map[string]string{"log": s.said(), "configuration": shown.out + shown.errOut} {
		for _, secret := range append(tokens, firstSecret, key) {
			if parts := strings.Split(secret, "."); strings.Contains(text, parts[len(parts)-1]) {
				t.Errorf("%s is in the %s:\n%s", secret, what, text)
			}
		}
	}
}

// raw sends a request as it is written and returns the answer with its body.
func raw(t *testing.T, address, target string) (*http.Response, string) {
	t.Helper()
	nc, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	nc.SetDeadline(time.Now().Add(patience))
	fmt.Fprintf(nc, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", target, address)
	response, err := http.ReadResponse(bufio.NewReader(nc), nil)
	if err != nil {
		t.Fatalf("%s: %v", target, err)
	}
	defer response.Body.Close()
	body := new(strings.Builder)
	if _, err := bufio.NewReader(response.Body).WriteTo(body); err != nil {
		t.Fatal(err)
	}
	return response, body.String()
}

func TestNoPathLeadsOutOfThePage(t *testing.T) {
	s := startServer(t)
	address := strings.TrimPrefix(s.url, "http://")
	for _, target := range []string{
		"/console/../../../../etc/passwd", "/console/..%2f..%2f..%2fetc%2fpasswd", "/console/%2e%2e/%2e%2e/etc/passwd",
		"/console/..%5c..%5cetc%5cpasswd", "/console//etc/passwd", "/console/%2fetc%2fpasswd", "/console/.", "/console/..",
		"/console/%00", "/console/index.html%00.js", "/console/console.go", "/console/..%2fconsole.go", "/console/",
		"//evil.example/%2e%2e", "//evil.example/..", "/\\evil.example/..", "/console/%c0%ae%c0%ae/etc/passwd",
		"http://evil.example/console/../etc/passwd",
	} {
		response, body := raw(t, address, target)
		if strings.Contains(body, "root:") || strings.Contains(body, "package ") {
			t.Errorf("%s: %.200s", target, body)
		}
		to := response.Header.Get("Location")
		switch response.StatusCode {
		case 400, 404, 421:
		case 301, 307, 308:
			if !regexp.MustCompile(`^/([^/\\]|$)`).MatchString(to) {
				t.Errorf("%s leads to %s", target, to)
			}
		default:
			t.Errorf("%s: %s %.80s", target, response.Status, body)
		}
	}
}

func TestThousandsOfSlowHandshakesHoldNobodyUp(t *testing.T) {
	t.Parallel()
	const many, most = 4000, 8 << 10 // bytes that each may cost, sockets of this process not counted
	const limit = 10 * time.Second
	s := startServer(t, "--handshake-time", limit.String())
	address := strings.TrimPrefix(s.url, "http://")
	before := s.resident()
	conns := make([]net.Conn, many)
	for i := range conns {
		nc, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		fmt.Fprintf(nc, "GET /ws HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nX-Padding: %s", address, strings.Repeat("x", 1000))
		conns[i] = nc
	}
	began := time.Now()
	c := s.connect("bystander")
	c.say(`{"type":"ping","ack":1}`)
	if took := time.Since(began); took > limit { // as who had to wait for them would
		t.Errorf("somebody else waited %v", took)
	}
	if grown := s.resident() - before; grown > many*most {
		t.Errorf("it has grown by %d KiB", grown>>10)
	}
	trickle, stop := context.WithCancel(t.Context())
	defer stop()
	go func() { // a byte now and then buys no time
		for trickle.Err() == nil {
			for _, nc := range conns[:100] {
				nc.Write([]byte("x"))
			}
			time.Sleep(100 * time.Millisecond)
		}
	}()
	for i, nc := range conns {
		nc.SetReadDeadline(time.Now().Add(patience))
		buf := make([]byte, 4096)
		for n := 0; ; {
			read, err := nc.Read(buf)
			if n += read; err == nil {
				continue
			}
			if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
				t.Fatalf("%d of them has not been given up after %v", i, time.Since(began))
			}
			break
		}
	}
	c.say(`{"type":"ping","ack":2}`)
}

// resident returns how much memory the server has, in bytes.
func (s *served) resident() int {
	s.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		s.Fatal(err)
	}
	kib := regexp.MustCompile(`VmRSS:\s+(\d+) kB`).FindSubmatch(text)
	if kib == nil {
		s.Fatalf("no VmRSS in %s", text)
	}
	n, _ := strconv.Atoi(string(kib[1]))
	return n << 10
}
