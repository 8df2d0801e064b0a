package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strings"

	"github.com/molva-ws/molva/gateway/api"
)

const (
	// batchCommands is how many commands Gateway.Stream puts into a request, at most.
	batchCommands = 500
	// batchBytes is from which size on a request takes no further commands.
	batchBytes = 1 << 20
	// answerBytes bounds an answer in bytes, so that a stranger at the other end cannot fill the memory.
	answerBytes = 64 << 20
)

// New returns a Gateway for the HTTP API of the server at address, such as "http://127.0.0.1:8000", and a key.
func New(address, key string) (*Gateway, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("gateway: %w", err)
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, fmt.Errorf("gateway: %q is no address such as http://127.0.0.1:8000", address)
	}
	u.Path = strings.TrimSuffix(strings.TrimSuffix(u.Path, "/"), "/api") + "/api/"
	u.RawPath, u.RawQuery, u.Fragment = "", "", ""
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 64
	return &Gateway{transport: &httpTransport{base: u.String(), key: key, client: &http.Client{Transport: transport}}}, nil
}

// httpTransport makes a request of each command, or of many.
type httpTransport struct {
	base   string // ends with "/api/"
	key    string
	client *http.Client
}

func (h *httpTransport) do(ctx context.Context, c *api.Command) (*api.Answer, error) {
	named := *c
	if named.Command == "" {
		named.Command = "send"
	}
	path := url.PathEscape(named.Command)
	named.Command = ""
	body, err := encodeCommand(&named)
	if err != nil {
		return nil, err
	}
	response, err := h.post(ctx, path, body)
	if err != nil {
		return nil, err
	}
	return decodeAnswer(response)
}

// post returns the body of the response if it comes from a gateway.
func (h *httpTransport) post(ctx context.Context, path string, body []byte) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("gateway: %w", err)
	}
	r.Header.Set("Authorization", "Bearer "+h.key)
	r.Header.Set("Content-Type", "application/json")
	response, err := h.client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("gateway: %w", err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, answerBytes+1))
	if err != nil {
		return nil, fmt.Errorf("gateway: the answer broke off: %w", err)
	}
	if len(answer) > answerBytes {
		return nil, fmt.Errorf("gateway: the answer has more than %d bytes", answerBytes)
	}
	if !strings.HasPrefix(response.Header.Get("Content-Type"), "application/json") {
		return nil, fmt.Errorf("gateway: no gateway answers at %s, but something that says %s", h.base, response.Status)
	}
	return answer, nil
}

func (h *httpTransport) close() error {
	h.client.CloseIdleConnections()
	return nil
}

func (h *httpTransport) stream(ctx context.Context, commands iter.Seq[*api.Command]) iter.Seq2[*api.Answer, error] {
	return func(yield func(*api.Answer, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		lines := make(chan encoded, batchCommands)
		go encodeAll(ctx, commands, lines)
		for {
			batch, failed, more := gatherBatch(ctx, lines)
			if len(batch) > 0 && !h.sendBatch(ctx, batch, yield) {
				return
			}
			if failed != nil {
				yield(nil, failed)
				return
			}
			if !more {
				return
			}
		}
	}
}

// encoded is a command in JSON, or why it cannot be.
type encoded struct {
	json []byte
	err  error
}

// encodeAll closes lines after the last command.
func encodeAll(ctx context.Context, commands iter.Seq[*api.Command], lines chan<- encoded) {
	for c := range commands {
		var e encoded
		e.json, e.err = encodeCommand(c)
		select {
		case lines <- e:
		case <-ctx.Done():
			return
		}
		if e.err != nil {
			return
		}
	}
	close(lines)
}

// gatherBatch waits for a command and returns it with those that are there already.
func gatherBatch(ctx context.Context, lines <-chan encoded) (batch []json.RawMessage, failed error, more bool) {
	var size int
	for len(batch) < batchCommands && size < batchBytes {
		var e encoded
		if len(batch) == 0 {
			select {
			case e, more = <-lines:
			case <-ctx.Done():
				return nil, ctx.Err(), false
			}
		} else {
			select {
			case e, more = <-lines:
			default:
				return batch, nil, true
			}
		}
		if !more || e.err != nil {
			return batch, e.err, false
		}
		batch = append(batch, e.json)
		size += len(e.json)
	}
	return batch, nil, true
}

// sendBatch yields the answers to a batch and reports whether to go on.
func (h *httpTransport) sendBatch(ctx context.Context, batch []json.RawMessage, yield func(*api.Answer, error) bool) bool {
	answers, err := h.batch(ctx, batch)
	if err != nil {
		yield(nil, err)
		return false
	}
	for _, a := range answers {
		if !yield(a, nil) {
			return false
		}
	}
	return true
}

func (h *httpTransport) batch(ctx context.Context, batch []json.RawMessage) ([]*api.Answer, error) {
	body := []byte{'['}
	for i, line := range batch {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, line...)
	}
	response, err := h.post(ctx, "batch", append(body, ']'))
	if err != nil {
		return nil, err
	}
	if !bytes.HasPrefix(response, []byte("[")) {
		// None of them was looked at, as with a wrong key.
		refusal, err := decodeAnswer(response)
		if err != nil {
			return nil, err
		}
		return repeat(refusal, len(batch)), nil
	}
	var answers []*api.Answer
	if err := json.Unmarshal(response, &answers); err != nil {
		return nil, fmt.Errorf("gateway: the answer is not correct: %w", err)
	}
	if len(answers) != len(batch) {
		return nil, fmt.Errorf("gateway: %d commands got %d answers", len(batch), len(answers))
	}
	return answers, nil
}

func repeat(a *api.Answer, n int) []*api.Answer {
	answers := make([]*api.Answer, n)
	for i := range answers {
		answers[i] = a
	}
	return answers
}
