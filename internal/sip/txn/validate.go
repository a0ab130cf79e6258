package txn

import (
	"strings"

	"github.com/dialwright/dialwright/internal/sip/sipnet"
	"github.com/emiago/sipgo/sip"
)

// fault is why a request is refused here, and with what (N3).
type fault struct {
	status        int
	reason        string
	header, value string // one more header, if not empty
}

// bad is a request that breaks the grammar.
func bad(why string) *fault { return &fault{status: 400, reason: "Bad Request: " + why} }

// present checks what everything else reads: From, To, Call-ID, CSeq and a
// Via with a branch.
func present(r *sip.Request) *fault {
	switch {
	case r.Via() == nil:
		return bad("no Via")
	case r.From() == nil:
		return bad("no From")
	case r.To() == nil:
		return bad("no To")
	case r.CallID() == nil:
		return bad("no Call-ID")
	case r.CSeq() == nil:
		return bad("no CSeq")
	case !r.Via().Params.Has("branch"):
		return bad("no branch in Via")
	}
	return nil
}

// check is rule N3 for a request that has passed present, in the order in
// which a stranger to the request can tell: version, headers, URI, extensions,
// hops.
func (l *Layer) check(r *sip.Request) *fault {
	if !strings.EqualFold(r.SipVersion, "SIP/2.0") {
		return &fault{status: 505, reason: "Version Not Supported"} // RFC 3261 §21.5.6
	}
	if r.CSeq().MethodName != r.Method {
		return bad("CSeq is for another method") // RFC 3261 §8.1.1.5
	}
	unsupported, twice := l.scan(r)
	if twice != "" {
		return bad("more than one " + twice)
	}
	if s := r.Recipient.Scheme; s != "sip" && s != "sips" {
		return &fault{status: 416, reason: "Unsupported URI Scheme"} // RFC 3261 §8.2.2.1
	}
	if r.Method == sip.ACK || r.Method == sip.CANCEL {
		return nil // RFC 3261 §8.2.2.3; and neither was made by our peer's choice
	}
	if unsupported != "" {
		return &fault{420, "Bad Extension", "Unsupported", unsupported} // RFC 3261 §8.2.2.3
	}
	if m := r.MaxForwards(); m != nil && *m == 0 && r.Method != sip.REGISTER {
		return &fault{status: 483, reason: "Too Many Hops"} // RFC 3261 §16.3
	}
	return nil
}

// scan goes through the headers once: unsupported are the unknown option tags
// of Require, twice is a header that may occur once and does not.
func (l *Layer) scan(r *sip.Request) (unsupported, twice string) {
	var seen [13]bool
	for _, h := range r.Headers() {
		i := 0
		switch h.(type) {
		case *sip.FromHeader:
			i = 1
		case *sip.ToHeader:
			i = 2
		case *sip.CallIDHeader:
			i = 3
		case *sip.CSeqHeader:
			i = 4
		case *sip.MaxForwardsHeader:
			i = 5
		case *sip.ContentLengthHeader:
			i = 6
		case *sip.ContentTypeHeader:
			i = 7
		case *sip.ViaHeader, *sip.ContactHeader, *sip.RouteHeader, *sip.RecordRouteHeader:
		default:
			name := h.Name()
			if strings.EqualFold(name, "Require") {
				unsupported = l.unknown(unsupported, h.Value())
			}
			i = singleValue(name)
		}
		if i > 0 && seen[i] {
			return unsupported, h.Name()
		}
		seen[i] = true
	}
	return unsupported, ""
}

// singleValue numbers the other headers that occur at most once and that we or
// our users act on; 0 is any other header.
func singleValue(name string) int {
	switch len(name) {
	case 5:
		if strings.EqualFold(name, "Event") {
			return 8
		}
	case 7:
		if strings.EqualFold(name, "Expires") {
			return 9
		}
	case 4:
		if strings.EqualFold(name, "RAck") {
			return 10
		}
	case 8:
		if strings.EqualFold(name, "Replaces") || strings.EqualFold(name, "Refer-To") {
			return 11 // never both in one request
		}
	case 15:
		if strings.EqualFold(name, "Session-Expires") {
			return 12
		}
	}
	return 0
}

// unknown adds the option tags of a Require value that we do not know.
func (l *Layer) unknown(list, value string) string {
	for tag := range strings.SplitSeq(value, ",") {
		tag = strings.TrimSpace(tag)
		if tag == "" || l.extensions[strings.ToLower(tag)] {
			continue
		}
		if list != "" {
			list += ", "
		}
		list += tag
	}
	return list
}

// refuse answers a request without a transaction: the answer to a repetition
// is the same (RFC 3261 §8.2.7). Nothing is sent for an ACK, nor when there
// is no Via to copy.
func (l *Layer) refuse(f *sipnet.Flow, r *sip.Request, why *fault) {
	l.stats.refused.Add(1)
	l.log.Debug("SIP request refused", "flow", f.ID(), "method", string(r.Method), "status", why.status, "reason", why.reason)
	if r.Method == sip.ACK || r.Via() == nil {
		return
	}
	res := NewResponse(r, why.status, why.reason, l.tag(r))
	if why.header != "" {
		res.AppendHeader(sip.NewHeader(why.header, why.value))
	}
	if raw, err := render(res); err == nil {
		_ = f.Send(raw) // the peer will ask again
	}
}
