package identity

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/molva-ws/molva/internal/quietlog"
)

const (
	maxJWKS      = 256 << 10        // bytes
	fetchTimeout = 5 * time.Second  // for all of it
	fetchPause   = 10 * time.Second // between two, whatever tokens say
)

// jwks is a source that follows a URL. Nothing runs while no tokens come: who needs keys that are not there waits for
// them, and who finds that they are old fetches them while others go on with those.
type jwks struct {
	url     string
	refresh time.Duration
	client  *http.Client
	log     *quietlog.Log
	counts  *counts

	mu      sync.Mutex
	set     keySet
	fetched time.Time     // when set was
	tried   time.Time     // when that was last begun
	err     error         // of that time
	flight  chan struct{} // closed when what is being fetched is here; nil if nothing is
}

func (c *Chain) newJWKS(o *JWT) (*jwks, error) {
	j := &jwks{
		url: o.JWKSURL, refresh: orDefault(o.JWKSRefresh, 10*time.Minute), client: newHTTPClient(c.transport, 1),
		log: &c.faults, counts: &c.counts,
	}
	u, err := parseURL(o.JWKSURL)
	switch {
	case err != nil:
		return j, &OptionError{Option: "JWT.JWKSURL", Reason: err.Error()}
	case u.Scheme == "http" && !o.JWKSInsecure && !isLoopback(u.Hostname()):
		return j, &OptionError{
			Option: "JWT.JWKSURL",
			Reason: "it has to be https, since whoever is on the way could put other keys there; JWT.JWKSInsecure allows it",
		}
	}
	return j, nil
}

// keys fetches them first if that is due.
func (j *jwks) keys(algorithm, kid string) (keySet, error) {
	if strings.HasPrefix(algorithm, "HS") {
		return nil, nil // a secret is never published
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	for j.flight != nil && j.lacks(kid) {
		j.wait()
	}
	if j.flight == nil && j.isDue(kid) {
		j.update()
	}
	if j.lacks(kid) && j.err != nil {
		return j.set, &refused{reason: NoKeys, retry: fetchPause}
	}
	return j.set, nil
}

// lacks reports whether there is no key that a token names.
func (j *jwks) lacks(kid string) bool { return j.set == nil || kid != "" && !j.set.has(kid) }

func (j *jwks) isDue(kid string) bool {
	now := time.Now()
	if !j.tried.IsZero() && now.Sub(j.tried) < fetchPause {
		return false
	}
	return j.lacks(kid) || now.Sub(j.fetched) >= j.refresh
}

// wait waits for what is being fetched.
func (j *jwks) wait() {
	flight := j.flight
	j.mu.Unlock()
	<-flight
	j.mu.Lock()
}

// update fetches the keys. Others go on meanwhile: it unlocks j.
func (j *jwks) update() {
	var set keySet
	err := errors.New("fetching keys broke off")
	first := j.set == nil
	j.flight, j.tried = make(chan struct{}), time.Now()
	j.mu.Unlock()
	defer func() {
		j.mu.Lock()
		close(j.flight)
		j.flight, j.err = nil, err
		if err == nil {
			j.set, j.fetched = set, time.Now()
		}
	}()
	if set, err = j.fetch(); err != nil {
		j.failed(err, first)
	}
}

// failed tells the operator.
func (j *jwks) failed(err error, first bool) {
	j.counts.keyFailures.Add(1)
	text := "keys cannot be fetched; those before stay good"
	if first {
		text = "keys cannot be fetched, so tokens cannot be checked"
	}
	j.log.Say(slog.LevelWarn, text, "url", shownURL(j.url), "error", err)
}

func (j *jwks) fetch() (keySet, error) {
	j.counts.fetches.Add(1)
	ctx, cancel := context.WithTimeout(context.Background(), fetchTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, j.url, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/jwk-set+json, application/json")
	response, err := j.client.Do(request)
	if err != nil {
		return nil, withoutURL(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the answer is %d %s", response.StatusCode, http.StatusText(response.StatusCode))
	}
	data, err := io.ReadAll(io.LimitReader(response.Body, maxJWKS+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxJWKS {
		return nil, errors.New("the answer is too long")
	}
	return parseJWKS(data)
}

// adopt keeps the keys: the URL may be down just now.
func (j *jwks) adopt(before keySource) {
	old, ok := before.(*jwks)
	if !ok || old.url != j.url {
		return
	}
	old.mu.Lock()
	set, fetched := old.set, old.fetched
	old.mu.Unlock()
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.set == nil {
		j.set, j.fetched = set, fetched
	}
}

func (j *jwks) close() { j.client.CloseIdleConnections() }
