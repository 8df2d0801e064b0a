package handshake_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/molva-ws/molva/handshake"
)

// extensionCases are headers by the grammar of RFC 6455 §9.1, and what they
// read as when written again; "" for an error.
var extensionCases = []struct {
	name  string
	lines []string
	want  string
}{
	{"one token", []string{"foo"}, "foo"},
	{"two in a line", []string{"foo, bar"}, "foo, bar"},
	{"two in two lines", []string{"foo", "bar"}, "foo, bar"},
	{"repeated offer", []string{"foo; a, foo"}, "foo; a, foo"},
	{"example of the RFC", []string{`bar; baz=2`, "foo"}, "bar; baz=2, foo"},
	{"parameters", []string{"foo; a; b=1; c=d"}, "foo; a; b=1; c=d"},
	{"repeated parameter", []string{"foo; a=1; a=2"}, "foo; a=1; a=2"},
	{"no space", []string{"foo;a=1;b,bar"}, "foo; a=1; b, bar"},
	{"much space", []string{" \tfoo \t; a = 1 ; b , bar\t"}, "foo; a=1; b, bar"},
	{"quoted token", []string{`foo; a="10"`}, "foo; a=10"},
	{"quoted pair", []string{`foo; a="1\0"`}, "foo; a=10"},
	{"quoted, then another", []string{`foo; a="10" , bar`}, "foo; a=10, bar"},
	{"every tchar", []string{"!#$%&'*+-.^_`|~09azAZ"}, "!#$%&'*+-.^_`|~09azAZ"},
	{"empty elements", []string{",foo,, bar,"}, "foo, bar"},
	{"an empty line among others", []string{"", "foo"}, "foo"},
	{"case is kept", []string{"Foo; A=B"}, "Foo; A=B"},

	{"nothing", []string{""}, ""},
	{"only commas", []string{" , ,"}, ""},
	{"no name", []string{"; a"}, ""},
	{"no parameter name", []string{"foo; "}, ""},
	{"no parameter name before a comma", []string{"foo; , bar"}, ""},
	{"no parameter name before a value", []string{"foo; =1"}, ""},
	{"no value", []string{"foo; a="}, ""},
	{"no value before a comma", []string{"foo; a=, bar"}, ""},
	{"two names", []string{"foo bar"}, ""},
	{"two values", []string{"foo; a=1 2"}, ""},
	{"value after a quoted one", []string{`foo; a="1"2`}, ""},
	{"value of a name", []string{"foo=1"}, ""},
	{"separator in a name", []string{"f/oo"}, ""},
	{"quoted name", []string{`"foo"`}, ""},
	{"quoted parameter name", []string{`foo; "a"`}, ""},
	{"quoted nothing", []string{`foo; a=""`}, ""},
	{"quoted space", []string{`foo; a="1 0"`}, ""},
	{"quoted comma", []string{`foo; a="1,0"`}, ""},
	{"quoted quote", []string{`foo; a="1\"0"`}, ""},
	{"quote that does not end", []string{`foo; a="10`}, ""},
	{"quote across lines", []string{`foo; a="10`, `"`}, ""},
	{"quote that ends escaped", []string{`foo; a="10\"`}, ""},
	{"quote that ends in a backslash", []string{`foo; a="10\`}, ""},
	{"control character", []string{"foo\x00"}, ""},
	{"line break", []string{"foo\r\nbar: 1"}, ""},
	{"beyond ASCII", []string{"f\xc3\xb6\xc3\xb6"}, ""},
	{"a bad line after a good one", []string{"foo", "bar;"}, ""},
}

func TestParseExtensionsFollowsTheGrammar(t *testing.T) {
	for _, test := range extensionCases {
		t.Run(test.name, func(t *testing.T) {
			extensions, err := handshake.ParseExtensions(test.lines)
			if test.want == "" {
				var malformed *handshake.HeaderError
				if !errors.As(err, &malformed) || extensions != nil {
					t.Fatalf("ParseExtensions(%q) = %v, %v; want a *HeaderError", test.lines, extensions, err)
				}
				return
			}
			if err != nil {
				t.Fatalf("ParseExtensions(%q): %v", test.lines, err)
			}
			if got := string(handshake.AppendExtensions(nil, extensions)); got != test.want {
				t.Errorf("ParseExtensions(%q) = %q, want %q", test.lines, got, test.want)
			}
		})
	}
}

func TestParseExtensionsKeepsEachExtensionsParameters(t *testing.T) {
	got, err := handshake.ParseExtensions([]string{"a; b; c=1, d", `e; f="2"`})
	want := []handshake.Extension{
		{Name: "a", Params: []handshake.Param{{Name: "b"}, {Name: "c", Value: "1"}}},
		{Name: "d"},
		{Name: "e", Params: []handshake.Param{{Name: "f", Value: "2"}}},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
}

func TestParseExtensionsWithoutHeaderIsEmpty(t *testing.T) {
	if got, err := handshake.ParseExtensions(nil); got != nil || err != nil {
		t.Errorf("ParseExtensions(nil) = %v, %v", got, err)
	}
}

func TestParseExtensionsBoundsTheirNumber(t *testing.T) {
	for _, test := range []struct {
		name string
		line string
		ok   bool
	}{
		{"32 extensions", strings.Repeat("a,", 32), true},
		{"33 extensions", strings.Repeat("a,", 33), false},
		{"64 parameters", "a" + strings.Repeat(";b", 64), true},
		{"65 parameters", "a" + strings.Repeat(";b", 65), false},
		{"65 parameters of two extensions", "a" + strings.Repeat(";b", 60) + ",a" + strings.Repeat(";b", 5), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := handshake.ParseExtensions([]string{test.line}); (err == nil) != test.ok {
				t.Errorf("error %v, want none: %t", err, test.ok)
			}
		})
	}
}

// hostileHeaders are the values that make careless parsers quadratic or greedy.
var hostileHeaders = map[string]func(n int) string{
	"commas":      func(n int) string { return strings.Repeat(",", n) },
	"semicolons":  func(n int) string { return "a" + strings.Repeat(";", n) },
	"parameters":  func(n int) string { return strings.Repeat("a;b=c,", n/6) },
	"backslashes": func(n int) string { return `a;b="` + strings.Repeat(`\\`, n/2) },
	"quotes":      func(n int) string { return `a;b=` + strings.Repeat(`"`, n) },
	"spaces":      func(n int) string { return strings.Repeat(" ", n) + `"` },
	"one token":   func(n int) string { return strings.Repeat("a", n) },
}

func TestParsersAreLinearOnHostileHeaders(t *testing.T) {
	for name, header := range hostileHeaders {
		t.Run(name, func(t *testing.T) {
			small, large := parseTime(header(1<<13)), parseTime(header(1<<17))
			// Sixteen times the input: 16 if linear, 256 if quadratic.
			if limit := 64*small + time.Millisecond; large > limit {
				t.Errorf("8 KiB take %v, 128 KiB take %v", small, large)
			}
		})
	}
}

// parseTime returns the best of a few runs, the one least disturbed.
func parseTime(value string) time.Duration {
	best := time.Hour
	for range 20 {
		start := time.Now()
		_, _ = handshake.ParseExtensions([]string{value})
		_, _ = handshake.ParseSubprotocols([]string{value})
		best = min(best, time.Since(start))
	}
	return best
}

func TestParseExtensionsAllocatesLittleForHostileHeaders(t *testing.T) {
	for name, header := range hostileHeaders {
		t.Run(name, func(t *testing.T) {
			lines := []string{header(1 << 16)}
			allocations := testing.AllocsPerRun(1, func() { _, _ = handshake.ParseExtensions(lines) })
			if allocations > 20 {
				t.Errorf("64 KiB of header take %v allocations", allocations)
			}
		})
	}
}

func BenchmarkParseExtensions(b *testing.B) {
	lines := []string{"permessage-deflate; client_max_window_bits"}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := handshake.ParseExtensions(lines); err != nil {
			b.Fatal(err)
		}
	}
}
