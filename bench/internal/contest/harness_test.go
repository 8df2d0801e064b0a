//go:build linux

package contest

import (
	"bytes"
	"context"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/molva-ws/molva"
)

// testPatience only passes when something hangs.
const testPatience = time.Minute

var (
	workshopOnce sync.Once
	theWorkshop  *workshop
	workshopErr  error
	workshopDir  string
)

func TestMain(m *testing.M) {
	status := m.Run()
	if workshopDir != "" {
		os.RemoveAll(workshopDir)
	}
	os.Exit(status)
}

// shared returns a workshop that all tests share, so that each peer is built once.
func shared(t *testing.T) *workshop {
	t.Helper()
	if testing.Short() {
		t.Skip("builds and starts peers")
	}
	workshopOnce.Do(func() {
		if workshopDir, workshopErr = os.MkdirTemp("", "contest"); workshopErr == nil {
			theWorkshop, workshopErr = newWorkshop(context.Background(), workshopDir)
		}
	})
	if workshopErr != nil {
		t.Fatal(workshopErr)
	}
	return theWorkshop
}

// up starts a contender for a cell, for the time of a test.
func up(t *testing.T, s *Contender, c Cell) string {
	t.Helper()
	server, err := launch(t.Context(), s, c, 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if said := server.stop(); said != "" && t.Failed() {
			t.Logf("the server said: %s", said)
		}
	})
	return server[0].addr
}

// onEach runs a test against every contender that speaks WebSocket and is fit for the cell. One that is missing on
// this machine is skipped, except under CI.
func onEach(t *testing.T, c Cell, test func(t *testing.T, s *Contender, addr string)) {
	w := shared(t)
	for _, s := range Contenders() {
		if s.Raw || s.Unfit(c) != "" {
			continue
		}
		t.Run(s.Name, func(t *testing.T) {
			missing, err := w.prepare(t.Context(), &s)
			switch {
			case err != nil:
				t.Fatal(err)
			case missing != "" && os.Getenv("CI") != "":
				t.Fatal(missing)
			case missing != "":
				t.Skip(missing)
			}
			test(t, &s, up(t, &s, c))
		})
	}
}

func dial(t *testing.T, addr string, opts *molva.DialOptions) *molva.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testPatience)
	defer cancel()
	c, _, err := molva.Dial(ctx, "ws://"+addr+"/", opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseNow)
	return c
}

func expect(t *testing.T, c *molva.Conn, want molva.Message) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testPatience)
	defer cancel()
	got, err := c.Read(ctx)
	if err != nil {
		t.Fatalf("awaiting %v of %d bytes: %v", want.Type, len(want.Data), err)
	}
	if got.Type != want.Type || !bytes.Equal(got.Data, want.Data) {
		t.Fatalf("%v of %d bytes came back as %v of %d bytes: %.40q", want.Type, len(want.Data), got.Type, len(got.Data), got.Data)
	}
}
