package hooks

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// newHTTPClient returns one that follows no redirects and believes no long headers.
func newHTTPClient(o Options) *http.Client {
	transport := o.Transport
	if transport == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.MaxResponseHeaderBytes = 16 << 10
		t.MaxIdleConnsPerHost = o.AsksAtOnce + 1
		t.IdleConnTimeout = 30 * time.Second
		transport = t
	}
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// statusError is an answer that is not good.
type statusError struct{ status int }

func (e *statusError) Error() string {
	text := strings.TrimSpace(fmt.Sprint("the answer is ", e.status, " ", http.StatusText(e.status)))
	if e.status/100 == 3 {
		text += "; redirects are not followed, so give the address to which it leads"
	}
	return text
}

// isFinal reports whether the application says that it will never take this request, however often it is sent.
func (e *statusError) isFinal() bool {
	switch e.status {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType,
		http.StatusUnprocessableEntity:
		return true
	}
	return false
}

// errLongAnswer is an answer that was not read to its end.
var errLongAnswer = errors.New("the answer is too long")

// post sends a signed body and returns the body of the answer. The error is a [*statusError], or there was no answer,
// or it is errLongAnswer.
func (s *setup) post(ctx context.Context, to string, body []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, s.options.Timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return nil, withoutURL(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "molva")
	request.Header.Set(SignatureHeader, Sign(s.options.Secrets, time.Now(), body))
	response, err := s.client.Do(request)
	if err != nil {
		return nil, withoutURL(err)
	}
	defer response.Body.Close()
	if response.StatusCode/100 != 2 {
		io.CopyN(io.Discard, response.Body, 4<<10) // so that the connection may serve again
		return nil, &statusError{response.StatusCode}
	}
	answer, err := io.ReadAll(io.LimitReader(response.Body, int64(s.options.MaxAnswer)+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("the answer breaks off: %w", err)
	case len(answer) > s.options.MaxAnswer:
		return nil, errLongAnswer
	}
	return answer, nil
}

// withoutURL returns what is in an error of an [http.Client], whose text quotes a URL that may have a password.
func withoutURL(err error) error {
	var e *url.Error
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}

// shownURL is a URL as it may be logged.
func shownURL(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	u.RawQuery = ""
	return u.Redacted()
}
