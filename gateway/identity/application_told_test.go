package identity_test

import (
	"errors"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/gateway/identity"
)

// told is what a site was asked with.
type told struct {
	method, url, body string
	header            http.Header
}

// tell asks with an upgrade and returns what the application was told.
func tell(t testing.TB, change func(*identity.Application), u *molva.Upgrade) (got told) {
	t.Helper()
	f := start(t, asking(change), func(r *http.Request) (*http.Response, error) {
		got = told{method: r.Method, url: r.URL.String(), header: r.Header}
		if r.Body != nil {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			got.body = string(body)
		}
		return answer(200, `{"user":"42"}`), nil
	})
	f.wantUser(u, "42")
	return got
}

func TestWhatTheApplicationIsTold(t *testing.T) {
	u := func() *molva.Upgrade {
		return upgrade("/ws?ticket=a%26b&user=1&ticket=c", "Cookie", `PHPSESSID="x y"; theme=dark`, "Cookie", "b=2",
			"Authorization", "Basic YTpi", "X-Forwarded-For", "6.6.6.6", "Accept-Language", "de", "Accept-Language", "en")
	}
	got := tell(t, nil, u())
	if want := (told{method: "GET", url: appURL, header: http.Header{
		"Cookie": {`PHPSESSID="x y"; theme=dark; b=2`}, "Accept": {"application/json"}, "User-Agent": {"molva"},
	}}); !reflect.DeepEqual(got, want) {
		t.Errorf("by default %+v; want %+v", got, want)
	}
	got = tell(t, func(a *identity.Application) {
		a.URL = appURL + "?from=molva"
		a.Cookies = []string{"PHPSESSID", "none"}
		a.Headers = []string{"authorization", "X-Forwarded-For", "Accept-Language", "X-None", "User-Agent"}
		a.Query = []string{"ticket", "none"}
	}, u())
	if want := (told{method: "GET", url: appURL + "?from=molva&ticket=a%26b&ticket=c", header: http.Header{
		"Cookie": {`PHPSESSID="x y"`}, "Accept": {"application/json"}, "User-Agent": {"molva"},
		"Authorization": {"Basic YTpi"}, "X-Forwarded-For": {"192.0.2.7"}, "Accept-Language": {"de", "en"},
	}}); !reflect.DeepEqual(got, want) {
		t.Errorf("as chosen %+v; want %+v", got, want)
	}
	got = tell(t, func(a *identity.Application) { a.Method, a.Cookies, a.Query = "POST", []string{}, []string{"ticket"} }, u())
	if want := (told{method: "POST", url: appURL, body: "ticket=a%26b&ticket=c", header: http.Header{
		"Accept": {"application/json"}, "User-Agent": {"molva"}, "Content-Type": {"application/x-www-form-urlencoded"},
	}}); !reflect.DeepEqual(got, want) {
		t.Errorf("by POST %+v; want %+v", got, want)
	}
}

func TestWhoIsToldApart(t *testing.T) {
	o := asking(func(a *identity.Application) {
		a.Headers, a.Cookies, a.Query = []string{"X-A", "X-B"}, []string{"a", "b"}, []string{"q"}
	})
	f := start(t, o, always(200, `{"user":"42"}`))
	same := []*molva.Upgrade{
		upgrade("/ws", "Cookie", "a=1; b=2"), upgrade("/ws?z=1", "Cookie", "a=1; c=9; b=2"), upgrade("/ws", "Cookie", "a=1", "Cookie", "b=2"),
	}
	others := []*molva.Upgrade{
		upgrade("/ws"), upgrade("/ws", "Cookie", "a=1"), upgrade("/ws", "Cookie", "b=2; a=1"), upgrade("/ws", "X-A", "1"),
		upgrade("/ws", "X-B", "1"), upgrade("/ws", "X-A", "1", "X-A", "1"), upgrade("/ws?q=1"), upgrade("/ws?q=1&q=1"),
		upgrade("/ws", "X-A", "1", "X-B", "1"), upgrade("/ws", "X-A", "1X-B"),
		upgrade("/ws", "X-A", "1", "X-A", "X-B", "X-A", "1"), upgrade("/ws", "X-A", "1", "X-A", "23"),
		upgrade("/ws", "X-A", "12", "X-A", "3"),
	}
	for _, u := range append(same, others...) {
		f.wantUser(u, "42")
	}
	if n := f.Stats().Application.Requests; n != uint64(1+len(others)) {
		t.Errorf("asked %d times; want %d", n, 1+len(others))
	}
}

func TestNothingOfASessionIsLogged(t *testing.T) {
	for name, fault := range map[string]site{
		"down":  func(*http.Request) (*http.Response, error) { return nil, errors.New("connection refused") },
		"lying": always(200, `{"user":"secretive\n","secretivefield":1}`),
	} {
		o := asking(func(a *identity.Application) {
			a.URL, a.Query = "http://molva:passw0rd@app.example/whoami?key=0wnkey", []string{"ticket"}
		})
		f := start(t, o, fault)
		f.Identify(upgrade("/ws?ticket=t1cket", "Cookie", "PHPSESSID=sess10n"))
		for _, secret := range []string{"t1cket", "sess10n", "passw0rd", "0wnkey", "secretive\\n"} {
			if strings.Contains(f.log.String(), secret) {
				t.Errorf("%s: %s is in the log: %s", name, secret, f.log)
			}
		}
		if !strings.Contains(f.log.String(), "app.example/whoami") {
			t.Errorf("%s: logged is %s", name, f.log)
		}
	}
}

func TestARealApplication(t *testing.T) {
	site := serveSite(t, func(w http.ResponseWriter, r *http.Request) {
		switch c, err := r.Cookie("PHPSESSID"); {
		case err != nil:
			w.WriteHeader(http.StatusUnauthorized)
		case c.Value == "1":
			io.WriteString(w, `{"user":"42","rooms":["news.*"]}`)
		default:
			http.Redirect(w, r, "/login", http.StatusFound)
		}
	})
	o := asking(func(a *identity.Application) { a.URL = site + "/whoami" })
	f := &fixture{TB: t, log: new(journal)}
	o.Logger = f.log.logger()
	var err error
	if f.Chain, err = identity.New(o); err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	f.wantUser(session("1"), "42")
	f.wantRefused(session("2"), http.StatusBadGateway, identity.AppNonsense)
	f.wantRefused(upgrade("/ws"), http.StatusUnauthorized, identity.Unknown)
}

func TestOptionsOfTheApplication(t *testing.T) {
	for option, change := range map[string]func(*identity.Application){
		"Application.URL":       func(a *identity.Application) { a.URL = "app.example/whoami" },
		"Application.Method":    func(a *identity.Application) { a.Method = "PUT" },
		"Application.OnFailure": func(a *identity.Application) { a.OnFailure = "allow" },
	} {
		wantOptionError(t, asking(change), option)
	}
	for _, name := range []string{"", "cookie", "Host", "connection", "Content-Length", "Sec-WebSocket-Key", "upgrade"} {
		wantOptionError(t, asking(func(a *identity.Application) { a.Headers = []string{name} }), "Application.Headers")
	}
}

func wantOptionError(t testing.TB, o identity.Options, option string) {
	t.Helper()
	_, err := identity.New(o)
	var wrong *identity.OptionError
	if !errors.As(err, &wrong) || wrong.Option != option {
		t.Errorf("%+v: %v; want an error about %s", o, err, option)
	}
}
