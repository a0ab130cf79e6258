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

// openMedia takes a port pair for the leg. Rule M1: without one the call is
// refused with cause 34.
func (l *leg) openMedia() error {
	if l.rtp != nil {
		return nil
	}
	r, err := l.t.media.OpenRTP(media.RTPOptions{ID: l.o.ChannelID})
	if err != nil {
		return &call.Failure{
			Disposition: call.Congestion, Cause: int(cause.CircuitCongestion), SIPStatus: 503,
			Text: "no RTP port for the call", Err: err,
		}
	}
	l.rtp = r
	return nil
}

// closeMedia gives the port pair back. The channel's port may be closed already.
func (l *leg) closeMedia() {
	if l.rtp != nil {
		_ = l.rtp.Close() // closing a socket that only loses packets cannot fail usefully
	}
}

// negotiator makes the offer/answer state of one dialog. All forks of a leg
// share its socket; each has its own keys and payload numbers.
func (l *leg) negotiator(p *profile, flow *sipnet.Flow) *sdp.Negotiator {
	return sdp.NewNegotiator(sdp.Local{
		Addr:   l.t.mediaAddr(l.rtp.LocalAddr().Addr(), flow, p),
		Port:   int(l.rtp.LocalAddr().Port()),
		Codecs: offered(p, chooseCodecs(p.codecs, l.wanted())),
		SRTP:   srtpPolicy(p.srtp),
	})
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

// apply makes the media follow what was agreed with c's peer, then calls then
// inside the leg's queue. It resolves a host name first, without blocking.
func (l *leg) apply(c *ua.Call, ag sdp.Agreed, then func(error)) {
	if l.prof.kind == kindPhone && l.prof.phone.NAT {
		behindNAT(c.Flow(), &ag)
	}
	if ag.RemoteHost == "" || ag.RemoteAddr.Addr().IsValid() {
		then(l.configure(ag))
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
			then(l.configure(ag))
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
func (l *leg) configure(ag sdp.Agreed) error {
	if l.state == legEnding || l.state == legEnded {
		return nil
	}
	if err := l.rtp.Configure(rtpConfig(ag)); err != nil {
		return fmt.Errorf("configure media: %w", err)
	}
	l.o.Port.DetectInBand(l.prof.dtmf == DTMFInband || (l.prof.dtmf != DTMFInfo && ag.EventRecvPT == 0))
	l.o.Port.SetLeg(l.rtp, media.Format{
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
	f := &call.Failure{Disposition: call.Failed, Cause: int(cause.BearerNotAvail), Text: "no usable media", Err: err}
	if e, ok := errors.AsType[*sdp.Error](err); ok {
		f.Text = string(e.Reason)
	}
	return f
}
