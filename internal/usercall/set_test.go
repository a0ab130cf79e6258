package usercall_test

import (
	"context"
	"sync"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/pbx"
)

// set is a telephone set of the tests, or a line of a trunk, that calls the switch. It does
// nothing by itself.
type set struct {
	phone, trunk string

	mu       sync.Mutex
	rejected cause.Code
}

func (s *set) Dial(pbx.DialOptions) error             { return pbx.ErrState }
func (s *set) Ring() error                            { return nil }
func (s *set) Progress() error                        { return nil }
func (s *set) Answer() error                          { return nil }
func (s *set) Redirect(string) error                  { return nil }
func (s *set) Hangup(cause.Code)                      {}
func (s *set) Hold(bool) error                        { return nil }
func (s *set) SendDTMFInfo(rune, time.Duration) error { return nil }
func (s *set) Transfer(string) error                  { return nil }
func (s *set) UpdateCallerID(call.CallerID)           {}
func (s *set) Ladder() []call.SIPMessage              { return nil }
func (s *set) Header(string) string                   { return "" }

func (s *set) Reject(c cause.Code) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rejected = c
	return nil
}

func (s *set) Describe() pbx.LegInfo {
	return pbx.LegInfo{Technology: "Set", Name: s.phone + s.trunk, Phone: s.phone, Trunk: s.trunk, CallID: "set-" + s.phone + s.trunk, Codec: "G722"}
}

// ctx is short for handlers in tests.
type ctx = context.Context

// patience is how long a test waits for what has to come; reaching it is a failure.
const patience = 30 * time.Second

// withPatience gives a context for clean-ups, in which the test's own has ended.
func withPatience() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), patience)
}
