package snoop

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/pbx"
)

// Direction selects what of a target is spied on or whispered to, in the words
// of ARI (spec: ari 4 snoopChannel).
type Direction string

// The directions. The zero value is None.
const (
	None Direction = "none"
	Both Direction = "both"
	Out  Direction = "out" // what the target hears
	In   Direction = "in"  // what the target says
)

// sides gives the direction's two halves; ok is false for an unknown one.
func (d Direction) sides() (in, out, ok bool) {
	switch d {
	case None, "":
		return false, false, true
	case In:
		return true, false, true
	case Out:
		return false, true, true
	case Both:
		return true, true, true
	}
	return false, false, false
}

// ErrDirection says that a direction is none of the four, or that there is
// neither one to spy on nor one to whisper to.
var ErrDirection = errors.New("a direction to spy on or to whisper to is needed: in, out or both")

// Options say what channel to make.
type Options struct {
	Target  *pbx.Channel
	Spy     Direction // "" = None
	Whisper Direction // "" = None; one of the two is needed
	ID      string    // of the new channel, "" = made by the switch
	Account call.AccountID
	Handler pbx.Handler // has the channel from its start; nil = as calls that come in
}

// Technology makes Snoop channels. It is safe concurrently.
type Technology struct {
	s     *pbx.Switch
	names atomic.Uint32 // the number in the channels' names
	live  atomic.Int64  // legs that have not ended
}

// New makes the technology for a switch.
func New(s *pbx.Switch) *Technology { return &Technology{s: s} }

// Snoop makes a channel that spies on a target and whispers to it. It is Up when
// Snoop returns. Errors: ErrDirection, pbx.ErrGone (the target has hung up),
// pbx.ErrNoMedia without a media engine, pbx.ErrIDInUse, pbx.ErrIDTooLong, pbx.ErrStopping.
func (t *Technology) Snoop(ctx context.Context, o Options) (*pbx.Channel, error) {
	l, err := t.leg(o)
	if err != nil {
		return nil, err
	}
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	from := o.Target.Snapshot()
	h := o.Handler
	if h == nil {
		h = t.s.Inbound()
	}
	t.live.Add(1)
	c, err := t.s.Incoming(l, pbx.IncomingOptions{
		ID: o.ID, Name: fmt.Sprintf("Snoop/%s-%08x", from.ID, t.names.Add(1)-1), Endpoint: from.ID,
		Account: o.Account, AccountCode: from.AccountCode, Answered: true,
		Handler: pbx.HandlerFunc(func(ctx context.Context, c *pbx.Channel) {
			l.attach(c)
			h.Handle(ctx, c)
		}),
	})
	if err != nil { // Incoming has rejected the leg, or has not seen it
		l.Hangup(cause.NormalClearing)
		return nil, fmt.Errorf("snoop on %s: %w", from.Name, err)
	}
	l.attach(c)
	return c, nil
}

// leg checks the options and makes the technology's side.
func (t *Technology) leg(o Options) (*leg, error) {
	l := &leg{t: t, target: o.Target}
	var spy, whisper bool
	l.spyIn, l.spyOut, spy = o.Spy.sides()
	l.whisperIn, l.whisperOut, whisper = o.Whisper.sides()
	switch {
	case !spy, !whisper, !l.spyIn && !l.spyOut && !l.whisperIn && !l.whisperOut:
		return nil, fmt.Errorf("%w: spy %q, whisper %q", ErrDirection, o.Spy, o.Whisper)
	case o.Target == nil, o.Target.Context().Err() != nil:
		return nil, pbx.ErrGone
	case o.Target.Port() == nil:
		return nil, pbx.ErrNoMedia
	}
	return l, nil
}

// Name gives "Snoop".
func (t *Technology) Name() string { return "Snoop" }

// Request refuses: a snoop channel is made by Snoop and cannot be dialled
// (Asterisk: res_stasis_snoop.c has no requester).
func (t *Technology) Request(_ context.Context, resource string, _ pbx.RequestOptions) (pbx.Leg, error) {
	return nil, &call.Failure{
		Disposition: call.Failed, Cause: int(cause.ChannelNotAvail), Permanent: true,
		Text: "Snoop/" + resource + " cannot be dialled: snoop channels are made by ARI",
	}
}

// DeviceState knows of no devices.
func (t *Technology) DeviceState(string) pbx.DeviceState { return pbx.DeviceInvalid }

// Endpoints lists nothing.
func (t *Technology) Endpoints() []call.EndpointState { return nil }
