package identity

import "net/http"

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
