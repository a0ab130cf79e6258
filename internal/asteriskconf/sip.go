package asteriskconf

import (
	"cmp"
	"strings"

	"github.com/dialwright/dialwright/internal/config"
	"github.com/dialwright/dialwright/internal/wire/conf"
)

// sip reads sip.conf, of the channel driver that Asterisk had before pjsip.
// [general] holds the defaults of the peers.
func (l *loader) sip(file *conf.File) {
	var general *options
	if s := file.Section("general"); s != nil && !s.Hidden {
		general = l.options(s, nil)
		l.sipGeneral(general)
	}
	registers := l.registers(general)
	for _, s := range file.Sections {
		name := strings.ToLower(s.Name)
		if s.Hidden || name == "general" || name == "authentication" {
			continue
		}
		l.sipPeer(l.options(s, general), registers)
	}
	if s := file.Section("authentication"); s != nil && len(s.Lines) > 0 {
		l.warn(s.Origin, "[authentication] has no counterpart here; give each trunk its own user and password")
	}
	for _, r := range registers {
		if !r.taken {
			t := config.Trunk{Host: r.host, Port: r.port, Transport: r.transport, Register: true, User: r.user, Password: r.secret, AuthUser: r.authUser}
			l.addTrunk(r.host, t, r.at, r.host)
		}
	}
	if general != nil {
		general.rest(quietGeneral())
	}
}

// sipGeneral takes the listeners over and what concerns the server as a whole.
func (l *loader) sipGeneral(o *options) {
	r := l.r
	if len(r.Listen) == 0 { // not beside those of pjsip.conf
		bind := cmp.Or(o.get("udpbindaddr", "bindaddr"), "0.0.0.0")
		if host, port, ok := splitHostPort(bind); ok && port == 0 {
			bind = withPort(host, cmp.Or(o.number("bindport", "port"), 5060))
		}
		l.listen(o, "bindaddr", "udp", bind)
		if o.yes("tcpenable") {
			l.listen(o, "tcpbindaddr", "tcp", cmp.Or(o.get("tcpbindaddr"), "0.0.0.0"))
		}
		if o.yes("tlsenable") && l.certificate(o, o.get("tlscertfile"), o.get("tlsprivatekey")) {
			l.listen(o, "tlsbindaddr", "tls", cmp.Or(o.get("tlsbindaddr"), "0.0.0.0"))
		}
	}
	r.Advertise = cmp.Or(r.Advertise, o.get("externaddr", "externip", "externhost"))
	r.MediaAdvertise = cmp.Or(r.MediaAdvertise, o.address("media_address"))
	r.Domain = cmp.Or(r.Domain, o.realm("realm"))
	r.UserAgent = cmp.Or(r.UserAgent, o.get("useragent"))
	if o.has("localnet") {
		o.ignore("localnet")
		if o.has("externaddr", "externip", "externhost") {
			o.warn("localnet", "localnet: peers within are shown the external address too, unless sip.advertise_to names another for them")
		}
	}
}

func quietGeneral() []string {
	return append(quietPeer(), "udpbindaddr", "bindaddr", "bindport", "port", "tcpenable", "tcpbindaddr", "tlsenable", "tlsbindaddr", "tlscertfile",
		"tlsprivatekey", "tlscafile", "tlscapath", "tlsdontverifyserver", "tlscipher", "tlsclientmethod", "allowguest", "alwaysauthreject", "srvlookup",
		"maxexpiry", "minexpiry", "defaultexpiry", "registertimeout", "registerattempts", "pedantic", "tos_sip", "tos_audio", "tos_video", "cos_sip",
		"cos_audio", "cos_video", "t1min", "timert1", "timerb", "rtpholdtimeout", "rtpkeepalive", "rtptimeout", "rtcachefriends", "rtupdate",
		"notifyringing", "notifyhold", "notifycid", "allowsubscribe", "callevents", "language", "mohinterpret", "mohsuggest", "tonezone", "jbenable",
		"match_auth_username", "externrefresh", "externtcpport", "externtlsport", "sdpsession", "sdpowner", "checkmwi", "buggymwi", "sipdebug",
		"recordhistory", "dumphistory", "autodomain", "domain", "allowexternaldomains", "compactheaders", "videosupport", "websocket_enabled")
}

// registerLine is a line "register => [transport://]user[@domain][:secret[:authuser]]@host[:port][/extension][~expiry]".
type registerLine struct {
	at                     conf.Origin
	user, secret, authUser string
	host, transport        string
	port                   int
	taken                  bool
}

// registers reads the register lines of [general].
func (l *loader) registers(general *options) []*registerLine {
	if general == nil {
		return nil
	}
	general.ignore("register")
	var out []*registerLine
	for _, line := range general.s.Lines {
		if !strings.EqualFold(line.Key, "register") {
			continue
		}
		r, ok := parseRegister(line.Value)
		if !ok {
			l.warn(line.Origin, "the register line cannot be read; it is left out")
			continue
		}
		r.at = line.Origin
		out = append(out, r)
	}
	return out
}

func parseRegister(text string) (*registerLine, bool) {
	var r registerLine
	if before, rest, ok := strings.Cut(text, "?"); ok && !strings.ContainsAny(before, "@:") { // peer?user…
		text = rest
	}
	if scheme, rest, ok := strings.Cut(text, "://"); ok {
		r.transport, text = strings.ToLower(scheme), rest
	}
	at := strings.LastIndexByte(text, '@')
	if at < 0 {
		return nil, false
	}
	login, server := text[:at], text[at+1:]
	server, _, _ = strings.Cut(server, "~")
	server, _, _ = strings.Cut(server, "/")
	parts := strings.SplitN(login, ":", 3)
	r.user, _, _ = strings.Cut(parts[0], "@")
	if len(parts) > 1 {
		r.secret = parts[1]
	}
	if len(parts) > 2 && parts[2] != r.user {
		r.authUser = parts[2]
	}
	var ok bool
	r.host, r.port, ok = splitHostPort(server)
	if r.transport == "udp" {
		r.transport = ""
	}
	return &r, ok && r.user != "" && (r.transport == "" || r.transport == "tcp" || r.transport == "tls")
}

// sipPeer takes one peer, user or friend over.
func (l *loader) sipPeer(o *options, registers []*registerLine) {
	switch kind := strings.ToLower(o.get("type")); kind {
	case "friend", "peer", "user":
	case "":
		o.warn("", "has no type and is left out")
		return
	default:
		o.warn("type", "type = %s is not known; it is left out", kind)
		return
	}
	host := o.get("host")
	if host == "" || strings.EqualFold(host, "dynamic") {
		l.sipPhone(o)
	} else {
		l.sipTrunk(o, host, registers)
	}
}

func (l *loader) sipPhone(o *options) {
	p := config.Phone{
		Password: sipSecret(o),
		Context:  cmp.Or(o.get("context"), "default"),
		Codecs:   o.codecs(),
		SRTP:     sipSRTP(o),
		DTMF:     sipDTMF(o),
		NAT:      sipNAT(o),
		Channels: cmp.Or(o.number("busylevel"), o.number("call-limit", "incominglimit")),
	}
	o.phoneCallerID(&p, o.get("callerid"), o.s.Name)
	if strings.Contains(o.get("insecure"), "invite") {
		o.warn("insecure", "insecure = invite has no effect: a phone has to log in")
	}
	o.ignore("host", "port", "username", "defaultuser", "defaultip", "fromuser", "fromdomain", "outboundproxy", "transport", "sendrpid", "qualify")
	o.rest(quietPeer())
	l.addPhone(o.s.Name, p, o.s.Origin, o.s.Name)
}

func (l *loader) sipTrunk(o *options, host string, registers []*registerLine) {
	t := config.Trunk{
		Host:          host,
		Port:          o.number("port"),
		User:          o.get("defaultuser", "username"),
		Password:      cmp.Or(o.get("remotesecret"), sipSecret(o)),
		FromUser:      o.get("fromuser"),
		FromDomain:    o.get("fromdomain"),
		OutboundProxy: o.get("outboundproxy"),
		Context:       o.get("context"),
		Codecs:        o.codecs(),
		SRTP:          sipSRTP(o),
		DTMF:          sipDTMF(o),
		CallerID:      o.callerID(o.get("callerid")),
		Channels:      o.number("call-limit"),
	}
	switch transport, _, _ := strings.Cut(strings.ToLower(o.get("transport")), ","); transport {
	case "tcp", "tls":
		t.Transport = transport
	case "", "udp":
	default:
		o.warn("transport", "transport = %s is not supported", transport)
	}
	switch strings.ToLower(o.get("sendrpid")) {
	case "yes", "true", "rpid":
		t.Identity = []string{"rpid"}
	case "pai":
		t.Identity = []string{"pai"}
	}
	switch value := strings.ToLower(o.get("qualify")); value {
	case "":
	case "no":
		t.Qualify = qualify(0)
	default: // the number is how long an answer may take, not the interval
		t.Qualify = config.Duration{}
	}
	for _, r := range registers {
		if !r.taken && strings.EqualFold(r.host, host) && (t.User == "" || t.User == r.user) {
			r.taken = true
			t.Register, t.User, t.Password, t.AuthUser = true, r.user, cmp.Or(r.secret, t.Password), r.authUser
			t.Port, t.Transport = cmp.Or(t.Port, r.port), cmp.Or(t.Transport, r.transport)
			break
		}
	}
	o.ignore("host", "insecure", "nat", "busylevel")
	o.rest(quietPeer())
	l.addTrunk(o.s.Name, t, o.s.Origin, o.s.Name)
}

// sipSecret gives the secret of a peer, reporting a hash of it.
func sipSecret(o *options) string {
	if o.has("md5secret") {
		o.ignore("md5secret")
		o.warn("md5secret", "md5secret is a hash of the secret; here the secret itself is needed")
	}
	return o.get("secret")
}

func sipSRTP(o *options) string {
	if o.yes("encryption") {
		return "required"
	}
	return ""
}

func sipDTMF(o *options) string {
	switch kind := strings.ToLower(o.get("dtmfmode")); kind {
	case "rfc2833", "rfc4733":
		return "rfc4733"
	case "info", "inband", "auto":
		return kind
	case "shortinfo":
		return "info"
	case "":
	default:
		o.warn("dtmfmode", "dtmfmode = %s is not known; auto counts", kind)
	}
	return ""
}

// sipNAT says whether packets are to be answered to where they come from.
func sipNAT(o *options) bool {
	for word := range strings.SplitSeq(strings.ToLower(o.get("nat")), ",") {
		switch strings.TrimSpace(word) {
		case "yes", "route", "force_rport", "comedia":
			return true
		}
	}
	return false
}

// quietPeer are the options of a peer that change nothing here that anybody
// could see or hear.
func quietPeer() []string {
	return []string{
		"type", "canreinvite", "directmedia", "directmediapermit", "directmediadeny", "mailbox", "vmexten", "subscribecontext", "subscribemwi",
		"callcounter", "trustrpid", "rpid_update", "progressinband", "session-timers", "session-expires", "session-minse", "session-refresher",
		"t38pt_udptl", "faxdetect", "qualifyfreq", "rtptimeout", "rtpholdtimeout", "rtpkeepalive", "promiscredir", "allowtransfer", "usereqphone",
		"ignoresdpversion", "videosupport", "maxcallbitrate", "icesupport", "avpf", "force_avp", "rfc2833compensate", "preferred_codec_only",
		"disallowed_methods", "timert1", "timerb", "g726nonstandard", "textsupport", "callingpres", "restrictcid", "amaflags", "subscribe",
		"context", "nat", "dtmfmode", "encryption", "secret", "callerid", "insecure", "transport", "qualify", "sendrpid", "host", "port",
		"busylevel", "call-limit", "incominglimit", "fromuser", "fromdomain", "outboundproxy", "defaultuser", "username", "remotesecret",
	}
}
