package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/app"
	"github.com/dialwright/dialwright/internal/call"
)

// dialplanCmd looks into a dialplan without a server.
type dialplanCmd struct {
	Show  planShowCmd  `cmd:"" help:"List contexts, or the extensions of one, in the order in which they are tried."`
	Eval  planEvalCmd  `cmd:"" help:"Expand a text as the dialplan would: \\${…} and $[…]."`
	Trace planTraceCmd `cmd:"" help:"Run an extension with pretended phones and print each step. Commands are not run, whatever is allowed."`
}

// planSource names the dialplan.
type planSource struct {
	File string `placeholder:"FILE" help:"An extensions.conf; else dialplan.file of the configuration."`
}

type planShowCmd struct {
	planSource
	Where string `arg:"" optional:"" help:"CONTEXT, or EXTENSION@CONTEXT."`
}

// Run lists.
func (c *planShowCmd) Run(e *env) error {
	p, problems, err := app.Plan(e.source(), c.File)
	if err != nil {
		return err
	}
	exten, context, one := strings.Cut(c.Where, "@")
	switch {
	case c.Where == "":
		for _, name := range p.Contexts() {
			fmt.Fprintf(e.stdout, "[%s]\t%d steps\n", name, len(p.Steps(name)))
		}
	default:
		if !one {
			exten, context = "", c.Where
		}
		if !p.HasContext(context) {
			return fmt.Errorf("there is no context %q; there are: %s", context, strings.Join(p.Contexts(), ", "))
		}
		for _, s := range p.Steps(context) {
			if exten != "" && s.Exten != exten {
				continue
			}
			cid, label := "", ""
			if s.HasCID {
				cid = "/" + s.CID
			}
			if s.Label != "" {
				label = "(" + s.Label + ")"
			}
			fmt.Fprintf(e.stdout, "%s%s,%d%s\t%s(%s)\t%s:%d\n", s.Exten, cid, s.Priority, label, s.App, s.Args, s.At.File, s.At.Line)
		}
		for _, inc := range p.Includes(context) {
			fmt.Fprintf(e.stdout, "include\t%s\n", inc.Text)
		}
	}
	for _, text := range problems {
		fmt.Fprintln(e.stderr, "warning:", text)
	}
	return nil
}

// planSet are the variables and caller ID of a pretended call.
type planSet struct {
	Set      []string `placeholder:"NAME=VALUE" help:"Variable of the channel, may be given several times."`
	CallerID string   `name:"caller-id" placeholder:"ID" help:"Caller ID, '\"Name\" <number>'."`
}

func (s planSet) variables() ([]call.Variable, error) {
	var out []call.Variable
	for _, v := range s.Set {
		name, value, ok := strings.Cut(v, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("--set %q: write it as NAME=VALUE", v)
		}
		out = append(out, call.Variable{Name: name, Value: value})
	}
	return out, nil
}

type planEvalCmd struct {
	planSource
	planSet
	Context string `placeholder:"CONTEXT" help:"Context for functions that look into the dialplan."`
	Text    string `arg:"" help:"What to expand; quote it for the shell."`
}

// Run expands.
func (c *planEvalCmd) Run(e *env) error {
	vars, err := c.variables()
	if err != nil {
		return err
	}
	got, err := app.PlanTrace{
		Source: e.source(), File: c.File, Context: c.Context, Caller: app.CallerID(c.CallerID), Variables: vars,
		Out: func(line string) { fmt.Fprintln(e.stderr, strings.TrimSpace(line)) },
	}.Eval(e.ctx, c.Text)
	if err != nil {
		return err
	}
	fmt.Fprintln(e.stdout, got)
	return nil
}

type planTraceCmd struct {
	planSource
	planSet
	Where    string        `arg:"" help:"EXTENSION@CONTEXT."`
	Priority int           `default:"1" help:"Priority to begin with."`
	Answered bool          `help:"Begin on an answered channel, as call files do, instead of a call that comes in."`
	Digits   string        `help:"What the caller presses once it is answered; w waits half a second."`
	Dials    string        `default:"180?ring=1s&talk=5s" help:"How phones that are dialled behave, as a Pretend number: 180 rings and answers, 486 is busy, timeout does nothing."`
	Limit    time.Duration `default:"1m" help:"End the call after so long."`
}

// Run traces.
func (c *planTraceCmd) Run(e *env) error {
	exten, context, ok := strings.Cut(c.Where, "@")
	if !ok || exten == "" || context == "" {
		return fmt.Errorf("%q: write it as EXTENSION@CONTEXT", c.Where)
	}
	if strings.Trim(c.Digits, "0123456789ABCDabcd*#wW") != "" {
		return fmt.Errorf("--digits %q: use 0-9, A-D, *, # and w", c.Digits)
	}
	vars, err := c.variables()
	if err != nil {
		return err
	}
	return app.PlanTrace{
		Source: e.source(), File: c.File, Context: context, Exten: exten, Priority: c.Priority, Answered: c.Answered,
		Caller: app.CallerID(c.CallerID), Variables: vars, Digits: c.Digits, Dials: c.Dials, Limit: c.Limit,
		Out: func(line string) { fmt.Fprintln(e.stdout, line) },
	}.Run(e.ctx)
}
