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
	"github.com/molva-ws/molva/gateway/api"
	"github.com/molva-ws/molva/internal/inquiry"
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
	errAsk = &gateway.ClientError{Code: api.ErrBusy,
		Message: "it cannot be found out now whether you may join; try again later"}
	errDeny = &gateway.ClientError{Code: api.ErrForbidden, Message: "you may not join this room"}
)

// AskJoin asks the application whether a client may join a room; it is for rules.Sources. Nil is yes. The error is a
// [*gateway.ClientError]: "forbidden" for no, with the application's own words if it has any, and "busy" if there was
// no answer that makes sense. An answer is good for Options.AskCache for all connections of the user.
func (h *Hooks) AskJoin(ctx context.Context, c *gateway.Client, room string) error {
	set := h.current.Load()
	v, fresh, err := set.desk.Ask(ctx, askKey(c, room), func() (inquiry.Answer[verdict], error) {
		v, err := h.ask(set, questionOf(c, room))
		return inquiry.Answer[verdict]{Value: v, Age: max(0, set.options.AskCache)}, err
	})
	switch {
	case errors.Is(err, inquiry.ErrPaused), errors.Is(err, inquiry.ErrBusy):
		h.counts.askSpared.Add(1)
	case err == nil && !fresh:
		h.counts.askCached.Add(1)
	}
	if err != nil {
		return errAsk
	}
	return v.forClient()
}

// askKey stands for the question of a client. One without a name has its answers to itself.
func askKey(c *gateway.Client, room string) string {
	if c.User() == "" {
		return "\x00" + c.ID() + "\x00" + room
	}
	return c.User() + "\x00" + room
}

func questionOf(c *gateway.Client, room string) *Question {
	q := &Question{Ask: "join", Time: time.Now().UnixMilli(), Conn: c.ID(), User: c.User(), Room: room}
	if addr := c.Conn().ClientAddr(); addr.IsValid() {
		q.Address = addr.String()
	}
	return q
}

// verdict is an answer to a Question.
type verdict struct {
	join    bool
	message string
}

// forClient is what the client is told.
func (v verdict) forClient() error {
	switch {
	case v.join:
		return nil
	case v.message == "":
		return errDeny
	}
	return &gateway.ClientError{Code: api.ErrForbidden, Message: v.message}
}

// ask asks once, and counts.
func (h *Hooks) ask(set *setup, q *Question) (verdict, error) {
	h.counts.asked.Add(1)
	v, err := set.ask(q)
	switch {
	case err != nil:
		h.counts.askErrors.Add(1)
		h.log.Say(slog.LevelWarn, "the application gives no answer to whether a client may join",
			"url", shownURL(set.options.AskURL), "error", err)
	case !v.join:
		h.counts.askRefused.Add(1)
	}
	return v, err
}

func (s *setup) ask(q *Question) (verdict, error) {
	if s.options.AskURL == "" {
		return verdict{}, errors.New("there is no address for it")
	}
	body, err := json.Marshal(q)
	if err != nil {
		return verdict{}, err
	}
	answer, err := s.post(context.Background(), s.options.AskURL, body)
	var status *statusError
	if errors.As(err, &status) && status.status == http.StatusForbidden {
		return verdict{}, nil
	}
	if err != nil {
		return verdict{}, err
	}
	return parseVerdict(answer)
}

// isDown reports whether an error of asking says that the application does not answer. One that is too long, or of a
// status that makes no sense, is an answer.
func isDown(err error) bool {
	var status *statusError
	if errors.As(err, &status) {
		return status.status >= 500 || status.status == http.StatusTooManyRequests || status.status == http.StatusRequestTimeout
	}
	return !errors.Is(err, errLongAnswer)
}

// newDesk makes where the application is asked.
func (h *Hooks) newDesk(o *Options) *inquiry.Desk[verdict] {
	return inquiry.NewDesk[verdict](inquiry.Options{
		AtOnce:    o.AsksAtOnce,
		Wait:      o.Timeout,
		CacheSize: o.AskCacheSize,
		Failures:  o.AskFailures,
		Pause:     o.AskPause,
		IsFailure: isDown,
		OnPause: func(begins bool) {
			if begins {
				h.log.Say(slog.LevelWarn, "the application is left in peace with questions", "url", shownURL(o.AskURL), "for", o.AskPause)
			} else {
				h.log.Say(slog.LevelInfo, "the application answers questions again", "url", shownURL(o.AskURL))
			}
		},
	})
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
		return verdict{}, &inquiry.NonsenseError{
			Text: fmt.Sprintf(`the answer is not like {"join":true}: it begins with %q`, beginning(body)),
		}
	}
	if len(answer.Message) > mostMessage {
		return verdict{}, &inquiry.NonsenseError{
			Text: fmt.Sprintf("the message in the answer is longer than %d bytes", mostMessage),
		}
	}
	return verdict{*answer.Join, answer.Message}, nil
}
