package asteriskconf

import (
	"cmp"
	"os"
	"strings"

	"github.com/dialwright/dialwright/internal/config"
	"github.com/dialwright/dialwright/internal/wire/conf"
)

// pjsip is pjsip.conf, its sections by type. Sections of one name and different
// types are different objects.
type pjsip struct {
	l             *loader
	endpoints     []*options // in order
	auths         map[string]*options
	aors          map[string]*options
	transports    map[string]*options
	identifies    map[string][]*options // by endpoint
	registrations []*registration
}

// registration is one type=registration.
type registration struct {
	*options
	server uri
	taken  bool // it belongs to an endpoint
}

// pjsip reads pjsip.conf.
func (l *loader) pjsip(file *conf.File) {
	p := &pjsip{
		l: l, auths: map[string]*options{}, aors: map[string]*options{},
		transports: map[string]*options{}, identifies: map[string][]*options{},
	}
	for _, s := range file.Sections {
		if !s.Hidden {
			p.sort(l.options(s, nil))
		}
	}
	registrations := p.assign()
	for _, e := range p.endpoints {
		p.endpoint(e, registrations[e])
	}
	for _, r := range p.registrations {
		if !r.taken {
			r.warn("", "the registration belongs to no endpoint: neither endpoint, outbound_auth nor the host of server_uri names one; it is left out")
		}
	}
}

// sort puts a section where it belongs.
func (p *pjsip) sort(o *options) {
	unique := func(m map[string]*options) {
		if other := m[o.s.Name]; other != nil {
			o.warn("", "is already defined at %s, which counts", other.s.Origin)
			return
		}
		m[o.s.Name] = o
	}
	switch kind := strings.ToLower(o.get("type")); kind {
	case "endpoint":
		p.endpoints = append(p.endpoints, o)
	case "auth":
		unique(p.auths)
	case "aor":
		unique(p.aors)
	case "transport":
		unique(p.transports)
		if p.transports[o.s.Name] == o {
			p.transport(o)
		}
	case "identify":
		e := cmp.Or(o.get("endpoint"), o.s.Name)
		p.identifies[e] = append(p.identifies[e], o)
	case "registration":
		server, ok := parseURI(o.get("server_uri"))
		if !ok {
			o.warn("server_uri", "server_uri cannot be read as an address; the registration is left out")
			return
		}
		p.registrations = append(p.registrations, &registration{options: o, server: server})
	case "global":
		p.global(o)
	case "system":
		o.rest(quietSystem())
	case "":
		o.warn("", "has no type and is left out")
	default:
		o.warn("type", "objects of type %s have no counterpart here; it is left out", kind)
	}
}

func quietSystem() []string {
	return []string{"timer_t1", "timer_b", "compact_headers", "threadpool_initial_size", "threadpool_auto_increment", "threadpool_idle_timeout", "threadpool_max_size", "disable_tcp_switch", "follow_early_media_fork", "accept_multiple_sdp_answers", "disable_rport"}
}

func (p *pjsip) global(o *options) {
	p.l.r.UserAgent = cmp.Or(o.get("user_agent"), p.l.r.UserAgent)
	p.l.r.Domain = cmp.Or(o.realm("default_realm"), p.l.r.Domain)
	o.rest([]string{
		"max_forwards", "keep_alive_interval", "contact_expiration_check_interval", "disable_multi_domain",
		"max_initial_qualify_time", "unidentified_request_period", "unidentified_request_count", "unidentified_request_prune_interval",
		"endpoint_identifier_order", "default_outbound_endpoint", "default_from_user", "debug", "mwi_tps_queue_high",
		"mwi_tps_queue_low", "mwi_disable_initial_unsolicited", "ignore_uri_user_options", "use_callerid_contact",
		"send_contact_status_on_update_registration", "taskprocessor_overload_trigger", "norefersub", "regcontext",
		"default_voicemail_extension", "allow_sending_180_after_183", "all_codecs_on_empty_reinvite", "default_auth_algorithms_uas",
		"default_auth_algorithms_uac",
	})
}

// transport takes a listener over.
func (p *pjsip) transport(o *options) {
	protocol := strings.ToLower(cmp.Or(o.get("protocol"), "udp"))
	bind := cmp.Or(o.get("bind"), "0.0.0.0")
	switch protocol {
	case "udp", "tcp":
	case "tls":
		if !p.l.certificate(o, o.get("cert_file"), o.get("priv_key_file")) {
			return
		}
	default:
		o.warn("protocol", "%s is not served; the transport is left out", protocol)
		return
	}
	p.l.listen(o, "bind", protocol, bind)
	r := p.l.r
	r.Advertise = cmp.Or(r.Advertise, withPort(o.get("external_signaling_address"), o.number("external_signaling_port")))
	r.MediaAdvertise = cmp.Or(r.MediaAdvertise, o.address("external_media_address"))
	if o.has("local_net") {
		o.ignore("local_net")
		if o.has("external_signaling_address") {
			o.warn("local_net", "local_net: peers within are shown the external address too, unless sip.advertise_to names another for them")
		}
	}
	o.rest([]string{
		"method", "cipher", "verify_server", "verify_client", "require_client_cert", "ca_list_file", "ca_list_path", "allow_reload",
		"async_operations", "tos", "cos", "symmetric_transport", "tcp_keepalive_enable", "tcp_keepalive_idle_time",
		"tcp_keepalive_interval_time", "tcp_keepalive_probe_count", "websocket_write_timeout", "allow_wildcard_certs", "password",
	})
}

// listen adds a listener.
func (l *loader) listen(o *options, key, protocol, bind string) {
	host, port, ok := splitHostPort(bind)
	if !ok {
		o.warn(key, "%s is no address to listen on; the transport is left out", bind)
		return
	}
	if port == 0 {
		port = 5060
		if protocol == "tls" {
			port = 5061
		}
	}
	l.r.Listen = append(l.r.Listen, protocol+":"+withPort(host, port))
}

// certificate takes the certificate of a tls listener over, false without one that can be read.
func (l *loader) certificate(o *options, cert, key string) bool {
	key = cmp.Or(key, cert) // chan_sip has both in one file
	for _, name := range []string{cert, key} {
		f, err := os.Open(name)
		if err != nil {
			o.warn("", "the certificate of the tls transport cannot be read (%v); it is left out", err)
			return false
		}
		_ = f.Close() // opened for reading only
	}
	if l.r.TLSCert != "" && l.r.TLSCert != cert {
		o.warn("", "there is one certificate for all tls transports here: %s", l.r.TLSCert)
		return true
	}
	l.r.TLSCert, l.r.TLSKey = cert, key
	return true
}

// endpoint takes an endpoint over as a phone, or as a trunk if there is anything
// by which its address is known.
func (p *pjsip) endpoint(e *options, r *registration) {
	name := e.s.Name
	aors := e.list("aors")
	if len(aors) > 1 {
		e.warn("aors", "only the first of its aors counts: %s", aors[0])
	}
	aor, contacts := p.aor(e)
	if len(aors) > 0 && aor == nil {
		e.warn("aors", "there is no aor %s", aors[0])
	}
	if len(contacts) > 0 || r != nil || len(p.identifies[name]) > 0 {
		p.trunk(e, aor, contacts, r)
		return
	}
	if aor == nil {
		e.warn("", "nothing says where the endpoint is: it has no aor, no contact and no identify; it is left out")
		return
	}
	p.phone(e, aor)
}

// auth finds the auth that a key of the endpoint or registration names.
func (p *pjsip) auth(o *options, key string) *options {
	names := o.list(key)
	if len(names) == 0 {
		return nil
	}
	if len(names) > 1 {
		o.warn(key, "only the first of %s counts: %s", key, names[0])
	}
	a := p.auths[names[0]]
	if a == nil {
		o.warn(key, "there is no auth %s", names[0])
	}
	return a
}

// authPassword gives the password of an auth, reporting why there is none.
func authPassword(a *options) string {
	if a == nil {
		return ""
	}
	text := a.get("password")
	if text == "" && (a.has("md5_cred") || a.has("password_digest")) {
		a.warn("md5_cred", "holds a hash of the password only; here the password itself is needed")
	}
	a.ignore("auth_type", "username", "md5_cred", "password_digest", "realm", "nonce_lifetime", "supported_algorithms_uac", "supported_algorithms_uas")
	a.rest(nil)
	return text
}

// phone takes over an endpoint that registers.
func (p *pjsip) phone(e, aor *options) {
	name := aor.s.Name
	auth := p.auth(e, "auth")
	ph := config.Phone{
		Context:     cmp.Or(e.get("context"), "default"),
		Codecs:      e.codecs(),
		SRTP:        pjsipSRTP(e),
		DTMF:        pjsipDTMF(e),
		NAT:         e.yes("rewrite_contact") || e.yes("rtp_symmetric"),
		MaxContacts: aor.number("max_contacts"),
		Channels:    e.number("device_state_busy_at"),
		Password:    authPassword(auth),
	}
	e.phoneCallerID(&ph, e.get("callerid"), name)
	if auth != nil {
		if user := auth.get("username"); user != "" && user != name {
			auth.warn("username", "the phone has to log in as %s, the name of its aor, not as %s", name, user)
		}
	}
	if ph.MaxContacts == 0 {
		ph.MaxContacts = 1
		aor.warn("max_contacts", "max_contacts is 0, with which Asterisk lets no phone register; here one may")
	}
	e.ignore("outbound_auth", "from_user", "from_domain", "outbound_proxy")
	e.rest(quietEndpoint())
	aor.rest(quietAOR())
	p.l.addPhone(name, ph, e.s.Origin, e.s.Name)
}

func pjsipSRTP(e *options) string {
	switch kind := strings.ToLower(e.get("media_encryption")); kind {
	case "sdes":
		if e.yes("media_encryption_optimistic") {
			return "optional"
		}
		return "required"
	case "", "no":
	default:
		e.warn("media_encryption", "media_encryption = %s is not supported; only sdes is", kind)
	}
	return ""
}

func pjsipDTMF(e *options) string {
	switch kind := strings.ToLower(e.get("dtmf_mode")); kind {
	case "rfc4733", "auto", "info", "inband":
		return kind
	case "auto_info":
		return "auto"
	case "":
	default:
		e.warn("dtmf_mode", "dtmf_mode = %s is not known; auto counts", kind)
	}
	return ""
}

// quietEndpoint are the options of an endpoint that change nothing here that
// anybody could see or hear: how the signalling looks, and what always is so.
func quietEndpoint() []string {
	return []string{
		"type", "transport", "media_encryption_optimistic", "direct_media", "direct_media_method", "direct_media_glare_mitigation",
		"connected_line_method", "disable_direct_media_on_nat", "force_rport", "rewrite_contact", "rtp_symmetric", "ice_support",
		"allow_subscribe", "subscribe_context", "sub_min_expiry", "mwi_from_user", "mwi_subscribe_replaces_unsolicited",
		"aggregate_mwi", "mailboxes", "timers", "timers_min_se", "timers_sess_expires", "100rel", "use_ptime", "use_avpf", "force_avp",
		"media_use_received_transport", "rtp_timeout", "rtp_timeout_hold", "rtp_keepalive", "identify_by", "moh_suggest",
		"moh_passthrough", "sdp_owner", "sdp_session", "tos_audio", "tos_video", "cos_audio", "cos_video", "allow_transfer",
		"user_eq_phone", "trust_id_inbound", "trust_id_outbound", "send_history_info", "send_diversion", "inband_progress",
		"device_state_busy_at", "t38_udptl", "t38_udptl_ec", "t38_udptl_nat", "t38_udptl_ipv6", "t38_udptl_maxdatagram", "t38_bind_udptl_to_media_address",
		"fax_detect", "srtp_tag_32", "rtp_ipv6", "bind_rtp_to_media_address", "rtcp_mux", "asymmetric_rtp_codec", "refer_blind_progress",
		"notify_early_inuse_ringing", "max_audio_streams", "max_video_streams", "bundle", "preferred_codec_only", "codec_prefs_incoming_offer",
		"codec_prefs_outgoing_offer", "codec_prefs_incoming_answer", "codec_prefs_outgoing_answer", "incoming_call_offer_pref",
		"outgoing_call_offer_pref", "send_connected_line", "trust_connected_line", "ignore_183_without_sdp", "suppress_q850_reason_headers",
		"follow_early_media_fork", "accept_multiple_sdp_answers", "rpid_immediate", "g726_non_standard", "callerid_tag",
	}
}

func quietAOR() []string {
	return []string{
		"type", "remove_existing", "remove_unavailable", "minimum_expiration", "maximum_expiration", "default_expiration",
		"qualify_frequency", "qualify_timeout", "qualify_2xx_only", "authenticate_qualify", "support_path", "mailboxes",
	}
}
