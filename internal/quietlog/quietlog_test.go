package quietlog_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/molva-ws/molva/internal/quietlog"
)

func TestAFloodIsCountedNotLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := quietlog.Log{Logger: slog.New(slog.NewTextHandler(&out, nil))}
		for range 1000 {
			log.Say(slog.LevelInfo, "flood")
		}
		if n := strings.Count(out.String(), "msg=flood"); n != 20 {
			t.Errorf("%d of 1000 lines were logged at once; want 20", n)
		}
		out.Reset()
		time.Sleep(time.Second)
		log.Say(slog.LevelInfo, "later", "n", 1)
		if got := out.String(); !strings.Contains(got, "msg=later n=1 lines_left_out=980") {
			t.Errorf("a second later: %q", got)
		}
	})
}

func TestALevelThatIsOffCostsNothing(t *testing.T) {
	var out bytes.Buffer
	log := quietlog.Log{Logger: slog.New(slog.NewTextHandler(&out, nil))}
	for range 1000 {
		log.Say(slog.LevelDebug, "unseen")
	}
	log.Say(slog.LevelInfo, "seen")
	if got := out.String(); strings.Count(got, "\n") != 1 || !strings.HasSuffix(got, "msg=seen\n") {
		t.Errorf("logged %q; want one line, with nothing left out", got)
	}
}
