package identity

import (
	"log/slog"
	"time"
)

// Options say who may come in. The zero Options let nobody in.
type Options struct {
	JWT         JWT
	Application Application
	Anonymous   Anonymous
	// MaxName is how many bytes the name of a user has at most, as in [gateway.Limits]; default 128.
	MaxName int
	// Logger gets refusals of clients at info, faults of keys and of the application at warn, neither so often that
	// strangers could fill a disk; default: slog.Default(). Tokens, cookies and secrets are never logged.
	Logger *slog.Logger
}

// JWT says which JSON Web Tokens (RFC 7519) are good. It is switched on by a key: a secret, a file or a URL, or several
// of them.
type JWT struct {
	// Secret is shared with the application, which signs tokens with it by HS256, HS384 or HS512: at least 32 bytes.
	Secret string
	// KeyFile is the path of a file with keys: public keys or certificates in PEM, a JWK, or a JWK set (RFC 7517). It is
	// read again when it changes; if it cannot be, the keys before stay good.
	KeyFile string
	// JWKSURL is where an issuer publishes its keys, as a JWK set: https, or http on this machine.
	JWKSURL string
	// JWKSInsecure allows http to other machines. Whoever is on the way can then make tokens for any user.
	JWKSInsecure bool
	// JWKSRefresh is how old keys from JWKSURL become before they are fetched again; default 10 minutes. A token signed
	// with a key that is not among them has them fetched at once, but not more often than every 10 seconds. While that
	// fails, the keys before stay good.
	JWKSRefresh time.Duration
	// Algorithms are those allowed, of HS256, HS384, HS512, RS256, ES256 and EdDSA. Each is only ever used with keys of
	// its own kind. Nil: all of them, as far as there are keys.
	Algorithms []string
	// Audience are the values of aud of which a token must have one. Nil: any, and none.
	Audience []string
	// Issuer is what iss must be. "": anything.
	Issuer string
	// Leeway is by how much clocks may differ when exp and nbf are looked at; default 10 seconds, negative for none.
	Leeway time.Duration
	// AllowNoExpiry takes tokens without exp, which are good for ever.
	AllowNoExpiry bool
	// In is where a token may be, in the order in which to look: "query:NAME", "cookie:NAME", "header" for
	// Authorization: Bearer, "subprotocol" for one named molva.token.TOKEN beside molva.v1. Nil: "subprotocol", "header",
	// "query:token".
	In []string
}

func (o *JWT) isOn() bool { return o.Secret != "" || o.KeyFile != "" || o.JWKSURL != "" }

// Application says how to ask the application who a client is. It is switched on by URL.
type Application struct {
	// URL is what to ask, http or https. Redirects are not followed.
	URL string
	// Method is GET or POST; default GET.
	Method string
	// Cookies are the names of those that are passed on. Nil: all of them.
	Cookies []string
	// Headers are the names of the fields that are passed on. X-Forwarded-For has the address that the server believes,
	// whatever the client says.
	Headers []string
	// Query are the names of the parameters that are passed on: in the query, or with POST in a form.
	Query []string
	// Timeout is how long an answer may take, and before that waiting for one's turn; default 2 seconds for each.
	Timeout time.Duration
	// MaxAnswer is how many bytes an answer may have; default 16 KiB.
	MaxAnswer int
	// AtOnce is how many requests may be on their way; default 32. Others wait.
	AtOnce int
	// Cache is how long an answer is good for the same cookies, headers and parameters; default 5 seconds, negative for
	// not at all. That somebody is not known is remembered for a second at most.
	Cache time.Duration
	// CacheSize is how many answers are remembered; default 4096.
	CacheSize int
	// Failures is after how many in a row the application is left in peace; default 5.
	Failures int
	// Pause is for how long; default 10 seconds. Then one request is tried.
	Pause time.Duration
	// OnFailure says what becomes of clients while the application cannot be asked: "refuse" them with 503, the default,
	// or let them in as "anonymous". An answer that makes no sense refuses always.
	OnFailure string
}

func (o *Application) isOn() bool { return o.URL != "" }

// Anonymous says what becomes of clients of whom nobody knows who they are.
type Anonymous struct {
	// Allow lets them in.
	Allow bool
	// Prefix begins the name that each connection is given, followed by 26 random letters and digits. "": they have none,
	// so that no message can be addressed to them and nobody sees them in a room.
	Prefix string
}

// OptionError is a mistake in an option.
type OptionError struct {
	Option string // its name, as "JWT.Secret"
	Reason string // what is wrong with it, and what to do
	Err    error  // the cause, may be nil
}

// Error returns the option and what is wrong with it.
func (e *OptionError) Error() string {
	text := "identity: " + e.Option + ": " + e.Reason
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *OptionError) Unwrap() error { return e.Err }

// orDefault returns n, or fallback if it is zero.
func orDefault[T int | time.Duration](n, fallback T) T {
	if n == 0 {
		return fallback
	}
	return n
}
