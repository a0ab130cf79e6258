package apps

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/pbx"
)

// originateWait is how long an answer is waited for when nothing is said
// (spec: dialplan 5.1 Originate).
const originateWait = 30 * time.Second

// origination is what Originate was asked for.
type origination struct {
	target  string
	request call.Request
	o       letters
}

// parseOriginate reads "tech/dest,app|exten,arg1[,arg2[,arg3[,timeout[,opts]]]]".
func parseOriginate(x *run.Exec, args string) (origination, error) {
	parts := dialplan.SplitArgs(args)
	for len(parts) < 7 {
		parts = append(parts, "")
	}
	for i := range parts {
		parts[i] = unescape(strings.TrimSpace(parts[i]))
	}
	g := origination{target: parts[0]}
	if !strings.Contains(g.target, "/") {
		return g, fmt.Errorf("destination %q has not the form technology/resource", g.target)
	}
	if parts[2] == "" {
		return g, errors.New("the third argument is missing")
	}
	switch strings.ToLower(parts[1]) {
	case "app":
		g.request.Then = call.Then{Kind: call.ThenApplication, Name: parts[2], Data: parts[3]}
	case "exten":
		then := call.Then{Kind: call.ThenDialplan, Context: parts[2], Extension: parts[3], Priority: parts[4]}
		if then.Extension == "" {
			then.Extension = "s"
		}
		g.request.Then = then
	default:
		return g, fmt.Errorf("the second argument is %q, not app or exten", parts[1])
	}
	g.request.WaitTime = originateWait
	if d, ok := seconds(parts[5]); ok && d > 0 {
		g.request.WaitTime = d
	}
	var err error
	if g.o, err = parseLetters(strings.Join(parts[6:], ",")); err != nil {
		return g, err
	}
	g.o.only("avcnbBC", "", x.Warn)
	g.request.First, g.request.Lenient = call.Endpoint(g.target), true
	g.request.CallerID = call.CallerID{Name: g.o['n'], Number: g.o['c']}
	g.request.Account = x.Channel().Snapshot().Account
	g.request.AccountCode = x.Channel().Snapshot().AccountCode
	g.request.Origin = call.Origin{Door: "dialplan", Principal: x.Channel().Name()}
	for _, v := range carets(g.o['v']) {
		name, value, _ := strings.Cut(v, "=")
		g.request.Variables = append(g.request.Variables, call.Variable{Name: strings.TrimSpace(name), Value: value})
	}
	for c := range strings.SplitSeq(g.o['C'], ",") {
		if c = strings.TrimSpace(c); c != "" {
			g.request.Codecs = append(g.request.Codecs, c)
		}
	}
	return g, nil
}

// unescape removes the backslash before a comma that an argument shall keep.
func unescape(s string) string { return strings.ReplaceAll(s, `\,`, ",") }

// originate is Originate: it rings a leg and lets it run an application or an
// extension when it answers. It waits for the answer, or the refusal, and not for
// the end of that call; with option a for nothing. A failed one runs the extension
// failed of the context (spec: dialplan 5.1 Originate; Asterisk: app_originate.c).
func originate(ctx context.Context, x *run.Exec, args string) error {
	g, err := parseOriginate(x, args)
	if err != nil {
		x.Warn("Originate: %v", err)
		x.Set(ctx, "ORIGINATE_STATUS", "FAILED")
		return run.ErrEnd
	}
	if place, ok := g.o['B']; ok {
		if err := subroutine(ctx, x, x, place); err != nil {
			return err
		}
	}
	if g.o.has('a') {
		go g.place(context.WithoutCancel(ctx), x, func(int) {})
		x.Set(ctx, "ORIGINATE_STATUS", "SUCCESS")
		return nil
	}
	result := make(chan int, 2)
	go g.place(context.WithoutCancel(ctx), x, func(reason int) { result <- reason })
	select {
	case reason := <-result:
		x.Set(ctx, "ORIGINATE_STATUS", originateStatus(reason))
		return nil
	case <-ctx.Done():
		x.Set(ctx, "ORIGINATE_STATUS", "HANGUP")
		return context.Cause(ctx)
	}
}

// place places the call and tells, once, what became of it. The call outlives
// whoever asked for it: ctx is the server's, and the switch's Stop ends it.
func (g origination) place(ctx context.Context, x *run.Exec, tell func(reason int)) {
	m := x.Machine()
	told := false
	once := func(reason int) {
		if !told {
			told = true
			tell(reason)
		}
	}
	hooks := pbx.Hooks{
		Resolve: func(ctx context.Context) (call.Endpoint, error) { return m.Resolve(ctx, x.Channel(), g.target) },
	}
	if place, ok := g.o['b']; ok {
		hooks.Prepare = func(ctx context.Context, c *pbx.Channel) error { return subroutine(ctx, x, m.Exec(c), place) }
	}
	hooks.Ended = func(out call.Outcome) { once(out.Reason) }
	e := pbx.NewEngineWith(m.Switch(), pbx.EngineOptions{Compat: m.Compat()})
	at := call.Attempt{Request: g.request, RouteA: call.Route{Endpoint: call.Endpoint(g.target), Typed: g.target}, StartedAt: time.Now().UTC()}
	out, err := e.PlaceWith(ctx, at, hooks, func(ev call.Event) {
		if ev.Type == call.EvAnswered {
			once(cause.ReasonAnswered)
		}
	})
	if err != nil {
		m.Log().Error("originate", "target", g.target, "error", err)
	}
	if out.Failure != nil {
		m.Log().Info("originate failed", "target", g.target, "reason", strconv.Itoa(out.Reason), "error", out.Failure)
	}
}

// originateStatus is ORIGINATE_STATUS for a REASON (Asterisk: app_originate.c).
func originateStatus(reason int) string {
	switch reason {
	case cause.ReasonAnswered:
		return "SUCCESS"
	case cause.ReasonBusy:
		return "BUSY"
	case cause.ReasonCongestion:
		return "CONGESTION"
	case cause.ReasonNoAnswer:
		return "RINGING"
	case cause.ReasonHangup:
		return "HANGUP"
	}
	return "FAILED"
}
