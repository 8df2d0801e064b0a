package main

import (
	"errors"
	"strings"
	"testing"
)

func TestParseAcceptsWhatThePageSends(t *testing.T) {
	cases := []struct {
		name, data string
		want       request
	}{
		{"first hello", `{"type":"hello","after":0}`, request{Type: "hello"}},
		{"hello again", `{"type":"hello","user":7,"key":"k","name":"Anna","after":12}`,
			request{Type: "hello", User: 7, Key: "k", Name: "Anna", After: 12}},
		{"say", `{"type":"say","text":" hi\nthere ","ref":"1-2"}`, request{Type: "say", Text: " hi\nthere ", Ref: "1-2"}},
		{"the longest text", `{"type":"say","text":"` + strings.Repeat("щ", maxText) + `"}`,
			request{Type: "say", Text: strings.Repeat("щ", maxText)}},
		{"name, tidied", `{"type":"name","name":"  Анна\t Каренина "}`, request{Type: "name", Name: "Анна Каренина"}},
		{"the longest name", `{"type":"name","name":"` + strings.Repeat("я", maxName) + `"}`,
			request{Type: "name", Name: strings.Repeat("я", maxName)}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got, err := parse([]byte(c.data)); err != nil || got != c.want {
				t.Fatalf("%+v, %v", got, err)
			}
		})
	}
}

func TestParseRefusesInWords(t *testing.T) {
	cases := []struct{ name, data, reason string }{
		{"no JSON", `hello`, "not a message of the chat"},
		{"nothing", ``, "not a message of the chat"},
		{"not an object", `[1]`, "not a message of the chat"},
		{"a number for a text", `{"type":"say","text":5}`, "not a message of the chat"},
		{"no type", `{}`, `no request of type ""`},
		{"unknown type", `{"type":"shout"}`, `no request of type "shout"`},
		{"empty text", `{"type":"say","text":""}`, "nothing in this message"},
		{"blank text", `{"type":"say","text":" \n\t "}`, "nothing in this message"},
		{"long text", `{"type":"say","text":"` + strings.Repeat("щ", maxText+1) + `"}`, "1001 characters, at most 1000"},
		{"long ref", `{"type":"say","text":"x","ref":"` + strings.Repeat("x", maxRef+1) + `"}`, "at most 64"},
		{"no name", `{"type":"name","name":"  "}`, "at least one character"},
		{"long name", `{"type":"name","name":"` + strings.Repeat("я", maxName+1) + `"}`, "25 characters, at most 24"},
		{"invisible name", `{"type":"name","name":"\u200b"}`, "letters, digits, signs"},
		{"name that turns the text around", `{"type":"name","name":"a\u202eb"}`, "letters, digits, signs"},
		{"name of the unnamed", `{"type":"name","name":"User  #1"}`, "those who have none"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := parse([]byte(c.data))
			var why *refusal
			if !errors.As(err, &why) || !strings.Contains(why.Reason, c.reason) {
				t.Fatalf("%v, want %q", err, c.reason)
			}
		})
	}
}

func TestRefusalSaysWhatItRefuses(t *testing.T) {
	_, err := parse([]byte(`{"type":"say","text":"","ref":"7"}`))
	var why *refusal
	if !errors.As(err, &why) || why.What != typeSay || why.Ref != "7" {
		t.Fatalf("%+v", err)
	}
}

func TestEncodeLeavesTextAlone(t *testing.T) {
	got := string(encode(said{Type: "said", ID: 1, From: person{ID: 2, Name: "A&B"}, Text: "<b>"}))
	want := `{"type":"said","id":1,"time":0,"from":{"id":2,"name":"A&B"},"text":"<b>"}`
	if got != want {
		t.Fatal(got)
	}
}
