package authority

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
)

// maxAnswer bounds what is read of an answer. A chain of certificates, the longest there is, has a few KiB.
const maxAnswer = 1 << 20

// complaints hears what the authority complains about. autocert does not tell why a name was found not to be ours, nor
// that renewing fails.
type complaints struct {
	next http.RoundTripper

	mu   sync.Mutex
	last string // "" if it has never complained
}

// problem is what an authority says (RFC 8555, 6.7).
type problem struct {
	Type, Detail string
}

func (p *problem) String() string {
	return strings.TrimPrefix(p.Type, "urn:ietf:params:acme:error:") + ": " + p.Detail
}

// RoundTrip makes it an [http.RoundTripper].
func (c *complaints) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := c.next.RoundTrip(r)
	if err != nil {
		c.note("it cannot be reached: " + err.Error())
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	response.Body.Close()
	if err != nil {
		return nil, fmt.Errorf("its answer broke off: %w", err)
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	if p := complaint(body); p != nil {
		c.note(p.String())
	} else if response.StatusCode >= http.StatusBadRequest {
		c.note("it answers " + response.Status)
	}
	return response, nil
}

// complaint returns what is wrong according to an answer: in a problem document, an order or a challenge.
func complaint(body []byte) *problem {
	var answer struct {
		problem
		Error      *problem
		Challenges []struct{ Error *problem }
	}
	if json.Unmarshal(body, &answer) != nil {
		return nil // it is a certificate, or nothing
	}
	for _, challenge := range answer.Challenges {
		if challenge.Error != nil {
			return challenge.Error
		}
	}
	switch {
	case answer.Error != nil:
		return answer.Error
	case answer.Detail != "" && !strings.HasSuffix(answer.Type, ":badNonce"): // which is tried again, as it should be
		return &answer.problem
	}
	return nil
}

func (c *complaints) note(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = text
}

// heard returns the last complaint; "" if there was none.
func (c *complaints) heard() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last
}

// explain adds to an error what the authority said, unless that is in it.
func (c *complaints) explain(err error) error {
	var unreached *url.Error
	if errors.As(err, &unreached) {
		return fmt.Errorf("it cannot be reached: %w", err)
	}
	said := c.heard()
	if said == "" || strings.Contains(err.Error(), said) {
		return err
	}
	return fmt.Errorf("%s (%w)", said, err)
}
