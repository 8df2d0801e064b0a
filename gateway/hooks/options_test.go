package hooks_test

import (
	"errors"
	"testing"

	"github.com/molva-ws/molva/gateway/hooks"
)

func TestOptionsAreChecked(t *testing.T) {
	good := hooks.Options{URL: "https://user:pass@app.example.com/x?y=z", Secrets: []string{secret}}
	if found := good.Check(); len(found) > 0 {
		t.Errorf("%v", found)
	}
	for _, tt := range []struct {
		field string
		spoil func(o *hooks.Options)
	}{
		{"URL", func(o *hooks.Options) { o.URL = "" }},
		{"URL", func(o *hooks.Options) { o.URL = "app.example.com" }},
		{"URL", func(o *hooks.Options) { o.URL = "ftp://app.example.com" }},
		{"URL", func(o *hooks.Options) { o.URL = "http://" }},
		{"URL", func(o *hooks.Options) { o.URL = "http://a\x7f" }},
		{"URL", func(o *hooks.Options) { o.URL = "https://app.example.com/#molva" }},
		{"AskURL", func(o *hooks.Options) { o.AskURL = "/ask" }},
		{"Secrets", func(o *hooks.Options) { o.Secrets = nil }},
		{"Secrets", func(o *hooks.Options) { o.Secrets = []string{secret, "short"} }},
		{"Events", func(o *hooks.Options) { o.Events = []hooks.Kind{"joined", "conected"} }},
		{"Rooms", func(o *hooks.Options) { o.Rooms = []string{"***"} }},
		{"Rooms", func(o *hooks.Options) { o.Rooms = []string{"user.{user}"} }},
		{"Batch", func(o *hooks.Options) { o.Batch = -1 }},
		{"Timeout", func(o *hooks.Options) { o.Timeout = -1 }},
		{"QueueBytes", func(o *hooks.Options) { o.QueueBytes = -1 }},
		{"GiveUp", func(o *hooks.Options) { o.GiveUp = -1 }},
	} {
		o := good
		tt.spoil(&o)
		found := o.Check()
		if len(found) != 1 || found[0].Field != tt.field || found[0].Text == "" {
			t.Errorf("%s: %v", tt.field, found)
		}
		_, err := hooks.New(o)
		var one *hooks.OptionError
		if !errors.As(err, &one) || one.Field != tt.field {
			t.Errorf("New: %v", err)
		}
	}
}
