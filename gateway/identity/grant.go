package identity

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/molva-ws/molva/gateway"
	"github.com/molva-ws/molva/gateway/rules"
)

// Source is who vouches for a client.
type Source string

// The sources, in the order in which they are asked.
const (
	ByToken       Source = "jwt"
	ByApplication Source = "application"
	ByNobody      Source = "anonymous"
)

// Grant is who a client is and what it was promised. It must not be changed: clients may share one.
type Grant struct {
	User    string          // "" is nobody
	Join    []string        // patterns of rooms that it may join
	Publish []string        // patterns of rooms that it may publish to
	Note    json.RawMessage // the application's own, any JSON; nil if there is none
	Expires time.Time       // when the connection ends; the zero time is never
	By      Source
}

// GrantOf returns what was last granted to a client, nil if it did not come in through [Chain.Identify]. It may be
// called from any goroutine.
func GrantOf(c *gateway.Client) *Grant {
	if held, ok := c.Value().(*holder); ok {
		return held.grant.Load()
	}
	return nil
}

// Granted is for [rules.Sources]: the patterns of GrantOf.
func Granted(c *gateway.Client) rules.Grant {
	g := GrantOf(c)
	if g == nil {
		return rules.Grant{}
	}
	return rules.Grant{Join: g.Join, Publish: g.Publish}
}

// holder is what a client has as its value. It is [gateway.Renewing].
type holder struct {
	grant atomic.Pointer[Grant]
	chain *Chain
	asked *forwarded // what the application was asked with, if it is to be asked again; nil otherwise
}

// Expires tells the gateway when the connection ends.
func (h *holder) Expires() time.Time { return h.grant.Load().Expires }

const (
	maxPatterns     = 256 // for joining, and as many for publishing
	maxPatternBytes = 256
)

// checkPatterns reports what is wrong with patterns from outside. It does not quote them.
func checkPatterns(patterns []string) error {
	if len(patterns) > maxPatterns {
		return fmt.Errorf("has more than %d patterns", maxPatterns)
	}
	for i, p := range patterns {
		if err := checkPattern(p); err != nil {
			return fmt.Errorf("has at %d a pattern that %w", i, err)
		}
	}
	return nil
}

func checkPattern(p string) error {
	switch {
	case p == "":
		return errors.New("is empty")
	case len(p) > maxPatternBytes:
		return fmt.Errorf("is longer than %d bytes", maxPatternBytes)
	case !utf8.ValidString(p):
		return errors.New("is no UTF-8")
	}
	for _, r := range p {
		if unicode.IsControl(r) {
			return errors.New("has a control character")
		}
	}
	return nil
}
