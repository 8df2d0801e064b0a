package config

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"regexp"
	"strings"
	"time"

	"github.com/molva-ws/molva/gateway/identity"
)

// Auth says who may come in: whoever one of these knows, in this order. Without any of them everybody may, and is
// believed to be whom they say. Its fields have the names of those of [identity.Options].
type Auth struct {
	JWT         JWT         `toml:"jwt" embed:"" group:"Who may come in: whoever has a JSON Web Token"`
	Application Application `toml:"app" embed:"" group:"Who may come in: whom the application knows"`
	Anonymous   Anonymous   `toml:"anonymous" embed:"" group:"Who may come in: anonymous clients"`
}

// JWT says which JSON Web Tokens are good. It is switched on by a secret, a file or a URL.
type JWT struct {
	Secret        string        `toml:"secret" name:"jwt-secret" placeholder:"SECRET" secret:"true" live:"true" help:"Shared with the application, which signs tokens with it by HS256, HS384 or HS512: at least 32 bytes."`
	SecretFile    string        `toml:"secret_file" name:"jwt-secret-file" placeholder:"FILE" live:"true" help:"File with such a secret and nothing else."`
	KeyFile       string        `toml:"key_file" name:"jwt-key-file" placeholder:"FILE" live:"true" help:"File with public keys or certificates in PEM, a JWK or a JWK set. It is read again when it changes."`
	JWKSURL       string        `toml:"jwks_url" name:"jwt-jwks-url" placeholder:"URL" secret:"url" live:"true" help:"Where an issuer publishes its keys: https, or http on this machine."`
	JWKSInsecure  bool          `toml:"jwks_insecure" name:"jwt-jwks-insecure" live:"true" help:"Take keys by http from other machines. Whoever is on the way can then make tokens for any user."`
	JWKSRefresh   time.Duration `toml:"jwks_refresh" name:"jwt-jwks-refresh" default:"10m" range:"1s.." live:"true" help:"How old they become before they are fetched again. Default: ${default}."`
	Algorithms    []string      `toml:"algorithms" name:"jwt-algorithm" placeholder:"NAME" live:"true" help:"Those allowed, of HS256, HS384, HS512, RS256, ES256 and EdDSA. Default: all, as far as there are keys."`
	Audience      []string      `toml:"audience" name:"jwt-audience" placeholder:"NAME" live:"true" help:"What aud must have one of. Default: anything."`
	Issuer        string        `toml:"issuer" name:"jwt-issuer" placeholder:"NAME" live:"true" help:"What iss must be. Default: anything."`
	Leeway        time.Duration `toml:"leeway" name:"jwt-leeway" default:"10s" range:"0.." live:"true" help:"By how much clocks may differ. Default: ${default}."`
	AllowNoExpiry bool          `toml:"allow_no_expiry" name:"jwt-allow-no-expiry" live:"true" help:"Take tokens without exp, which are good for ever."`
	In            []string      `toml:"in" name:"jwt-in" placeholder:"PLACE" default:"subprotocol,header,query:token" live:"true" help:"Where a token may be, in this order: query:NAME, cookie:NAME, header, subprotocol. Default: ${default}."`
}

// Application says how to ask the application who a client is. It is switched on by its URL.
type Application struct {
	URL       string        `toml:"url" name:"app-url" placeholder:"URL" secret:"url" live:"true" help:"What to ask who a client is, http or https."`
	Method    string        `toml:"method" name:"app-method" enum:"GET,POST" default:"GET" live:"true" help:"How: ${enum}. Default: ${default}."`
	Cookies   []string      `toml:"cookies" name:"app-cookie" placeholder:"NAME" live:"true" help:"Cookie that is passed on. Default: all of them."`
	Headers   []string      `toml:"headers" name:"app-header" placeholder:"NAME" live:"true" help:"Header field that is passed on."`
	Query     []string      `toml:"query" name:"app-query" placeholder:"NAME" live:"true" help:"Parameter of the query that is passed on."`
	Timeout   time.Duration `toml:"timeout" name:"app-timeout" default:"2s" range:"1ms.." live:"true" help:"How long an answer may take, and waiting for one's turn before. Default: ${default}."`
	AtOnce    int           `toml:"at_once" name:"app-at-once" placeholder:"N" default:"32" range:"1.." live:"true" help:"How many requests may be on their way. Default: ${default}."`
	Cache     time.Duration `toml:"cache" name:"app-cache" default:"5s" range:"0.." live:"true" help:"How long an answer is good for the same cookies, fields and parameters. Default: ${default}."`
	CacheSize int           `toml:"cache_size" name:"app-cache-size" placeholder:"N" default:"4096" range:"1.." live:"true" help:"How many answers are remembered. Default: ${default}."`
	Failures  int           `toml:"failures" name:"app-failures" placeholder:"N" default:"5" range:"1.." live:"true" help:"After how many in a row the application is left in peace. Default: ${default}."`
	Pause     time.Duration `toml:"pause" name:"app-pause" default:"10s" range:"1ms.." live:"true" help:"For how long. Default: ${default}."`
	OnFailure string        `toml:"on_failure" name:"app-on-failure" enum:"refuse,anonymous" default:"refuse" live:"true" help:"What becomes of clients while it cannot be asked: ${enum}. Default: ${default}."`
}

// Anonymous says what becomes of clients of whom nobody knows who they are.
type Anonymous struct {
	Allow  bool   `toml:"allow" name:"anonymous" live:"true" help:"Let them in."`
	Prefix string `toml:"prefix" name:"anonymous-prefix" placeholder:"TEXT" live:"true" help:"Begins the name that each connection is given. Default: they have none."`
}

// On reports whether clients have to say who they are, rather than being believed.
func (a *Auth) On() bool {
	return a.JWT.On() || a.Application.URL != "" || a.Anonymous.Allow
}

// On reports whether tokens are taken.
func (j *JWT) On() bool {
	return j.Secret != "" || j.SecretFile != "" || j.KeyFile != "" || j.JWKSURL != ""
}

// identity returns the options of the package that does it.
func (s *Settings) identity(log *slog.Logger) identity.Options {
	o := identity.Options{MaxName: s.Limits.Name, Logger: log}
	copyFields(&o.JWT, &s.Auth.JWT)
	copyFields(&o.Application, &s.Auth.Application)
	copyFields(&o.Anonymous, &s.Auth.Anonymous)
	if s.jwtSecret != "" {
		o.JWT.Secret = s.jwtSecret
	}
	o.JWT.Leeway, o.Application.Cache = orNone(o.JWT.Leeway), orNone(o.Application.Cache)
	return o
}

// orNone translates to the convention that 0 is the default, and less is none.
func orNone(d time.Duration) time.Duration {
	if d == 0 {
		return -1
	}
	return d
}

// copyFields copies the fields of a struct to those of the same name and type in another. What is empty stays nil.
func copyFields(to, from any) {
	source, target := reflect.ValueOf(from).Elem(), reflect.ValueOf(to).Elem()
	for i := range target.NumField() {
		v := source.FieldByName(target.Type().Field(i).Name)
		if v.IsValid() && v.Type().ConvertibleTo(target.Field(i).Type()) && !(v.Kind() == reflect.Slice && v.Len() == 0) {
			target.Field(i).Set(v.Convert(target.Field(i).Type()))
		}
	}
}

// checkAuth has the package that does it look at the options.
func (c *checker) checkAuth() {
	s := c.settings
	c.checkSecretFile()
	who, err := identity.New(s.identity(slog.New(slog.DiscardHandler)))
	if err == nil {
		who.Close()
		return
	}
	for _, e := range joined(err) {
		var wrong *identity.OptionError
		if !errors.As(e, &wrong) {
			c.problems = append(c.problems, Problem{File: s.file, Text: e.Error()})
			continue
		}
		path := pathOf("Auth." + wrong.Option)
		if path == "auth.jwt.secret" && s.jwtSecret != "" {
			path = "auth.jwt.secret_file"
		}
		text := wrong.Reason
		if wrong.Err != nil {
			text += ": " + wrong.Err.Error()
		}
		c.say(path, "%s", withKeys(text))
	}
}

// checkSecretFile reads the secret that is in a file. Without it the other options are looked at all the same.
func (c *checker) checkSecretFile() {
	jwt := &c.settings.Auth.JWT
	if jwt.SecretFile == "" {
		return
	}
	secret, err := readSecret(jwt.SecretFile)
	switch {
	case err != nil:
		c.say("auth.jwt.secret_file", "%v", err)
		c.broken["auth.jwt.secret_file"] = true
	case jwt.Secret != "":
		c.say("auth.jwt.secret_file", "does not go with auth.jwt.secret; take one of them")
	default:
		c.settings.jwtSecret = secret
	}
}

// withKeys returns a text about options with the names that these have in a file.
func withKeys(text string) string {
	option := regexp.MustCompile(`\b(JWT|Application|Anonymous)\.\w+`)
	return option.ReplaceAllStringFunc(text, func(name string) string { return cmp.Or(pathOf("Auth."+name), name) })
}

// joined returns the errors that an error was joined of.
func joined(err error) []error {
	many, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, e := range many.Unwrap() {
		all = append(all, joined(e)...)
	}
	return all
}

// pathOf returns the path of the key that has a field of Config, "" if none has.
func pathOf(field string) string {
	for _, k := range Keys() {
		if k.field == field {
			return k.Path
		}
	}
	return ""
}

// readSecret reads a file that is a secret, but for the end of its line.
func readSecret(file string) (string, error) {
	text, err := readFile(file)
	if err != nil {
		return "", fmt.Errorf("%s %w", file, err)
	}
	secret := strings.TrimRight(string(text), "\r\n")
	if secret == "" {
		return "", fmt.Errorf("%s is empty", file)
	}
	return secret, nil
}
