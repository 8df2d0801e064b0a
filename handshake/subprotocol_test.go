package handshake_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/molva-ws/molva/handshake"
)

func TestParseSubprotocolsFollowsTheGrammar(t *testing.T) {
	for _, test := range []struct {
		name  string
		lines []string
		want  []string // nil for an error
	}{
		{"one", []string{"chat"}, []string{"chat"}},
		{"two in a line", []string{"chat, superchat"}, []string{"chat", "superchat"}},
		{"two in two lines", []string{"chat", "superchat"}, []string{"chat", "superchat"}},
		{"no space", []string{"a,b"}, []string{"a", "b"}},
		{"much space", []string{" a\t,\t b "}, []string{"a", "b"}},
		{"empty elements", []string{",a,,b,"}, []string{"a", "b"}},
		{"a version in the name", []string{"v12.stomp"}, []string{"v12.stomp"}},
		{"64", []string{strings.Repeat("a,", 64)}, slices.Repeat([]string{"a"}, 64)},
		{"65", []string{strings.Repeat("a,", 65)}, nil},
		{"nothing", []string{""}, nil},
		{"only commas", []string{",,"}, nil},
		{"two names", []string{"a b"}, nil},
		{"separator", []string{"a/b"}, nil},
		{"quoted", []string{`"a"`}, nil},
		{"line break", []string{"a\r\nb"}, nil},
		{"beyond ASCII", []string{"чат"}, nil},
		{"a bad one after a good one", []string{"a", "b c"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := handshake.ParseSubprotocols(test.lines)
			var malformed *handshake.HeaderError
			if test.want == nil && !errors.As(err, &malformed) || test.want != nil && err != nil {
				t.Fatalf("ParseSubprotocols(%q): %v", test.lines, err)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("ParseSubprotocols(%q) = %q, want %q", test.lines, got, test.want)
			}
		})
	}
}

func TestChooseSubprotocolGoesByTheServersPreference(t *testing.T) {
	for _, test := range []struct {
		name               string
		supported, offered []string
		want               string
	}{
		{"the only one", []string{"a"}, []string{"a"}, "a"},
		{"the server's first", []string{"b", "a"}, []string{"a", "b"}, "b"},
		{"the first in common", []string{"c", "a"}, []string{"a", "b"}, "a"},
		{"none in common", []string{"c"}, []string{"a", "b"}, ""},
		{"none offered", []string{"a"}, nil, ""},
		{"none supported", nil, []string{"a"}, ""},
		{"another case", []string{"Chat"}, []string{"chat"}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := handshake.ChooseSubprotocol(test.supported, test.offered); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
