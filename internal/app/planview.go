package app

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/dialwright/dialwright/internal/config"
	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/door/rest"
	"github.com/dialwright/dialwright/internal/wire/conf"
)

// Bounds of what is shown of a dialplan, and of a trace.
const (
	maxPlanSource = 4 << 20          // bytes of a file
	tracesAtOnce  = 2                // of all who ask
	traceLimit    = 30 * time.Second // of a trace
	maxTraceLines = 2000
	maxTraceText  = 256 << 10 // bytes of all lines
)

// plans is rest.Plans.
type plans struct {
	a       *App
	places  chan struct{} // one for each trace
	mu      sync.Mutex    // guards running
	running map[string]bool
}

func newPlans(a *App) *plans {
	return &plans{a: a, places: make(chan struct{}, tracesAtOnce), running: map[string]bool{}}
}

// Plan is rest.Plans.
func (v *plans) Plan() rest.Plan {
	c := v.a.Config()
	out := rest.Plan{File: c.Dialplan.File, Files: []string{}, Contexts: []rest.PlanContext{}, Problems: []rest.PlanProblem{}}
	p := v.a.contexts.Load()
	if p == nil {
		return out
	}
	out.Files = append(out.Files, p.Files()...)
	where := map[conf.Origin]*dialplan.Step{}
	for _, name := range p.Contexts() {
		pc := rest.PlanContext{Name: name, Includes: []string{}, Extensions: []rest.PlanExtension{}}
		for _, inc := range p.Includes(name) {
			pc.Includes = append(pc.Includes, inc.Text)
		}
		for _, s := range p.Steps(name) {
			if where[s.At] == nil {
				where[s.At] = s
			}
			exten := s.Exten
			if s.HasCID {
				exten += "/" + s.CID
			}
			if n := len(pc.Extensions); n == 0 || pc.Extensions[n-1].Exten != exten {
				pc.Extensions = append(pc.Extensions, rest.PlanExtension{Exten: exten, File: s.At.File, Line: s.At.Line})
			}
			last := &pc.Extensions[len(pc.Extensions)-1]
			last.Priorities = append(last.Priorities, rest.PlanStep{Priority: s.Priority, Label: s.Label, App: s.App, Data: s.Args, File: s.At.File, Line: s.At.Line})
		}
		out.Contexts = append(out.Contexts, pc)
	}
	if found := v.a.findings.Load(); found != nil {
		for _, x := range *found {
			problem := rest.PlanProblem{File: x.File, Line: x.Line, Severity: x.Severity.String(), Text: x.Text}
			if s := where[x.Origin]; s != nil {
				problem.Context, problem.Exten = s.Context, s.Exten
			}
			out.Problems = append(out.Problems, problem)
		}
	}
	return out
}

// Source is rest.Plans. It gives files that the plan in force was read from and no other;
// also a symbolic link among them does not lead out of the directory.
func (v *plans) Source(name string) ([]byte, error) {
	c, p := v.a.Config(), v.a.contexts.Load()
	if p == nil || c.Dialplan.File == "" || !slices.Contains(p.Files(), name) {
		return nil, &rest.Refusal{Code: "not-found", Text: "No file of this name belongs to the dialplan in force."}
	}
	root, err := os.OpenRoot(cmp.Or(filepath.Dir(c.Dialplan.File), "."))
	if err != nil {
		return nil, v.unreadable(name, err)
	}
	defer root.Close()
	f, err := root.Open(name)
	if err != nil {
		return nil, v.unreadable(name, err)
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, v.unreadable(name, cmp.Or(err, os.ErrInvalid))
	}
	text, err := io.ReadAll(io.LimitReader(f, maxPlanSource+1))
	switch {
	case err != nil:
		return nil, v.unreadable(name, err)
	case len(text) > maxPlanSource:
		return nil, &rest.Refusal{Code: "invalid", Text: "The file is too long to be shown."}
	}
	return text, nil
}

func (v *plans) unreadable(name string, err error) error {
	v.a.log.Info("file of the dialplan cannot be shown", "file", name, "error", err)
	return &rest.Refusal{Code: "not-found", Text: "The file " + name + " cannot be read: it is gone, or a link that leads out of the directory of the dialplan."}
}

// Trace is rest.Plans. It runs an extension of the plan in force on a stage of its own, as
// `dialwright dialplan trace` does: nothing of it reaches a phone, a file of others, the
// network or the operating system.
func (v *plans) Trace(ctx context.Context, who string, t rest.PlanTrace) (rest.PlanTraced, error) {
	if err := v.begin(who); err != nil {
		return rest.PlanTraced{}, err
	}
	defer v.end(who)
	p := v.a.contexts.Load()
	if p == nil || !p.HasContext(t.Context) {
		return rest.PlanTraced{}, &rest.Refusal{Code: "invalid", Field: "context", Text: "The dialplan has no context of this name."}
	}
	ctx, cancel := context.WithTimeout(ctx, traceLimit)
	defer cancel()
	out := &traced{cancel: cancel, lines: []string{}}
	err := PlanTrace{
		Context: t.Context, Exten: t.Exten, Caller: CallerID(t.Caller), Digits: t.Digits, Dials: t.Dials, Limit: traceLimit, Out: out.add,
	}.run(ctx, stageConfig(v.a.Config()), p)
	if err != nil {
		v.a.log.InfoContext(ctx, "dialplan not traced", "context", t.Context, "exten", t.Exten, "error", err)
		return rest.PlanTraced{}, &rest.Refusal{Code: "invalid", Text: "This cannot be traced: " + err.Error() + "."}
	}
	return out.result(ctx), nil
}

// stageConfig is the configuration that a trace is run with.
func stageConfig(c *config.Config) *config.Config {
	stage := *c
	stage.Dialplan.AllowExec, stage.Dialplan.AllowFiles, stage.Dialplan.DenyNet = false, false, true
	return &stage
}

// begin takes a place for a trace: one for each who asks.
func (v *plans) begin(who string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.running[who] {
		return &rest.Refusal{Code: "rate", Text: "A trace of yours is still running; wait until it has ended.", RetryAfter: traceLimit}
	}
	select {
	case v.places <- struct{}{}:
	default:
		return &rest.Refusal{Code: "rate", Text: "Traces of others are running; try again in a moment.", RetryAfter: traceLimit / 2}
	}
	v.running[who] = true
	return nil
}

func (v *plans) end(who string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.running, who)
	<-v.places
}

// traced collects the lines of a trace, and ends it when there are too many.
type traced struct {
	cancel context.CancelFunc

	mu    sync.Mutex // guards what follows
	lines []string
	bytes int
	full  bool
}

func (t *traced) add(line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	line = strings.ToValidUTF8(line, string(utf8.RuneError))
	if len(t.lines) >= maxTraceLines || t.bytes+len(line) > maxTraceText {
		t.full = true
		t.cancel()
		return
	}
	t.lines, t.bytes = append(t.lines, line), t.bytes+len(line)
}

func (t *traced) result(ctx context.Context) rest.PlanTraced {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := rest.PlanTraced{Lines: slices.Clone(t.lines), Ended: "The call has ended."}
	switch {
	case t.full:
		out.Ended = fmt.Sprintf("Stopped: more than %d lines.", len(t.lines))
	case ctx.Err() != nil:
		out.Ended = fmt.Sprintf("Stopped after %v.", traceLimit)
	}
	return out
}
