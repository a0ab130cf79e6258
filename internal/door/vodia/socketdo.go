package vodia

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/directory"
	"github.com/dialwright/dialwright/internal/usercall"
	wire "github.com/dialwright/dialwright/internal/wire/vodia"
)

// Bounds of commands.
const (
	commandTime = 10 * time.Second // for one; a phone that is asked to answer may be slow
	longestTo   = 255              // bytes of a number as it is typed
	maxWaits    = 32               // calls of one socket whose end is waited for
)

// command is what a client wants done, by whom and for whom as both are at this moment.
type command struct {
	*exchange
	k      *socket
	action string
	me     asker
	user   directory.User
	made   call.ID // the call that it has made, "" = none
}

// do carries out a message, or says why it does not.
func (k *socket) do(ctx context.Context, action string, f wire.Frame) {
	if _, idle := f.(wire.KeepAlive); idle {
		return
	}
	me, u, ok := k.acts()
	if !ok {
		k.lost()
		return
	}
	x := &exchange{d: k.d, c: k.d.o.Config(), r: k.x.r, client: k.x.client}
	c := &command{exchange: x, k: k, action: action, me: me, user: u}
	bad := c.carryOut(ctx, f)
	if bad != nil {
		x.audit(bad, &me, u.Account)
		k.answer(ctx, wire.Refused{Request: action, Code: bad.status, Message: bad.text})
	}
	if m, ok := f.(wire.MakeCall); ok && c.made != "" {
		k.awaitEnd(ctx, c.made, m.To)
	}
}

// carryOut carries out a message. What costs more than a look at the user's own calls counts
// as a request of the client's address.
func (c *command) carryOut(ctx context.Context, f wire.Frame) *failure {
	switch f := f.(type) {
	case wire.GetCalls:
		c.k.watches.own(&c.user, true, true)
		return nil
	case wire.OwnCalls:
		c.k.watches.own(&c.user, f.Subscribe, f.Subscribe)
		return nil
	}
	if c.d.rates.enter(c.client, c.c.PerMinute, c.d.now()) > 0 {
		return fail(http.StatusTooManyRequests, "too_many", "Too many requests; try again later.")
	}
	if bad, ok := c.watch(f); ok {
		return bad
	}
	ctx, cancel := context.WithTimeout(ctx, commandTime)
	defer cancel()
	return c.change(ctx, f)
}

// watch carries out a message that asks to be told of others; ok is false if it is another
// one.
func (c *command) watch(f wire.Frame) (bad *failure, ok bool) {
	k := c.k
	switch f := f.(type) {
	case wire.DomainCalls:
		if c.me.user.Role == directory.RoleUser { // a tenant's calls are its administrators'
			return deny(http.StatusForbidden, "not_allowed", "Only administrators may see the calls of others."), true
		}
		k.watches.tenant(f.Subscribe)
	case wire.Lamps:
		return k.watches.lamps(f.Add, f.Remove), true
	case wire.GetUsers:
		k.board.change(func(d *due) { d.users = true })
	case wire.RingTones:
		k.board.note(wire.RingToneList{}) // phones have their own
	case wire.OrbitCalls, wire.Unsupported:
		return notOffered(), true
	default:
		return nil, false
	}
	return nil, true
}

func notOffered() *failure {
	return fail(http.StatusBadRequest, "unsupported", "This server does not offer that.")
}

// change carries out a message that makes a call or does something with one.
func (c *command) change(ctx context.Context, f wire.Frame) *failure {
	calls, phone := c.k.d.o.Calls, c.user.Phone
	if f, ok := f.(wire.MakeCall); ok {
		return c.makeCall(ctx, f)
	}
	if phone == "" {
		return noCall()
	}
	switch f := f.(type) {
	case wire.ClearCall:
		err := calls.Hangup(ctx, phone, f.ID, c.me.principal())
		if err == nil {
			c.d.recent.ended(f.ID)
		}
		return c.undone(err)
	case wire.AcceptCall:
		return c.undone(calls.Answer(ctx, phone, f.ID))
	case wire.HoldCall:
		return c.undone(calls.ToggleHold(ctx, phone, f.ID))
	case wire.RecordCall:
		return c.undone(calls.Record(ctx, phone, f.ID, f.On))
	case wire.DTMF:
		return c.undone(calls.SendDTMF(ctx, phone, f.ID, f.Digits))
	case wire.BlindTransfer:
		return c.transfer(ctx, f)
	case wire.AttendedTransfer:
		return c.join(ctx, f)
	}
	return notOffered()
}

// makeCall rings the user's phone, and dials. The socket is told of the user's calls from now
// on.
func (c *command) makeCall(ctx context.Context, f wire.MakeCall) *failure {
	c.k.watches.own(&c.user, true, false)
	if len(f.To) > longestTo {
		return destFailure(wire.ErrDestInvalid)
	}
	dest, err := wire.CleanDest(f.To, c.c.AllowSIPURI)
	if err != nil {
		return destFailure(err)
	}
	made, again, bad := c.place(ctx, order{by: &c.me, user: c.user, dest: dest, typed: f.To, name: f.Name})
	if bad != nil {
		told := *bad
		told.rule = "" // place has told the audit trail
		return &told
	}
	c.k.typed(string(made.ID), f.To, made.Request.Origin.Reference)
	if !again {
		c.made = made.ID
	}
	return nil
}

// destFailure is a number that is none.
func destFailure(err error) *failure {
	return fail(http.StatusBadRequest, string(wire.DestInvalid), faultText(err))
}

// transfer sends the other side of a call to a number.
func (c *command) transfer(ctx context.Context, f wire.BlindTransfer) *failure {
	o, ok := c.find(func(o *usercall.Call) bool {
		return !f.ByCallID && o.ID == f.ID || f.ByCallID && slices.Contains(o.CallIDs, f.ID)
	})
	if !ok {
		return noCall()
	}
	dest, err := wire.CleanDest(f.To, c.c.AllowSIPURI)
	if err != nil {
		return destFailure(err)
	}
	bad := c.undone(c.d.o.Calls.Transfer(ctx, c.user.Phone, o.ID, dest))
	if bad == nil {
		c.d.recent.ended(o.ID)
		c.d.log.Info("call transferred on request", "door", DoorName, "principal", c.me.principal(), "call", o.ID, "phone", c.user.Phone)
	}
	return bad
}

// join connects the other sides of two calls. The second one is named by its ID, or by the
// number at its other side.
func (c *command) join(ctx context.Context, f wire.AttendedTransfer) *failure {
	id2 := f.ID2
	if id2 == "" {
		dest, err := wire.CleanDest(f.To, c.c.AllowSIPURI)
		if err != nil {
			return destFailure(err)
		}
		o, ok := c.find(func(o *usercall.Call) bool {
			far := o.To
			if o.Incoming {
				far = o.From
			}
			return o.ID != f.ID && (far.Number == dest || !o.Incoming && o.Door == DoorName && o.Reference == f.To)
		})
		if !ok {
			return noCall()
		}
		id2 = o.ID
	}
	bad := c.undone(c.d.o.Calls.Join(ctx, c.user.Phone, f.ID, id2))
	if bad == nil {
		c.d.recent.ended(f.ID)
		c.d.recent.ended(id2)
	}
	return bad
}

// find gives a call of the user.
func (c *command) find(is func(*usercall.Call) bool) (usercall.Call, bool) {
	list := c.d.callsOf(c.user.Phone)
	for i := range list {
		if is(&list[i]) {
			return list[i], true
		}
	}
	return usercall.Call{}, false
}

func noCall() *failure { return fail(http.StatusNotFound, "no_call", "There is no such call.") }

// undone says in the door's words why something was not done with a call; nil for nil.
func (x *exchange) undone(err error) *failure {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, usercall.ErrNoCall):
		return noCall()
	case errors.Is(err, usercall.ErrState):
		return fail(http.StatusConflict, "state", "That is not possible in the state of the call.")
	case errors.Is(err, usercall.ErrUnsupported):
		return fail(http.StatusConflict, "unsupported", "The phone cannot do that.")
	case errors.Is(err, usercall.ErrDigits):
		return fail(http.StatusBadRequest, "digits", "These are not 1 to 64 of 0-9, A-D, * and #.")
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return fail(http.StatusConflict, "no_answer", "The phone does not answer.")
	}
	f := x.refused(err)
	f.rule = f.code // unlike a call that was submitted, the trail has not heard of it
	return f
}

// awaitEnd has the user's sockets told why a call has ended, when it has. It is forgotten
// with this socket; that the call is gone its lists say without it.
func (k *socket) awaitEnd(ctx context.Context, id call.ID, typed string) {
	if k.d.o.Ended == nil || k.waits.Load() >= maxWaits {
		return
	}
	k.waits.Add(1)
	k.helpers.Go(func() {
		defer k.waits.Add(-1)
		c, err := k.d.o.Ended(ctx, id)
		if err != nil { // the socket or the server has gone
			return
		}
		k.d.recent.ended(string(id)) // who then clicks again means it: the line was busy
		k.d.sockets.tell(k.name, wire.CallEnded{ID: string(id), ToNumber: typed, Reason: endReason(&c)})
	})
}

// Reasons of CallEnded.
const (
	endCompleted    = "completed" // both have talked
	endCancelled    = "cancelled" // by the user, before that
	endExpired      = "expired"   // no place was free in time
	endBusy         = "busy"
	endNoAnswer     = "no-answer"
	endRejected     = "rejected"
	endUnallocated  = "unallocated" // there is no such number
	endCongestion   = "congestion"
	endNotConfirmed = "not-confirmed" // 1 was not pressed
	endInterrupted  = "interrupted"   // by the server
	endFailed       = "failed"
)

// endReason says in one word why a call has ended.
func endReason(c *call.Call) string {
	if c.Last == nil {
		if c.State == call.CancelledSt && c.Attempts == 0 && !c.Request.NotAfter.IsZero() && !c.EndedAt.Before(c.Request.NotAfter) {
			return endExpired
		}
		return endCancelled
	}
	f := c.Last.Failure
	switch {
	case f == nil:
		return endCompleted
	case f.Leg == "a" && f.Disposition == call.NoAnswer && !c.Last.A.AnsweredAt.IsZero():
		return endNotConfirmed
	}
	byCause := map[int]string{1: endUnallocated, 17: endBusy, 21: endRejected} // Q.850
	byDisposition := map[call.Disposition]string{
		call.Busy: endBusy, call.NoAnswer: endNoAnswer, call.Congestion: endCongestion, call.Cancelled: endCancelled, call.Interrupted: endInterrupted,
	}
	if f.Disposition == call.Cancelled || f.Disposition == call.Interrupted {
		return byDisposition[f.Disposition]
	}
	return cmp.Or(byCause[f.Cause], byDisposition[f.Disposition], endFailed)
}
