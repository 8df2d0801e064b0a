package identity

import (
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// unknownFor is how long it is remembered at most that the application does not know somebody, who may log in now.
const unknownFor = time.Second

// answerCache remembers what the application said a moment ago: the pages of a user who has several open, or a crowd
// that comes back, ask once.
type answerCache struct {
	age     time.Duration
	answers *lru.Cache[digest, remembered] // nil if nothing is remembered
}

type remembered struct {
	verdict *verdict
	until   time.Time
}

func newAnswerCache(age time.Duration, size int) *answerCache {
	c := &answerCache{age: age}
	if age > 0 {
		c.answers, _ = lru.New[digest, remembered](max(1, size)) // the error is about sizes below 1
	}
	return c
}

// get returns an answer that is still good, or nil.
func (c *answerCache) get(key digest) *verdict {
	if c.answers == nil {
		return nil
	}
	if r, ok := c.answers.Get(key); ok && time.Now().Before(r.until) {
		return r.verdict
	}
	return nil
}

// put remembers an answer.
func (c *answerCache) put(key digest, v *verdict) {
	if c.answers == nil {
		return
	}
	age := c.age
	if v.grant == nil {
		age = min(age, unknownFor)
	}
	until := time.Now().Add(age)
	if v.grant != nil && !v.grant.Expires.IsZero() && v.grant.Expires.Before(until) {
		until = v.grant.Expires
	}
	c.answers.Add(key, remembered{v, until})
}
