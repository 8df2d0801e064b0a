//go:build browser && unix

package main

import (
	"bufio"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/molva-ws/molva/internal/browser"
	"github.com/molva-ws/molva/internal/freeaddr"
	"github.com/molva-ws/molva/internal/shortdir"
)

// startSite serves examples/php-site by PHP's own server, and molva serve beside it as its molva.toml says.
func startSite(t *testing.T) (s *served, site string) {
	t.Helper()
	php, dir, address := program(t, "php"), shortdir.New(t), freeaddr.Get(t)
	site = "http://" + address
	s = startServerAt(t, filepath.Join(dir, "molva.sock"), "--config", "../../examples/php-site/molva.toml",
		"--origin", site, "--app-url", site+"/whoami.php")
	cmd := exec.Command(php, "-d", "session.save_path="+dir, "-S", address, "-t", "../../examples/php-site/public")
	cmd.Env = environment("MOLVA_URL="+s.url, "MOLVA_SOCKET="+s.socket)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines, read := bufio.NewReader(stderr), make(chan struct{})
	t.Cleanup(func() { cmd.Process.Kill(); <-read; cmd.Wait() })
	readUntil(t, lines, "started")
	go func() {
		defer close(read)
		io.Copy(io.Discard, lines)
	}()
	return s, site
}

// logIn fills in the form and sends it.
func logIn(p page, user, password string) {
	p.Helper()
	p.Eval(fmt.Sprintf(`document.querySelector("[name=user]").value = %s`, browser.Quote(user)), nil)
	p.Eval(fmt.Sprintf(`document.querySelector("[name=password]").value = %s`, browser.Quote(password)), nil)
	p.Submit("form[action='login.php'] button")
}

// thank has the one who is logged in say thanks.
func thank(p page, text string) {
	p.Helper()
	p.Eval(fmt.Sprintf(`document.querySelector("[name=text]").value = %s`, browser.Quote(text)), nil)
	p.Submit("form[action='thank.php'] button")
}

const isOpen = `document.querySelector("#state")?.dataset.state === "open"`

// thanks are all that the page of a user shows.
func thanks(p page) string {
	p.Helper()
	var all string
	p.Eval(`[...document.querySelectorAll("#thanks li")].map(li => li.textContent).join("; ")`, &all)
	return all
}

func TestPageOfTheSiteGetsWhatIsForItsUserAndNothingElse(t *testing.T) {
	s, site := startSite(t)
	b := browser.Launch(t)
	ann, bob := page{t, b.OpenApart(site)}, page{t, b.OpenApart(site)}
	ann.Picture("site-login", browser.Phone, "light")
	logIn(ann, "ann", "coffee")
	ann.Until(says(".note", "not the password"))
	logIn(ann, "ann", "tea")
	ann.Until(isOpen)
	thank(ann, "the <b>cake</b>")
	ann.Until(says(".note", "Bob is not here just now"))

	logIn(bob, "bob", "coffee")
	bob.Until(isOpen)
	ann.Until(isOpen)
	thank(ann, "the <b>cake</b>")
	ann.Until(says(".note", "Bob has seen it"))
	bob.Until(says("#thanks", "Ann thanks you for the <b>cake</b>"))
	ann.Until(isOpen)
	thank(bob, "your patience")
	ann.Until(says("#thanks", "Bob thanks you for your patience"))
	if got := thanks(ann); got != "Bob thanks you for your patience" {
		t.Errorf("Ann sees %q", got)
	}
	ann.Picture("site", browser.Phone, "light")
	ann.Picture("site", browser.Desktop, "dark")
	bob.Until(isOpen)
	for _, user := range []string{"ann", "bob"} {
		molvaRun(t, "", "send", "--socket", s.socket, "--user", user, "--json", `{"from":"molva","text":"`+user+`"}`).
			wantsText(t, 0, "reached 1 connection\n", "")
	}
	bob.Until(says("#thanks", "molva thanks you for bob"))
	if got := thanks(bob); strings.Contains(got, "ann") {
		t.Errorf("Bob sees what is for Ann: %q", got)
	}

	ann.Submit("form[action='logout.php'] button")
	ann.Until(`document.querySelector("form[action='login.php']")`)
	molvaRun(t, "", "send", "--socket", s.socket, "--user", "ann", "hi").wantsText(t, 0, "reached nobody", "")
	if _, status := s.enter("user=ann", nil); status != 401 {
		t.Errorf("without a session: %d", status)
	}
}
