package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is a mistake in what was set.
type Problem struct {
	File string // "" if it is not in a file
	Line int    // from 1 on; 0 if it is not on a line
	Key  string // as it stands where the mistake is: limits.conns, --max-conns or MOLVA_MAX_CONNS; "" if it is in none
	Text string
}

// Error returns all of it on a line, which begins as those of compilers do.
func (p Problem) Error() string {
	var b strings.Builder
	switch {
	case p.File != "" && p.Line > 0:
		fmt.Fprintf(&b, "%s:%d: ", p.File, p.Line)
	case p.File != "":
		b.WriteString(p.File + ": ")
	}
	if p.Key != "" {
		b.WriteString(p.Key + ": ")
	}
	b.WriteString(p.Text)
	return b.String()
}

// Problems are all mistakes in what was set, in the order of their lines. They are an error if there are any.
type Problems []Problem

// Error returns them on a line each.
func (all Problems) Error() string {
	lines := make([]string, len(all))
	for i, p := range all {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// InFile reports whether one of them is in a file, rather than on the command line or in the environment.
func (all Problems) InFile() bool {
	return slices.ContainsFunc(all, func(p Problem) bool { return p.File != "" })
}

// err returns nil if there are none.
func (all Problems) err() error {
	if len(all) == 0 {
		return nil
	}
	slices.SortStableFunc(all, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
	return all
}
