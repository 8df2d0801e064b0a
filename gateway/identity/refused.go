package identity

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/gateway"
	"github.com/molva-ws/molva/gateway/api"
)

// Reason is why a client was not let in, or its token not renewed.
type Reason string

// The reasons. Their texts are promised to dashboards.
const (
	Unknown       Reason = "unknown"            // nothing says who it is, and anonymous clients are not allowed
	BadToken      Reason = "bad_token"          // no JWT, or more than one
	BadAlgorithm  Reason = "bad_algorithm"      // one that is not allowed, such as none
	UnknownKey    Reason = "unknown_key"        // no key has the token's kid, or fits its algorithm
	BadSignature  Reason = "bad_signature"      //
	Expired       Reason = "expired"            //
	NotYetValid   Reason = "not_yet_valid"      //
	WrongIssuer   Reason = "wrong_issuer"       //
	WrongAudience Reason = "wrong_audience"     //
	BadClaims     Reason = "bad_claims"         // one that is missing or not as it must be
	NoKeys        Reason = "no_keys"            // keys cannot be fetched now
	WrongUser     Reason = "wrong_user"         // the new token names somebody else
	Denied        Reason = "denied"             // the application said no
	AppDown       Reason = "application_down"   // the application gave no answer in time, or is being left in peace
	AppBusy       Reason = "application_busy"   // too many others were waiting for it
	AppNonsense   Reason = "application_answer" // what it answered makes no sense
)

// reasons are all of them.
var reasons = [...]Reason{Unknown, BadToken, BadAlgorithm, UnknownKey, BadSignature, Expired, NotYetValid, WrongIssuer,
	WrongAudience, BadClaims, NoKeys, WrongUser, Denied, AppDown, AppBusy, AppNonsense}

// sentence tells the client's developer.
func (r Reason) sentence() string {
	switch r {
	case Unknown:
		return "the server does not know who you are: send a token, or log in first"
	case BadToken:
		return "the token is no JWT, or there is more than one"
	case BadAlgorithm:
		return "the token is signed by an algorithm that is not allowed here"
	case UnknownKey:
		return "the token is signed with a key that is not known here"
	case BadSignature:
		return "the token's signature is wrong"
	case Expired:
		return "the token has expired"
	case NotYetValid:
		return "the token is not valid yet"
	case WrongIssuer:
		return "the token is not from the issuer that is trusted here"
	case WrongAudience:
		return "the token is not meant for this server"
	case BadClaims:
		return "a claim of the token is missing or not as it must be"
	case NoKeys:
		return "tokens cannot be checked now; try again"
	case WrongUser:
		return "the token names another user"
	case Denied:
		return "the application does not let you in"
	case AppNonsense:
		return "the application gave an answer that makes no sense"
	}
	return "the application cannot be asked now; try again"
}

// status is that of the response to the upgrade.
func (r Reason) status() int {
	switch r {
	case Denied:
		return http.StatusForbidden
	case AppNonsense:
		return http.StatusBadGateway
	case NoKeys, AppDown, AppBusy:
		return http.StatusServiceUnavailable
	}
	return http.StatusUnauthorized
}

// refused is the error of every step.
type refused struct {
	reason Reason
	detail string        // for the log; never holds what a client sent
	retry  time.Duration // when to try again, if the status is 503
}

// Error returns the reason, and more of it.
func (e *refused) Error() string {
	if e.detail == "" {
		return string(e.reason)
	}
	return string(e.reason) + ": " + e.detail
}

// asRefused returns the refusal that an error is.
func asRefused(err error) *refused {
	var no *refused
	if errors.As(err, &no) {
		return no
	}
	return &refused{reason: AppDown, detail: err.Error()}
}

// refusal is the answer to an upgrade.
func (e *refused) refusal() *molva.Refusal {
	r := &molva.Refusal{Status: e.reason.status(), Reason: e.reason.sentence(), Header: make(http.Header)}
	switch r.Status {
	case http.StatusUnauthorized:
		r.Header.Set("WWW-Authenticate", `Bearer realm="molva"`)
	case http.StatusServiceUnavailable:
		seconds := max(1, int((e.retry+time.Second-1)/time.Second))
		r.Header.Set("Retry-After", strconv.Itoa(seconds))
	}
	return r
}

// clientError is the answer to a client that wanted to renew.
func (e *refused) clientError() *gateway.ClientError {
	code := api.ErrForbidden
	if e.reason == NoKeys {
		code = api.ErrBusy
	}
	return &gateway.ClientError{Code: code, Message: e.reason.sentence()}
}
