package asteriskconf

import (
	"cmp"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/config"
	"github.com/dialwright/dialwright/internal/wire/conf"
)

// ari reads ari.conf, when http.conf, acl.conf and websocket_client.conf are read.
func (l *loader) ari(file *conf.File) {
	a := &config.ARI{Enabled: true, Users: map[string]config.ARIUser{}, Outbound: map[string]config.ARIOutbound{}}
	l.r.ARI = a
	if s := file.Section("general"); s != nil && !s.Hidden {
		l.ariGeneral(a, l.options(s, nil))
	}
	var outbound []*options
	for _, s := range file.Sections {
		if s.Hidden || strings.EqualFold(s.Name, "general") {
			continue
		}
		o := l.options(s, nil)
		switch kind := strings.ToLower(o.get("type")); kind {
		case "user":
			l.ariUser(a, o)
		case "outbound_websocket":
			outbound = append(outbound, o)
		case "":
			o.warn("", "has no type and is left out")
		default:
			o.warn("type", "objects of type %s have no counterpart here; it is left out", kind)
		}
	}
	for _, o := range outbound {
		l.ariOutbound(a, o)
	}
	l.ariWithoutHTTP(a)
}

// ariWithoutHTTP looks whether anybody could reach ARI in the Asterisk.
func (l *loader) ariWithoutHTTP(a *config.ARI) {
	at := conf.Origin{File: "ari.conf"}
	switch h := l.r.HTTP; {
	case h == nil || !h.Off || len(a.Users) == 0:
	case len(a.Outbound) > 0:
		l.warn(at, "HTTP is off in http.conf, but here the users can log in at http.listen too")
	default:
		l.warn(at, "HTTP is off in http.conf, so ARI is off; set enabled = yes there to switch it on")
		a.Enabled = false
	}
}

func (l *loader) ariGeneral(a *config.ARI, o *options) {
	if enabled := o.get("enabled"); enabled != "" {
		a.Enabled = conf.True(enabled)
	}
	a.Pretty = o.yes("pretty")
	if realm := o.get("auth_realm"); strings.ContainsAny(realm, "\"\\\r\n") {
		o.warn("auth_realm", "auth_realm = %s cannot be shown; it is ignored", realm)
	} else {
		a.Realm = realm
	}
	for _, origin := range o.list("allowed_origins") {
		if !config.IsOrigin(origin) {
			o.warn("allowed_origins", "%s is not an origin as browsers send it; it is left out", origin)
			continue
		}
		a.AllowedOrigins = append(a.AllowedOrigins, origin)
	}
	for _, name := range o.list("channelvars") {
		if strings.ContainsAny(name, " \t") {
			o.warn("channelvars", "%q is not the name of a variable; it is left out", name)
			continue
		}
		a.ChannelVars = append(a.ChannelVars, name)
	}
	if ms := o.number("websocket_write_timeout"); ms > 0 {
		a.WriteTimeout = config.Duration{Duration: max(time.Duration(ms), 10) * time.Millisecond}
	}
	o.rest([]string{"type"})
}

// ariUser takes a user over, unless Asterisk would not let it in either, or its
// password cannot be checked here.
func (l *loader) ariUser(a *config.ARI, o *options) {
	u := config.ARIUser{Password: o.get("password"), ReadOnly: o.yes("read_only")}
	permit, deny, ok := o.access()
	if r := l.restriction; ok && r != nil { // it counts for every user
		if o.has("permit", "deny", "acl") {
			o.warn("permit", "has networks of its own beside those of %s, which is not supported; it is left out", r.s.Origin)
			ok = false
		} else {
			permit, deny, ok = r.access()
			r.rest([]string{"type"})
		}
	}
	u.Permit, u.Deny = permit, deny
	format := strings.ToLower(cmp.Or(o.get("password_format"), "plain"))
	o.rest(nil)
	name := o.s.Name
	switch {
	case !ok || !l.ariName("ari.users.", o):
		return
	case format != "plain" && format != "crypt":
		o.warn("password_format", "password_format = %s is not known; the user is left out", format)
		return
	case u.Password == "":
		o.warn("password", "has no password and is left out")
		return
	case format == "crypt" && !config.IsCrypt(u.Password):
		o.warn("password", "the password is not a hash that begins with $1$, $5$ or $6$; the user is left out")
		return
	}
	if format == "crypt" {
		u.PasswordFormat = format
	}
	a.Users[name] = u
	l.ariAdded("ari.users."+name, o)
}

// ariName says whether a section may be called so here (see config: validator.named),
// and is the first of its name.
func (l *loader) ariName(kind string, o *options) bool {
	name := o.s.Name
	if p, ok := l.r.places[kind+name]; ok {
		o.warn("", "is already defined at %s:%d, which counts", p.File, p.Line)
		return false
	}
	if name == "" || len(name) > 64 || strings.ContainsFunc(name, func(r rune) bool {
		return r <= ' ' || r > '~' || strings.ContainsRune(`/@;,<>"&:?=`, r)
	}) {
		o.warn("", "%q cannot be a name here; it is left out", name)
		return false
	}
	return true
}

func (l *loader) ariAdded(key string, o *options) {
	l.r.places[key] = config.Place{File: filepath.Join(l.dir, filepath.FromSlash(o.s.File)), Line: o.s.Line}
}

// mergeARI adds users and connections that c does not define, and settings that it
// leaves at their defaults: none if ARI was off and c has users to whom it is open. A connection whose user or application c has given
// another meaning stays out.
func (r *Result) mergeARI(c *config.Config, added map[string]config.Place) {
	if r.ARI == nil {
		return
	}
	a, d := &c.ARI, config.Default().ARI
	if !r.ARI.Enabled && len(a.Users) > 0 { // it was off there, and ours has users of its own
		return
	}
	a.Enabled = a.Enabled && r.ARI.Enabled
	a.Pretty = a.Pretty || r.ARI.Pretty
	a.Realm = cmp.Or(a.Realm, r.ARI.Realm)
	if a.WriteTimeout == d.WriteTimeout {
		a.WriteTimeout = cmp.Or(r.ARI.WriteTimeout, a.WriteTimeout)
	}
	if len(a.AllowedOrigins) == 0 {
		a.AllowedOrigins = r.ARI.AllowedOrigins
	}
	if len(a.ChannelVars) == 0 {
		a.ChannelVars = r.ARI.ChannelVars
	}
	for name, u := range r.ARI.Users {
		if _, ok := a.Users[name]; !ok {
			if a.Users == nil {
				a.Users = map[string]config.ARIUser{}
			}
			a.Users[name], added["ari.users."+name] = u, r.places["ari.users."+name]
		}
	}
	for name, out := range r.ARI.Outbound {
		if _, ok := a.Outbound[name]; !ok && !servesAny(a.Outbound, out.Apps) {
			if a.Outbound == nil {
				a.Outbound = map[string]config.ARIOutbound{}
			}
			a.Outbound[name], added["ari.outbound."+name] = out, r.places["ari.outbound."+name]
		}
	}
}

// servesAny says whether a connection serves one of the applications.
func servesAny(all map[string]config.ARIOutbound, apps []string) bool {
	for _, o := range all {
		if slices.ContainsFunc(apps, func(app string) bool { return slices.Contains(o.Apps, app) }) {
			return true
		}
	}
	return false
}
