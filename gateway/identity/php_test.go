package identity_test

import (
	"bufio"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/molva-ws/molva/gateway/identity"
	"github.com/molva-ws/molva/internal/freeaddr"
)

// logIn is the site's own, by which somebody logs in.
const logIn = `<?php
session_start();
$_SESSION['user'] = 42;
$_SESSION['team'] = 'red';
`

// TestThePHPOfTheGuide runs the scripts of docs/identity.md.
func TestThePHPOfTheGuide(t *testing.T) {
	site := servePHP(t, "../../docs/identity.md")
	o := asking(func(a *identity.Application) { a.URL = site + "/whoami.php" })
	o.JWT.Secret = theSecret
	var err error
	f := &fixture{TB: t, log: new(journal)}
	o.Logger = f.log.logger()
	if f.Chain, err = identity.New(o); err != nil {
		t.Fatal(err)
	}
	defer f.Close()

	f.wantRefused(upgrade("/ws"), http.StatusUnauthorized, identity.Unknown)
	browser := &http.Client{Jar: made(cookiejar.New(nil))}
	get(t, browser, site+"/login.php")
	token := get(t, browser, site+"/token.php")
	u := upgrade("/ws")
	for _, c := range browser.Jar.Cookies(made(http.NewRequest("GET", site, nil)).URL) {
		u.AddCookie(c)
	}
	f.wantUser(u, "42")
	want := &identity.Grant{
		User: "42", Join: []string{"news.*", "team.red"}, Note: []byte(`{"plan":"pro"}`), By: identity.ByApplication,
	}
	if got := identity.GrantIn(u); !reflect.DeepEqual(got, want) {
		t.Errorf("granted %+v; want %+v", got, want)
	}
	f.wantUser(upgrade("/ws", "Sec-WebSocket-Protocol", "molva.v1, molva.token."+token), "42")
	if t.Failed() {
		t.Logf("logged is %s", f.log)
	}
}

var scripts = regexp.MustCompile("(?ms)^```php\n(<\\?php // (\\S+)\n.*?)^```")

// servePHP serves the scripts of a guide by PHP's own server.
func servePHP(t testing.TB, guide string) (url string) {
	t.Helper()
	php, err := exec.LookPath("php")
	if err != nil {
		t.Skip("there is no PHP here")
	}
	folder := t.TempDir()
	files := scripts.FindAllStringSubmatch(string(made(os.ReadFile(guide))), -1)
	for _, file := range append(files, []string{"", logIn, "login.php"}) {
		if err := os.WriteFile(filepath.Join(folder, file[2]), []byte(file[1]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	addr := freeaddr.Get(t)
	server := exec.Command(php, "-d", "session.save_path="+folder, "-S", addr, "-t", folder)
	server.Env = append(os.Environ(), "MOLVA_SECRET="+theSecret)
	told := made(server.StderrPipe())
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	t.Cleanup(func() {
		server.Process.Kill()
		<-read
		server.Wait()
	})
	waitStarted(t, told, read)
	return "http://" + addr
}

// waitStarted waits until PHP's server says so, and has what it says then read.
func waitStarted(t testing.TB, told io.Reader, read chan<- struct{}) {
	t.Helper()
	lines := bufio.NewReader(told)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			close(read)
			t.Fatalf("PHP does not start: %v", err)
		}
		if strings.Contains(line, "started") {
			break
		}
	}
	go func() {
		io.Copy(io.Discard, lines)
		close(read)
	}()
}

func get(t testing.TB, c *http.Client, url string) string {
	t.Helper()
	response, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v: %s", url, response.Status, err, body)
	}
	return string(body)
}
