package config

import (
	"context"
	"log/slog"
	"time"

	"github.com/molva-ws/molva/gateway/api"
	"github.com/molva-ws/molva/gateway/hooks"
	"github.com/molva-ws/molva/internal/bytesize"
)

// Hooks says what the application is told, and where it is asked who may join a room. Its fields have the names of those
// of [hooks.Options].
type Hooks struct {
	URL          string        `toml:"url" name:"hooks-url" placeholder:"URL" secret:"url" live:"true" help:"Where to tell the application what happens, http or https."`
	AskURL       string        `toml:"ask_url" name:"hooks-ask-url" placeholder:"URL" secret:"url" live:"true" help:"Where to ask whether somebody may join a room with join = ask."`
	Secrets      []string      `toml:"secrets" name:"hooks-secret" placeholder:"SECRET" secret:"true" live:"true" help:"Signs every request; several while you change it: at least 16 bytes."`
	Events       []string      `toml:"events" name:"hooks-event" placeholder:"KIND" live:"true" help:"Told: connected, disconnected, joined, left, occupied, vacated, message. Default: all but message."`
	Rooms        []string      `toml:"rooms" name:"hooks-room" placeholder:"PATTERN" live:"true" help:"Of other rooms nothing is told. Default: all."`
	Batch        int           `toml:"batch" name:"hooks-batch" placeholder:"N" default:"100" range:"1.." live:"true" help:"How many events a request has at most. Default: ${default}."`
	Timeout      time.Duration `toml:"timeout" name:"hooks-timeout" default:"5s" range:"1ms.." live:"true" help:"How long a request and its answer may take, also when asking. Default: ${default}."`
	QueueEvents  int           `toml:"queue_events" name:"hooks-queue-events" placeholder:"N" default:"10000" range:"1.." live:"true" help:"How many wait at most; past that the oldest is dropped. Default: ${default}."`
	QueueBytes   bytesize.Size `toml:"queue_bytes" name:"hooks-queue-bytes" placeholder:"SIZE" default:"16MiB" live:"true" help:"Likewise in bytes. Default: ${default}."`
	RetryFirst   time.Duration `toml:"retry_first" name:"hooks-retry-first" default:"500ms" range:"1ms.." live:"true" help:"How long to wait after a failure; it doubles with each. Default: ${default}."`
	RetryMost    time.Duration `toml:"retry_most" name:"hooks-retry-most" default:"30s" range:"1ms.." live:"true" help:"How long to wait at most. Default: ${default}."`
	GiveUp       time.Duration `toml:"give_up" name:"hooks-give-up" default:"15m" range:"1ms.." live:"true" help:"How long a request is tried. Default: ${default}."`
	AsksAtOnce   int           `toml:"asks_at_once" name:"hooks-asks-at-once" placeholder:"N" default:"64" range:"1.." live:"true" help:"How many questions may be on their way. Default: ${default}."`
	AskCache     time.Duration `toml:"ask_cache" name:"hooks-ask-cache" default:"1s" range:"0.." live:"true" help:"How long an answer is good for the same user and room. Default: ${default}."`
	AskCacheSize int           `toml:"ask_cache_size" name:"hooks-ask-cache-size" placeholder:"N" default:"4096" range:"1.." live:"true" help:"How many answers are remembered. Default: ${default}."`
	AskFailures  int           `toml:"ask_failures" name:"hooks-ask-failures" placeholder:"N" default:"5" range:"1.." live:"true" help:"After how many in a row the application is asked nothing for a while. Default: ${default}."`
	AskPause     time.Duration `toml:"ask_pause" name:"hooks-ask-pause" default:"10s" range:"1ms.." live:"true" help:"For how long. Default: ${default}."`
}

// On reports whether the application is told or asked anything.
func (h *Hooks) On() bool { return h.URL != "" || h.AskURL != "" }

// hooks returns the options of the package that does it. do carries out what the application answers.
func (s *Settings) hooks(do func(context.Context, *api.Command) *api.Answer, log *slog.Logger) hooks.Options {
	o := hooks.Options{Do: do, Logger: log}
	copyFields(&o, &s.Hooks)
	for _, kind := range s.Hooks.Events {
		o.Events = append(o.Events, hooks.Kind(kind))
	}
	o.AskCache = orNone(o.AskCache)
	return o
}

// checkHooks has the package that does it look at the options.
func (c *checker) checkHooks() {
	s := c.settings
	if s.Hooks.On() {
		for _, wrong := range s.hooks(nil, nil).Check() {
			c.say(pathOf("Hooks."+wrong.Field), "%s", wrong.Text)
		}
		return
	}
	for _, k := range Keys() {
		if section, _ := k.table(); section == "hooks" && c.isSet(k.Path) {
			c.say(k.Path, "means nothing without hooks.url or hooks.ask_url, an address of the application's")
		}
	}
}
