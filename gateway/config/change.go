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
		if !sameValue(from, to) {
			changes = append(changes, Change{Key: k.Path, From: show(&k, from), To: show(&k, to), Live: s.takes(&k, running)})
		} else if s.readOtherwise(&k, running) {
			const before, after = "what was in it", "what is in it now"
			changes = append(changes, Change{Key: k.Path, From: before, To: after, Live: s.takes(&k, running)})
		}
	}
	return changes
}

// sameValue reports whether two values of a key are the same. No list is the same as an empty one.
func sameValue(a, b reflect.Value) bool {
	if a.Kind() == reflect.Slice && a.Len() == 0 && b.Len() == 0 {
		return true
	}
	return reflect.DeepEqual(a.Interface(), b.Interface())
}

// readOtherwise reports whether a file that a key names has other content.
func (s *Settings) readOtherwise(k *Key, running *Settings) bool {
	switch k.Path {
	case "key_files":
		return !slices.Equal(s.keys[len(s.Keys):], running.keys[len(running.Keys):])
	case "auth.jwt.secret_file":
		return s.jwtSecret != running.jwtSecret
	}
	return false
}

// takes reports whether a change of a key takes effect at once. Some do not while something else is as it is until the
// next start: the header of a proxy does not go with TLS, and a message that no outbox holds would reach nobody.
func (s *Settings) takes(k *Key, running *Settings) bool {
	switch k.Path {
	case "proxy_protocol":
		return !s.ProxyProtocol || !running.TLS.On()
	case "limits.send_message":
		return s.Limits.SendMessage <= running.Limits.Outbox
	}
	return k.Live
}

// adopt returns the settings that the server runs with once it has taken over from s what takes effect at once.
func (s *Settings) adopt(running *Settings) *Settings {
	adopted := *s
	for _, k := range Keys() {
		if !s.takes(&k, running) {
			k.in(&adopted.Config).Set(k.in(&running.Config))
		}
	}
	return &adopted
}
