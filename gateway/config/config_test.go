package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/molva-ws/molva/internal/bytesize"
)

// wantLines returns what the comments at the end of a broken file say should be said about it.
func wantLines(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for line := range strings.Lines(string(text)) {
		if said, ok := strings.CutPrefix(line, "# => "); ok {
			want = append(want, file+":"+strings.TrimSuffix(said, "\n"))
		}
	}
	return want
}

func TestEveryMistakeOfAFileIsNamed(t *testing.T) {
	files, err := filepath.Glob("testdata/broken/*.toml")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		l := Loader{File: file}
		_, err := l.Load()
		var wrong Problems
		if !errors.As(err, &wrong) {
			t.Errorf("%s: no problems, but %v", file, err)
			continue
		}
		if want := strings.Join(wantLines(t, file), "\n"); wrong.Error() != want {
			t.Errorf("said:\n%s\nwant:\n%s", wrong, want)
		}
	}
}

func TestAFileThatIsNotThereIsAProblem(t *testing.T) {
	l := Loader{File: "testdata/none.toml"}
	_, err := l.Load()
	if err == nil || err.Error() != "testdata/none.toml: cannot be read: no such file or directory" {
		t.Error(err)
	}
}

func TestEveryKeyIsDescribedAndItsDefaultIsGood(t *testing.T) {
	paths, flags := make(map[string]bool), make(map[string]bool)
	c := Default()
	for _, k := range Keys() {
		if _, name := k.table(); name == "" || strings.Contains(name, ".") || paths[k.Path] {
			t.Errorf("%q is no path", k.Path)
		}
		if k.Flag != "" && flags[k.Flag] {
			t.Errorf("%s: another has the flag --%s", k.Path, k.Flag)
		}
		paths[k.Path], flags[k.Flag] = true, true
		if !strings.HasSuffix(k.Help, ".") {
			t.Errorf("%s: %q is no sentence", k.Path, k.Help)
		}
		if text := checkTags(k.in(c), k.tag); text != "" {
			t.Errorf("%s: the default %s", k.Path, text)
		}
		if k.Default != "" && setText(reflect.New(k.typ).Elem(), k.Default) != nil {
			t.Errorf("%s: the default %q cannot be set", k.Path, k.Default)
		}
		if k.Secret && k.typ.Kind() != reflect.String && k.typ != reflect.TypeFor[[]string]() {
			t.Errorf("%s: a %v cannot be masked", k.Path, k.typ)
		}
	}
	if _, err := new(Loader).Load(); err != nil {
		t.Errorf("nothing at all is not good: %v", err)
	}
}

// other returns a value that a key does not have by default.
func other(k *Key, v reflect.Value) {
	switch target := v.Addr().Interface().(type) {
	case *bool:
		*target = !*target
	case *int:
		*target = *target + 1
	case *float64:
		*target = *target + 0.25
	case *time.Duration:
		*target = *target + time.Second
	case *bytesize.Size:
		*target = *target + 1
	case *string:
		switch *target = "a \"b\"\\\n\x01ü'"; {
		case len(k.Values) > 0:
			*target = k.Values[len(k.Values)-1]
		case k.Address:
			*target = "https://app.example.com:8443/a%20b"
		}
	case *[]Room:
		*target = []Room{{Room: "a.*"}, {Room: "b\"", Join: "anyone", Publish: "nobody", Direct: true, Presence: true,
			Message: 5, Rate: 0.5, Burst: 3, Slow: "latest"}}
	case *[]string:
		*target = []string{"a\tb", "", "'''"}
	default:
		if setText(v, "warn") != nil {
			v.Set(reflect.Zero(v.Type()))
		}
	}
}

func TestWhatIsPrintedReadsTheSame(t *testing.T) {
	s := &Settings{Config: *Default(), sources: map[string]Source{}}
	for _, k := range Keys() {
		if !k.Secret {
			other(&k, k.in(&s.Config))
		}
	}
	var printed strings.Builder
	if err := s.Print(&printed); err != nil {
		t.Fatal(err)
	}
	d, err := parse("printed", []byte(printed.String()))
	if err != nil {
		t.Fatalf("%v\n%s", err, printed.String())
	}
	b := &binder{document: d, set: make(map[string]bool)}
	var again Config
	b.table("", d.values, reflect.ValueOf(&again).Elem())
	for _, k := range Keys() {
		if !b.set[k.Path] {
			t.Errorf("%s is not printed", k.Path)
		}
		if want, got := k.in(&s.Config).Interface(), k.in(&again).Interface(); !reflect.DeepEqual(got, want) && !k.Secret {
			t.Errorf("%s: %#v, want %#v", k.Path, got, want)
		}
		if !strings.Contains(printed.String(), strings.Split(wrapped(k.Help, 100), "\n")[0]) {
			t.Errorf("what %s is does not stand there", k.Path)
		}
	}
}

func TestSecretsAreNotPrinted(t *testing.T) {
	const secret = "0123456789abcdef-secret"
	s, err := new(Loader).load([]byte(`keys = ["` + secret + `"]`))
	if err != nil {
		t.Fatal(err)
	}
	var printed strings.Builder
	s.Print(&printed)
	changes, _ := json.Marshal(s.Changes(&Settings{Config: *Default()}))
	for _, text := range []string{printed.String(), string(changes)} {
		if strings.Contains(text, secret) || !strings.Contains(text, masked) {
			t.Error(text)
		}
	}
	for _, text := range []string{`keys = "` + secret + `"`, `keys = ["` + secret + ` "]`, `keys = ["` + secret} {
		if _, err := new(Loader).load([]byte(text)); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if goodKey(masked) {
		t.Error("the mask is taken for a key")
	}
}

func TestWhatMayBeSecretInAnAddressIsNotPrinted(t *testing.T) {
	for address, want := range map[string]string{
		"http://app:geheim@localhost:8080/who?key=geheim": "http://********@localhost:8080/who?********",
		"http://geheim@localhost/":                        "http://********@localhost/",
		"https://app.example.com/who":                     "https://app.example.com/who",
		"":                                                "",
		"http://%zz/?geheim":                              masked,
	} {
		s := &Settings{Config: *Default()}
		s.Auth.Application.URL, s.Hooks.URL, s.Hooks.AskURL, s.Auth.JWT.JWKSURL = address, address, address, address
		var printed strings.Builder
		s.Print(&printed)
		if n := strings.Count(printed.String(), "url = "+quote(want)+"\n"); n != 4 || strings.Contains(printed.String(), "geheim") {
			t.Errorf("%s is printed %d times as %s; want 4", address, n, want)
		}
		for _, change := range s.Changes(&Settings{Config: *Default()}) {
			if change.To != quote(want) {
				t.Errorf("%+v", change)
			}
		}
	}
}

func TestAFileMayBeginAndEndItsLinesAsOnWindows(t *testing.T) {
	s, err := new(Loader).load([]byte("\ufefflisten = ['127.0.0.1:1']\r\n[limits]\r\nconns = 5\r\n"))
	if err != nil || s.Listen[0] != "127.0.0.1:1" || s.Limits.Conns != 5 || s.Source("limits.conns").Line != 3 {
		t.Errorf("%v, %+v", err, s)
	}
}

func TestNoFileIsReadWithoutEnd(t *testing.T) {
	huge := filepath.Join(t.TempDir(), "huge")
	if err := os.WriteFile(huge, make([]byte, maxFile+1), 0o600); err != nil {
		t.Fatal(err)
	}
	for key, text := range map[string]string{
		"key_files":            "key_files = [%q]",
		"auth.jwt.secret_file": "auth.jwt.secret_file = %q",
		"auth.jwt.key_file":    "auth.jwt.key_file = %q",
		"tls.cert":             "tls.cert = %[1]q\ntls.key = %[1]q",
		"tls.acme_roots":       "tls.acme = ['a.example.com']\ntls.acme_cache = 'x'\ntls.acme_roots = %q",
	} {
		_, err := new(Loader).load(fmt.Appendf(nil, text, huge))
		var wrong Problems
		if !errors.As(err, &wrong) || len(wrong) != 1 || wrong[0].Key != key || !strings.Contains(wrong[0].Text, "larger than") {
			t.Errorf("%s: %v", key, err)
		}
	}
	l := Loader{File: huge}
	if _, err := l.Load(); err == nil || !strings.Contains(err.Error(), huge+": is larger than") {
		t.Error(err)
	}
}

func TestListsOfTheEnvironmentMayHaveSpaces(t *testing.T) {
	l := Loader{Given: Config{Hosts: []string{"a.example.com", " b.example.com "}}, By: map[string]From{"hosts": FromEnvironment}}
	s, err := l.Load()
	if err != nil || !slices.Equal(s.Hosts, []string{"a.example.com", "b.example.com"}) {
		t.Errorf("%v, %+v", err, s)
	}
}

func TestKeysComeFromFilesToo(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys")
	os.WriteFile(file, []byte("# the old one\n0123456789abcdef-old\n\n  0123456789abcdef-new  \n"), 0o600)
	l := Loader{Given: Config{KeyFiles: []string{file}}, By: map[string]From{"key_files": FromFlag}}
	s, err := l.load([]byte(`keys = ["0123456789abcdef-own"]`))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"0123456789abcdef-own", "0123456789abcdef-old", "0123456789abcdef-new"}
	if got := s.APIKeys(); !reflect.DeepEqual(got, want) {
		t.Errorf("%q", got)
	}
	os.WriteFile(file, []byte("0123456789abcdef-newest\n"), 0o600)
	next, err := l.load([]byte(`keys = ["0123456789abcdef-own"]`))
	if err != nil {
		t.Fatal(err)
	}
	if changes := next.Changes(s); len(changes) != 1 || changes[0].Key != "key_files" || !changes[0].Live {
		t.Errorf("%+v", changes)
	}
}

func TestOnlyWhatMayChangesWhileItRuns(t *testing.T) {
	running, err := new(Loader).load([]byte("listen = ['127.0.0.1:1']\norigins = ['*']"))
	if err != nil {
		t.Fatal(err)
	}
	next, err := new(Loader).load([]byte("listen = ['127.0.0.1:2']\nhosts = ['example.com']\nlog.level = 'debug'"))
	if err != nil {
		t.Fatal(err)
	}
	want := []Change{
		{Key: "listen", From: `["127.0.0.1:1"]`, To: `["127.0.0.1:2"]`},
		{Key: "origins", From: `["*"]`, To: `[]`, Live: true},
		{Key: "hosts", From: `[]`, To: `["example.com"]`, Live: true},
		{Key: "log.level", From: `"info"`, To: `"debug"`, Live: true},
	}
	if got := next.Changes(running); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	adopted := next.adopt(running)
	if changes := next.Changes(adopted); len(changes) != 1 || changes[0].Key != "listen" {
		t.Errorf("what waits for a restart: %+v", changes)
	}
	if adopted.Listen[0] != "127.0.0.1:1" || next.Listen[0] != "127.0.0.1:2" {
		t.Error("it would listen elsewhere")
	}
}

func FuzzLoad(f *testing.F) {
	files, _ := filepath.Glob("testdata/broken/*.toml")
	for _, file := range files {
		text, _ := os.ReadFile(file)
		f.Add(text)
	}
	f.Add([]byte("[[limits]]\n[limits.conns]\n[[a.b]]\n[a.b.c]\nx={y=[{z=1}]}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := new(Loader).load(text)
		var wrong Problems
		if err != nil && !errors.As(err, &wrong) {
			t.Fatalf("%T: %v", err, err)
		}
		for _, p := range wrong {
			if p.Line == 0 {
				t.Errorf("a mistake without a line: %v", p)
			}
		}
		if err == nil {
			if changes := s.Changes(s); len(changes) > 0 {
				t.Errorf("%+v", changes)
			}
		}
	})
}
