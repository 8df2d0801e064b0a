package proxy

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strconv"
	"sync"
	"testing"
)

// listen runs script for every connection to a loopback port and returns the
// port's address. At the end of the test it waits until each script has
// returned, so that a connection the dialer forgot to close hangs the test.
func listen(t *testing.T, network string, script func(net.Conn)) string {
	t.Helper()
	loopback := "127.0.0.1:0"
	if network == "tcp6" {
		loopback = "[::1]:0"
	}
	l, err := net.Listen(network, loopback)
	if err != nil {
		t.Skipf("no %s loopback: %v", network, err)
	}
	var scripts sync.WaitGroup
	scripts.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			scripts.Go(func() {
				defer conn.Close()
				script(conn)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		scripts.Wait()
	})
	return l.Addr().String()
}

func echo(conn net.Conn) { io.Copy(conn, conn) }

// splice carries bytes both ways until either side ends.
func splice(client io.ReadWriter, clientConn, server net.Conn) {
	var up sync.WaitGroup
	up.Go(func() {
		io.Copy(server, client)
		server.Close()
	})
	io.Copy(clientConn, server)
	clientConn.Close()
	up.Wait()
}

// tunnelProxy is a proxy that demands user and password unless they are empty,
// notes which address it is asked for, and connects to target whatever that is.
type tunnelProxy struct {
	user, password string
	target         string
	asked          chan string
}

func newTunnelProxy(target string) *tunnelProxy {
	return &tunnelProxy{target: target, asked: make(chan string, 1)}
}

// serveConnect is the proxy in HTTP.
func (p *tunnelProxy) serveConnect(conn net.Conn) {
	reader := bufio.NewReader(conn)
	request, err := http.ReadRequest(reader)
	if err != nil || request.Method != http.MethodConnect {
		return
	}
	login := base64.StdEncoding.EncodeToString([]byte(p.user + ":" + p.password))
	if p.user != "" && request.Header.Get("Proxy-Authorization") != "Basic "+login {
		io.WriteString(conn, "HTTP/1.1 407 Who Are You\r\nProxy-Authenticate: Basic realm=test\r\nContent-Length: 9\r\n\r\ngo away\r\n")
		return
	}
	p.asked <- request.RequestURI
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		return
	}
	io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n")
	splice(struct {
		io.Reader
		io.Writer
	}{reader, conn}, conn, server)
}

// serveSOCKS is the proxy in SOCKS 5. Its reply holds an address of bound's type.
func (p *tunnelProxy) serveSOCKS(bound []byte) func(net.Conn) {
	return func(conn net.Conn) {
		if !p.admitSOCKS(conn) {
			return
		}
		asked, err := readSOCKSRequest(conn)
		if err != nil {
			return
		}
		p.asked <- asked
		server, err := net.Dial("tcp", p.target)
		if err != nil {
			return
		}
		conn.Write(append([]byte{5, 0, 0}, bound...))
		splice(conn, conn, server)
	}
}

func (p *tunnelProxy) admitSOCKS(conn net.Conn) bool {
	offered, err := readCounted(conn, 1)
	if err != nil {
		return false
	}
	if p.user == "" {
		conn.Write([]byte{5, 0})
		return true
	}
	if string(offered) != "\x00\x02" {
		conn.Write([]byte{5, 0xff})
		return false
	}
	conn.Write([]byte{5, 2})
	user, err := readCounted(conn, 1)
	if err != nil {
		return false
	}
	password, err := readCounted(conn, 0)
	if err != nil {
		return false
	}
	if string(user) != p.user || string(password) != p.password {
		conn.Write([]byte{1, 1})
		return false
	}
	conn.Write([]byte{1, 0})
	return true
}

// readCounted reads skip bytes, a length byte and that many bytes, the last of
// which it returns.
func readCounted(r io.Reader, skip int) ([]byte, error) {
	head := make([]byte, skip+1)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, err
	}
	b := make([]byte, head[skip])
	_, err := io.ReadFull(r, b)
	return b, err
}

// readSOCKSRequest returns the kind of address requested and the address.
func readSOCKSRequest(r io.Reader) (string, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return "", err
	}
	var kind, host string
	switch head[3] {
	case 1, 4:
		ip := make([]byte, map[byte]int{1: 4, 4: 16}[head[3]])
		if _, err := io.ReadFull(r, ip); err != nil {
			return "", err
		}
		addr, _ := netip.AddrFromSlice(ip)
		kind, host = map[byte]string{1: "ipv4", 4: "ipv6"}[head[3]], addr.String()
	case 3:
		name, err := readCounted(r, 0)
		if err != nil {
			return "", err
		}
		kind, host = "domain", string(name)
	}
	var port [2]byte
	if _, err := io.ReadFull(r, port[:]); err != nil {
		return "", err
	}
	return kind + " " + net.JoinHostPort(host, strconv.Itoa(int(binary.BigEndian.Uint16(port[:])))), nil
}

// overTLS makes script a script behind TLS, and returns the client's side of
// that: a configuration that trusts it.
func overTLS(t *testing.T, script func(net.Conn)) (func(net.Conn), *tls.Config) {
	t.Helper()
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	config := &tls.Config{Certificates: server.TLS.Certificates, NextProtos: []string{"http/1.1"}}
	return func(conn net.Conn) { script(tls.Server(conn, config)) },
		&tls.Config{RootCAs: pool, NextProtos: []string{"h2"}}
}

// answers returns a script that sends one answer each time the client has
// spoken, and then waits in silence for the client to leave.
func answers(says ...string) func(net.Conn) {
	return func(conn net.Conn) {
		buf := make([]byte, 4096)
		for _, part := range says {
			if _, err := conn.Read(buf); err != nil {
				return
			}
			io.WriteString(conn, part)
		}
		io.Copy(io.Discard, conn)
	}
}

// proxyAt returns the URL of a proxy.
func proxyAt(scheme, addr string, user *url.Userinfo) *url.URL {
	return &url.URL{Scheme: scheme, Host: addr, User: user}
}
