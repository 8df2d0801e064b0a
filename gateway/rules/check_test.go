package rules_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/molva-ws/molva/gateway/rules"
)

func TestCheckFindsWhatIsWrongWithPatterns(t *testing.T) {
	for _, tt := range []struct {
		rooms string // with a space between them
		want  error
		by    int
	}{
		{"chat.* user.{user} ** ", nil, 0},
		{"** chat.*", rules.ErrShadowed, 0},
		{"chat.* chat.cats", rules.ErrShadowed, 0},
		{"lobby chat.* chat.c*", rules.ErrShadowed, 1},
		{"chat.** chat.*.old", rules.ErrShadowed, 0},
		{"user.* user.{user}", rules.ErrShadowed, 0},
		{"user.** user.{user}", rules.ErrShadowed, 0},
		{"**.* *.*", rules.ErrShadowed, 0},
		{"a*c abc", rules.ErrShadowed, 0},
		{"$* $stats", rules.ErrShadowed, 0},
		{"user.{user} user.*", nil, 0},
		{"user.{user} user.42", nil, 0},
		{"chat.cats chat.*", nil, 0},
		{"chat.* chat.**", nil, 0},
		{"chat.* chat.*.old", nil, 0},
		{"chat.* chat.", nil, 0},
		{"a*c ac", nil, 0},
		{"*a ba* ", nil, 0},
		{"** $stats", nil, 0},
		{"$* **", nil, 0},
		{"lobby lobby", rules.ErrDuplicate, 0},
		{"lobby user.{user} ** user.{user}", rules.ErrDuplicate, 1},
		{"$mine", rules.ErrNeverMatches, -1},
		{"$**.x", rules.ErrNeverMatches, -1},
		{strings.Repeat("n", 129), rules.ErrNeverMatches, -1},
		{"*" + strings.Repeat("n", 128), rules.ErrNeverMatches, -1},
		{strings.Repeat("n", 128), nil, 0},
		{"a.***", rules.ErrPattern, -1},
		{"a.*** a.***", rules.ErrPattern, -1}, // of both
	} {
		var o rules.Options
		for _, room := range strings.Fields(tt.rooms) {
			o.Rules = append(o.Rules, rules.Rule{Room: room})
		}
		found := o.Check()
		if tt.want == nil {
			if len(found) > 0 {
				t.Errorf("%s: %v", tt.rooms, found)
			}
			continue
		}
		last := len(o.Rules) - 1
		if len(found) == 0 {
			t.Errorf("%s: nothing was found", tt.rooms)
			continue
		}
		if e := found[len(found)-1]; !errors.Is(e, tt.want) || e.Index != last || e.By != tt.by || e.Field != "Room" {
			t.Errorf("%s: %+v; want %v of rule %d by %d", tt.rooms, e, tt.want, last, tt.by)
		}
	}
	found := rules.Options{Rules: []rules.Rule{{Room: "{me}"}}}.Check()
	var bad *rules.PatternError
	if len(found) != 1 || !errors.As(found[0], &bad) || bad.Pattern != "{me}" {
		t.Errorf("the reason is lost: %v", found)
	}
}

func TestCheckFindsWhatIsWrongWithSettings(t *testing.T) {
	for _, tt := range []struct {
		rule  rules.Rule
		field string
	}{
		{rules.Rule{Join: "everyone"}, "Join"},
		{rules.Rule{Publish: rules.Ask}, "Publish"},
		{rules.Rule{Publish: "Anyone"}, "Publish"},
		{rules.Rule{Slow: "drop"}, "Slow"},
		{rules.Rule{Message: -1}, "Message"},
		{rules.Rule{Rate: -1}, "Rate"},
		{rules.Rule{Rate: math.NaN()}, "Rate"},
		{rules.Rule{Rate: math.Inf(1)}, "Rate"},
		{rules.Rule{Rate: 1, Burst: -1}, "Burst"},
		{rules.Rule{Burst: 1}, "Burst"},
		{rules.Rule{Join: rules.Nobody, Publish: rules.Anyone}, "Join"},
		{rules.Rule{Join: rules.Nobody, Direct: true}, "Join"},
		{rules.Rule{Join: rules.Nobody, Presence: true}, "Join"},
	} {
		tt.rule.Room = "r"
		found := rules.Options{Rules: []rules.Rule{{Room: "other"}, tt.rule}}.Check()
		if len(found) != 1 || found[0].Index != 1 || found[0].Field != tt.field || !errors.Is(found[0], rules.ErrSetting) {
			t.Errorf("%+v: %v", tt.rule, found)
			continue
		}
		if text := found[0].Error(); !strings.HasPrefix(text, "rules: rule 2, "+strings.ToLower(tt.field)+": ") {
			t.Error(text)
		}
	}
	for _, tt := range []struct {
		options rules.Options
		field   string
	}{
		{rules.Options{Direct: rules.Granted}, "Direct"},
		{rules.Options{Direct: "x"}, "Direct"},
		{rules.Options{Name: -1}, "Name"},
		{rules.Options{AskTimeout: -1}, "AskTimeout"},
	} {
		found := tt.options.Check()
		if len(found) != 1 || found[0].Index != -1 || found[0].Field != tt.field {
			t.Errorf("%+v: %v", tt.options, found)
		}
	}
}

// spell makes a text of a few signs, so that patterns and rooms often meet.
func spell(raw []byte, signs ...string) string {
	var b strings.Builder
	for _, c := range raw {
		b.WriteString(signs[int(c)%len(signs)])
	}
	return b.String()
}

// FuzzCover: if a rule is said to be shadowed, there is no room that would show the contrary.
func FuzzCover(f *testing.F) {
	f.Add([]byte{0, 2, 3}, []byte{0, 2, 0, 3}, []byte{0, 2, 0, 1})
	f.Add([]byte{4, 2, 3}, []byte{3, 2, 3}, []byte{0, 2, 1})
	f.Add([]byte{0, 2, 3}, []byte{0, 2, 5}, []byte{0, 2, 0, 1})
	f.Fuzz(func(t *testing.T, one, two, three []byte) {
		first, second := spell(one, "a", "b", ".", "*", "**", "{user}"), spell(two, "a", "b", ".", "*", "**", "{user}")
		room := spell(three, "a", "b", ".")
		const user = "ab"
		for _, e := range (rules.Options{Rules: []rules.Rule{{Room: first}, {Room: second}}}).Check() {
			if errors.Is(e, rules.ErrShadowed) && rules.Match(second, room, user) && !rules.Match(first, room, user) {
				t.Fatalf("%q is %q but not %q", room, second, first)
			}
		}
	})
}
