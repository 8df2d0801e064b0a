package hooks

import (
	"errors"
	"net/http"

	"github.com/molva-ws/molva/gateway/rules"
	"github.com/molva-ws/molva/internal/inquiry"
)

// setup is what the options say, in a form that is quick to use. It does not change, but is replaced by another.
type setup struct {
	options  Options // with the defaults filled in
	rooms    []rules.Pattern
	client   *http.Client
	desk     *inquiry.Desk[verdict]
	replaced chan struct{} // closed when another one has taken its place
}

// newSetup takes options with the defaults filled in.
func (h *Hooks) newSetup(o Options) *setup {
	s := &setup{
		options:  o,
		client:   newHTTPClient(o),
		replaced: make(chan struct{}),
	}
	s.desk = h.newDesk(&s.options)
	for _, room := range o.Rooms {
		p, _ := rules.ParsePattern(room) // was checked
		s.rooms = append(s.rooms, p)
	}
	return s
}

// wrong joins everything that Check finds.
func (o Options) wrong() error {
	var all []error
	for _, e := range o.Check() {
		all = append(all, e)
	}
	return errors.Join(all...)
}

// Reload puts other options in place of those before, or none of them if it returns an error, which is like that of New.
// Options.Logger stays what it was. What happens from now on is told as they say; Observer has to be asked again for the
// kinds of events.
//
// Nothing that waits is lost, and the order stays: it is the same queue that is sent, from the next request on to the
// new address and with the new secrets. Where there is no address any more, what still waits goes to the old one. A
// queue that has less room now drops the oldest.
func (h *Hooks) Reload(o Options) error {
	if err := o.wrong(); err != nil {
		return err
	}
	h.reloading.Lock()
	defer h.reloading.Unlock()
	next := h.newSetup(o.withDefaults())
	before := h.current.Swap(next)
	h.queue.resize(next.options.QueueEvents, next.options.QueueBytes)
	close(before.replaced)
	before.client.CloseIdleConnections()
	return nil
}
