package identity

import (
	"net/http"

	"github.com/molva-ws/molva"
)

// What the tests use beside what everybody may.
var (
	NewOver     = newChain
	ParseAnswer = parseAnswer
)

// FindToken looks for a token in the places of JWT.In.
func FindToken(in []string, r *http.Request) (string, error) {
	places, err := parsePlaces(in)
	if err != nil {
		return "", err
	}
	return findToken(places, r)
}

// GrantIn is what [GrantOf] will return for a client.
func GrantIn(u *molva.Upgrade) *Grant { return u.Value.(*holder).grant.Load() }
