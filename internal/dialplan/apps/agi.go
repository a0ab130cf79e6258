package apps

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/wire/agi"
)

// gateway lists the applications that let a program control a call (spec:
// dialplan 5.3).
func gateway() []run.App {
	return []run.App{
		{Name: "AGI", Run: func(ctx context.Context, x *run.Exec, args string) error { return runAGI(ctx, x, args, false) }},
		{Name: "DeadAGI", Run: func(ctx context.Context, x *run.Exec, args string) error { return runAGI(ctx, x, args, false) }},
		{Name: "EAGI", Run: func(ctx context.Context, x *run.Exec, args string) error { return runAGI(ctx, x, args, true) }},
	}
}

// The bounds of what a program outside can do to us.
const (
	agiConnect = 10 * time.Second // to reach a FastAGI server
	agiWrite   = 10 * time.Second // for a peer to take an answer
	agiGrace   = 10 * time.Second // for a program to end after the hangup
	agiLine    = 64 << 10         // bytes of a command line
	agiGarbage = 100              // unknown commands in a row
)

// The values of AGISTATUS.
const (
	agiSuccess  = "SUCCESS"
	agiFailure  = "FAILURE"  // could not be started or reached, broke off, or exited with an error
	agiNotFound = "NOTFOUND" // there is no such script
	agiHungUp   = "HANGUP"   // the party hung up meanwhile
)

// runAGI is AGI(what[,args…]): what is a script in the AGI directory,
// agi://host[:port][/path], hagi://host, or agi:async. The dialplan goes on
// behind it, whatever became of the program, or where SET CONTEXT, EXTENSION and
// PRIORITY have sent the channel. It may run after the hangup too.
func runAGI(ctx context.Context, x *run.Exec, args string, enhanced bool) error {
	words := dialplan.SplitArgs(args)
	if len(words) == 0 || strings.TrimSpace(words[0]) == "" {
		x.Warn("AGI needs a script")
		return run.ErrEnd
	}
	for i := range words {
		words[i] = withoutQuotes(words[i])
	}
	what := strings.TrimSpace(words[0])
	alive := x.Channel().Context().Err() == nil
	s := &agiSession{x: x, c: x.Channel(), dead: !alive}
	status, err := s.start(ctx, what, words[1:], enhanced)
	if alive && x.Channel().Context().Err() != nil {
		x.Set(ctx, "AGISTATUS", agiHungUp)
		return pbx.ErrGone
	}
	if err != nil {
		x.Warn("AGI(%s): %v", what, err)
	}
	x.Set(ctx, "AGISTATUS", status)
	if alive && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	s.move()
	return nil
}

// withoutQuotes takes away the double quotes and backslashes that have kept an
// argument together (Asterisk: app.c __ast_app_separate_args).
func withoutQuotes(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case s[i] != '"' && s[i] != '\\':
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

// start finds out what kind of program it is, and serves it to its end.
func (s *agiSession) start(ctx context.Context, what string, args []string, enhanced bool) (status string, err error) {
	lower := strings.ToLower(what)
	fast := strings.HasPrefix(lower, "agi://") || strings.HasPrefix(lower, "hagi://")
	env := s.environment(what, args)
	switch {
	case enhanced && (fast || strings.HasPrefix(lower, "agi:async")):
		return agiFailure, errors.New("EAGI gives its audio to local scripts only")
	case fast:
		return s.runFast(ctx, what, env)
	case strings.HasPrefix(lower, "agi:async"):
		env.Request = "async"
		return s.runAsync(ctx, env)
	}
	env.Enhanced = enhanced
	return s.runScript(ctx, what, args, env)
}

// environment fills in what every program is told.
func (s *agiSession) environment(request string, args []string) agi.Environment {
	sn, at := s.c.Snapshot(), s.x.Position()
	e := agi.Environment{
		Request: request, Channel: sn.Name, Language: sn.Language, Type: sn.Technology, UniqueID: sn.ID, Version: s.function("VERSION", ""),
		CallerID: sn.Caller.Number, CallerName: sn.Caller.Name, DNID: s.function("CALLERID", "dnid"), RDNIS: s.function("CALLERID", "rdnis"),
		Context: at.Context, Extension: at.Exten, Priority: at.Priority, AccountCode: s.x.CDR().Copy().AccountCode, ThreadID: sn.ID, Args: args,
		CallingPres: s.x.Presentation(),
	}
	return e
}

// function reads a function, "" if there is none of that name.
func (s *agiSession) function(name, args string) string {
	v, _, err := s.x.Machine().ReadFunction(s.c.Context(), s.c, name, args)
	if err != nil {
		return ""
	}
	return v
}

// move sends the channel where the program wants it.
func (s *agiSession) move() {
	if s.to == (agiMove{}) {
		return
	}
	at := s.x.Position()
	to := run.Position{Context: at.Context, Exten: at.Exten, Priority: at.Priority + 1}
	if s.to.context != "" {
		to.Context = s.to.context
	}
	if s.to.exten != "" {
		to.Exten = s.to.exten
	}
	if s.to.priority != 0 {
		to.Priority = s.to.priority
	}
	s.x.Goto(to)
}
