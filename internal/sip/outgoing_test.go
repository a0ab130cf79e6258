package sip

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/sip/ua"
)

func TestRegisteredPhoneRingsAnswersAndIsHungUp(t *testing.T) {
	s := start(t, nil)
	phone := newPeer(t, peerOptions{})
	phone.register(s, "101")
	c := s.originate("PJSIP/101", nil)
	pc := phone.next()
	if got := pc.c.RemoteIdentity(); got.User != "4711" || got.DisplayName != "Anna" || got.Host != "pbx.test" {
		t.Errorf("From %+v", got)
	}
	pc.ring()
	s.awaitState(c, pbx.Ringing)
	if got := s.tech.DeviceState("101"); got != pbx.DeviceRinging {
		t.Errorf("device state %s while it rings", got)
	}
	pc.answer(pcmu)
	s.awaitState(c, pbx.Up)
	if got := s.tech.DeviceState("101"); got != pbx.DeviceInUse {
		t.Errorf("device state %s while it talks", got)
	}
	if f, ok := c.Port().Format(); !ok || f.Codec != "PCMU" || !f.EventPT {
		t.Errorf("format %+v, %v", f, ok)
	}
	d := c.Leg().Describe()
	if d.Phone != "101" || d.Codec != "PCMU" || d.CallID != pc.c.CallID() || !strings.HasPrefix(d.Peer, "udp:127.0.0.1:") {
		t.Errorf("leg %+v", d)
	}
	c.Hangup(cause.NormalClearing)
	if e := pc.await(ua.EventEnded); e.Cause != cause.NormalClearing || !e.ByPeer {
		t.Errorf("phone's call ended with %+v", e)
	}
	if r := s.ended(c); r.Cause != cause.NormalClearing || r.AnsweredAt.IsZero() || r.RingingAt.IsZero() {
		t.Errorf("result %+v", r)
	}
	if got := s.tech.DeviceState("101"); got != pbx.DeviceNotInUse {
		t.Errorf("device state %s after the call", got)
	}
}

func TestLadderTellsTheWholeStoryWithoutCredentials(t *testing.T) {
	s := start(t, func(c *Config, _ *Options) {
		c.Trunks = []Trunk{{Name: "carrier", Host: "127.0.0.1", User: "acct", Password: "hush"}}
	})
	provider := newPeer(t, peerOptions{secrets: map[string]string{"acct": "hush"}})
	dir := s.tech.dir.Load()
	dir.byName["carrier"].trunk.Port = int(provider.addr().Port())
	c := s.originate("PJSIP/5551234@carrier", nil)
	pc := provider.next()
	pc.ring()
	s.awaitState(c, pbx.Ringing)
	leg := c.Leg()
	c.Hangup(cause.NormalClearing)
	s.ended(c)
	provider.receivedTimes("ACK", 2) // to the 401, and to the 487
	want := []string{"INVITE", "SIP/2.0 401", "ACK", "INVITE", "SIP/2.0 180", "CANCEL", "SIP/2.0 200", "SIP/2.0 487", "ACK"}
	i := 0
	for _, m := range leg.Ladder() {
		if i < len(want) && strings.HasPrefix(m.First, want[i]) {
			i++
		}
		if strings.Contains(m.First+m.Note, "hush") || strings.Contains(m.First+m.Note, "response=") {
			t.Errorf("credentials in %+v", m)
		}
	}
	if i < len(want) {
		t.Errorf("ladder lacks %s:\n%+v", want[i], leg.Ladder())
	}
}

func TestUnknownEndpointIsPermanentCause3(t *testing.T) {
	s := start(t, nil)
	for _, endpoint := range []call.Endpoint{"PJSIP/999", "PJSIP/1@nowhere", "PJSIP/bad one@x"} {
		_, err := s.sw.Create(t.Context(), pbx.CreateOptions{Endpoint: endpoint})
		f, ok := errors.AsType[*call.Failure](err)
		if !ok || f.Cause != int(cause.NoRoute) || !f.Permanent {
			t.Errorf("%s: %v", endpoint, err)
		}
	}
	if got := s.tech.DeviceState("999"); got != pbx.DeviceInvalid {
		t.Errorf("device state %s", got)
	}
}

func TestUnregisteredPhoneIsCause20AndWorthARetry(t *testing.T) {
	s := start(t, nil)
	_, err := s.sw.Create(t.Context(), pbx.CreateOptions{Endpoint: "PJSIP/101"})
	f, ok := errors.AsType[*call.Failure](err)
	if !ok || f.Cause != int(cause.SubscriberAbsent) || f.Permanent {
		t.Errorf("%v", err)
	}
	if got := s.tech.DeviceState("101"); got != pbx.DeviceUnavailable {
		t.Errorf("device state %s", got)
	}
}

func TestD1_PhoneWithTwoContactsFirstAnswerWins(t *testing.T) {
	s := start(t, nil)
	desk, mobile := newPeer(t, peerOptions{}), newPeer(t, peerOptions{transport: "tcp"})
	desk.register(s, "101")
	mobile.register(s, "101")
	c := s.originate("PJSIP/101", nil)
	d, m := desk.next(), mobile.next()
	if d.c.CallID() == m.c.CallID() {
		t.Error("both forks have one Call-ID")
	}
	d.ring()
	m.ring()
	s.awaitState(c, pbx.Ringing)
	m.answer(pcma)
	s.awaitState(c, pbx.Up)
	d.await(ua.EventEnded)
	cancel := desk.received("CANCEL")
	if !strings.Contains(string(cancel.Raw), "Call completed elsewhere") {
		t.Errorf("CANCEL does not say that it was answered elsewhere:\n%s", cancel.Raw)
	}
	if got := c.Leg().Describe(); got.Codec != "PCMA" || got.CallID != m.c.CallID() {
		t.Errorf("leg %+v", got)
	}
	m.c.Hangup(cause.NormalClearing)
	if r := s.ended(c); !r.ByPeer || r.Cause != cause.NormalClearing {
		t.Errorf("result %+v", r)
	}
}

func TestForkedPhoneIsBusyOnlyWhenAllHaveRefused(t *testing.T) {
	s := start(t, nil)
	desk, mobile := newPeer(t, peerOptions{}), newPeer(t, peerOptions{})
	desk.register(s, "101")
	mobile.register(s, "101")
	c := s.originate("PJSIP/101", nil)
	desk.next().refuse(486, "Busy Here")
	m := mobile.next()
	m.ring()
	s.awaitState(c, pbx.Ringing)
	m.refuse(480, "Temporarily Unavailable")
	if r := s.ended(c); r.Cause != cause.UserBusy || r.SIPStatus != 486 {
		t.Errorf("result %+v", r)
	}
}

func TestForkedPhoneDeclineOnOneEndsTheOthers(t *testing.T) {
	s := start(t, nil)
	desk, mobile := newPeer(t, peerOptions{}), newPeer(t, peerOptions{})
	desk.register(s, "101")
	mobile.register(s, "101")
	c := s.originate("PJSIP/101", nil)
	m := mobile.next()
	m.ring()
	s.awaitState(c, pbx.Ringing)
	desk.next().refuse(603, "Decline")
	m.await(ua.EventEnded)
	if r := s.ended(c); r.Cause != cause.Rejected || r.SIPStatus != 603 {
		t.Errorf("result %+v", r)
	}
}

func TestD16_RefusalsBecomeCauses(t *testing.T) {
	s := start(t, nil)
	phone := newPeer(t, peerOptions{})
	phone.register(s, "101")
	for status, want := range map[int]cause.Code{
		486: cause.UserBusy, 603: cause.Rejected, 404: cause.Unallocated, 480: cause.NoAnswer, 503: cause.CircuitCongestion,
		488: cause.BearerNotAvail, 302: cause.Redirected,
	} {
		c := s.originate("PJSIP/101", nil)
		phone.next().refuse(status, "No")
		r := s.ended(c)
		if r.Cause != want || r.SIPStatus != status || r.Failure == nil || r.Failure.Permanent != want.Permanent() {
			t.Errorf("%d: %+v, failure %v", status, r, r.Failure)
		}
	}
	if got := s.tech.Endpoints()[0].LastError; got == "" {
		t.Error("no last error is shown")
	}
}

func TestRingingPhoneIsCancelledAtTheTimeout(t *testing.T) {
	s := start(t, nil)
	phone := newPeer(t, peerOptions{})
	phone.register(s, "101")
	c := s.originate("PJSIP/101", func(o *pbx.OriginateOptions) { o.Timeout = 300 * time.Millisecond })
	pc := phone.next()
	pc.ring()
	pc.await(ua.EventEnded)
	phone.received("CANCEL")
	if r := s.ended(c); r.Cause != cause.NoAnswer || !r.AnsweredAt.IsZero() {
		t.Errorf("result %+v", r)
	}
}

func TestD8_EarlyMediaAndAnswerWithoutSDP(t *testing.T) {
	s := start(t, nil)
	phone := newPeer(t, peerOptions{})
	phone.register(s, "101")
	c := s.originate("PJSIP/101", nil)
	progress := s.progressOf(c)
	pc := phone.next()
	if err := pc.c.Provisional(183, "Session Progress", []byte(pcma)); err != nil {
		t.Fatal(err)
	}
	receive(t, "progress", progress)
	if f, ok := c.Port().Format(); !ok || f.Codec != "PCMA" {
		t.Errorf("early format %+v, %v", f, ok)
	}
	if err := pc.c.Answer(nil); err != nil {
		t.Fatal(err)
	}
	s.awaitState(c, pbx.Up)
	if got := c.Leg().Describe().Codec; got != "PCMA" {
		t.Errorf("codec %q", got)
	}
}

// progressOf tells when the channel has early media.
func (s *server) progressOf(c *pbx.Channel) <-chan struct{} {
	seen := make(chan struct{}, 8)
	remove := c.Watch(func(e *pbx.Event) {
		if e.Type == pbx.Dial && e.DialStatus == "PROGRESS" {
			seen <- struct{}{}
		}
	})
	s.t.Cleanup(remove)
	return seen
}

func TestD15_TrunkCallCarriesCallerIDAndNoAutoAnswer(t *testing.T) {
	s, provider := startWithTrunk(t, func(tr *Trunk) { tr.Identity = TrunkIdentity{PAI: true, RPID: true} })
	c := s.originate("PJSIP/+4930555@carrier", func(o *pbx.OriginateOptions) {
		o.AutoAnswer = true
		o.CallerID = call.CallerID{Name: "Anna", Number: "+4930123", Private: true}
		o.Headers = []pbx.Header{{Name: "X-Campaign", Value: "7"}, {Name: "Contact", Value: "<sip:evil@x>"}}
	})
	pc := provider.next()
	if got := pc.req.Recipient.User; got != "+4930555" {
		t.Errorf("Request-URI user %q", got)
	}
	if got := pc.c.RemoteIdentity(); got.User != "anonymous" || got.Host != "anonymous.invalid" {
		t.Errorf("From %+v", got)
	}
	if got := pc.header("P-Asserted-Identity"); got != `"Anna" <sip:+4930123@127.0.0.1>` {
		t.Errorf("P-Asserted-Identity %s", got)
	}
	for name, want := range map[string]string{"Privacy": "id", "X-Campaign": "7", "Call-Info": "", "Alert-Info": ""} {
		if got := pc.header(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if got := pc.req.Contact().Address.User; got == "evil" {
		t.Error("Contact came from outside")
	}
	pc.answer(pcmu)
	s.awaitState(c, pbx.Up)
}

func TestD15_AutoAnswerHeadersReachThePhone(t *testing.T) {
	s := start(t, func(c *Config, _ *Options) { c.Phones[0].AutoAnswer = "snom" })
	phone := newPeer(t, peerOptions{})
	phone.register(s, "101")
	s.originate("PJSIP/101", func(o *pbx.OriginateOptions) { o.AutoAnswer = true })
	pc := phone.next()
	if got := pc.header("Call-Info"); !strings.HasSuffix(got, ";answer-after=0") {
		t.Errorf("Call-Info %q", got)
	}
	if got := pc.header("Alert-Info"); got != "" {
		t.Errorf("Alert-Info %q", got)
	}
}

func TestTrunkWithoutCallerIDIsAnonymous(t *testing.T) {
	s, provider := startWithTrunk(t, nil)
	s.originate("PJSIP/1@carrier", func(o *pbx.OriginateOptions) { o.CallerID = call.CallerID{} })
	if got := provider.next().c.RemoteIdentity(); got.User != "anonymous" || got.DisplayName != "Anonymous" {
		t.Errorf("From %+v", got)
	}
}

func TestTrunkWithExplicitURI(t *testing.T) {
	s, provider := startWithTrunk(t, nil)
	s.originate("PJSIP/carrier/sip:x77@"+provider.addr().String(), nil)
	if got := provider.next().req.Recipient.User; got != "x77" {
		t.Errorf("Request-URI user %q", got)
	}
}

// startWithTrunk runs a server with the trunk "carrier" to a provider.
func startWithTrunk(t *testing.T, change func(*Trunk)) (*server, *peer) {
	t.Helper()
	return startWithProvider(t, peerOptions{}, change)
}

func startWithProvider(t *testing.T, o peerOptions, change func(*Trunk)) (*server, *peer) {
	t.Helper()
	provider := newPeer(t, o)
	s := start(t, func(c *Config, _ *Options) {
		tr := Trunk{Name: "carrier", Host: "127.0.0.1", Port: int(provider.addr().Port()), Transport: provider.transport, Context: "from-carrier", Account: "sales"}
		if change != nil {
			change(&tr)
		}
		c.Trunks = append(c.Trunks, tr)
	})
	return s, provider
}

func TestD6_TrunkAnswersTheChallengeOfItsProvider(t *testing.T) {
	s, provider := startWithProvider(t, peerOptions{secrets: map[string]string{"login": "hush"}}, func(tr *Trunk) {
		tr.User, tr.AuthUser, tr.Password = "acct", "login", "hush"
	})
	c := s.originate("PJSIP/1@carrier", nil)
	provider.next().answer(pcmu)
	s.awaitState(c, pbx.Up)
}

func TestTrunkWithWrongPasswordIsRejected(t *testing.T) {
	s, _ := startWithProvider(t, peerOptions{secrets: map[string]string{"acct": "hush"}}, func(tr *Trunk) {
		tr.User, tr.Password = "acct", "wrong"
	})
	c := s.originate("PJSIP/1@carrier", nil)
	if r := s.ended(c); r.Cause != cause.Rejected {
		t.Errorf("result %+v", r)
	}
}

func TestUnreachableTrunkFailsInTime(t *testing.T) {
	s, provider := startWithTrunk(t, nil)
	provider.silence(true)
	c := s.originate("PJSIP/1@carrier", nil)
	if r := s.ended(c); r.Cause != cause.NoUserResponse || r.SIPStatus != 408 {
		t.Errorf("result %+v", r)
	}
}

func TestForward302UnderTheSwitch(t *testing.T) {
	var asked []Forward
	follow := func(_ context.Context, f Forward) (call.Route, error) {
		asked = append(asked, f)
		if f.Target == "900123" {
			return call.Route{}, errors.New("premium numbers are barred")
		}
		return call.Route{Endpoint: call.Endpoint("PJSIP/" + f.Target), CallerID: call.CallerID{Number: "4711"}}, nil
	}
	for _, tc := range []struct {
		name    string
		forward bool
		target  string
		want    cause.Code // 0: 102 rings
		asked   int
		not     bool // the request forbids it
	}{
		{"off: cause 23", false, "102", cause.Redirected, 0, false},
		{"on, but not wanted", true, "102", cause.Redirected, 0, true},
		{"on: followed", true, "102", 0, 1, false},
		{"on, but the guard refuses", true, "900123", cause.Redirected, 1, false},
		{"in a circle: three hops, then cause 23", true, "101", cause.Redirected, 3, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			asked = nil
			s := start(t, func(c *Config, o *Options) {
				c.Phones[0].Forward = tc.forward
				c.Phones[0].Context = "internal"
				o.Follow = follow
			})
			phone, other := newPeer(t, peerOptions{}), newPeer(t, peerOptions{})
			phone.register(s, "101")
			other.register(s, "102")
			c := s.originate("PJSIP/101", func(o *pbx.OriginateOptions) { o.NoForward = tc.not })
			contact := "sip:" + tc.target + "@pbx.test"
			redirects := 1
			if tc.target == "101" {
				redirects = 4
			}
			for range redirects {
				if err := phone.next().c.Redirect(contact); err != nil {
					t.Fatal(err)
				}
			}
			if tc.want == 0 {
				pc := other.next()
				if got := pc.header("Diversion"); !strings.Contains(got, "sip:101@pbx.test") {
					t.Errorf("Diversion %q", got)
				}
				if got := pc.header("From"); !strings.Contains(got, "sip:4711@") {
					t.Errorf("From %q does not show the caller ID of the new route", got)
				}
				pc.answer(pcmu)
				s.awaitState(c, pbx.Up)
				c.Hangup(cause.NormalClearing)
				s.ended(c)
			} else if r := s.ended(c); r.Cause != tc.want {
				t.Errorf("result %+v", r)
			}
			if len(asked) != tc.asked {
				t.Fatalf("routing was asked %d times: %+v", len(asked), asked)
			}
			for i, f := range asked {
				if f.Endpoint != "101" || f.Context != "internal" || f.Hop != i+1 || f.Target != tc.target {
					t.Errorf("question %d: %+v", i+1, f)
				}
			}
		})
	}
}
