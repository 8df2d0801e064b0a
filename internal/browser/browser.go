// Package browser drives a real browser for tests: Chromium, headless, from $CHROMIUM or the path.
package browser

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/molva-ws/molva"
)

// patience is how long the browser may take for anything.
const patience = time.Minute

// Browser is a Chromium, driven by the DevTools protocol, which is JSON over a WebSocket.
type Browser struct {
	*testing.T
	conn   *molva.Conn
	closed chan struct{} // no more replies

	mu      sync.Mutex
	last    int
	waiting map[int]chan reply
}

// Params are the parameters of a call.
type Params map[string]any

// reply is a message of the browser: the answer to a call, or an event.
type reply struct {
	ID     int
	Result json.RawMessage
	Error  *struct{ Message string }
	Method string    // of an event
	Params exception // of Runtime.exceptionThrown
}

// Launch starts a browser that ends with the test.
func Launch(t *testing.T) *Browser {
	t.Helper()
	program := os.Getenv("CHROMIUM")
	if program == "" {
		program = "chromium"
	}
	cmd := exec.Command(program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic",
		"--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--lang=en",
		"--disable-background-timer-throttling", "--disable-renderer-backgrounding", "--hide-scrollbars",
		"--user-data-dir="+t.TempDir(), "--remote-debugging-port=0", "about:blank")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	b := &Browser{T: t, closed: make(chan struct{}), waiting: make(map[int]chan reply)}
	t.Cleanup(func() { b.quit(cmd, stderr) })
	b.connect(debuggingURL(t, stderr))
	return b
}

// debuggingURL reads where the browser says it listens.
func debuggingURL(t *testing.T, stderr io.Reader) string {
	t.Helper()
	lines := bufio.NewScanner(stderr)
	var said []string
	for lines.Scan() {
		if url, ok := strings.CutPrefix(lines.Text(), "DevTools listening on "); ok {
			return url
		}
		said = append(said, lines.Text())
	}
	t.Fatalf("the browser did not start:\n%s", strings.Join(said, "\n"))
	return ""
}

func (b *Browser) connect(url string) {
	b.Helper()
	limits := molva.Limits{Message: 64 << 20} // pictures are large
	conn, _, err := molva.Dial(b.Context(), url, &molva.DialOptions{Limits: limits})
	if err != nil {
		b.Fatal(err)
	}
	b.conn = conn
	go b.listen()
}

func (b *Browser) quit(cmd *exec.Cmd, stderr io.Reader) {
	if b.conn == nil || b.try("", "Browser.close", nil, nil) != nil {
		cmd.Process.Kill()
	}
	io.Copy(io.Discard, stderr)
	cmd.Wait()
	if b.conn != nil {
		<-b.closed
	}
}

// listen hands answers to those who wait for them. An exception in a page fails the test.
func (b *Browser) listen() {
	defer close(b.closed)
	for m, err := range b.conn.Messages(context.Background()) {
		var r reply
		if err != nil || json.Unmarshal(m.Data, &r) != nil {
			return
		}
		if r.Method == "Runtime.exceptionThrown" {
			b.Errorf("thrown in the page: %v", r.Params)
		}
		b.mu.Lock()
		if answer, ok := b.waiting[r.ID]; ok {
			delete(b.waiting, r.ID)
			answer <- r
		}
		b.mu.Unlock()
	}
}

// try calls a method, of a tab if session is not empty, and stores what it returns in result unless that is nil.
func (b *Browser) try(session, method string, params Params, result any) error {
	answer := make(chan reply, 1)
	b.mu.Lock()
	b.last++
	call := Params{"id": b.last, "method": method, "params": params}
	b.waiting[b.last] = answer
	b.mu.Unlock()
	if params == nil {
		delete(call, "params")
	}
	if session != "" {
		call["sessionId"] = session
	}
	text, err := json.Marshal(call)
	if err != nil {
		return err
	}
	if err := b.conn.Send(molva.Message{Type: molva.TypeText, Data: text}); err != nil {
		return err
	}
	select {
	case r := <-answer:
		if r.Error != nil {
			return fmt.Errorf("%s: %s", method, r.Error.Message)
		}
		if result == nil {
			return nil
		}
		return json.Unmarshal(r.Result, result)
	case <-b.closed:
		return fmt.Errorf("%s: the browser is gone", method)
	case <-time.After(2 * patience):
		return fmt.Errorf("%s: no answer", method)
	}
}

// Open opens a page in a tab of its own.
func (b *Browser) Open(url string) *Tab {
	b.Helper()
	return b.open(url, Params{"url": "about:blank"})
}

// OpenApart opens a page in a tab that shares no cookies with others, as in a private window.
func (b *Browser) OpenApart(url string) *Tab {
	b.Helper()
	var apart struct{ BrowserContextID string }
	if err := b.try("", "Target.createBrowserContext", nil, &apart); err != nil {
		b.Fatal(err)
	}
	return b.open(url, Params{"url": "about:blank", "browserContextId": apart.BrowserContextID})
}

func (b *Browser) open(url string, tab Params) *Tab {
	b.Helper()
	var target struct{ TargetID string }
	var attached struct{ SessionID string }
	t := &Tab{Browser: b}
	t.Do("Target.createTarget", tab, &target)
	t.Do("Target.attachToTarget", Params{"targetId": target.TargetID, "flatten": true}, &attached)
	t.session = attached.SessionID
	t.Do("Runtime.enable", nil, nil)
	t.Do("Page.enable", nil, nil)
	t.Do("Emulation.setFocusEmulationEnabled", Params{"enabled": true}, nil)
	t.Do("Page.addScriptToEvaluateOnNewDocument", Params{"source": `
		addEventListener("securitypolicyviolation", e => { throw new Error(e.violatedDirective + " " + e.blockedURI) })`}, nil)
	t.Do("Page.navigate", Params{"url": url}, nil)
	t.Until(`document.readyState === "complete"`)
	return t
}
