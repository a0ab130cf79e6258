package ua

import (
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/dialwright/dialwright/internal/cause"
)

// longNames maps compact header names to long ones (RFC 3261 §7.3.3, RFC 3515
// §2.1, RFC 6665 §8.2, RFC 4028 §4). The parser knows only those that it parses itself.
var longNames = map[string]string{
	"a": "accept-contact", "b": "referred-by", "c": "content-type", "e": "content-encoding", "f": "from", "i": "call-id",
	"k": "supported", "l": "content-length", "m": "contact", "o": "event", "r": "refer-to", "s": "subject", "t": "to",
	"u": "allow-events", "v": "via", "x": "session-expires",
}

func longName(lower string) string {
	if l, ok := longNames[lower]; ok {
		return l
	}
	return lower
}

// headersOf is the part of a message that reading headers needs.
type headersOf interface{ Headers() []sip.Header }

// headerValues gives the values of all lines of a header, by its long name in
// any case, in order.
func headerValues(m headersOf, name string) []string {
	name = strings.ToLower(name)
	var out []string
	for _, h := range m.Headers() {
		if n := h.Name(); len(n) <= 1 || len(n) == len(name) {
			if longName(strings.ToLower(n)) == name {
				out = append(out, h.Value())
			}
		}
	}
	return out
}

// headerValue gives the first value of a header, "" if there is none.
func headerValue(m headersOf, name string) string {
	if v := headerValues(m, name); len(v) > 0 {
		return v[0]
	}
	return ""
}

// hasOption reports whether a header with option tags (Supported, Require,
// Allow) lists tag.
func hasOption(m headersOf, name, tag string) bool {
	for _, v := range headerValues(m, name) {
		for part := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(strings.TrimSpace(part), tag) {
				return true
			}
		}
	}
	return false
}

// splitList cuts a header value at its commas, but not inside quotes or angle
// brackets.
func splitList(s string) []string {
	var out []string
	quoted, angle, start := false, false, 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '<':
			angle = true
		case c == '>':
			angle = false
		case c == ',' && !angle:
			out = append(out, strings.TrimSpace(s[start:i]))
			start = i + 1
		}
	}
	if last := strings.TrimSpace(s[start:]); last != "" {
		out = append(out, last)
	}
	return out
}

// splitParams cuts "value;a=1;b" into its value and its parameters with
// lower-case names and unquoted values.
func splitParams(s string) (string, map[string]string) {
	params := map[string]string{}
	quoted, start, head, n := false, 0, "", 0
	add := func(part string) {
		n++
		if n == 1 {
			head = strings.TrimSpace(part)
			return
		}
		k, v, _ := strings.Cut(part, "=")
		v = strings.TrimSpace(v)
		if len(v) >= 2 && v[0] == '"' && v[len(v)-1] == '"' {
			v = unquoteDisplay(v[1 : len(v)-1])
		}
		params[strings.ToLower(strings.TrimSpace(k))] = v
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == ';' && !quoted:
			add(s[start:i])
			start = i + 1
		}
	}
	add(s[min(start, len(s)):])
	return head, params
}

// cutPort splits host:port; ok is false without a port.
func cutPort(s string) (string, int, bool) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 || strings.HasSuffix(s, "]") || strings.Contains(s[:i], ":") && !strings.HasPrefix(s, "[") {
		return s, 0, false
	}
	p, err := strconv.ParseUint(s[i+1:], 10, 16)
	return s[:i], int(p), err == nil
}

// seconds reads delta-seconds; more than 2^31 counts as that (RFC 3261 §20.19).
func seconds(s string) (time.Duration, bool) {
	n, err := strconv.ParseUint(strings.TrimSpace(s), 10, 64)
	if err != nil {
		return 0, false
	}
	return time.Duration(min(n, 1<<31)) * time.Second, true
}

func deltaSeconds(d time.Duration) string { return strconv.FormatInt(int64(d/time.Second), 10) }

// reasonCause reads the Reason headers of a message (RFC 3326 §2): the Q.850
// cause, 26 for a SIP 200 ("Call completed elsewhere"), and the text. ok is
// false without either.
func reasonCause(m headersOf) (code cause.Code, text string, ok bool) {
	for _, line := range headerValues(m, "Reason") {
		for _, v := range splitList(line) {
			proto, p := splitParams(v)
			n, err := strconv.Atoi(p["cause"])
			if err != nil {
				continue
			}
			switch {
			case strings.EqualFold(proto, "Q.850") && n > 0 && n < 128: // D16: a Q.850 Reason wins
				return cause.Code(n), p["text"], true
			case strings.EqualFold(proto, "SIP") && n == 200 && !ok: // RFC 3326 §3.1
				code, text, ok = cause.AnsweredElsewhere, p["text"], true
			case strings.EqualFold(proto, "SIP") && n >= 300 && n < 700 && !ok:
				code, text, ok = cause.FromSIP(n), p["text"], true
			}
		}
	}
	return code, text, ok
}

// causeOf gives the hangup cause of a final response (D16).
func causeOf(r *sip.Response) cause.Code {
	if code, _, ok := reasonCause(r); ok {
		return code
	}
	return cause.FromSIP(r.StatusCode)
}

// reasonHeader writes why we end a call (RFC 3326 §2). A call answered
// elsewhere says so in SIP's words too, which is what phones look for before
// they list a missed call (RFC 3326 §3.1).
func reasonHeader(code cause.Code) sip.Header {
	v := "Q.850;cause=" + strconv.Itoa(int(code)) + `;text="` + quoteDisplay(code.String()) + `"`
	if code == cause.AnsweredElsewhere {
		v = `SIP;cause=200;text="Call completed elsewhere", ` + v
	}
	return sip.NewHeader("Reason", v)
}

// tagOf gives the tag of a From or To header.
func tagOf(p sip.HeaderParams) string {
	for _, kv := range p {
		if strings.EqualFold(strings.TrimSpace(kv.K), "tag") {
			return strings.TrimSpace(kv.V)
		}
	}
	return ""
}

func fromTag(m sip.Message) string {
	if h := m.From(); h != nil {
		return tagOf(h.Params)
	}
	return ""
}

func toTag(m sip.Message) string {
	if h := m.To(); h != nil {
		return tagOf(h.Params)
	}
	return ""
}

func callIDOf(m sip.Message) string {
	if h := m.CallID(); h != nil {
		return h.Value()
	}
	return ""
}

func cseqOf(m sip.Message) uint32 {
	if h := m.CSeq(); h != nil {
		return h.SeqNo
	}
	return 0
}

// isSDP reports whether the body of m is a session description: by its type,
// or, for a multipart body, by looking inside. It gives the SDP, nil if none.
func sdpOf(m interface {
	headersOf
	Body() []byte
}) []byte {
	body := m.Body()
	if len(body) == 0 {
		return nil
	}
	ct, params := splitParams(headerValue(m, "Content-Type"))
	switch ct = strings.ToLower(ct); {
	case ct == "application/sdp", ct == "": // RFC 3261 §20.15 wants a type; some phones forget it
		return body
	case strings.HasPrefix(ct, "multipart/"):
		return multipartSDP(body, params["boundary"])
	}
	return nil
}

// multipartSDP finds the first application/sdp part (RFC 5621 §3). Written by
// hand because mime/multipart reads from a stream and fails on bare LF.
func multipartSDP(body []byte, boundary string) []byte {
	if boundary == "" {
		return nil
	}
	for i, part := range strings.Split(string(body), "--"+boundary) {
		if i == 0 {
			continue
		}
		part = strings.TrimPrefix(strings.TrimPrefix(part, "\r"), "\n")
		head, rest, ok := strings.Cut(part, "\r\n\r\n")
		if !ok {
			head, rest, ok = strings.Cut(part, "\n\n")
		}
		if ok && strings.Contains(strings.ToLower(head), "application/sdp") {
			return []byte(strings.TrimRight(rest, "\r\n") + "\r\n")
		}
	}
	return nil
}
