package extmedia

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/pbx"
)

// unicastRTP is RTP without signalling: HOST:PORT/c(FORMAT) (Asterisk: chan_rtp.c).
type unicastRTP struct{ technology }

// rtpLeg sends to its host and nowhere else. It hears the source from which three
// packets in a row have come, the host's own address at once (rule M3 of package
// media): programs often send from another port than they listen on.
type rtpLeg struct {
	leg
	f      format
	rtp    *media.RTP
	remote netip.AddrPort
}

// Request opens the sockets, so that the program can be told the port.
func (t unicastRTP) Request(ctx context.Context, resource string, o pbx.RequestOptions) (pbx.Leg, error) {
	host, options := cutOptions(resource)
	if err := checkHost(host); err != nil {
		return nil, t.refuse(resource, cause.InvalidNumber, err)
	}
	d, err := parseOptions(options, "ulaw")
	if err != nil {
		return nil, t.refuse(resource, cause.BearerNotAvail, err)
	}
	if t.m.c.Engine == nil {
		return nil, t.refuse(resource, cause.BearerNotAvail, pbx.ErrNoMedia)
	}
	l := &rtpLeg{f: d.format}
	if l.rtp, err = t.m.c.Engine.OpenRTP(media.RTPOptions{ID: o.ChannelID}); err != nil {
		return nil, t.refuse(resource, cause.CircuitCongestion, err)
	}
	if l.remote, err = t.m.resolve(ctx, host, l.rtp.LocalAddr().Addr()); err != nil {
		_ = l.rtp.Close() // never used
		return nil, t.refuse(resource, cause.NoRoute, err)
	}
	l.init(t.m, o, pbx.LegInfo{
		Technology: t.name, Name: host, Endpoint: resource, Codec: d.format.codec, Peer: "udp:" + l.remote.String(),
		Channel: fmt.Sprintf("%s/%s-0x%012x", t.name, host, o.Sequence), Context: "default",
		Variables: l.variables(),
	})
	context.AfterFunc(l.ctx, l.ended)
	return l, nil
}

// resolveTime bounds how long a name is looked up.
const resolveTime = 5 * time.Second

// resolve finds the address of HOST:PORT in the family that we listen in.
func (m *Media) resolve(ctx context.Context, hostPort string, local netip.Addr) (netip.AddrPort, error) {
	host, port, err := net.SplitHostPort(hostPort)
	if err != nil {
		return netip.AddrPort{}, err
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return netip.AddrPort{}, err
	}
	family := "ip6"
	if local.Is4() {
		family = "ip4"
	}
	ctx, cancel := context.WithTimeout(ctx, resolveTime)
	defer cancel()
	list, err := net.DefaultResolver.LookupNetIP(ctx, family, host)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("%w: %w", ErrHost, err)
	}
	addr := list[0].Unmap()
	if addr.IsUnspecified() || addr.IsMulticast() || n == 0 {
		return netip.AddrPort{}, fmt.Errorf("%w: %s is no single host", ErrHost, hostPort)
	}
	return netip.AddrPortFrom(addr, uint16(n)), nil
}

// variables say where the program shall send to (Asterisk: chan_rtp.c).
func (l *rtpLeg) variables() []call.Variable {
	a := l.rtp.LocalAddr()
	host := a.Addr()
	if host.IsUnspecified() {
		host = ourAddress(l.remote, host)
	}
	return []call.Variable{
		{Name: "UNICASTRTP_LOCAL_PORT", Value: strconv.Itoa(int(a.Port()))},
		{Name: "UNICASTRTP_LOCAL_ADDRESS", Value: host.String()},
	}
}

// ourAddress is the address from which packets to there leave; nothing is sent.
func ourAddress(to netip.AddrPort, def netip.Addr) netip.Addr {
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
	if err != nil {
		return def
	}
	defer c.Close() //nolint:errcheck // nothing was sent
	if a, ok := c.LocalAddr().(*net.UDPAddr); ok {
		return a.AddrPort().Addr().Unmap()
	}
	return def
}

// Dial begins to send and is answered at once: nobody is there to be asked.
func (l *rtpLeg) Dial(pbx.DialOptions) error {
	c := media.RTPConfig{
		Remote: l.remote, Codec: l.f.codec, ClockRate: l.f.clock, SendPT: l.f.pt, RecvPT: l.f.pt,
		EventRecvPT: 101, EventRate: 8000, SendOK: true, RecvOK: true, PTime: frameTime, Fixed: true,
	}
	for _, f := range formats {
		if f.clock == l.f.clock && f.pt != l.f.pt {
			c.Also = append(c.Also, media.Also{PT: f.pt, Codec: f.codec, ClockRate: f.clock})
		}
	}
	if l.f.clock == 8000 {
		c.Also = append(c.Also, media.Also{PT: altLinear, Codec: "L16", ClockRate: 8000})
	}
	if err := l.dial(); err != nil {
		return err
	}
	if err := l.rtp.Configure(c); err != nil {
		l.stop(errEnded)
		return &call.Failure{Disposition: call.Failed, Cause: int(cause.TemporaryFailure), Text: "RTP could not be opened", Err: err}
	}
	if l.port != nil {
		l.port.SetLeg(l.rtp, l.f.spoken())
	}
	l.answered()
	return nil
}

// Hangup closes the sockets at once, so that their ports rest from now on.
func (l *rtpLeg) Hangup(code cause.Code) {
	l.leg.Hangup(code)
	l.ended()
}

// ended closes the sockets.
func (l *rtpLeg) ended() {
	_ = l.rtp.Close() // nothing can be done about it
	l.mu.Lock()
	dialled := l.dialled
	l.mu.Unlock()
	if dialled {
		l.end(context.Cause(l.ctx))
	}
}
