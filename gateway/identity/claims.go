package identity

import (
	"errors"
	"math"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// lastSecond is the end of the year 9999. Who names a later one means milliseconds, or has it overflow.
const lastSecond = 253402300799

// check says whether a token whose signature is good is so here and now.
func (v *verifier) check(claims jwt.MapClaims) error {
	for _, name := range []string{"exp", "nbf"} {
		if seconds, ok := claims[name].(float64); ok && math.Abs(seconds) > lastSecond {
			return badClaim(name, errors.New("is beyond the year 9999; it has to be in seconds"))
		}
	}
	err := v.validator.Validate(claims)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, jwt.ErrTokenExpired):
		return &refused{reason: Expired}
	case errors.Is(err, jwt.ErrTokenNotValidYet):
		return &refused{reason: NotYetValid}
	case errors.Is(err, jwt.ErrTokenInvalidIssuer):
		return &refused{reason: WrongIssuer}
	case errors.Is(err, jwt.ErrTokenInvalidAudience):
		return &refused{reason: WrongAudience}
	}
	return &refused{reason: BadClaims, detail: err.Error()} // which has the names of claims, and no values
}

// grant reads the claims of a token whose signature and times are good.
func (v *verifier) grant(claims jwt.MapClaims) (*Grant, error) {
	g := &Grant{By: ByToken}
	var err error
	if g.User, err = claims.GetSubject(); err != nil || !v.names.ValidUser(g.User) {
		return nil, badClaim("sub", errors.New("is no name of a user"))
	}
	if g.Join, err = patternsOf(claims["rooms"]); err != nil {
		return nil, badClaim("rooms", err)
	}
	if g.Publish, err = patternsOf(claims["publish"]); err != nil {
		return nil, badClaim("publish", err)
	}
	if exp, _ := claims.GetExpirationTime(); exp != nil {
		g.Expires = v.end(exp.Time)
	}
	return g, nil
}

func badClaim(name string, err error) error {
	return &refused{reason: BadClaims, detail: name + " " + err.Error()}
}

// end returns when a connection ends whose token expires then. One that was let in by the leeway has until that is over.
func (v *verifier) end(expires time.Time) time.Time {
	if time.Now().Before(expires) {
		return expires
	}
	return expires.Add(v.leeway)
}

// patternsOf reads a claim that is an array of patterns, or absent.
func patternsOf(claim any) ([]string, error) {
	if claim == nil {
		return nil, nil
	}
	list, ok := claim.([]any)
	if !ok {
		return nil, errors.New("is no array")
	}
	patterns := make([]string, len(list))
	for i := range list {
		if patterns[i], ok = list[i].(string); !ok {
			return nil, errors.New("has something else than strings")
		}
	}
	return patterns, checkPatterns(patterns)
}
