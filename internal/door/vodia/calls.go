package vodia

import (
	"net/http"
	"time"

	"github.com/dialwright/dialwright/internal/directory"
	wire "github.com/dialwright/dialwright/internal/wire/vodia"
)

// The methods of /rest/user/ACCOUNT/calls, and of …/calls/ID.
const (
	callsMethods = "GET, HEAD, POST, DELETE, OPTIONS"
	callMethods  = "DELETE, OPTIONS"
)

// calls answers /rest/user/ACCOUNT/calls, and …/calls/ID if id is not empty (spec: vodia 5).
func (x *exchange) calls(account, id string) {
	x.cors()
	switch m := x.r.Method; {
	case m == http.MethodOptions:
		x.preflight()
	case m == http.MethodDelete:
		x.changeCalls(account, func(by *asker, u *directory.User) (string, *failure) {
			if id == "" {
				id = x.r.URL.Query().Get("id")
			}
			return id, x.hangup(by, u, id)
		})
	case id != "":
		x.noMethod(callMethods)
	case m == http.MethodGet || m == http.MethodHead:
		x.listCalls(account)
	case m == http.MethodPost:
		x.changeCalls(account, x.postCall)
	default:
		x.noMethod(callsMethods)
	}
}

// caller gives who asks, and the user whose calls they are (spec: vodia 5.1).
func (x *exchange) caller(account string) (by asker, u directory.User, bad *failure) {
	if by, bad = x.loggedIn(); bad != nil {
		return by, u, bad
	}
	u, ok := x.d.o.Users.Resolve(account, x.r.Host, &by.user)
	switch {
	case ok && by.user.MayActFor(u.Name):
		return by, u, nil
	case !ok && by.user.Role != directory.RoleUser && by.user.MayActFor(x.d.o.Users.Meant(account, x.r.Host)):
		bad = fail(http.StatusNotFound, "no_account", "There is no such account.")
	default:
		bad = notAllowed()
	}
	return by, directory.User{}, bad
}

// listCalls tells the calls of a user. Each says what time it is here, so that a client can
// tell how long it has lasted.
func (x *exchange) listCalls(account string) {
	by, u, bad := x.caller(account)
	if bad != nil {
		x.denied(bad, &by)
		return
	}
	list := x.d.callObjects(&u)
	for i := range list {
		list[i].Now = time.Now() // the clock by which they began
	}
	x.json(http.StatusOK, append([]wire.Call{}, list...)) // never null
}

// changeCalls has something done that a page of another site must not do: do gives the ID of
// the call that it was done with.
func (x *exchange) changeCalls(account string, do func(by *asker, u *directory.User) (id string, bad *failure)) {
	if x.foreign() {
		x.denied(notOurs(), nil)
		return
	}
	by, u, bad := x.caller(account)
	if bad == nil && by.session != nil && !x.sameSite() {
		bad = notOurs()
	}
	if bad != nil {
		x.denied(bad, &by)
		return
	}
	id, bad := do(&by, &u)
	if bad != nil {
		x.refuse(bad)
		return
	}
	x.json(http.StatusOK, wire.Done{ID: id})
}

// postCall does what the body says.
func (x *exchange) postCall(by *asker, u *directory.User) (id string, bad *failure) {
	body, bad := x.body()
	if bad != nil {
		return "", bad
	}
	in, err := wire.ParseCallRequest(body)
	if err != nil {
		return "", x.fault(err)
	}
	if in.Action == wire.RemoteDial {
		return x.remoteDial(in, by, u)
	}
	bad = x.act(in, by, u)
	if bad != nil {
		x.audit(bad, by, u.Account)
	}
	return in.ID, bad
}

// remoteDial rings the user's phone and dials. Nobody is asked to press 1: the person is at
// the screen (spec: vodia 4.9.5).
func (x *exchange) remoteDial(in wire.CallRequest, by *asker, u *directory.User) (id string, bad *failure) {
	dest, err := wire.CleanDest(in.Number, x.c.AllowSIPURI)
	if err != nil {
		return "", destFailure(err)
	}
	c, _, bad := x.place(x.r.Context(), order{by: by, user: *u, dest: dest, typed: in.Number, name: in.Name})
	return string(c.ID), bad
}

// hangup ends a call of the user.
func (x *exchange) hangup(by *asker, u *directory.User, id string) *failure {
	if id == "" {
		return fail(http.StatusBadRequest, "id_missing", "Say which call: …/calls/ID, or ?id=ID.")
	}
	bad := x.act(wire.CallRequest{Action: wire.Hangup, ID: id}, by, u)
	if bad != nil {
		x.audit(bad, by, u.Account)
	}
	return bad
}

// act does something with a call of the user. A user without a phone has none.
func (x *exchange) act(in wire.CallRequest, by *asker, u *directory.User) *failure {
	calls, ctx, phone := x.d.o.Calls, x.r.Context(), u.Phone
	if phone == "" {
		return noCall()
	}
	switch in.Action {
	case wire.Hangup:
		err := calls.Hangup(ctx, phone, in.ID, by.principal())
		if err == nil {
			x.d.recent.ended(in.ID)
		}
		return x.undone(err)
	case wire.Reject:
		return x.undone(calls.Reject(ctx, phone, in.ID, by.principal()))
	case wire.RemoteAnswer:
		return x.undone(calls.Answer(ctx, phone, in.ID))
	case wire.RemoteHold, wire.RemoteResume:
		return x.undone(calls.Hold(ctx, phone, in.ID, in.Action == wire.RemoteHold))
	case wire.Transfer:
		return x.transferCall(in, by, u)
	}
	return fail(http.StatusNotImplemented, "unsupported", "Records of calls are not annotated here.")
}

// transferCall sends the other side of a call to a number, or to that of another call.
func (x *exchange) transferCall(in wire.CallRequest, by *asker, u *directory.User) *failure {
	if in.With != "" {
		return x.undone(x.d.o.Calls.Join(x.r.Context(), u.Phone, in.ID, in.With))
	}
	dest, err := wire.CleanDest(in.Number, x.c.AllowSIPURI)
	if err != nil {
		return destFailure(err)
	}
	bad := x.undone(x.d.o.Calls.Transfer(x.r.Context(), u.Phone, in.ID, dest))
	if bad == nil {
		x.d.log.Info("call transferred on request", "door", DoorName, "principal", by.principal(), "call", in.ID, "phone", u.Phone)
	}
	return bad
}
