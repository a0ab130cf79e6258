package sip

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
)

// kind tells phones from trunks.
type kind string

const (
	kindPhone kind = "phone"
	kindTrunk kind = "trunk"
)

// profile is the configuration of one phone or trunk as legs use it. It never
// changes: a reload makes a new one, and a leg keeps the one it began with.
type profile struct {
	name    string
	kind    kind
	phone   Phone // valid when kind is kindPhone
	trunk   Trunk // valid when kind is kindTrunk
	codecs  []string
	srtp    string
	dtmf    string
	context string
	account call.AccountID
	forward bool
}

func phoneProfile(p Phone) *profile {
	return &profile{name: p.Name, kind: kindPhone, phone: p, codecs: p.Codecs, srtp: p.SRTP, dtmf: p.DTMF,
		context: p.Context, account: p.Account, forward: p.Forward}
}

func trunkProfile(t Trunk) *profile {
	return &profile{name: t.Name, kind: kindTrunk, trunk: t, codecs: t.Codecs, srtp: t.SRTP, dtmf: t.DTMF,
		context: t.Context, account: t.Account, forward: t.Forward}
}

// directory is one immutable edition of all phones and trunks.
type directory struct {
	config Config
	byName map[string]*profile
	order  []*profile // phones, then trunks, as configured
	trunks []*profile // the trunks among them
}

// newDirectory takes a configuration that has its defaults and is valid.
func newDirectory(c Config) *directory {
	d := &directory{config: c, byName: make(map[string]*profile, len(c.Phones)+len(c.Trunks))}
	for _, p := range c.Phones {
		d.add(phoneProfile(p))
	}
	for _, t := range c.Trunks {
		d.add(trunkProfile(t))
	}
	return d
}

func (d *directory) add(p *profile) {
	d.byName[p.name] = p
	d.order = append(d.order, p)
	if p.kind == kindTrunk {
		d.trunks = append(d.trunks, p)
	}
}

func (d *directory) phone(name string) (*profile, bool) {
	p, ok := d.byName[name]
	return p, ok && p.kind == kindPhone
}

// trunkBySource finds the trunk that a packet from addr belongs to: the one
// with the longest matching prefix, where the addresses of its Host count as
// full-length prefixes. Over UDP (datagram) a Host with a Port speaks for that
// port only, so that a trunk and phones may share an address behind one NAT or
// on loopback; a provider that sends from other ports is listed in Match.
// resolved gives the addresses of host names.
func (d *directory) trunkBySource(addr netip.AddrPort, datagram bool, resolved map[string][]netip.Addr) (*profile, bool) {
	var best *profile
	bits := -1
	for _, p := range d.trunks {
		if n := p.trunk.matchBits(addr, datagram, resolved[p.trunk.Host]); n > bits {
			best, bits = p, n
		}
	}
	return best, best != nil
}

// matchBits gives the length of the longest prefix of tr that holds addr, or -1.
func (tr Trunk) matchBits(addr netip.AddrPort, datagram bool, hosts []netip.Addr) int {
	ip := addr.Addr().Unmap()
	bits := -1
	for _, m := range tr.Match {
		if m.Contains(ip) {
			bits = max(bits, m.Bits())
		}
	}
	if datagram && tr.Port != 0 && int(addr.Port()) != tr.Port {
		return bits
	}
	if host, err := netip.ParseAddr(strings.Trim(tr.Host, "[]")); err == nil && host.Unmap() == ip || slices.Contains(hosts, ip) {
		bits = ip.BitLen()
	}
	return bits
}

// resource is a parsed dial string of this technology, what stands after
// "PJSIP/".
//
//	101                     phone 101, all its contacts
//	carrier                 trunk carrier without a number
//	number@carrier          number at the trunk (or the user part at a phone's contacts)
//	carrier/sip:user@host   the trunk's settings, this Request-URI
//
// Follows Asterisk: chan_pjsip.c request.
type resource struct {
	name string // phone or trunk
	user string // number to ask for, "" = none
	uri  string // explicit Request-URI, "" = the endpoint's own
}

// parseResource reads a dial string. It never fails on odd names: those are
// simply unknown later.
func parseResource(s string) (resource, error) {
	if name, uri, ok := strings.Cut(s, "/"); ok {
		if _, err := parseURI(uri); err != nil {
			return resource{}, err
		}
		return resource{name: name, uri: uri}, nil
	}
	// The last @ counts: numbers may hold one, names may not.
	if at := strings.LastIndexByte(s, '@'); at >= 0 {
		user, name := s[:at], s[at+1:]
		if user == "" || name == "" {
			return resource{}, fmt.Errorf("dial string %q lacks a number or a trunk", s)
		}
		if i := strings.IndexFunc(user, badInUser); i >= 0 {
			return resource{}, fmt.Errorf("dial string %q: number holds a character that cannot be dialled", s)
		}
		return resource{name: name, user: user}, nil
	}
	if s == "" {
		return resource{}, fmt.Errorf("dial string is empty")
	}
	return resource{name: s}, nil
}

// badInUser finds what may not stand in a dialled number even escaped:
// controls, blanks and the delimiters of a SIP address.
func badInUser(r rune) bool {
	return r <= ' ' || r == 0x7f || strings.ContainsRune("<>\"", r)
}

// unknownEndpoint is the failure for a name that is neither phone nor trunk
// (Asterisk: chan_pjsip.c request, AST_CAUSE_NO_ROUTE_DESTINATION).
func unknownEndpoint(res string, err error) *call.Failure {
	text := fmt.Sprintf("no phone or trunk is named in PJSIP/%s", res)
	if err != nil {
		text = err.Error()
	}
	return &call.Failure{Disposition: call.Failed, Cause: int(cause.NoRoute), Permanent: true, Text: text}
}

// notRegistered is the failure for a phone without a usable contact
// (Asterisk: chan_pjsip.c request, AST_CAUSE_SUBSCRIBER_ABSENT).
func notRegistered(name string, why string) *call.Failure {
	return &call.Failure{
		Disposition: call.Disposition(cause.SubscriberAbsent.Disposition()),
		Cause:       int(cause.SubscriberAbsent),
		Text:        fmt.Sprintf("phone %s is %s", name, why),
	}
}

// chooseCodecs gives the order in which codecs are offered to an endpoint: of
// its own, first those wanted (the request's, or the other leg's: rule S5), in
// the order wanted, then the rest. Wanted names that the endpoint does not
// allow are left out; if none is allowed, the endpoint's own list stands, as
// Asterisk does (spec: ami 4.2 Codecs).
func chooseCodecs(own, wanted []string) []string {
	var out []string
	for _, name := range canonicalCodecs(wanted) {
		if slices.Contains(own, name) {
			out = append(out, name)
		}
	}
	for _, name := range own {
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}
