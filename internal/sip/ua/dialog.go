package ua

import (
	"net/netip"
	"strings"

	"github.com/emiago/sipgo/sip"

	"github.com/dialwright/dialwright/internal/sip/sipnet"
)

// dialog is the peer's side of a dialog (RFC 3261 §12): an INVITE of ours can
// make several, one for each fork. The local side (tag, CSeq) is the call's.
// Guarded by the call's mutex.
type dialog struct {
	remoteTag string
	target    sip.Uri      // remote target, refreshed by each Contact (D5)
	routes    []sip.Uri    // route set; never changes once the dialog is confirmed (RFC 3261 §12.2)
	flow      *sipnet.Flow // on which the peer was last met
	sticky    bool         // always use flow: registered there, or behind NAT (N6)

	remoteSeq    uint32
	hasRemoteSeq bool
	allowUpdate  bool   // the peer takes UPDATE (RFC 3311 §5.1)
	rseq         uint32 // last reliable provisional taken (RFC 3262 §4)
	earlySDP     []byte // newest SDP of a provisional (D8)
}

// path gives the Request-URI and the Route values of a request in the dialog
// (RFC 3261 §12.2.1.1): a first route without lr is a strict router, which
// gets the Request-URI for itself and the target as the last route.
func (d *dialog) path() (sip.Uri, []sip.Uri) { return routeTo(d.target, d.routes) }

func routeTo(target sip.Uri, routes []sip.Uri) (sip.Uri, []sip.Uri) {
	target = *target.Clone()
	target.Headers = nil // RFC 3261 §19.1.5: never in a Request-URI
	if len(routes) == 0 || isLoose(routes[0]) {
		return target, routes
	}
	first := *routes[0].Clone()
	first.Headers = nil
	return first, append(append([]sip.Uri{}, routes[1:]...), target)
}

// nextHop gives the URI that decides where a request goes (RFC 3261 §8.1.2).
func nextHop(target sip.Uri, routes []sip.Uri) sip.Uri {
	if len(routes) > 0 {
		return routes[0]
	}
	return target
}

func isLoose(u sip.Uri) bool {
	for _, kv := range u.UriParams {
		if strings.EqualFold(kv.K, "lr") {
			return true
		}
	}
	return false
}

// knownFlow gives the flow to the next hop if no look-up is needed, else nil.
func (d *dialog) knownFlow() *sipnet.Flow {
	f := d.flow
	if f == nil || !f.Alive() {
		return nil
	}
	if d.sticky || f.Transport() != sipnet.UDP {
		return f
	}
	hop := nextHop(d.target, d.routes)
	addr, err := netip.ParseAddr(strings.Trim(hop.Host, "[]"))
	if err != nil || !literalUDP(hop) {
		return nil
	}
	port := uint16(hop.Port)
	if port == 0 {
		port = 5060
	}
	if netip.AddrPortFrom(addr.Unmap(), port) == netip.AddrPortFrom(f.RemoteAddr().Addr().Unmap(), f.RemoteAddr().Port()) {
		return f
	}
	return nil
}

// behindNAT reports whether a Contact cannot be reached from here (N6): a host
// that is invalid on purpose, or a private address of a message that came from
// a public one. Between private networks the Contact is believed; phones that
// register from behind a NAT there are reached on the flow they registered on.
func behindNAT(contact sip.Uri, f *sipnet.Flow) bool {
	host := strings.Trim(contact.Host, "[]")
	if strings.HasSuffix(strings.ToLower(host), ".invalid") { // RFC 7118 §5.2: browsers
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && !isPublic(addr) && (addr.IsUnspecified() || isPublic(f.RemoteAddr().Addr()))
}

func isPublic(a netip.Addr) bool {
	a = a.Unmap()
	return !a.IsPrivate() && !a.IsLoopback() && !a.IsUnspecified() && !a.IsLinkLocalUnicast() && !carrierNAT.Contains(a)
}

// carrierNAT is the shared address space of RFC 6598.
var carrierNAT = netip.MustParsePrefix("100.64.0.0/10")

// refresh takes what a message of the peer says about where it is (D5).
func (d *dialog) refresh(m sip.Message, f *sipnet.Flow) {
	if f != nil {
		d.flow = f
	}
	if u, ok := contactOf(m); ok {
		d.target = u
		d.sticky = d.sticky || f != nil && len(d.routes) == 0 && behindNAT(u, f)
	}
	if hs, ok := m.(headersOf); ok && len(headerValues(hs, "Allow")) > 0 {
		d.allowUpdate = hasOption(hs, "Allow", string(sip.UPDATE))
	}
}

// contactOf gives the first usable Contact URI.
func contactOf(m sip.Message) (sip.Uri, bool) {
	for _, h := range m.GetHeaders("Contact") {
		if c, ok := h.(*sip.ContactHeader); ok && checkURI(c.Address) == nil && c.Address.Host != "" {
			return c.Address, true
		}
	}
	return sip.Uri{}, false
}

// recordRoutes gives the route set that a message forms: in order for the UAS
// (RFC 3261 §12.1.1), reversed for the UAC (§12.1.2).
func recordRoutes(m sip.Message, reversed bool) []sip.Uri {
	var out []sip.Uri
	for _, h := range m.GetHeaders("Record-Route") {
		if r, ok := h.(*sip.RecordRouteHeader); ok && checkURI(r.Address) == nil {
			out = append(out, r.Address)
		}
	}
	if reversed {
		for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
			out[i], out[j] = out[j], out[i]
		}
	}
	return out
}

// accept takes the CSeq of a request of the peer; false if it is older than
// one seen before (RFC 3261 §12.2.2).
func (d *dialog) accept(seq uint32) bool {
	if d.hasRemoteSeq && seq < d.remoteSeq {
		return false
	}
	d.remoteSeq, d.hasRemoteSeq = seq, true
	return true
}
