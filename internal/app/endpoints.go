package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/door/rest"
	"github.com/dialwright/dialwright/internal/sip"
)

// endpoints is rest.Endpoints and rest.Tester.
type endpoints struct{ a *App }

// Endpoints is rest.Endpoints: what the switch knows, with the caps of the configuration.
func (e endpoints) Endpoints(ctx context.Context) ([]call.EndpointState, error) {
	list, err := e.a.engine.Endpoints(ctx)
	c := e.a.Config()
	for i := range list {
		switch s := &list[i]; s.Kind {
		case "phone":
			s.Max = c.Phones[s.Name].Channels
		case "trunk":
			s.Max = c.Trunks[s.Name].Channels
		}
	}
	return list, err
}

// Test is rest.Tester.
func (e endpoints) Test(ctx context.Context, kind, name string) (rest.EndpointTest, error) {
	out := rest.EndpointTest{Results: []rest.ContactTest{}}
	probes, err := e.a.sip.Probe(ctx, name)
	if errors.Is(err, sip.ErrUnknownEndpoint) {
		return out, &rest.Refusal{Code: "not-found", Text: "There is no " + kind + " " + name + "."}
	}
	if err != nil {
		return out, err
	}
	answers := 0
	for _, p := range probes {
		r := rest.ContactTest{Contact: p.Contact, Status: p.Status, Reason: p.Reason, RoundTrip: p.RoundTrip.Seconds()}
		if p.Err != nil {
			r.Error = p.Err.Error()
		}
		if p.OK() {
			answers++
		}
		out.Results = append(out.Results, r)
	}
	out.OK = answers > 0
	out.Text = e.meaning(kind, name, probes, answers)
	return out, nil
}

// meaning says what a test has shown and what to do.
func (e endpoints) meaning(kind, name string, probes []sip.Probe, answers int) string {
	switch {
	case len(probes) == 0:
		return "The phone is not registered, so nobody knows where it is. " + e.a.registerHint(name)
	case kind == "phone" && answers == 0:
		return "The phone is registered, but does not answer. Is it still switched on and in the network? Behind a NAT or a firewall, let it register more often (every 60 s), or by TCP."
	case kind == "phone" && answers < len(probes):
		return fmt.Sprintf("%d of %d devices of the phone answer; the others are registered, but cannot be reached now.", answers, len(probes))
	case kind == "phone":
		return "The phone answers: calls reach it."
	}
	p := probes[0]
	switch {
	case answers > 0 && p.Status == 403:
		return "The provider answers, and does not want to be asked like this. That shows that the way there is open; a call shows whether it takes calls."
	case answers > 0:
		return fmt.Sprintf("The provider answers (%d): the way there is open. A call shows whether it takes calls with user and password of trunks.%s.", p.Status, name)
	case p.Status != 0:
		return fmt.Sprintf("A proxy on the way answers %d: it cannot reach the provider now. Try again later; ask the provider if it stays so.", p.Status)
	}
	return fmt.Sprintf("Nothing comes back. Check trunks.%s.host, port and transport, and whether a firewall lets SIP out. Some providers answer to no OPTIONS at all and take calls all the same; then set trunks.%s.qualify to a negative time.", name, name)
}
