package config

import (
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the reference in docs/config.md")

// The lines between which the reference stands.
const (
	referenceBegin = "<!-- reference: written by go test ./gateway/config -update -->\n"
	referenceEnd   = "<!-- end -->\n"
)

func TestTheDocumentationHasEveryKey(t *testing.T) {
	const file = "../../docs/config.md"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), referenceBegin)
	written, after, ok2 := strings.Cut(rest, referenceEnd)
	if !ok || !ok2 {
		t.Fatal("the reference has no beginning or no end")
	}
	if *update {
		written = Reference()
		if err := os.WriteFile(file, []byte(before+referenceBegin+written+referenceEnd+after), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if written != Reference() {
		t.Error("the reference is not what the keys are now; go test ./gateway/config -update writes it")
	}
}

func TestTheExampleInTheDocumentationIsGood(t *testing.T) {
	text, err := os.ReadFile("../../docs/config.md")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, part := range strings.Split(string(text), "```toml\n")[1:] {
		example, _, _ := strings.Cut(part, "```")
		d, err := parse("example", []byte(strings.ReplaceAll(example, "/etc/molva/keys", "testdata/keys")))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := new(Loader).bind(d); err != nil {
			t.Errorf("%v in\n%s", err, example)
		}
		n++
	}
	if n == 0 {
		t.Error("there is no example")
	}
}
