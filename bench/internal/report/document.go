//go:build linux

package report

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/molva-ws/molva/bench/internal/contest"
	"github.com/molva-ws/molva/bench/internal/ledger"
)

// Document is docs/benchmarks.md and the charts beside it.
type Document struct {
	Command  string // that measures everything
	Intro    string // in Markdown
	Sections []Section
	Charts   []Picture
	Notes    Notes
	Kernels  *ledger.Kernels // nil if they are not measured

	records map[string]*ledger.Record // by the keys of cells
	first   *ledger.Record
}

// Section is cells under one heading.
type Section struct {
	Title string
	Text  string // in Markdown
	Cells []contest.Cell
}

// Picture is a cell that is drawn.
type Picture struct {
	File  string
	Title string
	Cell  contest.Cell
}

// Cells are those of all sections.
func (d *Document) Cells() (all []contest.Cell) {
	for _, s := range d.Sections {
		all = append(all, s.Cells...)
	}
	return all
}

// Write writes the document and its charts into a folder, from what has been measured so far. unexplained are the peers
// ahead of molva without a note why, by cell and name.
func (d *Document) Write(folder string, records []*ledger.Record) (unexplained []string, err error) {
	d.records = make(map[string]*ledger.Record)
	for _, r := range records {
		d.records[r.Outcome.Cell.Key()] = r
	}
	if len(records) > 0 {
		d.first = records[0]
	}
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return nil, err
	}
	var text bytes.Buffer
	d.head(&text)
	d.summary(&text)
	if err := d.draw(&text, folder); err != nil {
		return nil, err
	}
	for _, s := range d.Sections {
		unexplained = append(unexplained, d.section(&text, s)...)
	}
	d.kernels(&text)
	return unexplained, os.WriteFile(filepath.Join(folder, "benchmarks.md"), text.Bytes(), 0o666)
}

func (d *Document) head(w *bytes.Buffer) {
	fmt.Fprintf(w, "# Benchmarks\n\nMeasured and written by `%s`.\n\n", d.Command)
	if d.first == nil {
		return
	}
	commits, begun, ended := d.span()
	when := begun.Format(time.DateOnly)
	if last := ended.Format(time.DateOnly); last != when {
		when += " to " + last
	}
	fmt.Fprintf(w, "| | |\n|---|---|\n| machine | %v |\n| system | %s |\n| Go | %s |\n| molva | %s |\n| measured | %s |\n",
		d.first.Machine, d.first.Machine.System, d.first.Machine.Go, strings.Join(commits, "; "), when)
	fmt.Fprintf(w, "| peers | %s |\n\n%s\n\n", strings.Join(d.versions(), "; "), strings.TrimSpace(d.Intro))
}

// each calls do for every measured cell, in the order of the document.
func (d *Document) each(do func(*ledger.Record)) {
	for _, c := range d.Cells() {
		if r := d.records[c.Key()]; r != nil {
			do(r)
		}
	}
}

func (d *Document) span() (commits []string, begun, ended time.Time) {
	d.each(func(r *ledger.Record) {
		if !slices.Contains(commits, r.Commit) {
			commits = append(commits, r.Commit)
		}
		if begun.IsZero() || r.Ended.Before(begun) {
			begun = r.Ended
		}
		if r.Ended.After(ended) {
			ended = r.Ended
		}
	})
	if k := d.Kernels; k != nil && !slices.Contains(commits, k.Commit) {
		commits = append(commits, k.Commit)
	}
	return commits, begun.UTC(), ended.UTC()
}

func (d *Document) versions() (all []string) {
	d.each(func(r *ledger.Record) {
		for _, row := range r.Outcome.Rows {
			if row.Version != "" && !slices.Contains(all, row.Version) {
				all = append(all, row.Version)
			}
		}
	})
	return all
}

// summary is a line for each cell: where molva stands between the limit and the best of the peers.
func (d *Document) summary(w *bytes.Buffer) {
	fmt.Fprint(w, "## In short\n\n| load | molva to the limit | the best peer | the peer to molva |\n|---|---:|---|---:|\n")
	d.each(func(r *ledger.Record) {
		o := &r.Outcome
		molva := o.Molva()
		if molva == nil {
			return
		}
		name, best := "–", o.Best(contest.Peer)
		if best != nil {
			name = best.Title
		}
		fmt.Fprintf(w, "| %s: %v | %s | %s | %s |\n", o.Cell.Mode, o.Cell, Ratio(o.Ratio(molva, o.Best(contest.Limit))),
			name, Ratio(o.Ratio(best, molva)))
	})
	fmt.Fprintln(w)
}

func (d *Document) draw(w *bytes.Buffer, folder string) error {
	for _, p := range d.Charts {
		r := d.records[p.Cell.Key()]
		if r == nil || len(measured(&r.Outcome)) == 0 {
			continue
		}
		if err := os.WriteFile(filepath.Join(folder, p.File), Chart(&r.Outcome, p.Title), 0o666); err != nil {
			return err
		}
		fmt.Fprintf(w, "![%s](%s)\n\n", p.Title, p.File)
	}
	return nil
}

func (d *Document) section(w *bytes.Buffer, s Section) (unexplained []string) {
	fmt.Fprintf(w, "## %s\n\n%s\n\n", s.Title, strings.TrimSpace(s.Text))
	commits, _, _ := d.span()
	for _, c := range s.Cells {
		fmt.Fprintf(w, "### %s: %v\n\n", capital(string(c.Mode)), c)
		r := d.records[c.Key()]
		if r == nil {
			fmt.Fprint(w, "Not measured.\n\n")
			continue
		}
		if len(commits) > 1 {
			fmt.Fprintf(w, "At %s, %s. ", r.Commit, r.Ended.UTC().Format(time.DateOnly))
		}
		fmt.Fprintf(w, "%s; again: `%s -again -only %s`\n\n", capital(Runs(&r.Outcome)), d.Command, c.Key())
		Of(&r.Outcome).Markdown(w)
		fmt.Fprintln(w)
		remarks, open := Remarks(&r.Outcome, d.Notes)
		for _, remark := range remarks {
			fmt.Fprintf(w, "- %s\n", remark)
		}
		if len(remarks) > 0 {
			fmt.Fprintln(w)
		}
		unexplained = append(unexplained, open...)
	}
	return unexplained
}

// Runs says how many there are of each server.
func Runs(o *contest.Outcome) string {
	s := fmt.Sprintf("medians of %d runs", o.Repeats)
	if o.Repeats == 1 {
		s = "one run"
	}
	if missing := o.Missing(); missing > 0 {
		s += fmt.Sprintf(", %d in all yet to be made", missing)
	}
	return s
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
