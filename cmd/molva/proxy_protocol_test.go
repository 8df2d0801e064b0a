//go:build linux

package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/molva-ws/molva/internal/freeaddr"
)

// nginxStream passes TCP connections on with a PROXY protocol header of version 1, which is the one that it can send.
func nginxStream(t *testing.T, web, upstream string) *exec.Cmd {
	dir := t.TempDir()
	main := filepath.Join(dir, "main.conf")
	text := "daemon off; pid " + dir + "/pid; error_log stderr notice; include /etc/nginx/modules-enabled/*.conf; events {}\n" +
		"stream { server { listen " + web + "; proxy_pass " + upstream + "; proxy_protocol on; } }\n"
	if syscall.Geteuid() == 0 {
		text = "user root;" + text
	}
	rewrite(t, main, text)
	if _, err := os.Stat("/usr/lib/nginx/modules/ngx_stream_module.so"); err != nil {
		t.Skip("the stream module of nginx is not installed")
	}
	return exec.Command(program(t, "nginx"), "-c", main, "-e", "stderr")
}

// haproxyOf passes TCP connections on with the header that option asks for.
func haproxyOf(option string) func(t *testing.T, web, upstream string) *exec.Cmd {
	return func(t *testing.T, web, upstream string) *exec.Cmd {
		path, err := exec.LookPath("haproxy")
		if err != nil {
			t.Skip("haproxy is not installed")
		}
		config := filepath.Join(t.TempDir(), "haproxy.cfg")
		rewrite(t, config, "defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n"+
			"listen molva\n  bind "+web+"\n  server molva "+upstream+" "+option+"\n")
		return exec.Command(path, "-db", "-f", config)
	}
}

// TestServeBehindProxiesThatSpeakProxyProtocol has real ones say where clients are, who cannot say it themselves.
func TestServeBehindProxiesThatSpeakProxyProtocol(t *testing.T) {
	for name, front := range map[string]func(t *testing.T, web, upstream string) *exec.Cmd{
		"nginx, version 1":   nginxStream,
		"HAProxy, version 1": haproxyOf("send-proxy"),
		"HAProxy, version 2": haproxyOf("send-proxy-v2"),
	} {
		t.Run(name, func(t *testing.T) {
			s := startServer(t, "--trusted-proxy", "127.0.0.1", "--proxy-protocol", "--max-conns-per-address", "1")
			own := strings.TrimPrefix(s.url, "http://")
			web := freeaddr.Get(t)
			startFront(t, front(t, web, own))
			waitFor(t, func() bool {
				nc, err := net.Dial("tcp", web)
				if err == nil {
					nc.Close()
				}
				return err == nil
			})
			from(t, visitor, web, "user=42", nil)
			if got := s.addressOf("42"); got != visitor {
				t.Errorf("the client is taken to be at %s, and is at %s", got, visitor)
			}
			if _, status := from(t, visitor, web, "user=43", nil); status != http.StatusTooManyRequests {
				t.Errorf("a second connection from the same address: %d", status)
			}
			from(t, stranger, web, "user=44", forged)
			if got := s.addressOf("44"); got != stranger {
				t.Errorf("with forged fields the client is taken to be at %s, and is at %s", got, stranger)
			}
			wantsHeaderRefused(t, "through the proxy", "127.0.0.23", web)
			wantsHeaderRefused(t, "from a stranger", "127.0.0.24", own)
			if _, status := from(t, "127.0.0.1", own, "user=46", nil); status != http.StatusBadRequest {
				t.Errorf("a proxy without the header: %d", status)
			}
		})
	}
}

// wantsHeaderRefused sends a header of the client's own before its request. A proxy puts the true one before that, and
// from others none is wanted: either way it is no HTTP.
func wantsHeaderRefused(t *testing.T, what, source, address string) {
	t.Helper()
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(source)}, Timeout: patience}
	nc, err := dialer.DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	fmt.Fprintf(nc, "PROXY TCP4 203.0.113.7 127.0.0.1 1 2\r\nGET /ws?user=45 HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"+
		"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
	answer := make([]byte, 100)
	n, err := nc.Read(answer)
	if !strings.HasPrefix(string(answer[:n]), "HTTP/1.1 400") {
		t.Errorf("%s: a forged header is answered with %q, %v", what, answer[:n], err)
	}
}
