package sdp

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// A browser's stream has a transport of its own kind: ICE finds the way
// (RFC 8839), DTLS makes the SRTP keys (RFC 5763, RFC 8842), RTP and RTCP share
// one port (RFC 8834 §4.5). Its lines beside those of any audio stream:
//
//	a=group:BUNDLE 0                     ours: one stream, so a group of one
//	a=ice-lite                           ours (RFC 8839 §5.3)
//	m=audio 40000 UDP/TLS/RTP/SAVPF 0 101
//	a=mid:0
//	a=ice-ufrag:Fl1z
//	a=ice-pwd:8qXkbkTZw4AGVjyaYZBB2t
//	a=fingerprint:sha-256 AB:CD:…
//	a=setup:actpass
//	a=candidate:1 1 udp 2130706431 192.0.2.1 40000 typ host
//	a=end-of-candidates
//
// The candidates of the peer are not looked at: an agent that is lite answers
// checks and sends none (RFC 8445 §2.5), so names of mDNS and addresses behind
// NATs are all the same to it.

// Browser is what our side of a browser's stream writes about its transport.
type Browser struct {
	Ufrag, Pwd  string           // of our ICE agent: 4-256 and 22-256 ice-chars
	Fingerprint string           // of our certificate, "sha-256 AB:CD:…"
	Candidates  []netip.AddrPort // where our agent is reached, best first
	// Renew makes other credentials for a browser that restarts ICE; those in
	// force stay good until it has moved. nil: a restart is refused.
	Renew func() (ufrag, pwd string)
}

// BrowserPeer is what was agreed about the transport of a browser's stream.
type BrowserPeer struct {
	Ufrag, Pwd   string   // of the peer's ICE agent
	Fingerprints []string // of the peer's certificate, any of which it may match: "sha-256 AB:CD:…", upper-case hex
	Client       bool     // we open the DTLS association; else the peer does
	Mid          string   // the stream's name, "" = none
}

// isBrowser says whether a transport is DTLS-SRTP (RFC 5764 §8).
func isBrowser(proto string) bool {
	return equalFold(proto, browserProto) || equalFold(proto, "UDP/TLS/RTP/SAVP")
}

const browserProto = "UDP/TLS/RTP/SAVPF"

// OffersBrowser says whether the audio stream of an offer is that of a browser.
func OffersBrowser(offer []byte) bool {
	s, err := Parse(offer)
	if err != nil {
		return false
	}
	i := slices.IndexFunc(s.Media, func(m Media) bool { return m.Type == "audio" && m.Port != 0 })
	return i >= 0 && isBrowser(s.Media[i].Proto)
}

// mid of the stream in our offers, until the peer has given it another.
func (n *Negotiator) mid() string {
	if n.peer != nil {
		return n.peer.Mid
	}
	return "0"
}

// transportLines are our a= lines of the stream.
func (n *Negotiator) transportLines(setup, mid string) []Attribute {
	b := n.local.Browser
	var out []Attribute
	if mid != "" {
		out = append(out, Attribute{"mid", mid})
	}
	// Without a name of stream and track, pages are told of a track without a stream (RFC 8830 §2).
	out = append(out, Attribute{"msid", "dialwright audio"},
		Attribute{"ice-ufrag", b.Ufrag}, Attribute{"ice-pwd", b.Pwd}, Attribute{"fingerprint", b.Fingerprint}, Attribute{"setup", setup})
	for i, c := range b.Candidates {
		// RFC 8445 §5.1.2.1: type preference 126 of a host, local preference by order, component 1
		priority := 126<<24 | (65535-i)<<8 | 255
		out = append(out, Attribute{"candidate", fmt.Sprintf("%d 1 udp %d %s %d typ host", i+1, priority, c.Addr(), c.Port())})
	}
	return append(out, Attribute{"end-of-candidates", ""}) // RFC 8840 §8.2
}

// sessionLines are our a= lines above all streams.
func (n *Negotiator) sessionLines(mid string) []Attribute {
	if n.local.Browser == nil {
		return nil
	}
	out := []Attribute{{"ice-lite", ""}}
	if mid != "" {
		out = append([]Attribute{{"group", "BUNDLE " + mid}}, out...) // RFC 8843 §7.3
	}
	return out
}

// acceptTransport takes the transport of an offer, and writes ours into the answer.
func (n *Negotiator) acceptTransport(s *Session, m, ours *Media, a *Agreed) error {
	p, setup, err := readTransport(s, m)
	if err != nil {
		return err
	}
	switch setup {
	case "actpass":
		// RFC 8842 §5.3 recommends active. We are lite, and learn where the browser is
		// from its checks: it opens, and no ClientHello of ours comes too early.
		p.Client = n.peer != nil && n.peer.Client
	case "active":
	case "passive":
		p.Client = true
	default:
		return refuse(BadTransport, "a=setup:%.20q in an offer", setup)
	}
	restart, err := n.continues(p)
	if err != nil {
		return err
	}
	if restart {
		if n.local.Browser.Renew == nil {
			return refuse(BadTransport, "ICE cannot be restarted here")
		}
		n.local.Browser.Ufrag, n.local.Browser.Pwd = n.local.Browser.Renew() // RFC 8839 §4.4.1.1.1
	}
	role := "passive"
	if p.Client {
		role = "active"
	}
	ours.Attributes = n.transportLines(role, p.Mid)
	a.Browser = &p
	return nil
}

// answeredTransport takes the transport of an answer.
func (n *Negotiator) answeredTransport(s *Session, m *Media) (*BrowserPeer, error) {
	if !isBrowser(m.Proto) {
		return nil, refuse(BadTransport, "the answer is %.30q", m.Proto)
	}
	p, setup, err := readTransport(s, m)
	if err != nil {
		return nil, err
	}
	switch setup { // RFC 8842 §5.4
	case "active":
	case "passive":
		p.Client = true
	default:
		return nil, refuse(BadTransport, "a=setup:%.20q in an answer", setup)
	}
	if _, err := n.continues(p); err != nil {
		return nil, err
	}
	return &p, nil
}

// continues checks that p goes on with the association in force. restart: with
// other ICE credentials (RFC 8839 §4.4.1.1.1).
func (n *Negotiator) continues(p BrowserPeer) (restart bool, err error) {
	if n.peer == nil {
		return false, nil
	}
	switch {
	case p.Client != n.peer.Client:
		return false, refuse(BadTransport, "the DTLS roles cannot change")
	case !slices.ContainsFunc(p.Fingerprints, func(f string) bool { return slices.Contains(n.peer.Fingerprints, f) }):
		return false, refuse(BadTransport, "the certificate cannot change")
	}
	return p.Ufrag != n.peer.Ufrag || p.Pwd != n.peer.Pwd, nil
}

// readTransport reads the lines of a stream, or where it has none those of the
// session.
func readTransport(s *Session, m *Media) (p BrowserPeer, setup string, err error) {
	if !m.RTCPMux {
		return p, "", refuse(BadTransport, "no a=rtcp-mux") // RFC 8834 §4.5
	}
	at := func(name string) string {
		if v, ok := m.Attr(name); ok {
			return v
		}
		return attr(s.Attributes, name)
	}
	p.Ufrag, p.Pwd = at("ice-ufrag"), at("ice-pwd")
	if !iceChars(p.Ufrag, 4) || !iceChars(p.Pwd, 22) {
		return p, "", refuse(BadTransport, "no usable ICE credentials")
	}
	for _, list := range [][]Attribute{m.Attributes, s.Attributes} {
		for _, a := range list {
			if f, ok := parseFingerprint(a); ok && len(p.Fingerprints) < maxFingerprints {
				p.Fingerprints = append(p.Fingerprints, f)
			}
		}
	}
	if len(p.Fingerprints) == 0 {
		return p, "", refuse(BadTransport, "no usable fingerprint of a certificate")
	}
	if p.Mid = attr(m.Attributes, "mid"); len(p.Mid) > 64 || strings.ContainsAny(p.Mid, " \t") {
		return p, "", refuse(BadTransport, "a=mid:%.20q", p.Mid)
	}
	return p, strings.ToLower(at("setup")), nil
}

// maxFingerprints bounds what is kept; browsers send one.
const maxFingerprints = 4

func attr(list []Attribute, name string) string {
	for _, a := range list {
		if equalFold(a.Name, name) {
			return a.Value
		}
	}
	return ""
}

// iceChars says whether v has at least n and at most 256 ice-chars (RFC 8839 §5.4).
func iceChars(v string, n int) bool {
	if len(v) < n || len(v) > 256 {
		return false
	}
	for _, r := range v {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '+' || r == '/') {
			return false
		}
	}
	return true
}

// hashSizes are the hashes that a fingerprint may be of; MD5 and SHA-1 are
// proof of nothing any more (RFC 8122 §5).
var hashSizes = map[string]int{"sha-256": 32, "sha-384": 48, "sha-512": 64}

// parseFingerprint reads "sha-256 4A:AD:…" (RFC 8122 §5).
func parseFingerprint(a Attribute) (string, bool) {
	if !equalFold(a.Name, "fingerprint") {
		return "", false
	}
	hash, digits, _ := strings.Cut(a.Value, " ")
	hash, digits = strings.ToLower(hash), strings.ToUpper(strings.TrimSpace(digits))
	size, known := hashSizes[hash]
	if !known || len(digits) != 3*size-1 {
		return "", false
	}
	for i := 2; i < len(digits); i += 3 {
		if digits[i] != ':' {
			return "", false
		}
	}
	if _, err := hex.DecodeString(strings.ReplaceAll(digits, ":", "")); err != nil {
		return "", false
	}
	return hash + " " + digits, true
}
