package identity

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

// key checks signatures. Its algorithms follow from what it is, never from what a token says: a public key is no secret
// for HMAC, whoever claims so.
type key struct {
	id         string // "": fits whatever kid a token has
	algorithms []string
	material   jwt.VerificationKey
}

// knownAlgorithms are those that can be allowed.
var knownAlgorithms = []string{"HS256", "HS384", "HS512", "RS256", "ES256", "EdDSA"}

// minSecret is how many bytes a secret has at least (RFC 7518 §3.2).
const minSecret = 32

// minRSA is how many bits an RSA key has at least (RFC 7518 §3.3).
const minRSA = 2048

// newKey binds what was read to its algorithms.
func newKey(id string, material any) (key, error) {
	k := key{id: id, material: material}
	switch m := material.(type) {
	case []byte:
		if len(m) < minSecret {
			return key{}, fmt.Errorf("a secret has at least %d bytes; openssl rand -base64 32 makes one", minSecret)
		}
		k.algorithms = []string{"HS256", "HS384", "HS512"}
	case *rsa.PublicKey:
		if m.N.BitLen() < minRSA {
			return key{}, fmt.Errorf("an RSA key has at least %d bits", minRSA)
		}
		k.algorithms = []string{"RS256"}
	case *ecdsa.PublicKey:
		if m.Curve != elliptic.P256() {
			return key{}, errors.New("of elliptic curves only P-256 and Ed25519 are used")
		}
		k.algorithms = []string{"ES256"}
	case ed25519.PublicKey:
		k.algorithms = []string{"EdDSA"}
	default:
		return key{}, fmt.Errorf("keys of type %T are not used", material)
	}
	return k, nil
}

// narrow leaves only one algorithm, if it is one that fits the key.
func (k *key) narrow(algorithm string) error {
	if !slices.Contains(k.algorithms, algorithm) {
		return fmt.Errorf("its algorithm is %q, and not %s", algorithm, strings.Join(k.algorithms, ", "))
	}
	k.algorithms = []string{algorithm}
	return nil
}

// keySet are the keys of one source.
type keySet []key

// has reports whether there is a key of that name.
func (s keySet) has(id string) bool {
	return slices.ContainsFunc(s, func(k key) bool { return k.id == id })
}

// matching returns the keys that a token of that algorithm and kid may be signed with. Without a kid that is any.
func (s keySet) matching(algorithm, kid string) []jwt.VerificationKey {
	var found []jwt.VerificationKey
	for i := range s {
		k := &s[i]
		if slices.Contains(k.algorithms, algorithm) && (kid == "" || k.id == "" || k.id == kid) {
			found = append(found, k.material)
		}
	}
	return found
}

// allowedAlgorithms reads JWT.Algorithms.
func allowedAlgorithms(names []string) ([]string, error) {
	if len(names) == 0 {
		return knownAlgorithms, nil
	}
	for _, name := range names {
		if !slices.Contains(knownAlgorithms, name) {
			return nil, &OptionError{
				Option: "JWT.Algorithms",
				Reason: fmt.Sprintf("%q is none of %s", name, strings.Join(knownAlgorithms, ", ")),
			}
		}
	}
	return names, nil
}

// keySource is where keys come from.
type keySource interface {
	// keys returns what there is, as fresh as it has to be for a token of that algorithm and kid. With an error it
	// returns what there was before, if anything.
	keys(algorithm, kid string) (keySet, error)
	// adopt takes over the keys of a source before, if it is the same.
	adopt(before keySource)
	close()
}

// newSources makes the sources that the options name.
func (c *Chain) newSources(o *JWT) ([]keySource, error) {
	var sources []keySource
	var errs []error
	if o.Secret != "" {
		k, err := newKey("", []byte(o.Secret))
		if err != nil {
			errs = append(errs, &OptionError{Option: "JWT.Secret", Reason: err.Error()})
		}
		sources = append(sources, secret{k})
	}
	if o.KeyFile != "" {
		f, err := c.newKeyFile(o.KeyFile)
		errs = append(errs, err)
		sources = append(sources, f)
	}
	if o.JWKSURL != "" {
		j, err := c.newJWKS(o)
		errs = append(errs, err)
		sources = append(sources, j)
	}
	return sources, errors.Join(errs...)
}

// secret is a source of one key.
type secret keySet

func (s secret) keys(string, string) (keySet, error) { return keySet(s), nil }
func (s secret) adopt(keySource)                     {}
func (s secret) close()                              {}
