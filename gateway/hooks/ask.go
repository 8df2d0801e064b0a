package hooks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/molva-ws/molva/gateway"
)

// Question is the body of a request that asks the application.
type Question struct {
	Ask     string `json:"ask"` // "join"
	Time    int64  `json:"time"`
	Conn    string `json:"conn"`
	User    string `json:"user,omitempty"`
	Address string `json:"address,omitempty"`
	Room    string `json:"room"`
}

// What a client is told.
var (
	errAsk  = &gateway.ClientError{Code: gateway.ErrBusy, Message: "it cannot be found out now whether you may join; try again later"}
	errDeny = &gateway.ClientError{Code: gateway.ErrForbidden, Message: "you may not join this room"}
)

// AskJoin asks the application whether a client may join a room; it is for rules.Sources. Nil is yes. The error is a
// [*gateway.ClientError]: "forbidden" for no, with the application's own words if it has any, and "busy" if there was
// no answer that makes sense.
func (h *Hooks) AskJoin(ctx context.Context, c *gateway.Client, room string) error {
	q := Question{Ask: "join", Time: time.Now().UnixMilli(), Conn: c.ID(), User: c.User(), Room: room}
	if addr := c.Conn().ClientAddr(); addr.IsValid() {
		q.Address = addr.String()
	}
	h.counts.asked.Add(1)
	v, err := h.ask(ctx, &q)
	if err != nil {
		h.counts.askErrors.Add(1)
		h.log.Say(slog.LevelWarn, "the application gives no answer to whether a client may join",
			"url", shownURL(h.options.AskURL), "error", err)
		return errAsk
	}
	return h.judge(v)
}

// verdict is an answer to a Question.
type verdict struct {
	join    bool
	message string
}

func (h *Hooks) judge(v verdict) error {
	switch {
	case v.join:
		return nil
	case v.message == "":
		h.counts.askRefused.Add(1)
		return errDeny
	}
	h.counts.askRefused.Add(1)
	return &gateway.ClientError{Code: gateway.ErrForbidden, Message: v.message}
}

// ask waits for a turn and asks.
func (h *Hooks) ask(ctx context.Context, q *Question) (verdict, error) {
	if h.options.AskURL == "" {
		return verdict{}, errors.New("there is no address for it")
	}
	ctx, cancel := context.WithTimeout(ctx, h.options.Timeout)
	defer cancel()
	select {
	case h.turns <- struct{}{}:
		defer func() { <-h.turns }()
	case <-ctx.Done():
		return verdict{}, fmt.Errorf("too many questions wait for an answer: %w", ctx.Err())
	}
	body, err := json.Marshal(q)
	if err != nil {
		return verdict{}, err
	}
	answer, err := h.post(ctx, h.options.AskURL, body)
	var status *statusError
	if errors.As(err, &status) && status.status == http.StatusForbidden {
		return verdict{}, nil
	}
	if err != nil {
		return verdict{}, err
	}
	return parseVerdict(answer)
}

// mostMessage is how many bytes of an answer's message a client is told.
const mostMessage = 500

// parseVerdict reads an answer, which has to say yes or no: silence is neither.
func parseVerdict(body []byte) (verdict, error) {
	var answer struct {
		Join    *bool  `json:"join"`
		Message string `json:"message"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.Join == nil {
		return verdict{}, fmt.Errorf(`the answer is not like {"join":true}: it begins with %q`, beginning(body))
	}
	if len(answer.Message) > mostMessage {
		return verdict{}, fmt.Errorf("the message in the answer is longer than %d bytes", mostMessage)
	}
	return verdict{*answer.Join, answer.Message}, nil
}
