package sipnet

import (
	"bytes"
	"strings"
	"time"
)

// TraceRecord is one message as the network saw it, for ladders and wire
// traces, without credentials.
type TraceRecord struct {
	At     time.Time
	Sent   bool   // by us
	Flow   string // [Flow.ID]
	Peer   string // "udp:127.0.0.1:5060"
	CallID string // empty if the message has none
	First  string // start line, "INVITE sip:101@10.0.0.2 SIP/2.0"
	CSeq   string // "1 INVITE"
	HasSDP bool   // the body is an SDP
	Reason string // why it was refused, empty if it was not
	// Raw is the whole message. Authorization and Proxy-Authorization have "…"
	// for their value, and so has the key of each a=crypto line (RFC 4568 §9.1).
	Raw []byte
}

// trace tells Config.Trace of a message.
func (n *Net) trace(f *Flow, sent bool, raw []byte, reason string) {
	if n.cfg.Trace == nil {
		return
	}
	if len(raw) <= 4 {
		return // a pong
	}
	r := TraceRecord{
		At:     time.Now(),
		Sent:   sent,
		Flow:   f.id,
		Peer:   string(f.transport) + ":" + f.remote.String(),
		Reason: reason,
	}
	r.fill(raw)
	n.cfg.Trace(r)
}

// publicReason is an error's text for logs and traces. Parse errors quote what
// they could not read, which may be long, or a credential.
func publicReason(err error) string {
	s := err.Error()
	lower := strings.ToLower(s)
	for _, word := range []string{"digest", "authorization", "response=", "inline:"} {
		if strings.Contains(lower, word) {
			return "a header that cannot be read"
		}
	}
	const enough = 200
	if len(s) > enough {
		return strings.ToValidUTF8(s[:enough], "") + "…"
	}
	return s
}

// fill reads the headers that a ladder shows, and copies the message without
// its secrets.
func (r *TraceRecord) fill(raw []byte) {
	r.Raw = make([]byte, 0, len(raw))
	inBody, secret := false, false
	for i := 0; len(raw) > 0; i++ {
		line, rest, _ := bytes.Cut(raw, []byte("\n"))
		full := raw[:len(raw)-len(rest)]
		raw = rest
		line = bytes.TrimSuffix(line, []byte("\r"))
		switch {
		case i == 0:
			r.First = string(line)
		case inBody:
			r.body(line, full)
			continue
		case len(line) == 0:
			inBody = true
		case line[0] == ' ' || line[0] == '\t':
			if secret {
				continue // a folded credential
			}
		default:
			if secret = r.header(line); secret {
				name, _, found := bytes.Cut(line, []byte(":"))
				if !found {
					name = nil // what stands there is the secret
				}
				r.Raw = append(append(r.Raw, name...), ": …\r\n"...)
				continue
			}
		}
		r.Raw = append(r.Raw, full...)
	}
}

// header takes what a ladder shows from a header line and reports whether the
// line is secret.
func (r *TraceRecord) header(line []byte) (secret bool) {
	name, value, ok := bytes.Cut(line, []byte(":"))
	if !ok { // no header, but perhaps what was meant to be one
		return bytes.Contains(line, []byte("response="))
	}
	name, value = bytes.TrimSpace(name), bytes.TrimSpace(value)
	switch {
	case equalFold(name, "call-id"), equalFold(name, "i"):
		r.CallID = string(value)
	case equalFold(name, "cseq"):
		r.CSeq = string(value)
	case equalFold(name, "content-type"), equalFold(name, "c"):
		r.HasSDP = len(value) >= 15 && equalFold(value[:15], "application/sdp")
	case equalFold(name, "authorization"), equalFold(name, "proxy-authorization"):
		return true
	}
	return false
}

// body copies a line of the body; full is line with its line end.
func (r *TraceRecord) body(line, full []byte) {
	const crypto, inline = "a=crypto:", "inline:"
	i := bytes.Index(line, []byte(inline))
	if i < 0 || !bytes.HasPrefix(line, []byte(crypto)) {
		r.Raw = append(r.Raw, full...)
		return
	}
	r.Raw = append(append(r.Raw, line[:i+len(inline)]...), "…\r\n"...)
}

func equalFold(b []byte, s string) bool { return len(b) == len(s) && bytes.EqualFold(b, []byte(s)) }
