package ua

import (
	"context"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/dialwright/dialwright/internal/sip/sipnet"
)

// Options asks a peer whether it is there (RFC 3261 §11), on flow or, if nil,
// where target leads. Any final answer, also a refusal, proves that it is: it
// gives the status and the round trip. Without an answer it gives an error,
// at the latest when ctx ends.
func (a *Agent) Options(ctx context.Context, target sip.Uri, flow *sipnet.Flow) (int, time.Duration, error) {
	status, _, rtt, err := a.Ask(ctx, target, flow)
	return status, rtt, err
}

// Ask is Options, and gives the answer's reason phrase too, for people.
func (a *Agent) Ask(ctx context.Context, target sip.Uri, flow *sipnet.Flow) (status int, reason string, rtt time.Duration, err error) {
	if err := checkURI(target); err != nil {
		return 0, "", 0, err
	}
	type result struct {
		status int
		reason string
		err    error
	}
	got := make(chan result, 1)
	ruri, _ := routeTo(target, nil)
	var begun time.Time
	x := &exchange{a: a, flow: flow, uri: ruri}
	x.build = func(f *sipnet.Flow) *sip.Request {
		begun = time.Now()
		return a.optionsRequest(ruri, f)
	}
	x.on = func(r *sip.Response, err error) {
		switch {
		case err != nil:
			got <- result{err: err}
		case r.StatusCode >= 200:
			got <- result{status: r.StatusCode, reason: cleanText(r.Reason)}
		}
	}
	x.start()
	select {
	case r := <-got:
		if r.err != nil {
			return 0, "", 0, r.err
		}
		return r.status, r.reason, time.Since(begun), nil
	case <-ctx.Done():
		x.abandon()
		return 0, "", 0, context.Cause(ctx)
	}
}

func (a *Agent) optionsRequest(ruri sip.Uri, f *sipnet.Flow) *sip.Request {
	r := sip.NewRequest(sip.OPTIONS, ruri)
	us := contactFor(f, "")
	maxForwards := sip.MaxForwardsHeader(70)
	r.AppendHeader(&maxForwards)
	r.AppendHeader(&sip.FromHeader{Address: sip.Uri{Scheme: "sip", Host: us.Host, Port: us.Port}, Params: sip.HeaderParams{{K: "tag", V: a.token(12)}}})
	to := *ruri.Clone()
	to.UriParams = nil
	r.AppendHeader(&sip.ToHeader{Address: to})
	id := sip.CallIDHeader(a.token(24))
	r.AppendHeader(&id)
	r.AppendHeader(&sip.CSeqHeader{SeqNo: 1, MethodName: sip.OPTIONS})
	r.AppendHeader(&sip.ContactHeader{Address: us})
	r.AppendHeader(sip.NewHeader("Accept", "application/sdp"))
	if a.cfg.UserAgent != "" {
		r.AppendHeader(sip.NewHeader("User-Agent", cleanText(a.cfg.UserAgent)))
	}
	r.SetBody(nil)
	return r
}
