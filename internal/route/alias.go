package route

import (
	"cmp"
	"slices"
	"strings"
)

// alias is a name from an Asterisk's dial strings: "DAHDI/g2", "Zap".
type alias struct {
	tech, name string // upper case; name as written, "" = every channel of the technology
	to         string // phone or trunk
}

// newAliases sorts aliases so that the most exact comes first.
func newAliases(m map[string]string) []alias {
	out := make([]alias, 0, len(m))
	for from, to := range m {
		tech, name, _ := strings.Cut(from, "/")
		out = append(out, alias{strings.ToUpper(tech), name, to})
	}
	slices.SortFunc(out, func(a, b alias) int {
		return cmp.Or(cmp.Compare(len(b.name), len(a.name)), strings.Compare(a.tech+"/"+a.name, b.tech+"/"+b.name))
	})
	return out
}

// resolveAlias takes what a dial string of an Asterisk calls otherwise:
// TECH/NAME/NUMBER (DAHDI/g2/4930123, SIP/peer/4930123, IAX2/user@peer/4930123)
// and TECH/NUMBER@NAME, where TECH/NAME is an alias; also TECH/NAME for a phone.
// False: no alias fits (spec: callfile 8).
func (t *Table) resolveAlias(dial string, tr *Trace) bool {
	tech, res, ok := strings.Cut(dial, "/")
	if !ok {
		return false
	}
	tech = strings.ToUpper(tech)
	for _, a := range t.aliases {
		if a.tech != tech {
			continue
		}
		number, fits := a.number(res)
		if !fits {
			continue
		}
		to := "PJSIP/" + a.to
		if t.phones[a.to] {
			tr.step("alias", dial, to, "dialplan.aliases")
			t.resolveSIP(a.to, tr)
			return true
		}
		if number == "" {
			tr.fail("%s stands for trunk %s: say which number, as %s/NUMBER", dial, a.to, dial)
			return true
		}
		tr.step("alias", dial, "PJSIP/"+number+"@"+a.to, "dialplan.aliases")
		t.resolveSIP(number+"@"+a.to, tr)
		return true
	}
	return false
}

// number gives what a resource wants dialled by the alias.
func (a alias) number(res string) (number string, ok bool) {
	if a.name == "" { // the whole technology: the number is the last part
		return res[strings.LastIndexByte(res, '/')+1:], true
	}
	if res == a.name {
		return "", true
	}
	if rest, ok := strings.CutPrefix(res, a.name+"/"); ok {
		return rest, true
	}
	if rest, ok := strings.CutSuffix(res, "@"+a.name); ok { // SIP/4930@peer, IAX2/user@peer
		return rest, true
	}
	if head, rest, ok := strings.Cut(res, "/"); ok && strings.HasSuffix(head, "@"+a.name) { // IAX2/user@peer/4930
		return rest, true
	}
	return "", false
}
