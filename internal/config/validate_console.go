package config

import (
	"net/url"
	"time"
)

func (v *validator) console() {
	o := v.c.Console
	if o.BaseURL != "" {
		switch u, err := url.Parse(o.BaseURL); {
		case err != nil || !IsOrigin(o.BaseURL):
			v.bad("console.base_url", "%q is not an address without a path; write it as \"https://pbx.example.com\"", o.BaseURL)
		case u.Scheme == "http" && !isLoopback(u.Hostname()):
			v.warn("console.base_url", "sends one-time logins without encryption, and browsers let no page use the microphone there. Use https://")
		}
	}
	v.between("console.session_idle", o.SessionIdle, time.Second, 30*day)
	v.between("console.session_max", o.SessionMax, time.Second, 30*day)
	if o.SessionMax.Duration < o.SessionIdle.Duration {
		v.bad("console.session_max", "%v is shorter than session_idle, %v", o.SessionMax, o.SessionIdle)
	}
	v.networks("console.trusted_proxies", o.TrustedProxies)
	if o.Enabled {
		v.plainPasswords("console.allow_plain_http", o.AllowPlainHTTP)
	}
}
