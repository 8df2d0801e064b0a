package gateway

import (
	"strconv"
	"sync"
	"unicode/utf8"

	"github.com/molva-ws/molva/internal/rawjson"
)

// texts lends the memory in which messages and answers are put together.
var texts = sync.Pool{New: func() any { return new(text) }}

// text is JSON in the making. It is appended to piece by piece, so that data goes through as it came.
type text struct{ b []byte }

// keepText is the capacity up to which the memory of a text is kept for the next one.
const keepText = 64 << 10

func newText() *text { return texts.Get().(*text) }

func (t *text) free() {
	if cap(t.b) <= keepText {
		t.b = t.b[:0]
		texts.Put(t)
	}
}

func (t *text) raw(s string)   { t.b = append(t.b, s...) }
func (t *text) bytes(p []byte) { t.b = append(t.b, p...) }

func (t *text) int(n int64) { t.b = strconv.AppendInt(t.b, n, 10) }

// string appends s, which is valid UTF-8, as a JSON string.
func (t *text) string(s string) { t.b = rawjson.AppendString(t.b, s) }

// shorten cuts s, which a client has sent, for a sentence.
func shorten(s []byte) string {
	const most = 40
	if len(s) <= most {
		return string(s)
	}
	n := most
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return string(s[:n]) + "…"
}
