package identity

import (
	"crypto/rand"

	"github.com/molva-ws/molva/gateway"
)

// guests lets in clients of whom nobody knows who they are.
type guests struct{ prefix string }

func newGuests(o *Anonymous, names gateway.Limits) (*guests, error) {
	if o.Prefix != "" && !names.ValidUser(o.Prefix+rand.Text()) {
		return nil, &OptionError{
			Option: "Anonymous.Prefix",
			Reason: "with 26 characters behind it, this must be the name of a user: UTF-8 without control characters, " +
				"not too long, and not beginning with $",
		}
	}
	return &guests{prefix: o.Prefix}, nil
}

// nobody is who all are that have no name.
var nobody = &Grant{By: ByNobody}

func (g *guests) grant() *Grant {
	if g.prefix == "" {
		return nobody
	}
	return &Grant{User: g.prefix + rand.Text(), By: ByNobody}
}
