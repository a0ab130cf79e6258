package sip

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/sip/sipnet"
	"github.com/dialwright/dialwright/internal/sip/ua"
	"github.com/dialwright/dialwright/internal/wire/sdp"
)

// resolveTimeout limits the look-up of a host name in c= (rule S1).
const resolveTimeout = 2 * time.Second

// negotiator makes the offer/answer state of one dialog, whose media s carries.
// Each fork has its own keys and payload numbers.
func (l *leg) negotiator(s *stream, p *profile, flow *sipnet.Flow) *sdp.Negotiator {
	local := sdp.Local{Codecs: offered(p, chooseCodecs(p.codecs, l.wanted())), SRTP: srtpPolicy(p.srtp)}
	at := netip.AddrPortFrom(l.t.mediaAddr(s.rtp.LocalAddr().Addr(), flow, p), s.rtp.LocalAddr().Port())
	if s.way != nil {
		local.Browser = l.browserOf(s, p, flow)
		at = local.Browser.Candidates[0]
	}
	local.Addr, local.Port = at.Addr(), int(at.Port())
	return sdp.NewNegotiator(local)
}

// wanted is the order of codecs that the request or the other leg prefers
// (rule S5).
func (l *leg) wanted() []string {
	if len(l.o.Codecs) > 0 {
		return l.o.Codecs
	}
	if l.o.Originator == nil || l.o.Originator.Port() == nil {
		return nil
	}
	if f, ok := l.o.Originator.Port().Format(); ok {
		return []string{f.Codec}
	}
	return nil
}

// offered adds telephone-event to the codecs, if the endpoint is to have it.
func offered(p *profile, codecs []string) []string {
	out := append([]string(nil), codecs...)
	if p.dtmf == DTMFAuto || p.dtmf == DTMFRFC4733 {
		out = append(out, "telephone-event")
	}
	return out
}

func srtpPolicy(s string) sdp.Policy {
	switch s {
	case SRTPRequired:
		return sdp.Required
	case SRTPOptional:
		return sdp.Optional
	}
	return sdp.Off
}

// mediaAddr gives the address that the peer shall send its media to: that of
// the override for the peer's network, if there is one (rule N7), else that of
// the media engine; where the engine is bound to all addresses, the one from
// which we reach the peer.
func (t *Technology) mediaAddr(engine netip.Addr, flow *sipnet.Flow, p *profile) netip.Addr {
	peer := peerAddr(flow, p)
	for _, o := range t.config.Overrides {
		if host, err := netip.ParseAddr(o.Host); err == nil && peer.IsValid() && o.Prefix.Contains(peer) {
			return host
		}
	}
	if !engine.IsUnspecified() && engine.IsValid() {
		return engine
	}
	if flow != nil && !flow.LocalAddr().Addr().IsUnspecified() && flow.LocalAddr().IsValid() {
		return flow.LocalAddr().Addr().Unmap()
	}
	return sourceTowards(peer)
}

// peerAddr is the peer's address as far as it is known before the first packet.
func peerAddr(flow *sipnet.Flow, p *profile) netip.Addr {
	if flow != nil {
		return flow.RemoteAddr().Addr().Unmap()
	}
	if p.kind == kindTrunk {
		if a, err := netip.ParseAddr(p.trunk.Host); err == nil {
			return a.Unmap()
		}
	}
	return netip.Addr{}
}

// sourceTowards asks the routing table of the machine for our own address
// towards peer. Connecting a UDP socket sends nothing.
func sourceTowards(peer netip.Addr) netip.Addr {
	if !peer.IsValid() {
		peer = netip.AddrFrom4([4]byte{192, 0, 2, 1}) // documentation network: any route out
	}
	conn, err := net.Dial("udp", netip.AddrPortFrom(peer, 5060).String())
	if err != nil {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	defer conn.Close()
	return conn.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap()
}

// apply makes s follow what was agreed with c's peer, then calls then inside the
// leg's queue. It resolves a host name, or waits for a browser, without blocking.
func (l *leg) apply(s *stream, c *ua.Call, ag sdp.Agreed, then func(error)) {
	if s.way != nil {
		l.join(s, c, ag, then)
		return
	}
	if l.prof.kind == kindPhone && l.prof.phone.NAT {
		behindNAT(c.Flow(), &ag)
	}
	if ag.RemoteHost == "" || ag.RemoteAddr.Addr().IsValid() {
		then(l.configure(s, ag))
		return
	}
	l.t.wg.Go(func() {
		ctx, cancel := context.WithTimeout(l.ctx, resolveTimeout)
		defer cancel()
		addr, err := l.t.lookup(ctx, ag.RemoteHost)
		l.q.post(func() {
			if err != nil {
				then(fmt.Errorf("resolve media host: %w", err))
				return
			}
			ag.RemoteAddr = netip.AddrPortFrom(addr, ag.RemoteAddr.Port())
			ag.RemoteRTCP = netip.AddrPortFrom(addr, ag.RemoteRTCP.Port())
			then(l.configure(s, ag))
		})
	})
}

// behindNAT sends the media of a phone that writes an address of its private
// network to where its signalling comes from. Most NATs keep the port; where
// one does not, the first packets of the phone show the right one (rule M3).
func behindNAT(f *sipnet.Flow, ag *sdp.Agreed) {
	if f == nil {
		return
	}
	seen := f.RemoteAddr().Addr().Unmap()
	if !ag.RemoteAddr.Addr().IsPrivate() || seen.IsPrivate() {
		return // reachable as written, or both in our own private network
	}
	ag.RemoteAddr = netip.AddrPortFrom(seen, ag.RemoteAddr.Port())
	ag.RemoteRTCP = netip.AddrPortFrom(seen, ag.RemoteRTCP.Port())
}

func (t *Technology) lookup(ctx context.Context, host string) (netip.Addr, error) {
	addrs, err := t.resolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return netip.Addr{}, err
	}
	if len(addrs) == 0 {
		return netip.Addr{}, errors.New("host has no address")
	}
	return addrs[0].Unmap(), nil
}

// configure hands an agreement to the RTP session and the channel's port.
func (l *leg) configure(s *stream, ag sdp.Agreed) error {
	if l.state == legEnding || l.state == legEnded {
		return nil
	}
	c := rtpConfig(ag)
	if s.way != nil {
		c.Remote, c.SRTP = s.way.Peer(), s.keys
	}
	if err := s.rtp.Configure(c); err != nil {
		return fmt.Errorf("configure media: %w", err)
	}
	l.o.Port.DetectInBand(l.prof.dtmf == DTMFInband || (l.prof.dtmf != DTMFInfo && ag.EventRecvPT == 0))
	l.o.Port.SetLeg(s.rtp, media.Format{
		Codec: ag.Codec, ClockRate: ag.ClockRate, PTime: ag.PTime,
		EventPT: ag.EventSendPT != 0, EventRate: ag.EventRate,
	})
	l.mu.Lock()
	l.info.Codec = ag.Codec
	l.mu.Unlock()
	return nil
}

func rtpConfig(ag sdp.Agreed) media.RTPConfig {
	c := media.RTPConfig{
		Remote: ag.RemoteAddr, RemoteRTCP: ag.RemoteRTCP, RTCPMux: ag.RTCPMux,
		Codec: ag.Codec, ClockRate: ag.ClockRate, SendPT: ag.SendPT, RecvPT: ag.RecvPT,
		EventSendPT: ag.EventSendPT, EventRecvPT: ag.EventRecvPT, EventRate: ag.EventRate,
		SendOK: ag.Direction.Sends(), RecvOK: ag.Direction.Receives(), PTime: ag.PTime,
	}
	for _, o := range ag.Codecs {
		if o.RecvPT != ag.RecvPT { // RFC 3264 §7: any codec of the exchange may be sent at any time
			c.Also = append(c.Also, media.Also{PT: o.RecvPT, Codec: o.Name, ClockRate: o.ClockRate})
		}
	}
	if ag.SRTP != nil {
		c.SRTP = &media.SRTPKeys{Suite: ag.SRTP.Suite, Local: ag.SRTP.LocalKey, Remote: ag.SRTP.RemoteKey, RemoteMKI: ag.SRTP.RemoteMKI}
	}
	return c
}

// mediaFailure is why a leg whose session description cannot be used ends:
// cause 58, as for a 488 (rule S6), or 34 when it is our own fault.
func mediaFailure(err error) *call.Failure {
	if f, ok := browserFailure(err); ok {
		return f
	}
	f := &call.Failure{Disposition: call.Failed, Cause: int(cause.BearerNotAvail), Text: "no usable media", Err: err}
	if e, ok := errors.AsType[*sdp.Error](err); ok {
		f.Text = string(e.Reason)
	}
	return f
}
