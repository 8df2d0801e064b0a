package gateway_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/gateway"
	"github.com/molva-ws/molva/gateway/api"
)

func TestSubjectsArePassedOn(t *testing.T) {
	g := new(gateway.Gateway)
	addr := open(t, g)
	a, b := connect(t, addr, "a"), connect(t, addr, "b")
	a.must(`{"type":"join","room":"r"`)
	b.must(`{"type":"join","room":"r"`)
	a.must(`{"type":"publish","room":"r","subject":"EUR\"USD","data":1`)
	do(g, api.Command{Room: "r", Subject: "EURCHF", Message: json.RawMessage("2")})
	b.want(`{"type":"message","id":"*","room":"r","subject":"EUR\"USD","from":"a","data":1,"time":0}`,
		`{"type":"message","id":"*","room":"r","subject":"EURCHF","data":2,"time":0}`)
	for _, bad := range []string{`""`, `1`, `null`, `"` + strings.Repeat("s", 129) + `"`, `"\u0000"`} {
		if _, answer := a.ask(`{"type":"publish","room":"r","data":1,"subject":` + bad); !strings.Contains(answer, `"code":"bad_field"`) {
			t.Errorf("subject %.20s is answered with %s", bad, answer)
		}
	}
	for _, c := range []api.Command{
		{User: "b", Subject: "s", Message: json.RawMessage("1")},
		{All: true, Subject: "s", Message: json.RawMessage("1")},
		{Room: "r", Subject: "\n", Message: json.RawMessage("1")},
		{Command: "users", Room: "r", Subject: "s"},
	} {
		if answer := do(g, c); answer.Error != api.ErrBadField {
			t.Errorf("%+v is answered with %s", c, said(t, answer))
		}
	}
	b.wantNothing()
}

// A member that does not read misses what is out of date, and is not closed for it.
func TestOnlyTheNewestAboutASubjectWaits(t *testing.T) {
	g := &gateway.Gateway{
		Rules: gateway.Rules{Slow: func(room string) molva.SlowPolicy {
			if room == "prices" {
				return molva.SlowKeepLatest
			}
			return molva.SlowDefault
		}},
		WebSocket: molva.Server{Limits: molva.Limits{Outbox: 64 << 10}},
	}
	p := connect(t, open(t, g), "a")
	p.must(`{"type":"join","room":"prices"`)
	padding := strings.Repeat(" ", 4<<10)
	last := 0
	for ; g.Stats().Slow.Latest < 100; last++ {
		for _, share := range []string{"A", "B"} {
			message := fmt.Sprintf(`[%d%s]`, last, padding)
			answer := do(g, api.Command{Room: "prices", Subject: share, Message: json.RawMessage(message)})
			if !answer.OK || *answer.Reached != 1 {
				t.Fatalf("message %d: %s", last, said(t, answer))
			}
		}
	}
	newest := map[string]int{}
	before, _ := p.ask(`{"type":"ping"`)
	for _, text := range before {
		var m struct {
			Subject string
			Data    []int
		}
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			t.Fatal(err)
		}
		if n, ok := newest[m.Subject]; ok && m.Data[0] <= n {
			t.Fatalf("%d about %s comes after %d", m.Data[0], m.Subject, n)
		}
		newest[m.Subject] = m.Data[0]
	}
	if newest["A"] != last-1 || newest["B"] != last-1 {
		t.Errorf("the newest that came are %v, want %d", newest, last-1)
	}
	if len(before) > 2*last-100 {
		t.Errorf("%d of %d messages came", len(before), 2*last)
	}
}
