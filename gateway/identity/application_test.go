package identity_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/gateway/identity"
)

const appURL = "http://app.example/whoami"

// asking are options by which the application is asked.
func asking(change func(*identity.Application)) identity.Options {
	o := identity.Options{Application: identity.Application{URL: appURL}}
	if change != nil {
		change(&o.Application)
	}
	return o
}

// session is an upgrade with a cookie.
func session(id string) *molva.Upgrade { return upgrade("/ws", "Cookie", "PHPSESSID="+id) }

func grantOf(t testing.TB, f *fixture, u *molva.Upgrade) *identity.Grant {
	t.Helper()
	if err := f.Identify(u); err != nil {
		t.Fatal(err)
	}
	return identity.GrantIn(u)
}

func TestTheApplicationSaysWhoItIs(t *testing.T) {
	expires := time.Now().Add(time.Hour).Truncate(time.Millisecond)
	for name, test := range map[string]struct {
		answer string
		want   identity.Grant
	}{
		"only the user": {`{"user":"42"}`, identity.Grant{User: "42"}},
		"everything": {
			fmt.Sprintf(`{"user":"Ирина","rooms":["news.*","chat"],"publish":["chat"],"note":{"plan": "pro"},"expires":%d}`,
				expires.UnixMilli()),
			identity.Grant{
				User: "Ирина", Join: []string{"news.*", "chat"}, Publish: []string{"chat"},
				Note: []byte(`{"plan":"pro"}`), Expires: expires,
			},
		},
		"null for what there is not": {
			` {"user":"42","rooms":null,"publish":null,"note":null,"expires":null} `, identity.Grant{User: "42"},
		},
		"no rooms": {`{"user":"42","rooms":[]}`, identity.Grant{User: "42", Join: []string{}}},
	} {
		t.Run(name, func(t *testing.T) {
			test.want.By = identity.ByApplication
			f := start(t, asking(nil), always(200, test.answer))
			got := grantOf(t, f, session("1"))
			if len(got.Join) == 0 && len(test.want.Join) == 0 {
				got.Join, test.want.Join = nil, nil
			}
			if len(got.Publish) == 0 {
				got.Publish = nil
			}
			if !reflect.DeepEqual(*got, test.want) {
				t.Errorf("granted %+v; want %+v", *got, test.want)
			}
		})
	}
}

func TestTheApplicationSaysNo(t *testing.T) {
	guests := asking(nil)
	guests.Anonymous.Allow = true
	f := start(t, guests, always(403, "no"))
	f.wantRefused(session("1"), http.StatusForbidden, identity.Denied)
	f = start(t, asking(nil), always(401, "who?"))
	f.wantRefused(session("1"), http.StatusUnauthorized, identity.Unknown)
	f = start(t, guests, always(401, "who?"))
	f.wantUser(session("1"), "")
}

func TestALyingApplication(t *testing.T) {
	past := time.Now().Add(-time.Second).UnixMilli()
	for name, test := range map[string]struct {
		status      int
		answer, log string
	}{
		"a number for a user":      {200, `{"user":42}`, "user has to be a string"},
		"no user":                  {200, `{"rooms":[]}`, "user is missing"},
		"null for a user":          {200, `{"user":null}`, "user is missing"},
		"an empty user":            {200, `{"user":""}`, "user is missing"},
		"the gateway's user":       {200, `{"user":"$stats"}`, "can be no name"},
		"a user with a line end":   {200, `{"user":"a\n"}`, "can be no name"},
		"a user too long":          {200, `{"user":"` + strings.Repeat("u", 129) + `"}`, "can be no name"},
		"text for rooms":           {200, `{"user":"1","rooms":"chat"}`, "rooms has to be an array of strings"},
		"numbers for rooms":        {200, `{"user":"1","rooms":[1]}`, "rooms has to be an array of strings"},
		"null for a room":          {200, `{"user":"1","publish":[null]}`, "publish has to be an array of strings"},
		"an empty room":            {200, `{"user":"1","rooms":["a",""]}`, "rooms has at 1 a pattern that is empty"},
		"an object for rooms":      {200, `{"user":"1","rooms":{"0":"a","2":"b"}}`, "rooms has to be an array of strings"},
		"too many rooms":           {200, `{"user":"1","rooms":["` + strings.Repeat(`r","`, 256) + `r"]}`, "more than 256"},
		"seconds":                  {200, fmt.Sprintf(`{"user":"1","expires":%d}`, time.Now().Unix()+3600), "milliseconds"},
		"the past":                 {200, fmt.Sprintf(`{"user":"1","expires":%d}`, past), "passed already"},
		"text for a time":          {200, `{"user":"1","expires":"2030-01-01"}`, "expires has to be a whole number"},
		"half a millisecond":       {200, `{"user":"1","expires":1e30}`, "expires has to be a whole number"},
		"microseconds":             {200, `{"user":"1","expires":1763950000123000}`, "expires has to be a whole number"},
		"a field that is misspelt": {200, `{"user":"1","room":["chat"]}`, `it has a field \"room\"`},
		"a field in another case":  {200, `{"User":"1"}`, `it has a field \"User\"`},
		"an array":                 {200, `[]`, "no JSON object"},
		"null":                     {200, `null`, "no JSON object"},
		"nothing":                  {200, ``, "no JSON object"},
		"two objects":              {200, `{"user":"1"}{"user":"2"}`, "no JSON object"},
		"a warning of PHP's":       {200, `<b>Warning</b>: {"user":"1"}`, "no JSON object"},
		"a huge body":              {200, `{"user":"1","note":"` + strings.Repeat("x", 16<<10) + `"}`, "longer than 16384 bytes"},
		"deep nesting":             {200, `{"user":"1","note":` + strings.Repeat("[", 15000), "no JSON object"},
		"a redirect to a login":    {302, ``, "it redirects, with 302 Found; say 401"},
		"not found":                {404, `{"user":"1"}`, "the answer is 404 Not Found"},
		"no content":               {204, ``, "the answer is 204 No Content"},
		"a page expired":           {419, ``, "the answer is 419"},
	} {
		t.Run(name, func(t *testing.T) {
			o := asking(func(a *identity.Application) { a.OnFailure = "anonymous" })
			f := start(t, o, always(test.status, test.answer))
			f.wantRefused(session("1"), http.StatusBadGateway, identity.AppNonsense)
			if !strings.Contains(f.log.String(), test.log) || !strings.Contains(f.log.String(), "makes no sense") {
				t.Errorf("logged is %s; want a line with %s", f.log, test.log)
			}
		})
	}
}

func TestAnAnswerWithoutEnd(t *testing.T) {
	var sent endless
	f := start(t, asking(nil), func(*http.Request) (*http.Response, error) {
		a := answer(200, "")
		a.Body = io.NopCloser(&sent)
		return a, nil
	})
	f.wantRefused(session("1"), http.StatusBadGateway, identity.AppNonsense)
	if sent > 64<<10 {
		t.Errorf("%d bytes of it were read", sent)
	}
}

// endless is a body of which the first MiB is counted.
type endless int

func (e *endless) Read(p []byte) (int, error) {
	if *e > 1<<20 {
		return 0, io.EOF
	}
	*e += endless(len(p))
	return len(p), nil
}

func TestAPageIsNamedInTheLog(t *testing.T) {
	f := start(t, asking(nil), func(*http.Request) (*http.Response, error) {
		page := answer(200, "<html>Please log in</html>")
		page.Header.Set("Content-Type", "text/html; charset=utf-8")
		return page, nil
	})
	f.wantRefused(session("1"), http.StatusBadGateway, identity.AppNonsense)
	if !strings.Contains(f.log.String(), "it is a page") {
		t.Errorf("logged is %s", f.log)
	}
}

func TestLiesDoNotShutOthersOut(t *testing.T) {
	f := start(t, asking(nil), func(r *http.Request) (*http.Response, error) {
		if c, err := r.Cookie("PHPSESSID"); err == nil && c.Value == "good" {
			return answer(200, `{"user":"42"}`), nil
		}
		return answer(302, ""), nil
	})
	for i := range 20 {
		f.wantRefused(session(fmt.Sprint("bad", i)), http.StatusBadGateway, identity.AppNonsense)
	}
	f.wantUser(session("good"), "42")
}

func TestAnApplicationThatIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, fault := range map[string]site{
			"refuses":    func(*http.Request) (*http.Response, error) { return nil, errors.New("connection refused") },
			"500":        always(500, `{"user":"42"}`),
			"503":        always(503, ""),
			"429":        always(429, ""),
			"breaks off": func(*http.Request) (*http.Response, error) { return brokenAnswer(), nil },
		} {
			up := false
			f := start(t, asking(nil), func(r *http.Request) (*http.Response, error) {
				if up {
					return answer(200, `{"user":"42"}`), nil
				}
				return fault(r)
			})
			for i := range 8 {
				refusal := f.wantRefused(session(fmt.Sprint(i)), http.StatusServiceUnavailable, identity.AppDown)
				if after := refusal.Header.Get("Retry-After"); after != "10" {
					t.Errorf("%s: Retry-After is %q; want 10", name, after)
				}
			}
			if n := f.Stats().Application; n.Requests != 5 || n.Failures != 5 || n.Spared != 3 {
				t.Errorf("%s: counted are %+v; want 5 requests that failed and 3 spared", name, n)
			}
			up = true
			f.wantRefused(session("1"), http.StatusServiceUnavailable, identity.AppDown)
			time.Sleep(10*time.Second + 1)
			f.wantUser(session("1"), "42")
			for _, line := range []string{"gives no answer", "is left in peace", "answers again"} {
				if !strings.Contains(f.log.String(), line) {
					t.Errorf("%s: not logged: %s; but %s", name, line, f.log)
				}
			}
		}
	})
}

// brokenAnswer is one whose body breaks off.
func brokenAnswer() *http.Response {
	a := answer(200, "")
	a.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"user":"42"}`), brokenReader{}))
	return a
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestAnApplicationThatStaysDownIsTriedNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t, asking(func(a *identity.Application) { a.Failures, a.Pause = 2, time.Minute }), always(500, ""))
		for i := range 60 {
			f.wantRefused(session(fmt.Sprint(i)), http.StatusServiceUnavailable, identity.AppDown)
			time.Sleep(10 * time.Second)
		}
		if n := f.Stats().Application.Requests; n < 8 || n > 12 {
			t.Errorf("it was asked %d times in ten minutes; want two, and one each minute", n)
		}
	})
}

func TestASlowApplication(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t, asking(nil), slow)
		began := time.Now()
		f.wantRefused(session("1"), http.StatusServiceUnavailable, identity.AppDown)
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("it took %v; want 2 s", took)
		}
	})
}

// slow is a site that does not answer.
func slow(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, context.Cause(r.Context())
}

func TestClientsComeInWhileTheApplicationIsDown(t *testing.T) {
	o := asking(func(a *identity.Application) { a.OnFailure = "anonymous" })
	o.Anonymous.Prefix = "guest-"
	f := start(t, o, always(500, ""))
	u := session("1")
	if g := grantOf(t, f, u); g.By != identity.ByNobody || !strings.HasPrefix(u.User, "guest-") || g.User != u.User {
		t.Errorf("let in as %q with %+v", u.User, g)
	}
	if s := f.Stats(); s.Application.Admitted != 1 || s.Admitted[identity.ByNobody] != 1 {
		t.Errorf("counted are %+v", s)
	}
}

func TestOnlySoManyAskAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		now, most := 0, 0
		f := start(t, asking(func(a *identity.Application) { a.AtOnce = 3 }), func(*http.Request) (*http.Response, error) {
			mu.Lock()
			now++
			most = max(most, now)
			mu.Unlock()
			defer func() {
				mu.Lock()
				now--
				mu.Unlock()
			}()
			time.Sleep(900 * time.Millisecond)
			return answer(200, `{"user":"42"}`), nil
		})
		var all sync.WaitGroup
		for i := range 12 {
			all.Go(func() { f.Identify(session(fmt.Sprint(i))) })
		}
		all.Wait()
		s := f.Stats()
		if let, busy := s.Admitted[identity.ByApplication], s.Refused[identity.AppBusy]; most != 3 || let != 9 || busy != 3 {
			t.Errorf("at most %d at once, %d let in, %d still waiting; want 3, 9 and 3", most, let, busy)
		}
	})
}

func TestManyPagesOfOneUserAskOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t, asking(nil), func(*http.Request) (*http.Response, error) {
			time.Sleep(time.Second)
			return answer(200, `{"user":"42"}`), nil
		})
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() { f.wantUser(session("1"), "42") })
		}
		all.Wait()
		if n := f.Stats().Application; n.Requests != 1 || n.Cached != 19 {
			t.Errorf("counted are %+v; want 1 request, 19 cached", n)
		}
	})
}

func TestAnswersAreRememberedForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		said, status := `{"user":"42"}`, 200
		f := start(t, asking(func(a *identity.Application) { a.CacheSize = 2 }), func(*http.Request) (*http.Response, error) {
			return answer(status, said), nil
		})
		wantAsked := func(n uint64) {
			t.Helper()
			if got := f.Stats().Application.Requests; got != n {
				t.Errorf("asked %d times; want %d", got, n)
			}
		}
		f.wantUser(session("1"), "42")
		time.Sleep(5*time.Second - 1)
		f.wantUser(session("1"), "42")
		wantAsked(1)
		time.Sleep(1)
		f.wantUser(session("1"), "42")
		wantAsked(2)

		f.wantUser(session("2"), "42")
		f.wantUser(session("3"), "42") // there is room for two
		f.wantUser(session("1"), "42")
		wantAsked(5)

		status = 401 // is forgotten sooner
		f.wantRefused(session("4"), 401, identity.Unknown)
		f.wantRefused(session("4"), 401, identity.Unknown)
		wantAsked(6)
		status = 200
		time.Sleep(time.Second)
		f.wantUser(session("4"), "42")

		said = fmt.Sprintf(`{"user":"42","expires":%d}`, time.Now().Add(2*time.Second).UnixMilli())
		f.wantUser(session("5"), "42")
		time.Sleep(2 * time.Second)
		f.wantRefused(session("5"), 502, identity.AppNonsense) // it says the same, which has passed
	})
}

func TestNoAnswersAreRemembered(t *testing.T) {
	f := start(t, asking(func(a *identity.Application) { a.Cache = -1 }), always(200, `{"user":"42"}`))
	f.wantUser(session("1"), "42")
	f.wantUser(session("1"), "42")
	if n := f.Stats().Application.Requests; n != 2 {
		t.Errorf("asked %d times; want 2", n)
	}
}

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
