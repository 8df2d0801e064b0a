package identity

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/molva-ws/molva/internal/inquiry"
)

// ask asks once. An error is a [*inquiry.NonsenseError], or there was no answer.
func (a *application) ask(what *forwarded) (*verdict, error) {
	a.counts.asked.Add(1)
	ctx, cancel := context.WithTimeout(context.Background(), a.timeout)
	defer cancel()
	v, err := a.exchange(ctx, what)
	if err != nil {
		a.counts.appFailures.Add(1)
		a.complain(err)
	}
	return v, err
}

// complain tells the operator.
func (a *application) complain(err error) {
	text := "the application gives no answer to who a client is"
	var nonsense *inquiry.NonsenseError
	if errors.As(err, &nonsense) {
		text = "the application's answer to who a client is makes no sense"
	}
	a.log.Say(slog.LevelWarn, text, "url", a.shown(), "error", err)
}

func (a *application) exchange(ctx context.Context, what *forwarded) (*verdict, error) {
	request, err := a.request(ctx, what)
	if err != nil {
		return nil, err
	}
	response, err := a.client.Do(request)
	if err != nil {
		return nil, withoutURL(err)
	}
	defer response.Body.Close()
	switch status := response.StatusCode; {
	case status == http.StatusOK:
		return a.read(response)
	case status == http.StatusUnauthorized:
		return new(verdict), nil
	case status == http.StatusForbidden:
		return &verdict{denied: true}, nil
	case status >= 500, status == http.StatusTooManyRequests, status == http.StatusRequestTimeout:
		return nil, fmt.Errorf("the answer is %s", statusText(status))
	case status/100 == 3:
		return nil, &inquiry.NonsenseError{
			Text: "it redirects, with " + statusText(status) + "; say 401 of whom the application does not know",
		}
	default:
		return nil, &inquiry.NonsenseError{
			Text: "the answer is " + statusText(status) + "; it has to be 200, 401 for do not know, or 403 for no",
		}
	}
}

func statusText(status int) string {
	return strings.TrimSpace(fmt.Sprint(status, " ", http.StatusText(status)))
}

// request puts together what is sent.
func (a *application) request(ctx context.Context, what *forwarded) (*http.Request, error) {
	target := *a.url
	var body io.Reader
	if a.method == http.MethodPost {
		body = strings.NewReader(what.query.Encode())
	} else if len(what.query) > 0 {
		target.RawQuery = joinQuery(target.RawQuery, what.query)
	}
	request, err := http.NewRequestWithContext(ctx, a.method, target.String(), body)
	if err != nil {
		return nil, withoutURL(err)
	}
	for _, f := range what.fields {
		request.Header[f.name] = f.values
	}
	if what.cookies != "" {
		request.Header.Set("Cookie", what.cookies)
	}
	if request.Header.Get("User-Agent") == "" {
		request.Header.Set("User-Agent", "molva")
	}
	request.Header.Set("Accept", "application/json")
	if body != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return request, nil
}

func joinQuery(own string, more url.Values) string {
	if own == "" {
		return more.Encode()
	}
	return own + "&" + more.Encode()
}

// read reads an answer that names somebody.
func (a *application) read(response *http.Response) (*verdict, error) {
	data, err := io.ReadAll(io.LimitReader(response.Body, int64(a.maxAnswer)+1))
	if err != nil {
		return nil, fmt.Errorf("the answer breaks off: %w", err)
	}
	if len(data) > a.maxAnswer {
		return nil, &inquiry.NonsenseError{Text: fmt.Sprintf("it is longer than %d bytes", a.maxAnswer)}
	}
	grant, err := parseAnswer(data, a.names, time.Now())
	if err != nil {
		return nil, &inquiry.NonsenseError{Text: err.Error() + typeHint(response.Header.Get("Content-Type"))}
	}
	return &verdict{grant: grant}, nil
}

// typeHint helps whoever has put a page where an answer should be.
func typeHint(contentType string) string {
	if strings.HasPrefix(contentType, "text/html") {
		return "; it is a page, of type text/html"
	}
	return ""
}
