package config

import (
	"fmt"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/number"
)

// validator collects what is wrong with a decoded configuration.
type validator struct {
	c        *Config
	places   map[string]place
	imported map[string]bool // "phones.100" comes from an Import
	mistakes Mistakes
	warnings Mistakes
}

func (v *validator) at(key, format string, args ...any) Mistake {
	p := v.place(key)
	return Mistake{File: p.file, Line: p.line, Key: key, Text: fmt.Sprintf(format, args...)}
}

func (v *validator) bad(key, format string, args ...any) {
	v.mistakes = append(v.mistakes, v.at(key, format, args...))
}

func (v *validator) warn(key, format string, args ...any) {
	v.warnings = append(v.warnings, v.at(key, format, args...))
}

// place finds where a key was written, or the table that it belongs to.
func (v *validator) place(key string) place {
	for key != "" {
		if p, ok := v.places[key]; ok {
			return p
		}
		if open := strings.LastIndexByte(key, '['); open > 0 && strings.HasSuffix(key, "]") {
			key = key[:open] // an element of a list stands where the list stands
			continue
		}
		key = key[:max(strings.LastIndexByte(key, '.'), 0)]
	}
	return place{}
}

func (v *validator) all() {
	v.server()
	v.http()
	v.sip()
	v.media()
	v.caps()
	v.originate()
	v.dialplan()
	v.callfile()
	v.aliases()
	v.ari()
	v.ami()
	v.dialproxy()
	v.directory()
	v.vodia()
	v.switchvox()
	v.links()
	v.imports()
	v.webrtc()
	v.console()
	v.cli()
	for _, name := range slices.Sorted(maps.Keys(v.c.Accounts)) {
		v.account("accounts."+name, v.c.Accounts[name])
	}
	for _, name := range slices.Sorted(maps.Keys(v.c.Phones)) {
		v.phone(name, v.c.Phones[name])
	}
	for _, name := range slices.Sorted(maps.Keys(v.c.Trunks)) {
		v.trunk(name, v.c.Trunks[name])
	}
	for i, r := range v.c.Routes {
		v.route(fmt.Sprintf("routes[%d]", i), r)
	}
	for i, in := range v.c.Inbound {
		v.inbound(fmt.Sprintf("inbound[%d]", i), in)
	}
	for _, name := range slices.Sorted(maps.Keys(v.c.Keys)) {
		v.key("keys."+name, v.c.Keys[name])
	}
}

func (v *validator) server() {
	s := v.c.Server
	if s.DataDir == "" {
		v.bad("server.data_dir", "is empty; name a directory that the server may write to")
	}
	v.oneOf("server.log_level", s.LogLevel, "debug", "info", "warn", "error")
	v.oneOf("server.log_format", s.LogFormat, "text", "json")
	v.atLeast("server.drain", s.Drain, 0)
}

func (v *validator) http() {
	h := v.c.HTTP
	if h.Listen != "" {
		v.hostPort("http.listen", h.Listen)
	}
	v.pair("http", "tls_cert", h.TLSCert, "tls_key", h.TLSKey)
	for i, o := range h.TrustedOrigins {
		u, err := url.Parse(o)
		if err != nil || u.Scheme == "" || u.Host == "" || u.Path != "" || u.RawQuery != "" {
			v.bad(fmt.Sprintf("http.trusted_origins[%d]", i), "%q is not an origin; write it as \"https://crm.example.com\"", o)
		}
	}
	v.oneOf("http.metrics", h.Metrics, "loopback", "key", "open")
	if h.MaxBody < 1024 {
		v.bad("http.max_body", "%d is too small for a request; use at least 1024", h.MaxBody)
	}
	if h.MaxStreams < 1 {
		v.bad("http.max_streams", "must be at least 1")
	}
	if host, _, err := net.SplitHostPort(h.Listen); err == nil && h.TLSCert == "" && !isLoopback(host) {
		v.warn("http.listen", "serves API keys without encryption beyond this machine; set tls_cert and tls_key or put a TLS proxy in front")
	}
}

func (v *validator) sip() {
	s := v.c.SIP
	if len(s.Listen) == 0 {
		v.bad("sip.listen", "is empty; add an address such as \"udp:0.0.0.0:5060\"")
	}
	tls := false
	for i, l := range s.Listen {
		key := fmt.Sprintf("sip.listen[%d]", i)
		transport, addr, ok := strings.Cut(l, ":")
		if !ok {
			v.bad(key, "%q has no transport; write it as \"udp:0.0.0.0:5060\"", l)
			continue
		}
		v.oneOf(key, transport, "udp", "tcp", "tls")
		v.hostPort(key, addr)
		tls = tls || transport == "tls"
	}
	v.pair("sip", "tls_cert", s.TLSCert, "tls_key", s.TLSKey)
	if tls && s.TLSCert == "" {
		v.bad("sip.tls_cert", "is missing; a tls listener needs a certificate and its key")
	}
	for prefix := range s.AdvertiseTo {
		if _, err := netip.ParsePrefix(prefix); err != nil {
			v.bad("sip.advertise_to", "%q is not a network; write it as \"10.0.0.0/8\"", prefix)
		}
	}
	if s.Domain == "" || strings.ContainsAny(s.Domain, " \t\"<>@;,") {
		v.bad("sip.domain", "%q cannot be a host name or realm", s.Domain)
	}
	if strings.ContainsAny(s.UserAgent, "\r\n") {
		v.bad("sip.user_agent", "must be one line")
	}
	v.atLeast("sip.session_expires", s.SessionExpires, 90*time.Second) // RFC 4028 §5
	v.atLeast("sip.min_se", s.MinSE, 90*time.Second)
	if s.SessionExpires.Duration < s.MinSE.Duration {
		v.bad("sip.session_expires", "%v is shorter than min_se %v", s.SessionExpires, s.MinSE)
	}
	if q := s.Qualify.Duration; q != 0 && q < time.Second {
		v.bad("sip.qualify", "%v is neither 0s nor at least 1s", s.Qualify)
	}
	v.notNegative("sip.qualify_failures", float64(s.QualifyFailures))
	v.notNegative("sip.max_forwards", float64(s.MaxForwards))
}

func (v *validator) media() {
	m := v.c.Media
	v.address("media.bind", m.Bind)
	v.address("media.advertise", m.Advertise)
	if m.Timeout.Duration != 0 {
		v.atLeast("media.timeout", m.Timeout, 5*time.Second)
	}
	if m.PortMin < 1024 || m.PortMax > 65535 || m.PortMax-m.PortMin < 3 {
		v.bad("media.port_min", "%d-%d is not a range of at least four ports between 1024 and 65535", m.PortMin, m.PortMax)
	}
	if m.Sounds != "" && !isDir(m.Sounds) {
		v.bad("media.sounds", "%s is not a directory that can be read", m.Sounds)
	}
	v.country("numbers.country", v.c.Numbers.Country)
}

func (v *validator) caps() {
	l := v.c.Limits
	v.notNegative("limits.channels", float64(l.Channels))
	v.notNegative("limits.cps", l.CPS)
	v.notNegative("limits.batch_channels", float64(l.BatchChannels))
	v.notNegative("limits.batch_cps", l.BatchCPS)
	v.notNegative("limits.batch_calls", float64(l.BatchCalls))
	v.notNegative("limits.requests_per_second", l.RequestsPerSecond)
	v.atLeast("retention.calls", v.c.Retention.Calls, 0)
	v.atLeast("retention.cdrs", v.c.Retention.CDRs, 0)
	v.atLeast("retention.events", v.c.Retention.Events, 0)
	v.atLeast("retention.audit", v.c.Retention.Audit, 0)
}

func (v *validator) originate() {
	o := v.c.Originate
	v.atLeast("originate.wait_time", o.WaitTime, time.Second)
	v.atLeast("originate.second_wait", o.SecondWait, time.Second)
	v.atLeast("originate.retry_wait", o.RetryWait, 0)
	v.accountRef("originate.account", o.Account)
}

func (v *validator) account(key string, a Account) {
	v.name(key)
	v.callerID(key+".caller_id", a.CallerID)
	v.country(key+".country", a.Country)
	v.prefixes(key+".allow", a.Allow)
	v.prefixes(key+".deny", a.Deny)
	v.notNegative(key+".channels", float64(a.Channels))
	v.notNegative(key+".cps", a.CPS)
	v.notNegative(key+".daily_calls", float64(a.DailyCalls))
	v.notNegative(key+".requests_per_second", a.RequestsPerSecond)
}

func (v *validator) phone(name string, p Phone) {
	key := "phones." + name
	v.name(key)
	v.password(key+".password", name, p.Password)
	v.callerID(key+".caller_id", p.CallerID)
	v.accountRef(key+".account", p.Account)
	v.endpoint(key, p.Codecs, p.SRTP, p.DTMF)
	v.notNegative(key+".max_contacts", float64(p.MaxContacts))
	if _, ok := v.c.Trunks[name]; ok {
		v.bad(key, "is also the name of a trunk; PJSIP/%s could mean either, rename one", name)
	}
}

// password checks a phone's. What is guessed first is a warning, and beside
// another mistake one too: warnings are not shown then.
func (v *validator) password(key, phone, password string) {
	if password == "" {
		v.bad(key, "is missing; without one anybody could call in this phone's name")
		return
	}
	guessed := v.warn
	switch short := len(password) < 8; {
	case short && v.imported["phones."+phone]:
		v.warn(key, "is shorter than 8 characters; phones are guessed at day and night")
	case short:
		v.bad(key, "is shorter than 8 characters; phones are guessed at day and night")
		guessed = v.bad
	}
	if password == phone || password == phone+phone || strings.Contains(strings.ToLower(password), "password") {
		guessed(key, "is among the first that are guessed; choose a random one")
	}
}

func (v *validator) trunk(name string, t Trunk) {
	key := "trunks." + name
	v.name(key)
	if t.Host == "" {
		v.bad(key+".host", "is missing; name the provider's SIP server")
	} else if strings.ContainsAny(t.Host, " /@;<>\t\r\n") {
		v.bad(key+".host", "%q is not a host name or address", t.Host)
	}
	if t.Port < 0 || t.Port > 65535 {
		v.bad(key+".port", "%d is not a port", t.Port)
	}
	v.oneOf(key+".transport", t.Transport, "", "udp", "tcp", "tls")
	if t.Register && (t.User == "" || t.Password == "") {
		v.bad(key+".register", "needs user and password of the account at the provider")
	}
	v.callerID(key+".caller_id", t.CallerID)
	v.accountRef(key+".account", t.Account)
	v.endpoint(key, t.Codecs, t.SRTP, t.DTMF)
	for i, id := range t.Identity {
		v.oneOf(fmt.Sprintf("%s.identity[%d]", key, i), id, "pai", "rpid", "privacy")
	}
	for i, m := range t.Match {
		if _, err := netip.ParsePrefix(m); err != nil {
			v.bad(fmt.Sprintf("%s.match[%d]", key, i), "%q is not a network; write it as \"198.51.100.0/24\", a single address as \"198.51.100.7/32\"", m)
		}
	}
	if e := t.Expires.Duration; e != 0 && e < time.Minute {
		v.bad(key+".expires", "%v is shorter than 1m", t.Expires)
	}
	if q := t.Qualify.Duration; q > 0 && q < time.Second {
		v.bad(key+".qualify", "%v is shorter than 1s", t.Qualify)
	}
	v.notNegative(key+".channels", float64(t.Channels))
	v.notNegative(key+".cps", t.CPS)
	v.pair(key, "tls_cert", t.TLSCert, "tls_key", t.TLSKey)
	v.file(key+".tls_roots", t.TLSRoots)
}

func (v *validator) route(key string, r Route) {
	v.match(key+".match", r.Match)
	if r.Trunk == "" {
		v.bad(key+".trunk", "is missing; name the trunk by which these numbers leave")
	} else if _, ok := v.c.Trunks[r.Trunk]; !ok {
		v.bad(key+".trunk", "there is no trunk %q%s", r.Trunk, v.known(slices.Sorted(maps.Keys(v.c.Trunks))))
	}
	v.notNegative(key+".strip", float64(r.Strip))
	if r.Prepend != "" && !number.IsDialable(r.Prepend+"0") {
		v.bad(key+".prepend", "%q is not made of digits, * and #, with + only in front", r.Prepend)
	}
	v.callerID(key+".caller_id", r.CallerID)
	for i, a := range r.Accounts {
		v.accountRef(fmt.Sprintf("%s.accounts[%d]", key, i), a)
	}
}

func (v *validator) inbound(key string, in Inbound) {
	v.match(key+".match", in.Match)
	if in.To == "" {
		v.bad(key+".to", "is missing; name the phone or number to ring")
	}
}

// Scopes lists what an API key may be allowed to do.
func Scopes() []string {
	return []string{"calls:read", "calls:write", "events:read", "endpoints:read", "metrics:read", "admin"}
}

func (v *validator) key(key string, k Key) {
	v.name(key)
	if !strings.HasPrefix(k.Hash, "$argon2id$") {
		v.bad(key+".hash", "is not an argon2id hash; `dialwright config key NAME` makes a key and prints its hash")
	}
	if len(k.Scopes) == 0 {
		v.bad(key+".scopes", "is empty, so the key could do nothing; add some of %s", strings.Join(Scopes(), ", "))
	}
	for i, s := range k.Scopes {
		v.oneOf(fmt.Sprintf("%s.scopes[%d]", key, i), s, Scopes()...)
	}
	v.accountRef(key+".account", k.Account)
}

// The checks that several keys share.

func (v *validator) oneOf(key, value string, allowed ...string) {
	if slices.Contains(allowed, value) {
		return
	}
	words := slices.DeleteFunc(slices.Clone(allowed), func(s string) bool { return s == "" })
	text := fmt.Sprintf("%q is not one of %s", value, strings.Join(words, ", "))
	if guess := nearest(value, words); guess != "" && value != "" {
		text += "; did you mean " + guess + "?"
	}
	v.bad(key, "%s", text)
}

func (v *validator) notNegative(key string, n float64) {
	if !(n >= 0) || n > 1e9 {
		v.bad(key, "%v must be a number from 0 to 1000000000", n)
	}
}

func (v *validator) atLeast(key string, d Duration, least time.Duration) {
	if d.Duration < least {
		v.bad(key, "%v is shorter than %v", d, Duration{least})
	}
}

func (v *validator) hostPort(key, s string) {
	_, port, err := net.SplitHostPort(s)
	if err != nil {
		v.bad(key, "%q is not host:port, such as \"127.0.0.1:8088\"", s)
		return
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		v.bad(key, "%q is not a port from 0 to 65535", port)
	}
}

func (v *validator) country(key, c string) {
	if c != "" && (len(c) != 2 || strings.ToUpper(c) != c) {
		v.bad(key, "%q is not an ISO 3166 code; write it as \"DE\" or \"US\"", c)
	}
}

func (v *validator) address(key, s string) {
	if s == "" {
		return
	}
	if _, err := netip.ParseAddr(s); err != nil {
		v.bad(key, "%q is not an IP address", s)
	}
}

func (v *validator) pair(table, certKey, cert, keyKey, key string) {
	switch {
	case cert == "" && key != "":
		v.bad(table+"."+certKey, "is missing, but %s is set; a certificate and its key go together", keyKey)
	case cert != "" && key == "":
		v.bad(table+"."+keyKey, "is missing, but %s is set; a certificate and its key go together", certKey)
	}
	v.file(table+"."+certKey, cert)
	v.file(table+"."+keyKey, key)
}

func (v *validator) file(key, name string) {
	if name == "" {
		return
	}
	f, err := os.Open(name)
	if err != nil {
		v.bad(key, "%s: %s", name, readAdvice(err))
		return
	}
	_ = f.Close() // opened for reading only
}

func (v *validator) callerID(key, s string) {
	if strings.ContainsAny(s, "\r\n\x00") {
		v.bad(key, "must be one line")
		return
	}
	name, num := number.SplitCallerID(s)
	switch {
	case strings.ContainsAny(s, "<>") && !(strings.Count(s, "<") == 1 && strings.Count(s, ">") == 1 && strings.HasSuffix(strings.TrimSpace(s), ">")):
		v.bad(key, "%q has no pair of angle brackets at its end; write it as \"Sales\" <+4930123456>", s)
	case strings.Count(strings.NewReplacer(`\\`, "", `\"`, "").Replace(s), `"`)%2 != 0:
		v.bad(key, "%q has a quote without another; write it as \"Sales\" <+4930123456>", s)
	case num != "" && !number.IsDialable(num):
		v.bad(key, "%q is not a number; write it as \"Sales\" <+4930123456>", num)
	case num == "" && strings.HasSuffix(strings.TrimSpace(s), ">"):
		v.bad(key, "%q has no number between its brackets; write it as \"Sales\" <+4930123456>", s)
	case num == "" && name != "" && strings.HasPrefix(s, name) && strings.ContainsRune("+0123456789", rune(name[0])):
		v.bad(key, "%q is not a number; write it as \"Sales\" <+4930123456>, a name that begins with a digit in quotes", s)
	}
}

func (v *validator) prefixes(key string, list []string) {
	for i, p := range list {
		if !number.IsDialable(strings.TrimPrefix(p, "+")) {
			v.bad(fmt.Sprintf("%s[%d]", key, i), "%q is not the beginning of a number; write it as \"+4930\"", p)
		}
	}
}

func (v *validator) match(key, s string) {
	if strings.HasPrefix(s, "_") {
		if _, err := number.ParsePattern(s); err != nil {
			v.bad(key, "%v", err)
		}
		return
	}
	if s != "" && s != "+" && !number.IsDialable(s) {
		v.bad(key, "%q is neither the beginning of a number nor a pattern; patterns begin with _", s)
	}
}

func (v *validator) accountRef(key, name string) {
	if name == "" {
		return
	}
	if _, ok := v.c.Accounts[name]; !ok {
		v.bad(key, "there is no account %q%s", name, v.known(slices.Sorted(maps.Keys(v.c.Accounts))))
	}
}

func (v *validator) known(names []string) string {
	if len(names) == 0 {
		return "; there is none at all"
	}
	if len(names) > 8 {
		names = append(names[:8:8], "…")
	}
	return "; known are " + strings.Join(names, ", ")
}

// Codecs lists the names of codecs, those of SDP and those of Asterisk.
func Codecs() []string { return []string{"opus", "g722", "pcmu", "pcma", "ulaw", "alaw"} }

func (v *validator) endpoint(key string, codecs []string, srtp, dtmf string) {
	for i, c := range codecs {
		v.oneOf(fmt.Sprintf("%s.codecs[%d]", key, i), strings.ToLower(c), Codecs()...)
	}
	v.oneOf(key+".srtp", srtp, "", "off", "optional", "required")
	v.oneOf(key+".dtmf", dtmf, "", "auto", "rfc4733", "info", "inband")
}

// name checks the key of a table that the operator names, behind that of its kind.
func (v *validator) name(key string) {
	_, name, _ := strings.Cut(key, ".")
	v.named(key, name)
}

// named checks such a name.
func (v *validator) named(key, name string) {
	if name == "" || len(name) > 64 || strings.ContainsFunc(name, func(r rune) bool {
		return r <= ' ' || r > '~' || strings.ContainsRune(`/@;,<>"&:?=`, r)
	}) {
		v.bad(key, "cannot be a name; use letters, digits, - and _, at most 64")
	}
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback()
}
