package config

import (
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
)

func (v *validator) dialplan() {
	d := v.c.Dialplan
	if d.Compat != "" {
		v.oneOf("dialplan.compat", d.Compat, "asterisk22")
	}
	v.atLeast("dialplan.exec_limit", d.ExecLimit, 0)
	v.file("dialplan.import_astdb", d.ImportAstDB)
	if d.AllowExec && d.File != "" {
		v.warn("dialplan.allow_exec", "lets the dialplan run commands as the server's user; keep the file writable for its owner only")
	}
}

func (v *validator) callfile() {
	c := v.c.Callfile
	v.oneOf("callfile.compat", c.Compat, "safe", "asterisk22")
	v.atLeast("callfile.settle", c.Settle, 0)
	v.atLeast("callfile.rescan", c.Rescan, Seconds(1).Duration)
	if c.Account != "" {
		if _, ok := v.c.Accounts[c.Account]; !ok {
			v.bad("callfile.account", "there is no account %q", c.Account)
		}
	}
	for i, p := range c.Ignore {
		if _, err := path.Match(p, ""); err != nil {
			v.bad("callfile.ignore["+strconv.Itoa(i)+"]", "%q is not a pattern; use * and ? as a shell does", p)
		}
	}
	for i, code := range c.NoRetryOn {
		if code < 300 || code > 699 {
			v.bad("callfile.no_retry_on["+strconv.Itoa(i)+"]", "%d is not a final SIP status; use 300 to 699", code)
		}
	}
	if c.AllowExec && !v.c.Dialplan.AllowExec && !v.c.Dialplan.AllowFiles {
		v.warn("callfile.allow_exec", "allows nothing without dialplan.allow_exec or dialplan.allow_files")
	}
}

func (v *validator) aliases() {
	for _, name := range slices.Sorted(maps.Keys(v.c.Dialplan.Aliases)) {
		key, to := "dialplan.aliases."+name, v.c.Dialplan.Aliases[name]
		if tech, _, _ := strings.Cut(name, "/"); tech == "" || strings.EqualFold(tech, "Local") {
			v.bad(key, "is not the beginning of a dial string; write it as \"DAHDI/g2\" or \"Zap\"")
		}
		_, phone := v.c.Phones[to]
		_, trunk := v.c.Trunks[to]
		if !phone && !trunk {
			v.bad(key, "there is no phone or trunk %q", to)
		}
	}
}
