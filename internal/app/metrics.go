package app

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

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

// The measurements of AMI.
var (
	amiActions   = prometheus.NewDesc("dialwright_ami_actions_total", "AMI actions answered, by their name; empty for those that are not known.", []string{"action"}, nil)
	amiHappened  = prometheus.NewDesc("dialwright_ami_events_total", "Events that have happened while somebody listened.", nil, nil)
	amiWritten   = prometheus.NewDesc("dialwright_ami_events_written_total", "Events written to sessions: one counts for each that got it.", nil, nil)
	amiFailed    = prometheus.NewDesc("dialwright_ami_logins_failed_total", "Logins that were refused.", nil, nil)
	amiRefused   = prometheus.NewDesc("dialwright_ami_refused_total", "Connections that were refused over a limit.", nil, nil)
	amiDropped   = prometheus.NewDesc("dialwright_ami_dropped_total", "Sessions closed because they did not take their events.", nil, nil)
	amiSessions  = prometheus.NewDesc("dialwright_ami_sessions", "Connections and HTTP sessions that are open.", nil, nil)
	amiStrangers = prometheus.NewDesc("dialwright_ami_strangers", "Connections that have not logged in.", nil, nil)
)

// The measurements of the doors by which people click.
var (
	clickAnswers = prometheus.NewDesc("dialwright_click_requests_total", "Requests answered by a door for clicks, by the status: 1xx is a WebSocket, Switchvox's failures are 2xx.", []string{"door", "status"}, nil)
	clickOpen    = prometheus.NewDesc("dialwright_click_requests", "Requests to a door for clicks in progress: those that wait for a phone, and WebSockets.", []string{"door"}, nil)
)

// The measurements of phones in browsers.
var (
	browserLegs   = prometheus.NewDesc("dialwright_browser_legs", "Legs to browsers that are open.", nil, nil)
	browserOpened = prometheus.NewDesc("dialwright_browser_legs_total", "Legs to browsers, by what became of them: connected, refused over webrtc.max_legs, or why their media failed (ice, dtls, fingerprint, gone).", []string{"outcome"}, nil)
	browserStray  = prometheus.NewDesc("dialwright_browser_datagrams_refused_total", "Datagrams on the port of browsers that were not used, by reason.", []string{"reason"}, nil)
)

// doorCollector shows what the doors of remote control count, when somebody reads the
// metrics.
type doorCollector struct{ a *App }

// Describe implements prometheus.Collector.
func (doorCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		ariRequests, ariRefused, ariSaturated, ariEvents, ariSockets, ariMaking, ariWaiting,
		amiActions, amiHappened, amiWritten, amiFailed, amiRefused, amiDropped, amiSessions, amiStrangers,
		clickAnswers, clickOpen, browserLegs, browserOpened, browserStray,
	} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c doorCollector) Collect(ch chan<- prometheus.Metric) {
	count := func(d *prometheus.Desc, n uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
	}
	now := func(d *prometheus.Desc, n int) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(n))
	}
	for _, d := range c.a.clicks {
		for class := range d.answered {
			if n := d.answered[class].Load(); class > 0 {
				count(clickAnswers, n, d.name, strconv.Itoa(class)+"xx")
			}
		}
		ch <- prometheus.MustNewConstMetric(clickOpen, prometheus.GaugeValue, float64(d.open.Load()), d.name)
	}
	if c.a.browsers != nil {
		s := c.a.browsers.Stats()
		now(browserLegs, s.Legs)
		count(browserOpened, s.Connected, "connected")
		count(browserOpened, s.Refused, "refused")
		for reason, n := range s.Failed {
			count(browserOpened, n, string(reason))
		}
		count(browserStray, s.Strangers, "stranger")
		count(browserStray, s.Checks, "check")
		count(browserStray, s.Overflow, "overflow")
	}
	if c.a.ari != nil {
		s := c.a.ari.Stats()
		count(ariRequests, s.Requests)
		count(ariRefused, s.Refused)
		count(ariSaturated, s.Saturated)
		count(ariEvents, s.Events)
		now(ariSockets, s.Sockets)
		now(ariMaking, s.Making)
		now(ariWaiting, s.Waiting)
	}
	if c.a.ami == nil {
		return
	}
	s := c.a.ami.Stats()
	for name, n := range s.Actions {
		count(amiActions, n, name)
	}
	count(amiHappened, s.Events)
	count(amiWritten, s.EventsWritten)
	count(amiFailed, s.LoginsFailed)
	count(amiRefused, s.Refused)
	count(amiDropped, s.ReadersDropped)
	now(amiSessions, s.Sessions)
	now(amiStrangers, s.Strangers)
}
