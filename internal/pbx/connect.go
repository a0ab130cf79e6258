package pbx

import (
	"context"
	"errors"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
)

// connector dials a second leg on behalf of a first one and joins the two. It
// is what the engine's Connect and the built-in routing have in common.
//
//	A in the bridge ─► B in the bridge, undialled ─► dial B
//	    B rings:        A is told (180), or hears ringback if it is answered
//	    B early media:  flows through the bridge and replaces the ringback
//	    B answers:      A is answered, if it called us
//	    B refuses:      the bridge goes, A stays; the error says why
type connector struct {
	s        *Switch
	a        *Channel
	in       *inbox
	target   call.Endpoint
	callerID call.CallerID // zero: A's own
	headers  []Header
	vars     []call.Variable
	wait     time.Duration
	call     call.ID          // of the queue, "" = none
	progress func(sig signal) // sees what happens, in the controller's goroutine

	b       *Channel
	bridge  *Bridge
	early   bool
	ringing bool
}

// errAGone says that the first leg hung up while the second was dialled.
var errAGone = errors.New("leg A hung up before leg B answered")

// run dials B and waits for its answer. It returns nil when A and B are
// connected; a *call.Failure when B was refused, errAGone, or ctx's cause. Unless
// it returns nil, B has been hung up and the bridge is gone.
func (k *connector) run(ctx context.Context) error {
	err := k.dial(ctx)
	if err == nil {
		err = k.awaitAnswer(ctx)
	}
	if err == nil {
		return nil
	}
	if k.b != nil {
		k.b.Hangup(cancelCause(ctx))
	}
	if k.ringing {
		_ = k.a.StopTone() // ErrGone: nothing to stop
	}
	if k.bridge != nil {
		k.bridge.Destroy()
	}
	return err
}

// dial makes the bridge and B, and dials.
func (k *connector) dial(ctx context.Context) error {
	var err error
	if k.bridge, err = k.s.NewBridge(BridgeOptions{Creator: "Dial", Class: "basic"}); err != nil {
		return err
	}
	if err = k.bridge.Add(k.a, AddOptions{InhibitConnected: true}); err != nil {
		return errAGone
	}
	k.b, err = k.s.Create(ctx, CreateOptions{
		Endpoint: k.target, CallerID: k.callerID, Originator: k.a, Headers: k.headers, Variables: k.vars,
		Account: k.a.Snapshot().Account, Call: k.call, CallLeg: legB(k.call), Watch: k.in.watcher("b"),
	})
	if err != nil {
		return err
	}
	if err = k.bridge.Add(k.b, AddOptions{InhibitConnected: true}); err != nil {
		return failureOf(err)
	}
	shown := k.callerID
	if shown == (call.CallerID{}) {
		shown = k.a.Snapshot().Caller
	}
	err = k.b.Dial(DialOptions{Timeout: k.wait, Caller: k.a, CallerID: shown})
	if errors.Is(err, ErrGone) { // hung up from outside before it was dialled
		return k.bEnded()
	}
	return err
}

// legB is CreateOptions.CallLeg of the second leg of a call.
func legB(id call.ID) string {
	if id == "" {
		return ""
	}
	return "b"
}

// awaitAnswer waits until B answers or anything ends. What has been signalled
// counts before what has ended, so that an answer with a hangup right behind
// it is seen as both.
func (k *connector) awaitAnswer(ctx context.Context) error {
	for {
		for sig, ok := k.in.take(); ok; sig, ok = k.in.take() {
			if k.handle(sig) {
				return k.answerA()
			}
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		default:
		}
		select {
		case <-k.in.c:
		case <-ctx.Done():
		case <-k.a.ctx.Done():
			return errAGone
		case <-k.b.ctx.Done():
			if sig, ok := k.in.take(); ok { // pushed before the end
				k.in.push(sig)
				if k.drainAnswered() {
					return k.answerA()
				}
			}
			return k.bEnded()
		}
	}
}

// drainAnswered takes what is left and reports whether B had answered.
func (k *connector) drainAnswered() bool {
	answered := false
	for sig, ok := k.in.take(); ok; sig, ok = k.in.take() {
		answered = k.handle(sig) || answered
	}
	return answered
}

// handle lets A hear or see what B does. It reports whether B has answered.
func (k *connector) handle(sig signal) bool {
	if k.progress != nil {
		defer k.progress(sig)
	}
	if sig.leg != "b" || sig.e.Type != Dial {
		return false
	}
	var err error
	switch sig.e.DialStatus {
	case "RINGING":
		err = k.indicateRinging()
	case "PROGRESS":
		k.early = true
		if k.ringing {
			k.ringing = false
			err = k.a.StopTone()
		}
		if err == nil {
			err = k.a.Progress()
		}
	case "ANSWER":
		if k.ringing {
			k.ringing = false
			err = k.a.StopTone()
		}
		k.logUnless(err)
		return true
	}
	k.logUnless(err)
	return false
}

// indicateRinging lets A know that B rings: a phone that called us makes its
// own ringback (180), an answered one hears ours. B's media, if there is any
// already, is better than both.
func (k *connector) indicateRinging() error {
	if k.early || k.ringing {
		return nil
	}
	if k.a.State() != Up {
		return k.a.Ring()
	}
	k.ringing = true
	return k.a.StartTone("tone:ring")
}

// logUnless notes an indication that could not be given; the call goes on.
func (k *connector) logUnless(err error) {
	if err != nil && !errors.Is(err, ErrGone) {
		k.s.log.Info("indication not given", "channel", k.a.id, "error", err)
	}
}

// answerA answers A if it called us, and tells the two of each other.
func (k *connector) answerA() error {
	if k.a.incoming {
		switch err := k.a.Answer(); {
		case errors.Is(err, ErrGone):
			return errAGone
		case err != nil:
			return failureOf(err)
		}
	}
	k.b.box.post(func() { k.bridge.introduce(k.b) })
	return nil
}

// bEnded gives the failure of B, which has ended unanswered.
func (k *connector) bEnded() error { return unanswered(k.b) }

// unanswered gives the failure of a channel that has ended unanswered: the
// technology's, or one for a channel that somebody here has hung up.
func unanswered(c *Channel) *call.Failure {
	r, _ := c.Result()
	if r.Failure != nil {
		return r.Failure
	}
	f := &call.Failure{
		Disposition: call.Cancelled, Cause: int(r.Cause), SIPStatus: r.SIPStatus, Peer: r.Peer,
		Permanent: r.Cause.Permanent(), Text: "hung up on request before the answer",
	}
	if r.ByServer {
		f.Disposition, f.Text = call.Interrupted, "ended by the server before the answer"
		if r.Cause == cause.SwitchCongestion {
			f.Disposition = call.Congestion
		}
	}
	return f
}

// cancelCause is the hangup cause that the end of ctx means: that of a
// *call.Failure in it, else 16.
func cancelCause(ctx context.Context) cause.Code {
	if f, ok := asFailure(context.Cause(ctx)); ok && f.Cause != 0 {
		return cause.Code(f.Cause)
	}
	return cause.NormalClearing
}
