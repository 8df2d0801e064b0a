package config

import (
	"reflect"
	"slices"
)

// Change is what became of a key when the file was read again.
type Change struct {
	Key      string
	From, To string // as they stand in a file; secrets are masked
	Live     bool   // it takes effect at once; otherwise at the next start
}

// Changes returns what is otherwise in s than in the settings that the server runs with.
func (s *Settings) Changes(running *Settings) []Change {
	var changes []Change
	for _, k := range Keys() {
		from, to := k.in(&running.Config), k.in(&s.Config)
		if reflect.DeepEqual(from.Interface(), to.Interface()) {
			continue
		}
		changes = append(changes, Change{Key: k.Path, From: show(&k, from), To: show(&k, to), Live: k.Live})
	}
	if slices.Equal(s.KeyFiles, running.KeyFiles) && !slices.Equal(s.keys[len(s.Keys):], running.keys[len(running.Keys):]) {
		changes = append(changes, Change{Key: "key_files", From: "other keys", To: "the keys that are there now", Live: true})
	}
	return changes
}

// Adopt returns the settings that the server runs with once it has taken over from s what takes effect at once.
func (s *Settings) Adopt(running *Settings) *Settings {
	adopted := *s
	for _, k := range Keys() {
		if !k.Live {
			k.in(&adopted.Config).Set(k.in(&running.Config))
		}
	}
	return &adopted
}
