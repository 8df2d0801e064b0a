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
	w        io.Writer
	terminal bool
	began    time.Time
	told     time.Duration // when, since the beginning
	width    int           // of the line that a terminal shows
}

// NewProgress returns one that writes to w.
func NewProgress(w io.Writer, terminal bool) *Progress {
	return &Progress{w: w, terminal: terminal, began: time.Now()}
}

// Show is for [load.Config.Progress].
func (p *Progress) Show(now load.Progress) {
	text := line(now)
	if p.terminal {
		width := len([]rune(text))
		fmt.Fprintf(p.w, "\r%s%s", text, strings.Repeat(" ", max(0, p.width-width)))
		p.width = width
		return
	}
	if at := time.Since(p.began).Round(time.Second); at >= p.told+between {
		p.told = at
		fmt.Fprintln(p.w, text)
	}
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
