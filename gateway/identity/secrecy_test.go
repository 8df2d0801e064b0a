package identity_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/gateway"
	"github.com/molva-ws/molva/gateway/identity"
)

func TestATokenInASubprotocolIsNotChosen(t *testing.T) {
	f := start(t, identity.Options{JWT: identity.JWT{Secret: theSecret}}, nil)
	url := f.serve(gateway.Rules{})
	token := hs256(t, nil)
	for _, offer := range [][]string{{"molva.v1", "molva.token." + token}, {"molva.token." + token, "molva.v1"}} {
		p, response, err := dial(t, url, &molva.DialOptions{Subprotocols: offer})
		if err != nil {
			t.Fatal(err)
		}
		if hello := p.read(); hello.User != "42" {
			t.Errorf("hello is %+v", hello)
		}
		if got := response.Header.Get("Sec-WebSocket-Protocol"); got != "molva.v1" {
			t.Errorf("the subprotocol chosen is %q", got)
		}
		for name, values := range response.Header {
			if strings.Contains(strings.Join(values, ","), token) {
				t.Errorf("the token is in the response, in %s", name)
			}
		}
	}
	_, response, err := dial(t, url, &molva.DialOptions{Subprotocols: []string{"molva.token." + token}})
	if err == nil || response == nil || response.StatusCode != http.StatusBadRequest {
		t.Errorf("a token alone is accepted as a subprotocol: %v", err)
	}
}

func TestNoTokenIsLogged(t *testing.T) {
	tokens := map[string]string{
		"one without dots": "opaque0123456789", "nonsense": "0paque.n0nsense.s1gned", "an altered one": hs256(t, nil) + "altered",
	}
	for name, c := range map[string]jwt.MapClaims{
		"a good one":                  nil,
		"one that has expired":        {"exp": time.Now().Add(-time.Hour).Unix()},
		"one with a strange user":     {"sub": "secretive\nsub"},
		"one with a strange room":     {"rooms": []string{"secretive\troom"}},
		"one with a strange audience": {"aud": 1},
	} {
		tokens[name] = hs256(t, c)
	}
	for name, token := range tokens {
		t.Run(name, func(t *testing.T) {
			f := start(t, identity.Options{JWT: identity.JWT{Secret: theSecret, In: everyPlace}}, nil)
			f.tryEverywhere(token)
			logged := f.log.String()
			for part := range strings.SplitSeq(token+"."+theSecret+".secretive", ".") {
				if strings.Contains(logged, part) {
					t.Errorf("%q is in the log:\n%s", part, logged)
				}
			}
			if !strings.Contains(logged, "client refused") {
				t.Errorf("no refusal is logged:\n%s", logged)
			}
		})
	}
}

// tryEverywhere sends a token in every place and, where it is let in, renews with one that is not good.
func (f *fixture) tryEverywhere(token string) {
	url := f.serve(gateway.Rules{})
	for _, try := range []struct {
		query string
		o     molva.DialOptions
	}{
		{"?token=" + token, molva.DialOptions{}},
		{"?token=" + token + "&token=another", molva.DialOptions{}},
		{"", molva.DialOptions{Header: http.Header{"Authorization": {"Bearer " + token}}}},
		{"", molva.DialOptions{Header: http.Header{"Cookie": {"session=" + token}}}},
		{"", molva.DialOptions{Subprotocols: []string{"molva.v1", "molva.token." + token}}},
		{"", molva.DialOptions{Subprotocols: []string{"molva.token." + token}}},
	} {
		p, _, err := dial(f, url+try.query, &try.o)
		if err == nil && p.isGreeted() {
			if a := p.ask(`{"type":"renew","token":"` + token + `x"}`); a.Type != "error" {
				f.Errorf("renewed: %+v", a)
			}
		}
	}
}

var everyPlace = []string{"query:token", "cookie:session", "header", "subprotocol"}
