package apps

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/pbx"
)

// page is Page(dest&…[,options[,timeout]]): calls phones that answer by
// themselves and lets them hear the caller. They are muted, unless option d; the
// page ends with the caller. Options: A(x) plays a sound to them first, and with
// it to the caller unless n; q no beep; s only phones that are not in use; r
// records; i no forwards; b and B as Dial's. timeout is how long a phone may ring,
// in seconds (spec: dialplan 5.4; Asterisk: app_page.c).
func page(ctx context.Context, x *run.Exec, args string) error {
	parts := append(dialplan.SplitArgs(args), "", "", "")
	o, err := parseLetters(parts[1])
	if err != nil {
		x.Warn("Page: %v", err)
	}
	o.only("dqsrinAbB", "", x.Warn)
	if strings.Trim(parts[0], "& ") == "" {
		x.Warn("Page needs somebody to page")
		return nil
	}
	p := &paging{x: x, a: x.Channel(), o: o, wait: positive(parts[2], "timeout", x.Warn), legs: make(map[string]*pbx.Channel)}
	p.q = pbx.NewQueue(pbx.Dial, pbx.ChannelDestroyed)
	return p.run(ctx, parts[0])
}

// paging is one Page.
type paging struct {
	x      *run.Exec
	a      *pbx.Channel
	o      letters
	wait   time.Duration
	q      *pbx.Queue
	bridge *pbx.Bridge
	legs   map[string]*pbx.Channel // by id
	wg     sync.WaitGroup          // announcements in progress
}

func (p *paging) run(ctx context.Context, targets string) error {
	if place, ok := p.o['B']; ok {
		if err := subroutine(ctx, p.x, p.x, place); err != nil {
			return err
		}
	}
	if p.a.Snapshot().Incoming {
		if err := p.a.Answer(); err != nil {
			return err
		}
	}
	var err error
	if p.bridge, err = p.x.Machine().Switch().NewBridge(pbx.BridgeOptions{Creator: "Page", Class: "basic", ProxyMedia: true}); err != nil {
		return err
	}
	defer p.end(ctx)
	for t := range strings.SplitSeq(targets, "&") {
		if t = strings.TrimSpace(t); t != "" {
			p.call(ctx, t)
		}
	}
	return p.talk(ctx)
}

// talk lets the phones in as they answer, until the caller hangs up.
func (p *paging) talk(ctx context.Context) error {
	if !p.o.has('q') {
		if err := playTo(ctx, p.x, p.a, "beep"); err != nil {
			return err
		}
	}
	if sound, ok := p.o['A']; ok && !p.o.has('n') {
		if _, err := p.a.Play(pbx.PlayOptions{Media: soundURIs(sound)}); err != nil && !errors.Is(err, pbx.ErrNoMedia) {
			return err
		}
	}
	if err := p.bridge.Add(p.a, pbx.AddOptions{InhibitConnected: true}); err != nil {
		return err
	}
	if p.o.has('r') {
		runQuietly(ctx, p.x, "MixMonitor", recordingName("page", p.a, p.a))
		defer runQuietly(ctx, p.x, "StopMixMonitor", "")
	}
	limit := after(p.wait)
	for {
		for e, ok := p.q.Take(); ok; e, ok = p.q.Take() {
			p.handle(ctx, &e)
		}
		select {
		case <-p.q.C():
		case <-limit:
			limit = nil
			for _, c := range p.legs {
				if c.State() != pbx.Up {
					c.Hangup(cause.NormalClearing)
				}
			}
		case <-p.a.Context().Done():
			return pbx.ErrGone
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// call dials one phone.
func (p *paging) call(ctx context.Context, target string) {
	s := p.x.Machine().Switch()
	endpoint, err := p.x.Machine().Resolve(ctx, p.a, target)
	if err == nil && p.o.has('s') {
		if st := s.DeviceState(endpoint); st != pbx.DeviceNotInUse && st != pbx.DeviceUnknown {
			p.x.Logger().Info("not paged: in use", "target", target, "state", string(st))
			return
		}
	}
	id := p.a.Snapshot().Caller
	var c *pbx.Channel
	if err == nil {
		c, err = s.Create(ctx, pbx.CreateOptions{
			Endpoint: endpoint, CallerID: id, Originator: p.a, Account: p.a.Snapshot().Account, AutoAnswer: true, Watch: p.q.Watcher(),
		})
	}
	if err != nil {
		p.x.Logger().Info("not paged", "target", target, "error", err)
		return
	}
	p.legs[c.ID()] = c
	err = c.Inherit(p.a)
	if place, ok := p.o['b']; ok && err == nil {
		err = subroutine(ctx, p.x, p.x.Machine().Exec(c), place)
	}
	if err == nil {
		err = c.Dial(pbx.DialOptions{Caller: p.a, CallerID: id})
	}
	if err != nil {
		p.x.Logger().Info("not paged", "target", target, "error", err)
		c.Hangup(cause.NormalClearing)
	}
}

func (p *paging) handle(ctx context.Context, e *pbx.Event) {
	switch e.Type {
	case pbx.ChannelDestroyed:
		delete(p.legs, e.Channel.ID)
	case pbx.Dial:
		c := p.legs[e.Peer.ID]
		switch {
		case c == nil:
		case e.DialStatus == "CANCEL" && p.o.has('i'):
			c.Hangup(cause.NormalClearing)
		case e.DialStatus == "ANSWER":
			p.wg.Go(func() { p.letIn(ctx, c) })
		}
	}
}

// letIn plays the announcement to a phone and puts it into the bridge.
func (p *paging) letIn(ctx context.Context, c *pbx.Channel) {
	if err := playTo(ctx, p.x, c, p.o['A']); err != nil {
		return // it has gone, or the page has ended
	}
	if err := p.bridge.Add(c, pbx.AddOptions{Mute: !p.o.has('d'), InhibitConnected: true}); err != nil && !errors.Is(err, pbx.ErrGone) {
		p.x.Logger().Info("phone not paged", "channel", c.Name(), "error", err)
	}
}

// end hangs up the phones. Nobody is left when it returns.
func (p *paging) end(ctx context.Context) {
	all := make([]*pbx.Channel, 0, len(p.legs))
	for _, c := range p.legs {
		all = append(all, c)
	}
	pbx.HangupAndWait(context.WithoutCancel(ctx), cause.NormalClearing, all...)
	p.wg.Wait()
	p.bridge.Destroy()
}
