package main

import "testing"

func TestItIsKnownWhenGoRanTheProgram(t *testing.T) {
	const hash = "ae5f8bdce6d374150d41d89ca3c385645a9c1c2a397a56f4b644b8afa41e9661"
	for path, want := range map[string]bool{
		"/tmp/go-build2748117345/b001/exe/molva":                         true,
		"/home/me/.cache/go-build/ae/" + hash + "-d/molva":               true,
		"/cache/ae/" + hash + "-d/molva":                                 true,
		`C:\Users\me\AppData\Local\Temp\go-build1\b001\exe\molva.exe`:    true,
		`C:\Users\me\AppData\Local\go-build\ae\` + hash + `-d\molva.exe`: true,
		"./molva":                 false,
		"/usr/local/bin/molva":    false,
		"molva":                   false,
		"/home/me/go-build/molva": false,
		"/srv/" + hash + "/molva": false,
	} {
		if got := ranByGo.MatchString(path); got != want {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
}

func TestWordsAreQuotedForTheShellIfTheyNeedIt(t *testing.T) {
	for word, want := range map[string]string{
		"./molva":     "./molva",
		"/a b/molva":  "'/a b/molva'",
		"/it's/molva": `'/it'\''s/molva'`,
		"$HOME/molva": "'$HOME/molva'",
		"":            "''",
	} {
		if got := shellQuoted(word); got != want {
			t.Errorf("%q becomes %s, want %s", word, got, want)
		}
	}
}
