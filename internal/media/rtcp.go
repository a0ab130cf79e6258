package media

import (
	"errors"
	"net"
	"net/netip"
	"time"

	"github.com/pion/rtcp"
)

// peerReport is what the peer's RTCP told.
type peerReport struct {
	lastSR   uint32 // middle 32 bits of its last SR's NTP time
	lastSRAt time.Time
	rtt      time.Duration
	lost     uint64
	jitter   time.Duration
	bye      bool

	jitters, losts, rtts, scores Spread
}

// reportPoll is how often a session is visited by the slow clock.
const reportPoll = 500 * time.Millisecond

// reporter sends a session's reports (rule M11: every 5 s, one timer for all)
// and collects the peer's.
type reporter struct {
	r      *RTP
	socket *rtcpSocket // nil: a goroutine reads, or RTP and RTCP share a port
	next   time.Time
}

func (p *reporter) tick(now time.Time) {
	if p.socket != nil {
		p.socket.drain(now, p.r.receiveRTCP)
	}
	if !now.Before(p.next) {
		p.next = now.Add(p.r.e.cfg.RTCPInterval - reportPoll/2)
		p.r.sendReport(now, false)
	}
}

// readRTCP reads the RTCP socket of a session without rtcp-mux where it cannot
// be collected by the clock.
func (r *RTP) readRTCP() {
	defer r.guard()
	buf := make([]byte, 1500)
	for failed := 0; failed < maxReadErrors; {
		n, from, err := r.rtcp.ReadFromUDPAddrPort(buf)
		if err != nil {
			if r.closed.Load() || errors.Is(err, net.ErrClosed) {
				return
			}
			failed++
			continue
		}
		failed = 0
		r.receiveRTCP(buf[:n], unmap(from), time.Now())
	}
}

// receiveRTCP takes one compound packet. Only the host that RTP comes from, or
// that SDP named, is believed.
func (r *RTP) receiveRTCP(b []byte, from netip.AddrPort, now time.Time) {
	st := r.state.Load()
	if st == nil {
		return
	}
	r.in.Lock()
	defer r.in.Unlock()
	if host := from.Addr(); host != r.in.learn.target().Addr() && host != st.RemoteRTCP.Addr() {
		r.in.foreign++
		return
	}
	var err error
	if r.in.secure != nil {
		b, err = r.in.secure.rtcp.openRTCP(b)
	}
	if err == nil {
		err = r.in.peer.read(b, now, st.ClockRate)
	}
	if err != nil {
		r.in.invalid++
		return
	}
	r.in.rtcpFrom = from
}

// read takes the reports of a compound packet. A packet with any malformed
// part is refused as a whole (RFC 3550 §A.2).
func (p *peerReport) read(b []byte, now time.Time, rate int) error {
	packets, err := rtcp.Unmarshal(b)
	if err != nil {
		return err
	}
	for _, packet := range packets {
		switch packet := packet.(type) {
		case *rtcp.SenderReport:
			p.lastSR, p.lastSRAt = uint32(packet.NTPTime>>16), now
			p.reports(packet.Reports, now, rate)
		case *rtcp.ReceiverReport:
			p.reports(packet.Reports, now, rate)
		case *rtcp.Goodbye:
			p.bye = true
		}
	}
	return nil
}

// reports takes what the peer says about our stream. There is one stream per
// session, so the SSRC is not compared: after a switch of ours an old report
// still tells something.
func (p *peerReport) reports(list []rtcp.ReceptionReport, now time.Time, rate int) {
	for _, rr := range list {
		before := p.lost
		p.lost = uint64(rr.TotalLost)
		if rr.TotalLost&(1<<23) != 0 { // negative in 24 bits: duplicates
			p.lost = 0
		}
		p.jitter = time.Duration(rr.Jitter) * time.Second / time.Duration(max(rate, 1))
		p.losts.add(float64(p.lost - min(p.lost, before)))
		p.jitters.add(p.jitter.Seconds())
		p.scores.add(score(float64(rr.FractionLost)/256, p.jitter, p.rtt))
		if rr.LastSenderReport == 0 {
			continue
		}
		// RFC 3550 §6.4.1: A - LSR - DLSR in units of 1/65536 s
		rtt := uint32(ntpTime(now)>>16) - rr.LastSenderReport - rr.Delay
		if int32(rtt) >= 0 && rtt < 60<<16 {
			p.rtt = time.Duration(rtt) * time.Second >> 16
			p.rtts.add(p.rtt.Seconds())
		}
	}
}

// ntpTime is t as seconds since 1900 in 32.32 fixed point (RFC 3550 §4).
func ntpTime(t time.Time) uint64 {
	const since1900 = 2208988800
	sec := uint64(t.Unix() + since1900)
	return sec<<32 | uint64(t.Nanosecond())<<32/1e9
}

// sayBye sends the last report with BYE if the peer ever heard us.
func (r *RTP) sayBye() {
	r.out.Lock()
	said := r.out.said
	r.out.Unlock()
	if said {
		r.sendReport(time.Now(), true)
	}
}

// sendReport sends SR (or RR when nothing was sent since the last one), SDES
// and, at the end, BYE.
func (r *RTP) sendReport(now time.Time, bye bool) {
	st := r.state.Load()
	if st == nil || st.Fixed {
		return
	}
	conn, dst, reports := r.reportTarget(st, now)
	if !dst.IsValid() {
		return
	}
	r.out.Lock()
	defer r.out.Unlock()
	b, err := rtcp.Marshal(r.compound(st, now, reports, bye))
	if err != nil {
		r.e.log.Debug("RTCP not built", "leg", r.id, "err", err)
		return
	}
	if r.out.secure != nil {
		if b, err = r.out.secure.rtcp.EncryptRTCP(nil, b, nil); err != nil {
			return
		}
	}
	conn.WriteToUDPAddrPort(b, dst) //nolint:errcheck // reports may be lost like any datagram
}

// compound builds the packets; called with out held.
func (r *RTP) compound(st *rtpState, now time.Time, reports []rtcp.ReceptionReport, bye bool) []rtcp.Packet {
	list := []rtcp.Packet{}
	if r.out.said {
		list = append(list, &rtcp.SenderReport{
			SSRC: r.out.ssrc, NTPTime: ntpTime(now),
			RTPTime:     r.out.lastTS + rtpUnits(now.Sub(r.out.lastAt), st.ClockRate),
			PacketCount: uint32(r.out.packets), OctetCount: uint32(r.out.bytes), Reports: reports,
		})
	} else {
		list = append(list, &rtcp.ReceiverReport{SSRC: r.out.ssrc, Reports: reports})
	}
	list = append(list, rtcp.NewCNAMESourceDescription(r.out.ssrc, "dialwright@"+r.e.cfg.Advertise.String()))
	if bye {
		list = append(list, &rtcp.Goodbye{Sources: []uint32{r.out.ssrc}})
	}
	return list
}

// reportTarget says where reports go, and what we have to say about the peer.
func (r *RTP) reportTarget(st *rtpState, now time.Time) (Socket, netip.AddrPort, []rtcp.ReceptionReport) {
	r.in.Lock()
	defer r.in.Unlock()
	conn, dst := r.rtcp, r.in.learn.target()
	switch {
	case st.RTCPMux, r.rtcp == nil:
		conn = r.conn
	case r.in.rtcpFrom.IsValid():
		dst = r.in.rtcpFrom
	case st.RemoteRTCP.IsValid() && dst == r.in.learn.sdp:
		dst = st.RemoteRTCP
	case dst.IsValid():
		dst = netip.AddrPortFrom(dst.Addr(), dst.Port()+1)
	}
	c := &r.in.recv
	if !c.begun {
		return conn, dst, nil
	}
	lost := c.lostSince()
	fraction := c.fraction()
	r.in.spread.lost.add(float64(lost))
	r.in.spread.score.add(score(float64(fraction)/256, c.jitterTime(st.ClockRate), r.in.peer.rtt))
	rr := rtcp.ReceptionReport{SSRC: c.ssrc, FractionLost: fraction,
		TotalLost: uint32(min(c.lost(), 1<<23-1)), LastSequenceNumber: c.highest, Jitter: uint32(c.jitter)}
	if p := &r.in.peer; !p.lastSRAt.IsZero() {
		rr.LastSenderReport = p.lastSR
		rr.Delay = uint32(now.Sub(p.lastSRAt) * 65536 / time.Second)
	}
	return conn, dst, []rtcp.ReceptionReport{rr}
}

// rtpUnits converts a duration to ticks of an RTP clock.
func rtpUnits(d time.Duration, rate int) uint32 {
	return uint32(int64(d/time.Microsecond) * int64(rate) / 1e6)
}
