package asteriskconf

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/dialwright/dialwright/internal/wire/conf"
)

// rule is one line of a list of permit and deny.
type rule struct {
	network netip.Prefix
	deny    bool
}

// acl remembers the lists of acl.conf by name.
func (l *loader) acl(file *conf.File) {
	l.acls = map[string]*conf.Section{}
	for _, s := range file.Sections {
		if !s.Hidden && !strings.EqualFold(s.Name, "general") {
			l.acls[s.Name] = s
		}
	}
}

// access gives the networks of a section's permit, deny and acl lines, false if they
// cannot be taken over, which is reported. In Asterisk the last line that fits an
// address decides, and one that none fits is let in (acl.c ast_apply_acl); here it is
// the smallest network. Networks lie within each other or apart, so dropping the lines
// that a later one covers makes both the same.
func (o *options) access() (permit, deny []string, ok bool) {
	o.ignore("permit", "deny")
	s := o.s
	if names := o.list("acl"); len(names) > 0 {
		if s = o.l.acls[names[0]]; s == nil {
			o.warn("acl", "acl.conf has no %s; it is left out", names[0])
			return nil, nil, false
		}
		if len(names) > 1 || o.has("permit", "deny") {
			o.warn("acl", "several lists of networks that must all let an address in are not supported; it is left out")
			return nil, nil, false
		}
	}
	rules, bad := rulesOf(s)
	if bad != "" {
		o.warn("permit", "%q is not a network; it is left out", bad)
		return nil, nil, false
	}
	all := false
	for i, r := range rules {
		if slices.ContainsFunc(rules[i+1:], func(later rule) bool { return covers(later.network, r.network) }) {
			continue
		}
		if r.deny {
			deny = append(deny, r.network.String())
			all = all || r.network.Bits() == 0
		} else {
			permit = append(permit, r.network.String())
			all = all || r.network.Bits() == 0
		}
	}
	if len(permit) > 0 && !all {
		o.warn("permit", "nothing denies other addresses than those in permit, so they are let in, as by Asterisk; add deny = 0.0.0.0/0 in front")
		permit = append(permit, "0.0.0.0/0", "::/0")
	}
	return permit, deny, true
}

// covers says whether each address of inner is in outer.
func covers(outer, inner netip.Prefix) bool {
	return outer.Bits() <= inner.Bits() && outer.Contains(inner.Addr())
}

// rulesOf reads the permit and deny lines of a section in order. A value may hold
// several networks, and "!" turns the meaning of one around. bad is what cannot be read.
func rulesOf(s *conf.Section) (rules []rule, bad string) {
	for _, line := range s.Lines {
		deny := strings.EqualFold(line.Key, "deny")
		if !deny && !strings.EqualFold(line.Key, "permit") {
			continue
		}
		for text := range strings.SplitSeq(line.Value, ",") {
			text, not := strings.CutPrefix(strings.TrimSpace(text), "!")
			if text == "" {
				continue
			}
			n, ok := network(text)
			if !ok {
				return nil, text
			}
			rules = append(rules, rule{netip.MustParsePrefix(n), deny != not})
		}
	}
	return rules, ""
}
