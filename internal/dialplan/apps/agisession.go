package apps

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/wire/agi"
)

// agiSession is one program that controls one call. It runs in the goroutine
// of the application:
//
//	environment ─► live: command, answer … ─hangup─► dead: command, answer … ─► over
//	                 └── the program ends, sends garbage, does not read ──────────┘
//
// A dead session lasts agiGrace at most, so that a program can note how the
// call ended, and no program keeps a channel for ever.
type agiSession struct {
	x    *run.Exec
	c    *pbx.Channel
	say  func(string) error // sends lines to whom the present command came from
	dead bool
	to   agiMove
}

// agiMove is where SET CONTEXT, EXTENSION and PRIORITY send the channel.
type agiMove struct {
	context, exten string
	priority       int
}

// agiCommand is one line from outside.
type agiCommand struct {
	line string
	say  func(string) error // takes answers, without line feed at the end; may be called several times
	done func()             // the last one was given; nil = nobody wants to know
}

// The reasons for which a session ends before its program does.
var (
	errAGIBreak   = errors.New("ASYNCAGI BREAK")
	errAGIGarbage = errors.New("it sends nothing but unknown commands")
	errAGIGrace   = errors.New("it did not end after the hangup")
)

// serve answers commands until there are no more: nil. told, unless it is nil,
// lets the program know that the party has hung up.
func (s *agiSession) serve(ctx context.Context, commands <-chan agiCommand, told func()) error {
	garbage := 0
	var grace <-chan time.Time
	for {
		select {
		case cmd, ok := <-commands:
			if !ok {
				return nil
			}
			known, err := s.answer(ctx, cmd)
			if err != nil {
				return err
			}
			if garbage++; known {
				garbage = 0
			}
			if garbage > agiGarbage {
				return errAGIGarbage
			}
		case <-grace:
			return errAGIGrace
		case <-ctx.Done():
			if s.dead || s.c.Context().Err() == nil {
				return context.Cause(ctx) // the call is taken from us, or h has run out of time
			}
			s.dead = true
			if s.yes("AGIEXITONHANGUP") {
				return pbx.ErrGone
			}
			if told != nil && !s.no("AGISIGHUP") {
				told()
			}
			var done func()
			ctx, done = s.x.Machine().Outlive(ctx) // what is asked now belongs to the call still
			defer done()
			t := time.NewTimer(agiGrace)
			defer t.Stop()
			grace = t.C
		}
	}
}

// yes and no read a switch among the variables (Asterisk: utils.c ast_true, ast_false).
func (s *agiSession) yes(name string) bool {
	return isWord(s.x.Get(name), "yes", "true", "y", "t", "1", "on")
}
func (s *agiSession) no(name string) bool {
	return isWord(s.x.Get(name), "no", "false", "n", "f", "0", "off")
}

func isWord(v string, words ...string) bool {
	for _, w := range words {
		if strings.EqualFold(v, w) {
			return true
		}
	}
	return false
}

// answer carries out one command line. The error ends the session.
func (s *agiSession) answer(ctx context.Context, in agiCommand) (known bool, err error) {
	s.say = in.say
	if in.done != nil {
		defer in.done()
	}
	words, err := agi.Split(in.line)
	cmd, args, ok := agi.Find(words)
	switch {
	case err != nil || !ok:
		return false, s.say(agi.Unknown)
	case s.dead && !cmd.Dead:
		return true, s.say(agi.NotDead)
	case !cmd.Takes(len(args)):
		return true, s.say(agi.Misused(cmd))
	}
	a, err := s.do(ctx, cmd.Name, args)
	switch {
	case errors.Is(err, errAGIArgument):
		return true, s.say(agi.Misused(cmd))
	case errors.Is(err, errAGIBreak):
		return true, errors.Join(s.say(a.String()), err)
	case err != nil:
		return true, err
	}
	return true, s.say(a.String())
}

// readAGI reads lines until the end and gives them out as commands, each to be
// answered by say. stop ends it, together with the end of r. When commands is
// closed, and not before, err says what broke the reading off.
func readAGI(r io.Reader, say func(string) error, stop <-chan struct{}) (commands <-chan agiCommand, err func() error) {
	out := make(chan agiCommand)
	scan := bufio.NewScanner(r)
	scan.Buffer(make([]byte, 0, 4096), agiLine)
	go func() { // ends when the caller closes r and stop
		defer close(out)
		for scan.Scan() {
			line := strings.TrimSuffix(scan.Text(), "\r")
			select {
			case out <- agiCommand{line: line, say: say}:
			case <-stop:
				return
			}
		}
	}()
	return out, func() error {
		if errors.Is(scan.Err(), bufio.ErrTooLong) {
			return fmt.Errorf("a command is longer than %d bytes", agiLine)
		}
		return nil // broken off is an end like any other
	}
}

// exec runs an application. Its result is 0, the code of a digit that was
// typed, -1 if it ends the call, -2 if there is none of that name.
func (s *agiSession) exec(ctx context.Context, name, args string) agi.Answer {
	err := s.x.RunApp(ctx, name, args)
	if d, ok := errors.AsType[*run.Digits](err); ok && d.First != "" {
		return agi.Result(int(d.First[0]))
	}
	switch {
	case err == nil:
		return agi.Result(0)
	case errors.Is(err, run.ErrNoApp):
		s.x.Warn("AGI: there is no application %s", name)
		return agi.Result(-2)
	case !errors.Is(err, run.ErrEnd) && ctx.Err() == nil:
		s.x.Warn("AGI: application %s: %v", name, err)
	}
	return agi.Result(-1)
}

// gosub runs a subroutine to its Return.
func (s *agiSession) gosub(ctx context.Context, args []string) (agi.Answer, error) {
	to, err := s.x.Target(ctx, strings.Join(args[:3], ","))
	if err != nil {
		return agi.Answer{Result: "-1", Note: "Gosub label not found"}, nil
	}
	if err := s.say(agi.Trying); err != nil {
		return agi.Answer{}, err
	}
	var sub []string
	if len(args) > 3 {
		sub = dialplan.SplitArgs(args[3])
	}
	if err := s.x.Sub(ctx, to, sub); err != nil {
		if ctx.Err() == nil && !errors.Is(err, run.ErrEnd) {
			s.x.Warn("AGI: GOSUB: %v", err)
		}
		return agi.Answer{Result: "-1", Note: "Gosub failed"}, nil
	}
	return agi.Answer{Result: "0", Note: "Gosub complete"}, nil
}
