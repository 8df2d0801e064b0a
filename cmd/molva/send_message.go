package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/alecthomas/kong"
)

// typed is an argument as it was typed, which may be empty, and byte for byte.
type typed struct {
	given bool
	text  []byte
}

// Decode implements [kong.MapperValue]. What kong decodes itself it makes valid UTF-8.
func (t *typed) Decode(ctx *kong.DecodeContext) error {
	token, err := ctx.Scan.PopValue("message")
	if err != nil {
		return err
	}
	*t = typed{given: true, text: []byte(token.String())}
	return nil
}

// encodeMessage makes a JSON value of what was typed or read.
func encodeMessage(text []byte, isJSON bool) (json.RawMessage, error) {
	if len(text) > maxLine {
		return nil, fmt.Errorf("the message has more than %s bytes", grouped(maxLine))
	}
	if isJSON {
		return checkJSON(text)
	}
	if !utf8.Valid(text) {
		return nil, errors.New("the message is not text in UTF-8")
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(string(text)); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// checkJSON returns a JSON value as it stands, without the line breaks around its parts.
func checkJSON(text []byte) (json.RawMessage, error) {
	if !utf8.Valid(text) {
		return nil, errors.New("the message is not JSON, as that is in UTF-8")
	}
	var value json.RawMessage
	err := json.Unmarshal(text, &value) // Compact would not tell where
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return nil, fmt.Errorf("the message is not JSON: %w, at byte %d; without --json it is sent as text",
			err, syntax.Offset)
	}
	if err != nil {
		return nil, fmt.Errorf("the message is not JSON: %w", err)
	}
	var b bytes.Buffer
	err = json.Compact(&b, value)
	return b.Bytes(), err
}
