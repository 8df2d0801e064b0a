//go:build linux

package contest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Role is what a contender is there for.
type Role string

// The roles.
const (
	Limit Role = "limit" // no protocol at all: nobody can be faster by much
	Own   Role = "molva"
	Peer  Role = "peer"
)

// addrHere stands in a command for the address to listen on.
const addrHere = "{addr}"

// Contender is a server: a command that listens on the address in place of {addr}.
type Contender struct {
	Name  string
	Title string // for tables and charts
	Role  Role
	Raw   bool // speaks no WebSocket

	Package string   // a main package of this module, whose binary takes the flags in Command
	Command []string // or a whole command; {bench} is the folder of this module
	Custom  bool     // given by hand: Command is used as it is in every mode

	Requires []string // a command that fails where the contender cannot run …
	Advice   string   // … and what to install then
	Install  []string // a command that fetches what it needs, tried when Requires fails

	Compresses bool
	Shares     bool   // takes -reuseport, with which several processes listen on one port
	MaxConns   int    // 0: any number
	WhyMax     string // why there is a MaxConns

	Modules []string // Go modules whose versions are reported
	Version []string // or a command that prints the version
}

// Unfit says why a contender does not take part in a cell; nothing if it does.
func (s *Contender) Unfit(c Cell) string {
	switch {
	case s.Custom:
		return ""
	case c.Compress && !s.Compresses:
		return "has no compression"
	case s.MaxConns > 0 && c.Conns > s.MaxConns:
		return fmt.Sprintf("%s, so %s connections at most", s.WhyMax, Thousands(s.MaxConns))
	}
	return ""
}

// args is the command for a cell. shared says that other processes listen on the same address.
func (s *Contender) args(c Cell, addr string, shared bool) []string {
	args := make([]string, 0, len(s.Command)+3)
	for _, arg := range s.Command {
		args = append(args, strings.ReplaceAll(arg, addrHere, addr))
	}
	if s.Custom {
		return args
	}
	if c.Mode == Fanout {
		args = append(args, "-broadcast")
	}
	if c.Compress {
		args = append(args, "-compress")
	}
	if shared {
		args = append(args, "-reuseport")
	}
	return args
}

// ErrContender says that a contender was named or described wrongly.
var ErrContender = errors.New("no such server")

// Choose returns the contenders of a list with commas, in its order; "all" are all of them.
func Choose(names string) ([]Contender, error) {
	if names == "all" {
		return Contenders(), nil
	}
	all := Contenders()
	var chosen []Contender
	for name := range strings.FieldsFuncSeq(names, func(r rune) bool { return r == ',' }) {
		i := slices.IndexFunc(all, func(s Contender) bool { return s.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("%w: %q is none of %s", ErrContender, name, strings.Join(Names(), ", "))
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

// Names of all contenders.
func Names() []string {
	var names []string
	for _, s := range Contenders() {
		names = append(names, s.Name)
	}
	return names
}

// ParseCustom reads "name=command args" with {addr} in it.
func ParseCustom(s string, raw bool) (Contender, error) {
	name, command, _ := strings.Cut(s, "=")
	fields := strings.Fields(command)
	if name == "" || len(fields) == 0 || !strings.Contains(command, addrHere) {
		return Contender{}, fmt.Errorf("%w: %q is not name=command with %s in it", ErrContender, s, addrHere)
	}
	return Contender{Name: name, Title: name, Role: Peer, Raw: raw, Command: fields, Custom: true}, nil
}
