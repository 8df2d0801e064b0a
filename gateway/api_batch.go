package gateway

import (
	"net/http"
	"time"

	"github.com/molva-ws/molva/gateway/api"
	"github.com/molva-ws/molva/gateway/internal/command"
	"github.com/molva-ws/molva/internal/rawjson"
)

// batchFlush is how many bytes of answers are gathered before they are written.
const batchFlush = 64 << 10

// batch carries out commands in order. Answers are written as they come, so that a thousand long ones need not fit into
// memory; if the client goes away in the middle, the commands are carried out all the same.
func (a *httpAPI) batch(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Idempotency-Key") != "" {
		a.answer(w, api.Refusedf(api.ErrBadField,
			`in a batch each command has its own "key"; leave the header Idempotency-Key out`))
		return
	}
	body, refusal := readBody(w, r, batchBytes)
	if refusal == nil {
		refusal = checkBatch(body)
	}
	if refusal != nil {
		a.answer(w, refusal)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	answers := &batchAnswers{lines: newAnswerLines(), w: w, control: http.NewResponseController(w)}
	w.WriteHeader(http.StatusOK)
	var c api.Command
	for p := range rawjson.Elements(body) {
		answers.add(a.gateway, a.one(r, p, &c))
	}
	answers.end()
}

func checkBatch(body []byte) *api.Answer {
	if err := rawjson.Check(body); err != nil {
		return api.Refusedf(api.ErrBadJSON, "the body is not a JSON array: %v", err)
	}
	if rawjson.Kind(body) != '[' {
		return api.Refusedf(api.ErrBadJSON, "the body of a batch is a JSON array, not %s", rawjson.TypeName(body))
	}
	n := 0
	for range rawjson.Elements(body) {
		if n++; n > batchCommands {
			return api.Refusedf(api.ErrTooLarge, "a batch has at most %d commands", batchCommands)
		}
	}
	return nil
}

// one carries out a command of a batch.
func (a *httpAPI) one(r *http.Request, p []byte, c *api.Command) *api.Answer {
	*c = api.Command{}
	if len(p) > command.MaxBytes {
		return api.Refusedf(api.ErrTooLarge, "the command has more than %d bytes", command.MaxBytes)
	}
	if refusal := command.DecodeObject(p, "", c); refusal != nil {
		a.gateway.heard.command(doorHTTP, c.Command, refusal.Error)
		return refusal
	}
	return a.gateway.perform(r.Context(), doorHTTP, c)
}

// batchAnswers writes an array.
type batchAnswers struct {
	lines   *answerLines
	w       http.ResponseWriter
	control *http.ResponseController
	n       int
}

func (s *batchAnswers) add(g *Gateway, a *api.Answer) {
	if s.n++; s.n == 1 {
		s.lines.WriteByte('[')
	} else {
		s.lines.WriteByte(',')
	}
	s.lines.add(g, a)
	if s.lines.Len() >= batchFlush {
		s.flush()
	}
}

func (s *batchAnswers) flush() {
	s.control.SetWriteDeadline(time.Now().Add(bodyTime))
	s.w.Write(s.lines.Bytes())
	s.lines.Reset()
}

func (s *batchAnswers) end() {
	if s.n == 0 {
		s.lines.WriteByte('[')
	}
	s.lines.WriteString("]\n")
	s.flush()
	s.control.Flush()
	s.control.SetWriteDeadline(time.Time{})
}
