package config

import (
	"fmt"
	"net/url"
	"strings"
	"time"
)

// maxLink is what S5 allows at most: the five digits of a link's duration (spec: vodia 4.5).
const maxLink = 99999 * time.Second

func (v *validator) vodia() {
	o := v.c.Vodia
	v.realm("vodia.realm", o.Realm)
	v.between("vodia.max_link_duration", o.MaxLinkDuration, time.Second, maxLink)
	v.between("vodia.max_clock_skew", o.MaxClockSkew, 0, time.Hour)
	v.within("vodia.link_reuse", o.LinkReuse, 0, 1<<20)
	v.between("vodia.dedupe_window", o.DedupeWindow, 0, time.Minute)
	v.within("vodia.prompt_repeats", o.PromptRepeats, 1, 20)
	v.between("vodia.prompt_interval", o.PromptInterval, time.Second, time.Minute)
	v.between("vodia.fail_tone", o.FailTone, 0, time.Minute)
	v.siteOrigins("vodia.allowed_origins", o.AllowedOrigins)
	if o.PublicHost != "" && !isHost(o.PublicHost) {
		v.bad("vodia.public_host", "%q is not a host; write it as \"pbx.example.com\" or \"pbx.example.com:8443\"", o.PublicHost)
	}
	v.networks("vodia.trusted_proxies", o.TrustedProxies)
	v.between("vodia.session_idle", o.SessionIdle, time.Second, 30*24*time.Hour)
	v.between("vodia.session_max", o.SessionMax, time.Second, 30*24*time.Hour)
	if o.SessionMax.Duration < o.SessionIdle.Duration {
		v.bad("vodia.session_max", "%v is shorter than session_idle, %v", o.SessionMax, o.SessionIdle)
	}
	v.between("vodia.token_life", o.TokenLife, time.Second, 10*time.Minute)
	v.within("vodia.per_minute", o.PerMinute, -1<<30, 1<<30)
	v.within("vodia.max_sockets", o.MaxSockets, 0, 1<<20)
	if o.Enabled {
		v.plainPasswords("vodia.allow_plain_http", o.AllowPlainHTTP)
		v.noHTTP("vodia.enabled")
		if keep := v.c.Retention.Calls.Duration; o.LinkReuse > 0 && keep > 0 && keep < o.MaxLinkDuration.Duration {
			v.warn("vodia.link_reuse", "is forgotten after a restart by links that live longer than calls are kept: raise retention.calls from %v to vodia.max_link_duration, %v",
				v.c.Retention.Calls, o.MaxLinkDuration)
		}
	}
}

func (v *validator) links() {
	o := v.c.Links
	if o.BaseURL != "" {
		switch u, err := url.Parse(o.BaseURL); {
		case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
			v.bad("links.base_url", "%q is not an address; write it as \"https://dial.example.com\"", o.BaseURL)
		case strings.HasSuffix(o.BaseURL, "/"):
			v.bad("links.base_url", "leave out the / at the end")
		case u.Scheme == "http" && !isLoopback(u.Hostname()):
			v.warn("links.base_url", "sends links without encryption; who reads one on its way can call with it. Use https://")
		}
	}
	v.atLeast("links.life", o.Life, time.Second)
	v.atLeast("links.max_life", o.MaxLife, time.Second)
	if o.MaxLife.Duration < o.Life.Duration {
		v.bad("links.max_life", "%v is shorter than life, %v", o.MaxLife, o.Life)
	}
	v.atLeast("links.keep", o.Keep, 0)
	v.within("links.per_minute", o.PerMinute, -1<<30, 1<<30)
	v.networks("links.trusted_proxies", o.TrustedProxies)
}

// between checks a length of time, both ends included.
func (v *validator) between(key string, d Duration, least, most time.Duration) {
	if d.Duration < least || d.Duration > most {
		v.bad(key, "%v is not from %v to %v", d, Duration{least}, Duration{most})
	}
}

// realm checks what stands in quotes in a challenge.
func (v *validator) realm(key, realm string) {
	if realm == "" || strings.ContainsFunc(realm, func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' }) {
		v.bad(key, "must be one line of ASCII without quotes and backslashes")
	}
}

// siteOrigins checks origins of web pages that may do things in a user's name.
func (v *validator) siteOrigins(key string, list []string) {
	for i, o := range list {
		switch at := fmt.Sprintf("%s[%d]", key, i); {
		case o == "*":
			v.bad(at, "would let every web page call in the name of who looks at it; name their origins, \"https://crm.example.com\"")
		case !IsOrigin(o):
			v.bad(at, "%q is not an origin; write it as \"https://crm.example.com\"", o)
		}
	}
}

// plainPasswords warns of passwords in plain text on the network.
func (v *validator) plainPasswords(key string, allowed bool) {
	if allowed && v.c.HTTP.TLSCert == "" && beyond(v.c.HTTP.Listen) {
		v.warn(key, "lets users send their passwords over the network in plain text; set http.tls_cert and http.tls_key or put a TLS proxy in front")
	}
}

// noHTTP warns of an interface that is on without a listener.
func (v *validator) noHTTP(key string) {
	if v.c.HTTP.Listen == "" {
		v.warn(key, "has no effect without http.listen")
	}
}

// isHost says whether a text is host[:port].
func isHost(s string) bool {
	u, err := url.Parse("https://" + s)
	return err == nil && u.Host == s && u.Hostname() != "" && !strings.ContainsAny(s, " /?#@")
}
