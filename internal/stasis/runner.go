package stasis

import (
	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/pbx"
)

// Runner gives a runner that carries out call.ThenApp by the hub and leaves all else
// to another one, nil for none. What that one can do beside (pbx.FailedRunner,
// pbx.Recorder) it can too. An application that is not connected is an error beside
// a handler that hangs up, as pbx.Runner wants it. split reads the arguments of
// Then.Data (spec: ari 6.5).
func (h *Hub) Runner(inner pbx.Runner, split func(args string) []string) pbx.Runner {
	return runner{hub: h, inner: inner, split: split}
}

type runner struct {
	hub   *Hub
	inner pbx.Runner
	split func(string) []string
}

// Runner implements pbx.Runner.
func (r runner) Runner(t call.Then) (pbx.Handler, error) {
	switch {
	case t.Kind == call.ThenApp:
	case r.inner != nil:
		return r.inner.Runner(t)
	default:
		return nil, pbx.ErrBuiltIn
	}
	handler, ok := r.hub.Handler(t.Name, r.split(t.Data))
	if !ok {
		return handler, &call.Failure{
			Disposition: call.Failed, Cause: int(cause.NoRoute), Text: "the application " + t.Name + " is not connected",
		}
	}
	return handler, nil
}

// Failed implements pbx.FailedRunner.
func (r runner) Failed(context, callerNumber string) (pbx.Handler, bool) {
	if f, ok := r.inner.(pbx.FailedRunner); ok {
		return f.Failed(context, callerNumber)
	}
	return nil, false
}

// Record implements pbx.Recorder.
func (r runner) Record(c *pbx.Channel) (call.DialplanRecord, bool) {
	if rec, ok := r.inner.(pbx.Recorder); ok {
		return rec.Record(c)
	}
	return call.DialplanRecord{}, false
}
