package rest

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/dialwright/dialwright/internal/door/auth"
)

// metrics are the door's own measurements; the server's come from Stats when
// they are read. Every name, unit and label value is written out here.
type metrics struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	refused  *prometheus.CounterVec
	streams  prometheus.Gauge
	events   prometheus.Counter
	lost     prometheus.Counter
	handler  http.Handler
}

func newMetrics(s *Server) *metrics {
	m := &metrics{
		// method: GET POST …; route: pattern of the operation ("POST /v1/calls") or "none"; status: 200 201 …
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "dialwright_http_requests_total", Help: "HTTP requests by route and status.",
		}, []string{"route", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "dialwright_http_request_seconds", Help: "Time to answer HTTP requests, without event streams.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
		}, []string{"route"}),
		// code: the codes of refusalStatus and statusCode
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "dialwright_http_refused_total", Help: "HTTP requests refused, by problem code.",
		}, []string{"code"}),
		streams: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "dialwright_event_streams", Help: "Event streams that are open.",
		}),
		events: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "dialwright_events_sent_total", Help: "Events written to streams.",
		}),
		lost: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "dialwright_event_gaps_total", Help: "Times a stream was told that events are gone.",
		}),
	}
	reg := s.o.Metrics
	reg.MustRegister(m.requests, m.duration, m.refused, m.streams, m.events, m.lost,
		&statsCollector{s}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.handler = promhttp.HandlerFor(reg, promhttp.HandlerOpts{Timeout: 10 * time.Second})
	return m
}

// serveMetrics answers in the Prometheus text format. Who has come through
// identify without a key is allowed by http.metrics.
func (s *Server) serveMetrics(w http.ResponseWriter, r *http.Request) {
	if p, ok := auth.FromContext(r.Context()); ok && !p.Can(auth.MetricsRead) {
		writeProblem(w, newProblem(http.StatusForbidden, "forbidden", scopeAdvice(p, auth.MetricsRead)))
		return
	}
	s.metrics.handler.ServeHTTP(w, r)
}

// count measures requests and remembers the client's address.
func (s *Server) count(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		started := time.Now()
		sw := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		r = r.WithContext(context.WithValue(r.Context(), remoteKey{}, r.RemoteAddr))
		next.ServeHTTP(sw, r)
		route := r.Pattern // set by the mux that served r
		if route == "" || route == "/" {
			route = "none"
		}
		s.metrics.requests.WithLabelValues(route, strconv.Itoa(sw.status)).Inc()
		if !strings.Contains(route, "/v1/events") {
			s.metrics.duration.WithLabelValues(route).Observe(time.Since(started).Seconds())
		}
	})
}

// statusWriter remembers the status.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader remembers the status and passes it on.
func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController and the WebSocket upgrade reach the
// connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// statsCollector turns Stats into metrics at the moment of reading.
type statsCollector struct{ s *Server }

// Describe is empty: which labels there are depends on the configuration.
func (c *statsCollector) Describe(chan<- *prometheus.Desc) {}

// Collect asks for one snapshot.
func (c *statsCollector) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second) // the collector interface gives no context
	defer cancel()
	st, err := c.s.o.Calls.Stats(ctx)
	if err != nil {
		return
	}
	put := func(kind prometheus.ValueType, name, help string, v float64, labels ...string) {
		var names, values []string
		for i := 0; i+1 < len(labels); i += 2 {
			names, values = append(names, labels[i]), append(values, labels[i+1])
		}
		m, err := prometheus.NewConstMetric(prometheus.NewDesc(name, help, names, nil), kind, v, values...)
		if err == nil {
			out <- m
		}
	}
	gauge, counter := prometheus.GaugeValue, prometheus.CounterValue
	// state: queued, scheduled, waiting-retry, live
	put(gauge, "dialwright_calls", "Calls that have not ended, by state.", float64(st.Queued), "state", "queued")
	put(gauge, "dialwright_calls", "Calls that have not ended, by state.", float64(st.Scheduled), "state", "scheduled")
	put(gauge, "dialwright_calls", "Calls that have not ended, by state.", float64(st.WaitingRetry), "state", "waiting-retry")
	put(gauge, "dialwright_calls", "Calls that have not ended, by state.", float64(st.Live), "state", "live")
	put(gauge, "dialwright_attempts_max", "Most attempts at once that this server allows itself.", float64(st.MaxLive))
	put(counter, "dialwright_calls_accepted_total", "Calls accepted since the start.", float64(st.Accepted))
	put(counter, "dialwright_calls_repeated_total", "Requests that repeated an earlier one.", float64(st.Repeated))
	put(counter, "dialwright_attempts_started_total", "Attempts started since the start.", float64(st.Started))
	put(counter, "dialwright_attempts_recovered_total", "Attempts found interrupted at the start.", float64(st.Recovered))
	put(counter, "dialwright_store_errors_total", "Failed operations of the store.", float64(st.StoreErrors))
	for code, n := range st.Denied { // invalid, account, destination, guard, rate, key-reused, stopping, store
		put(counter, "dialwright_calls_denied_total", "Requests refused, by code.", float64(n), "code", code)
	}
	for d, n := range st.Ended { // ANSWERED, NO ANSWER, BUSY, FAILED, CONGESTION, CANCELLED, INTERRUPTED
		put(counter, "dialwright_attempts_ended_total", "Attempts ended, by disposition.", float64(n), "disposition", d)
	}
	for _, r := range st.Resources {
		if strings.HasPrefix(r.Name, "batch:") {
			continue // without bound
		}
		put(gauge, "dialwright_resource_in_use", "Use of capped resources.", float64(r.InUse), "resource", r.Name)
	}
	put(gauge, "dialwright_rtp_port_pairs_used", "RTP port pairs in use.", float64(st.Media.PortsUsed))
	put(gauge, "dialwright_rtp_port_pairs_free", "RTP port pairs that are free.", float64(st.Media.PortsFree))
	put(counter, "dialwright_rtp_packets_in_total", "RTP packets received.", float64(st.Media.PacketsIn))
	put(counter, "dialwright_rtp_packets_out_total", "RTP packets sent.", float64(st.Media.PacketsOut))
	// reason: invalid (no RTP, or failed authentication), payload-type (not negotiated), source (not the call's)
	const dropped, droppedHelp = "dialwright_rtp_dropped_total", "Datagrams on RTP ports that were not used, by reason."
	put(counter, dropped, droppedHelp, float64(st.Media.Invalid), "reason", "invalid")
	put(counter, dropped, droppedHelp, float64(st.Media.UnknownPT), "reason", "payload-type")
	put(counter, dropped, droppedHelp, float64(st.Media.Foreign), "reason", "source")
	put(counter, "dialwright_rtp_no_ports_total", "Legs refused because no RTP port pair was free.", float64(st.Media.NoPorts))
	put(counter, "dialwright_sip_messages_received_total", "SIP messages received, before any check.", float64(st.SIP.Received))
	put(counter, "dialwright_sip_messages_sent_total", "SIP messages sent.", float64(st.SIP.Sent))
	put(counter, "dialwright_sip_send_errors_total", "SIP messages that could not be sent.", float64(st.SIP.SendErrors))
	// reason: unparseable (no usable SIP), limited (a stranger sent too many per second)
	const refused, refusedHelp = "dialwright_sip_messages_refused_total", "SIP messages received and not handled, by reason."
	put(counter, refused, refusedHelp, float64(st.SIP.Unparseable), "reason", "unparseable")
	put(counter, refused, refusedHelp, float64(st.SIP.Limited), "reason", "limited")
	put(counter, "dialwright_sip_keepalives_total", "SIP keepalives received.", float64(st.SIP.Keepalives))
	put(counter, "dialwright_sip_read_errors_total", "Errors of SIP's UDP sockets.", float64(st.SIP.ReadErrors))
	put(gauge, "dialwright_sip_connections", "SIP connections that are open.", float64(st.SIP.Connections))
	// result: accepted, turned-away (too many are open)
	const conns, connsHelp = "dialwright_sip_connections_total", "SIP connections that peers opened, by result."
	put(counter, conns, connsHelp, float64(st.SIP.Accepted), "result", "accepted")
	put(counter, conns, connsHelp, float64(st.SIP.Turned), "result", "turned-away")
	put(gauge, "dialwright_sip_transactions", "SIP transactions in progress.", float64(st.SIP.Transactions))
	put(gauge, "dialwright_sip_legs", "SIP legs that are alive.", float64(st.SIP.Legs))
	put(gauge, "dialwright_sip_phones_registered", "Phones with at least one contact.", float64(st.SIP.Registered))
	// part: sip (ended one leg or message), media (ended one stream)
	const panics, panicsHelp = "dialwright_panics_total", "Mistakes of ours that were caught, by part. Please report them."
	put(counter, panics, panicsHelp, float64(st.SIP.Panics), "part", "sip")
	put(counter, panics, panicsHelp, float64(st.Media.Panics), "part", "media")
}
