package apps

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/pbx"
)

// halls are the holding bridges of BridgeWait, by name.
type halls struct {
	mu   sync.Mutex // guards m; no actor is waited for under it
	open map[string]*hall
}

type hall struct {
	bridge *pbx.Bridge
	in     int // who is in, or on the way
}

func hallsOf(m *run.Machine) *halls {
	return m.Value("bridgewait", func() any { return &halls{open: map[string]*hall{}} }).(*halls)
}

// join gives the bridge of a name, made if there is none.
func (h *halls) join(sw *pbx.Switch, name string) (*pbx.Bridge, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	w, ok := h.open[name]
	if !ok {
		b, err := sw.NewBridge(pbx.BridgeOptions{Name: name, Type: pbx.Holding, Creator: "BridgeWait", Class: "base"})
		if err != nil {
			return nil, err
		}
		w = &hall{bridge: b}
		h.open[name] = w
	}
	w.in++
	return w.bridge, nil
}

// leave ends the bridge with the last one.
func (h *halls) leave(name string) {
	h.mu.Lock()
	w := h.open[name]
	w.in--
	last := w.in == 0
	if last {
		delete(h.open, name)
	}
	h.mu.Unlock()
	if last {
		w.bridge.Destroy()
	}
}

// bridgeWait holds the channel in a holding bridge until it is taken out,
// redirected, or the time is over: BridgeWait([name[,role[,options]]]). name is
// "default" by default; role is participant, or announcer, whom all hear and who
// hears nothing.
// Options: m(class) music, e(m|r|s|h|n) music, ringing, silence; S(seconds)
// goes on after so long; n does not answer. A channel that another bridge has
// taken goes on when that lets it go (spec: dialplan 5.4; Asterisk:
// app_bridgewait.c).
func bridgeWait(ctx context.Context, x *run.Exec, args string) error {
	parts := append(dialplan.SplitArgs(args), "", "", "")
	name, role := strings.TrimSpace(parts[0]), strings.ToLower(strings.TrimSpace(parts[1]))
	if name == "" {
		name = "default"
	}
	switch role {
	case "":
		role = "participant"
	case "participant", "announcer":
	default:
		x.Warn("BridgeWait: there is no role %q", role)
		return run.ErrEnd
	}
	o, err := parseLetters(parts[2])
	if err != nil {
		x.Warn("BridgeWait: %v", err)
	}
	o.only("meSn", "", x.Warn)
	c := x.Channel()
	if !o.has('n') {
		if err := c.Answer(); err != nil {
			return err
		}
	}
	h := hallsOf(x.Machine())
	b, err := h.join(x.Machine().Switch(), name)
	if err != nil {
		return err
	}
	defer h.leave(name)
	if role == "participant" {
		entertain(ctx, x, o)
		defer func() { noMatter(c.StopTone()) }() //nolint:errcheck // ErrGone: nothing sounds
	}
	return holdIn(ctx, x, b, role, o['S'])
}

// entertain starts what a participant hears.
func entertain(ctx context.Context, x *run.Exec, o letters) {
	var uri string
	switch kind := o['e']; {
	case o.has('m') || kind == "m" || kind == "" || kind == "h":
		musicOn(ctx, x, o['m'])
		return
	case kind == "r":
		uri = "tone:ring"
	default: // s, n
		uri = "silence:0"
	}
	if err := x.Channel().StartTone(uri); err != nil {
		x.Logger().Debug("no entertainment", "error", err)
	}
}

// holdIn waits in the bridge.
func holdIn(ctx context.Context, x *run.Exec, b *pbx.Bridge, role, limit string) error {
	c := x.Channel()
	out := make(chan struct{}, 1)
	defer c.Watch(func(e *pbx.Event) {
		if e.Type == pbx.ChannelLeftBridge {
			select {
			case out <- struct{}{}:
			default:
			}
		}
	})()
	if err := b.Add(c, pbx.AddOptions{Role: role, InhibitConnected: true}); err != nil {
		return err
	}
	defer func() {
		if c.Snapshot().Bridge == b.ID() {
			_ = b.Remove(c) // ErrGone: it is out
		}
	}()
	var over <-chan time.Time
	if d, ok := seconds(limit); ok && d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		over = t.C
	}
	for {
		select {
		case <-out:
			// Leaving one bridge for another is one step of the channel, which this waits for.
			if err := noMatter(c.StopTone()); err != nil {
				return err
			}
			if c.Snapshot().Bridge == "" {
				return nil
			}
			over = nil // it is somebody else's now
		case <-over:
			return nil
		case <-c.Context().Done():
			return pbx.ErrGone
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
