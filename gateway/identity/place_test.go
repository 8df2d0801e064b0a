package identity_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/molva-ws/molva/gateway/identity"
)

func TestWhereATokenIs(t *testing.T) {
	const protocols = "Sec-WebSocket-Protocol"
	for name, test := range map[string]struct {
		in      []string // as in the options
		target  string
		headers []string
		want    string
	}{
		"nowhere":                           {nil, "/ws", nil, ""},
		"query":                             {nil, "/ws?user=1&token=a.b.c", nil, "a.b.c"},
		"query, empty":                      {nil, "/ws?token=", nil, ""},
		"query, of another name":            {nil, "/ws?jwt=a", nil, ""},
		"query, of the name wanted":         {[]string{"query:jwt"}, "/ws?jwt=a&token=b", nil, "a"},
		"query, not asked for":              {[]string{"header"}, "/ws?token=a", nil, ""},
		"header":                            {nil, "/ws", []string{"Authorization", "Bearer a.b.c"}, "a.b.c"},
		"header, in another case":           {nil, "/ws", []string{"authorization", "bEARER   a "}, "a"},
		"header, of another scheme":         {nil, "/ws", []string{"Authorization", "Basic YTpi"}, ""},
		"header, beside another scheme":     {nil, "/ws", []string{"Authorization", "Basic YTpi", "Authorization", "Bearer a"}, "a"},
		"cookie, by default":                {nil, "/ws", []string{"Cookie", "token=a"}, ""},
		"cookie":                            {[]string{"cookie:jwt"}, "/ws", []string{"Cookie", "x=y; jwt=a.b.c"}, "a.b.c"},
		"cookie, twice the same":            {[]string{"cookie:jwt"}, "/ws", []string{"Cookie", "jwt=a; jwt=a"}, "a"},
		"subprotocol":                       {nil, "/ws", []string{protocols, "molva.v1, molva.token.a.b.c"}, "a.b.c"},
		"subprotocol, on a line of its own": {nil, "/ws", []string{protocols, "molva.v1", protocols, "molva.token.a"}, "a"},
		"subprotocol, empty":                {nil, "/ws", []string{protocols, "molva.v1, molva.token."}, ""},
		"subprotocol before header before query": {
			nil, "/ws?token=q", []string{"Authorization", "Bearer h", protocols, "molva.token.s"}, "s",
		},
		"in the order wanted": {
			[]string{"query:token", "header"}, "/ws?token=q", []string{"Authorization", "Bearer h"}, "q",
		},
		"in the next place if the first has none": {
			[]string{"cookie:jwt", "query:token"}, "/ws?token=q", []string{"Cookie", "jwt="}, "q",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := identity.FindToken(test.in, upgrade(test.target, test.headers...).Request)
			if err != nil || got != test.want {
				t.Errorf("found %q (%v); want %q", got, err, test.want)
			}
		})
	}
}

func TestTwoTokensInOnePlace(t *testing.T) {
	f := start(t, identity.Options{JWT: identity.JWT{Secret: theSecret, In: everyPlace}}, nil)
	good := hs256(t, nil)
	f.wantRefused(upgrade("/ws?token="+good+"&token=x"), http.StatusUnauthorized, identity.BadToken)
	f.wantRefused(upgrade("/ws", "Cookie", "session=x; session="+good), http.StatusUnauthorized, identity.BadToken)
	f.wantRefused(upgrade("/ws", "Authorization", "Bearer x", "Authorization", "Bearer "+good),
		http.StatusUnauthorized, identity.BadToken)
	f.wantRefused(upgrade("/ws", "Sec-WebSocket-Protocol", "molva.token.x, molva.token."+good),
		http.StatusUnauthorized, identity.BadToken)
}

func TestAPlaceThatIsNone(t *testing.T) {
	for _, in := range []string{"", "query", "query:", "cookie:", "header:x", "subprotocol:", "body", "Query:token"} {
		_, err := identity.New(identity.Options{JWT: identity.JWT{Secret: theSecret, In: []string{in}}})
		var wrong *identity.OptionError
		if !errors.As(err, &wrong) || wrong.Option != "JWT.In" {
			t.Errorf("%q: %v; want an error about JWT.In", in, err)
		}
	}
}
