package identity

import (
	"fmt"
	"net/http"
	"strings"
)

// place is where in an upgrade a token may be.
type place struct {
	kind placeKind
	name string // of the parameter or the cookie
}

type placeKind uint8

const (
	inQuery placeKind = iota
	inCookie
	inHeader
	inSubprotocol
)

// tokenSubprotocol begins the subprotocol that is a token. It is offered beside a real one and never chosen.
const tokenSubprotocol = "molva.token."

// defaultPlaces begin with those that leave no traces in the logs of proxies.
var defaultPlaces = []string{"subprotocol", "header", "query:token"}

// parsePlaces reads JWT.In.
func parsePlaces(in []string) ([]place, error) {
	if len(in) == 0 {
		in = defaultPlaces
	}
	places := make([]place, 0, len(in))
	for _, text := range in {
		p, ok := parsePlace(text)
		if !ok {
			return nil, &OptionError{
				Option: "JWT.In",
				Reason: fmt.Sprintf("%q is none of query:NAME, cookie:NAME, header, subprotocol", text),
			}
		}
		places = append(places, p)
	}
	return places, nil
}

func parsePlace(text string) (p place, ok bool) {
	kind, name, named := strings.Cut(text, ":")
	switch {
	case kind == "query" && name != "":
		return place{inQuery, name}, true
	case kind == "cookie" && name != "":
		return place{inCookie, name}, true
	case kind == "header" && !named:
		return place{inHeader, ""}, true
	case kind == "subprotocol" && !named:
		return place{inSubprotocol, ""}, true
	}
	return place{}, false
}

// findToken returns the token in the first place that has one, "" if none has. Two tokens in one place are an error:
// somebody else could take the other one for the client's.
func findToken(places []place, r *http.Request) (string, error) {
	for _, p := range places {
		found := p.tokens(r)
		switch {
		case len(found) > 1:
			return "", &refused{reason: BadToken, detail: "more than one"}
		case len(found) == 1 && len(found[0]) > maxToken:
			return "", &refused{reason: BadToken, detail: "too long"}
		case len(found) == 1:
			return found[0], nil
		}
	}
	return "", nil
}

// tokens returns the different tokens that are in a place.
func (p place) tokens(r *http.Request) []string {
	var found distinct
	switch p.kind {
	case inQuery:
		for _, value := range r.URL.Query()[p.name] {
			found.add(value)
		}
	case inCookie:
		for _, cookie := range r.CookiesNamed(p.name) {
			found.add(cookie.Value)
		}
	case inHeader:
		for _, field := range r.Header["Authorization"] {
			if scheme, token, _ := strings.Cut(field, " "); strings.EqualFold(scheme, "Bearer") {
				found.add(strings.Trim(token, " "))
			}
		}
	case inSubprotocol:
		for _, line := range r.Header["Sec-Websocket-Protocol"] {
			for name := range strings.SplitSeq(line, ",") {
				if token, ok := strings.CutPrefix(strings.Trim(name, " \t"), tokenSubprotocol); ok {
					found.add(token)
				}
			}
		}
	}
	return found
}

// distinct are texts that differ, and are not empty. What is beyond the second does not matter.
type distinct []string

func (d *distinct) add(text string) {
	if text != "" && len(*d) < 2 && (len(*d) == 0 || (*d)[0] != text) {
		*d = append(*d, text)
	}
}
