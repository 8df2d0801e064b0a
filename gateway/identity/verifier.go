package identity

import (
	"errors"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/gateway"
)

// maxToken is how many bytes a token may have. Those in the wild have some hundred.
const maxToken = 16 << 10

// verifier finds out who a client is by its token.
type verifier struct {
	places     []place
	sources    []keySource
	algorithms []string
	parser     *jwt.Parser    // looks at the signature
	validator  *jwt.Validator // looks at the claims
	leeway     time.Duration
	names      gateway.Limits
}

func (c *Chain) newVerifier(o *JWT, names gateway.Limits) (*verifier, error) {
	v := &verifier{names: names, leeway: max(0, orDefault(o.Leeway, 10*time.Second))}
	var errs [3]error
	v.places, errs[0] = parsePlaces(o.In)
	v.algorithms, errs[1] = allowedAlgorithms(o.Algorithms)
	v.sources, errs[2] = c.newSources(o)
	settings := []jwt.ParserOption{jwt.WithLeeway(v.leeway)}
	if !o.AllowNoExpiry {
		settings = append(settings, jwt.WithExpirationRequired())
	}
	if o.Issuer != "" {
		settings = append(settings, jwt.WithIssuer(o.Issuer))
	}
	if len(o.Audience) > 0 {
		settings = append(settings, jwt.WithAudience(o.Audience...))
	}
	v.parser = jwt.NewParser(jwt.WithValidMethods(v.algorithms), jwt.WithoutClaimsValidation())
	v.validator = jwt.NewValidator(settings...)
	return v, errors.Join(errs[:]...)
}

// identify looks for a token. Without one it knows nothing.
func (v *verifier) identify(u *molva.Upgrade) (*Grant, error) {
	token, err := findToken(v.places, u.Request)
	if err != nil || token == "" {
		return nil, err
	}
	return v.verify(token)
}

// verify returns what a token grants.
func (v *verifier) verify(text string) (*Grant, error) {
	if len(text) > maxToken {
		return nil, &refused{reason: BadToken, detail: "too long"}
	}
	claims := jwt.MapClaims{}
	token, err := v.parser.ParseWithClaims(text, claims, v.keys)
	if err != nil {
		return nil, v.refusal(token, err)
	}
	if err := v.check(claims); err != nil {
		return nil, err
	}
	return v.grant(claims)
}

// keys returns those that a token may be signed with. Its algorithm is an allowed one.
func (v *verifier) keys(token *jwt.Token) (any, error) {
	if _, critical := token.Header["crit"]; critical {
		return nil, &refused{reason: BadToken, detail: "it has crit, of which nothing is understood here"} // RFC 7515 §4.1.11
	}
	kid, _ := token.Header["kid"].(string)
	var found jwt.VerificationKeySet
	var failed error
	for _, source := range v.sources {
		set, err := source.keys(token.Method.Alg(), kid)
		if err != nil {
			failed = err
		}
		found.Keys = append(found.Keys, set.matching(token.Method.Alg(), kid)...)
	}
	switch {
	case len(found.Keys) > 0:
		return found, nil
	case failed != nil:
		return nil, failed
	}
	return nil, &refused{reason: UnknownKey}
}

// refusal says why a token is not good. The library's texts may quote the token, so they go nowhere.
func (v *verifier) refusal(token *jwt.Token, err error) error {
	var no *refused
	if errors.As(err, &no) {
		return no
	}
	switch {
	case errors.Is(err, jwt.ErrTokenMalformed):
		return &refused{reason: BadToken}
	case errors.Is(err, jwt.ErrTokenUnverifiable), !slices.Contains(v.algorithms, token.Method.Alg()):
		return &refused{reason: BadAlgorithm}
	}
	return &refused{reason: BadSignature}
}

func (v *verifier) adopt(before *verifier) {
	for _, source := range v.sources {
		for _, old := range before.sources {
			source.adopt(old)
		}
	}
}

func (v *verifier) close() {
	for _, source := range v.sources {
		source.close()
	}
}
