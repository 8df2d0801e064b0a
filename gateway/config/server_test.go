package config

import (
	"log/slog"
	"testing"

	"github.com/molva-ws/molva/gateway"
)

// TestTheDefaultsAreThoseOfTheGateway holds what is printed as a default against what a gateway does by itself: its
// fields are zero where it has the default of its own.
func TestTheDefaultsAreThoseOfTheGateway(t *testing.T) {
	s, err := new(Loader).Load()
	if err != nil {
		t.Fatal(err)
	}
	logger := slog.New(slog.DiscardHandler)
	r, err := s.NewServer(Own{Key: "0123456789abcdef", Logger: logger, Level: new(slog.LevelVar)})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Gateway.WebSocket.Close()
	bare := &gateway.Gateway{Logger: logger}
	defer bare.WebSocket.Close()
	r.Gateway.Stats() // fills in what is left out
	bare.Stats()
	set, own := r.Gateway.WebSocket.Limits, bare.WebSocket.Limits
	if own.Outbox == 0 {
		own.Outbox = 1 << 20 // which is filled in where it is used
	}
	if set != own {
		t.Errorf("limits of connections: %+v, want %+v", set, own)
	}
	if want := (gateway.Limits{Rooms: 100, Name: 128, Message: 1 << 20}); r.Gateway.Limits != want {
		t.Errorf("limits of the gateway: %+v, want %+v", r.Gateway.Limits, want)
	}
	if r.Gateway.Identify != nil || r.Gateway.Rules.Join != nil || r.Gateway.Observer.Connected != nil {
		t.Error("clients have to say who they are, rules hold, or the application is told, though nobody has said so")
	}
}

// TestAfterAnErrorNothingHasChanged applies settings of which a part cannot be taken over.
func TestAfterAnErrorNothingHasChanged(t *testing.T) {
	s, err := new(Loader).load([]byte("auth.jwt.secret = '0123456789abcdef0123456789abcdef'\norigins = ['https://old.example']"))
	if err != nil {
		t.Fatal(err)
	}
	level := new(slog.LevelVar)
	r, err := s.NewServer(Own{Logger: slog.New(slog.DiscardHandler), Level: level})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Gateway.WebSocket.Close()
	next, err := new(Loader).load([]byte("auth.jwt.secret = '0123456789abcdef0123456789abcdef'\nlog.level = 'debug'"))
	if err != nil {
		t.Fatal(err)
	}
	next.Origins = []string{"no origin/at all"} // as if the check had not seen it
	if _, err := r.Apply(next); err == nil {
		t.Fatal("it was taken over")
	}
	if r.Running() != s || level.Level() != slog.LevelInfo {
		t.Error("a part of it was")
	}
	next.Origins = nil
	changes, err := r.Apply(next)
	if err != nil || len(changes) != 2 || level.Level() != slog.LevelDebug {
		t.Errorf("%+v, %v", changes, err)
	}
}
