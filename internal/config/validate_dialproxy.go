package config

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

func (v *validator) dialproxy() {
	d := v.c.Dialproxy
	if d.Enabled && len(d.Paths) == 0 {
		v.bad("dialproxy.paths", "is empty; add one such as \"/dialproxy.php\"")
	}
	for i, p := range d.Paths {
		switch key := fmt.Sprintf("dialproxy.paths[%d]", i); {
		case !isPath(p):
			v.bad(key, "%q is not a path; write it as \"/dialproxy.php\"", p)
		case takenPath(p, v.c):
			v.bad(key, "%s belongs to another interface of this server", p)
		}
	}
	v.dialPrefixes("dialproxy.prefixes", d.Prefixes)
	if d.Pause.Duration < 0 || d.Pause.Duration > time.Minute {
		v.bad("dialproxy.pause", "%v is not from 0s to 1m", d.Pause)
	}
	v.within("dialproxy.max_digits", d.MaxDigits, 1, 255)
	v.within("dialproxy.waiting", d.Waiting, 1, 1<<20)
	v.within("dialproxy.per_minute", d.PerMinute, -1<<30, 1<<30)
	for i, o := range d.AllowedOrigins {
		key := fmt.Sprintf("dialproxy.allowed_origins[%d]", i)
		switch {
		case o == "*":
			v.bad(key, "would let every web page dial; name their origins, \"https://crm.example.com\"")
		case !IsOrigin(o):
			v.bad(key, "%q is not an origin; write it as \"https://crm.example.com\"", o)
		}
	}
	v.networks("dialproxy.trusted_proxies", d.TrustedProxies)
	v.accountRef("dialproxy.account", d.Account)
	for _, name := range slices.Sorted(maps.Keys(d.Labels)) {
		v.dialproxyLabel(name, d.Labels[name])
	}
	if d.Enabled && d.Open && beyond(v.c.HTTP.Listen) {
		v.warn("dialproxy.open", "lets everybody who reaches http.listen dial with labels that have neither token nor allow=")
	}
}

// takenPath says whether a path is one of REST, ARI, AMI, Vodia's and Switchvox's interfaces,
// signed links or dialproxy's own page.
func takenPath(p string, c *Config) bool {
	for _, taken := range []string{
		"/v1", "/metrics", "/healthz", "/readyz", "/dialproxy/tel", c.ARI.Prefix + "/ari", c.ARI.Prefix + "/media", c.AMI.Prefix + "/rawman", c.AMI.Prefix + "/mxml", c.AMI.Prefix + "/manager",
		c.AMI.Prefix + "/arawman", c.AMI.Prefix + "/amxml", c.AMI.Prefix + "/amanager",
		"/remote_call.htm", "/rest", "/websocket", "/js", "/makecall.htm", "/xml", "/json", "/link",
	} {
		if p == taken || strings.HasPrefix(p, taken+"/") {
			return true
		}
	}
	return false
}

// dialPrefixes checks a value of DIALING_PREFIX_NUMBERS.
func (v *validator) dialPrefixes(key, s string) {
	fields := strings.SplitN(s, "~", 5)
	if strings.Trim(strings.Join(fields[:min(len(fields), 4)], ""), "0123456789*#+ \t") != "" {
		v.bad(key, "%q has other characters than digits, *, #, + and ~ between its fields; write it as \"00~0~49~\"", s)
	} else if len(fields) > 4 {
		v.warn(key, "has more than four fields; the rest is ignored")
	}
}

// labelForm is what a label of dialproxy looks like (spec: dialproxy 11, W3).
const labelForm = `^[A-Za-z0-9_.-]{1,64}$`

func (v *validator) dialproxyLabel(name string, l DialproxyLabel) {
	key := "dialproxy.labels." + name
	if ok, err := regexp.MatchString(labelForm, name); err != nil || !ok {
		v.bad(key, "cannot be a label; use letters, digits, -, _ and ., at most 64")
	}
	if strings.HasPrefix(l.Token, "$argon2id$") {
		if !isArgon2id(l.Token) {
			v.bad(key+".token", "is not a whole argon2id hash")
		}
	} else if n := len(l.Token); n > 0 && n < 8 {
		v.warn(key+".token", "is shorter than 8 characters; whoever guesses it makes calls on your bill")
	}
	if l.Prefixes != "none" {
		v.dialPrefixes(key+".prefixes", l.Prefixes)
	}
	v.accountRef(key+".account", l.Account)
	v.notNegative(key+".per_minute", float64(l.PerMinute))
	v.notNegative(key+".at_once", float64(l.AtOnce))
}
