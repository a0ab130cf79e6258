package ami

import (
	"context"
	"strconv"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/pbx"
	wire "github.com/dialwright/dialwright/internal/wire/ami"
)

// originateActions are those that place calls (spec: ami 4).
func (s *Server) originateActions() []action {
	return []action{
		{"Originate", "Call somebody and go on in the dialplan or with an application.", wire.Origin, s.originate},
	}
}

// The texts of Originate that need the dialplan or the switch (spec: ami 4.4, 4.5).
const (
	textQueued      = "Originate successfully queued"
	textFailed      = "Originate failed"
	textNoExtension = "Extension does not exist."
	textNeedsPlace  = "Originate with 'Exten' requires 'Context' and 'Priority'"
)

// origination is an Originate that was let through.
type origination struct {
	s    *Server
	q    *request
	o    *wire.Originate
	ask  Ask
	then call.Then
}

// originate places a call (spec: ami 4). The checks come in Asterisk's order; what the guard
// or the switch has against it is told as the outcome, as for a phone that cannot be called:
//
//	checks ─► Error                          nothing has happened
//	sync      the answer is the outcome      the session waits, others go on
//	async     Success, then OriginateResponse, once
//
// A client that leaves does not end the call (spec: ami 4.5).
func (s *Server) originate(ctx context.Context, q *request) answer {
	o, err := wire.ParseOriginate(q.packet, q.rights(), s.label)
	if err != nil {
		return q.fail(err.Error())
	}
	g := &origination{s: s, q: q, o: o, then: thenOf(o), ask: q.ask()}
	g.ask.Endpoint, g.ask.CallerID = o.Channel, pbx.ParseCallerID(o.CallerID)
	if text := g.refusal(); text != "" {
		return q.fail(text)
	}
	if why := s.pace.enter(q.user, time.Now()); why != "" {
		s.log.Warn("originate refused", "door", "ami", "user", g.user(), "remote", q.remote, "reason", why)
		return q.fail(why)
	}
	placed := g.place(ctx)
	if o.Async {
		return q.done(textQueued)
	}
	select {
	case <-placed.Done():
	case <-q.gone: // the call goes on
		return nil
	case <-ctx.Done():
		return q.fail(textFailed)
	}
	if !placed.Result().Answered {
		return q.fail(textFailed)
	}
	return q.done(textQueued)
}

// rights are what the user may do.
func (q *request) rights() wire.Class {
	if q.user == nil {
		return 0
	}
	return q.user.Write
}

func (g *origination) user() string {
	if g.q.user == nil {
		return ""
	}
	return g.q.user.Name
}

// label finds the priority of a label.
func (s *Server) label(in, exten, label string) (int, bool) {
	if s.o.Plan == nil {
		return 0, false
	}
	n := s.o.Plan().Label(in, exten, label, dialplan.Caller{At: time.Now()})
	return n, n > 0
}

// thenOf is what follows the answer: an application counts more than a place, and without
// a priority a place is at its first (spec: ami 4.1, 4.4).
func thenOf(o *wire.Originate) call.Then {
	if o.Application != "" {
		return call.Then{Kind: call.ThenApplication, Name: o.Application, Data: o.Data}
	}
	return call.Then{Kind: call.ThenDialplan, Context: o.Context, Extension: o.Exten, Priority: strconv.Itoa(max(o.Priority, 1))}
}

// MayRun says whether Originate runs an application with its data for a user. Who gives
// commands may not do by another name what Originate refuses.
func (s *Server) MayRun(u *User, app, data string) bool {
	rights := wire.None
	if u != nil {
		rights = u.Write
	}
	return !wire.Dangerous(app, data, rights) && s.mayRunApp(app)
}

// refusal gives why the request cannot be, "" = it can: an application that is not one of
// ours (spec: ami 10.4), and what follows in Asterisk's order (spec: ami 4.4, 7 and 8).
func (g *origination) refusal() string {
	s, o := g.s, g.o
	switch {
	case o.Application != "" && !s.mayRunApp(o.Application) && !s.o.Config().Lenient:
		return wire.ErrApplication.Error()
	case o.Priority != 0 && !s.there(g.q.user, o.Context, o.Exten, o.Priority):
		return textNoExtension
	case !o.Async && o.Application == "" && o.Priority == 0:
		return textNeedsPlace
	}
	return ""
}

// there says whether a step is there for whoever calls.
func (s *Server) there(u *User, in, exten string, priority int) bool {
	if in == "" || exten == "" || priority < 1 {
		return false
	}
	account := call.AccountID("")
	if u != nil {
		account = u.Account
	}
	_, err := s.sw.Follow(account, call.Then{Kind: call.ThenDialplan, Context: in, Extension: exten, Priority: strconv.Itoa(priority)})
	return err == nil
}
