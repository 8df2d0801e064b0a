package gateway

import (
	"bytes"
	"crypto/rand"
	"errors"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/molva-ws/molva/gateway/api"
)

// bodyAhead is how much memory a declared length is believed to need before the bytes have come.
const bodyAhead = 64 << 10

// readBody reads the body of a request, in bounded time and memory.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, *api.Answer) {
	if refusal := checkBodyHeader(r); refusal != nil {
		return nil, refusal
	}
	tooLarge := api.Refusedf(api.ErrTooLarge, "the body has more than %d bytes", limit)
	if r.ContentLength > limit {
		w.Header().Set("Connection", "close") // rather than to read what nobody wants
		return nil, tooLarge
	}
	control := http.NewResponseController(w)
	control.SetReadDeadline(time.Now().Add(bodyTime))
	var body bytes.Buffer
	body.Grow(int(min(max(r.ContentLength, 0), bodyAhead)) + bytes.MinRead)
	_, err := body.ReadFrom(http.MaxBytesReader(w, r.Body, limit))
	control.SetReadDeadline(time.Time{})
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, tooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		w.Header().Set("Connection", "close")
		return nil, api.Refusedf(api.ErrBadJSON, "the body had not come whole after %v", bodyTime)
	case err != nil:
		w.Header().Set("Connection", "close")
		return nil, api.Refusedf(api.ErrBadJSON, "the body did not come whole: %v", err)
	}
	return body.Bytes(), nil
}

// checkBodyHeader refuses what cannot be JSON. "curl -d" says that it sends a form, which is forgiven.
func checkBodyHeader(r *http.Request) *api.Answer {
	if r.URL.RawQuery != "" {
		return api.Refusedf(api.ErrBadField, "the fields of a %s belong into its body, not into the query", r.Method)
	}
	if coding := r.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return api.Refusedf(api.ErrBadJSON, "the body must not be compressed")
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if strings.HasPrefix(kind, "multipart/") {
		return api.Refusedf(api.ErrBadJSON, "the body must be JSON, not a multipart form")
	}
	return nil
}

// takeHeaderKey makes the header Idempotency-Key the key of c. It may be quoted, as the draft of the HTTP working group
// has it.
func takeHeaderKey(r *http.Request, c *api.Command) *api.Answer {
	fields := r.Header.Values("Idempotency-Key")
	if len(fields) == 0 {
		return nil
	}
	key := fields[0]
	if n := len(key); n >= 2 && key[0] == '"' && key[n-1] == '"' {
		key = key[1 : n-1]
	}
	var a *api.Answer
	switch {
	case len(fields) > 1:
		a = api.Refusedf(api.ErrBadField, "there is more than one header Idempotency-Key")
	case key == "":
		a = api.Refusedf(api.ErrBadField, "the header Idempotency-Key is empty")
	case c.Key != "" && c.Key != key:
		a = api.Refusedf(api.ErrBadField, `the header Idempotency-Key and the field "key" differ`)
	default:
		c.Key = key
		return nil
	}
	a.Request = c.ID
	return a
}

func parseQuery(raw string) (url.Values, error) { return url.ParseQuery(raw) }

// requestID returns the one that a proxy in front has given the request, or a new one.
func requestID(r *http.Request) string {
	id := r.Header.Get("X-Request-Id")
	if id == "" || len(id) > 128 || strings.ContainsFunc(id, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return rand.Text()
	}
	return id
}

// statusRecorder notes the status for the log.
type statusRecorder struct {
	http.ResponseWriter
	id     string
	status int
}

// WriteHeader notes the status.
func (s *statusRecorder) WriteHeader(status int) {
	s.status = status
	s.ResponseWriter.WriteHeader(status)
}

// Unwrap is for [http.ResponseController].
func (s *statusRecorder) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// log tells of a request: at debug level, of those without a key as misuse.
func (a *httpAPI) log(w *statusRecorder, r *http.Request, took time.Duration) {
	attrs := []any{"request", w.id, "method", r.Method, "path", r.URL.Path, "status", w.status, "took", took,
		"remote", r.RemoteAddr}
	if w.status == http.StatusUnauthorized {
		a.gateway.misuse.Say(slog.LevelWarn, "request to the HTTP API without a good key", attrs...)
		return
	}
	a.gateway.log.DebugContext(r.Context(), "request to the HTTP API", attrs...)
}
