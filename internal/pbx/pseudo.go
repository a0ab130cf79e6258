package pbx

import (
	"cmp"
	"context"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
)

// PseudoOptions says what channel without a party to make.
type PseudoOptions struct {
	Name        string // the whole channel name, "OutgoingSpoolFailed"; it need not be unique
	CallerID    call.CallerID
	Variables   []call.Variable // written in this order, as WriteVariable does
	Account     call.AccountID
	AccountCode string
	Context     string
	Extension   string
	Language    string  // "" = the switch's
	LinkedID    string  // "" = its own
	Handler     Handler // runs on it; the channel ends when it has returned
}

// Pseudo makes a channel that has no party: it stays Down, carries no media,
// cannot be answered or dialled, and exists so that a dialplan can run on it
// (Asterisk: pbx.c, OutgoingSpoolFailed). The handler begins when all
// variables are set. Errors: ErrStopping.
func (s *Switch) Pseudo(ctx context.Context, o PseudoOptions) (*Channel, error) {
	id, err := s.reserve("")
	if err != nil {
		return nil, err
	}
	c := s.newChannel(id)
	c.leg = nobody{name: o.Name, context: o.Context}
	s.begin(c, &Snapshot{
		ID: id, Name: o.Name, State: Down, Caller: o.CallerID, Account: o.Account, AccountCode: o.AccountCode,
		Context: cmp.Or(o.Context, "default"), Extension: cmp.Or(o.Extension, "s"), Priority: 1, Language: cmp.Or(o.Language, s.o.Language),
		CreatedAt: c.timeline.started, LinkedID: cmp.Or(o.LinkedID, id), Technology: "Null",
	}, nil)
	c.writeAll(ctx, o.Variables)
	if err := c.Run(o.Handler); err != nil { // hung up in between: the switch stops
		<-c.gone
		return nil, ErrStopping
	}
	return c, nil
}

// nobody is the leg of a pseudo channel.
type nobody struct{ name, context string }

func (nobody) Dial(DialOptions) error                 { return ErrState }
func (nobody) Ring() error                            { return ErrState }
func (nobody) Progress() error                        { return ErrState }
func (nobody) Answer() error                          { return ErrState }
func (nobody) Reject(cause.Code) error                { return ErrState }
func (nobody) Redirect(string) error                  { return ErrState }
func (nobody) Hangup(cause.Code)                      {}
func (nobody) Hold(bool) error                        { return ErrState }
func (nobody) SendDTMFInfo(rune, time.Duration) error { return ErrState }
func (nobody) Transfer(string) error                  { return ErrState }
func (nobody) UpdateCallerID(call.CallerID)           {}
func (nobody) Ladder() []call.SIPMessage              { return nil }
func (nobody) Header(string) string                   { return "" }
func (n nobody) Describe() LegInfo {
	return LegInfo{Technology: "Null", Name: n.name, Context: n.context}
}
