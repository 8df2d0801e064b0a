package hooks

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/molva-ws/molva/gateway/api"
	"github.com/molva-ws/molva/gateway/rules"
)

// Options say what is told to the application, and how. All but URL and Secrets have safe zero values.
type Options struct {
	// URL is where to send events, and AskURL where to ask whether somebody may join; http or https. Redirects are not
	// followed. Without URL nothing is told, without AskURL nothing can be asked.
	URL, AskURL string
	// Secrets sign every request, each with a signature of its own, so that one can be replaced by another while the
	// application believes both. Each has at least 16 bytes.
	Secrets []string
	// Events are the kinds that are told. Nil: all but Message.
	Events []Kind
	// Rooms are patterns of rooms, see [rules.Pattern], without {user}. Of other rooms nothing is told. Nil: all, but for
	// those whose names begin with $.
	Rooms []string

	// Batch is how many events a request has at most; default 100.
	Batch int
	// Timeout bounds a request and its answer, also when asking; default 5 s.
	Timeout time.Duration
	// MaxAnswer is how many bytes an answer may have; default 256 KiB.
	MaxAnswer int
	// QueueEvents and QueueBytes bound what waits; default 10,000 and 16 MiB. Past either the oldest is dropped.
	QueueEvents, QueueBytes int
	// RetryFirst is about how long to wait after a failure, which doubles with each until it is RetryMost; default 500 ms
	// and 30 s.
	RetryFirst, RetryMost time.Duration
	// GiveUp is how long a batch is tried; default 15 minutes.
	GiveUp time.Duration
	// AsksAtOnce is how many questions may be on their way; default 64. Others wait.
	AsksAtOnce int
	// AskCache is for how long an answer is good for the same user and room, or connection and room if the client has no
	// name; default 1 s, negative for not at all. AskCacheSize is how many are remembered; default 4096.
	AskCache     time.Duration
	AskCacheSize int
	// AskFailures is after how many in a row the application is asked nothing for AskPause; default 5 and 10 s.
	AskFailures int
	AskPause    time.Duration

	// Do carries out the commands of an answer, as [gateway.Gateway.Do] does. Nil: they are not carried out, but counted
	// as refused.
	Do func(context.Context, *api.Command) *api.Answer
	// Transport stands in for the network; default: one that is like [http.DefaultTransport].
	Transport http.RoundTripper
	// Logger gets what goes wrong, but not so often that it could fill a disk; default: slog.Default().
	Logger *slog.Logger
}

// OptionError is a field of Options that cannot be as it is.
type OptionError struct {
	Field string
	Text  string // what is wrong with it, and what to do
}

// Error returns field and text.
func (e *OptionError) Error() string { return "hooks: " + e.Field + ": " + e.Text }

// minSecret is how many bytes a secret has at least, so that it cannot be guessed.
const minSecret = 16

// Check returns everything that is wrong.
func (o Options) Check() []*OptionError {
	var all []*OptionError
	wrong := func(field, format string, args ...any) {
		all = append(all, &OptionError{field, fmt.Sprintf(format, args...)})
	}
	if o.URL == "" && o.AskURL == "" {
		wrong("URL", "is missing; hooks need an address of the application's")
	}
	checkURL("URL", o.URL, wrong)
	checkURL("AskURL", o.AskURL, wrong)
	if len(o.Secrets) == 0 {
		wrong("Secrets", "there is none, and the application could not tell who is asking; openssl rand -hex 32 makes one")
	}
	for i, s := range o.Secrets {
		if len(s) < minSecret {
			wrong("Secrets", "number %d has less than %d bytes; openssl rand -hex 32 makes a good one", i+1, minSecret)
		}
	}
	for _, k := range o.Events {
		if !slices.Contains(kinds, k) {
			wrong("Events", "%q is not one of %s", k, kindNames())
		}
	}
	for _, room := range o.Rooms {
		var bad *rules.PatternError
		if _, err := rules.ParsePattern(room); errors.As(err, &bad) {
			wrong("Rooms", "%q is no pattern: %s", room, bad.Reason)
		} else if strings.Contains(room, "{user}") {
			wrong("Rooms", "%q has {user}, but here is no client whose name that could be; ** stands for all users", room)
		}
	}
	o.checkNumbers(wrong)
	return all
}

func checkURL(field, text string, wrong func(field, format string, args ...any)) {
	if text == "" {
		return
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Fragment != "" {
		wrong(field, "has to be like https://app.example.com/molva")
	}
}

func (o *Options) checkNumbers(wrong func(field, format string, args ...any)) {
	for _, number := range []struct {
		field    string
		negative bool
	}{
		{"Batch", o.Batch < 0}, {"Timeout", o.Timeout < 0}, {"MaxAnswer", o.MaxAnswer < 0},
		{"QueueEvents", o.QueueEvents < 0}, {"QueueBytes", o.QueueBytes < 0}, {"RetryFirst", o.RetryFirst < 0},
		{"RetryMost", o.RetryMost < 0}, {"GiveUp", o.GiveUp < 0}, {"AsksAtOnce", o.AsksAtOnce < 0},
		{"AskCacheSize", o.AskCacheSize < 0}, {"AskFailures", o.AskFailures < 0}, {"AskPause", o.AskPause < 0},
	} {
		if number.negative {
			wrong(number.field, "cannot be negative; leave it out for the default")
		}
	}
}

func kindNames() string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = string(k)
	}
	return strings.Join(names, ", ")
}

func (o Options) withDefaults() Options {
	o.Batch = orDefault(o.Batch, 100)
	o.Timeout = orDefault(o.Timeout, 5*time.Second)
	o.MaxAnswer = orDefault(o.MaxAnswer, 256<<10)
	o.QueueEvents = orDefault(o.QueueEvents, 10_000)
	o.QueueBytes = orDefault(o.QueueBytes, 16<<20)
	o.RetryFirst = orDefault(o.RetryFirst, 500*time.Millisecond)
	o.RetryMost = max(orDefault(o.RetryMost, 30*time.Second), o.RetryFirst)
	o.GiveUp = orDefault(o.GiveUp, 15*time.Minute)
	o.AsksAtOnce = orDefault(o.AsksAtOnce, 64)
	o.AskCache = orDefault(o.AskCache, time.Second)
	o.AskCacheSize = orDefault(o.AskCacheSize, 4096)
	o.AskFailures = orDefault(o.AskFailures, 5)
	o.AskPause = orDefault(o.AskPause, 10*time.Second)
	if o.Events == nil {
		o.Events = slices.DeleteFunc(slices.Clone(kinds), func(k Kind) bool { return k == Message })
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return o
}

func orDefault[T int | time.Duration](n, fallback T) T {
	if n == 0 {
		return fallback
	}
	return n
}
