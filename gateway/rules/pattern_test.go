package rules_test

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/molva-ws/molva/gateway/rules"
)

func TestPatternMatches(t *testing.T) {
	for _, tt := range []struct {
		pattern, user string
		yes, no       string // rooms, with a space between them
	}{
		{"lobby", "", "lobby", "lobb lobby2 Lobby lobby. .lobby"},
		{"chat.*", "", "chat.cats chat.1 chat.кот chat.$", "chat chat. chat.cats.old xchat.cats chat..a"},
		{"*", "", "lobby кот", "a.b . $stats"},
		{"**", "", "lobby a.b . a..b", "$stats $"},
		{"chat.**", "", "chat.cats chat.cats.old chat..", "chat chat."},
		{"*.old", "", "chat.old", "chat.cats.old .old old"},
		{"**.old", "", "chat.old chat.cats.old .old.old", ".old old chat.older"},
		{"a*b*c", "", "axbxc abbbbc axbcbxc axbcc", "abc axbc abxc axb.xc a.bxc"},
		{"*.*.z", "", "a.b.z aa.bb.z", "a.z a.b.c.z a..z"},
		{"**a*.b", "", "xa1.b x.a1.b xa1.ba1.b aaa.b", "a1.b xa.b xa1.bb aa.b"},
		{"user.{user}", "42", "user.42", "user.4 user.421 user. user.{user}"},
		{"user.{user}", "", "", "user. user.42 user.{user}"},
		{"user.{user}", "a@b.example", "user.a@b.example", "user.a@b"},
		{"user.{user}", "*", "user.*", "user.42"},
		{"{user}.*", "7", "7.inbox", "7 7. 8.inbox 7.a.b"},
		{"pair.*.{user}", "7", "pair.6.7 pair.77.7", "pair.7 pair.7.77 pair.6.8"},
		{"{user}-{user}", "ab", "ab-ab", "ab- ab-abc"},
		{"$stats", "", "$stats", "stats $stat"},
		{"$*", "", "$stats", "stats $"},
	} {
		p, err := rules.ParsePattern(tt.pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, room := range strings.Fields(tt.yes) {
			if !p.Match(room, tt.user) {
				t.Errorf("%s is not %s, for %q", room, p, tt.user)
			}
		}
		for _, room := range strings.Fields(tt.no) {
			if p.Match(room, tt.user) {
				t.Errorf("%s is %s, for %q", room, p, tt.user)
			}
		}
		if p.Match("", tt.user) {
			t.Errorf("no room is %s", p)
		}
	}
}

func TestPatternRefused(t *testing.T) {
	for _, text := range []string{
		"", "***", "a.***", "{", "}", "{users}", "{user", "user}", "{User}", "{}", "{user}*", "*{user}", "**{user}",
		"a\nb", "a\xff", strings.Repeat("a", 257), "a{user}**",
	} {
		_, err := rules.ParsePattern(text)
		var bad *rules.PatternError
		if !errors.As(err, &bad) || bad.Pattern != text || bad.Reason == "" {
			t.Errorf("%q: %v", text, err)
		}
		if err != nil && len(err.Error()) > 600 {
			t.Errorf("the error has %d bytes", len(err.Error()))
		}
		if new(rules.Pattern).UnmarshalText([]byte(text)) == nil {
			t.Errorf("%q can be read as a text", text)
		}
	}
	var none rules.Pattern
	if none.Match("lobby", "42") || none.Match("", "") {
		t.Error("the zero pattern matches")
	}
}

func TestMatchingAllocatesNothing(t *testing.T) {
	texts := []string{"chat.*", "user.{user}", "a*b*c**d", "**.end"}
	patterns := make([]rules.Pattern, len(texts))
	for i, text := range texts {
		if err := patterns[i].UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	found := 0
	allocs := testing.AllocsPerRun(100, func() {
		for i := range patterns {
			if patterns[i].Match("user.42", "42") || rules.Match(texts[i], "axbx.cx.d.end", "42") {
				found++
			}
		}
	})
	if allocs != 0 || found == 0 {
		t.Errorf("%v allocations, %d found", allocs, found)
	}
}

// oracle is a pattern as a regular expression, for a user.
func oracle(pattern, user string) *regexp.Regexp {
	var b strings.Builder
	for left := pattern; left != ""; {
		switch {
		case strings.HasPrefix(left, "{user}"):
			b.WriteString(regexp.QuoteMeta(user))
			left = left[len("{user}"):]
		case strings.HasPrefix(left, "**"):
			b.WriteString(".+")
			left = left[2:]
		case left[0] == '*':
			b.WriteString("[^.]+")
			left = left[1:]
		default:
			n := strings.IndexAny(left+"*", "*{")
			b.WriteString(regexp.QuoteMeta(left[:n]))
			left = left[n:]
		}
	}
	return regexp.MustCompile("^(?s:" + b.String() + ")$")
}

// FuzzPattern: whatever text is a pattern means what the regular expression means.
func FuzzPattern(f *testing.F) {
	f.Add("chat.*", "chat.cats", "42")
	f.Add("user.{user}", "user.42", "42")
	f.Add("**a*.b*c**", "xa1.b1ca.b.c..", "a")
	f.Add("*a*b*", "xaxabxb", ".")
	f.Add("$*.{user}", "$x.7", "7")
	f.Fuzz(func(t *testing.T, pattern, room, user string) {
		p, err := rules.ParsePattern(pattern)
		if err != nil || !utf8.ValidString(user) || !utf8.ValidString(room) {
			return
		}
		if p.String() != pattern {
			t.Fatalf("%q is shown as %q", pattern, p)
		}
		want := oracle(pattern, user).MatchString(room)
		switch {
		case strings.HasPrefix(room, "$") && !strings.HasPrefix(pattern, "$"):
			want = false
		case strings.Contains(pattern, "{user}") && user == "":
			want = false
		}
		if rules.Match(pattern, room, user) != p.Match(room, user) {
			t.Fatalf("%q is %q for %q, or not: it depends on who is asked", room, pattern, user)
		}
		if got := p.Match(room, user); got != want {
			t.Fatalf("%q is %q for %q: %v; want %v", room, pattern, user, got, want)
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	for _, pattern := range []string{"lobby", "chat.*", "user.{user}", "**.old"} {
		b.Run(fmt.Sprint(pattern), func(b *testing.B) {
			p, err := rules.ParsePattern(pattern)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				p.Match("chat.cats.older", "42")
			}
		})
	}
}
