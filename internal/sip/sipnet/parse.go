package sipnet

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// maxMessage is the largest message that is read, in bytes (N2, N5).
const maxMessage = 64 << 10

// parseMessage reads exactly one message. Bytes after the body that
// Content-Length announces are ignored (RFC 3261 §18.3). The usual message is
// parsed in one pass; what the library refuses goes through [normalise] once.
func parseMessage(p *sip.Parser, data []byte) (sip.Message, error) {
	data = bytes.TrimLeft(data, "\r\n") // RFC 3261 §7.5
	m, err := p.ParseSIP(data)
	if err != nil {
		repaired, changed := normalise(data)
		if !changed {
			return nil, err
		}
		data = repaired
		if m, err = p.ParseSIP(data); err != nil {
			return nil, err
		}
	}
	if r, ok := m.(*sip.Request); ok {
		return r, finishRequest(r, data)
	}
	return m, nil
}

// finishRequest undoes and completes what the library did to the start line:
// it turns methods into upper case, though they are case-sensitive (RFC 3261
// §7.1), and accepts headers in a Request-URI (RFC 3261 §19.1.1 forbids them).
func finishRequest(r *sip.Request, data []byte) error {
	method, rest, _ := bytes.Cut(data, []byte(" "))
	if string(r.Method) != string(method) {
		r.Method = sip.RequestMethod(method)
	}
	if !isToken(string(r.Method)) {
		return fmt.Errorf("method %q is no token", r.Method)
	}
	if len(r.Recipient.Headers) > 0 {
		return errors.New("headers in the Request-URI")
	}
	if s := r.Recipient.Scheme; s == "sip" || s == "sips" {
		uri, _, _ := bytes.Cut(rest, []byte(" "))
		return parseURI(string(uri), new(sip.Uri))
	}
	return nil
}

// normalise rewrites the header part of a message into the one form that the
// parser reads: CR LF line ends, no folded lines, one value per line for the
// headers that are lists of addresses, and a space after a status code
// without reason. changed is false if nothing had to be done.
func normalise(data []byte) (out []byte, changed bool) {
	head, body, sep := splitHead(data)
	lines := headLines(head)
	if len(lines) == 0 {
		return nil, false
	}
	out = make([]byte, 0, len(data)+64)
	out = append(out, lines[0]...)
	if strings.HasPrefix(lines[0], "SIP/") && strings.Count(lines[0], " ") == 1 {
		out = append(out, ' ')
	}
	out = append(out, "\r\n"...)
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ":")
		if !isListHeader(strings.Trim(name, lws)) {
			out = append(append(out, line...), "\r\n"...)
			continue
		}
		for value != "" {
			one := value
			if end := commaOutside(value); end >= 0 {
				one, value = value[:end], value[end+1:]
			} else {
				value = ""
			}
			if strings.Trim(one, lws) != "" {
				out = append(append(append(append(out, name...), ": "...), one...), "\r\n"...)
			}
		}
	}
	out = append(out, "\r\n"...)
	out = append(out, body...)
	return out, sep != "" && !bytes.Equal(out, data)
}

// isListHeader reports the headers whose values go one to a line.
func isListHeader(name string) bool {
	switch strings.ToLower(name) {
	case "via", "v", "contact", "m", "route", "record-route":
		return true
	}
	return false
}

// splitHead cuts a message at its empty line. sep is that line's form, empty
// if there is none.
func splitHead(data []byte) (head, body []byte, sep string) {
	best := -1
	for _, s := range []string{"\r\n\r\n", "\n\n"} {
		if i := bytes.Index(data, []byte(s)); i >= 0 && (best < 0 || i < best) {
			best, sep = i, s
		}
	}
	if best < 0 {
		return data, nil, ""
	}
	return data[:best], data[best+len(sep):], sep
}

// headLines are the start line and the header lines of head, unfolded
// (RFC 3261 §7.3.1).
func headLines(head []byte) []string {
	var lines []string
	for line := range strings.SplitSeq(string(head), "\n") {
		line = strings.TrimSuffix(line, "\r")
		if len(lines) > 1 && line != "" && strings.IndexByte(lws, line[0]) >= 0 {
			lines[len(lines)-1] = strings.TrimRight(lines[len(lines)-1], lws) + " " + strings.Trim(line, lws)
			continue
		}
		if line == "" && len(lines) == 0 {
			continue
		}
		lines = append(lines, line)
	}
	return lines
}

// reject builds the response to a request that cannot be parsed but whose Via
// says where an answer belongs (N2). Its headers are copied as they stand.
// It gives nil where no answer may be sent: to responses, to ACK, and when
// the Via cannot be used. received is the source address and port for the
// Via (RFC 3581 §4), tag what the To header gets.
func reject(data []byte, status int, reason string, received viaSource, tag, server string) []byte {
	head, _, _ := splitHead(bytes.TrimLeft(data, "\r\n"))
	lines := headLines(head)
	if len(lines) == 0 || !looksLikeRequest(lines[0]) {
		return nil
	}
	h := headersForReject(lines[1:])
	if len(h.vias) == 0 {
		return nil
	}
	top, err := parseVia(h.vias[0])
	if err != nil {
		return nil
	}
	received.mark(top)
	var b bytes.Buffer
	fmt.Fprintf(&b, "SIP/2.0 %d %s\r\nVia: %s\r\n", status, reason, top.Value())
	for _, v := range h.vias[1:] {
		if _, err := parseVia(v); err == nil {
			fmt.Fprintf(&b, "Via: %s\r\n", strings.Trim(v, lws))
		}
	}
	if h.to != "" && !strings.Contains(strings.ToLower(h.to), "tag") {
		h.to += ";tag=" + tag
	}
	for _, f := range []struct{ name, value string }{
		{"From", h.from}, {"To", h.to}, {"Call-ID", h.callID}, {"CSeq", h.cseq}, {"Server", server},
	} {
		if f.value != "" {
			fmt.Fprintf(&b, "%s: %s\r\n", f.name, f.value)
		}
	}
	b.WriteString("Content-Length: 0\r\n\r\n")
	return b.Bytes()
}

// refusal is the status for a message that cannot be parsed: 416 if only its
// Request-URI is of another kind, which the library cannot read if the scheme
// holds more than letters (RFC 3261 §8.2.2.1), else 400.
func refusal(data []byte) (status int, reason string) {
	line, _, _ := bytes.Cut(bytes.TrimLeft(data, "\r\n"), []byte("\r\n"))
	parts := strings.Split(string(line), " ")
	if len(parts) != 3 {
		return 400, "Bad Request"
	}
	scheme, _, ok := strings.Cut(parts[1], ":")
	if !ok || strings.EqualFold(scheme, "sip") || strings.EqualFold(scheme, "sips") || !isScheme(scheme) {
		return 400, "Bad Request"
	}
	return 416, "Unsupported URI Scheme"
}

// isScheme reports whether s is a scheme of RFC 3986 §3.1.
func isScheme(s string) bool {
	for i := range len(s) {
		c := s[i] | 0x20
		letter := 'a' <= c && c <= 'z'
		if !letter && (i == 0 || strings.IndexByte("0123456789+-.", s[i]) < 0) {
			return false
		}
	}
	return s != ""
}

// looksLikeRequest reports whether a start line is a request's other than
// ACK, however broken its URI.
func looksLikeRequest(line string) bool {
	method, rest, ok := strings.Cut(line, " ")
	if !ok || !isToken(method) || method == "ACK" {
		return false
	}
	rest = strings.TrimRight(rest, lws)
	i := strings.LastIndexAny(rest, lws)
	return i >= 0 && len(rest) > i+4 && strings.EqualFold(rest[i+1:i+5], "SIP/")
}

// rejectHeaders is the raw text of what a response copies (RFC 3261 §8.2.6.2).
type rejectHeaders struct {
	vias                   []string
	from, to, callID, cseq string
}

func headersForReject(lines []string) (h rejectHeaders) {
	first := func(dst *string, value string) {
		if *dst == "" {
			*dst = strings.Trim(value, lws)
		}
	}
	for _, line := range lines {
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			continue
		}
		switch strings.ToLower(strings.Trim(name, lws)) {
		case "via", "v":
			for value != "" {
				end := commaOutside(value)
				if end < 0 {
					h.vias = append(h.vias, value)
					break
				}
				h.vias = append(h.vias, value[:end])
				value = value[end+1:]
			}
		case "from", "f":
			first(&h.from, value)
		case "to", "t":
			first(&h.to, value)
		case "call-id", "i":
			first(&h.callID, value)
		case "cseq":
			first(&h.cseq, value)
		}
	}
	return h
}
