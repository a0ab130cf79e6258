package link

import (
	"context"
	"errors"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/click"
	"github.com/dialwright/dialwright/internal/directory"
	"github.com/dialwright/dialwright/internal/link"
	"github.com/dialwright/dialwright/internal/originate"
)

// failTone is how long the person hears why the destination cannot be reached (spec: vodia 4.9).
const failTone = 10 * time.Second

// dial uses the link, once for clicks that follow each other closely.
func (x *exchange) dial(l *link.Link) answer {
	return x.d.again.do(l.ID, func() answer { return x.use(l) })
}

// use counts the use and asks for the call. Neither ends with the client.
func (x *exchange) use(l *link.Link) answer {
	ctx := context.WithoutCancel(x.r.Context())
	u, err := x.d.o.Links.User(l)
	var number int64
	if err == nil {
		number, err = x.d.o.Links.Begin(ctx, l.ID, x.record(""))
	} else if usable := l.Usable(time.Now()); usable != nil {
		err = usable // what the holder can understand goes first
	}
	switch {
	case err == nil:
		return x.place(ctx, l, u, number)
	case isOver(err):
		x.refused(l, err, "link", err.Error())
		return fault(err, l)
	}
	x.d.log.Error("use of a link cannot be counted", "door", DoorName, "link", l.ID, "error", err)
	return unavailable()
}

// isOver says whether an error is about the link.
func isOver(err error) bool {
	for _, e := range []error{link.ErrUnknown, link.ErrExpired, link.ErrEarly, link.ErrUsed, link.ErrRevoked, link.ErrUser} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// place asks for the call of a use that is counted, and settles it.
func (x *exchange) place(ctx context.Context, l *link.Link, u directory.User, number int64) answer {
	c, err := x.d.o.Placer.Place(ctx, click.Intent{
		Origin: x.origin(l), User: u, Dest: l.Dest, DestName: l.Name, Confirm: !l.Connect, FailTone: failTone, Key: link.Key(number),
	})
	refused, a := "", placedAnswer(l, c.ID)
	if err != nil {
		c.ID, refused, a = "", err.Error(), x.failure(l, err)
	}
	if err := x.d.o.Links.Settle(ctx, l.ID, number, c.ID, refused); err != nil { // the next start does
		x.d.log.Error("use of a link cannot be settled", "door", DoorName, "link", l.ID, "call", c.ID, "error", err)
	}
	if c.ID != "" {
		x.d.log.Info("link used", "door", DoorName, "link", l.ID, "call", c.ID, "remote", x.client)
	}
	return a
}

// failure gives the answer for a call that was not placed. What the guard decides is not
// told to who merely holds the link; it is in the audit trail, and with the link's uses.
func (x *exchange) failure(l *link.Link, err error) answer {
	r, ok := errors.AsType[*originate.Refusal](err)
	switch {
	case errors.Is(err, click.ErrNoPhone), errors.Is(err, click.ErrNoDevice): // the queue has not seen it
		x.deny(l, "device", err.Error())
		return noDevice()
	case !ok:
		x.d.log.Error("call not placed", "door", DoorName, "link", l.ID, "error", err)
		return unavailable()
	case r.Code == originate.RefusedRate:
		return tooMany(r.RetryAfter)
	case r.Code == originate.RefusedStopping, r.Code == originate.RefusedStore:
		return unavailable()
	}
	return forbidden()
}

// origin says who asks, for the record, the guard and the audit trail. l is nil for a link
// that is not known.
func (x *exchange) origin(l *link.Link) call.Origin {
	o := call.Origin{Door: DoorName, Principal: DoorName, Remote: x.client.String()}
	if l != nil {
		o.Principal, o.Reference = link.Principal(l.ID), l.Dest
	}
	return o
}

// record makes the line of a use.
func (x *exchange) record(refused string) link.Use {
	return link.Use{At: time.Now().UTC().Truncate(time.Millisecond), Remote: x.client.String(), Origin: clip(x.r.Header.Get("Origin")), Refused: refused}
}

// refused writes down a use that the door has refused: with the link, and in the audit
// trail, where it says more.
func (x *exchange) refused(l *link.Link, err error, rule, why string) {
	if err := x.d.o.Links.Log(context.WithoutCancel(x.r.Context()), l.ID, x.record(err.Error())); err != nil {
		x.d.log.Error("use of a link cannot be written down", "door", DoorName, "link", l.ID, "error", err)
	}
	x.deny(l, rule, why)
}

// deny writes a refusal into the log and the audit trail. l is nil for a link that is not
// known.
func (x *exchange) deny(l *link.Link, rule, why string) {
	e := originate.AuditEntry{At: time.Now(), Origin: x.origin(l), Code: originate.RefusedGuard, Rule: rule, Text: why}
	if l != nil {
		e.Account, e.First, e.Second = l.Account, l.User, l.Dest
	}
	x.d.log.Warn("link refused", "door", DoorName, "principal", e.Origin.Principal, "remote", e.Origin.Remote, "rule", rule, "reason", why)
	x.d.o.Trail.Deny(context.WithoutCancel(x.r.Context()), e)
}
