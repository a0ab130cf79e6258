package vodia

import (
	"context"
	"errors"
	"net/http"
	"time"

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
	link    *signedUse     // nil = it is not by a signed link
}

// signedUse is the use of a signed link that may be used only so often.
type signedUse struct {
	key   string
	until time.Time // the last moment that it is valid
	most  int
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

// submit counts the use of a link and gives the call to the queue.
func (x *exchange) submit(ctx context.Context, o order) (call.Call, *failure) {
	if l := o.link; l != nil && !x.d.uses.take(l.key, l.until, l.most, x.d.now()) {
		return call.Call{}, deny(http.StatusForbidden, "used", "This link has been used already.")
	}
	origin := x.origin(o.by)
	origin.Reference = o.typed
	// The call is the person's, not the connection's: its admission does not end with the
	// client.
	c, err := x.d.o.Clicks.Place(context.WithoutCancel(ctx), click.Intent{
		Origin: origin, User: o.user, Dest: o.dest, DestName: o.name, Confirm: o.confirm,
		Prompts: x.c.PromptRepeats, Interval: x.c.PromptInterval, FailTone: x.c.FailTone,
		NotAfter: time.Now().Add(queueTime), // by the queue's clock, not by Options.Now
	})
	if err == nil {
		return c, nil
	}
	if o.link != nil {
		x.d.uses.give(o.link.key)
	}
	return call.Call{}, x.refused(err)
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
