package media

import (
	"math"
	"time"
)

// Stats describes a session or port since it was opened.
type Stats struct {
	PacketsIn, PacketsOut uint64
	BytesIn, BytesOut     uint64        // payload only
	Lost                  uint64        // expected and never seen (RFC 3550 §A.3)
	Late                  uint64        // came too late to be played (transcoded and mixed streams)
	Dropped               uint64        // invalid, foreign or of unknown payload type
	Jitter                time.Duration // of what we receive (RFC 3550 §A.8)
	RTT                   time.Duration // from the peer's reports; 0 = unknown
	RemoteLost            uint64        // what the peer says it missed of ours
	RemoteJitter          time.Duration
	MOS                   float64   // estimate of how the received audio sounds, 1-4.5; 0 = nothing received
	LastIn                time.Time // last RTP packet; zero = none yet

	SSRC       uint32 // of what we send; 0 = no RTP session was negotiated
	RemoteSSRC uint32 // of what we receive; 0 = nothing yet

	// How the measures spread: of ours, one value for each packet (jitter) or report
	// (loss, MES), of the peer's, one for each of its reports.
	JitterSpread, RemoteJitterSpread Spread // seconds
	LostSpread, RemoteLostSpread     Spread // packets since the report before
	RTTSpread                        Spread // seconds
	MES, RemoteMES                   Spread // media experience score, 0-100: the R of MOS
}

// maxDropout and maxMisorder are the bounds of RFC 3550 §A.1 within which a
// jump in sequence is loss or reordering and not a restarted sender.
const (
	maxDropout  = 3000
	maxMisorder = 100
)

// receiver keeps the numbers of one received stream. A new SSRC or a wild jump
// starts a new stream; what was lost before stays counted.
type receiver struct {
	begun    bool
	ssrc     uint32
	base     uint32 // extended sequence of the first packet
	highest  uint32 // extended sequence
	received uint64 // of this stream
	lostPast uint64 // of earlier streams

	transit    int64 // RTP units
	hasTransit bool
	jitter     float64 // RTP units

	expectedPrior, receivedPrior uint64 // at the last report
}

// seen counts a packet. rate is the RTP clock in Hz. timed is false for
// packets whose timestamp does not say when they were made (telephone-event).
func (c *receiver) seen(p *Packet, rate int, timed bool) {
	delta := int16(p.Seq - uint16(c.highest))
	if !c.begun || p.SSRC != c.ssrc || int(delta) > maxDropout || int(delta) < -maxMisorder {
		*c = receiver{begun: true, ssrc: p.SSRC, lostPast: c.lost(), jitter: c.jitter,
			base: 1<<16 + uint32(p.Seq), highest: 1<<16 + uint32(p.Seq), received: 1}
		return
	}
	c.received++
	if delta > 0 {
		c.highest += uint32(delta)
	}
	if timed {
		c.time(p, rate)
	}
}

// time follows RFC 3550 §A.8.
func (c *receiver) time(p *Packet, rate int) {
	arrival := p.At.UnixMicro() / 1000 * int64(rate) / 1000
	arrival += p.At.UnixMicro() % 1000 * int64(rate) / 1e6
	transit := int64(int32(uint32(arrival) - p.TS))
	if c.hasTransit {
		d := math.Abs(float64(int32(transit - c.transit)))
		if d < float64(rate)*5 { // a longer jump is a new timeline of the sender
			c.jitter += (d - c.jitter) / 16
		}
	}
	c.transit, c.hasTransit = transit, true
}

func (c *receiver) expected() uint64 {
	if !c.begun {
		return 0
	}
	return uint64(c.highest-c.base) + 1
}

func (c *receiver) lost() uint64 {
	if e := c.expected(); e > c.received {
		return c.lostPast + e - c.received
	}
	return c.lostPast
}

// fraction gives the loss since the last report in 1/256 (RFC 3550 §A.3).
func (c *receiver) fraction() uint8 {
	expected := c.expected() - c.expectedPrior
	received := c.received - c.receivedPrior
	c.expectedPrior, c.receivedPrior = c.expected(), c.received
	if expected == 0 || received >= expected {
		return 0
	}
	return uint8(min(255, (expected-received)<<8/expected))
}

// lostSince gives what was lost since the last report; fraction begins the next.
func (c *receiver) lostSince() uint64 {
	expected, received := c.expected()-c.expectedPrior, c.received-c.receivedPrior
	return expected - min(expected, received)
}

func (c *receiver) jitterTime(rate int) time.Duration {
	if rate <= 0 {
		return 0
	}
	return time.Duration(c.jitter * float64(time.Second) / float64(rate))
}

// mos estimates the mean opinion score by the E-model (ITU-T G.107) reduced to
// what a relay can measure: one-way delay (half the round trip, a jitter
// buffer of twice the jitter, 20 ms of packetisation) and loss in percent, with
// the packet loss robustness of G.711 with concealment (ITU-T G.113 appendix I).
func mos(loss float64, jitter, rtt time.Duration) float64 {
	r := rFactor(loss, jitter, rtt)
	switch {
	case r <= 0:
		return 1
	case r >= 100:
		return 4.5
	}
	return 1 + 0.035*r + 7e-6*r*(r-60)*(100-r)
}

// rFactor is the transmission rating R, about 93 for perfect audio.
func rFactor(loss float64, jitter, rtt time.Duration) float64 {
	const bpl = 25.1
	d := float64(rtt.Milliseconds())/2 + 2*float64(jitter.Milliseconds()) + 20
	delay := 0.024 * d
	if d > 177.3 {
		delay += 0.11 * (d - 177.3)
	}
	return 93.2 - delay - 95*loss/(loss+bpl)
}
