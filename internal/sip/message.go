package sip

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/emiago/sipgo/sip"

	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/sip/txn"
	"github.com/dialwright/dialwright/internal/sip/ua"
)

// maxMessage bounds the text of a message, in bytes, in both directions.
// Asterisk cuts incoming ones at 1024 (Asterisk: res_pjsip_messaging.c
// MAX_BODY_SIZE); here a longer one than this is refused whole.
const maxMessage = 8192

// TextMessage is a text from a phone or trunk (RFC 3428).
type TextMessage struct {
	Endpoint string // phone or trunk that sent it, "101": proven by its digest or its address
	From     string // `"Alice" <sip:101@pbx.example.com>`; of a phone the user part is its name
	To       string // "pjsip:102@pbx.example.com": the Request-URI (Asterisk: res_pjsip_messaging.c rx_data_to_ast_msg)
	Body     string // valid UTF-8, at most 8192 bytes
	Headers  []pbx.Header
}

// messaged is a MESSAGE outside calls. It runs on a network goroutine. Whoever
// sends it is found out as for a call (invited); then
//
//	a type other than text/plain, or another charset than UTF-8   415
//	broken UTF-8                                                  400
//	more than 8192 bytes                                          413
//	everything else                                               what Options.Message says
func (t *Technology) messaged(tx *txn.ServerTx) {
	req := tx.Request()
	if t.stopping.Load() {
		t.agent.Respond(tx, 503, "Service Unavailable")
		return
	}
	dir := t.dir.Load()
	p, ok := t.trunkOf(dir, tx.Flow(), req)
	if !ok {
		user, allowed := t.agent.AuthorizeRequest(tx)
		if !allowed {
			return // the challenge or the refusal is sent
		}
		if p, ok = dir.phone(user); !ok {
			t.agent.Respond(tx, 403, "Forbidden")
			return
		}
	}
	body := req.Body()
	switch {
	case !plainText(req):
		t.agent.Respond(tx, 415, "Unsupported Media Type", ua.Header{Name: "Accept", Value: "text/plain"})
	case len(body) > maxMessage:
		t.agent.Respond(tx, 413, "Request Entity Too Large")
	case !utf8.Valid(body):
		t.agent.Respond(tx, 400, "Text Is Not UTF-8")
	default:
		status := t.message(TextMessage{
			Endpoint: p.name, From: t.senderOf(req, p, tx), To: "pjsip:" + addressee(req.Recipient), Body: string(body), Headers: messageHeaders(req),
		})
		t.agent.Respond(tx, status, messageReason(status))
	}
}

// plainText reports whether the body is text that we can read. A message
// without a type is taken for one, as its only possible content.
func plainText(req *sip.Request) bool {
	if e := req.GetHeader("Content-Encoding"); e != nil && !strings.EqualFold(strings.TrimSpace(e.Value()), "identity") {
		return false
	}
	h := req.ContentType()
	if h == nil {
		return true
	}
	kind, params, _ := strings.Cut(h.Value(), ";")
	if !strings.EqualFold(strings.TrimSpace(kind), "text/plain") {
		return false
	}
	for param := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(param, "=")
		if strings.EqualFold(strings.TrimSpace(name), "charset") {
			value = strings.Trim(strings.TrimSpace(value), `"`)
			return strings.EqualFold(value, "utf-8") || strings.EqualFold(value, "us-ascii")
		}
	}
	return true
}

// senderOf writes who has sent a message. A phone is its own name, whatever its
// From claims; a trunk is believed.
func (t *Technology) senderOf(req *sip.Request, p *profile, tx *txn.ServerTx) string {
	from := req.From()
	if from == nil {
		return nameAddr("", escapeUser(p.name), t.domain(tx.Flow()))
	}
	user, host := from.Address.User, hostPort(from.Address)
	if p.kind == kindPhone {
		user, host = escapeUser(p.name), t.domain(tx.Flow())
	}
	display := strings.NewReplacer(`\\`, `\`, `\"`, `"`).Replace(from.DisplayName) // as it stood between its quotes
	return nameAddr(clean(display), user, host)
}

// addressee is the Request-URI as user@host.
func addressee(u sip.Uri) string {
	if u.User == "" {
		return clean(hostPort(u))
	}
	return clean(u.User + "@" + hostPort(u))
}

func hostPort(u sip.Uri) string {
	if u.Port == 0 || u.Port == 5060 {
		return u.Host
	}
	return u.Host + ":" + strconv.Itoa(u.Port)
}

// messageHeaders keeps the headers that mean something to an application: those
// that are not of the transaction, and no credentials.
func messageHeaders(req *sip.Request) []pbx.Header {
	var out []pbx.Header
	for _, h := range req.Headers() {
		if name := strings.ToLower(h.Name()); !protectedHeaders[name] {
			out = append(out, header(h.Name(), clean(h.Value())))
		}
	}
	return out
}

// messageReason words the answer to a MESSAGE.
func messageReason(status int) string {
	switch status {
	case 200:
		return "OK"
	case 202:
		return "Accepted"
	case 404:
		return "Not Found"
	case 503:
		return "Service Unavailable"
	}
	return "Message Not Taken"
}
