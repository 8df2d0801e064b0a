package identity_test

import (
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/molva-ws/molva/gateway/identity"
)

// rewrite puts another text into a file, at another time.
func rewrite(t testing.TB, path, text string, modified time.Time) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, modified, modified); err != nil {
		t.Fatal(err)
	}
}

func TestAKeyFileIsFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := fileOf(t, pemOf(t, rsaKey().Public()))
		f := start(t, identity.Options{JWT: identity.JWT{KeyFile: path}}, nil)
		before := withToken(sign(t, jwt.SigningMethodRS256, rsaKey(), "", claims(nil)))
		after := withToken(sign(t, jwt.SigningMethodRS256, otherRSAKey(), "", claims(nil)))
		f.wantUser(before, "42")

		time.Sleep(time.Second)
		rewrite(t, path, "half a fi", time.Now())
		f.wantUser(before, "42")
		if n := f.Stats().Keys.Failures; n != 1 || !strings.Contains(f.log.String(), "keys cannot be read again") {
			t.Errorf("%d failures were counted, and logged is %s", n, f.log)
		}

		time.Sleep(time.Second)
		rewrite(t, path, pemOf(t, otherRSAKey().Public()), time.Now())
		before.User, before.Value = "", nil
		f.wantRefused(before, 401, identity.BadSignature)
		f.wantUser(after, "42")

		time.Sleep(time.Second)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		f.wantUser(after, "42")
	})
}

func TestReloadReadsAKeyFileAtOnce(t *testing.T) {
	path := fileOf(t, pemOf(t, rsaKey().Public()))
	o := identity.Options{JWT: identity.JWT{KeyFile: path}}
	f := start(t, o, nil)
	after := withToken(sign(t, jwt.SigningMethodRS256, otherRSAKey(), "", claims(nil)))
	rewrite(t, path, pemOf(t, otherRSAKey().Public()), time.Now().Add(time.Hour))
	f.wantRefused(after, 401, identity.BadSignature)
	if err := f.Reload(o); err != nil {
		t.Fatal(err)
	}
	f.wantUser(after, "42")

	rewrite(t, path, "", time.Now().Add(2*time.Hour))
	if err := f.Reload(o); err == nil {
		t.Error("an empty file is reloaded")
	}
	f.wantUser(after, "42")
}
