package app

import "github.com/prometheus/client_golang/prometheus"

// ariCollector shows what the door of ARI counts, when somebody reads the metrics.
type ariCollector struct{ a *App }

// The measurements of ARI. Requests count over both transports.
var (
	ariRequests  = prometheus.NewDesc("dialwright_ari_requests_total", "ARI requests answered.", nil, nil)
	ariRefused   = prometheus.NewDesc("dialwright_ari_refused_total", "ARI requests answered with a status of 400 or higher.", nil, nil)
	ariSaturated = prometheus.NewDesc("dialwright_ari_saturated_total", "ARI requests answered with 503.", nil, nil)
	ariEvents    = prometheus.NewDesc("dialwright_ari_events_total", "Events sent to applications.", nil, nil)
	ariSockets   = prometheus.NewDesc("dialwright_ari_sockets", "WebSockets of applications that are open.", nil, nil)
	ariMaking    = prometheus.NewDesc("dialwright_ari_making", "ARI requests that make calls, in progress.", nil, nil)
	ariWaiting   = prometheus.NewDesc("dialwright_ari_waiting", "ARI requests that make calls, waiting for their turn.", nil, nil)
)

// Describe implements prometheus.Collector.
func (ariCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{ariRequests, ariRefused, ariSaturated, ariEvents, ariSockets, ariMaking, ariWaiting} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c ariCollector) Collect(ch chan<- prometheus.Metric) {
	if c.a.ari == nil {
		return
	}
	s := c.a.ari.Stats()
	count := func(d *prometheus.Desc, n uint64) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n))
	}
	now := func(d *prometheus.Desc, n int) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(n))
	}
	count(ariRequests, s.Requests)
	count(ariRefused, s.Refused)
	count(ariSaturated, s.Saturated)
	count(ariEvents, s.Events)
	now(ariSockets, s.Sockets)
	now(ariMaking, s.Making)
	now(ariWaiting, s.Waiting)
}
