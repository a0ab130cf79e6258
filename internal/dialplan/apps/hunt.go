package apps

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/pbx"
)

// hunt is one FollowMe.
//
//	group 1: dial all ─► who answers is asked ─► 1: takes the call, the others go
//	   nobody: group 2 … ─► nobody at all: next priority
type hunt struct {
	x *run.Exec
	a *pbx.Channel
	p *followProfile
	o letters
	q *pbx.Queue

	ringing  map[string]*pbx.Channel // dialled, not answered, by id
	asked    map[string]*pbx.Channel // answered, and being asked
	verdicts chan verdict
}

// verdict is what a party that was asked has said.
type verdict struct {
	c    *pbx.Channel
	take bool
}

func newHunt(x *run.Exec, p *followProfile, o letters) *hunt {
	return &hunt{
		x: x, a: x.Channel(), p: p, o: o, verdicts: make(chan verdict),
		q:       pbx.NewQueue(pbx.Dial, pbx.ChannelDestroyed, pbx.ChannelDTMF, pbx.ChannelTransfer, pbx.ChannelHandlerStarted),
		ringing: make(map[string]*pbx.Channel), asked: make(map[string]*pbx.Channel),
	}
}

func (h *hunt) run(ctx context.Context) error {
	defer h.a.Watch(h.q.Watcher())()
	defer h.x.Flush()
	if err := h.greet(ctx); err != nil {
		return err
	}
	won, err := h.search(ctx)
	if !h.o.has('N') {
		musicOff(context.WithoutCancel(ctx), h.x)
	}
	switch {
	case err != nil:
		return err
	case won == nil && h.o.has('n'):
		return playTo(ctx, h.x, h.a, h.p.sounds["sorry_prompt"])
	case won == nil:
		return nil
	}
	t := &talk{x: h.x, a: h.a, b: won, q: h.q, quietLines: h.o.has('I')}
	how := t.run(ctx)
	if how != moved && how != taken {
		pbx.HangupAndWait(context.WithoutCancel(ctx), cause.NormalClearing, won)
	}
	switch {
	case h.a.Context().Err() != nil:
		return pbx.ErrGone
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return nil
}

// greet answers the caller and tells it what is being done.
func (h *hunt) greet(ctx context.Context) error {
	if h.o.has('N') {
		if h.a.Snapshot().Incoming {
			return h.a.Ring()
		}
		return nil
	}
	if h.a.Snapshot().Incoming {
		if err := h.a.Answer(); err != nil {
			return err
		}
	}
	if h.o.has('s') {
		if err := playTo(ctx, h.x, h.a, h.p.sounds["status_prompt"]); err != nil {
			return err
		}
	}
	if !h.o.has('d') {
		if err := playTo(ctx, h.x, h.a, h.p.sounds["hold_prompt"]); err != nil {
			return err
		}
	}
	musicOn(ctx, h.x, h.p.music)
	return nil
}

// search goes through the groups. nil: nobody took the call.
func (h *hunt) search(ctx context.Context) (won *pbx.Channel, err error) {
	for _, g := range h.p.groups {
		if won, err = h.group(ctx, g); won != nil || err != nil {
			return won, err
		}
	}
	return nil, nil
}

// group calls the numbers of one group at once and waits until somebody takes the
// call or nobody can any more. All others have been hung up when it returns.
func (h *hunt) group(ctx context.Context, g []followNum) (won *pbx.Channel, err error) {
	asking, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer func() {
		code := cause.NormalClearing
		if won != nil {
			code = cause.AnsweredElsewhere
		}
		stop()
		h.drop(ctx, won, code)
		wg.Wait()
	}()
	wait := time.Duration(0)
	for _, n := range g {
		wait = max(wait, n.wait)
		h.dial(ctx, n)
	}
	limit := time.After(wait)
	for len(h.ringing)+len(h.asked) > 0 {
		for e, ok := h.q.Take(); ok; e, ok = h.q.Take() {
			h.handle(&e, func(c *pbx.Channel) { wg.Go(func() { h.ask(asking, c) }) })
		}
		select {
		case <-h.q.C():
		case v := <-h.verdicts:
			delete(h.asked, v.c.ID())
			if v.take && v.c.Context().Err() == nil {
				return v.c, nil
			}
			v.c.Hangup(cause.NormalClearing)
		case <-limit:
			for id, c := range h.ringing { // who is being asked may still decide
				c.Hangup(cause.NormalClearing)
				delete(h.ringing, id)
			}
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	return nil, nil
}

// dial calls one number: an extension of the profile's context, or a dial string.
func (h *hunt) dial(ctx context.Context, n followNum) {
	target := n.number
	if !strings.Contains(target, "/") {
		target = "Local/" + target + "@" + h.p.context
	}
	id := h.a.Snapshot().Caller
	c, err := createLeg(ctx, h.x, target, id, h.q)
	if err == nil {
		err = c.Inherit(h.a)
		if place, ok := h.o['b']; ok && err == nil {
			err = subroutine(ctx, h.x, h.x.Machine().Exec(c), place)
		}
		if err == nil {
			err = c.Dial(pbx.DialOptions{Caller: h.a, CallerID: id})
		}
		if err != nil {
			c.Hangup(cause.NormalClearing)
		}
	}
	if err != nil {
		h.x.Logger().Info("number not called", "number", n.number, "error", err)
		return
	}
	h.ringing[c.ID()] = c
}

// handle takes an event of a leg; ask is what an answer leads to.
func (h *hunt) handle(e *pbx.Event, ask func(*pbx.Channel)) {
	switch e.Type {
	case pbx.Dial:
		c, ok := h.ringing[e.Peer.ID]
		if ok && e.DialStatus == "ANSWER" {
			delete(h.ringing, e.Peer.ID)
			h.asked[e.Peer.ID] = c
			ask(c)
		}
	case pbx.ChannelDestroyed:
		delete(h.ringing, e.Channel.ID)
	}
}

// ask asks a party whether it takes the call and tells verdicts.
func (h *hunt) ask(ctx context.Context, c *pbx.Channel) {
	v := verdict{c: c, take: !h.p.prompt || h.accepts(ctx, c)}
	select {
	case h.verdicts <- v:
	case <-ctx.Done():
	}
}

// followAsks is how often a party is asked, and followDigit how long it may
// think each time.
const (
	followAsks  = 3
	followDigit = 10 * time.Second
)

func (h *hunt) accepts(ctx context.Context, c *pbx.Channel) bool {
	prompts := append(soundURIs(h.p.sounds["call_from_prompt"]), soundURIs(h.p.sounds["options_prompt"])...)
	for range followAsks {
		got, err := c.ReadDigits(ctx, pbx.ReadOptions{Prompts: prompts, Max: 1, Terminator: "none", First: followDigit})
		switch {
		case got != "" && got == h.p.take:
			return true
		case got != "" && got == h.p.decline:
			return false
		case err != nil && !errors.Is(err, pbx.ErrTimeout):
			return false
		}
	}
	return false
}

// drop hangs up everybody but the one who took the call.
func (h *hunt) drop(ctx context.Context, won *pbx.Channel, code cause.Code) {
	var all []*pbx.Channel
	for _, m := range [...]map[string]*pbx.Channel{h.ringing, h.asked} {
		for id, c := range m {
			if c != won {
				all = append(all, c)
			}
			delete(m, id)
		}
	}
	pbx.HangupAndWait(context.WithoutCancel(ctx), code, all...)
}
