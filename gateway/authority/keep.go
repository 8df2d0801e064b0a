package authority

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"time"
)

// How long to wait after a failure; it doubles with each. An authority that is not there loses nothing by being asked,
// one that has refused counts: Let's Encrypt has patience for five refusals an hour.
const (
	afterSilence = 10 * time.Second
	afterRefusal = time.Minute
	afterMost    = time.Hour
)

// noticeable is after how long something that is under way is told of.
const noticeable = 2 * time.Second

// obtain has a certificate, however long that takes, and reports whether it has before the context ended.
func (a *Authority) obtain(ctx context.Context, o *order) bool {
	log := o.log()
	var pause time.Duration
	for {
		slow := time.AfterFunc(noticeable, func() { log.Info("a certificate is being made") })
		a.turn.Lock()
		cert, err := o.attempt()
		a.turn.Unlock()
		slow.Stop()
		if err == nil {
			log.Info("there is a certificate", "until", cert.Leaf.NotAfter.Format(time.DateTime))
			return true
		}
		pause = min(max(2*pause, pauseAfter(err)), afterMost)
		log.Warn("there is no certificate, so that nobody can connect by this name", "error", err, "again_in", pause.String())
		select {
		case <-ctx.Done():
			return false
		case <-time.After(pause):
		}
	}
}

// pauseAfter returns how long to wait at least after an error.
func pauseAfter(err error) time.Duration {
	var silence net.Error
	if errors.As(err, &silence) {
		return afterSilence
	}
	return afterRefusal
}

// follow tells when a certificate was renewed, and when it should have been. The renewing is autocert's, whose failures
// nobody would know of before the certificate has expired.
func (a *Authority) follow(ctx context.Context, o *order) {
	log := o.log()
	manager, heard, _ := o.now()
	var leaf *x509.Certificate
	for {
		cert, err := manager.GetCertificate(o.hello())
		if err != nil {
			return // it had one, and keeps it
		}
		if leaf != nil && !leaf.Equal(cert.Leaf) {
			log.Info("the certificate was renewed", "until", cert.Leaf.NotAfter.Format(time.DateTime))
		}
		leaf = cert.Leaf
		if overdue(leaf, time.Now()) {
			log.Warn("the certificate could not be renewed and expires", "until", leaf.NotAfter.Format(time.DateTime),
				"error", heard.heard())
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(lookAfter(leaf)):
		}
	}
}

func lifetime(leaf *x509.Certificate) time.Duration { return leaf.NotAfter.Sub(leaf.NotBefore) }

// overdue reports whether a certificate should have been renewed for a while. autocert begins when a third of its time
// is left, or 30 days.
func overdue(leaf *x509.Certificate, now time.Time) bool {
	begins := min(lifetime(leaf)/3, 30*24*time.Hour)
	return leaf.NotAfter.Sub(now) < begins*3/4
}

// lookAfter returns when to look again: twice a day at a certificate for 90 days, sooner at one for a few hours.
func lookAfter(leaf *x509.Certificate) time.Duration {
	return min(max(lifetime(leaf)/20, time.Second), 12*time.Hour)
}
