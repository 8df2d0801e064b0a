// Package rawjson reads JSON without decoding it: what is in an object or an array comes out as the bytes that stand
// there, so that a message can be passed on as it came. It writes strings and lines likewise.
package rawjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"unicode/utf8"
)

// Check returns what is wrong with p, which should be one JSON value in UTF-8 (RFC 8259 §8.1) and nothing else.
// Package json lets other bytes pass, but in a text message they would make every browser close its connection.
func Check(p []byte) error {
	if !utf8.Valid(p) {
		return errors.New("it is not UTF-8")
	}
	if json.Valid(p) {
		return nil
	}
	err := json.Unmarshal(p, new(json.RawMessage))
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Errorf("%w, at byte %d", err, syntax.Offset)
	}
	return err
}

// Kind returns the first byte of a JSON value, by which its type is known; 0 if there is none.
func Kind(p []byte) byte {
	if i := skipSpace(p, 0); i < len(p) {
		return p[i]
	}
	return 0
}

// TypeName returns the name of a JSON value's type, with its article.
func TypeName(v []byte) string {
	switch Kind(v) {
	case '"':
		return "a string"
	case '{':
		return "an object"
	case '[':
		return "an array"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	}
	return "a number"
}

// Members goes through a JSON object and yields each name with its value, which is as it stands there. The object must
// be correct; see [Check].
func Members(p []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		i := enter(p, 0)
		for p[i] != '}' {
			end := stringEnd(p, i)
			name := Unquote(p[i:end])
			i = skipSpace(p, skipSpace(p, end)+1) // behind the colon
			end = valueEnd(p, i)
			if !yield(name, p[i:end]) {
				return
			}
			i = behind(p, end)
		}
	}
}

// Elements goes through a JSON array as [Members] does through an object.
func Elements(p []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		i := enter(p, 0)
		for p[i] != ']' {
			end := valueEnd(p, i)
			if !yield(p[i:end]) {
				return
			}
			i = behind(p, end)
		}
	}
}

// enter returns where the first thing inside an object or array begins, or its end if there is none.
func enter(p []byte, i int) int { return skipSpace(p, skipSpace(p, i)+1) }

// behind returns where the next thing begins if the last one ended at i, or the end of what they are in.
func behind(p []byte, i int) int {
	i = skipSpace(p, i)
	if p[i] == ',' {
		i = skipSpace(p, i+1)
	}
	return i
}

func skipSpace(p []byte, i int) int {
	for i < len(p) && (p[i] == ' ' || p[i] == '\t' || p[i] == '\r' || p[i] == '\n') {
		i++
	}
	return i
}

// stringEnd returns where the string ends that begins at i.
func stringEnd(p []byte, i int) int {
	for i++; p[i] != '"'; i++ {
		if p[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// valueEnd returns where the value ends that begins at i.
func valueEnd(p []byte, i int) int {
	switch p[i] {
	case '"':
		return stringEnd(p, i)
	case '{', '[':
		return nestedEnd(p, i)
	}
	return i + bytes.IndexAny(p[i:], ",]} \t\r\n") // a number, true, false or null, inside what ends
}

// nestedEnd returns where the object or array ends that begins at i.
func nestedEnd(p []byte, i int) int {
	depth := 0
	for {
		switch p[i] {
		case '"':
			i = stringEnd(p, i)
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
			if depth == 0 {
				return i + 1
			}
		}
		i++
	}
}

// Unquote returns what a JSON string says, without a copy if it can.
func Unquote(p []byte) []byte {
	inside := p[1 : len(p)-1]
	if bytes.IndexByte(inside, '\\') < 0 {
		return inside
	}
	var s string
	json.Unmarshal(p, &s)
	return []byte(s)
}
