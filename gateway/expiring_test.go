package gateway_test

import (
	"testing"
	"time"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/gateway"
)

// until is a [gateway.Expiring] value.
type until time.Time

func (u until) Expires() time.Time { return time.Time(u) }

func TestWhatIdentifyLeavesExpires(t *testing.T) {
	expires := time.Now().Add(time.Hour)
	g := &gateway.Gateway{
		Identify: func(u *molva.Upgrade) error {
			u.User, u.Value = "7", until(expires)
			return nil
		},
		Renew: func(*gateway.Client, string) (time.Time, error) { return time.Now(), nil },
	}
	p := dialAs(t, open(t, g), "")
	var hello struct{ Expires int64 }
	p.decode(&hello)
	if hello.Expires != expires.UnixMilli() {
		t.Errorf("hello says that it expires at %d; want %d", hello.Expires, expires.UnixMilli())
	}
	p.must(`{"type":"renew","token":"shorter"`)
	p.wantClosed(4401)
}

func TestWhatHasExpiredIsClosedAtOnce(t *testing.T) {
	g := &gateway.Gateway{Identify: func(u *molva.Upgrade) error {
		u.User, u.Value = "7", until(time.Now().Add(-time.Second))
		return nil
	}}
	dialAs(t, open(t, g), "").wantClosed(4401)
}

func TestWhatNeverExpiresIsNotTold(t *testing.T) {
	g := &gateway.Gateway{Identify: func(u *molva.Upgrade) error {
		u.Value = until{}
		return nil
	}}
	p := dialAs(t, open(t, g), "")
	var hello map[string]any
	p.decode(&hello)
	if at, told := hello["expires"]; told {
		t.Errorf("hello says that it expires at %v", at)
	}
	p.wantNothing()
}

func TestValidUser(t *testing.T) {
	for name, want := range map[string]bool{
		"42": true, "Ирина": true, "": false, "$x": false, "a\nb": false, "\xff": false, "12345": true, "123456": false,
	} {
		limits := gateway.Limits{Name: 10}
		if name == "12345" || name == "123456" {
			limits.Name = 5
		}
		if got := limits.ValidUser(name); got != want {
			t.Errorf("ValidUser(%q) = %v; want %v", name, got, want)
		}
	}
}
