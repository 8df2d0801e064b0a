// Package identity finds out who a client of the gateway is: by a JSON Web Token, by asking the application, which knows
// its own sessions, or not at all. docs/identity.md is the guide.
//
//	who, err := identity.New(identity.Options{
//		JWT:       identity.JWT{KeyFile: "public.pem", Audience: []string{"chat"}},
//		Anonymous: identity.Anonymous{Allow: true},
//	})
//	…
//	g := &gateway.Gateway{Identify: who.Identify, Renew: who.Renew}
//
// What was found out stays with the client: see [GrantOf].
package identity

import (
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/gateway"
	"github.com/molva-ws/molva/gateway/api"
	"github.com/molva-ws/molva/internal/quietlog"
)

// Chain asks, in this order and as far as each is switched on, for a token, the application, and whether anonymous
// clients may come in. The first that knows the client decides: a token that is there but not good refuses it. Make one
// with [New]. Its methods may be called from any goroutine.
type Chain struct {
	counts    counts
	refusals  quietlog.Log // of clients
	faults    quietlog.Log // of keys and the application
	transport http.RoundTripper

	reloading sync.Mutex
	steps     atomic.Pointer[steps]
}

// New returns the chain that the options describe. Key files are read; nothing else is asked yet, so that molva starts
// though the application does not run. The error is made of one [*OptionError] for each mistake.
func New(o Options) (*Chain, error) { return newChain(o, nil) }

// newChain is New with a transport in place of the network.
func newChain(o Options, transport http.RoundTripper) (*Chain, error) {
	c := &Chain{transport: transport}
	c.refusals.Logger = o.Logger
	if o.Logger == nil {
		c.refusals.Logger = slog.Default()
	}
	c.faults.Logger = c.refusals.Logger
	if err := c.Reload(o); err != nil {
		return nil, err
	}
	return c, nil
}

// Reload puts other options in place of those before, or none of them if it returns an error; see [New]. Key files are
// read again. Options.Logger stays what it was, and so does what clients were granted.
func (c *Chain) Reload(o Options) error {
	c.reloading.Lock()
	defer c.reloading.Unlock()
	next, err := c.build(o)
	if err != nil {
		return err
	}
	before := c.steps.Load()
	next.adopt(before)
	c.steps.Store(next)
	before.close()
	return nil
}

// Close lets go of the connections to the application and to where keys come from. The chain remains usable.
func (c *Chain) Close() { c.steps.Load().close() }

// Identify is for Gateway.Identify. It names the user and leaves in Upgrade.Value what [GrantOf] returns and what makes
// the connection expire. The error is a [*molva.Refusal].
func (c *Chain) Identify(u *molva.Upgrade) error {
	steps := c.steps.Load()
	grant, err := steps.identify(u)
	if err != nil {
		return c.refuse(u, err)
	}
	c.counts.admit(grant.By)
	held := &holder{chain: c}
	held.grant.Store(grant)
	if grant.By == ByApplication && !grant.Expires.IsZero() {
		held.asked = steps.app.forward.of(u).kept()
	}
	u.User, u.Value = grant.User, held
	return nil
}

// refuse counts, logs and words a refusal.
func (c *Chain) refuse(u *molva.Upgrade, err error) *molva.Refusal {
	no := asRefused(err)
	c.counts.refuse(no.reason)
	c.refusals.Say(slog.LevelInfo, "client refused", "client", u.ClientAddr, "reason", no)
	return no.refusal()
}

// Renew is for Gateway.Renew. The new token has to name the same user; what it grants replaces what was granted, except
// for the application's note. The error is a [*gateway.ClientError].
func (c *Chain) Renew(client *gateway.Client, token string) (expires time.Time, err error) {
	verifier := c.steps.Load().verifier
	held, ok := client.Value().(*holder)
	if verifier == nil || !ok {
		return time.Time{}, &gateway.ClientError{Code: api.ErrUnsupported, Message: "tokens are not renewed here"}
	}
	grant, err := verifier.verify(token)
	if err == nil && grant.User != client.User() {
		err = &refused{reason: WrongUser}
	}
	if err != nil {
		return time.Time{}, c.notRenewed(client, err).clientError()
	}
	c.counts.renewed.Add(1)
	grant.Note = held.grant.Load().Note
	held.grant.Store(grant)
	return grant.Expires, nil
}

// notRenewed counts and logs that a client may not stay for longer.
func (c *Chain) notRenewed(client *gateway.Client, err error) *refused {
	no := asRefused(err)
	c.counts.refuseRenewal(no.reason)
	c.refusals.Say(slog.LevelInfo, "not renewed", "conn", client.ID(), "user", client.User(), "reason", no)
	return no
}

// steps are what a chain asks.
type steps struct {
	verifier *verifier    // nil if tokens are not taken
	app      *application // nil if it is not asked
	guests   *guests      // nil if nobody is let in without a name
}

// identify asks one after the other.
func (s *steps) identify(u *molva.Upgrade) (*Grant, error) {
	if s.verifier != nil {
		if grant, err := s.verifier.identify(u); grant != nil || err != nil {
			return grant, err
		}
	}
	if s.app != nil {
		if grant, err := s.app.identify(u); grant != nil || err != nil {
			return grant, err
		}
	}
	if s.guests != nil {
		return s.guests.grant(), nil
	}
	return nil, &refused{reason: Unknown}
}

// build makes the steps, or says all that is wrong with the options.
func (c *Chain) build(o Options) (*steps, error) {
	s := new(steps)
	var errs [3]error
	names := gateway.Limits{Name: o.MaxName}
	if o.JWT.isOn() {
		s.verifier, errs[0] = c.newVerifier(&o.JWT, names)
	}
	if o.Anonymous.Allow {
		s.guests, errs[1] = newGuests(&o.Anonymous, names)
	}
	if o.Application.isOn() {
		s.app, errs[2] = c.newApplication(&o.Application, &o.Anonymous, names)
	}
	return s, errors.Join(errs[:]...)
}

// adopt takes over from the steps before what must not be lost.
func (s *steps) adopt(before *steps) {
	if before != nil && s.verifier != nil && before.verifier != nil {
		s.verifier.adopt(before.verifier)
	}
}

func (s *steps) close() {
	if s == nil {
		return
	}
	if s.verifier != nil {
		s.verifier.close()
	}
	if s.app != nil {
		s.app.close()
	}
}
