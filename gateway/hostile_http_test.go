package gateway_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/molva-ws/molva/gateway"
)

// rawRequest writes the beginning of a request and returns the connection.
func rawRequest(t testing.TB, base, head string) net.Conn {
	t.Helper()
	nc, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	nc.SetDeadline(time.Now().Add(patience))
	head = strings.ReplaceAll(head, "\n", "\r\n")
	if _, err := fmt.Fprintf(nc, head, "Host: localhost\r\nAuthorization: Bearer "+testKey); err != nil {
		t.Fatal(err)
	}
	return nc
}

// wantStatus reads a response.
func wantStatus(t testing.TB, nc net.Conn, status int, code string) {
	t.Helper()
	response, err := http.ReadResponse(bufio.NewReader(nc), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, _ := io.ReadAll(response.Body); response.StatusCode != status || !strings.Contains(string(body), code) {
		t.Errorf("%s %s; want %d %s", response.Status, body, status, code)
	}
}

func TestHugeBodiesAreRefusedBeforeTheyCome(t *testing.T) {
	base := openAPI(t, new(gateway.Gateway))
	before := heap()
	for _, path := range []string{"send", "batch"} {
		nc := rawRequest(t, base, "POST /api/"+path+" HTTP/1.1\n%s\nContent-Length: 1099511627776\n\n{")
		wantStatus(t, nc, 413, `"too_large"`)
	}
	if grown := heap() - before; grown > 1<<20 {
		t.Errorf("%d bytes more are held", grown)
	}
}

func TestABodyWithoutEndIsCutOff(t *testing.T) {
	base := openAPI(t, new(gateway.Gateway))
	nc := rawRequest(t, base, "POST /api/send HTTP/1.1\n%s\nTransfer-Encoding: chunked\n\n")
	written := make(chan int)
	go func() {
		chunk, n := fmt.Sprintf("%x\r\n%s\r\n", 64<<10, strings.Repeat(" ", 64<<10)), 0
		for {
			m, err := io.WriteString(nc, chunk)
			if n += m; err != nil || n > 1<<30 {
				written <- n
				return
			}
		}
	}()
	wantStatus(t, nc, 413, `"too_large"`)
	if n := <-written; n > 64<<20 {
		t.Errorf("it has read %d bytes", n)
	}
}

// TestSlowBodiesHoldNobodyUp leaves hundreds of requests unfinished.
func TestSlowBodiesHoldNobodyUp(t *testing.T) {
	const slow = 500
	base := openAPI(t, new(gateway.Gateway))
	get("/api/ping").answer(t, base)
	before := heap()
	for i := range slow {
		path := []string{"send", "batch"}[i%2]
		rawRequest(t, base, "POST /api/"+path+" HTTP/1.1\n%s\nContent-Length: 1000000\n\n{")
	}
	for range 50 {
		began := time.Now()
		if _, a := get("/api/ping").answer(t, base); !a.OK {
			t.Errorf("%+v", a)
		}
		if took := time.Since(began); took > 15*time.Second { // half of what a body may take
			t.Errorf("an answer took %v", took)
		}
	}
	if grown := heap() - before; grown > slow*(100<<10) {
		t.Errorf("%d unfinished requests hold %d bytes", slow, grown)
	}
}

// TestASlowBodyIsGivenUp takes half a minute, and is only run if MOLVA_LONG is set.
func TestASlowBodyIsGivenUp(t *testing.T) {
	if os.Getenv("MOLVA_LONG") == "" {
		t.Skip("takes half a minute; set MOLVA_LONG")
	}
	t.Parallel()
	base := openAPI(t, new(gateway.Gateway))
	nc := rawRequest(t, base, "POST /api/send HTTP/1.1\n%s\nContent-Length: 1000\n\n{")
	wantStatus(t, nc, 400, "30s")
}
