package hooks

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/molva-ws/molva/gateway/api"
)

// mostCommands bounds the commands of an answer.
const mostCommands = 1000

// allowed are the commands that an answer may carry. Those that only look would have nobody to look.
var allowed = map[string]bool{"": true, "send": true, "join": true, "leave": true, "disconnect": true}

// parseAnswer reads the body of an answer. Nothing at all is an answer without commands. What a command says is not
// checked, beyond its being one that may stand there.
func parseAnswer(body []byte) ([]json.RawMessage, error) {
	body = bytes.TrimSpace(body)
	if len(body) == 0 {
		return nil, nil
	}
	var answer struct {
		Commands []json.RawMessage `json:"commands"`
	}
	switch err := json.Unmarshal(body, &answer); {
	case body[0] != '{', err != nil:
		return nil, fmt.Errorf(`the answer is not like {"commands":[]}, nor is it empty: it begins with %q`, beginning(body))
	case len(answer.Commands) > mostCommands:
		return nil, fmt.Errorf("the answer has %d commands; at most %d are carried out", len(answer.Commands), mostCommands)
	}
	return answer.Commands, nil
}

// beginning returns enough of an answer to recognize it in a log.
func beginning(body []byte) string {
	return strings.ToValidUTF8(string(body[:min(len(body), 40)]), "�")
}

// parseCommand reads one command of an answer.
func parseCommand(raw []byte) (*api.Command, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	c := new(api.Command)
	if err := d.Decode(c); err != nil {
		return nil, fmt.Errorf("it is no command: %w", err)
	}
	if _, err := d.Token(); err != io.EOF || bytes.TrimSpace(raw)[0] != '{' {
		return nil, errors.New("it is no command, which is a JSON object")
	}
	if !allowed[c.Command] {
		return nil, fmt.Errorf("an answer may have send, join, leave and disconnect, not %q", beginning([]byte(c.Command)))
	}
	return c, nil
}

// badAnswer counts one that makes no sense.
func (h *Hooks) badAnswer(err error) {
	h.counts.badAnswers.Add(1)
	h.log.Say(slog.LevelWarn, "the application's answer to events makes no sense, and nothing in it was done",
		"url", shownURL(h.current.Load().options.URL), "error", err)
}

// answered carries out what an answer says, one command after the other.
func (h *Hooks) answered(ctx context.Context, body []byte) {
	commands, err := parseAnswer(body)
	if err != nil {
		h.badAnswer(err)
		return
	}
	for i, raw := range commands {
		if err := h.carryOut(ctx, raw); err != nil {
			h.counts.commandErrors.Add(1)
			h.log.Say(slog.LevelWarn, "a command in the application's answer to events was not carried out",
				"number", i+1, "error", err)
			continue
		}
		h.counts.commands.Add(1)
	}
}

func (h *Hooks) carryOut(ctx context.Context, raw []byte) error {
	c, err := parseCommand(raw)
	if err != nil {
		return err
	}
	o := &h.current.Load().options
	if o.Do == nil {
		return errors.New("commands are not carried out here")
	}
	ctx, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	if a := o.Do(ctx, c); !a.OK {
		return fmt.Errorf("%s: %s", a.Error, a.Message)
	}
	return nil
}
