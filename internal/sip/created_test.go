package sip

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/sip/ua"
)

// What a phone sees as the caller of a channel that was created, given variables
// and then dialled. Asterisk leaves it anonymous unless a connected line or a
// caller says otherwise, which is the most frequent complaint about create and dial
// (spec: ari 6.4, C19).
func TestC19_CallerIDOfACreatedChannelIsSeenByThePhone(t *testing.T) {
	set := func(name, value string) func(*pbx.Channel) error {
		return func(c *pbx.Channel) error { return c.SetVariable(name, value) }
	}
	for name, c := range map[string]struct {
		set    []func(*pbx.Channel) error
		caller call.CallerID // of the channel that is named as the caller
		user   string
		shown  string
	}{
		"nothing":        {user: "anonymous", shown: "Anonymous"},
		"a number":       {set: []func(*pbx.Channel) error{set("CALLERID(num)", "5550100")}, user: "5550100"},
		"name, number":   {set: []func(*pbx.Channel) error{set("CALLERID(all)", `"Zed" <77>`)}, user: "77", shown: "Zed"},
		"step by step":   {set: []func(*pbx.Channel) error{set("CALLERID(name)", "Zed"), set("CALLERID(num)", "78")}, user: "78", shown: "Zed"},
		"connected line": {set: []func(*pbx.Channel) error{set("CALLERID(num)", "1"), set("CONNECTEDLINE(all)", "Con Line <3003>")}, user: "3003", shown: "Con Line"},
		"a caller":       {set: []func(*pbx.Channel) error{set("CALLERID(num)", "1")}, caller: call.CallerID{Name: "Agent", Number: "1001"}, user: "1001", shown: "Agent"},
		"a nameless one": {set: []func(*pbx.Channel) error{set("CALLERID(num)", "1")}, caller: call.CallerID{Number: "1001"}, user: "1001"},
	} {
		t.Run(name, func(t *testing.T) {
			s, provider := startWithTrunk(t, nil)
			ch, err := s.sw.Create(t.Context(), pbx.CreateOptions{Endpoint: "PJSIP/1@carrier"})
			if err != nil {
				t.Fatal(err)
			}
			var o pbx.DialOptions
			if c.caller != (call.CallerID{}) {
				if o.Caller, err = s.sw.Create(t.Context(), pbx.CreateOptions{Endpoint: "PJSIP/2@carrier", CallerID: c.caller}); err != nil {
					t.Fatal(err)
				}
			}
			for _, f := range c.set {
				err = errors.Join(err, f(ch))
			}
			if err = errors.Join(err, ch.Dial(o)); err != nil {
				t.Fatal(err)
			}
			if got := provider.next().c.RemoteIdentity(); got.User != c.user || got.DisplayName != c.shown {
				t.Errorf("From %q <%s>, want %q <%s>", got.DisplayName, got.User, c.shown, c.user)
			}
		})
	}
}

// How the media of a call was is told as variables before its hangup, with what RTP
// really counted (spec: ari 5.3); a call that was refused before any media has none.
func TestRTPVariablesAtTheEndOfACall(t *testing.T) {
	s, provider := startWithTrunk(t, nil)
	var told []pbx.Event
	watch := func(o *pbx.OriginateOptions) {
		told = nil
		o.Watch = func(e *pbx.Event) {
			if e.Type == pbx.ChannelVarset || e.Type == pbx.ChannelHangupRequest {
				told = append(told, *e)
			}
		}
	}
	phone := newEar(t)
	c := s.originate("PJSIP/1@carrier", watch)
	provider.next().answer(sdpText("m=audio " + phone.port + " RTP/AVP 0"))
	s.awaitState(c, pbx.Up)
	if err := c.Run(pbx.HandlerFunc(func(ctx context.Context, c *pbx.Channel) { _ = c.Echo(ctx) })); err != nil { // until the hangup
		t.Fatal(err)
	}
	stop := make(chan struct{})
	defer close(stop)
	go phone.say(c.Leg().(*leg).rtpSession().LocalAddr(), 0, 0x55, stop)
	phone.hear(0, 0x55)
	c.HangupFromOutside(0)
	<-c.Gone()
	var names []string
	values := map[string]string{}
	for _, e := range told {
		names = append(names, string(e.Type)+" "+e.Variable)
		values[e.Variable] = e.Value
	}
	want := "ChannelVarset RTPAUDIOQOS|ChannelVarset RTPAUDIOQOSJITTER|ChannelVarset RTPAUDIOQOSLOSS|ChannelVarset RTPAUDIOQOSRTT|" +
		"ChannelVarset RTPAUDIOQOSMES|ChannelHangupRequest "
	if got := strings.Join(names, "|"); got != want {
		t.Errorf("told %s", got)
	}
	for name, form := range map[string]string{
		"RTPAUDIOQOS":       `ssrc=N;themssrc=N;lp=N;rxjitter=F;rxcount=N;txjitter=F;txcount=N;rlp=N;rtt=F;rxmes=F;txmes=F`,
		"RTPAUDIOQOSJITTER": `minrxjitter=P;maxrxjitter=P;avgrxjitter=P;stdevrxjitter=P;mintxjitter=P;maxtxjitter=P;avgtxjitter=P;stdevtxjitter=P;`,
		"RTPAUDIOQOSLOSS":   `  minrxlost=P;  maxrxlost=P;  avgrxlost=P;  stdevrxlost=P;  mintxlost=P;  maxtxlost=P;  avgtxlost=P;  stdevtxlost=P;`,
		"RTPAUDIOQOSRTT":    `     minrtt=P;     maxrtt=P;     avgrtt=P;     stdevrtt=P;`,
		"RTPAUDIOQOSMES":    `   minrxmes=P;   maxrxmes=P;   avgrxmes=P;   stdevrxmes=P;   mintxmes=P;   maxtxmes=P;   avgtxmes=P;   stdevtxmes=P;`,
	} {
		re := regexp.MustCompile("^" + strings.NewReplacer("=N", `=\d+`, "=F", `=\d+\.\d{6}`, "=P", `=\d{3}\.\d{6}`).Replace(form) + "$")
		if !re.MatchString(values[name]) {
			t.Errorf("%s=%s", name, values[name])
		}
	}
	if strings.Contains(values["RTPAUDIOQOS"], ";rxcount=0;") || strings.HasPrefix(values["RTPAUDIOQOS"], "ssrc=0;") {
		t.Errorf("nothing was counted: %s", values["RTPAUDIOQOS"])
	}

	refused := s.originate("PJSIP/1@carrier", watch)
	provider.next().refuse(486, "Busy Here")
	s.ended(refused)
	<-refused.Gone()
	if len(told) != 1 || told[0].Cause != 17 || told[0].TechCause != 486 || told[0].Soft {
		t.Errorf("a refused call told %+v", told)
	}
}

// A phone in a remote application's bridge names its second call in a REFER: those
// that it was talking to are put together, and both of its calls end (RFC 5589 §7).
func TestAttendedTransferFromStasisBridges(t *testing.T) {
	s := start(t, nil)
	phone, other := newPeer(t, peerOptions{}), newPeer(t, peerOptions{})
	phone.register(s, "101")
	other.register(s, "102")
	up := func(endpoint string, p *peer) (*pbx.Channel, *peerCall) {
		t.Helper()
		c := s.originate(endpoint, func(o *pbx.OriginateOptions) {
			o.Handler = pbx.HandlerFunc(func(ctx context.Context, _ *pbx.Channel) { <-ctx.Done() })
		})
		pc := p.next()
		pc.answer(pcmu)
		s.awaitState(c, pbx.Up)
		return c, pc
	}
	bridge := func(members ...*pbx.Channel) *pbx.Bridge {
		t.Helper()
		b, err := s.sw.NewBridge(pbx.BridgeOptions{Class: "stasis", Creator: "Stasis"})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range members {
			err = errors.Join(err, b.Add(c, pbx.AddOptions{}))
		}
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	first, firstCall := up("PJSIP/101", phone)
	x, _ := up("PJSIP/102", other)
	second, secondCall := up("PJSIP/101", phone)
	y, _ := up("PJSIP/102", other)
	bridge(first, x)
	to := bridge(second, y)
	firstCall.c.ReferCall(secondCall.c, nil)
	e := s.awaitEvent("the transfer", func(e pbx.Event) bool { return e.Type == pbx.BridgeAttendedTransfer })
	if got := e.Data.(*pbx.AttendedTransfer); got.Result != pbx.TransferDone || got.Transferee.ID != x.ID() || got.Target.ID != y.ID() {
		t.Errorf("transfer %+v", got)
	}
	firstCall.await(ua.EventEnded)
	secondCall.await(ua.EventEnded)
	<-first.Gone()
	<-second.Gone()
	if got := to.Channels(); len(got) != 2 || x.State() != pbx.Up || y.State() != pbx.Up {
		t.Errorf("together: %d", len(got))
	}
}
