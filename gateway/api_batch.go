package gateway

import (
	"net/http"
	"time"
)

// batchFlush is how many bytes of answers are gathered before they are written.
const batchFlush = 64 << 10

// batch carries out commands in order. Answers are written as they come, so that a thousand long ones need not fit into
// memory; if the client goes away in the middle, the commands are carried out all the same.
func (a *api) batch(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Idempotency-Key") != "" {
		a.answer(w, refused(ErrBadField, `in a batch each command has its own "key"; leave the header Idempotency-Key out`))
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
	var c Command
	for p := range elements(body) {
		answers.add(a.gateway, a.one(r, p, &c))
	}
	answers.end()
}

func checkBatch(body []byte) *Answer {
	if err := checkJSON(body); err != nil {
		return refused(ErrBadJSON, "the body is not a JSON array: %v", err)
	}
	if kindOf(body) != '[' {
		return refused(ErrBadJSON, "the body of a batch is a JSON array, not %s", typeName(body))
	}
	n := 0
	for range elements(body) {
		if n++; n > batchCommands {
			return refused(ErrTooLarge, "a batch has at most %d commands", batchCommands)
		}
	}
	return nil
}

// one carries out a command of a batch.
func (a *api) one(r *http.Request, p []byte, c *Command) *Answer {
	*c = Command{}
	if len(p) > commandBytes {
		return refused(ErrTooLarge, "the command has more than %d bytes", commandBytes)
	}
	if refusal := decodeObject(p, "", c); refusal != nil {
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

func (s *batchAnswers) add(g *Gateway, a *Answer) {
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
