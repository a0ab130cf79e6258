package switchvox

import (
	"errors"
	"slices"
	"strings"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/usercall"
	wire "github.com/dialwright/dialwright/internal/wire/switchvox"
)

// unknown stands for names that nobody knows (spec: switchvox 9.2).
const unknown = "<unknown>"

// calls gives the calls that the login may see, each once.
func (x *exchange) calls() []usercall.Call {
	sight := x.sees()
	seen := map[string]bool{}
	return slices.DeleteFunc(x.d.o.Calls.Of(""), func(c usercall.Call) bool {
		if seen[c.ID] || !sight.of(c.Account, c.Phone) {
			return true
		}
		seen[c.ID] = true
		return false
	})
}

// currentCalls is switchvox.currentCalls.getList.
func (x *exchange) currentCalls(wire.Request) []byte {
	list := x.calls()
	out := wire.Element{Name: "current_calls", Attrs: []wire.Attr{wire.N("total_items", len(list))}}
	for _, c := range list {
		out.Children = append(out.Children, x.current(c))
	}
	return x.result(out)
}

// current shows a call that there is now.
func (x *exchange) current(c usercall.Call) wire.Element {
	state := "talking"
	switch {
	case c.Parked:
		state = "parked"
	case c.State == usercall.Alerting || c.State == usercall.Ringback:
		state = "ringing"
	}
	from, to := shown(c.From), shown(c.To)
	provider := c.Trunk
	if provider == "" {
		provider = "Internal"
	}
	codecs := slices.DeleteFunc(c.Codecs[:], func(s string) bool { return s == "" })
	return wire.Element{Name: "current_call", Attrs: []wire.Attr{
		wire.A("id", c.ID), wire.A("state", state), wire.A("start_time", x.local(c.Start)),
		wire.N("duration", max(0, int(x.d.o.Now().Sub(c.Start).Seconds()))),
		wire.A("from_caller_id_name", from.Name), wire.A("from_caller_id_number", from.Number),
		wire.A("to_caller_id_name", to.Name), wire.A("to_caller_id_number", to.Number),
		wire.A("provider", provider), wire.A("format", strings.Join(codecs, "->")),
	}}
}

func shown(c call.CallerID) call.CallerID {
	if c.Name == "" {
		c.Name = unknown
	}
	if c.Number == "" {
		c.Number = unknown
	}
	return c
}

// hangUp is switchvox.currentCalls.hangUp.
func (x *exchange) hangUp(r wire.Request) []byte {
	id, faults := wire.ParseHangUp(r)
	if len(faults) > 0 {
		return x.fail(faults...)
	}
	for _, c := range x.calls() {
		if c.ID != id {
			continue
		}
		err := x.d.o.Calls.Hangup(x.r.Context(), c.Phone, c.ID, x.origin().Principal)
		switch {
		case err == nil:
			return x.result()
		case errors.Is(err, usercall.ErrNoCall): // it has ended meanwhile
		default:
			x.d.log.Error("call not ended", "door", DoorName, "call", id, "error", err)
			return x.fail(wire.Unavailable())
		}
	}
	return x.fail(wire.NoCall(id))
}
