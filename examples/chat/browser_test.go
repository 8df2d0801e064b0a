//go:build browser

// These tests open the page in a real browser: Chromium, headless, from $CHROMIUM or the path. Pictures of the page are
// left in $SCREENSHOTS if that is set.
//
//	go test -tags browser ./examples/chat

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The state of the page, in the terms of its script.
const (
	isOnline  = `document.querySelector("#connection").dataset.state === "online"`
	isOffline = `document.querySelector("#connection").dataset.state === "offline"`
	texts     = `[...document.querySelectorAll("#messages .text")].map(e => e.textContent)`
	notice    = `document.querySelector("#notice").textContent`
	draft     = `document.querySelector("#text").value`
)

func shows(text string) string { return fmt.Sprintf("%s.includes(%s)", texts, encode(text)) }

// say types a message and presses Enter.
func (t *tab) say(text string) {
	t.Helper()
	t.eval(`document.querySelector("#text").focus()`, nil)
	t.insert(text)
	t.press("Enter")
}

// rename gives the user of the tab a name.
func (t *tab) rename(name string) {
	t.Helper()
	t.click("#rename")
	t.insert(name)
	t.press("Enter")
	t.until(fmt.Sprintf(`document.querySelector("#me").textContent === %s && !document.querySelector("#naming").open`, encode(name)))
}

// twoTabs opens the chat twice, the second time over a line that can be cut.
func twoTabs(t *testing.T) (a, b *tab, l *line) {
	_, addr := start(t, time.Minute)
	l = newLine(t, addr)
	browser := launch(t)
	a = browser.open("http://" + addr)
	b = browser.open("http://" + l.addr())
	for _, tab := range []*tab{a, b} {
		tab.until(isOnline)
	}
	return a, b, l
}

func TestTextArrivesAsTyped(t *testing.T) {
	a, b, _ := twoTabs(t)
	for _, text := range []string{
		`<script>window.hacked = true</script><img src=x onerror="window.hacked = true">`,
		"Привет, мир! Ёжик щиплет траву.",
		"👋🏽 👩‍👩‍👧 🇺🇦 & &amp; <b>",
		"שלום, two  spaces",
	} {
		a.say(text)
		a.until(shows(text))
		b.until(shows(text))
	}
	for _, tab := range []*tab{a, b} {
		if tab.is(`window.hacked || document.querySelector("#messages script, #messages img, #messages b:not(.name)")`) {
			t.Error("a message became part of the page")
		}
	}
}

func TestNamesAreSeenByAll(t *testing.T) {
	a, b, _ := twoTabs(t)
	a.until(`document.querySelectorAll("#list li").length === 2`)
	b.rename("Борис")
	a.until(`document.querySelector("#log").textContent.includes("user #2 is now Борис")`)
	a.until(`document.querySelector("#list").textContent.includes("Борис")`)
	b.click("#rename")
	b.insert("user #1")
	b.press("Enter")
	b.until(`document.querySelector("#name-problem").textContent.includes("user #")`)
}

func TestALostNetworkIsShownAndMadeUpFor(t *testing.T) {
	a, b, l := twoTabs(t)
	b.rename("Boris")
	b.say("before")
	a.until(shows("before"))

	l.cut()
	b.until(isOffline)
	b.until(`/next try in \d+ s/.test(document.querySelector("#retry-in").textContent)`)
	a.say("while you were away")
	a.until(shows("while you were away"))
	b.say("kept")
	b.until(notice + `.includes("not connected")`)
	if !b.is(draft + ` === "kept"`) {
		t.Error("what could not be sent is gone")
	}

	l.mend()
	b.click("#retry")
	b.until(isOnline)
	b.until(shows("while you were away"))
	b.press("Enter")
	a.until(shows("kept"))
	for _, tab := range []*tab{a, b} {
		tab.until(texts + `.join() === "before,while you were away,kept"`)
	}
	if a.is(`/has left|#3/.test(document.querySelector("#log").textContent)`) {
		t.Error("who came back in time was taken for somebody else")
	}
}

func TestTheWayBackIsFoundWithoutHelp(t *testing.T) {
	_, b, l := twoTabs(t)
	l.cut()
	b.until(isOffline)
	l.mend()
	b.until(isOnline)
}

func TestAMessageOnItsWayWhenTheNetworkGoesArrivesOnce(t *testing.T) {
	a, b, l := twoTabs(t)
	l.stall()
	b.say("into the void")
	b.until(`document.querySelector("#pending").textContent.includes("into the void")`)
	l.cut()
	b.until(isOffline)
	l.mend()
	a.until(shows("into the void"))
	b.until(texts + `.join() === "into the void" && document.querySelector("#pending").childElementCount === 0`)
}

func TestFloodingIsToldAndTheTextKept(t *testing.T) {
	a, b, _ := twoTabs(t)
	a.eval(fmt.Sprintf(`for (let i = 1; i <= %d; i++) {
		document.querySelector("#text").value = "message " + i;
		document.querySelector("#composer").requestSubmit();
	}`, floodBurst+1), nil)
	a.until(notice + `.includes("Try again in 1 second")`)
	a.until(draft + ` === "message 6"`)
	b.until(shows("message 5"))
	if b.is(shows("message 6")) {
		t.Error("the flood got through")
	}
}

func TestALongMessageIsRefusedBeforeItIsSent(t *testing.T) {
	a, _, _ := twoTabs(t)
	long := strings.Repeat("щ", maxText+1)
	a.say(long)
	a.until(notice + `.includes("has 1001 characters, at most 1000")`)
	if !a.is(draft + ".length === 1001") {
		t.Error("the text is gone")
	}
}

func TestWhoReadsAboveIsNotDisturbed(t *testing.T) {
	a, b, _ := twoTabs(t)
	tall := strings.Repeat("line\n", 40) + "end"
	a.say(tall)
	b.until(shows(tall) + ` && document.querySelector("#scroll").scrollTop > 100`)
	b.eval(`document.querySelector("#scroll").scrollTop = 0`, nil)
	b.until(`!document.querySelector("#latest").hidden`)
	a.say("news")
	b.until(`document.querySelector("#latest").textContent === "1 new message"`)
	if !b.is(`document.querySelector("#scroll").scrollTop === 0`) {
		t.Error("the reader was moved")
	}
	b.picture("above", phone, "dark")
	b.click("#latest")
	b.until(`document.querySelector("#latest").hidden`)
}

// TestAppearance looks at a conversation on a phone and on a desktop, by day and by night.
func TestAppearance(t *testing.T) {
	a, b, l := twoTabs(t)
	a.picture("empty", phone, "light")
	a.rename("Anna")
	b.rename("Борис")
	a.say("Hello! Is anybody here?")
	b.say("Привет, Анна! Я как раз зашёл.")
	b.say("It speaks <b>every</b> language, and nothing of it is HTML.")
	a.say("What one says, all soon hear. That is what the name means: word of mouth.")
	b.say("https://example.com/a/rather/long/address/that/does/not/want/to/break?anywhere=at-all&so=it-must-be-broken")
	b.until(texts + ".length === 5")
	b.press("Tab") // takes the focus from the field
	for _, size := range []screen{phone, desktop} {
		for _, scheme := range []string{"light", "dark"} {
			b.picture("chat", size, scheme)
		}
	}
	b.click("#rename")
	b.picture("name", phone, "dark")
	b.click("#cancel")
	b.click("#show-people")
	b.picture("people", phone, "light")
	b.click("#show-people")
	l.cut()
	b.until(isOffline)
	b.say("Can you hear me?")
	b.until(notice)
	b.picture("offline", phone, "light")
	b.picture("offline", desktop, "dark")
}

// picture checks that the page fits the screen, and keeps a picture of it if pictures are wanted.
func (t *tab) picture(name string, size screen, scheme string) {
	t.Helper()
	t.show(size, scheme)
	if !t.is("document.documentElement.scrollWidth <= innerWidth && document.documentElement.scrollHeight <= innerHeight") {
		t.Errorf("%s is larger than the %s", name, size.name)
	}
	dir := os.Getenv("SCREENSHOTS")
	if dir == "" {
		return
	}
	t.eval(`Promise.all(document.getAnimations().map(a => a.effect.getTiming().iterations === 1 && a.finished))`, nil)
	file := filepath.Join(dir, fmt.Sprintf("%s-%s-%s.png", name, size.name, scheme))
	if err := os.WriteFile(file, t.screenshot(), 0o644); err != nil {
		t.Error(err)
	}
}
