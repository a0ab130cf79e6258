package pbx

import (
	"context"
	"errors"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
)

// ForkOptions says whom Fork dials.
type ForkOptions struct {
	Targets  []call.Endpoint
	Caller   *Channel             // on whose behalf; its hangup ends the dial. Must not be nil
	CallerID call.CallerID        // what the targets see; zero = the caller's
	Timeout  time.Duration        // for all of them; 0 = no limit
	Prepare  func(*Channel) error // before each is dialled: variables, headers; an error leaves that one out
	Progress func(Event)          // sees the Dial events of all targets, in the caller's goroutine
}

// Fork dials several endpoints at once. The first to answer wins and is
// returned, up and in no bridge; the others are hung up with cause 26 (spec:
// dialplan 5.2). If none answers the error is a *call.Failure: BUSY before
// CONGESTION before the rest if all were refused, NO ANSWER if one of them
// merely did not answer. ErrGone means that the caller hung up; otherwise it is
// the cause of ctx. Only the winner is left when Fork returns.
func (s *Switch) Fork(ctx context.Context, o ForkOptions) (*Channel, error) {
	f := &fork{s: s, o: o, in: newInbox()}
	defer f.hangupOthers()
	f.start(ctx)
	var limit <-chan time.Time
	if o.Timeout > 0 {
		t := time.NewTimer(o.Timeout)
		defer t.Stop()
		limit = t.C
	}
	for f.open > 0 {
		select {
		case <-f.in.c:
			for sig, ok := f.in.take(); ok; sig, ok = f.in.take() {
				if f.handle(sig); f.winner != nil {
					return f.winner, nil
				}
			}
		case <-limit:
			return nil, &call.Failure{Disposition: call.NoAnswer, Cause: int(cause.NoAnswer), Text: "no answer in time"}
		case <-o.Caller.ctx.Done():
			return nil, ErrGone
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	return nil, f.failure()
}

// fork is one Fork. It belongs to the goroutine that called it.
type fork struct {
	s        *Switch
	o        ForkOptions
	in       *inbox
	legs     map[string]*Channel // by channel id
	open     int                 // legs that may still answer
	winner   *Channel
	failures []*call.Failure
}

// start makes and dials every target.
func (f *fork) start(ctx context.Context) {
	f.legs = make(map[string]*Channel)
	for _, to := range f.o.Targets {
		c, err := f.s.Create(ctx, CreateOptions{
			Endpoint: to, CallerID: f.o.CallerID, Originator: f.o.Caller, Watch: f.watch,
		})
		if err != nil {
			f.failures = append(f.failures, failureOf(err))
			continue
		}
		f.legs[c.id] = c
		f.open++
		if f.o.Prepare != nil {
			err = f.o.Prepare(c)
		}
		if err == nil {
			err = c.Dial(DialOptions{Caller: f.o.Caller, CallerID: f.o.CallerID})
		}
		if err != nil {
			c.Hangup(cause.NormalClearing) // its end is counted like any other
		}
	}
}

// watch passes on what moves a leg.
func (f *fork) watch(e *Event) {
	if e.Type == Dial || e.Type == ChannelDestroyed {
		f.in.push(signal{e: *e})
	}
}

func (f *fork) handle(sig signal) {
	switch sig.e.Type {
	case Dial:
		if f.o.Progress != nil {
			f.o.Progress(sig.e)
		}
		if c := f.legs[sig.e.Peer.ID]; sig.e.DialStatus == "ANSWER" && c.ctx.Err() == nil {
			f.winner = c
		}
	case ChannelDestroyed:
		f.open--
		f.failures = append(f.failures, unanswered(f.legs[sig.e.Channel.ID]))
	}
}

// hangupOthers ends all legs but the winner and waits for their ends.
func (f *fork) hangupOthers() {
	code := cause.NormalClearing
	if f.winner != nil {
		code = cause.AnsweredElsewhere
	}
	for _, c := range f.legs {
		if c != f.winner {
			c.Hangup(code)
		}
	}
	for _, c := range f.legs {
		if c != f.winner {
			<-c.gone
		}
	}
}

// failure is that of all targets together (spec: dialplan 5.2).
func (f *fork) failure() error {
	var worst *call.Failure
	rank := func(d call.Disposition) int {
		switch d {
		case call.NoAnswer:
			return 4
		case call.Busy:
			return 3
		case call.Congestion:
			return 2
		}
		return 1
	}
	for _, x := range f.failures {
		if worst == nil || rank(x.Disposition) > rank(worst.Disposition) {
			worst = x
		}
	}
	if worst == nil {
		return errors.Join(ErrEndpoint, errors.New("nobody to dial"))
	}
	return worst
}
