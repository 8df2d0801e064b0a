package machine

import (
	"strings"
	"testing"
)

func TestShortages(t *testing.T) {
	for _, c := range []struct {
		name   string
		limits Limits
		conns  int
		want   []string // what the shortages are about
	}{
		{"plenty", Limits{Descriptors: 1 << 20, AcceptQueue: 4096}, 0, nil},
		{"not known", Limits{}, 50_000, nil},
		{"few descriptors", Limits{Descriptors: 1024, AcceptQueue: 4096}, 0, []string{"may have 1024 descriptors"}},
		{"few for these", Limits{Descriptors: 20_000, AcceptQueue: 4096}, 50_000, []string{"less than 50000 connections"}},
		{"enough for these", Limits{Descriptors: 1024, AcceptQueue: 4096}, 900, nil},
		{"short queue", Limits{Descriptors: 1 << 20, AcceptQueue: 128}, 0, []string{"only 128 connections can wait"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			found := c.limits.Shortages(c.conns)
			if len(found) != len(c.want) {
				t.Fatalf("%+v, want %q", found, c.want)
			}
			for i, s := range found {
				if !strings.Contains(s.What, c.want[i]) || len(s.Lift) == 0 {
					t.Errorf("%+v, want %q", s, c.want[i])
				}
			}
		})
	}
}
