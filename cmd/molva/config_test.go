//go:build unix

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/molva-ws/molva/internal/shortdir"
)

// broken are the files of the package config that have mistakes.
const broken = "../../gateway/config/testdata/broken/"

func TestConfigCheckNamesEveryMistake(t *testing.T) {
	files, err := filepath.Glob(broken + "*.toml")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	var want []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			// The paths in the files are seen from where they lie.
			if said, ok := strings.CutPrefix(line, "# => "); ok && !strings.Contains(said, "testdata/") {
				want = append(want, file+":"+said)
			}
		}
	}
	r := molvaRun(t, "", append([]string{"config", "check"}, files...)...)
	if r.code != 1 || r.errOut != "" {
		t.Errorf("exit code %d, stderr %q", r.code, r.errOut)
	}
	for _, line := range want {
		if !strings.Contains(r.out, line) {
			t.Errorf("%q is not said, but\n%s", line, r.out)
		}
	}
}

// file writes a file with settings.
func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(shortdir.New(t), "molva.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestConfigCheckIsContentWithWhatConfigPrints(t *testing.T) {
	printed := molvaRun(t, "", "config", "--max-conns", "5", "--origin", "*")
	printed.wantsText(t, 0, "\nconns = 5\n", "")
	path := file(t, printed.out)
	molvaRun(t, "", "config", "check", path).wantsText(t, 0, path+": no mistakes\n", "")
	again := molvaRun(t, "", "config", "--config", path)
	again.wantsText(t, 0, "here from "+path+", line ", "")
	if values(printed.out) != values(again.out) {
		t.Errorf("%s\nbecame\n%s", printed.out, again.out)
	}
}

func TestConfigCheckTakesTheEnvironmentAsServeDoes(t *testing.T) {
	path := file(t, "listen = [':8000']\nhooks.url = 'http://127.0.0.1/molva.php'\nauth.jwt.audience = ['chat']\n")
	for _, c := range []struct {
		name string
		env  []string
		args []string
		code int
		says string
	}{
		{"without secrets", nil, []string{path}, 1, path + ": hooks.secrets: there is none"},
		{"secrets in the environment", []string{"MOLVA_HOOKS_SECRET=" + firstSecret, "MOLVA_JWT_SECRET=" + firstSecret},
			[]string{path}, 0, path + ": no mistakes\n"},
		{"file in the environment", []string{"MOLVA_CONFIG=" + path, "MOLVA_HOOKS_SECRET=" + firstSecret, "MOLVA_OPEN=true"},
			nil, 0, path + ": no mistakes\n"},
		{"a mistake in the environment", []string{"MOLVA_MAX_CONNS=-1"}, []string{path}, 1, "MOLVA_MAX_CONNS: cannot be negative\n"},
		{"flags", nil, []string{"--open", "--hooks-secret", firstSecret, path}, 0, path + ": no mistakes\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := runCommand(t, "", c.env, binary(t), append([]string{"config", "check"}, c.args...)...)
			if r.code != c.code || !strings.Contains(r.out, c.says) || r.errOut != "" {
				t.Errorf("%+v", r)
			}
		})
	}
}

// values returns the lines that are no comments.
func values(text string) string {
	var all strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "#") {
			all.WriteString(line)
		}
	}
	return all.String()
}

func TestFlagsWinOverTheEnvironmentAndThatOverTheFile(t *testing.T) {
	path := file(t, "origins = ['https://file.example']\nhosts = ['file.example']\ndrain = '1s'\n[limits]\nconns = 1\nmessage = '1KiB'\n")
	env := []string{"MOLVA_CONFIG=" + path, "MOLVA_HOST=env.example,other.example", "MOLVA_DRAIN=2s", "MOLVA_MAX_CONNS=2"}
	r := runCommand(t, "", env, binary(t), "config", "--drain", "3s", "--max-conns", "3")
	r.wantsText(t, 0, "", "")
	for _, want := range []string{
		"here from " + path + ", line 1\norigins = [\"https://file.example\"]\n",
		"here from MOLVA_HOST\nhosts = [\"env.example\", \"other.example\"]\n",
		"here from --drain\ndrain = \"3s\"\n",
		"here from --max-conns\nconns = 3\n",
		"here from " + path + ", line 6\nmessage = \"1KiB\"\n",
		"here the default\nlisten = [\"127.0.0.1:8000\"]\n",
	} {
		if !strings.Contains(r.out, want) {
			t.Errorf("%q is not there:\n%s", want, r.out)
		}
	}
}

func TestConfigSaysWhereAMistakeIs(t *testing.T) {
	path := file(t, "[limits]\nconns = -1\n")
	for _, c := range []struct {
		name string
		env  string
		args []string
		code int
		says string
	}{
		{"file", "", []string{"config", "--config", path}, 1, "molva: " + path + ":2: limits.conns: cannot be negative\n"},
		{"file for serve", "", []string{"serve", "--config", path}, 1, path + ":2: limits.conns: cannot be negative\n"},
		{"environment", "MOLVA_MAX_CONNS=-1", []string{"config"}, 2, "molva: MOLVA_MAX_CONNS: cannot be negative\n"},
		{"flag", "MOLVA_MAX_CONNS=-1", []string{"serve", "--max-conns=-2"}, 2, "molva: --max-conns: cannot be negative\n"},
		{"no file", "", []string{"serve", "--config", path + "x"}, 1, path + "x: cannot be read: no such file or directory\n"},
		{"no file to check", "", []string{"config", "check"}, 2, "no file is given"},
		{"key in the environment", "MOLVA_KEY=short", []string{"serve"}, 2, "molva: MOLVA_KEY: a key has at least 16"},
	} {
		t.Run(c.name, func(t *testing.T) {
			runCommand(t, "", []string{c.env}, binary(t), c.args...).wantsText(t, c.code, "", c.says)
		})
	}
}

func TestServeDoesWhatTheFileSays(t *testing.T) {
	path := file(t, `keys = ["0123456789abcdef-file"]
origins = ["https://app.example"]
[limits]
conns_per_user = 1
rooms = 7
`)
	s := startServer(t, "--config", path)
	if s.key != "" {
		t.Error("it makes a key, although there is one")
	}
	molvaRun(t, "", "send", "--url", s.url, "--key", "0123456789abcdef-file", "--all", "hi").wantsText(t, 0, "reached nobody", "")
	first := s.connect("42")
	if status := s.handshake("user=42", "https://app.example"); status != 429 {
		t.Errorf("a second connection of a user: %d, want 429", status)
	}
	if status := s.handshake("user=43", "https://app.example"); status != 101 {
		t.Errorf("another user from that origin: %d", status)
	}
	if status := s.handshake("user=44", "https://other.example"); status != 403 {
		t.Errorf("from another origin: %d", status)
	}
	for i := range 8 {
		first.conn.Write(t.Context(), textf(`{"type":"join","room":"r%d","ack":%d}`, i, i+1))
		if answer := first.next(); (answer.Type == "ok") != (i < 7) {
			t.Errorf("room %d: %+v", i, answer)
		}
	}
}

func TestADryRunOnlyTriesTheLimits(t *testing.T) {
	s := startServer(t, "--dry-run", "--max-conns-per-address", "1", "--max-conns-per-user", "1")
	for range 3 {
		s.connect("42")
	}
	metrics := get(t, s.url+"/metrics")
	for _, want := range []string{`molva_spared_total{limit="addr"} 2`, `molva_spared_total{limit="user"} 2`} {
		if !strings.Contains(metrics, want) {
			t.Errorf("%s is not in the metrics", want)
		}
	}
	s.until("a client would have been refused")
}
