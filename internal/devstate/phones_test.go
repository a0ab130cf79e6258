package devstate_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/devstate"
	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/sip"
	"github.com/dialwright/dialwright/internal/softphone"
)

// exchange is a switch with the SIP technology and a table, on loopback, as app
// puts them together.
type exchange struct {
	*testing.T
	sw     *pbx.Switch
	table  *devstate.Table
	server string // host:port
	events <-chan pbx.Event
}

func newExchange(t *testing.T) *exchange {
	t.Helper()
	x := &exchange{T: t}
	engine, err := media.New(media.Config{Bind: netip.MustParseAddr("127.0.0.1"), PortMin: 20000, PortMax: 32766})
	if err != nil {
		t.Fatal(err)
	}
	x.sw = pbx.New(pbx.Options{Media: engine})
	x.table = devstate.New(devstate.Options{Switch: x.sw})
	tech, err := sip.New(sip.Config{
		Domain: "pbx.test", Listen: []sip.Listener{{Transport: "udp", Addr: "127.0.0.1:0"}},
		Phones: []sip.Phone{{Name: "101", Password: "secret101"}, {Name: "102", Password: "secret102"}},
	}, engine, x.sw, sip.Options{Watch: x.table.Endpoint})
	if err != nil {
		t.Fatal(err)
	}
	x.sw.Register(tech)
	ctx := context.Background() // t.Context ends before the clean-up runs
	for _, start := range []func(context.Context) error{engine.Start, x.table.Start, tech.Start} {
		if err := start(ctx); err != nil {
			t.Fatal(err)
		}
	}
	x.server = tech.Listeners()[0].Addr.String()
	var cancel func()
	x.events, cancel = x.sw.Subscribe(pbx.EventFilter{Types: []pbx.EventType{
		pbx.ChannelCreated, pbx.ChannelStateChange, pbx.ChannelHold, pbx.ChannelUnhold, pbx.ChannelDestroyed,
		pbx.DeviceStateChanged, pbx.EndpointStateChange, pbx.PeerStatusChange, pbx.ContactStatusChange,
	}}, 1000)
	t.Cleanup(func() {
		cancel()
		ctx, stop := context.WithTimeout(ctx, 10*time.Second)
		defer stop()
		if err := errors.Join(x.sw.Stop(ctx), tech.Stop(ctx), x.table.Stop(ctx), engine.Stop(ctx)); err != nil {
			t.Error(err)
		}
	})
	return x
}

// want reads the next events and compares.
func (x *exchange) want(lines ...string) {
	x.Helper()
	var got []string
	timeout := time.After(10 * time.Second)
	for len(got) < len(lines) {
		select {
		case e := <-x.events:
			got = append(got, line(e))
		case <-timeout:
			x.Fatalf("only %q, want %q", got, lines)
		}
	}
	if d := cmp.Diff(lines, got); d != "" {
		x.Errorf("events (-want +got):\n%s", d)
	}
}

func line(e pbx.Event) string {
	switch {
	case e.Device != nil:
		return fmt.Sprintf("device %s %s", e.Device.Name, e.Device.State)
	case e.Endpoint != nil:
		return strings.TrimSpace(fmt.Sprintf("%s %s/%s %s %s", e.Type, e.Endpoint.Technology, e.Endpoint.Resource, e.Endpoint.State, e.Endpoint.Status))
	}
	return fmt.Sprintf("%s %s", e.Type, e.Channel.State)
}

// TestAPhonesDay follows a real phone through its registration, a call with a
// hold, and its end.
func TestAPhonesDay(t *testing.T) {
	x := newExchange(t)
	if s := x.table.State("PJSIP/101"); s != pbx.DeviceUnavailable {
		t.Errorf("before it registers: %s", s)
	}
	phone, err := softphone.New(softphone.Config{User: "101", Password: "secret101", Server: x.server, Domain: "pbx.test", Rule: softphone.Rule{Action: softphone.Ring}})
	if err != nil {
		t.Fatal(err)
	}
	if err := phone.Start(context.Background()); err != nil { // stopped below
		t.Fatal(err)
	}
	x.want("ContactStatusChange PJSIP/101 offline NonQualified", "EndpointStateChange PJSIP/101 online", "device PJSIP/101 NOT_INUSE", "PeerStatusChange PJSIP/101 online Reachable")

	c, err := x.sw.Originate(t.Context(), pbx.OriginateOptions{CreateOptions: pbx.CreateOptions{Endpoint: call.Endpoint("PJSIP/101")}})
	if err != nil {
		t.Fatal(err)
	}
	x.want("ChannelCreated Down", "ChannelStateChange Ringing", "device PJSIP/101 RINGING")
	if e, ok := x.table.Find("pjsip", "101"); !ok || len(e.Channels) != 1 || e.Channels[0] != c.ID() {
		t.Errorf("endpoint %+v", e)
	}
	callee := <-phone.Calls()
	callee.Answer()
	x.want("ChannelStateChange Up", "device PJSIP/101 INUSE")
	if err := callee.Hold(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	x.want("ChannelHold Up", "device PJSIP/101 ONHOLD")
	if err := callee.Hold(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	x.want("ChannelUnhold Up", "device PJSIP/101 INUSE")
	c.Hangup(cause.NormalClearing)
	x.want("ChannelDestroyed Up", "device PJSIP/101 NOT_INUSE")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := phone.Stop(ctx); err != nil {
		t.Error(err)
	}
	x.want("ContactStatusChange PJSIP/101 online Removed", "EndpointStateChange PJSIP/101 offline", "device PJSIP/101 UNAVAILABLE", "PeerStatusChange PJSIP/101 offline Unreachable")
	if s := x.table.State("PJSIP/102"); s != pbx.DeviceUnavailable {
		t.Errorf("the other phone is %s", s)
	}
}
