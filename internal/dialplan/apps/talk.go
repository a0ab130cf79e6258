package apps

import (
	"context"
	"errors"
	"time"

	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/pbx"
)

// talk is a conversation of two parties: the bridge between them, its limits, and
// what they may do by pressing digits.
//
//	connected ─► limit, hangup by * ────────────────────► ended
//	    │ ▲  └── # (t, T): ask where to ─► transferred ─► moved
//	    │ └───────────┘ nobody there
//	    ├── REFER of a phone ───────────────────────────► moved
//	    └── *1, *3 (w, W, x, X): recording on and off
type talk struct {
	x          *run.Exec // runs the caller
	a, b       *pbx.Channel
	q          *pbx.Queue // sees the digits and transfers of both
	o          letters    // hHtTwWxX
	limits     limits
	bridge     *pbx.Bridge // with early media, or nil
	quietLines bool        // nobody's connected line changes

	digits    [2]features // of the caller and of the called party
	recording bool
}

// ending says how a talk has ended.
type ending int

const (
	callerLeft ending = iota + 1
	calledLeft
	timeUp  // a limit
	byDigit // a party pressed *
	taken   // something else has the called party now
	moved   // a party has transferred the other one, which is on its own way
	stopped // ctx
)

// run connects the two and returns when the conversation has ended. The bridge
// is gone then; the channels are as they were, but for who left.
func (t *talk) run(ctx context.Context) ending {
	t.digits = [2]features{featuresOf(t.o, false), featuresOf(t.o, true)}
	if how := t.join(); how != 0 {
		return how
	}
	defer func() { t.bridge.Destroy() }()
	defer func() {
		if t.recording {
			t.record(ctx)
		}
	}()
	var end, warn <-chan time.Time
	if t.limits.most > 0 {
		end = time.After(t.limits.most)
		if t.limits.warn > 0 {
			warn = time.After(t.limits.most - t.limits.warn)
		}
	}
	t.sound(t.limits.begin)
	pending := time.NewTimer(0)
	<-pending.C
	defer pending.Stop()
	for {
		for e, ok := t.q.Take(); ok; e, ok = t.q.Take() {
			if how := t.handle(ctx, &e, pending); how != 0 {
				return how
			}
		}
		select {
		case <-t.q.C():
		case <-pending.C:
			if how := t.settle(ctx); how != 0 {
				return how
			}
		case <-warn:
			warn = nil
			t.sound(t.limits.warning)
			if t.limits.repeat > 0 {
				warn = time.After(t.limits.repeat)
			}
		case <-end:
			return t.timeUp(ctx)
		case <-t.a.Context().Done():
			return callerLeft
		case <-t.b.Context().Done():
			return calledLeft
		case <-ctx.Done():
			switch {
			case t.a.Context().Err() != nil:
				return callerLeft
			case t.b.Handled(): // something else has both
				return taken
			}
			return stopped
		}
	}
}

// join answers the caller, if it has called us, and puts both into the bridge.
// 0 = they are connected.
func (t *talk) join() ending {
	if t.a.Snapshot().Incoming {
		if err := t.a.Answer(); err != nil {
			if t.bridge != nil {
				t.bridge.Destroy()
			}
			if !errors.Is(err, pbx.ErrGone) {
				t.x.Warn("caller not answered: %v", err)
				t.a.Hangup(cause.TemporaryFailure)
			}
			return callerLeft
		}
	}
	if t.bridge != nil {
		t.bridge.Introduce(t.b, !t.quietLines)
		return 0
	}
	return t.enter()
}

// enter makes a bridge for both.
func (t *talk) enter() ending {
	b, err := t.x.Machine().Switch().NewBridge(pbx.BridgeOptions{Creator: "Dial", Class: "basic"})
	if err != nil {
		return stopped // the switch stops
	}
	t.bridge = b
	how := ending(0)
	// The called party comes first, and is at no extension any more (observed: Asterisk 22.10, AMI trace a1).
	if sn := t.b.Snapshot(); sn.App == dialledApp {
		_ = t.b.SetPosition(sn.Context, "", 1, sn.App, sn.AppData) // ErrGone is seen next
	}
	for _, c := range [...]*pbx.Channel{t.b, t.a} {
		err := b.Add(c, pbx.AddOptions{InhibitConnected: t.quietLines})
		switch {
		case err == nil:
		case c == t.a:
			how = callerLeft
		case how == 0:
			how = calledLeft
		}
	}
	if how != 0 {
		b.Destroy()
	}
	return how
}

// handle takes one event of a party.
func (t *talk) handle(ctx context.Context, e *pbx.Event, pending *time.Timer) ending {
	switch e.Type {
	case pbx.ChannelDTMF:
		called := e.Channel.ID == t.b.ID()
		if !called && e.Channel.ID != t.a.ID() {
			return 0
		}
		side := t.side(called)
		code, wait := side.press(e.Digit)
		if wait {
			pending.Reset(featureTimeout)
		}
		if code != 0 {
			return t.do(ctx, code, called)
		}
	case pbx.ChannelHandlerStarted:
		if e.Channel.ID == t.b.ID() {
			return taken
		}
	case pbx.ChannelTransfer:
		if e.Channel.ID == t.b.ID() {
			return t.transfer(t.b, t.a, e.Target)
		}
		if e.Channel.ID == t.a.ID() {
			return t.transfer(t.a, t.b, e.Target)
		}
	}
	return 0
}

// settle decides what was typed when no further digit has come in time.
func (t *talk) settle(ctx context.Context) ending {
	for i := range t.digits {
		if code := t.digits[i].settle(); code != 0 {
			return t.do(ctx, code, i == 1)
		}
	}
	return 0
}

func (t *talk) side(called bool) *features {
	if called {
		return &t.digits[1]
	}
	return &t.digits[0]
}

// do carries out a feature that a party has dialled.
func (t *talk) do(ctx context.Context, f feature, called bool) ending {
	by, other := t.a, t.b
	if called {
		by, other = t.b, t.a
	}
	switch f {
	case featureHangup:
		return byDigit
	case featureRecord:
		t.record(ctx)
	case featureTransfer:
		return t.ask(ctx, by, other)
	}
	return 0
}

// timeUp lets the parties hear that the time is over before they are parted
// (Asterisk: bridge_builtin_interval_features.c bridge_duration_callback).
func (t *talk) timeUp(ctx context.Context) ending {
	for _, p := range t.sound(t.limits.end) {
		select {
		case <-p.Done():
		case <-t.a.Context().Done():
			return callerLeft
		case <-t.b.Context().Done():
			return calledLeft
		case <-ctx.Done():
		}
	}
	return timeUp
}

// sound plays a sound to those who are to hear of the limit.
func (t *talk) sound(name string) (playing []*pbx.Playback) {
	if name == "" {
		return nil
	}
	for c, hears := range map[*pbx.Channel]bool{t.a: t.limits.caller, t.b: t.limits.called} {
		if !hears {
			continue
		}
		p, err := c.Play(pbx.PlayOptions{Media: []string{"sound:" + name}})
		switch {
		case err == nil:
			playing = append(playing, p)
		case !errors.Is(err, pbx.ErrNoMedia) && !errors.Is(err, pbx.ErrGone):
			t.x.Logger().Info("limit not announced", "channel", c.Name(), "error", err)
		}
	}
	return playing
}

// record turns the recording of the conversation on or off.
func (t *talk) record(ctx context.Context) {
	if t.recording {
		t.recording = false
		runQuietly(ctx, t.x, "StopMixMonitor", "")
		return
	}
	t.recording = true
	runQuietly(ctx, t.x, "MixMonitor", recordingName(t.x.Get("TOUCH_MIXMONITOR"), t.a, t.b))
}
