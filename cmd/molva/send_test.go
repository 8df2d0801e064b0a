//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/molva-ws/molva/internal/shortdir"
)

func TestSendReachesEveryTabOfAUserAndNobodyElse(t *testing.T) {
	s := startServer(t)
	first, second, other := s.connect("42"), s.connect("42"), s.connect("7")
	molvaRun(t, "", "send", "--socket", s.socket, "--user", "42", "hi").wantsText(t, 0, "reached 2 connections\n", "")
	molvaRun(t, "", "send", "--socket", s.socket, "--all", "bye").wantsText(t, 0, "reached 3 connections\n", "")
	for _, c := range []*client{first, second} {
		c.hears(`"hi"`)
		c.hears(`"bye"`)
	}
	other.hears(`"bye"`)
}

func TestSendSaysWhatWasTyped(t *testing.T) {
	s := startServer(t)
	c := s.connect("42")
	c.say(`{"type":"join","room":"lobby","ack":1}`)
	for _, k := range []struct {
		args []string
		want string
	}{
		{[]string{`say "hi" <b>&`}, `"say \"hi\" <b>&"`},
		{[]string{"Привет"}, `"Привет"`},
		{[]string{""}, `""`},
		{[]string{"--", "-5"}, `"-5"`},
		{[]string{"--json", "--", "-5"}, "-5"},
		{[]string{"--json", ` {"a": [1, "<b>"]} `}, `{"a":[1,"<b>"]}`},
		{[]string{"--json", "12345678901234567890.10"}, "12345678901234567890.10"},
	} {
		args := append([]string{"send", "--socket", s.socket, "--room", "lobby"}, k.args...)
		molvaRun(t, "", args...).wantsText(t, 0, "reached 1 connection\n", "")
		c.hears(k.want)
	}
}

func TestSendByHTTP(t *testing.T) {
	s := startServer(t)
	c := s.connect("42")
	molvaRun(t, "", "send", "--url", s.url, "--key", s.key, "--user", "42", "hi").
		wantsText(t, 0, "reached 1 connection\n", "")
	c.hears(`"hi"`)
	env := []string{"MOLVA_URL=" + s.url, "MOLVA_KEY=" + s.key}
	runCommand(t, "", env, binary(t), "send", "--user", "42", "there").wantsText(t, 0, "reached 1 connection\n", "")
	c.hears(`"there"`)
	runCommand(t, "1\n2\n3\n", env, binary(t), "send", "--user", "42", "--json").
		wantsText(t, 0, "sent 3 messages, reached 3 connections\n", "")
	for _, want := range []string{"1", "2", "3"} {
		c.hears(want)
	}
	// What is typed counts more than the environment.
	env = []string{"MOLVA_URL=http://127.0.0.1:1", "MOLVA_KEY=x"}
	runCommand(t, "", env, binary(t), "send", "--socket", s.socket, "--all", "x").
		wantsText(t, 0, "reached 1 connection\n", "")
}

func TestSendFindsASocketOnTCP(t *testing.T) {
	s := startServerAt(t, "tcp:127.0.0.1:0")
	c := s.connect("42")
	molvaRun(t, "", "send", "--socket", s.socket, "--key", s.key, "--user", "42", "hi").
		wantsText(t, 0, "reached 1 connection\n", "")
	c.hears(`"hi"`)
	molvaRun(t, "", "send", "--socket", s.socket, "--key", "wrong", "--user", "42", "hi").
		wantsText(t, 1, "", "unauthorized")
	molvaRun(t, "", "send", "--socket", s.socket, "--user", "42", "hi").wantsText(t, 2, "", "needs the server's key")
}

func TestSendTellsWhetherAnybodyWasReached(t *testing.T) {
	s := startServer(t)
	send := func(args ...string) result {
		return molvaRun(t, "", append([]string{"send", "--socket", s.socket}, args...)...)
	}
	send("--user", "42", "hi").wantsText(t, 0, "reached nobody: user 42 is not connected\n", "")
	send("--room", "lobby", "hi").wantsText(t, 0, "reached nobody: room lobby is empty\n", "")
	send("--all", "hi").wantsText(t, 0, "reached nobody: no one is connected\n", "")
	send("--user", "42", "--require-delivery", "hi").wantsText(t, 3, "reached nobody", "")
	s.connect("42")
	send("--user", "42", "--require-delivery", "hi").wantsText(t, 0, "reached 1 connection", "")
	if r := send("--user", "42", "-q", "hi"); r.code != 0 || r.out+r.errOut != "" {
		t.Errorf("it is not quiet: %+v", r)
	}
	molvaRun(t, "a\nb\n", "send", "--socket", s.socket, "--user", "7", "--require-delivery").
		wantsText(t, 3, "sent 2 messages, reached 0 connections in all; 2 reached nobody\n", "")
}

func TestSendPrintsAnswersAsJSON(t *testing.T) {
	s := startServer(t)
	c := s.connect("42")
	r := molvaRun(t, "a\nb\n", "send", "--socket", s.socket, "--user", "42", "--output", "json")
	lines := strings.Split(strings.TrimSpace(r.out), "\n")
	if r.code != 0 || len(lines) != 2 {
		t.Fatalf("%+v", r)
	}
	for _, line := range lines {
		var answer struct {
			OK      bool
			ID      string
			Time    int64
			Reached int
		}
		if err := json.Unmarshal([]byte(line), &answer); err != nil || !answer.OK || answer.ID == "" || answer.Reached != 1 {
			t.Errorf("%s: %v", line, err)
		}
	}
	c.hears(`"a"`)
	c.hears(`"b"`)
}

func TestSendOnceByItsKey(t *testing.T) {
	s := startServer(t)
	c := s.connect("42")
	for range 2 {
		molvaRun(t, "", "send", "--socket", s.socket, "--user", "42", "--idempotency-key", "order-1", "hi").
			wantsText(t, 0, "reached 1 connection", "")
	}
	molvaRun(t, "", "send", "--socket", s.socket, "--user", "42", "--idempotency-key", "order-1", "other").
		wantsText(t, 1, "", "key_reused")
	molvaRun(t, "", "send", "--socket", s.socket, "--user", "42", "end").wantsText(t, 0, "", "")
	c.hears(`"hi"`)
	c.hears(`"end"`)
}

func TestSendStreamsLinesInOrder(t *testing.T) {
	const lines = 20_000
	s := startServer(t)
	c := s.connect("42")
	heard := make(chan error, 1)
	go func() {
		for i := range lines {
			m, err := c.conn.Read(t.Context())
			if err != nil || !strings.Contains(string(m.Data), `"data":"line `+strconv.Itoa(i)+`"`) {
				heard <- fmt.Errorf("instead of line %d came %s, %w", i, m.Data, err)
				return
			}
		}
		heard <- nil
	}()
	var input strings.Builder
	for i := range lines {
		fmt.Fprintf(&input, "line %d\r\n", i)
	}
	molvaRun(t, strings.TrimSuffix(input.String(), "\r\n"), "send", "--socket", s.socket, "--user", "42").
		wantsText(t, 0, "sent 20,000 messages, reached 20,000 connections\n", "")
	if err := <-heard; err != nil {
		t.Error(err)
	}
}

func TestSendNamesTheLinesThatAreWrong(t *testing.T) {
	s := startServer(t)
	c := s.connect("42")
	long := strings.Repeat("x", maxLine+1)
	input := "1\n{\"a\"\n\n" + long + "\n\"\xff\"\n\"" + long[:maxLine-2] + "\"\n2"
	r := molvaRun(t, input, "send", "--socket", s.socket, "--user", "42", "--json")
	r.wantsText(t, 1, "sent 2 messages", "molva: 4 lines could not be sent\n")
	for _, want := range []string{
		"line 2: the message is not JSON: unexpected end", "line 4: the line has more than 1,048,576 bytes\n",
		"line 5: the message is not JSON, as that is in UTF-8\n", "line 6: too_large: ",
	} {
		if !strings.Contains(r.errOut, want) {
			t.Errorf("%q is not said: %s", want, r.errOut)
		}
	}
	c.hears("1")
	c.hears("2")
	r = molvaRun(t, strings.Repeat("{\n", 100), "send", "--socket", s.socket, "--user", "42", "--json")
	if r.code != 1 || strings.Count(r.errOut, "\n") != shownProblems+2 || !strings.Contains(r.errOut, "100 lines could not") {
		t.Errorf("%+v", r)
	}
}

func TestSendRepeatsWhatTheServerRefuses(t *testing.T) {
	s := startServer(t)
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"--socket", s.socket, "--user", strings.Repeat("x", 129)}, "bad_field: "},
		{[]string{"--socket", s.socket, "--room", "$stats"}, "bad_field: "},
		{[]string{"--url", s.url, "--key", "wrong", "--all"}, "unauthorized: "},
		{[]string{"--url", s.url + "/elsewhere", "--key", s.key, "--all"}, "404 Not Found"},
	} {
		molvaRun(t, "", append(append([]string{"send"}, c.args...), "hi")...).wantsText(t, 1, "", c.says)
		r := molvaRun(t, "a\nb\n", append([]string{"send"}, c.args...)...)
		r.wantsText(t, 1, "", c.says)
		if c.says == "unauthorized: " && strings.Count(r.errOut, "unauthorized") != 1 {
			t.Errorf("it says the same again and again: %s", r.errOut)
		}
	}
}

func TestSendSaysWhatToDo(t *testing.T) {
	nothing := shortdir.New(t) + "/molva.sock"
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	stranger := &http.Server{Handler: http.NotFoundHandler()}
	web, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go stranger.Serve(web)
	defer stranger.Close()
	for _, c := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"nobody to send to", []string{"hi"}, 2, "say to whom: --user NAME, --room NAME or --all"},
		{"a user without a name", []string{"--user", "", "hi"}, 2, "an empty name is nobody's"},
		{"no time", []string{"--timeout", "0s", "--all", "hi"}, 2, "--timeout is a time above 0"},
		{"two to send to", []string{"--user", "1", "--all", "hi"}, 2, "can't be used together"},
		{"no server", []string{"--socket", nothing, "--all", "hi"}, 1, " serve\nor say where it is: --socket PATH, or --url"},
		{"no server, by HTTP", []string{"--url", "http://127.0.0.1:1", "--key", "x", "--all", "hi"}, 1, "is molva serve running there?"},
		{"no key", []string{"--url", "http://127.0.0.1:1", "--all", "hi"}, 2, "--url needs the server's key"},
		{"no URL", []string{"--url", "127.0.0.1:8000", "--key", "x", "--all", "hi"}, 2, "is not an address such as https://"},
		{"two ways", []string{"--url", "http://x", "--key", "x", "--socket", "y", "--all", "hi"}, 2, "two ways"},
		{"another server", []string{"--url", "http://" + web.Addr().String(), "--key", "x", "--all", "hi"}, 1, "no gateway answers"},
		{"silence", []string{"--url", "http://" + silent.Addr().String(), "--key", "x", "--timeout", "50ms", "--all", "hi"}, 1,
			"did not answer within 50ms"},
		{"no JSON", []string{"--json", "--all", "hi"}, 2, "invalid character 'h' looking for beginning of value, at byte 1"},
		{"no UTF-8", []string{"--all", "\xff"}, 2, "not text in UTF-8"},
		{"key for many", []string{"--idempotency-key", "x", "--all"}, 2, "is for one message"},
		{"bad output", []string{"--output", "xml", "--all", "hi"}, 2, `"text","json"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			molvaRun(t, "", append([]string{"send"}, c.args...)...).wantsText(t, c.code, "", c.says)
		})
	}
}

func TestSendEndsWhenToldTo(t *testing.T) {
	s := startServer(t)
	c := s.connect("42")
	cmd := exec.Command(binary(t), "send", "--socket", s.socket, "--user", "42")
	cmd.Env = environment()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	if _, err := stdin.Write([]byte("typed\n")); err != nil {
		t.Fatal(err)
	}
	c.hears(`"typed"`) // though more may come
	cmd.Process.Signal(syscall.SIGINT)
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != exitCanceled {
		t.Errorf("exit code %d", code)
	}
}
