package hooks

import (
	"encoding/json"
	"strings"
	"testing"
)

// FuzzAnswer: whatever an application answers, what comes out are commands that may stand there, or errors.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"commands":[{"command":"join","conn":"c1","room":"r"},{"user":"a","message":{"b":1}}]}`))
	f.Add([]byte(`{"commands":[{"command":"disconnect","user":"a","code":4001}, null, 7, [], {"usr":"a"}]}`))
	f.Add([]byte(`{"join":true,"message":"x"}`))
	f.Add([]byte(`null`))
	f.Add([]byte(" \n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		if v, err := parseVerdict(body); err == nil && !json.Valid(body) {
			t.Fatalf("%q is taken for %v", body, v)
		}
		commands, err := parseAnswer(body)
		if err != nil || len(commands) == 0 {
			return
		}
		if !json.Valid(body) || len(commands) > mostCommands {
			t.Fatalf("%q is taken for %d commands", body, len(commands))
		}
		for _, raw := range commands {
			c, err := parseCommand(raw)
			if err != nil {
				continue
			}
			if !allowed[c.Command] || !strings.HasPrefix(strings.TrimSpace(string(raw)), "{") {
				t.Fatalf("%q is taken for the command %q", raw, c.Command)
			}
		}
	})
}
