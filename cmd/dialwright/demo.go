package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/dialwright/dialwright/internal/app/demo"
	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/door/ctl"
	"github.com/dialwright/dialwright/internal/door/rest"
)

// demoCmd runs the demonstration.
type demoCmd struct {
	Once    bool `help:"Leave after the calls, with exit status 0 if the phones heard each other, else 1."`
	Verbose bool `short:"v" help:"Show the server's log."`
}

// Run starts server and phones, places the calls, and leaves them up.
func (c demoCmd) Run(e *env) error {
	var log io.Writer
	if c.Verbose {
		log = e.stderr
	}
	var t *timeline
	plain := *e
	plain.tty = false // every line stays
	d, err := demo.Start(e.ctx, demo.Options{
		Version: buildInfo().Version, Log: log,
		Begun: func(door string, made rest.Call) {
			if !e.cli.JSON {
				fmt.Fprintf(e.stdout, "through the door %s: ", door)
			}
			t = &timeline{e: &plain, call: made}
			t.begin()
		},
		Event: func(_ rest.Call, ev call.Event) { t.add(ev) },
		Step:  step(e),
	})
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	defer func() {
		if err := d.Stop(context.WithoutCancel(e.stopNow)); err != nil {
			fmt.Fprintln(e.stderr, "dialwright: demo:", err)
		}
	}()
	c.introduce(e, d)
	ok := true
	for _, door := range d.Doors() {
		h, err := d.Call(e.ctx, door)
		if err != nil {
			return fmt.Errorf("demo: %w", err)
		}
		ok = ok && h.OK()
		c.report(e, h)
	}
	if c.Once {
		if !ok {
			return status(exitError)
		}
		return nil
	}
	d.Rest(10 * time.Second)
	if err := c.invite(e, d); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	select {
	case <-e.ctx.Done():
	case err := <-d.Failed():
		return fmt.Errorf("demo: %w", err)
	}
	if !ok {
		return status(exitError)
	}
	return nil
}

// acts says what is done at each door whose call is placed by a program of its own.
var acts = map[string]string{
	"ari":       "an application creates, bridges and dials",
	"ami":       "a program logs in, originates and follows its events",
	"dialproxy": "a label is made, then its link is opened",
	"vodia":     "a link that its sender has signed is opened",
	"switchvox": "a program asks, and is answered when the first phone is",
	"link":      "a link is made, then the button of its page is pressed",
}

// step prints what the demonstration's application does.
func step(e *env) func(door string, at time.Time, text string) {
	said := ""
	return func(door string, at time.Time, text string) {
		if e.cli.JSON {
			e.printLine(map[string]any{"door": door, "at": at.UTC(), "step": text})
			return
		}
		if said != door {
			fmt.Fprintf(e.stdout, "through the door %s: %s\n", door, acts[door])
		}
		said = door
		fmt.Fprintf(e.stdout, "  %s  %s\n", at.Format("15:04:05.000"), text)
	}
}

func (demoCmd) introduce(e *env, d *demo.Demo) {
	if e.cli.JSON {
		return
	}
	fmt.Fprintln(e.stdout, "A server and two phones (A = 101, B = 102) run on this machine; they are registered over SIP.")
	fmt.Fprintln(e.stdout)
}

func (demoCmd) report(e *env, h demo.Heard) {
	if e.cli.JSON {
		e.printLine(h)
		return
	}
	fmt.Fprintln(e.stdout, h)
	if h.Err != nil {
		fmt.Fprintln(e.stdout, h.Err)
	}
	fmt.Fprintln(e.stdout)
}

// invite says where everything is, and what to try.
func (demoCmd) invite(e *env, d *demo.Demo) error {
	r := d.Ready()
	once, name, password, err := d.Console(e.ctx)
	if err != nil {
		return err
	}
	if e.cli.JSON {
		widget, _, _ := d.Pages()
		e.printLine(map[string]any{"http": r.HTTP, "sip": r.SIP, "data_dir": r.DataDir, "key": d.Key(), "ari": d.ARI(), "ami": r.AMI, "dialproxy": d.Dialproxy(), "widget": widget, "phones": d.Phones(), "console": once})
		return nil
	}
	fmt.Fprintf(e.stdout, "The server stays up until Ctrl-C.\n\n  console  %s\n           logs a browser in, once and within ten minutes; then user %s, password %s\n\n", once, name, password)
	for _, s := range r.SIP {
		fmt.Fprintf(e.stdout, "  SIP      %s\n", s)
	}
	for _, p := range d.Phones() {
		fmt.Fprintf(e.stdout, "  phone    %s\n", p)
	}
	fmt.Fprintf(e.stdout, "  control  %s\n", ctl.Path(r.DataDir))
	fmt.Fprintf(e.stdout, "  API      %s/v1  (document: %s/v1/openapi.json)\n  API key  %s\n", r.HTTP, r.HTTP, d.Key())
	fmt.Fprintf(e.stdout, "  ARI      %s\n", d.ARI())
	address, user, secret := d.AMI()
	fmt.Fprintf(e.stdout, "  AMI      %s, user %s, secret %s\n  click    %s102\n", address, user, secret, d.Dialproxy())
	address, user, secret = d.Pages()
	fmt.Fprintf(e.stdout, "  widget   %s, user %s, password %s (of Switchvox's %s/xml too)\n\nTry in another terminal:\n\n", address, user, secret, r.HTTP)
	fmt.Fprintf(e.stdout, "  export DIALWRIGHT_DATA_DIR=%s\n  dialwright call 101 102\n  dialwright call 101 Pretend/100486\n  dialwright history\n  dialwright records\n  dialwright explain CALL\n  dialwright events --after 0\n  dialwright rx 'core show channels'\n", r.DataDir)
	fmt.Fprintf(e.stdout, "  dialwright spool --dir %s --channel PJSIP/101 --application Playback --data hello-world\n", d.Spool())
	fmt.Fprintf(e.stdout, "  curl -H 'Authorization: Bearer %s' -d '{\"first\":\"101\",\"second\":\"102\"}' -H 'Content-Type: application/json' %s/v1/calls\n", d.Key(), r.HTTP)
	return nil
}
