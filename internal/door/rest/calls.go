package rest

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/door/auth"
)

type createInput struct {
	Key  string `header:"Idempotency-Key" maxLength:"256" doc:"Repeating a request with the same key makes no second call"`
	Body NewCall
}

type callOutput struct {
	Status   int
	Location string `header:"Location"`
	Replayed bool   `header:"Idempotent-Replayed" doc:"The key was used before; this is the earlier call"`
	Body     Call
}

func (s *Server) createCall(ctx context.Context, in *createInput) (*callOutput, error) {
	r, err := s.requestOf(ctx, &in.Body)
	if err != nil {
		return nil, err
	}
	if in.Key != "" {
		r.Key = in.Key
	}
	return s.submit(ctx, r)
}

func (s *Server) submit(ctx context.Context, r call.Request) (*callOutput, error) {
	c, repeated, err := s.o.Calls.Submit(ctx, r)
	if err != nil {
		return nil, err
	}
	out := &callOutput{Status: http.StatusCreated, Location: "/v1/calls/" + string(c.ID), Replayed: repeated, Body: viewCall(c)}
	if repeated {
		out.Status = http.StatusOK
	}
	return out, nil
}

// requestOf translates a body and says who asks.
func (s *Server) requestOf(ctx context.Context, n *NewCall) (call.Request, error) {
	r, err := n.request()
	if err != nil {
		return r, err
	}
	p := principal(ctx)
	own := s.accountOf(p)
	switch {
	case r.Account == "":
		r.Account = own
	case r.Account != own && !p.IsAdmin():
		return r, &Refusal{Code: "account", Field: "account", Text: "You may not act for the account " + string(r.Account) + "."}
	}
	r.Origin.Principal, r.Origin.Door, r.Origin.Remote = p.Name, doorOf(p), remoteFrom(ctx)
	return r, s.mayAdd(ctx, r.Batch)
}

// mayAdd refuses calls for a batch of another account, and names that no address could hold.
func (s *Server) mayAdd(ctx context.Context, b call.BatchID) error {
	if b == "." || b == ".." {
		return &Refusal{Code: "invalid", Field: "batch", Text: "A batch cannot be called . or .."}
	}
	if s.o.Imports == nil || b == "" {
		return nil
	}
	return importError(s.o.Imports.MayAdd(ctx, b, s.importer(ctx)))
}

func (s *Server) accountOf(p auth.Principal) call.AccountID {
	if p.Account != "" {
		return p.Account
	}
	return s.o.Control.DefaultAccount()
}

// visible gives the account that p is restricted to, "" for all.
func (s *Server) visible(ctx context.Context) call.AccountID {
	p := principal(ctx)
	if p.IsAdmin() {
		return ""
	}
	return s.accountOf(p)
}

type idInput struct {
	ID string `path:"id" maxLength:"64" doc:"Call ID"`
}

// own gives a call that the principal may see.
func (s *Server) own(ctx context.Context, id string) (call.Call, error) {
	c, err := s.o.Calls.Get(ctx, call.ID(id))
	if err != nil {
		return c, err
	}
	if only := s.visible(ctx); only != "" && c.Request.Account != only {
		return call.Call{}, &Refusal{Code: "not-found", Text: "There is no call " + id + "."}
	}
	return c, nil
}

type oneCall struct{ Body Call }

func (s *Server) getCall(ctx context.Context, in *idInput) (*oneCall, error) {
	c, err := s.own(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &oneCall{viewCall(c)}, nil
}

// CallFilter are the parameters that select calls. Absent ones do not restrict.
type CallFilter struct {
	State       []string  `query:"state" enum:"scheduled,queued,dialing,ringing,answered,confirming,connecting,connected,waiting-retry,ended,cancelled" doc:"Any of these states, separated by commas"`
	Account     string    `query:"account" maxLength:"64"`
	Batch       string    `query:"batch" maxLength:"128"`
	Door        string    `query:"door" maxLength:"32"`
	Principal   string    `query:"principal" maxLength:"256" doc:"Who asked, exactly: the name of a key, or of a user of the console"`
	Disposition string    `query:"disposition" enum:"ANSWERED,NO ANSWER,BUSY,FAILED,CONGESTION,CANCELLED,INTERRUPTED"`
	Number      string    `query:"number" maxLength:"128" doc:"Part of either endpoint"`
	Reference   string    `query:"reference" maxLength:"1024" doc:"The caller's own reference, exactly; for a call file its name"`
	From        time.Time `query:"from" doc:"Created at or after"`
	To          time.Time `query:"to" doc:"Created before"`
}

func (in *CallFilter) filter() Filter {
	f := Filter{
		Account: call.AccountID(in.Account), Batch: call.BatchID(in.Batch), Door: in.Door, Principal: in.Principal, Disposition: call.Disposition(in.Disposition),
		Number: in.Number, Reference: in.Reference, From: in.From, To: in.To,
	}
	for _, st := range in.State {
		f.States = append(f.States, call.State(st))
	}
	return f
}

type listInput struct {
	CallFilter
	Cursor string `query:"cursor" maxLength:"512" doc:"next of the previous page"`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	Order  string `query:"order" enum:"newest,oldest" default:"newest"`
}

type listOutput struct {
	Body struct {
		Calls []Call `json:"calls" nullable:"false"`
		Next  string `json:"next,omitempty" doc:"Cursor of the next page; absent on the last"`
	}
}

func (s *Server) listCalls(ctx context.Context, in *listInput) (*listOutput, error) {
	f := in.filter()
	f.Cursor, f.Limit, f.Oldest = in.Cursor, in.Limit, in.Order == "oldest"
	if only := s.visible(ctx); only != "" {
		f.Account = only
	}
	calls, next, err := s.o.Calls.List(ctx, f)
	if err != nil {
		return nil, err
	}
	out := &listOutput{}
	out.Body.Next, out.Body.Calls = next, make([]Call, 0, len(calls))
	for _, c := range calls {
		out.Body.Calls = append(out.Body.Calls, viewCall(c))
	}
	return out, nil
}

type attemptsOutput struct {
	Body struct {
		Attempts []AttemptView `json:"attempts" nullable:"false"`
	}
}

func (s *Server) listAttempts(ctx context.Context, in *idInput) (*attemptsOutput, error) {
	if _, err := s.own(ctx, in.ID); err != nil {
		return nil, err
	}
	attempts, err := s.o.Calls.Attempts(ctx, call.ID(in.ID))
	if err != nil {
		return nil, err
	}
	out := &attemptsOutput{}
	out.Body.Attempts = []AttemptView{}
	for _, a := range attempts {
		out.Body.Attempts = append(out.Body.Attempts, viewAttempt(a))
	}
	return out, nil
}

type explainOutput struct{ Body Explanation }

func (s *Server) explainCall(ctx context.Context, in *idInput) (*explainOutput, error) {
	c, err := s.own(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	attempts, err := s.o.Calls.Attempts(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	return &explainOutput{explain(c, attempts)}, nil
}

func (s *Server) cancelCall(ctx context.Context, in *idInput) (*oneCall, error) {
	return s.end(ctx, in.ID, s.o.Calls.Cancel)
}

func (s *Server) hangupCall(ctx context.Context, in *idInput) (*oneCall, error) {
	return s.end(ctx, in.ID, s.o.Calls.Hangup)
}

func (s *Server) end(ctx context.Context, id string, do func(context.Context, call.ID, string) error) (*oneCall, error) {
	c, err := s.own(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := do(ctx, c.ID, principal(ctx).Name); err != nil {
		return nil, err
	}
	if c, err = s.own(ctx, id); err != nil {
		return nil, err
	}
	return &oneCall{viewCall(c)}, nil
}

// Verdict is the result of a dry run.
type Verdict struct {
	Accepted   bool     `json:"accepted"`
	First      string   `json:"first,omitempty" doc:"What would be dialled first"`
	Second     string   `json:"second,omitempty" doc:"What would be dialled second"`
	Rules      []string `json:"rules" nullable:"false" doc:"Guard rules that were looked at, in order"`
	Code       string   `json:"code,omitempty" doc:"Why not, for programs"`
	Rule       string   `json:"rule,omitempty" doc:"The rule that decided"`
	Text       string   `json:"text,omitempty" doc:"Why not, and what to do"`
	RetryAfter Seconds  `json:"retry_after,omitempty"`
}

type checkInput struct{ Body NewCall }

type checkOutput struct{ Body Verdict }

func (s *Server) checkCall(ctx context.Context, in *checkInput) (*checkOutput, error) {
	r, err := s.requestOf(ctx, &in.Body)
	if err != nil {
		return nil, err
	}
	d, err := s.o.Calls.Check(ctx, r)
	if err != nil {
		return nil, err
	}
	v := Verdict{Accepted: d.Refusal == nil, First: string(d.RouteA.Endpoint), Second: string(d.RouteB.Endpoint), Rules: append([]string{}, d.Rules...)}
	if f := d.Refusal; f != nil {
		v.Code, v.Rule, v.Text, v.RetryAfter = f.Code, f.Rule, f.Text, Seconds(f.RetryAfter)
	}
	return &checkOutput{v}, nil
}

// remoteKey is the context key of the client's address.
type remoteKey struct{}

func remoteFrom(ctx context.Context) string {
	s, _ := ctx.Value(remoteKey{}).(string)
	if strings.HasPrefix(s, "@") { // peer of a unix socket
		return ""
	}
	return s
}
