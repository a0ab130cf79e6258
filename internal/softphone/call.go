package softphone

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/sip/ua"
	"github.com/dialwright/dialwright/internal/wire/sdp"
)

// State is where a call stands.
type State int

// The states, in the order in which a call can pass them.
const (
	Calling    State = iota // outgoing: nothing heard yet, or only 100
	Ringing                 // 180 sent or received
	EarlyMedia              // 183 with audio sent or received
	Connected               // answered
	Ended                   // over
)

// String gives the state's name.
func (s State) String() string {
	return [...]string{"calling", "ringing", "early media", "connected", "ended"}[s]
}

// ErrEnded is what waiting for a call ends with when the call is over.
var ErrEnded = errors.New("softphone: the call has ended")

// Call is one call of a phone, in either direction.
type Call struct {
	phone *Phone
	sip   *ua.Call
	rule  Rule
	audio *audio
	out   bool

	mu      sync.Mutex // guards what follows
	state   State
	info    Info
	held    bool // by us
	timers  []*time.Timer
	digits  []rune
	changed chan struct{} // closed and replaced at every change
	done    chan struct{} // closed at the end
}

// Info is what is known of a call. It is a copy.
type Info struct {
	CallID     string
	Number     string      // that was dialled
	Remote     ua.Identity // the other party as it names itself
	Asserted   string      // its P-Asserted-Identity, "" = none
	Outgoing   bool
	State      State
	AutoAnswer bool       // the INVITE asked the phone to answer by itself
	Status     int        // SIP status that ended an unanswered call; 0 = none
	Cause      cause.Code // of the end
	Reason     string     // the peer's words for it
	ByPeer     bool       // the peer ended it
	Contact    string     // where a 3xx sent us
	Err        error      // what went wrong on our side
	StartedAt  time.Time
	AnsweredAt time.Time // zero = never
	EndedAt    time.Time // zero = not yet
	Codec      string    // "" = none agreed yet
	Encrypted  bool      // SRTP
	Held       bool      // we hold the peer
	RemoteHold bool      // the peer holds us
	Holds      int       // how often the peer has put us on hold
	Offers     int       // re-INVITEs and UPDATEs with SDP that came
	Digits     string    // pressed by the peer, RFC 4733 and INFO
	InfoDigits int       // of those, by INFO
	Keys       []string  // that the server had pressed: "talk", "hold"
	PacketsIn  uint64
	PacketsOut uint64
}

// ID is the Call-ID.
func (c *Call) ID() string { return c.sip.CallID() }

// State says where the call stands.
func (c *Call) State() State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

// Done is closed when the call is over.
func (c *Call) Done() <-chan struct{} { return c.done }

// Header gives the first value of a header of the incoming INVITE, or of the
// newest answer to ours; "" if there is none.
func (c *Call) Header(name string) string {
	if c.out {
		return c.sip.ResponseHeader(name)
	}
	return c.sip.RequestHeader(name)
}

// Info tells what is known now.
func (c *Call) Info() Info {
	c.mu.Lock()
	i := c.info
	i.State, i.Held, i.Digits = c.state, c.held, string(c.digits)
	c.mu.Unlock()
	if id, ok := c.sip.AssertedIdentity(); ok {
		i.Asserted = id.User
	}
	c.audio.describe(&i)
	return i
}

// Hangup ends the call in any state. It returns at once; Done follows.
func (c *Call) Hangup() { c.sip.Hangup(cause.NormalClearing) }

// WaitState waits until the call has come to s, or past it. A call that ends
// before gives an error that says how, and wraps ErrEnded.
func (c *Call) WaitState(ctx context.Context, s State) error {
	return c.wait(ctx, func() bool { return c.state >= s && (c.state != Ended || s == Ended) }, "state "+s.String())
}

// WaitAnswered waits until the call is answered.
func (c *Call) WaitAnswered(ctx context.Context) error { return c.WaitState(ctx, Connected) }

// WaitEnded waits until the call is over.
func (c *Call) WaitEnded(ctx context.Context) error { return c.WaitState(ctx, Ended) }

// WaitRemoteHold waits until the peer has put us on hold, or off again.
func (c *Call) WaitRemoteHold(ctx context.Context, on bool) error {
	return c.wait(ctx, func() bool { return c.info.RemoteHold == on && c.state == Connected }, "hold")
}

// WaitDigits waits until the peer has pressed at least these digits, in this
// order.
func (c *Call) WaitDigits(ctx context.Context, want string) error {
	return c.wait(ctx, func() bool { return strings.HasPrefix(string(c.digits), want) }, "digits "+want)
}

// wait waits until enough says so, which runs under c.mu.
func (c *Call) wait(ctx context.Context, enough func() bool, what string) error {
	for {
		c.mu.Lock()
		ok, over, changed, info, digits := enough(), c.state == Ended, c.changed, c.info, string(c.digits)
		c.mu.Unlock()
		switch {
		case ok:
			return nil
		case over:
			return fmt.Errorf("wait for %s: %w: %d %s (%s)", what, ErrEnded, info.Status, info.Reason, info.Cause)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %s, digits %q: %w", what, c.State(), digits, context.Cause(ctx))
		}
	}
}

// change changes the call's state under its lock and wakes who waits.
func (c *Call) change(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
	close(c.changed)
	c.changed = make(chan struct{})
}

// advance moves on to s, never back.
func (c *Call) advance(s State) {
	c.change(func() {
		if s <= c.state {
			return
		}
		c.state = s
		if s == Connected {
			c.info.AnsweredAt = time.Now()
		}
	})
}

// later runs f after d unless the call has ended by then.
func (c *Call) later(d time.Duration, f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != Ended {
		c.timers = append(c.timers, time.AfterFunc(d, f))
	}
}

// end takes the last event: everything that the call held is given back.
func (c *Call) end(e ua.Event) {
	c.change(func() {
		if c.state == Ended {
			return
		}
		c.state = Ended
		c.info.Status, c.info.Cause, c.info.Reason = e.Status, e.Cause, e.Reason
		c.info.ByPeer, c.info.Contact, c.info.Err, c.info.EndedAt = e.ByPeer, e.Contact, e.Err, time.Now()
		for _, t := range c.timers {
			t.Stop()
		}
		c.timers = nil
		close(c.done)
	})
	c.audio.close()
	c.phone.ended(c)
}

// Heard gives the tone that the call hears now; ok is false when there is
// silence, speech or noise.
func (c *Call) Heard() (hz float64, ok bool) { return c.audio.heard() }

// toneTolerance is how far in Hz a tone may be from the one awaited.
const toneTolerance = 5

// WaitTone waits until the tone of hz is heard. The error says what was heard
// instead.
func (c *Call) WaitTone(ctx context.Context, hz float64) error {
	return c.listen(ctx, fmt.Sprintf("tone of %g Hz", hz), func(got float64, ok bool) bool {
		return ok && math.Abs(got-hz) <= toneTolerance
	})
}

// WaitSilence waits until no tone is heard any more.
func (c *Call) WaitSilence(ctx context.Context) error {
	return c.listen(ctx, "silence", func(_ float64, ok bool) bool { return !ok })
}

// listen looks at what is heard twenty times a second.
func (c *Call) listen(ctx context.Context, what string, enough func(hz float64, ok bool) bool) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		hz, ok := c.Heard()
		if enough(hz, ok) {
			return nil
		}
		select {
		case <-tick.C:
		case <-c.done:
			return fmt.Errorf("wait for %s: %w", what, ErrEnded)
		case <-ctx.Done():
			if !ok {
				return fmt.Errorf("wait for %s: nothing heard: %w", what, context.Cause(ctx))
			}
			return fmt.Errorf("wait for %s: heard %.0f Hz: %w", what, hz, context.Cause(ctx))
		}
	}
}

// Hold puts the peer on hold, or resumes, by a re-INVITE, and waits for its
// answer.
func (c *Call) Hold(ctx context.Context, on bool) error {
	before, want := direction(c.Info().Held), direction(on)
	offer, err := c.audio.reoffer(want)
	if err != nil {
		return err
	}
	result := make(chan error, 1)
	c.sip.Reinvite(offer, func(answer []byte, err error) {
		if err == nil {
			err = c.audio.answered(answer)
		}
		if err == nil {
			c.change(func() { c.held = on })
			c.noteHold()
		} else {
			c.audio.want(before) // the session stays as it was
		}
		result <- err
	})
	return c.await(ctx, result)
}

// direction is what we want when we hold the peer (RFC 3264 §8.4), and when not.
func direction(hold bool) sdp.Direction {
	if hold {
		return sdp.SendOnly
	}
	return sdp.SendRecv
}

// Reinvite offers the session again as it is, and waits for the peer's answer.
func (c *Call) Reinvite(ctx context.Context) error { return c.Hold(ctx, c.Info().Held) }

// await waits for a result that a callback sends.
func (c *Call) await(ctx context.Context, result <-chan error) error {
	select {
	case err := <-result:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Transfer asks the peer to call target instead of us (REFER), and waits for
// how that went.
func (c *Call) Transfer(ctx context.Context, target string) error {
	u, err := c.phone.target(target)
	if err != nil {
		return err
	}
	result := make(chan error, 1)
	c.sip.Refer(u.String(), func(_ int, err error) { result <- err })
	return c.await(ctx, result)
}

// digitTime is how long a digit sent by INFO says it lasts.
const digitTime = 100 * time.Millisecond

// SendDTMF sends digits 0-9 * # A-D, by RFC 4733 or by SIP INFO, and waits
// until all were sent (for INFO: answered).
func (c *Call) SendDTMF(ctx context.Context, digits string, info bool) error {
	if info {
		for _, d := range digits {
			if err := c.sendInfo(ctx, d); err != nil {
				return fmt.Errorf("digit %c by INFO: %w", d, err)
			}
		}
		return nil
	}
	result := make(chan error, 1)
	c.audio.press(digits, func(err error) { result <- err })
	return c.await(ctx, result)
}

func (c *Call) sendInfo(ctx context.Context, digit rune) error {
	kind, body := ua.FormatDTMF(true, digit, digitTime)
	result := make(chan error, 1)
	c.sip.Info(kind, body, func(status int, err error) {
		if err == nil && status >= 300 {
			err = &ua.StatusError{Status: status}
		}
		result <- err
	})
	return c.await(ctx, result)
}

// pressed takes a digit of the peer.
func (c *Call) pressed(d rune, byInfo bool) {
	c.change(func() {
		c.digits = append(c.digits, d)
		if byInfo {
			c.info.InfoDigits++
		}
	})
}

// noteHold takes over whether the peer holds us.
func (c *Call) noteHold() {
	hold := c.audio.remoteHold()
	c.change(func() {
		if hold && !c.info.RemoteHold {
			c.info.Holds++
		}
		c.info.RemoteHold = hold
	})
}

// onDigit is told of RFC 4733 digits.
func (c *Call) onDigit(d media.Digit) { c.pressed(d.Rune, false) }
