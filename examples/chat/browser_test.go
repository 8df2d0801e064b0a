//go:build browser

// These tests open the page in a real browser: Chromium, headless, from $CHROMIUM or the path. Pictures of the page are
// left in $SCREENSHOTS if that is set.
//
//	go test -tags browser ./examples/chat

package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/molva-ws/molva/internal/browser"
)

// The state of the page, in the terms of its script.
const (
	isOnline  = `document.querySelector("#connection").dataset.state === "online"`
	isOffline = `document.querySelector("#connection").dataset.state === "offline"`
	texts     = `[...document.querySelectorAll("#messages .text")].map(e => e.textContent)`
	notice    = `document.querySelector("#notice").textContent`
	draft     = `document.querySelector("#text").value`
)

func shows(text string) string { return fmt.Sprintf("%s.includes(%s)", texts, browser.Quote(text)) }

// tab is the chat in a tab.
type tab struct{ *browser.Tab }

// say types a message and presses Enter.
func (t *tab) say(text string) {
	t.Helper()
	t.Eval(`document.querySelector("#text").focus()`, nil)
	t.Insert(text)
	t.Press("Enter")
}

// rename gives the user of the tab a name.
func (t *tab) rename(name string) {
	t.Helper()
	t.Click("#rename")
	t.Insert(name)
	t.Press("Enter")
	t.Until(fmt.Sprintf(`document.querySelector("#me").textContent === %s && !document.querySelector("#naming").open`, browser.Quote(name)))
}

// twoTabs opens the chat twice, the second time over a line that can be cut.
func twoTabs(t *testing.T) (a, b *tab, l *line) {
	_, addr := start(t, time.Minute)
	l = newLine(t, addr)
	chromium := browser.Launch(t)
	a = &tab{chromium.Open("http://" + addr)}
	b = &tab{chromium.Open("http://" + l.addr())}
	for _, tab := range []*tab{a, b} {
		tab.Until(isOnline)
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
		a.Until(shows(text))
		b.Until(shows(text))
	}
	for _, tab := range []*tab{a, b} {
		if tab.Is(`window.hacked || document.querySelector("#messages script, #messages img, #messages b:not(.name)")`) {
			t.Error("a message became part of the page")
		}
	}
}

func TestNamesAreSeenByAll(t *testing.T) {
	a, b, _ := twoTabs(t)
	a.Until(`document.querySelectorAll("#list li").length === 2`)
	b.rename("Борис")
	a.Until(`document.querySelector("#log").textContent.includes("user #2 is now Борис")`)
	a.Until(`document.querySelector("#list").textContent.includes("Борис")`)
	b.Click("#rename")
	b.Insert("user #1")
	b.Press("Enter")
	b.Until(`document.querySelector("#name-problem").textContent.includes("user #")`)
}

func TestALostNetworkIsShownAndMadeUpFor(t *testing.T) {
	a, b, l := twoTabs(t)
	b.rename("Boris")
	b.say("before")
	a.Until(shows("before"))

	l.cut()
	b.Until(isOffline)
	b.Until(`/next try in \d+ s/.test(document.querySelector("#retry-in").textContent)`)
	a.say("while you were away")
	a.Until(shows("while you were away"))
	b.say("kept")
	b.Until(notice + `.includes("not connected")`)
	if !b.Is(draft + ` === "kept"`) {
		t.Error("what could not be sent is gone")
	}

	l.mend()
	b.Click("#retry")
	b.Until(isOnline)
	b.Until(shows("while you were away"))
	b.Press("Enter")
	a.Until(shows("kept"))
	for _, tab := range []*tab{a, b} {
		tab.Until(texts + `.join() === "before,while you were away,kept"`)
	}
	if a.Is(`/has left|#3/.test(document.querySelector("#log").textContent)`) {
		t.Error("who came back in time was taken for somebody else")
	}
}

func TestTheWayBackIsFoundWithoutHelp(t *testing.T) {
	_, b, l := twoTabs(t)
	l.cut()
	b.Until(isOffline)
	l.mend()
	b.Until(isOnline)
}

func TestAMessageOnItsWayWhenTheNetworkGoesArrivesOnce(t *testing.T) {
	a, b, l := twoTabs(t)
	l.stall()
	b.say("into the void")
	b.Until(`document.querySelector("#pending").textContent.includes("into the void")`)
	l.cut()
	b.Until(isOffline)
	l.mend()
	a.Until(shows("into the void"))
	b.Until(texts + `.join() === "into the void" && document.querySelector("#pending").childElementCount === 0`)
}

func TestFloodingIsToldAndTheTextKept(t *testing.T) {
	a, b, _ := twoTabs(t)
	a.Eval(fmt.Sprintf(`for (let i = 1; i <= %d; i++) {
		document.querySelector("#text").value = "message " + i;
		document.querySelector("#composer").requestSubmit();
	}`, floodBurst+1), nil)
	a.Until(notice + `.includes("Try again in 1 second")`)
	a.Until(draft + ` === "message 6"`)
	b.Until(shows("message 5"))
	if b.Is(shows("message 6")) {
		t.Error("the flood got through")
	}
}

func TestALongMessageIsRefusedBeforeItIsSent(t *testing.T) {
	a, _, _ := twoTabs(t)
	long := strings.Repeat("щ", maxText+1)
	a.say(long)
	a.Until(notice + `.includes("has 1001 characters, at most 1000")`)
	if !a.Is(draft + ".length === 1001") {
		t.Error("the text is gone")
	}
}

func TestWhoReadsAboveIsNotDisturbed(t *testing.T) {
	a, b, _ := twoTabs(t)
	tall := strings.Repeat("line\n", 40) + "end"
	a.say(tall)
	b.Until(shows(tall) + ` && document.querySelector("#scroll").scrollTop > 100`)
	b.Eval(`document.querySelector("#scroll").scrollTop = 0`, nil)
	b.Until(`!document.querySelector("#latest").hidden`)
	a.say("news")
	b.Until(`document.querySelector("#latest").textContent === "1 new message"`)
	if !b.Is(`document.querySelector("#scroll").scrollTop === 0`) {
		t.Error("the reader was moved")
	}
	b.Picture("above", browser.Phone, "dark")
	b.Click("#latest")
	b.Until(`document.querySelector("#latest").hidden`)
}

// TestAppearance looks at a conversation on a phone and on a desktop, by day and by night.
func TestAppearance(t *testing.T) {
	a, b, l := twoTabs(t)
	a.Picture("empty", browser.Phone, "light")
	a.rename("Anna")
	b.rename("Борис")
	a.say("Hello! Is anybody here?")
	b.say("Привет, Анна! Я как раз зашёл.")
	b.say("It speaks <b>every</b> language, and nothing of it is HTML.")
	a.say("What one says, all soon hear. That is what the name means: word of mouth.")
	b.say("https://example.com/a/rather/long/address/that/does/not/want/to/break?anywhere=at-all&so=it-must-be-broken")
	b.Until(texts + ".length === 5")
	b.Press("Tab") // takes the focus from the field
	for _, size := range []browser.Screen{browser.Phone, browser.Desktop} {
		for _, scheme := range []string{"light", "dark"} {
			b.Picture("chat", size, scheme)
		}
	}
	b.Click("#rename")
	b.Picture("name", browser.Phone, "dark")
	b.Click("#cancel")
	b.Click("#show-people")
	b.Picture("people", browser.Phone, "light")
	b.Click("#show-people")
	l.cut()
	b.Until(isOffline)
	b.say("Can you hear me?")
	b.Until(notice)
	b.Picture("offline", browser.Phone, "light")
	b.Picture("offline", browser.Desktop, "dark")
}
