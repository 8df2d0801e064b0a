package remote

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/molva-ws/molva/gateway/api"
	"github.com/molva-ws/molva/internal/rawjson"
)

// encodeCommand returns c as a line of JSON. What c holds in JSON comes out without white space and is otherwise as it
// was.
func encodeCommand(c *api.Command) ([]byte, error) {
	var b bytes.Buffer
	if err := rawjson.NewEncoder(&b).Encode(c); err != nil {
		return nil, fmt.Errorf("gateway: the command is no JSON: %w", err)
	}
	return b.Bytes(), nil
}

// authLine is what a connection to a TCP address has to begin with.
func authLine(key string) []byte {
	line, _ := json.Marshal(struct { // strings always can be encoded
		Command string `json:"command"`
		Key     string `json:"key"`
	}{"auth", key})
	return append(line, '\n')
}

func decodeAnswer(p []byte) (*api.Answer, error) {
	a := new(api.Answer)
	if err := json.Unmarshal(p, a); err != nil {
		return nil, fmt.Errorf("gateway: the answer is not correct: %w", err)
	}
	return a, nil
}
