//go:build browser && unix

package main

import (
	"fmt"
	"testing"

	"github.com/molva-ws/molva/internal/browser"
)

// lastIsSeen is that the last message stands between the top of the list and the place where one writes, in the window.
const lastIsSeen = `[document.querySelector("#messages > :last-child").getBoundingClientRect()].every(last =>
	last.top >= document.querySelector("#scroll").getBoundingClientRect().top &&
	last.bottom <= document.querySelector("#composer").getBoundingClientRect().top &&
	document.querySelector("#composer").getBoundingClientRect().bottom <= innerHeight)`

// talks says as much as does not fit a window.
func (p page) talks() {
	p.Helper()
	for i := range 12 {
		p.say(fmt.Sprint("message ", i))
	}
	p.Until(bubbles + ".length === 12")
}

func TestPageLeavesRoomAboveAKeyboardOnTheScreen(t *testing.T) {
	s := startServer(t)
	p := s.open(browser.Launch(t), "42")
	p.Do("Emulation.setTouchEmulationEnabled", browser.Params{"enabled": true}, nil)
	p.Show(browser.Phone, "light")
	p.talks()
	for _, left := range []browser.Screen{
		{Name: "keyboard", Width: 360, Height: 360, Mobile: true},
		{Name: "keyboard-wide", Width: 640, Height: 220, Mobile: true},
	} {
		p.Picture("chat", left, "light")
		p.Until(lastIsSeen)
		p.Eval(`document.activeElement.blur()`, nil)
		p.Until(`document.querySelector("#user").checkVisibility() && document.querySelector("#lines").checkVisibility()`)
		p.Eval(`document.querySelector("#text").focus()`, nil)
	}
}

// TestPageScrollsInALowWindow has one as low as that of somebody who needs everything four times as large.
func TestPageScrollsInALowWindow(t *testing.T) {
	s := startServer(t)
	p := s.open(browser.Launch(t), "42")
	p.Show(browser.Screen{Name: "low", Width: 320, Height: 256}, "light")
	p.talks()
	p.Eval(`document.querySelector("#text").scrollIntoView({block: "end"})`, nil)
	p.Until(`document.documentElement.scrollWidth <= innerWidth && document.querySelector("#scroll").clientHeight >= 60`)
}

// TestPageKeepsTheEndInViewInAWindowThatChanges has the window change between a message and the news that the page was
// scrolled to it, as each step of a keyboard's way up does.
func TestPageKeepsTheEndInViewInAWindowThatChanges(t *testing.T) {
	s := startServer(t)
	p := s.open(browser.Launch(t), "42")
	p.Show(browser.Phone, "light")
	p.talks()
	p.Until(lastIsSeen)
	p.Eval(`document.body.style.height = "30rem", document.querySelector("#scroll").dispatchEvent(new Event("scroll"))`, nil)
	p.Until(lastIsSeen)
}
