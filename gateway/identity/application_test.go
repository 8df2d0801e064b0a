package identity_test

import (
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
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
