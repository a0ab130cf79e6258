package app

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/config"
	"github.com/dialwright/dialwright/internal/door/cli"
	"github.com/dialwright/dialwright/internal/pbx"
)

// runs is a server that Run serves.
type runs struct {
	*App
	t     *testing.T
	ended chan error
}

func newRuns(t *testing.T) *runs {
	t.Helper()
	a, err := New(Options{Log: io.Discard, Version: "1.2.3", Adjust: func(c *config.Config) {
		c.Server.DataDir, c.HTTP.Listen, c.SIP.Listen, c.SIP.AllowPretend = t.TempDir(), "", []string{"udp:127.0.0.1:0"}, true
		c.Server.Drain = config.Seconds(60)
	}})
	if err != nil {
		t.Fatal(err)
	}
	r := &runs{a, t, make(chan error, 1)}
	up := make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background()) // the process's: t.Context is over in clean-ups
	go func() { r.ended <- a.Run(ctx, ctx, nil, func(Ready) { close(up) }) }()
	select {
	case <-up:
	case err := <-r.ended:
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		if err := a.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return r
}

func (r *runs) rx(line string, want cli.Outcome) {
	r.t.Helper()
	if got := r.shell.Run(r.t.Context(), cli.Caller{Name: "test"}, line); got.Outcome != want {
		r.t.Errorf("%s: %s %s, want %s", line, got.Outcome, got.Output, want)
	}
}

// call has a pretended phone that waits.
func (r *runs) call() {
	r.t.Helper()
	events, done := r.pbx.Subscribe(pbx.EventFilter{Types: []pbx.EventType{pbx.ChannelHandlerStarted}}, 8)
	defer done()
	r.rx("channel originate Pretend/1 application Wait 1000", cli.Done)
	select {
	case <-events:
	case <-time.After(20 * time.Second):
		r.t.Fatal("the call was not answered")
	}
}

// wait gives the error of Run.
func (r *runs) wait() error {
	r.t.Helper()
	select {
	case err := <-r.ended:
		return err
	case <-time.After(40 * time.Second):
		r.t.Fatal("it does not end")
		return nil
	}
}

func TestStopNowHangsUp(t *testing.T) {
	t.Parallel()
	r := newRuns(t)
	r.call()
	r.rx("core stop now", cli.Done)
	if err := r.wait(); err != nil {
		t.Error(err)
	}
	r.rx("core stop when convenient", cli.Failed)
}

func TestRestartGracefullyWaitsForCalls(t *testing.T) {
	t.Parallel()
	r := newRuns(t)
	r.call()
	r.rx("core restart gracefully", cli.Done)
	r.rx("channel request hangup all", cli.Done)
	if err := r.wait(); !errors.Is(err, ErrRestart) {
		t.Error(err)
	}
}

// Who has no patience any more says now, and whether the server is to start again.
func TestNowHastensAnEndThatHasBegun(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		first, second string
		want          error
	}{
		{"core restart gracefully", "core stop now", nil},
		{"core stop gracefully", "core restart now", ErrRestart},
	} {
		r := newRuns(t)
		r.call()
		r.rx(c.first, cli.Done)
		r.rx("core stop gracefully", cli.Failed)
		r.rx(c.second, cli.Done)
		if err := r.wait(); !errors.Is(err, c.want) {
			t.Errorf("%s, %s: %v", c.first, c.second, err)
		}
	}
}

func TestStopWhenConvenientCanBeTakenBack(t *testing.T) {
	t.Parallel()
	r := newRuns(t)
	r.call()
	r.rx("core stop when convenient", cli.Done)
	r.rx("core stop when convenient", cli.Failed)
	r.rx("core abort shutdown", cli.Done)
	r.rx("core abort shutdown", cli.Failed)
	r.rx("core restart when convenient", cli.Done)
	r.rx("channel request hangup all", cli.Done)
	if err := r.wait(); !errors.Is(err, ErrRestart) {
		t.Error(err)
	}
}

// What a command dials leaves a record, and is told to nobody when it is refused.
func TestCLIOriginate(t *testing.T) {
	t.Parallel()
	r := newRuns(t)
	r.call()
	r.rx("channel originate Nosuch/1 application Wait 1", cli.Done)
	r.rx("channel originate PJSIP/nosuch extension 1@default", cli.Done)
	if n := r.pbx.Stats().Created; n != 1 {
		t.Errorf("%d channels were made, want 1", n)
	}
	gone, done := r.pbx.Subscribe(pbx.EventFilter{Types: []pbx.EventType{pbx.ChannelDestroyed}}, 8)
	defer done()
	r.rx("channel originate Pretend/2 extension nosuch@nowhere", cli.Done) // answered, and hung up
	select {
	case e := <-gone:
		if e.Channel.Endpoint != "2" {
			t.Errorf("%s has ended", e.Channel.Name)
		}
	case <-time.After(20 * time.Second):
		t.Error("a call that leads nowhere goes on")
	}
}
