//go:build linux

package report

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/molva-ws/molva/bench/internal/contest"
	"github.com/molva-ws/molva/bench/internal/stats"
)

// Notes say why a server is ahead of molva in a cell.
type Notes []note

type note struct{ cell, server, text string }

// ErrNotes says that a file of notes is not as [ParseNotes] wants it.
var ErrNotes = errors.New(`a note is a line "cell server: text"`)

// ParseNotes reads lines of a cell's key, a server's name, a colon and a text. In the key and the name, * stands for
// anything. Empty lines and those that begin with # are passed over.
func ParseNotes(file string) (Notes, error) {
	var all Notes
	for i, line := range strings.Split(file, "\n") {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		where, text, found := strings.Cut(line, ": ")
		fields := strings.Fields(where)
		if !found || len(fields) != 2 {
			return nil, fmt.Errorf("line %d: %w: %q", i+1, ErrNotes, line)
		}
		n := note{fields[0], fields[1], strings.TrimSpace(text)}
		for _, pattern := range fields {
			if _, err := path.Match(pattern, ""); err != nil {
				return nil, fmt.Errorf("line %d: %w: %w", i+1, ErrNotes, err)
			}
		}
		all = append(all, n)
	}
	return all, nil
}

// on returns the first note that is about a server in a cell; none is empty.
func (all Notes) on(cell, server string) string {
	for _, n := range all {
		ofCell, _ := path.Match(n.cell, cell)
		ofServer, _ := path.Match(n.server, server)
		if ofCell && ofServer {
			return n.text
		}
	}
	return ""
}

// ahead are the peers whose median ratio to molva is better than 1.
func ahead(o *contest.Outcome) (rows []*contest.Row) {
	molva := o.Molva()
	for _, r := range o.Ranked() {
		if molva != nil && r.Role == contest.Peer && r.Measured() && isBetter(o, o.Ratio(r, molva).Median) {
			rows = append(rows, r)
		}
	}
	return rows
}

// isBetter tells whether a ratio to another server is that of a better one.
func isBetter(o *contest.Outcome, ratio float64) bool {
	if o.Cell.Mode.LessIsBetter() {
		return ratio < 1
	}
	return ratio > 1
}

// clear tells whether all runs agree on who is ahead.
func clear(s stats.Spread) bool { return s.Min > 1 || s.Max < 1 }

// Remarks returns what there is to say below a table: who is ahead of molva and why, who is missing and why, who failed.
// unexplained are those who are clearly ahead, without a note why.
func Remarks(o *contest.Outcome, notes Notes) (remarks, unexplained []string) {
	for _, r := range ahead(o) {
		ratio := o.Ratio(r, o.Molva())
		text := notes.on(o.Cell.Key(), r.Name)
		s := fmt.Sprintf("%s is ahead of molva: %s.", r.Title, Ratio(ratio))
		switch {
		case text != "":
			s += " " + text
		case !clear(ratio):
			s += " The runs do not agree on it."
		default:
			unexplained = append(unexplained, o.Cell.Key()+" "+r.Name)
		}
		remarks = append(remarks, s)
	}
	for _, r := range o.Rows {
		switch {
		case r.Failed != "":
			remarks = append(remarks, fmt.Sprintf("%s failed in %s", r.Title, r.Failed))
		case r.Skipped != "":
			remarks = append(remarks, fmt.Sprintf("%s is not measured: %s", r.Title, r.Skipped))
		}
	}
	return remarks, unexplained
}
