package app

import (
	"context"
	"iter"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/config"
	"github.com/dialwright/dialwright/internal/directory"
	"github.com/dialwright/dialwright/internal/door/switchvox"
	"github.com/dialwright/dialwright/internal/originate"
)

// newSwitchvox makes Switchvox's door, if it is switched on.
func (a *App) newSwitchvox() *switchvox.Door {
	if !a.Config().Switchvox.Enabled {
		return nil
	}
	shape := newShape(switchvoxConfig)
	return switchvox.New(switchvox.Options{
		Users: a.people, Originator: extendCalls{a}, Calls: a.usercalls, Destination: a.destination, Ready: a.Ready, Log: a.log,
		Identity: func(u directory.User) call.CallerID { return a.identity(u, a.Config().Phones[u.Phone]) },
		Config:   func() *switchvox.Config { return shape.of(a.Config()) },
	})
}

// switchvoxConfig translates the section [switchvox], which has been checked.
func switchvoxConfig(c *config.Config) *switchvox.Config {
	s := c.Switchvox
	out := &switchvox.Config{
		Realm: s.Realm, NonceLife: s.NonceLife.Duration, Tenant: s.Tenant, JSONNumbers: s.JSONNumbers, FirstErrorOnly: s.FirstErrorOnly,
		Dedupe: s.Dedupe, MinExtension: s.MinExtension, MaxExtension: s.MaxExtension, AllowExternalFirst: s.AllowExternalFirst,
		AllowedOrigins: s.AllowedOrigins, Networks: checked(s.Networks), AllowPlainHTTP: s.AllowPlainHTTP, TrustedProxies: checked(s.TrustedProxies),
		Pending: s.Pending, Variables: s.Variables, PassVariables: s.PassVariables, Version: s.Version,
	}
	for _, scheme := range s.Schemes {
		out.Digest = out.Digest || scheme == "digest"
		out.Basic = out.Basic || scheme == "basic"
	}
	return out
}

// extendCalls gives the originator the shape that Switchvox's door declares.
type extendCalls struct{ a *App }

// Submit is switchvox.Originator.
func (e extendCalls) Submit(ctx context.Context, r call.Request) (call.Call, bool, error) {
	return e.a.originator.Submit(ctx, r)
}

// AwaitFirst is switchvox.Originator.
func (e extendCalls) AwaitFirst(ctx context.Context, id call.ID) (answered bool, why *call.Failure, err error) {
	return e.a.originator.AwaitFirst(ctx, id)
}

// Records is switchvox.Originator.
func (e extendCalls) Records(ctx context.Context, from, to time.Time) iter.Seq2[call.CDR, error] {
	return func(yield func(call.CDR, error) bool) {
		f := originate.Filter{From: from, To: to, Limit: 500}
		for {
			page, next, err := e.a.originator.CDRs(ctx, f)
			if err != nil {
				yield(call.CDR{}, err)
				return
			}
			for _, d := range page {
				if !yield(d, nil) {
					return
				}
			}
			if next == "" {
				return
			}
			f.Cursor = next
		}
	}
}

// Deny is switchvox.Originator.
func (e extendCalls) Deny(ctx context.Context, entry originate.AuditEntry) { e.a.denied(ctx, entry) }
