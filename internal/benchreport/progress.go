package benchreport

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/molva-ws/molva/internal/load"
)

// between is how long a log, which keeps every line, is spared.
const between = 2 * time.Second

// Progress shows how far a run is: on a terminal in one line that is drawn again and again, elsewhere in a line every
// two seconds.
type Progress struct {
	w       io.Writer
	columns func() int
	began   time.Time
	told    time.Duration // when, since the beginning
	width   int           // of the line that a terminal shows
}

// NewProgress returns one that writes to w. columns tells how wide that is now if it is a terminal, and is nil otherwise.
func NewProgress(w io.Writer, columns func() int) *Progress {
	return &Progress{w: w, columns: columns, began: time.Now()}
}

// Show is for [load.Config.Progress].
func (p *Progress) Show(now load.Progress) {
	text := line(now)
	if p.columns != nil {
		p.draw(text, p.columns()-1) // in the last column the cursor would go on to the next line
		return
	}
	if at := time.Since(p.began).Round(time.Second); at >= p.told+between {
		p.told = at
		fmt.Fprintln(p.w, text)
	}
}

// draw draws as much of a line of ASCII as there is room for, over the one before.
func (p *Progress) draw(text string, room int) {
	text = text[:min(len(text), max(room, 0))]
	fmt.Fprintf(p.w, "\r%s%s", text, strings.Repeat(" ", max(0, min(p.width, room)-len(text))))
	p.width = len(text)
}

// Clear takes the line off the terminal.
func (p *Progress) Clear() {
	if p.width > 0 {
		fmt.Fprintf(p.w, "\r%s\r", strings.Repeat(" ", p.width))
		p.width = 0
	}
}

// line tells all in less than 80 characters.
func line(p load.Progress) string {
	text := fmt.Sprintf("%s, %d s", p.Phase, int(p.Elapsed.Round(time.Second).Seconds()))
	if p.Total > 0 {
		text += fmt.Sprintf(" of %.0f", p.Total.Seconds())
	}
	if p.Open == p.Conns {
		text += ": " + plural(p.Open, "connection")
	} else {
		text += fmt.Sprintf(": %s of %s", grouped(p.Open), plural(p.Conns, "connection"))
	}
	if p.Messages > 0 {
		text += fmt.Sprintf(", %s/s", plural(int(p.Rate+0.5), "message"))
	}
	if p.Faults > 0 {
		text += fmt.Sprintf(", %s", plural(int(p.Faults), "fault"))
	}
	return text
}
