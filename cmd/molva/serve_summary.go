package main

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/molva-ws/molva/gateway/config"
)

// whoMayComeIn says it in a few words; "" if clients are believed to be whom they say.
func whoMayComeIn(a *config.Auth) string {
	var who []string
	if a.JWT.On() {
		who = append(who, "whoever has a good token")
	}
	if a.Application.URL != "" {
		who = append(who, "whom "+withoutSecrets(a.Application.URL)+" knows")
	}
	if a.Anonymous.Allow {
		who = append(who, "anybody, without a name of their own choice")
	}
	return strings.Join(who, "; ")
}

// withoutSecrets returns an address without what may be a password or a token.
func withoutSecrets(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "the application"
	}
	u.User, u.RawQuery = nil, ""
	return u.String()
}

// limitsThatHold says in a few words which limits there are on clients.
func limitsThatHold(l *config.Limits) string {
	parts := []string{"any number of connections"}
	if l.Conns > 0 {
		parts[0] = count(l.Conns, "connection")
	}
	for _, limit := range []struct {
		n    int
		text string
	}{{l.ConnsPerAddress, "from one address"}, {l.ConnsPerUser, "of one user"}} {
		if limit.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", limit.n, limit.text))
		}
	}
	if l.Handshakes > 0 {
		parts = append(parts, fmt.Sprintf("%g new ones a second from one address", l.Handshakes))
	}
	message := fmt.Sprintf("messages up to %v", l.Message)
	if l.Messages > 0 {
		message += fmt.Sprintf(", %g a second", l.Messages)
	}
	text := strings.Join(parts, ", ") + "; " + message
	if l.DryRun {
		text += " (DRY RUN: nobody is kept out)"
	}
	return text
}
