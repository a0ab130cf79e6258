package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/config"
	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/apps"
	"github.com/dialwright/dialwright/internal/dialplan/funcs"
	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/local"
	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/pretend"
	"github.com/dialwright/dialwright/internal/store/sqlite"
)

// Plan loads the dialplan that a configuration names, or the file
// itself if it is not "". The texts are what is wrong with it.
func Plan(from Source, file string) (*dialplan.Plan, []string, error) {
	l, err := from.Load()
	if err != nil {
		return nil, nil, err
	}
	if file != "" {
		l.Config.Dialplan.File = file
	}
	if l.Config.Dialplan.File == "" {
		return nil, nil, errors.New("no dialplan is configured: set dialplan.file, or name one with --file")
	}
	p, problems, err := loadPlan(&l.Config)
	if err != nil {
		return nil, nil, err
	}
	var texts []string
	for _, x := range append(problems, lint(p)...) {
		texts = append(texts, planProblem(&l.Config, x))
	}
	return p, texts, nil
}

// PlanTrace says what Trace runs.
type PlanTrace struct {
	Source           // as in Plan; without a dialplan, Eval still works
	File      string // as in Plan
	Context   string
	Exten     string
	Priority  int  // 0 = 1
	Answered  bool // begin on a channel that is up already, instead of a call that comes in
	Caller    call.CallerID
	Variables []call.Variable
	Digits    string        // pressed by the caller once the call is answered; w waits half a second
	Dials     string        // how every phone and trunk that is dialled behaves: a number of the technology Pretend ("ok", "486", "timeout")
	Limit     time.Duration // for the whole call; 0 = 1 min
	Out       func(line string)
}

// Run runs an extension on a switch without telephones and prints each step: the
// real interpreter and applications, with pretended parties. Commands are not run
// and files outside the server's directories not touched, whatever the
// configuration allows.
func (o PlanTrace) Run(ctx context.Context) error {
	l, err := o.Source.Load()
	if err != nil {
		return err
	}
	p, _, err := Plan(o.Source, o.File)
	if err != nil {
		return err
	}
	return o.run(ctx, &l.Config, p)
}

// run is Run with a plan that is loaded, and the configuration that it belongs to. Out is
// called by one goroutine at a time; when ctx ends, the call does.
func (o PlanTrace) run(ctx context.Context, conf *config.Config, p *dialplan.Plan) error {
	if !p.HasContext(o.Context) {
		return fmt.Errorf("there is no context %q; there are: %s", o.Context, strings.Join(p.Contexts(), ", "))
	}
	s, err := newStage(ctx, o, conf)
	if err != nil {
		return err
	}
	defer s.stop(context.WithoutCancel(ctx))
	s.m.SetPlan(p)
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(o.Limit, time.Minute))
	defer cancel()
	c, err := s.caller(ctx)
	if err != nil {
		return err
	}
	select {
	case <-c.Gone():
	case <-ctx.Done():
		s.say("(stopped after %v)", cmp.Or(o.Limit, time.Minute))
	}
	return nil
}

// Eval expands a text as an argument in the dialplan would be: ${…} and $[…]. Out
// is told what is wrong with it.
func (o PlanTrace) Eval(ctx context.Context, text string) (string, error) {
	l, err := o.Source.Load()
	if err != nil {
		return "", err
	}
	p, _, err := Plan(o.Source, o.File)
	if err != nil && (o.File != "" || o.Context != "") {
		return "", err
	}
	s, err := newStage(ctx, o, &l.Config)
	if err != nil {
		return "", err
	}
	defer s.stop(context.WithoutCancel(ctx))
	s.quiet = true
	if p != nil {
		s.m.SetPlan(p)
	}
	c, err := s.s.Create(ctx, pbx.CreateOptions{
		Endpoint: "Pretend/eval", CallerID: o.Caller, Context: cmp.Or(o.Context, "default"),
	})
	if err != nil {
		return "", err
	}
	defer c.Hangup(0)
	x := s.m.Exec(c)
	for _, v := range o.Variables {
		x.Set(ctx, v.Name, v.Value)
	}
	return x.Expand(ctx, text), nil
}

// stage is a switch without telephones.
type stage struct {
	o     PlanTrace
	s     *pbx.Switch
	m     *run.Machine
	media *media.Engine
	store *sqlite.Store
	tmp   string
	quiet bool // what happens to channels is of no interest

	mu     sync.Mutex // one line at a time; guards what follows
	events <-chan pbx.Event
	done   func()
	vars   map[string]string // last values told, by channel and name
}

func newStage(ctx context.Context, o PlanTrace, conf *config.Config) (_ *stage, err error) {
	s := &stage{o: o, vars: map[string]string{}}
	if s.media, err = media.New(media.Config{}); err != nil {
		return nil, err
	}
	if err := s.media.Start(ctx); err != nil {
		return nil, err
	}
	if s.tmp, err = os.MkdirTemp("", "dialwright-trace-"); err != nil { // what is recorded
		return nil, err
	}
	if s.store, err = sqlite.Open(ctx, sqlite.Options{Path: filepath.Join(s.tmp, "trace.db")}); err != nil {
		return nil, err
	}
	inbound := pbx.HandlerFunc(func(ctx context.Context, c *pbx.Channel) { s.m.Inbound().Handle(ctx, c) })
	options := pbx.Options{Media: s.media, Inbound: inbound, Country: strings.ToLower(conf.Numbers.Country), Linger: -1}
	if dir := conf.Media.Sounds; dir != "" {
		options.Sounds = os.DirFS(dir)
	}
	s.s = pbx.New(options)
	confDir := conf.Dialplan.ConfDir
	if file := cmp.Or(o.File, conf.Dialplan.File); confDir == "" && file != "" {
		confDir = filepath.Dir(file)
	}
	s.m = run.New(run.Options{
		Switch: s.s, Router: stageRouter(o.Dials), DB: s.store, Apps: apps.All(), Funcs: funcs.All(),
		Dirs:   run.Dirs{Etc: confDir, Spool: s.tmp, Data: s.tmp, Monitor: filepath.Join(s.tmp, "monitor"), Sounds: conf.Media.Sounds},
		Compat: conf.Dialplan.Compat, ConfDir: confDir, Trace: s.step, Notice: s.notice, Log: slog.New(warnings{s}),
		SkipUnsupported: conf.Dialplan.SkipUnsupported,
	})
	s.s.Register(local.New(s.s))
	s.s.Register(pretend.New(pretend.Options{Media: s.media}))
	s.events, s.done = s.s.Subscribe(pbx.EventFilter{
		Types: []pbx.EventType{pbx.ChannelVarset, pbx.ChannelDTMF, pbx.ChannelHangupRequest},
	}, 4096)
	return s, s.s.Start(ctx)
}

func (s *stage) stop(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	_ = s.s.Stop(ctx) // nothing of it is left when the process ends, which is next
	s.say("")
	s.done()
	_ = s.media.Stop(ctx)
	_ = s.store.Close()
	_ = os.RemoveAll(s.tmp)
}

// caller places the call that is traced.
func (s *stage) caller(ctx context.Context) (*pbx.Channel, error) {
	o := pbx.OriginateOptions{CreateOptions: pbx.CreateOptions{CallerID: s.o.Caller, Variables: s.o.Variables, Context: s.o.Context}}
	digits := pbx.HandlerFunc(func(ctx context.Context, c *pbx.Channel) {
		if s.o.Digits != "" {
			_ = c.SendDTMF(s.o.Digits, pbx.DTMFOptions{Before: 500 * time.Millisecond}) // checked by the command
		}
		<-ctx.Done()
	})
	if s.o.Answered {
		o.Endpoint = call.Endpoint("Pretend/caller?digits=" + s.o.Digits)
		o.Handler = s.m.Handler(run.Position{Context: s.o.Context, Exten: s.o.Exten, Priority: s.o.Priority})
		return s.s.Originate(ctx, o)
	}
	o.Endpoint = call.Endpoint("Local/" + s.o.Exten + "@" + s.o.Context)
	o.Handler = digits
	return s.s.Originate(ctx, o)
}

// say prints a line after what has happened before it; "" prints only that.
func (s *stage) say(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for more := true; more; {
		select {
		case e, ok := <-s.events:
			if more = ok; ok {
				s.tell(&e)
			}
		default:
			more = false
		}
	}
	if format != "" {
		s.o.Out(fmt.Sprintf(format, args...))
	}
}

// step prints a step before it runs.
func (s *stage) step(x *run.Exec, step *dialplan.Step, args string) {
	p := x.Position()
	s.say("%s:%d\t%s,%s,%d\t%s(%s)", step.At.File, step.At.Line, p.Context, p.Exten, p.Priority, step.App, args)
}

func (s *stage) notice(_ *run.Exec, level, text string) { s.say("\t\t%s: %s", level, text) }

// warnings prints what the machine warns of, among the steps.
type warnings struct{ s *stage }

// Enabled is slog.Handler.
func (w warnings) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelWarn }

// Handle is slog.Handler.
func (w warnings) Handle(_ context.Context, r slog.Record) error {
	w.s.say("\t\twarning: %s", r.Message)
	return nil
}

// WithAttrs is slog.Handler; the step before has the place.
func (w warnings) WithAttrs([]slog.Attr) slog.Handler { return w }

// WithGroup is slog.Handler.
func (w warnings) WithGroup(string) slog.Handler { return w }

// tell prints what a step has done to its channel: what it set to another value,
// keys, hangups.
func (s *stage) tell(e *pbx.Event) {
	if s.quiet {
		return
	}
	switch e.Type {
	case pbx.ChannelVarset:
		key := e.Channel.ID + " " + e.Variable
		if s.vars[key] == e.Value || strings.HasPrefix(e.Variable, "DIALWRIGHT_") {
			return
		}
		s.vars[key] = e.Value
		s.o.Out(fmt.Sprintf("\t\t%s: %s = %s", e.Channel.Name, e.Variable, e.Value))
	case pbx.ChannelDTMF:
		s.o.Out(fmt.Sprintf("\t\t%s pressed %c", e.Channel.Name, e.Digit))
	case pbx.ChannelHangupRequest:
		s.o.Out(fmt.Sprintf("\t\t%s hangs up: %s", e.Channel.Name, e.Cause))
	}
}

// stageRouter lets a pretended phone stand for whatever is dialled, except Local
// channels, which lead into the dialplan again.
type stageRouter string

func (r stageRouter) Resolve(_ context.Context, _ *pbx.Channel, _ call.AccountID, dial string) (call.Endpoint, error) {
	if call.Endpoint(dial).Tech() == "LOCAL" {
		return call.Endpoint(dial), nil
	}
	return call.Endpoint("Pretend/" + cmp.Or(string(r), "180?ring=1s&talk=5s")), nil
}
