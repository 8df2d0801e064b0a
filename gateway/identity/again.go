package identity

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/molva-ws/molva/gateway"
)

// Again asks the application anew with what it was asked before, when the time is over that it gave. Whom a token has let
// in renews with a token.
func (h *holder) Again(c *gateway.Client) (expires time.Time, err error) {
	before := h.grant.Load()
	app := h.chain.steps.Load().app
	if before.By != ByApplication || h.asked == nil || app == nil {
		return time.Time{}, &refused{reason: Expired}
	}
	grant, err := app.again(h.asked)
	if err == nil && grant.User != c.User() {
		err = &refused{reason: WrongUser}
	}
	if err != nil {
		return time.Time{}, h.chain.notRenewed(c, err).refusal()
	}
	h.chain.counts.renewed.Add(1)
	h.grant.Store(grant)
	return grant.Expires, nil
}

// again asks about a client that is in. Nobody who has a name becomes an anonymous client.
func (a *application) again(what *forwarded) (*Grant, error) {
	v, err := a.verdict(what)
	switch {
	case err != nil:
		return nil, a.why(err)
	case v.denied:
		return nil, &refused{reason: Denied}
	case v.grant == nil:
		return nil, &refused{reason: Unknown}
	}
	return v.grant, nil
}

// mostKept is how many bytes are kept of an upgrade, for a connection about which the application is asked again.
const mostKept = 4 << 10

// kept returns a copy that holds nothing else in memory, nil if it is too long to be kept.
func (w *forwarded) kept() *forwarded {
	size := len(w.cookies) + len(w.query.Encode())
	for _, f := range w.fields {
		size += len(f.name) + len(strings.Join(f.values, ""))
	}
	if size > mostKept {
		return nil
	}
	k := &forwarded{cookies: strings.Clone(w.cookies)}
	for _, f := range w.fields {
		k.fields = append(k.fields, field{f.name, cloned(f.values)})
	}
	for name, values := range w.query {
		if k.query == nil {
			k.query = make(url.Values)
		}
		k.query[strings.Clone(name)] = cloned(values)
	}
	return k
}

func cloned(values []string) []string {
	values = slices.Clone(values)
	for i := range values {
		values[i] = strings.Clone(values[i])
	}
	return values
}
