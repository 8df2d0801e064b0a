package hooks

import "github.com/prometheus/client_golang/prometheus"

// Collector returns what the hooks count, for Gateway.Collectors or a Prometheus registry.
func (h *Hooks) Collector() prometheus.Collector { return metrics{h} }

// metrics is a [prometheus.Collector] that asks the hooks when it is asked.
type metrics struct{ hooks *Hooks }

// What is measured. The names are promised to dashboards: they change only with a new major version.
var (
	descQueued      = describe("queued", "Events that wait to be told now.")
	descQueuedBytes = describe("queued_bytes", "Bytes of the events that wait to be told now.")
	descEvents      = describe("events_total", "Events that there were to tell and what became of them.", "result")
	descRequests    = describe("requests_total", "Requests that told events, by whether the answer was good.", "result")
	descCommands    = describe("commands_total", "Commands in answers, by whether they were carried out.", "result")
	descAsked       = describe("questions_total", "Questions whether somebody may join, by what came of them.", "result")
)

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("molva_hooks_"+name, help, labels, nil)
}

// Describe sends the descriptions of all that Collect sends.
func (m metrics) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descQueued, descQueuedBytes, descEvents, descRequests, descCommands, descAsked} {
		to <- d
	}
}

// Collect sends what is counted now.
func (m metrics) Collect(to chan<- prometheus.Metric) {
	s := m.hooks.Stats()
	to <- prometheus.MustNewConstMetric(descQueued, prometheus.GaugeValue, float64(s.Queued))
	to <- prometheus.MustNewConstMetric(descQueuedBytes, prometheus.GaugeValue, float64(s.QueuedBytes))
	for _, c := range []struct {
		desc   *prometheus.Desc
		result string
		n      uint64
	}{
		{descEvents, "sent", s.Sent},
		{descEvents, "failed", s.Failed},
		{descEvents, "dropped", s.Dropped},
		{descRequests, "ok", s.Requests - min(s.Requests, s.RequestErrors)},
		{descRequests, "error", s.RequestErrors},
		{descCommands, "ok", s.Commands},
		{descCommands, "error", s.CommandErrors},
		{descAsked, "yes", s.Asked - min(s.Asked, s.AskRefused+s.AskErrors)},
		{descAsked, "no", s.AskRefused},
		{descAsked, "error", s.AskErrors},
		{descAsked, "cached", s.AskCached},
		{descAsked, "spared", s.AskSpared},
	} {
		to <- prometheus.MustNewConstMetric(c.desc, prometheus.CounterValue, float64(c.n), c.result)
	}
}
