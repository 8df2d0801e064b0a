package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits on what clients send, in characters.
const (
	maxText = 1000
	maxName = 24
	maxRef  = 64
)

// The types of request. A client says hello first, and once.
const (
	typeHello = "hello"
	typeSay   = "say"
	typeName  = "name"
)

// request is a message from a client, one JSON object.
type request struct {
	Type string `json:"type"`

	// Of hello, all optional. User and Key are those of an earlier welcome, by which a client that was cut off becomes
	// the same user again; Name is the one it would like; After is the ID of the last message it has seen.
	User  int    `json:"user"`
	Key   string `json:"key"`
	After int64  `json:"after"`

	Name string `json:"name"` // of hello and name
	Text string `json:"text"` // of say
	Ref  string `json:"ref"`  // of say: comes back with the message or the refusal, so that the sender knows which it was
}

// person is a user as others see them. Without a name they are called by number.
type person struct {
	ID   int    `json:"id"`
	Name string `json:"name"`
}

// said is something that somebody said.
type said struct {
	Type string `json:"type"` // "said"
	ID   int64  `json:"id"`   // grows with every message, also past a restart
	Time int64  `json:"time"` // milliseconds since 1970
	From person `json:"from"`
	Text string `json:"text"`
	Ref  string `json:"ref,omitempty"`
}

// welcome answers hello.
type welcome struct {
	Type     string   `json:"type"` // "welcome"
	You      person   `json:"you"`
	Key      string   `json:"key"` // proves who you are when you come back; keep it to yourself
	People   []person `json:"people"`
	Messages []said   `json:"messages"`
	Gap      bool     `json:"gap,omitempty"` // more was said meanwhile than the room remembers
	MaxText  int      `json:"maxText"`
	MaxName  int      `json:"maxName"`
}

// presence tells who came, went or changed their name.
type presence struct {
	Type string `json:"type"` // "joined", "left" or "renamed"
	Time int64  `json:"time"` // milliseconds since 1970
	Who  person `json:"who"`
	Was  string `json:"was,omitempty"` // of renamed: the name before
}

// refusal says why a request was not done, in words for the user. It is an error, and a message to the client.
type refusal struct {
	Type   string `json:"type"` // "refused"
	What   string `json:"what"` // the type of the request, or "" if it has none
	Reason string `json:"reason"`
	Wait   int64  `json:"wait,omitempty"` // milliseconds after which it may succeed
	Ref    string `json:"ref,omitempty"`
}

func (r *refusal) Error() string { return r.Reason }

func refuse(req request, format string, args ...any) *refusal {
	return &refusal{Type: "refused", What: req.Type, Ref: req.Ref, Reason: fmt.Sprintf(format, args...)}
}

// parse reads a request and checks all of it that can be checked without the room. The error is a *refusal.
func parse(data []byte) (request, error) {
	var req request
	if err := json.Unmarshal(data, &req); err != nil {
		return req, refuse(request{}, "This is not a message of the chat: %v.", err)
	}
	if utf8.RuneCountInString(req.Ref) > maxRef {
		return req, refuse(request{Type: req.Type}, "A ref has at most %d characters.", maxRef)
	}
	switch req.Type {
	case typeHello:
		req.Name = tidyName(req.Name)
		return req, nil
	case typeName:
		req.Name = tidyName(req.Name)
		return req, checkName(req)
	case typeSay:
		return req, checkText(req)
	}
	return req, refuse(req, "There is no request of type %q.", req.Type)
}

func checkText(req request) error {
	if strings.TrimSpace(req.Text) == "" {
		return refuse(req, "There is nothing in this message.")
	}
	if n := utf8.RuneCountInString(req.Text); n > maxText {
		return refuse(req, "This message has %d characters, at most %d are possible.", n, maxText)
	}
	return nil
}

// tidyName makes all white space single spaces.
func tidyName(name string) string { return strings.Join(strings.Fields(name), " ") }

// checkName refuses names that could be mistaken for something else: those that hold invisible or direction-changing
// characters, and those in the form that the unnamed have.
func checkName(req request) error {
	switch n := utf8.RuneCountInString(req.Name); {
	case n == 0:
		return refuse(req, "A name needs at least one character.")
	case n > maxName:
		return refuse(req, "This name has %d characters, at most %d are possible.", n, maxName)
	case strings.ContainsFunc(req.Name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return refuse(req, "A name is made of letters, digits, signs and spaces.")
	case strings.HasPrefix(strings.ToLower(req.Name), "user #"):
		return refuse(req, "Names that begin with \u201cuser #\u201d belong to those who have none yet.")
	}
	return nil
}

// encode returns v as JSON for the wire.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // the page shows text as text, so there is nothing to escape from
	if err := e.Encode(v); err != nil {
		return nil // none of the types here can fail
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
