//go:build browser && unix

package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/molva-ws/molva/internal/browser"
)

func TestPageCopiesItsLines(t *testing.T) {
	s := startServer(t)
	p := s.open(browser.Launch(t), "42")
	permissions := []string{"clipboardReadWrite", "clipboardSanitizedWrite"}
	p.Do("Browser.grantPermissions", browser.Params{"permissions": permissions}, nil)
	p.Until(says("#snippet-0", s.socket)) // the server has said where it is
	p.Click("#snippets .copy")
	p.Until(`document.querySelector("#snippets .copy").textContent === "Copied"`)
	var copied string
	p.Eval("navigator.clipboard.readText()", &copied)
	if copied != p.textOf("#snippet-0") || !strings.HasSuffix(copied, `--user 42 "hi"`) {
		t.Errorf("%q was copied", copied)
	}
	p.Until(`document.querySelector("#snippets .copy").textContent === "Copy"`)
}

// TestPageAddsTheKeyThatItWasOpenedWith has a server without a file as local socket, to which nothing can be sent without
// the key, which the server tells nobody.
func TestPageAddsTheKeyThatItWasOpenedWith(t *testing.T) {
	s := startServerAt(t, "none")
	p := s.open(browser.Launch(t), "42")
	p.Until(says("#snippet-0", "--key "+s.key))
	for i, run := range [][]string{{"sh", "-c"}, {"sh", "-c"}, {"php", "-r"}} {
		p.typed(fmt.Sprintf("#snippet-%d", i), run[0], run[1:]...)
	}
	p.shows("hi", "hi", "hi")
}
