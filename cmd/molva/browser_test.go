//go:build browser && unix

// These tests open the page of the real program in a real browser: Chromium, headless, from $CHROMIUM or the path.
// Pictures of the page are left in $SCREENSHOTS if that is set.
//
//	go test -tags browser -run Page ./cmd/molva

package main

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/molva-ws/molva/internal/browser"
)

// What the page shows, in the terms of its script.
const (
	online  = `document.querySelector("#connection").dataset.state === "online" && document.querySelector("#here li")`
	bubbles = `[...document.querySelectorAll("#messages .bubble")].map(e => e.textContent)`
)

func says(selector, text string) string {
	return fmt.Sprintf("document.querySelector(%s).textContent.includes(%s)", browser.Quote(selector), browser.Quote(text))
}

// page is a tab with the page of a server.
type page struct {
	*testing.T
	*browser.Tab
}

// open opens the page by the address that the server printed, as some user.
func (s *served) open(b *browser.Browser, user string) page {
	s.Helper()
	address := s.url + "/"
	if user != "42" {
		address += "?user=" + user
	}
	p := page{s.T, b.Open(address + "#key=" + s.key)}
	p.Until(online)
	return p
}

// shows waits until the messages on the page are these.
func (p page) shows(texts ...string) {
	p.Helper()
	p.Until(fmt.Sprintf("%s.join() === %s", bubbles, browser.Quote(strings.Join(texts, ","))))
}

func (p page) say(text string) {
	p.Helper()
	p.Eval(`document.querySelector("#text").focus()`, nil)
	p.Insert(text)
	p.Press("Enter")
}

func (p page) textOf(selector string) string {
	p.Helper()
	var text string
	p.Eval(fmt.Sprintf("document.querySelector(%s).textContent", browser.Quote(selector)), &text)
	return text
}

// typed types the lines that the page shows, as somebody who has copied them would.
func (p page) typed(selector string, program string, args ...string) {
	p.Helper()
	r := runCommand(p.T, "", nil, program, append(args, p.textOf(selector))...)
	if r.code != 0 {
		p.Fatalf("%s: %+v", p.textOf(selector), r)
	}
}

func TestPageInTheFirstTwoMinutes(t *testing.T) {
	s := startServer(t)
	b := browser.Launch(t)
	first, second, other := s.open(b, "42"), s.open(b, "42"), s.open(b, "7")
	first.typed("#empty-line", "sh", "-c")
	first.shows("hi")
	second.shows("hi")
	first.typed("#snippet-0", "sh", "-c")
	first.typed("#snippet-1", program(t, "sh"), "-c")
	first.typed("#snippet-2", program(t, "php"), "-r")
	for _, p := range []page{first, second} {
		p.shows("hi", "hi", "hi", "hi")
		if !p.Is(`document.querySelectorAll("#messages [data-to=user]").length === 4`) {
			t.Error("direct messages are not marked")
		}
	}
	other.typed("#snippet-0", "sh", "-c")
	other.shows("hi")
	first.Click(`input[value=all]`)
	first.typed("#snippet-1", "sh", "-c")
	other.shows("hi", "hi")
	first.Click(`input[value=room]`)
	first.typed("#snippet-2", "php", "-r")
	other.shows("hi", "hi", "hi")
	var to string
	other.Eval(`[...document.querySelectorAll("#messages .message")].map(e => e.dataset.to).join()`, &to)
	if to != "user,all,room" {
		t.Errorf("it shows messages to %s", to)
	}
}

func TestPageChatsBetweenTabs(t *testing.T) {
	s := startServer(t)
	b := browser.Launch(t)
	first, second, other := s.open(b, "42"), s.open(b, "42"), s.open(b, "7")
	first.Until(says("#here", "7"))
	for _, text := range []string{
		`<script>window.hacked = true</script><img src=x onerror="window.hacked = true">`,
		"Привет, 👩‍👩‍👧!",
		"two  spaces",
	} {
		first.say(text)
		for _, p := range []page{first, second, other} {
			p.Until(fmt.Sprintf("%s.at(-1) === %s", bubbles, browser.Quote(text)))
			if p.Is(`window.hacked || document.querySelector("#messages script, #messages img")`) {
				t.Fatal("a message became part of the page")
			}
		}
	}
	first.Until(says("#messages", "reached 2 connections"))
	other.Click("#here button")
	other.say("only for you")
	for _, p := range []page{first, second, other} {
		p.Until(fmt.Sprintf("%s.at(-1) === 'only for you'", bubbles))
		if !p.Is(`document.querySelector("#messages > :last-child").dataset.to === "user"`) {
			t.Error("it is not marked as direct")
		}
	}
	if !first.Is(bubbles + ".length === 4") {
		t.Error("something arrived twice: ", first.textOf("#messages"))
	}
}

// becomes asks for another user on the page.
func (p page) becomes(user string) {
	p.Helper()
	p.Eval(fmt.Sprintf(`document.querySelector("#user").value = %s`, browser.Quote(user)), nil)
	p.Eval(`document.querySelector("#identity").requestSubmit()`, nil)
}

func TestPageIsWhoeverOneLikes(t *testing.T) {
	const name = `-O'Brien "Ёж" <b>$HOME`
	s := startServer(t)
	b := browser.Launch(t)
	p, other := s.open(b, "42"), s.open(b, "7")
	p.becomes(name)
	other.Until(says("#here", name))
	other.Until(says("#messages", "42 has left"))
	p.Until(online)
	for i, run := range [][]string{{"sh", "-c"}, {"sh", "-c"}, {"php", "-r"}} {
		p.typed(fmt.Sprintf("#snippet-%d", i), run[0], run[1:]...)
	}
	p.shows("hi", "hi", "hi")
	if p.Is(says("#messages", "ended the connection")) {
		t.Error("it puts down to the server what one has asked for oneself")
	}
	var address string
	p.Eval("location.href", &address)
	if strings.Contains(address, s.key) {
		t.Error("the key stays in the address: ", address)
	}
	again := page{t, b.Open(address)}
	again.Until(online + ` && document.querySelector("#user").value === ` + browser.Quote(name))
	again.typed("#snippet-1", "sh", "-c") // it knows the key all the same
	again.shows("hi")
	p.shows("hi", "hi", "hi", "hi")
	for _, bad := range []string{"", "$me", strings.Repeat("я", 65)} {
		p.becomes(bad)
		p.Until(says("#identity-problem", "name"))
	}
}

func TestPageShowsTheConnectionAsItIs(t *testing.T) {
	s := startServer(t)
	b := browser.Launch(t)
	p := s.open(b, "42")
	s.signal(syscall.SIGTERM)
	s.wait()
	p.Until(`document.querySelector("#connection").dataset.state === "offline"`)
	p.Until(`/next try in \d+ s/.test(document.querySelector("#retry-in").textContent)`)
	p.say("kept")
	p.Until(says("#notice", "not connected") + ` && document.querySelector("#text").value === "kept"`)
	again := startServerAt(t, s.socket, "--listen", strings.TrimPrefix(s.url, "http://"))
	p.Until(online)
	p.Press("Enter")
	p.shows("kept")
	p.Until(says("#snippet-1", "Bearer KEY") + " && " + says("#key-note", "what molva serve printed"))
	molvaRun(t, "", "send", "--socket", again.socket, "--user", "42", "back").wantsText(t, 0, "reached 1", "")
	p.shows("kept", "back")
	curl := `{"user":"42","reason":"enough"}`
	runCommand(t, "", nil, "curl", "-sf", "-H", "Authorization: Bearer "+again.key, "-d", curl, again.url+"/api/disconnect").
		wantsText(t, 0, `"closed":1`, "")
	p.Until(`document.querySelector("#connection").dataset.state === "ended"`)
	p.Until(says("#messages", "enough (4403)"))
	p.Click("#retry")
	p.Until(online)
}

func TestPageIsAConsole(t *testing.T) {
	s := startServer(t)
	b := browser.Launch(t)
	p := s.open(b, "42")
	guest := s.connect("7")
	guest.say(`{"type":"join","room":"<b>room</b>","ack":1}`)
	p.Click("#to-console")
	p.Until(`document.querySelectorAll("#plots .value")[2].textContent === "2"`) // connections
	p.Until(`[...document.querySelectorAll("#rooms-body tr")].map(r => r.textContent).sort().join() ===
		"<b>room</b>11,lobby11"`)
	molvaRun(t, strings.Repeat("line\n", 100), "send", "--socket", s.socket, "--all").wantsText(t, 0, "reached 200", "")
	p.Until(`document.querySelectorAll("#tiles dd")[1].textContent >= "200"`)
	p.Until(`document.querySelectorAll("#plots path.first:not(.area)")[2].getAttribute("d").split("L").length > 2`)
	p.Eval(`document.querySelector(".chart").dispatchEvent(new PointerEvent("pointermove", {
		clientX: document.querySelector(".chart").getBoundingClientRect().right - 20 }))`, nil)
	p.Until(`/\d/.test(document.querySelector(".when").textContent)`) // when it was, under the pointer
	refused := runCommand(t, "", nil, "curl", "-s", "-H", "Connection: Upgrade", "-H", "Upgrade: websocket",
		"-H", "Sec-WebSocket-Version: 13", "-H", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
		"-H", "Origin: http://evil.example", s.url+"/ws")
	refused.wantsText(t, 0, "evil.example", "")
	p.Until(says("#turned-body", "Refused: a page from elsewhere1"))
	p.Click("#to-chat")
	p.Until(`!document.querySelector("#chat").hidden && document.querySelector("#console").hidden`)
}

func TestPageIsUsableByKeyboard(t *testing.T) {
	s := startServer(t)
	p := s.open(browser.Launch(t), "42")
	p.Show(browser.Desktop, "light")
	var order []string
	for range 14 {
		p.Press("Tab")
		var at string
		p.Eval(`[document.activeElement].map(e => e.id || e.name || e.className || e.tagName)[0]`, &at)
		order = append(order, at)
	}
	got := strings.Join(order, " ")
	for _, want := range []string{"to-chat to-console user room another scroll", "to text send", "target"} {
		if !strings.Contains(got, want) {
			t.Errorf("Tab goes to %q, want %q among it", got, want)
		}
	}
	if !p.Is(`[...document.querySelectorAll("button, input, select, textarea, a")].every(e => !e.checkVisibility() ||
		e.textContent.trim() || e.ariaLabel || e.labels?.length)`) {
		t.Error("something has no name")
	}
}

// TestPageAppearance looks at the page on a phone and on a desktop, by day and by night.
func TestPageAppearance(t *testing.T) {
	s := startServer(t)
	b := browser.Launch(t)
	p, other := s.open(b, "42"), s.open(b, "7")
	p.pictures("empty")
	p.say("Hello! Is anybody here?")
	other.say("Привет! Я как раз зашёл.")
	for _, line := range []string{
		"--user 42 hi", "--all 'We restart at noon. What one says, all soon hear: that is what the name means.'",
		`--room lobby --json '{"order":4711,"items":["tea","honey"]}'`,
		"--user 42 https://example.com/a/rather/long/address/that/does/not/want/to/break?anywhere=at-all&so=it-must",
	} {
		runCommand(t, "", nil, "sh", "-c", binary(t)+" send --socket "+s.socket+" "+strings.ReplaceAll(line, "&", `\&`)).
			wantsText(t, 0, "reached", "")
	}
	p.Until(bubbles + ".length === 6")
	p.pictures("chat")
	p.Show(browser.Phone, "light")
	p.Click("summary")
	p.Picture("lines", browser.Phone, "light")
	p.Click("#to-console")
	p.Until(`!document.querySelector("#figures").hidden`)
	p.pictures("console")
	s.signal(syscall.SIGTERM)
	s.wait()
	p.Until(`document.querySelector("#connection").dataset.state === "offline"`)
	p.pictures("console-offline")
	p.Click("#to-chat")
	p.pictures("offline")
}

func (p page) pictures(name string) {
	p.Helper()
	for _, size := range []browser.Screen{browser.Phone, browser.Desktop} {
		for _, scheme := range []string{"light", "dark"} {
			p.Picture(name, size, scheme)
		}
	}
}
