//go:build linux

package main

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/internal/freeaddr"
)

// The addresses of this machine stand for others: the proxies come from 127.0.0.1, clients and strangers from these.
const (
	visitor  = "127.0.0.21"
	stranger = "127.0.0.22"
)

// behind starts molva serve as deploy/molva.toml has it, but for who may come in, and the proxy in front of it.
func behind(t *testing.T, front func(t *testing.T, web, molva string) (log string)) (s *served, web, log string) {
	t.Helper()
	s = startServer(t, "--trusted-proxy", "127.0.0.1", "--proxy-header", "X-Forwarded-For", "--host", "localhost")
	web = freeaddr.Get(t)
	log = front(t, web, strings.TrimPrefix(s.url, "http://"))
	waitFor(t, func() bool {
		nc, err := net.Dial("tcp", web)
		if err == nil {
			nc.Close()
		}
		return err == nil
	})
	return s, web, log
}

func startNginx(t *testing.T, web, upstream string) (log string) {
	dir := t.TempDir()
	log = filepath.Join(dir, "access.log")
	site := deployed(t, "nginx.conf", dir, "    listen      443 ssl;\n", "    listen "+web+";\n",
		"    listen      [::]:443 ssl;\n", "",
		"    ssl_certificate     /etc/letsencrypt/live/app.example.com/fullchain.pem;\n", "",
		"    ssl_certificate_key /etc/letsencrypt/live/app.example.com/privkey.pem;\n", "",
		"127.0.0.1:8000", upstream, "/var/log/nginx/molva.log", log)
	main := filepath.Join(dir, "main.conf")
	text := "daemon off; pid " + dir + "/pid; error_log stderr notice; events {}\nhttp { access_log off; client_body_temp_path " +
		dir + "; proxy_temp_path " + dir + "; fastcgi_temp_path " + dir + "; uwsgi_temp_path " + dir + "; scgi_temp_path " +
		dir + "; include " + site + "; }\n"
	if syscall.Geteuid() == 0 {
		text = "user root;" + text
	}
	rewrite(t, main, text)
	startFront(t, exec.Command(program(t, "nginx"), "-c", main, "-e", "stderr"))
	return log
}

func startCaddy(t *testing.T, web, upstream string) (log string) {
	dir := t.TempDir()
	log = filepath.Join(dir, "caddy.log")
	file := deployed(t, "Caddyfile", dir, "app.example.com {", "http://"+web+" {", "127.0.0.1:8000", upstream)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	rewrite(t, file, "{\n\tadmin off\n}\n"+string(text))
	cmd := exec.Command(program(t, "caddy"), "run", "--adapter", "caddyfile", "--config", file)
	cmd.Env = environment("XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir)
	said, err := os.Create(log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { said.Close() })
	cmd.Stderr = said
	startFront(t, cmd)
	return log
}

// startFront starts a proxy, and ends it with the test.
func startFront(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
	})
}

// from opens a connection from one of this machine's addresses.
func from(t *testing.T, source, address, query string, header http.Header) (*client, int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(source)}}
	conn, response, err := molva.Dial(ctx, "ws://"+address+"/ws?"+query,
		&molva.DialOptions{Header: header, DialContext: dialer.DialContext})
	switch {
	case err != nil && response != nil:
		return nil, response.StatusCode
	case err != nil:
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.CloseNow() })
	c := &client{t, conn}
	if hello := c.next(); hello.Type != "hello" {
		t.Fatalf("%+v", hello)
	}
	return c, http.StatusSwitchingProtocols
}

// addressOf asks the local socket where the server believes that a user is.
func (s *served) addressOf(user string) string {
	s.Helper()
	nc, err := net.Dial("unix", s.socket)
	if err != nil {
		s.Fatal(err)
	}
	defer nc.Close()
	json.NewEncoder(nc).Encode(map[string]string{"command": "conns", "user": user})
	var answer struct{ Conns []struct{ Address string } }
	if err := json.NewDecoder(nc).Decode(&answer); err != nil || len(answer.Conns) != 1 {
		s.Fatalf("%+v, %v", answer, err)
	}
	return answer.Conns[0].Address
}

// forged is all that a client can say of another address.
var forged = http.Header{
	"X-Forwarded-For": {"203.0.113.7"}, "Forwarded": {"for=203.0.113.7"}, "X-Real-Ip": {"203.0.113.7"},
	"Cf-Connecting-Ip": {"203.0.113.7"}, "True-Client-Ip": {"203.0.113.7"},
}

func TestServeBehindProxies(t *testing.T) {
	for name, front := range map[string]func(*testing.T, string, string) string{"nginx": startNginx, "Caddy": startCaddy} {
		t.Run(name, func(t *testing.T) {
			s, web, log := behind(t, front)
			c, _ := from(t, visitor, web, "user=42&token=secretive", nil)
			c.say(`{"type":"join","room":"lobby","ack":1}`)
			molvaRun(t, "", "send", "--socket", s.socket, "--room", "lobby", "hi").wantsText(t, 0, "reached 1 connection\n", "")
			c.hears(`"hi"`)
			from(t, visitor, web, "user=forger", forged)
			from(t, stranger, strings.TrimPrefix(s.url, "http://"), "user=stranger", forged)
			for user, address := range map[string]string{"42": visitor, "forger": visitor, "stranger": stranger} {
				if got := s.addressOf(user); got != address {
					t.Errorf("%s is taken to be at %s, and is at %s", user, got, address)
				}
			}
			if _, status := from(t, visitor, web, "user=page", http.Header{"Origin": {"http://" + web}}); status != 101 {
				t.Errorf("a page of the same origin: %d", status)
			}
			if _, status := from(t, visitor, web, "user=page", http.Header{"Origin": {"http://evil.example"}}); status != 403 {
				t.Errorf("a page of another origin: %d", status)
			}
			keptInside(t, web)
			if text, err := os.ReadFile(log); err != nil || strings.Contains(string(text), "secretive") {
				t.Errorf("the log of the proxy: %v\n%s", err, text)
			}
		})
	}
}

// keptInside checks that the proxy passes on what is for browsers, and nothing else of molva.
func keptInside(t *testing.T, web string) {
	t.Helper()
	if script := get(t, "http://"+web+"/molva.js"); !strings.Contains(script, "export function connect") &&
		!strings.Contains(script, "export const connect") {
		t.Errorf("the browser client is %.80q", script)
	}
	for _, path := range []string{"/metrics", "/api/stats", "/console/hints.json", "/ws/../metrics", "/healthz"} {
		response, err := http.Get("http://" + web + path)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if response.StatusCode != http.StatusBadGateway { // there is no application
			t.Errorf("%s is passed on: %s %.80s", path, response.Status, body)
		}
	}
}
