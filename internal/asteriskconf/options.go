package asteriskconf

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/dialwright/dialwright/internal/config"
	"github.com/dialwright/dialwright/internal/number"
	"github.com/dialwright/dialwright/internal/wire/conf"
)

// options are the lines of a section. It remembers which were looked at, so that
// those that nobody knows can be told.
type options struct {
	l      *loader
	s      *conf.Section
	used   map[string]bool
	parent *options // gives what the section leaves out; may be nil
}

func (l *loader) options(s *conf.Section, parent *options) *options {
	return &options{l: l, s: s, used: map[string]bool{}, parent: parent}
}

// get gives the last value of the first key that is there, "" if none is.
func (o *options) get(keys ...string) string {
	value := ""
	for _, key := range slices.Backward(keys) {
		o.used[key] = true
		if v, ok := o.s.Get(key); ok {
			value = v
		}
	}
	if value == "" && o.parent != nil {
		return o.parent.get(keys...)
	}
	return value
}

// has says whether one of the keys is there, in the section itself.
func (o *options) has(keys ...string) bool {
	return slices.ContainsFunc(keys, func(key string) bool {
		_, ok := o.s.Get(key)
		return ok
	})
}

// yes says whether a key means yes.
func (o *options) yes(keys ...string) bool { return conf.True(o.get(keys...)) }

// number gives a number from 0, and 0 for what is none.
func (o *options) number(keys ...string) int {
	text := o.get(keys...)
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > 1e9 {
		o.warn(keys[0], "%s = %s is not a number; it is ignored", keys[0], text)
		return 0
	}
	return n
}

// address gives an IP address, "" for a name, which is reported.
func (o *options) address(key string) string {
	text := o.get(key)
	if _, err := netip.ParseAddr(text); text != "" && err != nil {
		o.warn(key, "%s = %s is not an IP address; it is ignored", key, text)
		return ""
	}
	return text
}

// realm gives a word that can be a realm and a host name.
func (o *options) realm(key string) string {
	text := o.get(key)
	if strings.ContainsAny(text, " \t\"<>@;,") {
		o.warn(key, "%s = %s cannot be used as a host name too; it is ignored", key, text)
		return ""
	}
	return text
}

// list gives all values of a key, split at commas.
func (o *options) list(key string) []string {
	o.used[key] = true
	var out []string
	for _, line := range o.s.Lines {
		if !strings.EqualFold(line.Key, key) {
			continue
		}
		for item := range strings.SplitSeq(line.Value, ",") {
			if item = strings.TrimSpace(item); item != "" {
				out = append(out, item)
			}
		}
	}
	return out
}

// at gives the place of the last line with a key, else that of the section.
func (o *options) at(key string) conf.Origin {
	for _, line := range slices.Backward(o.s.Lines) {
		if strings.EqualFold(line.Key, key) {
			return line.Origin
		}
	}
	return o.s.Origin
}

func (o *options) warn(key, format string, args ...any) {
	o.l.warn(o.at(key), "["+o.s.Name+"] "+format, args...)
}

// rest reports the lines that were not looked at and are not among quiet.
func (o *options) rest(quiet []string) {
	for _, line := range o.s.Lines {
		key := strings.ToLower(line.Key)
		if !o.used[key] && !slices.Contains(quiet, key) {
			// Without the value: it may be a secret.
			o.l.warn(line.Origin, "[%s] %s has no counterpart here and is ignored", o.s.Name, line.Key)
		}
	}
}

// ignore counts keys as looked at.
func (o *options) ignore(keys ...string) {
	for _, key := range keys {
		o.used[key] = true
	}
}

// codecs follows the allow and disallow lines, in the order of the file.
func (o *options) codecs() []string {
	o.ignore("allow", "disallow")
	if o.parent != nil && !o.has("allow", "disallow") {
		return o.parent.codecs()
	}
	var out []string
	if o.parent != nil {
		out = o.parent.codecs()
	}
	unknown := false
	for _, line := range o.s.Lines {
		allow := strings.EqualFold(line.Key, "allow")
		if !allow && !strings.EqualFold(line.Key, "disallow") {
			continue
		}
		for name := range strings.FieldsFuncSeq(line.Value, func(r rune) bool { return r == ',' || r == '|' || r == ' ' }) {
			name, _, _ = strings.Cut(strings.ToLower(name), ":") // ulaw:20 has a packet length
			bare, not := strings.CutPrefix(name, "!")
			codec := ourCodec(bare)
			switch {
			case bare == "all" && (not || !allow):
				out = nil
			case bare == "all":
				out = config.Codecs()
			case codec == "" && allow && !not:
				unknown = true
				o.l.warn(line.Origin, "[%s] the codec %s is not supported; it is left out", o.s.Name, bare)
			case codec == "":
			case not || !allow:
				out = slices.DeleteFunc(out, func(c string) bool { return c == codec })
			case !slices.Contains(out, codec):
				out = append(out, codec)
			}
		}
	}
	if len(out) == 0 && unknown {
		o.warn("allow", "none of its codecs is supported; the usual ones are offered")
	}
	return out
}

// ourCodec gives our name of a codec, "" if we do not have it.
func ourCodec(name string) string {
	switch name {
	case "ulaw", "pcmu", "g711u", "mulaw":
		return "pcmu"
	case "alaw", "pcma", "g711a":
		return "pcma"
	case "g722", "opus":
		return name
	}
	return ""
}

// callerID writes a caller ID as our configuration has it, "" for one without
// number or name. A number that is none is reported and left out.
func (o *options) callerID(text string) string {
	name, num := o.nameAndNumber(text)
	switch {
	case name == "" && num == "":
		return ""
	case num == "":
		return `"` + name + `"`
	case name == "":
		return "<" + num + ">"
	}
	return `"` + name + `" <` + num + ">"
}

// nameAndNumber splits a caller ID, leaving out, and reporting, what ours cannot be.
func (o *options) nameAndNumber(text string) (name, num string) {
	if strings.EqualFold(text, "asreceived") { // as if there were none
		return "", ""
	}
	name, num = number.SplitCallerID(text)
	if strings.ContainsAny(name, "\"\\<>\r\n\x00") {
		o.warn("callerid", "the name in callerid = %s cannot be used", text)
		name = ""
	}
	if num != "" && !number.IsDialable(num) {
		o.warn("callerid", "%s is not a number; it is left out of the caller ID", num)
		num = ""
	}
	return name, num
}

// phoneCallerID sets how a phone shows itself.
func (o *options) phoneCallerID(p *config.Phone, text string, phone string) {
	name, num := o.nameAndNumber(text)
	p.DisplayName = name
	if num != "" && num != phone {
		p.CallerID = o.callerID(text)
	}
}

// uri is a SIP address, as far as it matters here.
type uri struct {
	user, host string
	port       int    // 0 = none given
	transport  string // udp, tcp, tls, or "" where nothing is said
}

// parseURI reads "sip:user@host:5060;transport=tcp", with "sip:" or without. What
// cannot be read gives the zero uri.
func parseURI(text string) (uri, bool) {
	var u uri
	text = strings.Trim(strings.TrimSpace(text), "<>")
	scheme, rest, ok := strings.Cut(text, ":")
	switch {
	case ok && strings.EqualFold(scheme, "sip"):
		text = rest
	case ok && strings.EqualFold(scheme, "sips"):
		text, u.transport = rest, "tls"
	}
	text, params, _ := strings.Cut(text, ";")
	for p := range strings.SplitSeq(params, ";") {
		if key, value, _ := strings.Cut(strings.ToLower(p), "="); key == "transport" && u.transport == "" {
			u.transport = value
		}
	}
	text, _, _ = strings.Cut(text, "?")
	if i := strings.LastIndexByte(text, '@'); i >= 0 {
		u.user, text = text[:i], text[i+1:]
		u.user, _, _ = strings.Cut(u.user, ":") // a password
	}
	u.host, u.port, ok = splitHostPort(text)
	if !ok || u.transport != "" && u.transport != "udp" && u.transport != "tcp" && u.transport != "tls" {
		return uri{}, false
	}
	return u, true
}

// withoutPassword gives an address as it may be shown: "sip:user:secret@host" with
// stars for the secret, whatever else is wrong with it.
func withoutPassword(text string) string {
	login, host, ok := cutLast(text, "@")
	if !ok {
		return text
	}
	scheme := ""
	if i := strings.IndexByte(login, ':'); i >= 0 && (strings.EqualFold(login[:i], "sip") || strings.EqualFold(login[:i], "sips")) {
		scheme, login = login[:i+1], login[i+1:]
	}
	if user, _, ok := strings.Cut(login, ":"); ok {
		login = user + ":***"
	}
	return scheme + login + "@" + host
}

// cutLast is strings.Cut at the last sep.
func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// splitHostPort splits "host", "host:port", "[2001:db8::1]:port" and a bare IPv6 address.
func splitHostPort(text string) (host string, port int, ok bool) {
	if _, err := netip.ParseAddr(text); err == nil {
		return text, 0, true
	}
	host, rest := text, ""
	if strings.HasPrefix(text, "[") {
		end := strings.IndexByte(text, ']')
		if end < 0 {
			return "", 0, false
		}
		host, rest = text[1:end], text[end+1:]
	} else if i := strings.IndexByte(text, ':'); i >= 0 {
		host, rest = text[:i], text[i:]
	}
	if rest != "" {
		n, err := strconv.Atoi(strings.TrimPrefix(rest, ":"))
		if err != nil || n < 0 || n > 65535 {
			return "", 0, false
		}
		port = n
	}
	return host, port, host != "" && !strings.ContainsAny(host, " /@;<>[]\t")
}

// network gives a prefix for an address or network, false for a name. Masks may
// be written as 24 or 255.255.255.0.
func network(text string) (string, bool) {
	addr, mask, hasMask := strings.Cut(text, "/")
	a, err := netip.ParseAddr(addr)
	if err != nil {
		return "", false
	}
	bits := a.BitLen()
	if hasMask {
		n, err := strconv.Atoi(mask)
		if m, err2 := netip.ParseAddr(mask); err2 == nil && m.Is4() && a.Is4() {
			n, err = maskBits(m.As4())
		}
		if err != nil || n < 0 || n > bits {
			return "", false
		}
		bits = n
	}
	return netip.PrefixFrom(a, bits).Masked().String(), true
}

// maskBits counts the bits of a mask such as 255.255.255.0.
func maskBits(mask [4]byte) (int, error) {
	n := uint32(mask[0])<<24 | uint32(mask[1])<<16 | uint32(mask[2])<<8 | uint32(mask[3])
	bits := 0
	for n&(1<<31) != 0 {
		bits++
		n <<= 1
	}
	if n != 0 {
		return 0, strconv.ErrSyntax
	}
	return bits, nil
}
