package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/door/rest"
	"github.com/dialwright/dialwright/internal/door/rest/client"
)

// callCmd submits a call and follows it.
type callCmd struct {
	First  string `arg:"" help:"Who is rung first: a number, a phone, or an endpoint such as PJSIP/101."`
	Second string `arg:"" optional:"" help:"Who is then dialled and connected."`

	Dialplan    string        `placeholder:"CONTEXT,EXTENSION[,PRIORITY]" help:"Instead of SECOND: go on in the dialplan."`
	Application string        `placeholder:"NAME[,DATA]" help:"Instead of SECOND: run an application, such as Playback,hello."`
	App         string        `placeholder:"NAME[,ARGS]" help:"Instead of SECOND: hand over to an ARI application."`
	CallerID    string        `placeholder:"TEXT" help:"Caller ID, such as 'Sales <+4930123456>'."`
	Wait        time.Duration `help:"How long FIRST may ring."`
	SecondWait  time.Duration `help:"How long SECOND may ring."`
	MaxTime     time.Duration `help:"Longest connected time."`
	Confirm     bool          `help:"FIRST must press 1 before SECOND is dialled."`
	AutoAnswer  bool          `help:"Ask the first phone to answer by itself."`
	EarlyMedia  bool          `help:"Early media of FIRST counts as an answer."`
	Retry       int           `placeholder:"N" help:"Further attempts after the first."`
	RetryWait   time.Duration `help:"Between the end of an attempt and the next."`
	NotBefore   string        `placeholder:"TIME" help:"Earliest start: a time (2026-12-24T18:00:00+01:00) or a delay (90m)."`
	NotAfter    string        `placeholder:"TIME" help:"Latest start, as --not-before."`
	Priority    int           `help:"Lower goes first."`
	Batch       string        `help:"Batch to which the call belongs."`
	Account     string        `help:"On whose behalf."`
	Reference   string        `help:"Your own reference, shown in events and records."`
	Var         []string      `name:"var" sep:"none" placeholder:"NAME=VALUE" help:"Channel variable; may be repeated."`
	Once        string        `placeholder:"KEY" help:"Idempotency key: repeating the command with it makes no second call."`
	Detach      bool          `short:"d" help:"Submit only; print the call's ID."`
}

// Help is the long help.
func (callCmd) Help() string {
	return "Ctrl-C before the parties are connected cancels the call, afterwards it hangs up. " +
		"Exit status: 0 answered or connected, 2 busy, 3 no answer, 4 failed, 5 cancelled, 1 anything else (usage, refused, no server)."
}

// Run submits, follows and reports.
func (c callCmd) Run(e *env) error {
	body, err := c.body()
	if err != nil {
		return err
	}
	return e.with(func(cl *client.Client) error {
		var made rest.Call
		if err := cl.Post(e.ctx, "/v1/calls", body, &made); err != nil {
			return err
		}
		if c.Detach {
			if e.cli.JSON {
				e.printJSON(made)
			} else {
				fmt.Fprintln(e.stdout, made.ID)
			}
			return nil
		}
		return e.follow(cl, made)
	})
}

// body builds the API's body.
func (c callCmd) body() (map[string]any, error) {
	b := map[string]any{"first": c.First}
	set := func(name string, v any, zero bool) {
		if !zero {
			b[name] = v
		}
	}
	set("second", c.Second, c.Second == "")
	if err := c.then(b); err != nil {
		return nil, err
	}
	set("caller_id", c.CallerID, c.CallerID == "")
	set("wait_time", c.Wait.Seconds(), c.Wait == 0)
	set("second_wait", c.SecondWait.Seconds(), c.SecondWait == 0)
	set("max_time", c.MaxTime.Seconds(), c.MaxTime == 0)
	set("confirm", true, !c.Confirm)
	set("auto_answer", true, !c.AutoAnswer)
	set("early_media", true, !c.EarlyMedia)
	set("priority", c.Priority, c.Priority == 0)
	set("batch", c.Batch, c.Batch == "")
	set("account", c.Account, c.Account == "")
	set("reference", c.Reference, c.Reference == "")
	set("key", c.Once, c.Once == "")
	if c.Retry != 0 || c.RetryWait != 0 {
		b["retry"] = map[string]any{"max": c.Retry, "wait": c.RetryWait.Seconds()}
	}
	for name, text := range map[string]string{"not_before": c.NotBefore, "not_after": c.NotAfter} {
		if text == "" {
			continue
		}
		t, err := moment(text)
		if err != nil {
			return nil, fmt.Errorf("--%s: %w", strings.ReplaceAll(name, "_", "-"), err)
		}
		b[name] = t
	}
	var vars []call.Variable
	for _, v := range c.Var {
		name, value, ok := strings.Cut(v, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("--var %q: write it as NAME=VALUE", v)
		}
		vars = append(vars, call.Variable{Name: name, Value: value})
	}
	set("variables", vars, vars == nil)
	return b, nil
}

// then adds what replaces SECOND.
func (c callCmd) then(b map[string]any) error {
	if c.Dialplan != "" {
		p := strings.SplitN(c.Dialplan, ",", 3)
		if len(p) < 2 {
			return errors.New("--dialplan: write it as CONTEXT,EXTENSION[,PRIORITY]")
		}
		d := map[string]any{"context": p[0], "extension": p[1]}
		if len(p) == 3 {
			d["priority"] = p[2]
		}
		b["dialplan"] = d
	}
	if c.Application != "" {
		name, data, _ := strings.Cut(c.Application, ",")
		b["application"] = map[string]any{"name": name, "data": data}
	}
	if c.App != "" {
		p := strings.Split(c.App, ",")
		b["app"] = map[string]any{"name": p[0], "args": p[1:]}
	}
	return nil
}

// moment reads a time, or a delay from now.
func moment(s string) (time.Time, error) {
	if d, err := time.ParseDuration(s); err == nil {
		return time.Now().Add(d), nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return t, fmt.Errorf("%q is neither a time such as 2026-12-24T18:00:00+01:00 nor a delay such as 90m", s)
	}
	return t, nil
}

// follow prints what happens to a call until it ends, and gives its outcome as
// exit status. An interrupt ends the call and goes on following.
func (e *env) follow(cl *client.Client, made rest.Call) error {
	// The stream outlives the first interrupt: the end of the call is still to be seen.
	ctx, cancel := context.WithCancel(e.stopNow)
	defer cancel()
	t := &timeline{e: e, call: made}
	stop := context.AfterFunc(e.ctx, func() { e.interrupt(ctx, cl, made.ID) })
	defer stop()
	t.begin()
	for ev, err := range cl.Events(ctx, 0, url.Values{"call": {made.ID}}, nil) {
		if gap, ok := errors.AsType[*client.ErrMissed](err); ok {
			fmt.Fprintln(e.stderr, "dialwright:", gap)
			continue
		}
		if err != nil {
			return err
		}
		t.add(ev)
		if ev.State.Done() {
			break
		}
	}
	t.end()
	if e.stopNow.Err() != nil {
		return status(exitCancelled)
	}
	var done rest.Call
	if err := cl.Get(ctx, "/v1/calls/"+made.ID, nil, &done); err != nil {
		return err
	}
	if !call.State(done.State).Done() {
		return fmt.Errorf("the event stream ended before the call %s; see `dialwright explain %s`", made.ID, made.ID)
	}
	if e.cli.JSON {
		e.printLine(done)
	} else {
		fmt.Fprintln(e.stdout, clean(outcomeLine(done)))
	}
	return outcomeStatus(done)
}

// interrupt ends the call. It asks for the cancellation whatever the state: a
// call that has not been answered is withdrawn, a connected one hung up.
func (e *env) interrupt(ctx context.Context, cl *client.Client, id string) {
	fmt.Fprintln(e.stderr, "ending the call; once more to leave at once")
	err := cl.Post(ctx, "/v1/calls/"+id+"/cancel", nil, nil)
	if pe, ok := errors.AsType[*client.Error](err); ok && pe.Code == "state" {
		return // it has just ended by itself
	}
	if err != nil {
		fmt.Fprintln(e.stderr, "dialwright:", err)
	}
}

// outcomeLine says in one line what became of a call, and where to look when it
// did not become one.
func outcomeLine(c rest.Call) string {
	word := c.State
	if c.Disposition != "" && c.State == string(call.Ended) {
		word = strings.ToLower(c.Disposition)
	}
	s := c.Reason
	switch {
	case s == "":
		s = word
	case !strings.HasPrefix(strings.ToLower(s), word):
		s = word + ": " + s
	}
	s = withCauseName(s, c.Cause, c.CauseText)
	if c.State == string(call.Ended) && c.Disposition != string(call.Answered) {
		s += "; see `dialwright explain " + c.ID + "`"
	}
	return s
}

// withCauseName puts the name of a cause beside its number.
func withCauseName(s string, cause int, name string) string {
	if cause == 0 || name == "" {
		return s
	}
	return strings.Replace(s, fmt.Sprintf("(cause %d)", cause), fmt.Sprintf("(cause %d, %s)", cause, name), 1)
}

// outcomeStatus gives the exit status of a call that is over.
func outcomeStatus(c rest.Call) error {
	if c.State == string(call.CancelledSt) {
		return status(exitCancelled)
	}
	switch call.Disposition(c.Disposition) {
	case call.Answered:
		return nil
	case call.Busy:
		return status(exitBusy)
	case call.NoAnswer:
		return status(exitNoAnswer)
	case call.Cancelled:
		return status(exitCancelled)
	}
	return status(exitFailed)
}

// timeline prints the events of one call: as lines as they come, or on a
// terminal as one line that changes and the whole at the end.
type timeline struct {
	e     *env
	call  rest.Call
	lines []string
}

func (t *timeline) begin() {
	if !t.e.cli.JSON {
		fmt.Fprintf(t.e.stdout, "call %s: %s\n", t.call.ID, clean(arrow(t.call.First, t.call.Second)))
	}
}

func (t *timeline) add(ev call.Event) {
	switch {
	case t.e.cli.JSON:
		t.e.printLine(ev)
		return
	case !t.e.tty:
		fmt.Fprintln(t.e.stdout, t.line(ev))
		return
	}
	t.lines = append(t.lines, t.line(ev))
	fmt.Fprintf(t.e.stdout, "\r\x1b[K%s", t.line(ev))
}

func (t *timeline) end() {
	if t.e.tty && !t.e.cli.JSON {
		fmt.Fprint(t.e.stdout, "\r\x1b[K", strings.Join(t.lines, "\n"), "\n")
	}
}

func (t *timeline) line(ev call.Event) string {
	return fmt.Sprintf("  %s %10s  %-15s %s", ev.At.Local().Format("15:04:05.000"), since(t.call.CreatedAt, ev.At), ev.Type, clean(eventText(ev)))
}

// eventText says in words what an event means.
func eventText(ev call.Event) string {
	text := ev.Text
	if text == "" {
		text = eventWords(ev.Type)
	}
	if ev.CDR != nil {
		text = withCauseName(text, ev.CDR.Cause, ev.CDR.CauseText)
	}
	if !ev.DueAt.IsZero() {
		text += " at " + clock(ev.DueAt)
	}
	return text
}

func eventWords(t call.EventType) string {
	switch t {
	case call.EvAccepted:
		return "accepted and stored"
	case call.EvDue:
		return "due"
	case call.EvStarted:
		return "dialling the first party"
	case call.EvRinging:
		return "the first party rings"
	case call.EvProgress:
		return "early media from the first party"
	case call.EvAnswered:
		return "the first party has answered"
	case call.EvConfirming:
		return "asked to press 1"
	case call.EvConnecting:
		return "dialling the second party"
	case call.EvBRinging:
		return "the second party rings"
	case call.EvBProgress:
		return "early media from the second party"
	case call.EvConnected:
		return "connected"
	case call.EvRetry:
		return "another attempt follows"
	case call.EvCancel:
		return "cancelled"
	}
	return ""
}
