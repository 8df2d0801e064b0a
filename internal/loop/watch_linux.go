package loop

import (
	"sync/atomic"
	"time"
)

// A watch looks at the loops of a group every so often while one of them is awake, and takes those over whose callback
// has not returned since it looked last. While all sleep there is no timer and no goroutine.
type watch struct {
	group *Group
	armed atomic.Bool
	timer *time.Timer
}

func (w *watch) init(g *Group) {
	w.group = g
	w.timer = time.AfterFunc(time.Hour, w.look)
	w.timer.Stop()
}

// start is called by a loop that has just woken up.
func (w *watch) start() {
	if !w.armed.Load() && w.armed.CompareAndSwap(false, true) {
		w.timer.Reset(w.group.cfg.blocked())
	}
}

// look runs at most once at a time: the timer is set again only by it, or when it has given up.
func (w *watch) look() {
	for _, l := range w.group.loops {
		l.takeOverIfBlocked()
	}
	if !w.awake() {
		w.armed.Store(false)
		// A loop that woke up between the two lines has seen armed, and relies on this one.
		if !w.awake() || !w.armed.CompareAndSwap(false, true) {
			return
		}
	}
	w.timer.Reset(w.group.cfg.blocked())
}

func (w *watch) awake() bool {
	for _, l := range w.group.loops {
		if !l.asleep.Load() {
			return true
		}
	}
	return false
}

// takeOverIfBlocked takes the loop away from a callback that was running when the watch looked last.
func (l *eventLoop) takeOverIfBlocked() {
	word := l.word.Load()
	if word&1 == 1 && word == l.lastSeen && l.word.CompareAndSwap(word, word+1) {
		go l.inherit()
	}
	l.lastSeen = word
}
