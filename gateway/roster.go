package gateway

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/molva-ws/molva"
)

// roster is the list of connections by age, and of the users who have any.
type roster struct {
	last atomic.Uint64 // number that was given away

	mu    sync.RWMutex
	slots []slot // sorted by number
	gone  int    // slots whose client has gone
	users map[string]int
}

// slot is a connection's place in a roster, which it keeps when it has gone until the roster is tidied up.
type slot struct {
	number uint64
	client *Client
}

// next returns the number of a new connection.
func (l *roster) next() uint64 { return l.last.Add(1) }

// add returns how many connections the user of c has now; 0 if it has none. It calls told, unless that is nil, before
// anybody finds c here.
func (l *roster) add(c *Client, told func(*Client)) (ofUser int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.slots = append(l.slots, slot{c.number, c})
	// Connections that open at the same time may come in another order than they were numbered.
	for i := len(l.slots) - 1; i > 0 && l.slots[i].number < l.slots[i-1].number; i-- {
		l.slots[i], l.slots[i-1] = l.slots[i-1], l.slots[i]
	}
	if c.user != "" {
		if l.users == nil {
			l.users = make(map[string]int)
		}
		l.users[c.user]++
		ofUser = l.users[c.user]
	}
	if told != nil {
		told(c)
	}
	return ofUser
}

func (l *roster) remove(c *Client) {
	l.mu.Lock()
	defer l.mu.Unlock()
	i, ok := l.find(c.number)
	if !ok || l.slots[i].client == nil {
		return
	}
	l.slots[i].client = nil
	if l.gone++; l.gone > 32 && l.gone > len(l.slots)/2 {
		l.slots = slices.DeleteFunc(l.slots, func(s slot) bool { return s.client == nil })
		l.gone = 0
	}
	if c.user == "" {
		return
	}
	if l.users[c.user]--; l.users[c.user] == 0 {
		delete(l.users, c.user)
	}
}

// find returns where the slot of a number is, or would be.
func (l *roster) find(number uint64) (int, bool) {
	return slices.BinarySearchFunc(l.slots, number, func(s slot, n uint64) int { return cmp.Compare(s.number, n) })
}

// conn returns the connection of a number, nil if it has gone.
func (l *roster) conn(number uint64) *Client {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if i, ok := l.find(number); ok {
		return l.slots[i].client
	}
	return nil
}

// page returns up to limit connections that are younger than the one of a number.
func (l *roster) page(after uint64, limit int) []*Client {
	l.mu.RLock()
	defer l.mu.RUnlock()
	i, _ := l.find(after + 1)
	page := make([]*Client, 0, min(limit, len(l.slots)-i))
	for ; i < len(l.slots) && len(page) < limit; i++ {
		if c := l.slots[i].client; c != nil {
			page = append(page, c)
		}
	}
	return page
}

// appendAll appends all connections.
func (l *roster) appendAll(list []*molva.Conn) []*molva.Conn {
	l.mu.RLock()
	defer l.mu.RUnlock()
	list = slices.Grow(list, len(l.slots)-l.gone)
	for _, s := range l.slots {
		if s.client != nil {
			list = append(list, s.client.conn)
		}
	}
	return list
}

// count returns how many connections and users there are.
func (l *roster) count() (conns, users int) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return len(l.slots) - l.gone, len(l.users)
}

// connsOf returns how many connections a user has.
func (l *roster) connsOf(user string) int {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.users[user]
}
