package vodia

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/click"
	"github.com/dialwright/dialwright/internal/directory"
	"github.com/dialwright/dialwright/internal/originate"
)

// queueTime is how long a call may wait for a free place. A phone that rings later than
// that would surprise its owner.
const queueTime = 5 * time.Second

// order is a call that somebody who may has asked for.
type order struct {
	by      *asker
	user    directory.User // whose phone rings
	dest    string         // as it is dialled
	typed   string         // as it was sent, for to-number (spec: vodia 8.5)
	name    string         // of the destination, "" = none
	confirm bool           // ask to press 1
	use     *use           // nil = it may be asked for any number of times
}

// use is that of a link or a button that may be used only so often.
type use struct {
	key   string    // what all its uses have in common
	until time.Time // the last moment that it is valid
	most  int
	// durable is the part of the call's idempotency key that says which link it is, so that
	// the queue knows a use that the door has forgotten by a restart; "" for a button, which
	// does not outlive one.
	durable string
}

// place submits a call, once within the dedupe window. again says that it was submitted a
// moment ago. What the queue refuses it has told the audit trail already.
func (x *exchange) place(ctx context.Context, o order) (c call.Call, again bool, bad *failure) {
	switch {
	case o.user.Disabled:
		bad = notAllowed()
	case o.user.Phone == "" && o.user.Role != directory.RoleUser:
		// Administrators own no phone: the extension must be named (spec: vodia 2.4).
		bad = notAllowed()
	}
	if bad != nil {
		x.audit(bad, o.by, o.user.Account)
		return call.Call{}, false, bad
	}
	if err := x.d.ready(); err != nil {
		x.d.log.Warn("no call can be made", "door", DoorName, "error", err)
		return call.Call{}, false, notReady()
	}
	c, again, bad = x.d.recent.once(ctx, wish{o.user.Name, o.dest}, x.c.DedupeWindow, x.d.now(), func() (call.Call, *failure) {
		return x.submit(ctx, o)
	})
	if bad != nil {
		x.audit(bad, o.by, o.user.Account)
	}
	return c, again, bad
}

// ready is Options.Ready.
func (d *Door) ready() error {
	if d.o.Ready == nil {
		return nil
	}
	return d.o.Ready()
}

// submit gives the call to the queue. A link that may be used only so often has its uses
// numbered: each call carries its number in its key, and the queue admits a key once. What is
// refused gives its number back.
func (x *exchange) submit(ctx context.Context, o order) (call.Call, *failure) {
	if o.use == nil {
		return x.ask(ctx, o, "")
	}
	for {
		n, ok := x.d.uses.take(o.use, x.d.now())
		if !ok {
			return call.Call{}, deny(http.StatusForbidden, "used", o.use.over())
		}
		c, bad := x.ask(ctx, o, o.use.id(n))
		if bad == nil {
			return c, nil
		}
		if bad.code != usedBefore {
			x.d.uses.give(o.use.key, n)
			return call.Call{}, bad
		}
		// That use was before the last restart; it is remembered now.
	}
}

// id is the idempotency key of a call by the nth use.
func (u *use) id(n int) string {
	if u.durable == "" {
		return ""
	}
	return u.durable + "-" + strconv.Itoa(n)
}

// over says that there are no more uses.
func (u *use) over() string {
	if u.durable == "" {
		return "This button has been pressed already. Open the link again."
	}
	return "This link has been used already."
}

// usedBefore is the code of a failure that no client sees: the queue has admitted this use
// of the link before.
const usedBefore = "used before"

// ask submits one call. key is its idempotency key, "" = none.
func (x *exchange) ask(ctx context.Context, o order, key string) (call.Call, *failure) {
	origin := x.origin(o.by)
	origin.Reference = o.reference()
	// The call is the person's, not the connection's: its admission does not end with the
	// client.
	c, err := x.d.o.Clicks.Place(context.WithoutCancel(ctx), click.Intent{
		Origin: origin, User: o.user, Dest: o.dest, DestName: o.name, Confirm: o.confirm,
		Prompts: x.c.PromptRepeats, Interval: x.c.PromptInterval, FailTone: x.c.FailTone, Key: key,
		NotAfter: time.Now().Add(queueTime), // by the queue's clock, not by Options.Now
	})
	if err != nil {
		return call.Call{}, x.refused(err)
	}
	return c, nil
}

// reference is the destination as it was sent, unless a record cannot show that, or it had
// its + taken for a blank.
func (o *order) reference() string {
	if strings.ContainsFunc(o.typed, unicode.IsControl) || strings.HasPrefix(o.typed, " ") {
		return o.dest
	}
	return o.typed
}

// refused says in the door's words why a call was not admitted.
func (x *exchange) refused(err error) *failure {
	if errors.Is(err, click.ErrNoPhone) || errors.Is(err, click.ErrNoDevice) {
		return deny(http.StatusConflict, "no_device", "No phone of this extension is registered.")
	}
	r, ok := errors.AsType[*originate.Refusal](err)
	if !ok {
		x.d.log.Error("call not submitted", "door", DoorName, "error", err)
		return notReady()
	}
	var f *failure
	switch r.Code {
	case originate.RefusedRate:
		f = fail(http.StatusTooManyRequests, "too_many", "Too many calls; try again later.")
		f.after = max(r.RetryAfter, time.Second)
	case originate.RefusedStopping, originate.RefusedStore:
		return notReady()
	case originate.RefusedKeyReused:
		return fail(http.StatusForbidden, usedBefore, "")
	case originate.RefusedDestination, originate.RefusedInvalid:
		f = fail(http.StatusBadRequest, "dest_invalid", "This number cannot be dialled.")
	default:
		f = fail(http.StatusForbidden, "not_allowed", "This call is not allowed.")
	}
	return f
}

// notReady says that no call can be made now.
func notReady() *failure {
	return fail(http.StatusServiceUnavailable, "not_ready", "No calls can be made at the moment.")
}

// notAllowed says that the party may not act for the user.
func notAllowed() *failure {
	return deny(http.StatusForbidden, "not_allowed", "You may not make calls for this extension.")
}
