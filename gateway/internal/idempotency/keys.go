// Package idempotency has what is said twice with the same key done once.
package idempotency

import (
	"context"
	"hash/maphash"
	"sync"
	"time"

	"github.com/molva-ws/molva/gateway/api"
)

// MaxKey is the longest key, in bytes.
const MaxKey = 255

// Limits bounds what is remembered.
type Limits struct {
	Keys int
	Age  time.Duration // since the answer
}

// Keys remembers the keys of sends, so that what is said twice is sent once. It is ready as it is.
type Keys struct {
	mu    sync.Mutex
	byKey map[string]*keyed
	old   []*keyed // those that are done, the oldest first
	first int      // of old that is still remembered
}

// keyed is a send with a key.
type keyed struct {
	key    string
	digest uint64
	done   chan struct{} // made by who waits for the answer
	at     time.Time     // when it was answered; zero before
	answer api.Answer
}

var digestSeed = maphash.MakeSeed()

// digestOf tells what c sends, and to whom, from anything else.
func digestOf(c *api.Command) uint64 {
	var h maphash.Hash
	h.SetSeed(digestSeed)
	for _, s := range []string{c.User, c.Room, c.Subject} {
		h.WriteString(s)
		h.WriteByte(0) // is in no name
	}
	h.Write(c.Message)
	return h.Sum64()
}

// Once sends what c says unless its key was used before. Whoever comes while it is being sent waits.
// The answer has its error if there is no other: another message had the key, or the context was done first.
func (k *Keys) Once(ctx context.Context, l Limits, c *api.Command, send func() *api.Answer) *api.Answer {
	digest := digestOf(c)
	for {
		first, wait, mine := k.claim(c.Key, digest, l)
		switch {
		case mine:
			return k.carryOut(first, send)
		case first.digest != digest:
			return api.Refusedf(api.ErrKeyReused, "the key was used for another message")
		case wait == nil:
			again := first.answer
			again.Repeated = true
			return &again
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return api.Refusedf(api.ErrBusy, "the same key is being used; ask again")
		}
	}
}

// claim returns the send of a key and, if it is not done yet, a channel that is closed when it is. mine says that
// nobody has had the key before; the caller must call carryOut then.
func (k *Keys) claim(key string, digest uint64, l Limits) (entry *keyed, wait <-chan struct{}, mine bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.forget(time.Now().Add(-l.Age), l.Keys+1)
	if e := k.byKey[key]; e != nil {
		if !e.at.IsZero() {
			return e, nil, false
		}
		if e.done == nil {
			e.done = make(chan struct{})
		}
		return e, e.done, false
	}
	k.forget(time.Time{}, l.Keys)
	if k.byKey == nil {
		k.byKey = make(map[string]*keyed)
	}
	e := &keyed{key: key, digest: digest}
	k.byKey[key] = e
	return e, nil, true
}

// carryOut sends, and keeps the answer. A key whose send panics is as good as new: who waits for it sends in its place.
func (k *Keys) carryOut(e *keyed, send func() *api.Answer) *api.Answer {
	defer k.abandon(e)
	return k.answered(e, send())
}

// abandon forgets a key whose send was not answered.
func (k *Keys) abandon(e *keyed) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !e.at.IsZero() {
		return
	}
	delete(k.byKey, e.key)
	if e.done != nil {
		close(e.done)
	}
}

// answered notes what came of a send, and returns it.
func (k *Keys) answered(e *keyed, a *api.Answer) *api.Answer {
	k.mu.Lock()
	defer k.mu.Unlock()
	e.answer, e.at = *a, time.Now()
	k.old = append(k.old, e)
	if e.done != nil {
		close(e.done)
		e.done = nil
	}
	return a
}

// forget drops the keys from before a time, and the oldest until there are fewer than most. Keys whose send is not done
// stay.
func (k *Keys) forget(before time.Time, most int) {
	for k.first < len(k.old) && (len(k.old)-k.first >= most || k.old[k.first].at.Before(before)) {
		delete(k.byKey, k.old[k.first].key)
		k.old[k.first] = nil
		k.first++
	}
	if k.first > len(k.old)/2 && k.first > 32 {
		n := copy(k.old, k.old[k.first:])
		clear(k.old[n:])
		k.old, k.first = k.old[:n], 0
	}
}
