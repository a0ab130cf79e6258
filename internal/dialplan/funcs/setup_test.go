package funcs

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/pbx"
)

// desk is a channel whose texts are expanded by a real machine, with every
// function there is and everything allowed.
type desk struct {
	*testing.T
	m    *run.Machine
	x    *run.Exec
	warn *buffer
}

// buffer is a log that can be read while it is written.
type buffer struct {
	mu sync.Mutex // guards b
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

// take gives what was logged since the last time.
func (b *buffer) take() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.b.Reset()
	return b.b.String()
}

// newDesk makes a switch with a machine that runs a dialplan, and a call that
// has come in; change may change the machine's options, nil leaves them.
func newDesk(t *testing.T, plan string, change func(*run.Options)) *desk {
	t.Helper()
	d := &desk{T: t, warn: &buffer{}}
	sw := pbx.New(pbx.Options{Linger: -1})
	o := run.Options{
		Switch: sw, Funcs: All(), Log: slog.New(slog.NewTextHandler(d.warn, nil)), Allow: run.Commands | run.Files | run.Net,
	}
	if change != nil {
		change(&o)
	}
	d.m = run.New(o)
	p, _, err := dialplan.Load(fstest.MapFS{"extensions.conf": {Data: []byte(plan)}}, "extensions.conf", dialplan.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	d.m.SetPlan(p)
	d.x = d.m.Exec(d.incoming("55", ""))
	t.Cleanup(func() { // t.Context has ended here
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := sw.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return d
}

// incoming lets a party call; linked is the id of the channel that its call began with, "" its own.
func (d *desk) incoming(number, linked string) *pbx.Channel {
	d.Helper()
	l := &line{}
	c, err := d.m.Switch().Incoming(l, pbx.IncomingOptions{
		Endpoint: number, CallerID: call.CallerID{Number: number}, Dialled: "s", Context: "t", LinkedID: linked,
		Handler: pbx.HandlerFunc(func(ctx context.Context, _ *pbx.Channel) { <-ctx.Done() }),
	})
	if err != nil {
		d.Fatal(err)
	}
	l.deliver(c.Deliver)
	return c
}

// expand gives what a text becomes.
func (d *desk) expand(text string) string { return d.x.Expand(d.Context(), text) }

// want expands texts and compares; "NAME=value" behind a "!" is Set(NAME=value).
func (d *desk) want(cases ...[2]string) {
	d.Helper()
	for _, c := range cases {
		if name, ok := strings.CutPrefix(c[0], "!"); ok {
			d.x.Set(d.Context(), name, c[1])
			continue
		}
		d.warn.take()
		if got := d.expand(c[0]); got != c[1] {
			d.Errorf("%s gives %q, want %q; log: %s", c[0], got, c[1], d.warn.take())
		}
	}
}

// warns expands texts that must give nothing (or what is named) and be reported.
func (d *desk) warns(texts ...string) {
	d.Helper()
	for _, text := range texts {
		d.warn.take()
		if got := d.expand(text); got != "" || d.warn.take() == "" {
			d.Errorf("%s gives %q without a warning", text, got)
		}
	}
}

// refuses wants that setting a function is reported.
func (d *desk) refuses(name, value string) {
	d.Helper()
	d.warn.take()
	d.x.Set(d.Context(), name, value)
	if d.warn.take() == "" {
		d.Errorf("Set(%s=%s) is not reported", name, value)
	}
}
