package config

import (
	"fmt"
	"maps"
	"net"
	"path/filepath"
	"slices"
	"strings"

	wire "github.com/dialwright/dialwright/internal/wire/ami"
)

func (v *validator) ami() {
	a := v.c.AMI
	v.amiListeners()
	v.pathPrefix("ami.prefix", a.Prefix)
	v.atLeast("ami.auth_timeout", a.AuthTimeout, Seconds(1).Duration)
	v.atLeast("ami.http_timeout", a.HTTPTimeout, Seconds(1).Duration)
	v.within("ami.auth_limit", a.AuthLimit, 1, 1<<20)
	v.within("ami.event_queue", a.EventQueue, 16, 1<<22)
	v.within("ami.event_queue_size", a.EventQueueSize, 1<<16, 1<<30)
	v.notNegative("ami.max_connections", float64(a.MaxConnections))
	for i, name := range a.ChannelVars {
		v.variableName(fmt.Sprintf("ami.channel_vars[%d]", i), name)
	}
	for i, name := range a.DisabledEvents {
		if name == "" || strings.ContainsAny(name, " \t,:\r\n") {
			v.bad(fmt.Sprintf("ami.disabled_events[%d]", i), "%q is not the name of an event", name)
		}
	}
	for i, app := range a.Applications {
		switch key := fmt.Sprintf("ami.applications[%d]", i); {
		case app == "" || strings.ContainsAny(app, " \t,()\r\n"):
			v.bad(key, "%q is not the name of an application", app)
		case wire.Dangerous(app, "", wire.None):
			v.bad(key, "%s is never run for Originate: whoever may log in would command this machine", app)
		}
	}
	folded := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(a.Users)) {
		v.amiUser(name, a.Users[name])
		lower := strings.ToLower(name)
		if other, ok := folded[lower]; ok {
			v.bad("ami.users."+name, "differs from %s by case only, which does not count at login", other)
		}
		folded[lower] = name
	}
}

// amiListeners checks where AMI is served.
func (v *validator) amiListeners() {
	a := v.c.AMI
	if a.Listen != "" {
		v.hostPort("ami.listen", a.Listen)
	}
	if a.TLSListen != "" {
		v.hostPort("ami.tls_listen", a.TLSListen)
		if a.TLSListen == a.Listen {
			v.bad("ami.tls_listen", "is the same as listen; take another port, usual is 5039")
		}
		if a.TLSCert == "" && a.TLSKey == "" {
			v.bad("ami.tls_listen", "needs a certificate and its key; set tls_cert and tls_key")
		}
	}
	v.pair("ami", "tls_cert", a.TLSCert, "tls_key", a.TLSKey)
	if a.Enabled && len(a.Users) > 0 && beyond(a.Listen) {
		v.warn("ami.listen", "serves secrets and calls without encryption beyond this machine; use tls_listen, and listen on 127.0.0.1")
	}
}

// beyond says whether an address to listen on can be reached from other machines.
func beyond(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	return err == nil && !isLoopback(host)
}

// amiBeyond names the key of a listener by which users can log in from other machines,
// "" if there is none.
func (v *validator) amiBeyond() string {
	a := v.c.AMI
	switch {
	case !a.Enabled:
		return ""
	case beyond(a.Listen):
		return "ami.listen"
	case beyond(a.TLSListen):
		return "ami.tls_listen"
	case a.Web && beyond(v.c.HTTP.Listen):
		return "http.listen"
	}
	return ""
}

func (v *validator) amiUser(name string, u AMIUser) {
	key := "ami.users." + name
	v.named(key, name)
	v.oneOf(key+".secret_format", u.SecretFormat, "", "plain", "crypt", "argon2id")
	v.amiSecret(key+".secret", name, u)
	v.networks(key+".permit", u.Permit)
	v.networks(key+".deny", u.Deny)
	v.classes(key+".read", u.Read)
	v.classes(key+".write", u.Write)
	for i, text := range u.Variables {
		if name, _, ok := strings.Cut(text, "="); !ok || name == "" || strings.ContainsAny(text, "\r\n\x00") {
			v.bad(fmt.Sprintf("%s.variables[%d]", key, i), "%q is not a variable; write it as \"NAME=value\"", text)
		}
	}
	for i, text := range u.Filters {
		if _, err := ParseEventFilter(text); err != nil {
			v.bad(fmt.Sprintf("%s.filters[%d]", key, i), "%q is not a filter: %v", text, err)
		}
	}
	v.atLeast(key+".write_timeout", u.WriteTimeout, 0)
	v.accountRef(key+".account", u.Account)
	v.notNegative(key+".per_second", u.PerSecond)
	v.notNegative(key+".at_once", float64(u.AtOnce))
	v.notNegative(key+".max_connections", float64(u.MaxConnections))
}

// ParseEventFilter reads a filter as ami.users.NAME.filters has it: a regular expression
// for whole events, in front of it "!" if it holds events back, or a line of manager.conf,
// "eventfilter(criteria) = pattern". Errors are those of wire/ami.ParseFilter.
func ParseEventFilter(text string) (wire.Filter, error) {
	if !strings.HasPrefix(text, "eventfilter") {
		return wire.ParseFilter("", text)
	}
	key, pattern, _ := strings.Cut(text, "=")
	return wire.ParseFilterLine(key, strings.TrimSpace(pattern))
}

// WellKnownSecret says whether a secret of AMI is among those that stand in examples and
// images, or among the first that are guessed (spec: ami 10.1, dialproxy 11 W5).
func WellKnownSecret(user, secret string) bool {
	user, secret = strings.ToLower(user), strings.ToLower(secret)
	known := []string{
		"", "webinterface", "admin", "manager", "amp111", "amp109", "secret", "secret5", "mysecret", "password", "passw0rd", "asterisk",
		"elastix", "freepbx", "letmein", "changeme", "change_me", "changethis", "default", "test", "guest", "root", "ami", "1234", "12345", "123456",
		"12345678", "123456789", "qwerty", "cron", "sendcron", "updatecron", "listencron", "jabber", "phpagi", "pbx", "snep", "phpconfig", "vicidial",
	}
	return slices.Contains(known, secret) || secret == user || secret == user+user || secret == user+"123"
}

func (v *validator) amiSecret(key, name string, u AMIUser) {
	beyond := v.amiBeyond()
	switch {
	case u.Secret == "":
		v.bad(key, "is missing; without one nobody could log in as this user")
	case u.SecretFormat == "crypt":
		if !IsCrypt(u.Secret) {
			v.bad(key, "is not a hash of crypt(3) that begins with $1$, $5$ or $6$; `openssl passwd -6` makes one")
		}
	case u.SecretFormat == "argon2id":
		if !isArgon2id(u.Secret) {
			v.bad(key, "is not a whole argon2id hash")
		}
	case strings.ContainsAny(u.Secret, "\r\n\x00"):
		v.bad(key, "must be one line")
	case WellKnownSecret(name, u.Secret) && beyond != "":
		v.bad(key, "is among the first that are guessed, and %s can be reached from other machines; choose a random one", beyond)
	case WellKnownSecret(name, u.Secret):
		v.warn(key, "is among the first that are guessed; choose a random one")
	case len(u.Secret) < 8:
		v.warn(key, "is shorter than 8 characters; whoever guesses it makes calls on your bill")
	}
}

// classes checks a list of classes of AMI.
func (v *validator) classes(key string, list []string) {
	for i, name := range list {
		v.oneOf(fmt.Sprintf("%s[%d]", key, i), name, amiClasses()...)
	}
}

// IsAMIClass says whether there is a class of that name.
func IsAMIClass(name string) bool { return slices.Contains(amiClasses(), name) }

// amiClasses lists the names of classes.
func amiClasses() []string {
	return []string{
		"system", "call", "log", "verbose", "command", "agent", "user", "config", "dtmf", "reporting", "cdr", "dialplan", "originate", "agi",
		"cc", "aoc", "test", "security", "message", "all", "none",
	}
}

func (v *validator) cli() {
	s := v.c.CLI.Socket
	if s == "" {
		return
	}
	switch {
	case !filepath.IsAbs(s):
		v.bad("cli.socket", "%q is not a whole path; write it as \"/var/run/asterisk/asterisk.ctl\"", s)
	case len(s) > maxSocketPath:
		v.bad("cli.socket", "has %d bytes; the path of a socket has at most %d", len(s), maxSocketPath)
	case !isDir(filepath.Dir(s)):
		v.bad("cli.socket", "%s is not a directory; make it first", filepath.Dir(s))
	}
}

// maxSocketPath bounds the path of a socket (unix(7); other systems have less than Linux).
const maxSocketPath = 103

// The checks that the sections of remote control share.

func (v *validator) within(key string, n, least, most int) {
	if n < least || n > most {
		v.bad(key, "%d is not from %d to %d", n, least, most)
	}
}

// pathPrefix checks the beginning of a path of HTTP, which may be empty.
func (v *validator) pathPrefix(key, p string) {
	if p != "" && !isPath(p) {
		v.bad(key, "%q is not the beginning of a path; write it as \"/asterisk\"", p)
	}
}

// isPath says whether a text is a path of HTTP without anything that would be escaped.
func isPath(p string) bool {
	return strings.HasPrefix(p, "/") && !strings.HasSuffix(p, "/") && !strings.ContainsAny(p, " ?#%{}")
}

func (v *validator) variableName(key, name string) {
	if name == "" || strings.ContainsAny(name, " \t,") {
		v.bad(key, "%q is not the name of a variable", name)
	}
}
