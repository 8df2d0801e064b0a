package molva_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/molva-ws/molva"
)

// serveTLS serves on a port with TLS, and returns a client that trusts its certificate, and its address.
func serveTLS(t *testing.T, srv *molva.Server) (*http.Client, string) {
	t.Helper()
	borrowed := httptest.NewUnstartedServer(nil) // for its certificate
	borrowed.StartTLS()
	defer borrowed.Close()
	config := &tls.Config{Certificates: borrowed.TLS.Certificates, NextProtos: []string{"h2", "http/1.1"}}
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(tls.NewListener(inner, config)) }()
	t.Cleanup(func() {
		srv.Close()
		<-ended
	})
	trusting := borrowed.Client().Transport.(*http.Transport).TLSClientConfig
	return &http.Client{Transport: &http.Transport{TLSClientConfig: trusting, ForceAttemptHTTP2: true}}, inner.Addr().String()
}

func TestPlainRequestsOverTLSMayComeByHTTP2(t *testing.T) {
	srv := &molva.Server{
		OnMessage: func(c *molva.Conn, m molva.Message) { c.Send(m) },
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			fmt.Fprintf(w, "%s %v %s %s", r.Proto, r.TLS != nil, r.URL.Path, body)
		}),
	}
	client, addr := serveTLS(t, srv)
	defer client.CloseIdleConnections()
	for range 2 { // the second on the same connection
		response, err := client.Post("https://"+addr+"/x", "text/plain", strings.NewReader(strings.Repeat("a", 100_000)))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || string(body) != "HTTP/2.0 true /x "+strings.Repeat("a", 100_000) {
			t.Errorf("%.100s, %v", body, err)
		}
	}

	old := client.Transport.(*http.Transport).Clone()
	old.ForceAttemptHTTP2, old.TLSClientConfig.NextProtos = false, []string{"http/1.1"}
	defer old.CloseIdleConnections()
	response, err := (&http.Client{Transport: old}).Get("https://" + addr + "/y")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(response.Body)
	response.Body.Close()
	if string(body) != "HTTP/1.1 true /y " {
		t.Errorf("%q", body)
	}

	c, _, err := molva.Dial(t.Context(), "wss://"+addr+"/ws", &molva.DialOptions{TLSConfig: old.TLSClientConfig})
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	c.Write(t.Context(), molva.Text("hi"))
	if m, err := c.Read(t.Context()); err != nil || string(m.Data) != "hi" {
		t.Errorf("%s, %v", m.Data, err)
	}
}

// TestNobodyIsRefusedByATLSHandshake opens connections that say nothing, of which an address may have 64. Those beyond
// would have to shake hands to be told so, and are ended at once.
func TestNobodyIsRefusedByATLSHandshake(t *testing.T) {
	srv := &molva.Server{
		Admission: molva.Admission{ConnsPerAddr: 1},
		Timeouts:  molva.Timeouts{Handshake: time.Hour, Close: time.Hour},
	}
	_, addr := serveTLS(t, srv)
	const room, more = 64, 20
	ended := make(chan error, room+more)
	for range room + more {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetReadDeadline(time.Now().Add(time.Minute))
		go func() {
			_, err := io.Copy(io.Discard, conn)
			ended <- err
		}()
	}
	for i := range more {
		if err := <-ended; errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, net.ErrClosed) {
			t.Fatalf("%d of %d were ended: %v", i, more, err)
		}
	}
	select {
	case err := <-ended:
		t.Errorf("one who may come in was ended: %v", err)
	default:
	}
}
