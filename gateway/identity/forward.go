package identity

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/molva-ws/molva"
)

// forward says what of an upgrade the application gets.
type forward struct {
	headers []string // canonical names
	cookies []string // nil: all
	query   []string
}

// unforwardable are fields that belong to the connection, or that are set otherwise.
var unforwardable = []string{"Accept", "Connection", "Content-Length", "Content-Type", "Cookie", "Expect", "Host",
	"Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade"}

func newForward(o *Application) (forward, error) {
	f := forward{cookies: o.Cookies, query: o.Query}
	var errs []error
	for _, name := range o.Headers {
		canonical := http.CanonicalHeaderKey(name)
		switch {
		case canonical == "Cookie":
			errs = append(errs, &OptionError{Option: "Application.Headers", Reason: "say in Application.Cookies which of them"})
		case name == "" || slices.Contains(unforwardable, canonical) || strings.HasPrefix(canonical, "Sec-Websocket-"):
			errs = append(errs, &OptionError{Option: "Application.Headers", Reason: fmt.Sprintf("%q cannot be passed on", name)})
		case !slices.Contains(f.headers, canonical):
			f.headers = append(f.headers, canonical)
		}
	}
	return f, errors.Join(errs...)
}

// forwarded is what the application gets of one upgrade.
type forwarded struct {
	fields  []field
	cookies string
	query   url.Values
}

type field struct {
	name   string
	values []string
}

// of takes out of an upgrade what is passed on.
func (f *forward) of(u *molva.Upgrade) *forwarded {
	what := &forwarded{cookies: f.cookiesOf(u.Header["Cookie"])}
	for _, name := range f.headers {
		values := u.Header[name]
		if name == "X-Forwarded-For" {
			values = addressOf(u)
		}
		if len(values) > 0 {
			what.fields = append(what.fields, field{name, values})
		}
	}
	if len(f.query) > 0 {
		what.query = f.queryOf(u.URL.Query())
	}
	return what
}

// addressOf returns where the client is; nothing if that is no address, as on a local socket.
func addressOf(u *molva.Upgrade) []string {
	if !u.ClientAddr.IsValid() {
		return nil
	}
	return []string{u.ClientAddr.String()}
}

// cookiesOf returns the chosen cookies just as they were sent.
func (f *forward) cookiesOf(lines []string) string {
	var chosen []string
	for _, line := range lines {
		for pair := range strings.SplitSeq(line, ";") {
			pair = strings.Trim(pair, " \t")
			name, _, _ := strings.Cut(pair, "=")
			if pair != "" && (f.cookies == nil || slices.Contains(f.cookies, name)) {
				chosen = append(chosen, pair)
			}
		}
	}
	return strings.Join(chosen, "; ")
}

func (f *forward) queryOf(all url.Values) url.Values {
	chosen := make(url.Values)
	for _, name := range f.query {
		if values := all[name]; len(values) > 0 {
			chosen[name] = values
		}
	}
	return chosen
}

// digest stands for what was passed on, so that no session's id stays in memory.
type digest [sha256.Size]byte

func (w *forwarded) hash() digest {
	var text []byte
	add := func(s string) {
		text = binary.AppendUvarint(text, uint64(len(s)))
		text = append(text, s...)
	}
	for _, f := range w.fields {
		add(f.name)
		text = binary.AppendUvarint(text, uint64(len(f.values)))
		for _, value := range f.values {
			add(value)
		}
	}
	add(w.cookies)
	add(w.query.Encode())
	return sha256.Sum256(text)
}
