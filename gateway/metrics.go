package gateway

import (
	"net/http"
	"runtime/debug"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/molva-ws/molva"
)

// metricsAtOnce is how many requests for metrics are answered at a time. Each asks every connection what is queued.
const metricsAtOnce = 4

// Collector returns what the gateway counts, for the Prometheus registry of a program that has one of its own. Nothing
// is done for it until it is asked.
func (g *Gateway) Collector() prometheus.Collector {
	g.init()
	return metrics{g}
}

// metricsHandler answers Prometheus. The registry is the gateway's own, with the process and Go's runtime beside it.
func (g *Gateway) metricsHandler() http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(metrics{g}, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, c := range g.Collectors {
		if err := registry.Register(c); err != nil {
			g.log.Error("metrics cannot be shown", "error", err)
		}
	}
	handler := promhttp.HandlerFor(registry, promhttp.HandlerOpts{MaxRequestsInFlight: metricsAtOnce})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		switch {
		case !fromThisMachine(r) && g.keyring().Check(r) != nil:
			w.Header().Set("WWW-Authenticate", `Bearer realm="molva"`)
			http.Error(w, "metrics are for this machine, and for those with a key: send Authorization: Bearer KEY",
				http.StatusUnauthorized)
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			answerProbe(w, r, 0, "")
		default:
			handler.ServeHTTP(w, r)
		}
	})
}

// fromThisMachine reports whether a request certainly comes from a program on this machine. What a proxy here passes on
// comes from elsewhere, and so does what a page has a browser here ask (its Host is then the name of the page's own
// server, DNS rebinding).
func fromThisMachine(r *http.Request) bool {
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Via"} {
		if len(r.Header.Values(name)) > 0 {
			return false
		}
	}
	return isLoopback(hostname(r.RemoteAddr)) && isLoopback(hostname(r.Host))
}

// metrics is a [prometheus.Collector] that asks the gateway when it is asked.
type metrics struct{ gateway *Gateway }

// What is measured. The names are promised to dashboards: they change only with a new major version.
var (
	descConnections = describe("connections", "WebSocket connections open now.")
	descUsers       = describe("users", "Users with at least one connection now.")
	descRooms       = describe("rooms", "Rooms in which somebody is now.")
	descQueued      = describe("outbox_bytes", "Bytes that wait in the outboxes of all connections now.")
	descOpenings    = describe("openings", "Connections now whose first request has not come yet.")

	descHandshakes = describe("handshakes_total", "Opening handshakes accepted, also just to say why not to come in.")
	descRefused    = describe("refused_total", "Connections and handshakes refused, by the reason.", "reason")

	descSpared = describe("spared_total", "Handshakes that limits would refuse, but for the dry run.", "limit")

	descMessagesIn  = describe("messages_received_total", "WebSocket messages received.")
	descMessagesOut = describe("messages_sent_total", "WebSocket messages taken for sending, one for each receiver.")
	descBytesIn     = describe("received_bytes_total", "Bytes read from WebSocket connections.")
	descBytesOut    = describe("sent_bytes_total", "Bytes written to WebSocket connections.")

	descSlowClosed   = describe("slow_connections_closed_total", "Connections closed as the client did not read.", "reason")
	descSlowMessages = describe("slow_messages_lost_total", "Messages that slow clients did not get, by policy.", "policy")
	descFastPaused   = describe("fast_pauses_total", "Times that a client sent too fast and had to wait.")
	descFastClosed   = describe("fast_connections_closed_total", "Connections closed as the client sent too fast.")

	descTurns      = describe("loop_turns_total", "Turns of all event loops.")
	descHandovers  = describe("loop_handovers_total", "Times that a loop changed its goroutine as a callback blocked.")
	descDispatched = describe("loop_dispatched_total", "Callbacks given a goroutine, those before having blocked.")
	descAccept     = describe("loop_accept_errors_total", "Times that accepting paused for want of descriptors.")

	descCommands = describe("commands_total", "Commands, by their way in and what became of them.",
		"door", "command", "result")
	descSocketConns   = describe("socket_connections", "Connections to the local sockets now.")
	descSocketRefused = describe("socket_refused_total", "Connections to the local sockets refused as too many.")

	descBuild = describe("build_info", "The build; the value is 1.", "version", "goversion")
)

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("molva_"+name, help, labels, nil)
}

// Describe sends the descriptions of all that Collect sends.
func (m metrics) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		descConnections, descUsers, descRooms, descQueued, descOpenings, descHandshakes, descRefused, descSpared, descMessagesIn,
		descMessagesOut, descBytesIn, descBytesOut, descSlowClosed, descSlowMessages, descFastPaused, descFastClosed,
		descTurns, descHandovers, descDispatched, descAccept, descCommands, descSocketConns, descSocketRefused, descBuild,
	} {
		to <- d
	}
	m.gateway.heard.histogram().Describe(to)
}

// Collect sends what is counted now.
func (m metrics) Collect(to chan<- prometheus.Metric) {
	g := m.gateway
	out := sink(to)
	conns, users := g.conns.count()
	out.gauge(descConnections, float64(conns))
	out.gauge(descUsers, float64(users))
	out.gauge(descRooms, float64(g.rooms.count()))
	out.gauge(descQueued, float64(g.WebSocket.Queued()))
	out.server(g.counted())
	out.heard(&g.heard)
	version, goVersion := buildVersion()
	out.gauge(descBuild, 1, version, goVersion)
}

// sink is where metrics go.
type sink chan<- prometheus.Metric

func (to sink) gauge(d *prometheus.Desc, v float64, labels ...string) {
	to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

func (to sink) counter(d *prometheus.Desc, v uint64, labels ...string) {
	to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
}

func (to sink) server(s molva.Stats) {
	to.gauge(descOpenings, float64(s.Openings))
	to.counter(descHandshakes, s.Handshakes)
	to.refused(s.Refused)
	to.counter(descSpared, s.Spared.Total, "total")
	to.counter(descSpared, s.Spared.Addr, "addr")
	to.counter(descSpared, s.Spared.Rate, "rate")
	to.counter(descMessagesIn, s.MessagesIn)
	to.counter(descMessagesOut, s.MessagesOut)
	to.counter(descBytesIn, s.BytesIn)
	to.counter(descBytesOut, s.BytesOut)
	to.counter(descSlowClosed, s.Slow.Closed, "full")
	to.counter(descSlowClosed, s.Slow.Stalled, "stalled")
	to.counter(descSlowMessages, s.Slow.Refused, "refuse")
	to.counter(descSlowMessages, s.Slow.Dropped, "drop_oldest")
	to.counter(descSlowMessages, s.Slow.Latest, "latest")
	to.counter(descFastPaused, s.Fast.Paused)
	to.counter(descFastClosed, s.Fast.Closed)
	to.counter(descTurns, s.Loops.Turns)
	to.counter(descHandovers, s.Loops.Handovers)
	to.counter(descDispatched, s.Loops.Dispatched)
	to.counter(descAccept, s.Loops.AcceptErrors)
}

func (to sink) refused(r molva.RefusedStats) {
	to.counter(descRefused, r.Request, "request")
	to.counter(descRefused, r.Origin, "origin")
	to.counter(descRefused, r.Total, "total")
	to.counter(descRefused, r.Addr, "addr")
	to.counter(descRefused, r.Rate, "rate")
	to.counter(descRefused, r.Upgrade, "upgrade")
	to.counter(descRefused, r.Timeout, "timeout")
	to.counter(descRefused, r.TooLarge, "too_large")
	to.counter(descRefused, r.Shutdown, "shutdown")
	to.counter(descRefused, r.Failed, "failed")
}

func (to sink) heard(h *heard) {
	for from := range doors {
		for c, command := range commandLabels {
			for r, result := range resultLabels {
				// Only what there was; there are many combinations.
				if n := h.commands[from][c][r].Load(); n > 0 {
					to.counter(descCommands, n, from.String(), command, string(result))
				}
			}
		}
	}
	to.gauge(descSocketConns, float64(h.socketConns.Load()))
	to.counter(descSocketRefused, h.socketRefused.Load())
	to.counter(descSpared, h.userSpared.Load(), "user")
	h.histogram().Collect(to)
}

// buildVersion returns the versions of molva and of Go that the program was built with.
func buildVersion() (molvaVersion, goVersion string) {
	const module = "github.com/molva-ws/molva"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown", "unknown"
	}
	if info.Main.Path == module {
		return info.Main.Version, info.GoVersion
	}
	for _, m := range info.Deps {
		if m.Path == module {
			return m.Version, info.GoVersion
		}
	}
	return "unknown", info.GoVersion
}
