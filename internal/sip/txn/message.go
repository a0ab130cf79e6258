package txn

import (
	"bytes"
	"crypto/rand"
	"strconv"

	"github.com/dialwright/dialwright/internal/sip/sipnet"
	"github.com/emiago/sipgo/sip"
)

// NewResponse makes the response to req that RFC 3261 §8.2.6 describes: Via,
// From, To, Call-ID and CSeq copied, Record-Route for responses that form a
// dialog (§12.1.1), Timestamp for 100, Content-Length 0. To gets toTag unless
// it has a tag, toTag is empty, or the status is 100. The caller keeps one
// toTag per dialog. Except To, header values are shared with req and must not
// be changed in place.
func NewResponse(req *sip.Request, status int, reason string, toTag string) *sip.Response {
	res := sip.NewResponse(status, reason)
	records := status > 100 && status < 300 && formsDialog(req.Method)
	for _, h := range req.Headers() {
		switch h := h.(type) {
		case *sip.ViaHeader, *sip.FromHeader, *sip.CallIDHeader, *sip.CSeqHeader:
			res.AppendHeader(h)
		case *sip.RecordRouteHeader:
			if records {
				res.AppendHeader(h)
			}
		case *sip.ToHeader:
			to := &sip.ToHeader{DisplayName: h.DisplayName, Address: h.Address, Params: h.Params.Clone()}
			if toTag != "" && status > 100 && !to.Params.Has("tag") {
				to.Params.Add("tag", toTag)
			}
			res.AppendHeader(to)
		}
	}
	if status == 100 {
		if h := req.GetHeader("timestamp"); h != nil { // RFC 3261 §8.2.6.1
			res.AppendHeader(h)
		}
	}
	res.SetBody(nil)
	return res
}

// formsDialog lists the requests whose responses carry a route set.
func formsDialog(m sip.RequestMethod) bool {
	return m == sip.INVITE || m == sip.SUBSCRIBE || m == sip.REFER || m == sip.NOTIFY
}

// newBranch is a branch that nobody can guess.
func newBranch() string { return magicCookie + rand.Text() }

// setVia gives r our Via for a flow and removes any other: we are a user
// agent, and a request that has one was sent before.
func setVia(r *sip.Request, f *sipnet.Flow, branch string) {
	for r.RemoveHeader("Via") {
	}
	host, port := f.SentBy()
	r.PrependHeader(&sip.ViaHeader{
		ProtocolName:    "SIP",
		ProtocolVersion: "2.0",
		Transport:       f.Transport().Via(),
		Host:            host,
		Port:            port,
		// rport asks for the address that a NAT gave us (RFC 3581 §3).
		Params: sip.HeaderParams{{K: "rport"}, {K: "branch", V: branch}},
	})
}

// complete adds what every request has and callers may leave out.
func complete(r *sip.Request) {
	if r.MaxForwards() == nil {
		seventy := sip.MaxForwardsHeader(70) // RFC 3261 §8.1.1.6
		r.AppendHeader(&seventy)
	}
	if r.ContentLength() == nil {
		r.SetBody(r.Body())
	}
}

// text collects a rendered message.
type text struct{ b []byte }

func (t *text) WriteString(s string) (int, error) {
	t.b = append(t.b, s...)
	return len(s), nil
}

// renderable is a request or a response.
type renderable interface {
	sip.Message
	Headers() []sip.Header
}

// render gives the bytes of m. It refuses header values with line ends: they
// come from outside and would become headers of their own.
func render(m renderable) ([]byte, error) {
	t := text{make([]byte, 0, 1024+len(m.Body()))}
	m.StringWrite(&t)
	head := t.b[:len(t.b)-len(m.Body())]
	lines := len(m.Headers()) + 2 // start line and empty line
	if bytes.Count(head, []byte("\n")) != lines || bytes.Count(head, []byte("\r")) != lines {
		return nil, ErrUnsafe
	}
	return t.b, nil
}

// renderAck makes the ACK to a non-2xx final response (RFC 3261 §17.1.1.3):
// Request-URI, top Via, Route, From, Call-ID and CSeq number of the INVITE, To
// of the response. raw bytes are all that is needed of it.
func renderAck(invite *sip.Request, res *sip.Response) []byte {
	t := text{make([]byte, 0, 512)}
	line := func(parts ...string) {
		for _, p := range parts {
			t.b = append(t.b, p...)
		}
		t.b = append(t.b, "\r\n"...)
	}
	line("ACK ", invite.Recipient.String(), " SIP/2.0")
	line(invite.Via().String())
	for _, h := range invite.Headers() {
		if route, ok := h.(*sip.RouteHeader); ok {
			line(route.String())
		}
	}
	line(invite.From().String())
	line(res.To().String())
	line("Call-ID: ", invite.CallID().Value())
	line("CSeq: ", strconv.FormatUint(uint64(invite.CSeq().SeqNo), 10), " ACK")
	line("Max-Forwards: 70")
	line("Content-Length: 0")
	line()
	return t.b
}

// newCancel makes the CANCEL of an INVITE (RFC 3261 §9.1).
func newCancel(invite *sip.Request) *sip.Request {
	c := sip.NewRequest(sip.CANCEL, invite.Recipient)
	c.AppendHeader(invite.Via().Clone())
	for _, h := range invite.Headers() {
		switch h := h.(type) {
		case *sip.RouteHeader, *sip.FromHeader, *sip.ToHeader, *sip.CallIDHeader:
			c.AppendHeader(h)
		}
	}
	c.AppendHeader(&sip.CSeqHeader{SeqNo: invite.CSeq().SeqNo, MethodName: sip.CANCEL})
	return c
}
