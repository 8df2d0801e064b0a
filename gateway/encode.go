package gateway

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// encodeCommand returns c as a line of JSON. What c holds in JSON comes out without white space and is otherwise as it
// was.
func encodeCommand(c *Command) ([]byte, error) {
	var b bytes.Buffer
	if err := jsonLines(&b).Encode(c); err != nil {
		return nil, fmt.Errorf("gateway: the command is no JSON: %w", err)
	}
	return b.Bytes(), nil
}

// jsonLines returns an encoder that writes a line for each value and leaves "<" and such as they are.
func jsonLines(b *bytes.Buffer) *json.Encoder {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	return e
}

// authLine is what a connection to a TCP address has to begin with.
func authLine(key string) []byte {
	line, _ := json.Marshal(struct { // strings always can be encoded
		Command string `json:"command"`
		Key     string `json:"key"`
	}{"auth", key})
	return append(line, '\n')
}

func decodeAnswer(p []byte) (*Answer, error) {
	a := new(Answer)
	if err := json.Unmarshal(p, a); err != nil {
		return nil, fmt.Errorf("gateway: the answer is not correct: %w", err)
	}
	return a, nil
}

// UnmarshalJSON reads an answer. Conns becomes an int or a []ConnInfo, as it was.
func (a *Answer) UnmarshalJSON(p []byte) error {
	type plain Answer // has no methods
	read := struct {
		*plain
		Conns json.RawMessage `json:"conns"` // hides the field of plain
	}{plain: (*plain)(a)}
	if err := json.Unmarshal(p, &read); err != nil {
		return err
	}
	switch {
	case len(read.Conns) == 0:
		return nil
	case read.Conns[0] == '[':
		var list []ConnInfo
		if err := json.Unmarshal(read.Conns, &list); err != nil {
			return err
		}
		a.Conns = list
	default:
		var n int
		if err := json.Unmarshal(read.Conns, &n); err != nil {
			return err
		}
		a.Conns = n
	}
	return nil
}
