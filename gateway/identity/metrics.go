package identity

import "github.com/prometheus/client_golang/prometheus"

// Collector returns what the chain counts, for Gateway.Collectors or a Prometheus registry.
func (c *Chain) Collector() prometheus.Collector { return metrics{c} }

// metrics is a [prometheus.Collector] that asks the chain when it is asked.
type metrics struct{ chain *Chain }

// What is measured. The names are promised to dashboards: they change only with a new major version.
var (
	descAdmitted = describe("admitted_total", "Clients let in, by who vouched for them.", "by")
	descRefused  = describe("refused_total", "Clients not let in, by the reason.", "reason")
	descRenewed  = describe("renewals_total", "Tokens renewed.")
	descNot      = describe("renewals_refused_total", "Tokens not renewed, by the reason.", "reason")
	descFetches  = describe("key_fetches_total", "Times that a JWK set was fetched, or that was tried.")
	descKeys     = describe("key_failures_total", "Times that keys could not be fetched or read again.")
	descAsked    = describe("application_requests_total", "Requests to the application for who a client is.")
	descCached   = describe("application_cached_total", "Answers of the application that were there already.")
	descFailed   = describe("application_failures_total", "Requests without an answer in time or one that makes sense.")
	descSpared   = describe("application_spared_total", "Requests not made, as those before had failed.")
	descUnasked  = describe("application_bypassed_total", "Clients let in while the application could not be asked.")
)

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("molva_identity_"+name, help, labels, nil)
}

// Describe sends the descriptions of all that Collect sends.
func (m metrics) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descAdmitted, descRefused, descRenewed, descNot, descFetches, descKeys, descAsked,
		descCached, descFailed, descSpared, descUnasked} {
		to <- d
	}
}

// Collect sends what is counted now.
func (m metrics) Collect(to chan<- prometheus.Metric) {
	send := func(d *prometheus.Desc, n uint64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
	}
	s := m.chain.Stats()
	for by, n := range s.Admitted {
		send(descAdmitted, n, string(by))
	}
	for reason, n := range s.Refused {
		send(descRefused, n, string(reason))
	}
	for reason, n := range s.RenewalRefused {
		send(descNot, n, string(reason))
	}
	send(descRenewed, s.Renewed)
	send(descFetches, s.Keys.Fetches)
	send(descKeys, s.Keys.Failures)
	send(descAsked, s.Application.Requests)
	send(descCached, s.Application.Cached)
	send(descFailed, s.Application.Failures)
	send(descSpared, s.Application.Spared)
	send(descUnasked, s.Application.Admitted)
}
