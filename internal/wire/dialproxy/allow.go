package dialproxy

import (
	"iter"
	"net/netip"
	"strings"
)

// allowAll as the whole value of allow= lets everybody in.
const allowAll = "0.0.0.0"

// Restricted says whether allow= keeps anybody out: a network of all addresses does not.
func (l *Label) Restricted() bool {
	if l.Allow == allowAll {
		return false
	}
	for entry := range l.entries() {
		if p, err := netip.ParsePrefix(entry); err == nil && p.Bits() == 0 {
			return false
		}
	}
	return true
}

// entries are what allow= lists.
func (l *Label) entries() iter.Seq[string] {
	return strings.FieldsFuncSeq(l.Allow, func(r rune) bool { return r == ' ' || r == ',' })
}

// Allowed says whether a client may use the label: its address is one of allow=, or
// in a network of it. The original compares letters only; that addresses may be
// written in any way and networks as "10.0.0.0/8" is ours (spec: dialproxy 6, 11 W10).
// An empty list lets nobody in. "0.0.0.0" within a list is an address like others, and
// names of hosts mean nothing (spec: dialproxy 6.1 R28, R29).
func (l *Label) Allowed(client netip.Addr) bool {
	if l.Allow == allowAll {
		return true
	}
	client = client.Unmap().WithZone("")
	for entry := range l.entries() {
		if a, err := netip.ParseAddr(entry); err == nil && a.Unmap().WithZone("") == client {
			return true
		}
		if p, err := netip.ParsePrefix(entry); err == nil && contains(p, client) {
			return true
		}
	}
	return false
}

// contains says whether a network holds an address, also if the network is written
// in the form of IPv6 that holds an IPv4 address.
func contains(p netip.Prefix, a netip.Addr) bool {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Contains(a)
}
