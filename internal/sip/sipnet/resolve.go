package sipnet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// Resolver is what is asked for names; *net.Resolver has it.
type Resolver interface {
	// LookupSRV gives the records of _service._proto.name in the order in which
	// to try them (RFC 2782).
	LookupSRV(ctx context.Context, service, proto, name string) (cname string, addrs []*net.SRV, err error)
	// LookupNetIP gives addresses; network is "ip", "ip4" or "ip6".
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Target is one address to try.
type Target struct {
	Transport  Transport
	Addr       netip.AddrPort
	ServerName string // TLS: the name in the URI, which the certificate must have
}

// ErrUnresolvable is a URI that leads to no address: bad scheme or transport,
// or no DNS record. The message says which.
var ErrUnresolvable = errors.New("cannot resolve")

// maxTargets bounds what a name can make us try.
const maxTargets = 32

// Resolve gives the addresses for a request to uri, in the order in which to
// try them, by RFC 3263 §4. The host is the maddr parameter if there is one.
//
//   - transport= decides the transport; sips: and transport=tls are TLS.
//   - A literal address or an explicit port is used as it stands, over UDP if
//     no transport is given.
//   - Otherwise SRV records of the transport are asked for, or without one of
//     UDP and then TCP; without records the addresses of the name are used
//     with port 5060 or 5061.
//
// Differs from RFC 3263 §4.1: NAPTR records are not asked for, because the
// resolver of the standard library does not offer them; the SRV step that the
// RFC has for their absence is used at once.
func (n *Net) Resolve(ctx context.Context, uri sip.Uri) ([]Target, error) {
	q, err := question(uri)
	if err != nil {
		return nil, err
	}
	if a, err := netip.ParseAddr(strings.Trim(q.host, "[]")); err == nil {
		return []Target{{q.first(), netip.AddrPortFrom(a.Unmap(), q.portOr()), q.serverName(uri)}}, nil
	}
	var targets []Target
	if uri.Port == 0 {
		for _, t := range q.transports {
			targets = append(targets, n.srvTargets(ctx, q, t, uri)...)
		}
	}
	if len(targets) == 0 {
		addrs, err := n.cfg.Resolver.LookupNetIP(ctx, "ip", q.host)
		if err != nil {
			return nil, fmt.Errorf("%w %s: %w", ErrUnresolvable, q.host, err)
		}
		for _, a := range addrs {
			targets = append(targets, Target{q.first(), netip.AddrPortFrom(a.Unmap(), q.portOr()), q.serverName(uri)})
		}
	}
	if len(targets) == 0 {
		return nil, fmt.Errorf("%w %s: no address", ErrUnresolvable, q.host)
	}
	return targets[:min(len(targets), maxTargets)], nil
}

// query is a URI reduced to what is asked for.
type query struct {
	host       string
	port       int         // explicit, or 0
	transports []Transport // in the order to try, at least one
}

func question(uri sip.Uri) (query, error) {
	q := query{host: uri.Host, port: uri.Port}
	if m, ok := uri.UriParams.Get("maddr"); ok && m != "" {
		q.host = m
	}
	if q.host == "" {
		return q, fmt.Errorf("%w %s: no host", ErrUnresolvable, uri.Addr())
	}
	asked, _ := uri.UriParams.Get("transport")
	secure := uri.Scheme == "sips"
	if !secure && uri.Scheme != "sip" && uri.Scheme != "" {
		return q, fmt.Errorf("%w %s: scheme %q is not sip or sips", ErrUnresolvable, uri.Addr(), uri.Scheme)
	}
	switch t := Transport(strings.ToLower(asked)); {
	case t == "" && secure, t == TLS, t == TCP && secure: // RFC 3261 §19.1.2, §26.2.2
		q.transports = []Transport{TLS}
	case t == "" && q.port == 0:
		q.transports = []Transport{UDP, TCP} // RFC 3263 §4.1
	case t == "":
		q.transports = []Transport{UDP}
	case t == TCP, t == UDP && !secure:
		q.transports = []Transport{t}
	default:
		return q, fmt.Errorf("%w %s: transport %q", ErrUnresolvable, uri.Addr(), asked)
	}
	return q, nil
}

func (q query) first() Transport { return q.transports[0] }

// portOr is the explicit port or the transport's own (RFC 3261 §19.1.2).
func (q query) portOr() uint16 {
	if q.port > 0 && q.port < 65536 {
		return uint16(q.port)
	}
	if q.first() == TLS {
		return 5061
	}
	return 5060
}

// serverName is the name that a certificate must have: the URI's host, not
// what DNS made of it (RFC 5922 §4).
func (q query) serverName(uri sip.Uri) string {
	if q.first() != TLS {
		return ""
	}
	return strings.Trim(uri.Host, "[]")
}

// srvTargets follows the SRV records for one transport (RFC 3263 §4.2). No
// records is no error: the next step decides.
func (n *Net) srvTargets(ctx context.Context, q query, t Transport, uri sip.Uri) []Target {
	service, proto := "sip", string(t)
	if t == TLS {
		service, proto = "sips", "tcp"
	}
	_, records, err := n.cfg.Resolver.LookupSRV(ctx, service, proto, q.host)
	if err != nil {
		return nil
	}
	var targets []Target
	for _, r := range records[:min(len(records), maxTargets)] {
		if r.Target == "." || r.Target == "" { // RFC 2782: the service is not offered
			continue
		}
		addrs, err := n.cfg.Resolver.LookupNetIP(ctx, "ip", strings.TrimSuffix(r.Target, "."))
		if err != nil {
			continue // the other records may lead somewhere
		}
		for _, a := range addrs {
			targets = append(targets, Target{t, netip.AddrPortFrom(a.Unmap(), r.Port), q.serverName(uri)})
		}
	}
	return targets
}
