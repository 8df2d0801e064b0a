// Package keyring knows the bearer keys that open the gateway to applications.
package keyring

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"

	"github.com/molva-ws/molva/gateway/api"
)

// Ring has the keys that are good. It compares hashes, in constant time and all of them, so that the time
// tells neither the length of a key nor which of them it was.
type Ring [][sha256.Size]byte

// New leaves out empty keys, which anybody could guess.
func New(keys []string) Ring {
	var ring Ring
	for _, key := range keys {
		if key != "" {
			ring = append(ring, sha256.Sum256([]byte(key)))
		}
	}
	return ring
}

// Opens reports whether key is one of them.
func (ring Ring) Opens(key string) bool {
	hash := sha256.Sum256([]byte(key))
	found := 0
	for i := range ring {
		found |= subtle.ConstantTimeCompare(hash[:], ring[i][:])
	}
	return found == 1
}

// Check returns nil if a request brings a good key (RFC 6750 §2.1), else the answer.
func (ring Ring) Check(r *http.Request) *api.Answer {
	fields := r.Header.Values("Authorization")
	switch {
	case len(ring) == 0:
		return api.Refusedf(api.ErrUnauthorized, "this server has no key, so nobody may use its HTTP API; set one and start again")
	case len(fields) == 0:
		return api.Refusedf(api.ErrUnauthorized, "a key is missing: send the header Authorization: Bearer KEY")
	case len(fields) > 1:
		return api.Refusedf(api.ErrUnauthorized, "there is more than one header Authorization")
	}
	scheme, key, _ := strings.Cut(fields[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return api.Refusedf(api.ErrUnauthorized, "the key has to come as Authorization: Bearer KEY")
	}
	if !ring.Opens(strings.Trim(key, " ")) {
		return api.Refusedf(api.ErrUnauthorized, "this key is not one of this server's")
	}
	return nil
}
