package sip

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/call"
)

// Config is everything the SIP technology is told. Phones, Trunks, Qualify,
// QualifyFailures and MaxForwardsFollow can be changed while it runs (Reload);
// the other fields need a restart.
type Config struct {
	Listen    []Listener // addresses to serve; at least one
	Overrides []Override // advertised addresses per peer network (NAT)
	Domain    string     // realm of the digest and host of our own addresses ("pbx.example.com"); "" = realm "dialwright" and the listener's host
	UserAgent string     // User-Agent and Server header; "" = "Dialwright"

	SessionExpires time.Duration // RFC 4028 interval that we offer; 0 = 1800 s
	MinSE          time.Duration // shortest interval that we accept; 0 = 90 s

	Qualify           time.Duration // how often contacts and trunks are asked with OPTIONS; 0 = never
	QualifyFailures   int           // unanswered OPTIONS in a row until an endpoint counts as unreachable; 0 = 2
	MaxForwardsFollow int           // 302 hops that are followed per leg, where following is on; 0 = 3

	BrowserAddr netip.Addr // where browsers send their media, when that is not the address of its port; invalid = as bound

	Phones []Phone
	Trunks []Trunk
}

// Listener is one address that is served.
type Listener struct {
	Transport string      // "udp", "tcp", "tls"
	Addr      string      // "0.0.0.0:5060"; port 0 takes a free one
	Advertise string      // host[:port] shown to peers in Via and Contact; "" = the address itself
	TLS       *tls.Config // certificate of a "tls" listener
}

// Override is the host that peers of a network are shown instead of the
// listener's own (rule N7).
type Override struct {
	Prefix netip.Prefix
	Host   string
}

// The SRTP policies of an endpoint (rule S6).
const (
	SRTPOff      = "off"
	SRTPOptional = "optional" // offered; an answer without it is taken
	SRTPRequired = "required" // an answer without it ends the call with cause 58
)

// The ways in which digits travel.
const (
	DTMFAuto    = "auto"    // RFC 4733 if the peer has telephone-event, else SIP INFO
	DTMFRFC4733 = "rfc4733" // named events only
	DTMFInfo    = "info"    // SIP INFO only (RFC 6086, application/dtmf-relay)
	DTMFInband  = "inband"  // tones in the audio
)

// Phone is a device that registers with us.
type Phone struct {
	Name        string         // user part of its address of record and of its digest ("101"); no / @ or space
	Password    string         // digest secret, at least 1 character
	DisplayName string         // "Alice"; shown to those it calls unless CallerID has a name
	CallerID    call.CallerID  // of calls that it makes; zero = Name and DisplayName
	Context     string         // where its calls are routed; "" = "default"
	Account     call.AccountID // on whose behalf it calls; "" = the server's default account
	Codecs      []string       // order of preference; empty = G722, PCMU, PCMA; opus only where it is named
	SRTP        string         // "off" (also ""), "optional", "required"
	AutoAnswer  string         // brand ("snom", "yealink", …) or "call-info", "alert-info", "both" (also ""), "none": see AutoAnswerHeaders
	NAT         bool           // behind NAT: media goes to where its signalling comes from if it writes a private address
	MaxContacts int            // devices that may register under the name; 0 = 5
	DTMF        string         // "auto" (also ""), "rfc4733", "info", "inband"
	Forward     bool           // follow its 302
	PAI         bool           // send it P-Asserted-Identity
	RPID        bool           // send it Remote-Party-ID
}

// Trunk is a peer that carries calls to and from elsewhere: a provider or
// another exchange.
type Trunk struct {
	Name      string // "carrier"; no / @ or space
	Host      string // host name or address of its SIP server
	Port      int    // 0 = by DNS SRV, else the transport's default
	Transport string // "udp" (also ""), "tcp", "tls"

	User       string // account at the provider: user part of our registration; "" = no digest
	Password   string // secret of the account
	AuthUser   string // digest user name where it differs; "" = User
	FromUser   string // fixed user part of From; "" = the caller's number, anonymous without one
	FromDomain string // host part of From; "" = Host

	Register      bool          // register with the provider
	Expires       time.Duration // interval of the registration; 0 = 300 s
	OutboundProxy string        // first hop, "sip:proxy.example.com;lr" or host[:port]; "" = none

	Codecs   []string      // order of preference; empty = G722, PCMU, PCMA
	SRTP     string        // "off" (also ""), "optional", "required"
	Identity TrunkIdentity // how the caller ID is shown

	Match   []netip.Prefix // sources that are this trunk; literal addresses in Host always are
	Context string         // where its calls are routed; "" = "from-trunk", which must not dial out
	Account call.AccountID // on whose behalf its calls are carried on

	Forward bool          // follow its 302
	Qualify time.Duration // interval of OPTIONS to it; 0 = Config.Qualify, negative = never
	DTMF    string        // "auto" (also ""), "rfc4733", "info", "inband"
	TLS     *tls.Config   // roots, client certificate and ServerName towards it; nil = system roots and Host
}

// TrunkIdentity says which headers carry the caller ID beside From.
type TrunkIdentity struct {
	PAI     bool // P-Asserted-Identity (RFC 3325)
	RPID    bool // Remote-Party-ID (draft-ietf-sip-privacy-04, what many PBXs read)
	Privacy bool // calls by this trunk are always private: anonymous From and Privacy: id
}

// The defaults of Config.
const (
	defaultDomain            = "dialwright"
	defaultUserAgent         = "Dialwright"
	defaultPhoneContext      = "default"
	defaultTrunkContext      = "from-trunk"
	defaultQualifyFailures   = 2
	defaultMaxForwardsFollow = 3
	defaultMaxContacts       = 5
	defaultTrunkExpires      = 300 * time.Second
)

var (
	codecNames  = []string{"opus", "G722", "PCMU", "PCMA", "GSM"}
	phoneCodecs = []string{"G722", "PCMU", "PCMA"} // without opus: it cannot be converted here
	trunkCodecs = []string{"G722", "PCMU", "PCMA"}
)

// withDefaults gives a copy of c in which every zero field that has a default
// carries it, and codec names have their canonical spelling.
func (c Config) withDefaults() Config {
	if c.Domain == "" {
		c.Domain = defaultDomain
	}
	if c.UserAgent == "" {
		c.UserAgent = defaultUserAgent
	}
	if c.QualifyFailures == 0 {
		c.QualifyFailures = defaultQualifyFailures
	}
	if c.MaxForwardsFollow == 0 {
		c.MaxForwardsFollow = defaultMaxForwardsFollow
	}
	c.Phones = slices.Clone(c.Phones)
	for i := range c.Phones {
		c.Phones[i] = c.Phones[i].withDefaults()
	}
	c.Trunks = slices.Clone(c.Trunks)
	for i := range c.Trunks {
		c.Trunks[i] = c.Trunks[i].withDefaults()
	}
	return c
}

func (p Phone) withDefaults() Phone {
	if p.Context == "" {
		p.Context = defaultPhoneContext
	}
	if p.SRTP == "" {
		p.SRTP = SRTPOff
	}
	if p.DTMF == "" {
		p.DTMF = DTMFAuto
	}
	if p.MaxContacts == 0 {
		p.MaxContacts = defaultMaxContacts
	}
	if len(p.Codecs) == 0 {
		p.Codecs = phoneCodecs
	}
	p.Codecs = canonicalCodecs(p.Codecs)
	return p
}

func (t Trunk) withDefaults() Trunk {
	if t.Context == "" {
		t.Context = defaultTrunkContext
	}
	if t.SRTP == "" {
		t.SRTP = SRTPOff
	}
	if t.DTMF == "" {
		t.DTMF = DTMFAuto
	}
	if t.Transport == "" {
		t.Transport = "udp"
	}
	if t.Expires == 0 {
		t.Expires = defaultTrunkExpires
	}
	if t.AuthUser == "" {
		t.AuthUser = t.User
	}
	if t.FromDomain == "" {
		t.FromDomain = t.Host
	}
	if len(t.Codecs) == 0 {
		t.Codecs = trunkCodecs
	}
	t.Codecs = canonicalCodecs(t.Codecs)
	return t
}

// canonicalCodecs spells known codec names as SDP does ("pcmu", "ulaw" →
// "PCMU") and keeps unknown ones, for Validate to name.
func canonicalCodecs(in []string) []string {
	out := make([]string, 0, len(in))
	for _, name := range in {
		if c := canonicalCodec(name); !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	return out
}

// canonicalCodec knows the names of SDP and those of Asterisk
// (Asterisk: main/codec_builtin.c).
func canonicalCodec(name string) string {
	switch strings.ToLower(name) {
	case "pcmu", "ulaw", "mulaw", "g711u":
		return "PCMU"
	case "pcma", "alaw", "g711a":
		return "PCMA"
	case "g722":
		return "G722"
	case "opus":
		return "opus"
	case "gsm":
		return "GSM"
	}
	return name
}

// Validate reports every mistake of c at once (errors.Join), each with its key
// path, in the order of the configuration.
func (c Config) Validate() error {
	var errs []error
	bad := func(path, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s: %s", path, fmt.Sprintf(format, args...)))
	}
	if len(c.Listen) == 0 {
		bad("sip.listen", "no listener; add one such as udp 0.0.0.0:5060")
	}
	for i, l := range c.Listen {
		c.validateListener(fmt.Sprintf("sip.listen[%d]", i), l, bad)
	}
	if c.Qualify < 0 || (c.Qualify > 0 && c.Qualify < time.Second) {
		bad("sip.qualify", "%v is not 0 or at least 1s", c.Qualify)
	}
	if c.MaxForwardsFollow < 0 {
		bad("sip.max_forwards_follow", "%d is negative", c.MaxForwardsFollow)
	}
	seen := map[string]string{}
	for i, p := range c.Phones {
		path := fmt.Sprintf("phones[%d] %q", i, p.Name)
		claimName(seen, path, "phone", p.Name, bad)
		p.validate(path, bad)
	}
	for i, t := range c.Trunks {
		path := fmt.Sprintf("trunks[%d] %q", i, t.Name)
		claimName(seen, path, "trunk", t.Name, bad)
		t.validate(path, bad)
	}
	return errors.Join(errs...)
}

func (c Config) validateListener(path string, l Listener, bad func(string, string, ...any)) {
	switch l.Transport {
	case "udp", "tcp", "ws":
	case "tls", "wss":
		if l.TLS == nil {
			bad(path+".tls", "a %s listener needs a certificate", l.Transport)
		}
	default:
		bad(path+".transport", "%q is not udp, tcp or tls", l.Transport)
	}
	if l.Addr == "" {
		bad(path+".addr", "missing; for example 0.0.0.0:5060")
	}
}

// claimName checks a name and that it is the only one: phones and trunks share
// one space because PJSIP/name may mean either.
func claimName(seen map[string]string, path, kind, name string, bad func(string, string, ...any)) {
	switch {
	case name == "":
		bad(path+".name", "missing")
	case strings.ContainsAny(name, "/@ \t\r\n;,<>\"&"):
		bad(path+".name", "must not contain any of / @ ; , < > \" & or blanks")
	case seen[name] != "":
		bad(path+".name", "already the name of a %s", seen[name])
	}
	seen[name] = kind
}

func (p Phone) validate(path string, bad func(string, string, ...any)) {
	if p.Password == "" {
		bad(path+".password", "missing; a phone without a password would let anybody call on its behalf")
	}
	if p.MaxContacts < 0 {
		bad(path+".max_contacts", "%d is negative", p.MaxContacts)
	}
	if p.AutoAnswer != "" {
		if _, ok := autoAnswerStyle(p.AutoAnswer); !ok {
			bad(path+".auto_answer", "%q is not a known brand; use one of %s", p.AutoAnswer, strings.Join(AutoAnswerBrands(), ", "))
		}
	}
	validateMedia(path, p.Codecs, p.SRTP, p.DTMF, bad)
}

func (t Trunk) validate(path string, bad func(string, string, ...any)) {
	if t.Host == "" {
		bad(path+".host", "missing")
	}
	if strings.ContainsAny(t.Host, " /@;<>\t\r\n") {
		bad(path+".host", "%q is not a host name or address", t.Host)
	}
	if t.Port < 0 || t.Port > 65535 {
		bad(path+".port", "%d is not a port", t.Port)
	}
	switch t.Transport {
	case "", "udp", "tcp", "tls":
	default:
		bad(path+".transport", "%q is not udp, tcp or tls", t.Transport)
	}
	if t.Register && t.User == "" {
		bad(path+".user", "missing; register = true needs the account's user")
	}
	if t.OutboundProxy != "" {
		if _, err := parseProxy(t.OutboundProxy); err != nil {
			bad(path+".outbound_proxy", "%v", err)
		}
	}
	validateMedia(path, t.Codecs, t.SRTP, t.DTMF, bad)
}

func validateMedia(path string, codecs []string, srtp, dtmf string, bad func(string, string, ...any)) {
	for _, name := range codecs {
		if !slices.Contains(codecNames, canonicalCodec(name)) {
			bad(path+".codecs", "%q is not one of %s", name, strings.Join(codecNames, ", "))
		}
	}
	switch srtp {
	case "", SRTPOff, SRTPOptional, SRTPRequired:
	default:
		bad(path+".srtp", "%q is not off, optional or required", srtp)
	}
	switch dtmf {
	case "", DTMFAuto, DTMFRFC4733, DTMFInfo, DTMFInband:
	default:
		bad(path+".dtmf", "%q is not auto, rfc4733, info or inband", dtmf)
	}
}
