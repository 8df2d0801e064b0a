package loop

import "sync/atomic"

// A mailbox takes connections that want their loop's attention, from any goroutine and without a lock.
type mailbox struct {
	last atomic.Pointer[sock] // the latest; each is linked to the one before
}

// endOfMail is what a mailbox holds once it has been closed.
var endOfMail = new(sock)

// put adds c, which must not be in the mailbox already. It returns false if the mailbox has been closed.
func (m *mailbox) put(c *sock) bool {
	for {
		last := m.last.Load()
		if last == endOfMail {
			return false
		}
		c.mail = last
		if m.last.CompareAndSwap(last, c) {
			return true
		}
	}
}

func (m *mailbox) empty() bool { return m.last.Load() == nil }

// take empties the mailbox and returns what was in it as a list, the oldest first.
func (m *mailbox) take() *sock {
	if m.empty() {
		return nil
	}
	var first *sock
	for c := m.last.Swap(nil); c != nil; {
		c.mail, first, c = first, c, c.mail
	}
	return first
}

// close lets nothing more in. It returns false if the mailbox is not empty.
func (m *mailbox) close() bool { return m.last.CompareAndSwap(nil, endOfMail) }
