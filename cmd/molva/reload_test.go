//go:build unix

package main

import (
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/internal/shortdir"
)

func textf(format string, args ...any) molva.Message { return molva.Text(fmt.Sprintf(format, args...)) }

// handshake asks for a WebSocket and returns the status of the answer.
func (s *served) handshake(query, origin string) int {
	s.Helper()
	r, _ := http.NewRequestWithContext(s.Context(), http.MethodGet, s.url+"/ws?"+query, nil)
	r.Header = http.Header{
		"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"},
		"Sec-Websocket-Key": {"AAAAAAAAAAAAAAAAAAAAAA=="}, "Origin": {origin},
	}
	return statusOf(s.T, r)
}

// rewrite replaces a file at once, as an editor does.
func rewrite(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

const (
	oldKey = "0123456789abcdef-old"
	newKey = "0123456789abcdef-new"
)

func TestReloadTellsWhatItDid(t *testing.T) {
	path := file(t, `keys = ["`+oldKey+`"]`)
	s := startServer(t, "--config", path)
	reload := func() result { return molvaRun(t, "", "reload", "--socket", s.socket) }
	reload().wantsText(t, 0, "read again; nothing has changed\n", "")

	rewrite(t, path, "keys = ['"+newKey+"']\norigins = ['https://app.example']\n[limits]\nname = 64\n")
	r := reload()
	r.wantsText(t, 0, "now              origins: [] -> [\"https://app.example\"]\n", "")
	r.wantsText(t, 0, "needs a restart  limits.name: 128 -> 64\n", "")
	r.wantsText(t, 0, "now              keys: [\"********\"] -> [\"********\"]\n", "")
	reload().wantsText(t, 0, "needs a restart  limits.name: 128 -> 64\n", "")
	for key, code := range map[string]int{oldKey: 1, newKey: 0} {
		molvaRun(t, "", "send", "--url", s.url, "--key", key, "--all", "hi").wantsText(t, code, "", "")
	}
	if status := s.handshake("", "https://app.example"); status != 101 {
		t.Errorf("the new origin: %d", status)
	}
	if strings.Contains(s.said(), newKey) {
		t.Error("the key is in the log")
	}
}

func TestReloadRefusesABrokenFileAsAWhole(t *testing.T) {
	path := file(t, `keys = ["`+oldKey+`"]`)
	s := startServer(t, "--config", path)
	rewrite(t, path, "keys = ['"+newKey+"']\norigin = ['*']\ndrain = 3\n")
	r := molvaRun(t, "", "reload", "--socket", s.socket)
	r.wantsText(t, 1, "", "the server goes on as before:\n"+path+":2: origin: there is no such key; did you mean origins?\n"+path+":3: drain: ")
	molvaRun(t, "", "send", "--url", s.url, "--key", oldKey, "--all", "hi").wantsText(t, 0, "reached nobody", "")
	molvaRun(t, "", "send", "--url", s.url, "--key", newKey, "--all", "hi").wantsText(t, 1, "", "unauthorized")
	s.signal(syscall.SIGHUP)
	s.until("the server goes on as before")
	if status := s.handshake("", "https://app.example"); status != 403 {
		t.Errorf("an origin of the broken file: %d", status)
	}
}

func TestReloadIsNotForTheHTTPAPI(t *testing.T) {
	s := startServer(t)
	for path, body := range map[string]string{"reload": "{}", "batch": `[{"command":"reload"}]`} {
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/api/"+path, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+s.key)
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer := make([]byte, 1000)
		n, _ := response.Body.Read(answer)
		response.Body.Close()
		if !strings.Contains(string(answer[:n]), `"bad_command"`) {
			t.Errorf("%s: %s", path, answer[:n])
		}
	}
}

func TestReloadWithoutAServer(t *testing.T) {
	molvaRun(t, "", "reload", "--socket", shortdir.New(t)+"/x").wantsText(t, 1, "", "no server runs at the local socket")
}

// TestReloadLosesNoMessage reads good and bad files again and again while messages flow to many connections.
func TestReloadLosesNoMessage(t *testing.T) {
	const conns, messages = 1000, 200
	path := file(t, `keys = ["`+oldKey+`"]`)
	s := startServer(t, "--config", path)
	clients := make([]*client, conns)
	for i := range clients {
		clients[i] = s.connect("u" + strconv.Itoa(i))
		clients[i].say(`{"type":"join","room":"news","ack":1}`)
	}
	var listening sync.WaitGroup
	for _, c := range clients {
		listening.Go(func() {
			for n := range messages {
				if m, err := c.conn.Read(t.Context()); err != nil || !strings.Contains(string(m.Data), fmt.Sprintf(`"data":%d`, n)) {
					t.Errorf("message %d: %s, %v", n, m.Data, err)
					return
				}
			}
		})
	}
	reloading, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		s.reloadOnAndOn(path, reloading)
	}()
	var lines strings.Builder
	for n := range messages {
		fmt.Fprintln(&lines, n)
	}
	send := molvaRun(t, lines.String(), "send", "--socket", s.socket, "--room", "news", "--json")
	send.wantsText(t, 0, "", "")
	close(reloading)
	<-done
	listening.Wait()
	if good, bad := strings.Count(s.said(), "key:origins"), strings.Count(s.said(), "goes on as before"); good == 0 || bad == 0 {
		t.Errorf("%d good files and %d bad ones were read meanwhile", good, bad)
	}
}

// settingsOfRound is a good file that differs from the one before in all that takes effect while clients are there.
func settingsOfRound(i int) string {
	text := fmt.Sprintf(`keys = ['%s']
origins = ['https://%d.example']
trusted_proxies = ['10.0.0.%d']
[limits]
conns = %d
conns_per_address = %d
ipv6_prefix = %d
messages = %d
slow = '%s'
`, newKey, i, i%256, 5000-i%100, 4000*(i%2), 64-i%8, 50+i, []string{"disconnect", "drop-oldest"}[i%2])
	if i%2 == 1 {
		text += "[auth.anonymous]\nallow = true\n"
	}
	if i%3 == 1 {
		text += "[hooks]\nurl = 'http://127.0.0.1:1/'\nsecrets = ['" + hookSecret + "']\n"
	}
	return text
}

// reloadOnAndOn has good and bad files read until stop is closed, by both ways.
func (s *served) reloadOnAndOn(path string, stop <-chan struct{}) {
	for i := 0; ; i++ {
		rewrite(s.T, path, settingsOfRound(i))
		molvaRun(s.T, "", "reload", "--socket", s.socket)
		rewrite(s.T, path, "origins = 5")
		s.signal(syscall.SIGHUP)
		s.until("the server goes on as before")
		select {
		case <-stop:
			return
		default:
		}
	}
}
