package asteriskconf

import (
	"cmp"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/config"
)

// assign gives each endpoint its registration: the one that names it, or that has
// its outbound_auth, or that registers where its contact points. What names an
// endpoint counts before what merely fits one that stands earlier in the file.
func (p *pjsip) assign() map[*options]*registration {
	out := map[*options]*registration{}
	for _, fits := range [...]func(e *options, r *registration) bool{
		func(e *options, r *registration) bool { return r.get("endpoint") == e.s.Name },
		func(e *options, r *registration) bool {
			auth := e.get("outbound_auth")
			return r.get("endpoint") == "" && auth != "" && r.get("outbound_auth") == auth
		},
		func(e *options, r *registration) bool { return r.get("endpoint") == "" && p.pointsAt(e, r.server) },
	} {
		for _, e := range p.endpoints {
			if out[e] != nil {
				continue
			}
			if i := slices.IndexFunc(p.registrations, func(r *registration) bool { return !r.taken && fits(e, r) }); i >= 0 {
				p.registrations[i].taken = true
				out[e] = p.registrations[i]
			}
		}
	}
	return out
}

// pointsAt says whether the contact of an endpoint is a server.
func (p *pjsip) pointsAt(e *options, server uri) bool {
	_, contacts := p.aor(e)
	if len(contacts) == 0 {
		return false
	}
	u, ok := parseURI(contacts[0])
	return ok && strings.EqualFold(server.host, u.host) && (server.port == u.port || server.port == 0 || u.port == 0)
}

// aor gives the first aor of an endpoint, nil without one, and its contacts.
func (p *pjsip) aor(e *options) (aor *options, contacts []string) {
	if names := e.list("aors"); len(names) > 0 {
		aor = p.aors[names[0]]
	}
	if aor != nil {
		contacts = aor.list("contact")
	}
	return aor, contacts
}

// trunk takes over an endpoint whose address is known.
func (p *pjsip) trunk(e, aor *options, contacts []string, r *registration) {
	t := config.Trunk{
		Context:    e.get("context"),
		FromUser:   e.get("from_user"),
		FromDomain: e.get("from_domain"),
		Codecs:     e.codecs(),
		SRTP:       pjsipSRTP(e),
		DTMF:       pjsipDTMF(e),
		CallerID:   e.callerID(e.get("callerid")),
	}
	if e.yes("send_pai") {
		t.Identity = append(t.Identity, "pai")
	}
	if e.yes("send_rpid") {
		t.Identity = append(t.Identity, "rpid")
	}
	p.transportOf(&t, e)
	p.address(&t, e, aor, contacts, r)
	p.match(&t, e)
	if a := p.auth(e, "outbound_auth"); a != nil {
		t.User, t.Password = a.get("username"), authPassword(a)
	}
	t.OutboundProxy = e.get("outbound_proxy")
	if r != nil {
		p.register(&t, r)
	}
	if aor != nil {
		if aor.has("qualify_frequency") {
			t.Qualify = qualify(aor.number("qualify_frequency"))
		}
		aor.ignore("max_contacts", "outbound_proxy")
		aor.rest(quietAOR())
	}
	if e.has("auth") {
		e.ignore("auth")
		e.warn("auth", "calls from it are known by their address; the login that auth asks for is not asked for here")
	}
	e.rest(quietEndpoint())
	p.l.addTrunk(e.s.Name, t, e.s.Origin, e.s.Name)
}

// transportOf takes the protocol of the transport that the endpoint names.
func (p *pjsip) transportOf(t *config.Trunk, e *options) {
	name := e.get("transport")
	if o := p.transports[name]; o != nil {
		switch protocol := strings.ToLower(o.get("protocol")); protocol {
		case "tcp", "tls":
			t.Transport = protocol
		}
	} else if name != "" {
		e.warn("transport", "there is no transport %s", name)
	}
}

// address takes the address over: that of the contact, else of the
// registration, else of the first identify.
func (p *pjsip) address(t *config.Trunk, e, aor *options, contacts []string, r *registration) {
	var u uri
	switch {
	case len(contacts) > 0:
		var ok bool
		if u, ok = parseURI(contacts[0]); !ok {
			aor.warn("contact", "%s cannot be read as an address", withoutPassword(contacts[0]))
		}
		if len(contacts) > 1 {
			aor.warn("contact", "only the first of its contacts counts: %s", withoutPassword(contacts[0]))
		}
		if u.user != "" {
			aor.warn("contact", "the contact has a user: dial it as PJSIP/%s@%s, not as PJSIP/%s", u.user, e.s.Name, e.s.Name)
		}
	case r != nil:
		u = r.server
	default:
		for _, id := range p.identifies[e.s.Name] {
			for _, m := range id.list("match") {
				if host, _, ok := splitHostPort(m); ok && u.host == "" {
					u.host = host
				}
			}
		}
	}
	t.Host, t.Port, t.Transport = u.host, u.port, cmp.Or(u.transport, t.Transport)
	if t.Transport == "udp" {
		t.Transport = ""
	}
}

// match takes the addresses over from which calls come.
func (p *pjsip) match(t *config.Trunk, e *options) {
	for _, id := range p.identifies[e.s.Name] {
		for _, m := range id.list("match") {
			if prefix, ok := network(m); ok {
				if a, err := netip.ParseAddr(t.Host); err != nil || prefix != netip.PrefixFrom(a, a.BitLen()).String() {
					t.Match = append(t.Match, prefix)
				}
			} else if !strings.EqualFold(m, t.Host) {
				id.warn("match", "match = %s is a name; write down its addresses", m)
			}
		}
		id.ignore("endpoint", "type", "srv_lookups")
		id.rest(nil)
	}
}

// register takes a registration over.
func (p *pjsip) register(t *config.Trunk, r *registration) {
	t.Register = true
	auth := p.auth(r.options, "outbound_auth")
	user := ""
	if auth != nil {
		user = auth.get("username")
		t.Password = authPassword(auth)
	}
	client, ok := parseURI(r.get("client_uri"))
	if !ok || client.user == "" {
		r.warn("client_uri", "client_uri names no user")
	}
	t.User = cmp.Or(client.user, user)
	if user != t.User {
		t.AuthUser = user
	}
	if !strings.EqualFold(client.host, t.Host) && !strings.EqualFold(client.host, r.server.host) && t.FromDomain == "" {
		t.FromDomain = client.host
	}
	if !strings.EqualFold(r.server.host, t.Host) {
		r.warn("server_uri", "the registration goes to %s, but calls go to %s; here both go to one", r.server.host, t.Host)
	}
	if n := r.number("expiration"); n > 0 {
		t.Expires = config.Seconds(max(n, 60))
		if n < 60 {
			r.warn("expiration", "expiration = %d is too short; 60 counts", n)
		}
	}
	t.OutboundProxy = cmp.Or(t.OutboundProxy, r.get("outbound_proxy"))
	r.ignore("endpoint", "server_uri", "type")
	r.rest([]string{
		"transport", "retry_interval", "forbidden_retry_interval", "fatal_retry_interval", "max_retries", "max_random_initial_delay",
		"auth_rejection_permanent", "line", "contact_user", "contact_header_params", "support_path", "support_outbound",
		"security_negotiation", "security_mechanisms", "user_agent",
	})
}

// qualify gives the interval of OPTIONS; 0 means never in Asterisk.
func qualify(seconds int) config.Duration {
	if seconds == 0 {
		return config.Duration{Duration: -time.Second}
	}
	return config.Seconds(seconds)
}

// withPort gives host:port, without a port if it is 0, and "" without host.
func withPort(host string, port int) string {
	if host == "" || port == 0 {
		return host
	}
	return net.JoinHostPort(host, strconv.Itoa(port))
}
