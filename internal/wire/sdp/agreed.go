package sdp

import (
	"net/netip"
)

// pair is one encoding that both sides listed, with the number of each.
type pair struct {
	ours, theirs Format
	rank         int // lower is preferred
}

// conclude gives everything of the outcome but RTCP and the keys. pairs is in
// order of preference; ours is the direction that we want or offered; ptime
// is what we send when the peer does not care.
func conclude(s *Session, m *Media, pairs []pair, ours Direction, ptime int) (Agreed, error) {
	a := Agreed{PTime: packetTime(m, ptime)}
	if err := a.choose(m, pairs); err != nil {
		return Agreed{}, err
	}
	theirs := m.Direction
	held := false
	if !isBrowser(m.Proto) { // ICE finds a browser, whatever c= says (RFC 8839 §4.2.1.2)
		var err error
		if held, err = a.locate(s.Host(m), m.Port); err != nil {
			return Agreed{}, err
		}
	}
	if held {
		theirs = theirs.And(SendOnly) // RFC 3264 §8.4: the old way to hold
	}
	a.Direction = ours.And(theirs.Reverse())
	a.RemoteHold = !theirs.Receives()
	return a, nil
}

// choose takes the first codec, and the telephone-event that runs on its clock
// (RFC 4733 §2.1 wants them equal), else any.
func (a *Agreed) choose(m *Media, pairs []pair) error {
	for _, p := range pairs {
		if equalFold(p.ours.Name, telephoneEvent) {
			continue
		}
		a.Codecs = append(a.Codecs, AgreedCodec{
			Name: p.ours.Name, ClockRate: p.ours.Rate, Channels: p.ours.Channels,
			SendPT: p.theirs.PT, RecvPT: p.ours.PT, FMTP: p.theirs.FMTP,
		})
	}
	if len(a.Codecs) == 0 {
		return refuse(NoCodec, "peer lists %s", names(m.Formats))
	}
	c := a.Codecs[0]
	a.Codec, a.ClockRate, a.Channels = c.Name, c.ClockRate, c.Channels
	a.SendPT, a.RecvPT, a.FMTP = c.SendPT, c.RecvPT, c.FMTP
	for _, p := range pairs {
		if !equalFold(p.ours.Name, telephoneEvent) || a.EventRate != 0 && p.ours.Rate != a.ClockRate {
			continue
		}
		a.EventSendPT, a.EventRecvPT, a.EventRate = p.theirs.PT, p.ours.PT, p.ours.Rate
	}
	return nil
}

// names lists the first few encodings for an error text.
func names(list []Format) string {
	out := ""
	for i, f := range list {
		if i == 8 {
			return out + " …"
		}
		if i > 0 {
			out += " "
		}
		out += orElse(f.Name, "?")
	}
	return orElse(out, "nothing")
}

// locate says where the peer wants its packets. held is true when it says
// 0.0.0.0 or ::, that is nowhere.
func (a *Agreed) locate(host string, port int) (held bool, err error) {
	if host == "" {
		return false, refuse(BadAddress, "no usable c= line")
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		a.RemoteHost, a.RemoteAddr = host, netip.AddrPortFrom(netip.Addr{}, uint16(port))
		return false, nil
	}
	switch {
	case addr.IsUnspecified():
		a.RemoteAddr = netip.AddrPortFrom(netip.Addr{}, uint16(port))
		return true, nil
	case addr.IsMulticast(), addr == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		// Nobody's phone; a way to make us flood a network.
		return false, refuse(BadAddress, "%s is not one host", addr)
	}
	a.RemoteAddr = netip.AddrPortFrom(addr, uint16(port))
	return false, nil
}

// setRTCP says where the peer wants RTCP: on the RTP port if both multiplex
// (RFC 5761 §5.1.1), where a=rtcp says (RFC 3605), else on the next port.
func (a *Agreed) setRTCP(m *Media, mux bool) {
	a.RTCPMux = mux
	addr, port := a.RemoteAddr.Addr(), int(a.RemoteAddr.Port())
	switch {
	case mux:
	case m.RTCPPort != 0:
		port = m.RTCPPort
		if other, err := netip.ParseAddr(m.RTCPHost); err == nil && !other.IsMulticast() && !other.IsUnspecified() {
			addr = other
		}
	default:
		port++
	}
	if port > 65535 {
		return // the last port has no next one
	}
	a.RemoteRTCP = netip.AddrPortFrom(addr, uint16(port))
}

// packetTime is how many milliseconds of audio a packet to the peer holds:
// what it asks for, in whole tens from 10 to 60 (design rule S4), and never
// more than its maximum.
func packetTime(m *Media, own int) int {
	ms := own
	if m.PTime != 0 {
		ms = m.PTime
	}
	if m.MaxPTime != 0 {
		ms = min(ms, m.MaxPTime)
	}
	return min(max(ms/10*10, 10), 60)
}
