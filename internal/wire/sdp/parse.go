package sdp

import (
	"bytes"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Parse reads a session description, as leniently as design rule S1 says.
// The error is an *Error: TooBig, or NoAudio when there is no m= line at all.
func Parse(b []byte) (*Session, error) {
	if len(b) > MaxSize {
		return nil, refuse(TooBig, "%d bytes", len(b))
	}
	p := parser{s: &Session{Name: "-", Origin: Origin{Username: "-", Addr: "0.0.0.0"}}}
	for line := range bytes.SplitSeq(b, []byte("\n")) {
		text := strings.TrimSpace(string(line))
		if len(text) < 2 || text[1] != '=' {
			continue // blank or not a line of SDP
		}
		if err := p.line(text[0], strings.TrimSpace(text[2:])); err != nil {
			return nil, err
		}
	}
	if len(p.s.Media) == 0 {
		return nil, refuse(NoAudio, "no m= line")
	}
	p.finish()
	return p.s, nil
}

// parser holds what has to be known until the last line was seen.
type parser struct {
	s         *Session
	direction Direction // session-level default (RFC 8866 §6.7)
	media     []pending // beside s.Media
}

// pending is what the lines of one m= section said about it so far.
type pending struct {
	directed bool             // had a direction of its own
	rtpmap   map[uint8]Format // by payload type, first line wins
	fmtp     map[uint8]string // by payload type, first line wins
}

func (p *parser) line(kind byte, v string) error {
	switch kind {
	case 'o':
		p.s.Origin = parseOrigin(v)
	case 's':
		if v != "" {
			p.s.Name = v
		}
	case 'c':
		p.connection(v)
	case 'm':
		if len(p.s.Media) == MaxMedia {
			return refuse(TooBig, "more than %d m= lines", MaxMedia)
		}
		p.s.Media = append(p.s.Media, parseMedia(v))
		p.media = append(p.media, pending{})
	case 'a':
		name, value, _ := strings.Cut(v, ":")
		if a := (Attribute{strings.TrimSpace(name), strings.TrimSpace(value)}); a.Name != "" {
			p.attribute(a)
		}
	}
	return nil
}

// parseOrigin reads "- 3724394400 3724394405 IN IP4 192.0.2.1" and whatever
// resembles it: what is missing or not a number is left at its default.
func parseOrigin(v string) Origin {
	o := Origin{Username: "-", Addr: "0.0.0.0"}
	f := strings.Fields(v)
	if len(f) > 0 {
		o.Username = f[0]
	}
	if len(f) > 2 {
		o.SessID, _ = parseUint(f[1])
		o.Version, _ = parseUint(f[2])
	}
	if len(f) > 5 {
		o.Addr = f[5]
	}
	return o
}

// parseUint is strict where ParseUint gives its maximum on overflow.
func parseUint(s string) (uint64, bool) {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return 0, false
	}
	return n, true
}

// connection takes the first usable c= of its level. "c=IN" alone, as some
// gateways send it in a refused section, counts as no line.
func (p *parser) connection(v string) {
	host := parseHost(v)
	if host == "" {
		return
	}
	at := &p.s.Connection
	if n := len(p.s.Media); n > 0 {
		at = &p.s.Media[n-1].Connection
	}
	if *at == "" {
		*at = host
	}
}

// parseHost reads the host out of "IN IP4 192.0.2.1/127", also with "IN" or the
// family left out; "" when there is none.
func parseHost(v string) string {
	f := strings.Fields(v)
	if len(f) > 0 && equalFold(f[0], "IN") {
		f = f[1:]
	}
	if len(f) > 0 && (equalFold(f[0], "IP4") || equalFold(f[0], "IP6")) {
		f = f[1:]
	}
	if len(f) == 0 {
		return ""
	}
	host, _, _ := strings.Cut(f[0], "/") // TTL and count of multicast (RFC 8866 §5.7)
	if a, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil && a.Zone() == "" {
		return a.Unmap().String()
	}
	if !isHostname(host) {
		return ""
	}
	return host
}

// isHostname says whether s could be a name in DNS.
func isHostname(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	letters := false
	for _, r := range s {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z':
			letters = true
		case r >= '0' && r <= '9', r == '-', r == '.', r == '_':
		default:
			return false
		}
	}
	return letters // "300.1.2.3" is a broken address, not a name
}

// parseMedia reads "audio 49170/2 RTP/AVP 0 8 101". A section always comes out
// of it, so that answers have as many as the offer (RFC 3264 §6); one with a
// port that cannot be read counts as refused.
func parseMedia(v string) Media {
	m := Media{Type: "-", Proto: "-"}
	f := strings.Fields(v)
	if len(f) > 0 {
		m.Type = strings.ToLower(f[0])
	}
	if len(f) > 1 {
		port, _, _ := strings.Cut(f[1], "/")
		if n, ok := parseUint(port); ok && n < 1<<16 {
			m.Port = int(n)
		}
	}
	if len(f) > 2 {
		m.Proto = f[2]
	}
	if len(f) > 3 {
		m.Tokens = f[3:]
	}
	return m
}

// attribute files one a= line at the level where it stands.
func (p *parser) attribute(a Attribute) {
	if len(p.s.Media) == 0 {
		if d, ok := parseDirection(a.Name); ok {
			p.direction = d
			return
		}
		p.s.Attributes = append(p.s.Attributes, a)
		return
	}
	m, wait := &p.s.Media[len(p.s.Media)-1], &p.media[len(p.media)-1]
	if d, ok := parseDirection(a.Name); ok {
		m.Direction, wait.directed = d, true
		return
	}
	switch strings.ToLower(a.Name) {
	case "rtpmap":
		wait.addRTPMap(a.Value)
	case "fmtp":
		wait.addFMTP(a.Value)
	case "ptime":
		m.PTime = parseMillis(a.Value)
	case "maxptime":
		m.MaxPTime = parseMillis(a.Value)
	case "rtcp-mux":
		m.RTCPMux = true
	case "rtcp":
		m.parseRTCP(a.Value)
	case "crypto":
		if c, ok := parseCrypto(a.Value); ok {
			m.Crypto = append(m.Crypto, c)
		}
	default:
		m.Attributes = append(m.Attributes, a)
	}
}

func parseDirection(name string) (Direction, bool) {
	for _, d := range []Direction{SendRecv, SendOnly, RecvOnly, Inactive} {
		if equalFold(name, d.String()) {
			return d, true
		}
	}
	return SendRecv, false
}

// addRTPMap reads "101 telephone-event/8000" or "107 opus/48000/2". Of two
// lines for one number the first counts.
func (w *pending) addRTPMap(v string) {
	pt, rest, ok := cutPT(v)
	if !ok {
		return
	}
	encoding, _, _ := strings.Cut(rest, " ")
	part := strings.Split(encoding, "/")
	f := Format{PT: pt, Name: part[0], Rate: 8000, Channels: 1}
	if len(part) > 1 {
		f.Rate = parseSmall(part[1], f.Rate)
	}
	if len(part) > 2 {
		f.Channels = parseSmall(part[2], f.Channels)
	}
	if f.Name == "" {
		return
	}
	if w.rtpmap == nil {
		w.rtpmap = make(map[uint8]Format)
	}
	if _, dup := w.rtpmap[pt]; !dup {
		w.rtpmap[pt] = f
	}
}

// addFMTP reads "101 0-15".
func (w *pending) addFMTP(v string) {
	pt, rest, ok := cutPT(v)
	if !ok || rest == "" {
		return
	}
	if w.fmtp == nil {
		w.fmtp = make(map[uint8]string)
	}
	if _, dup := w.fmtp[pt]; !dup {
		w.fmtp[pt] = rest
	}
}

// cutPT splits "101 rest" into the payload type and the rest.
func cutPT(v string) (pt uint8, rest string, ok bool) {
	number, rest, _ := strings.Cut(strings.ReplaceAll(v, "\t", " "), " ")
	n, err := strconv.ParseUint(number, 10, 7)
	return uint8(n), strings.TrimSpace(rest), err == nil
}

// parseSmall reads a positive number below a million, else gives otherwise.
func parseSmall(s string, otherwise int) int {
	n, ok := parseUint(s)
	if !ok || n == 0 || n >= 1_000_000 {
		return otherwise
	}
	return int(n)
}

// parseMillis reads "20" and "20.0"; 0 for what is no time for a packet.
func parseMillis(s string) int {
	whole, _, _ := strings.Cut(s, ".")
	n, ok := parseUint(whole)
	if !ok || n > 1000 {
		return 0
	}
	return int(n)
}

// parseRTCP reads "53020" and "53020 IN IP4 126.16.64.4" (RFC 3605 §2.1).
func (m *Media) parseRTCP(v string) {
	port, rest, _ := strings.Cut(v, " ")
	if n, ok := parseUint(port); ok && n > 0 && n < 1<<16 {
		m.RTCPPort, m.RTCPHost = int(n), parseHost(rest)
	}
}

// finish puts together what was spread over lines.
func (p *parser) finish() {
	for i := range p.s.Media {
		m, wait := &p.s.Media[i], &p.media[i]
		if !wait.directed {
			m.Direction = p.direction
		}
		if m.isRTP() {
			m.Formats = wait.formats(m.Tokens)
		}
	}
}

// isRTP says whether the formats of the section are RTP payload types.
func (m *Media) isRTP() bool { return strings.Contains(strings.ToUpper(m.Proto), "RTP/") }

// formats describes each payload type of an m= line once.
func (w *pending) formats(tokens []string) []Format {
	var out []Format
	for _, token := range tokens {
		n, err := strconv.ParseUint(token, 10, 7)
		pt := uint8(n)
		if err != nil || slices.ContainsFunc(out, func(f Format) bool { return f.PT == pt }) {
			continue
		}
		f, ok := w.rtpmap[pt]
		if !ok {
			f = staticFormat(pt)
		}
		f.FMTP = w.fmtp[pt]
		out = append(out, f)
	}
	return out
}

func equalFold(a, b string) bool { return strings.EqualFold(a, b) }
