//go:build browser && unix

package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/molva-ws/molva/internal/browser"
)

// startClient is a script that connects a client and joins a room.
const startClient = `
	globalThis.heard = [];
	globalThis.molva = connect(address, options);
	molva.on("message", (m) => heard.push(m.data));
	globalThis.room = await molva.join("r", { presence: true });`

// openClient opens a tab that has nothing but the client the server brings along, connected as user 42.
func (s *served) openClient(b *browser.Browser) page { return s.openClientAt(b, s.url) }

func (s *served) openClientAt(b *browser.Browser, url string) page {
	s.Helper()
	p := page{s.T, b.Open(url + "/healthz")}
	p.Eval(`(async () => {
		const { connect } = await import("/molva.js");
		const [address, options] = ["/ws?user=42", { backoff: () => 100, timeout: 3000 }];`+startClient+`
	})()`, nil)
	return p
}

// is waits for the client to be in a state.
func (p page) is(state string) {
	p.Helper()
	p.Until(fmt.Sprintf("molva.state === %q", state))
}

// hears sends to the room and waits until the client in the page has it.
func (p page) hears(s *served, text string) {
	p.Helper()
	molvaRun(p.T, "", "send", "--socket", s.socket, "--room", "r", text).wantsText(p.T, 0, "reached", "")
	p.Until(fmt.Sprintf("heard.at(-1) === %q", text))
}

// restart ends the server and starts another one at the same addresses.
func (s *served) restart() *served {
	s.Helper()
	s.signal(syscall.SIGTERM)
	s.wait()
	return startServerAt(s.T, s.socket, "--listen", strings.TrimPrefix(s.url, "http://"))
}

func TestClientComesBackAfterARestart(t *testing.T) {
	s := startServer(t)
	p := s.openClient(browser.Launch(t))
	p.hears(s, "before")
	s.signal(syscall.SIGTERM)
	s.wait()
	p.is("waiting")
	p.Eval(`globalThis.kept = molva.publish("r", "kept", { echo: true }); 0`, nil)
	again := startServerAt(t, s.socket, "--listen", strings.TrimPrefix(s.url, "http://"))
	p.is("open")
	p.Until(`heard.join() === "before,kept"`)
	if !p.Is(`kept.then((receipt) => receipt.reached === 1)`) {
		t.Error("what was published in between is not acknowledged")
	}
	p.hears(again, "after")
}

// TestClientComesBackWhenTheNetworkDoes pulls the cable: nothing arrives, nothing is refused, and the browser says that
// it is offline.
func TestClientComesBackWhenTheNetworkDoes(t *testing.T) {
	s := startServer(t)
	cable := newLine(t, s.url)
	p := s.openClientAt(browser.Launch(t), cable.url())
	p.hears(s, "before")
	network := func(offline bool) {
		conditions := browser.Params{"offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
		p.Do("Network.emulateNetworkConditions", conditions, nil)
	}
	p.Do("Network.enable", nil, nil)
	cable.up.Lock()
	network(true)
	p.is("waiting")
	p.Eval(`globalThis.kept = molva.publish("r", "kept", { echo: true, timeout: 20000 }); 0`, nil)
	cable.up.Unlock()
	network(false)
	p.is("open")
	p.Until(`heard.join() === "before,kept"`)
	p.hears(s, "after")
}

func TestClientComesBackInATabThatWasSuspended(t *testing.T) {
	s := startServer(t)
	p := s.openClient(browser.Launch(t))
	p.hears(s, "before")
	p.Do("Page.setWebLifecycleState", browser.Params{"state": "frozen"}, nil)
	again := s.restart()
	p.Do("Page.setWebLifecycleState", browser.Params{"state": "active"}, nil)
	p.is("open")
	p.Until(`room.users.join() === "42"`)
	p.hears(again, "after")
}

// TestClientInNode runs the client without a browser, through a restart, too. It needs "npm ci" in js where Node has no
// WebSocket of its own, as before version 22.
func TestClientInNode(t *testing.T) {
	s := startServer(t)
	script := `
		import { connect } from "./molva.js";
		const WebSocket = globalThis.WebSocket ?? (await import("ws")).default;
		const [address, options] = [process.argv[1], { WebSocket, backoff: () => 100 }];` + startClient + `
		molva.on("open", async () => console.log("open", (await room.publish(1)).reached));
		molva.on("message", ({ data }) => data === "end" ? molva.close() : console.log(data));
		console.log("joined", room.users.join());`
	cmd := exec.Command(program(t, "node"), "--input-type=module", "--eval", script, s.url+"/ws?user=42")
	cmd.Dir, cmd.Stderr = "../../js", os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	lines := bufio.NewScanner(out)
	says := func(want string) {
		t.Helper()
		if lines.Scan(); lines.Text() != want {
			t.Fatalf("it says %q; want %q", lines.Text(), want)
		}
	}
	says("joined 42")
	molvaRun(t, "", "send", "--socket", s.socket, "--user", "42", "hi").wantsText(t, 0, "reached 1", "")
	says("hi")
	again := s.restart()
	says("open 0")
	molvaRun(t, "", "send", "--socket", again.socket, "--room", "r", "end").wantsText(t, 0, "reached 1", "")
	if lines.Scan() {
		t.Errorf("it says %q, too", lines.Text())
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}
