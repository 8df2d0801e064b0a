package main

import "testing"

func TestHistoryTellsWhatWasMissed(t *testing.T) {
	var h history
	for id := int64(1); id <= historySize+10; id++ { // the first ten are forgotten
		h.add(said{ID: id})
	}
	cases := []struct {
		name  string
		after int64
		first int64 // 0 for none
		count int
		gap   bool
	}{
		{"a newcomer", 0, 11, historySize, false},
		{"nothing", historySize + 10, 0, 0, false},
		{"the last", historySize + 9, historySize + 10, 1, false},
		{"all that is left", 10, 11, historySize, false},
		{"more than is left", 9, 11, historySize, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			missed, gap := h.since(c.after)
			if len(missed) != c.count || gap != c.gap {
				t.Fatalf("%d messages, gap %v", len(missed), gap)
			}
			if c.count > 0 && missed[0].ID != c.first {
				t.Fatalf("begins with %d", missed[0].ID)
			}
		})
	}
}
