package config

import (
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

func (v *validator) ari() {
	a := v.c.ARI
	v.pathPrefix("ari.prefix", a.Prefix)
	if strings.ContainsAny(a.Realm, "\"\\\r\n") {
		v.bad("ari.realm", "must be one line without quotes and backslashes")
	}
	for i, o := range a.AllowedOrigins {
		v.origin(fmt.Sprintf("ari.allowed_origins[%d]", i), o)
	}
	for i, name := range a.ChannelVars {
		v.variableName(fmt.Sprintf("ari.channel_vars[%d]", i), name)
	}
	v.atLeast("ari.write_timeout", a.WriteTimeout, 10*time.Millisecond)
	v.atLeast("ari.grace", a.Grace, 0)
	if a.Journal < 16 || a.Journal > 1<<22 {
		v.bad("ari.journal", "%d is not from 16 to %d", a.Journal, 1<<22)
	}
	for _, name := range slices.Sorted(maps.Keys(a.Users)) {
		v.ariUser(name, a.Users[name])
	}
	for _, name := range slices.Sorted(maps.Keys(a.Outbound)) {
		v.ariOutbound(name, a.Outbound[name])
	}
}

// IsOrigin says whether a text can be in ari.allowed_origins: "*", or an origin as
// browsers send it, without a path, since it is compared letter by letter.
func IsOrigin(o string) bool {
	u, err := url.Parse(o)
	return o == "*" || err == nil && u.Scheme != "" && u.Host != "" && u.Path == "" && u.RawQuery == ""
}

func (v *validator) origin(key, o string) {
	if !IsOrigin(o) {
		v.bad(key, "%q is not an origin; write it as \"https://crm.example.com\", or \"*\" for all", o)
	}
}

func (v *validator) ariUser(name string, u ARIUser) {
	key := "ari.users." + name
	v.named(key, name)
	v.oneOf(key+".password_format", u.PasswordFormat, "", "plain", "crypt", "argon2id")
	switch {
	case u.Password == "":
		v.bad(key+".password", "is missing; without one anybody could make calls in this user's name")
	case u.PasswordFormat == "crypt":
		if !IsCrypt(u.Password) {
			v.bad(key+".password", "is not a hash of crypt(3) that begins with $1$, $5$ or $6$; `openssl passwd -6` makes one")
		}
	case u.PasswordFormat == "argon2id":
		if !isArgon2id(u.Password) {
			v.bad(key+".password", "is not a whole argon2id hash")
		}
	case len(u.Password) < 8:
		v.warn(key+".password", "is shorter than 8 characters; whoever guesses it makes calls on your bill")
	case u.Password == name:
		v.warn(key+".password", "is among the first that are guessed; choose a random one")
	}
	v.networks(key+".permit", u.Permit)
	v.networks(key+".deny", u.Deny)
	v.accountRef(key+".account", u.Account)
}

// IsCrypt says whether a text looks like one of the hashes of crypt(3) that can be
// checked: $1$, $5$ or $6$.
func IsCrypt(hash string) bool {
	kind, rest, ok := strings.Cut(strings.TrimPrefix(hash, "$"), "$")
	salt := strings.LastIndexByte(rest, '$')
	return ok && hash[0] == '$' && slices.Contains([]string{"1", "5", "6"}, kind) && salt >= 0 && salt < len(rest)-1
}

// argon2idForm is an argon2id hash in PHC form; what makes hashes writes them so.
var argon2idForm = regexp.MustCompile(`^\$argon2id\$v=19\$m=[0-9]+,t=[0-9]+,p=[0-9]+\$[A-Za-z0-9+/]{11,}\$[A-Za-z0-9+/]{22,}$`)

// isArgon2id says whether a text is a whole argon2id hash. One that was cut short would
// let nobody in.
func isArgon2id(hash string) bool { return argon2idForm.MatchString(hash) }

func (v *validator) networks(key string, list []string) {
	for i, n := range list {
		if _, err := ParseNetwork(n); err != nil {
			v.bad(fmt.Sprintf("%s[%d]", key, i), "%q is not a network; write it as \"10.0.0.0/8\", or an address as \"10.0.0.5\"", n)
		}
	}
}

// ParseNetwork reads an address or a network in the notation of ari.users.NAME.permit:
// "10.0.0.5" or "10.0.0.0/8". Bits of the address behind the mask are cleared.
func ParseNetwork(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil {
		return a.Prefix(a.BitLen())
	}
	p, err := netip.ParsePrefix(s)
	return p.Masked(), err
}

func (v *validator) ariOutbound(name string, o ARIOutbound) {
	key := "ari.outbound." + name
	v.named(key, name)
	u, _ := url.Parse(o.URI) // IsWebSocketURI looks at the error
	switch {
	case o.URI == "":
		v.bad(key+".uri", "is missing; name the address of the application, such as \"wss://crm.example.com/ari\"")
	case !IsWebSocketURI(o.URI):
		v.bad(key+".uri", "is not an address that begins with ws:// or wss://") // without it: it may hold a password
	case u.Scheme == "ws" && o.Password != "" && !isLoopback(u.Hostname()):
		v.warn(key+".uri", "sends the password without encryption; use wss://")
	}
	v.ariApps(key+".apps", o)
	switch _, ok := v.c.ARI.Users[o.LocalUser]; {
	case o.LocalUser == "":
		v.bad(key+".local_user", "is missing; name the user of [ari.users] with whose rights requests are carried out")
	case !ok:
		v.bad(key+".local_user", "there is no user %q in [ari.users]%s", o.LocalUser, v.known(slices.Sorted(maps.Keys(v.c.ARI.Users))))
	}
	v.atLeast(key+".timeout", o.Timeout, 0)
	v.atLeast(key+".reconnect", o.Reconnect, 0)
	v.notNegative(key+".attempts", float64(o.Attempts))
	v.file(key+".ca_file", o.CAFile)
	v.pair(key, "cert_file", o.CertFile, "key_file", o.KeyFile)
	if o.Insecure {
		v.warn(key+".insecure", "accepts any certificate, so anybody in between can read along")
	}
}

// IsApplication says whether a text can be the name of an application.
func IsApplication(app string) bool {
	return app != "" && len(app) <= 72 && !strings.ContainsAny(app, " \t,")
}

// IsWebSocketURI says whether a text is an address that a WebSocket can be opened to.
func IsWebSocketURI(uri string) bool {
	u, err := url.Parse(uri)
	return err == nil && (u.Scheme == "ws" || u.Scheme == "wss") && u.Host != ""
}

// ariApps checks the applications of a connection. Two that keep the same one would
// take it from each other for ever.
func (v *validator) ariApps(key string, o ARIOutbound) {
	switch {
	case len(o.Apps) == 0:
		v.bad(key, "is empty; name the applications that the connection serves")
	case o.PerCall && len(o.Apps) > 1:
		v.bad(key, "has %d applications; with per_call there is exactly one", len(o.Apps))
	}
	for i, app := range o.Apps {
		if !IsApplication(app) {
			v.bad(fmt.Sprintf("%s[%d]", key, i), "%q cannot be an application; use 1 to 72 characters without commas and blanks", app)
		}
		n := 0
		for _, other := range v.c.ARI.Outbound {
			if slices.Contains(other.Apps, app) {
				n++
			}
		}
		if n > 1 {
			v.bad(fmt.Sprintf("%s[%d]", key, i), "application %q is in %d connections; each has one", app, n)
		}
	}
}
