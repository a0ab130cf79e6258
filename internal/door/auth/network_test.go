package auth

import (
	"net/netip"
	"testing"
)

func TestPermitted(t *testing.T) {
	networks := func(list ...string) (out []netip.Prefix) {
		for _, s := range list {
			out = append(out, netip.MustParsePrefix(s))
		}
		return out
	}
	for _, c := range []struct {
		name         string
		permit, deny []netip.Prefix
		in, out      []string
	}{
		{"no lists", nil, nil, []string{"192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"}, nil},
		{"permit alone", networks("10.0.0.0/8"), nil, []string{"10.1.2.3", "::ffff:10.1.2.3"}, []string{"192.0.2.1", "2001:db8::1"}},
		{"deny alone", nil, networks("10.0.0.0/8"), []string{"192.0.2.1", "2001:db8::1"}, []string{"10.1.2.3", "::ffff:10.1.2.3"}},
		{"all but some", networks("10.0.0.0/8"), networks("0.0.0.0/0"), []string{"10.1.2.3"}, []string{"192.0.2.1", "2001:db8::1"}},
		{"a hole", networks("10.0.0.0/8", "10.1.2.3/32"), networks("10.1.0.0/16"), []string{"10.2.0.1", "10.1.2.3"}, []string{"10.1.2.4", "192.0.2.1"}},
		{"both the same", networks("10.0.0.0/8"), networks("10.0.0.0/8"), nil, []string{"10.0.0.1"}},
		{"zone", networks("fe80::/10"), nil, []string{"fe80::1%eth0"}, nil},
	} {
		for _, s := range c.in {
			if !Permitted(netip.MustParseAddr(s), c.permit, c.deny) {
				t.Errorf("%s: %s is refused", c.name, s)
			}
		}
		for _, s := range c.out {
			if Permitted(netip.MustParseAddr(s), c.permit, c.deny) {
				t.Errorf("%s: %s is let in", c.name, s)
			}
		}
	}
}
