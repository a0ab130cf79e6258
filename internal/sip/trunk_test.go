package sip

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"maps"
	"math/big"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/sip/ua"
)

// eventually waits until what it is given holds. It looks again at each
// message at the peer, and now and then.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	timeout := time.After(patience)
	for !holds() {
		select {
		case <-tick.C:
		case <-timeout:
			t.Fatalf("not in time: %s", what)
		}
	}
}

func (s *server) endpoint(name string) call.EndpointState {
	s.t.Helper()
	for _, e := range s.tech.Endpoints() {
		if e.Name == name {
			return e
		}
	}
	s.t.Fatalf("no endpoint %s", name)
	return call.EndpointState{}
}

func TestD14_TrunkRegistersAndItsProviderCallsOverTheFlow(t *testing.T) {
	s, provider := startWithProvider(t, peerOptions{secrets: map[string]string{"acct": "hush"}}, func(tr *Trunk) {
		tr.Register, tr.User, tr.Password = true, "acct", "hush"
	})
	eventually(t, "registration", func() bool { return s.endpoint("carrier").Registered })
	if e := s.endpoint("carrier"); e.State != "not in use" || e.Kind != "trunk" || e.ExpiresAt.IsZero() || e.LastError != "" {
		t.Errorf("endpoint %+v", e)
	}
	// The provider calls the Contact of the registration; the number is in To.
	b := provider.agent.Registrar().Lookup("acct")
	if len(b) != 1 {
		t.Fatalf("bindings %+v", b)
	}
	pc := &peerCall{t: t, events: make(chan ua.Event, 64)}
	var err error
	pc.c, err = provider.agent.Invite(ua.InviteOptions{
		Target: b[0].Contact, Flow: b[0].Flow, From: ua.Identity{User: "0171", Host: "carrier.test"},
		To: &ua.Identity{User: "4930100", Host: "pbx.test"}, SDP: []byte(pcmu), Events: func(e ua.Event) { pc.events <- e },
	})
	if err != nil {
		t.Fatal(err)
	}
	if sn := s.nextIncoming().Snapshot(); sn.Trunk != "carrier" || sn.Dialled != "4930100" {
		t.Errorf("snapshot %+v", sn)
	}
}

func TestTrunkThatCannotRegisterIsUnavailableAndSaysWhy(t *testing.T) {
	s, _ := startWithProvider(t, peerOptions{secrets: map[string]string{"acct": "hush"}}, func(tr *Trunk) {
		tr.Register, tr.User, tr.Password = true, "acct", "wrong"
	})
	eventually(t, "an error", func() bool { return s.endpoint("carrier").LastError != "" })
	if e := s.endpoint("carrier"); e.Registered || e.State != "unavailable" || strings.Contains(e.LastError, "wrong") {
		t.Errorf("endpoint %+v", e)
	}
}

func TestReloadChangesPhonesAndTrunksWithoutDroppingCalls(t *testing.T) {
	s, provider := startWithProvider(t, peerOptions{secrets: map[string]string{"acct": "hush"}}, func(tr *Trunk) {
		tr.Register, tr.User, tr.Password = true, "acct", "hush"
	})
	eventually(t, "registration", func() bool { return s.endpoint("carrier").Registered })
	phone := newPeer(t, peerOptions{})
	phone.register(s, "101")
	c := s.originate("PJSIP/101", nil)
	pc := phone.next()
	pc.answer(pcmu)
	s.awaitState(c, pbx.Up)

	next := s.tech.config
	next.Phones = []Phone{{Name: "201", Password: "secret201"}}
	next.Trunks = nil
	if err := s.tech.Reload(next); err != nil {
		t.Fatal(err)
	}
	if got := s.tech.DeviceState("101"); got != pbx.DeviceInvalid {
		t.Errorf("removed phone is %s", got)
	}
	if _, err := s.sw.Create(t.Context(), pbx.CreateOptions{Endpoint: "PJSIP/101"}); err == nil {
		t.Error("a removed phone can be called")
	}
	if phone.tryRegister(s, "101", "secret101").Registered {
		t.Error("a removed phone can register")
	}
	newPeer(t, peerOptions{}).register(s, "201")
	eventually(t, "unregistration", func() bool { return len(provider.agent.Registrar().Lookup("acct")) == 0 })

	if _, err := pc.reinvite(held); err != nil {
		t.Errorf("the old call has lost its dialog: %v", err)
	}
	s.await(c, pbx.ChannelHold)
	pc.c.Hangup(cause.NormalClearing)
	s.ended(c)
	var names []string
	for _, e := range s.tech.Endpoints() {
		names = append(names, e.Name)
	}
	if d := cmp.Diff([]string{"201"}, names); d != "" {
		t.Errorf("endpoints (-want +got):\n%s", d)
	}
}

func TestReloadRefusesMistakesAndSaysWhatNeedsARestart(t *testing.T) {
	s := start(t, nil)
	broken := s.tech.config
	broken.Phones = []Phone{{Name: "x y"}}
	if err := s.tech.Reload(broken); err == nil || s.tech.DeviceState("101") == pbx.DeviceInvalid {
		t.Errorf("a broken configuration was taken over: %v", err)
	}
	moved := s.tech.config
	moved.Domain = "other.test"
	moved.Phones = append(moved.Phones, Phone{Name: "103", Password: "x"})
	if err := s.tech.Reload(moved); !errors.Is(err, ErrRestart) {
		t.Errorf("error %v", err)
	}
	if s.tech.DeviceState("103") == pbx.DeviceInvalid {
		t.Error("phones were not taken over")
	}
}

func TestQualifyFindsOutThatAPhoneIsGoneAndBack(t *testing.T) {
	s := start(t, func(c *Config, o *Options) {
		c.Qualify, c.QualifyFailures = time.Second, 1
		o.T1 = 2 * time.Millisecond // a lost OPTIONS is given up after 128 ms
	})
	phone := newPeer(t, peerOptions{})
	phone.register(s, "101")
	if got := s.tech.DeviceState("101"); got != pbx.DeviceNotInUse {
		t.Errorf("device state %s", got)
	}
	phone.answered("OPTIONS")
	phone.silence(true)
	eventually(t, "unavailable", func() bool { return s.tech.DeviceState("101") == pbx.DeviceUnavailable })
	e := s.endpoint("101")
	if !e.Registered || e.State != "unavailable" || len(e.Contacts) != 1 || !strings.Contains(e.LastError, "OPTIONS") {
		t.Errorf("endpoint %+v", e)
	}
	_, err := s.sw.Create(t.Context(), pbx.CreateOptions{Endpoint: "PJSIP/101"})
	if f, ok := errors.AsType[*call.Failure](err); !ok || f.Cause != int(cause.SubscriberAbsent) {
		t.Errorf("%v", err)
	}
	phone.silence(false)
	eventually(t, "available", func() bool { return s.tech.DeviceState("101") == pbx.DeviceNotInUse })
}

func TestTrunkThatDoesNotAnswerOPTIONSIsRefusedAtOnce(t *testing.T) {
	provider := newPeer(t, peerOptions{})
	s := start(t, func(c *Config, o *Options) {
		c.QualifyFailures = 1
		c.Trunks = []Trunk{{Name: "carrier", Host: "127.0.0.1", Port: int(provider.addr().Port()), Qualify: time.Second}}
		o.T1 = 2 * time.Millisecond
	})
	provider.answered("OPTIONS")
	provider.silence(true)
	eventually(t, "unavailable", func() bool { return s.tech.DeviceState("carrier") == pbx.DeviceUnavailable })
	_, err := s.sw.Create(t.Context(), pbx.CreateOptions{Endpoint: "PJSIP/1@carrier"})
	if f, ok := errors.AsType[*call.Failure](err); !ok || f.Cause != int(cause.OutOfOrder) || f.Permanent {
		t.Errorf("%v", err)
	}
	provider.silence(false)
	eventually(t, "available", func() bool { return s.tech.DeviceState("carrier") == pbx.DeviceNotInUse })
}

func TestWhoNeverAnswersOPTIONSIsNotJudgedByIt(t *testing.T) {
	n := newLine("carrier")
	ask := func(ok bool) bool {
		n.due("", time.Second, time.Now().Add(time.Hour))
		n.asked("", ok, 0, 2)
		return n.reachable("", 2)
	}
	for i, tc := range []struct{ answers, reachable bool }{{false, true}, {false, true}, {false, true}, {true, true}, {false, true}, {false, false}, {true, true}} {
		if got := ask(tc.answers); got != tc.reachable {
			t.Errorf("step %d: reachable %v", i, got)
		}
	}
}

func TestQualifyAsksAtItsIntervalAndOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newLine("101")
		var asked []time.Duration
		begin := time.Now()
		for range 10 {
			if n.due("c", 3*time.Second, time.Now()) {
				asked = append(asked, time.Since(begin))
				if time.Since(begin) != 3*time.Second { // the second OPTIONS takes long
					n.asked("c", true, 0, 2)
				}
			}
			if time.Since(begin) == 7*time.Second {
				n.asked("c", false, 0, 2)
			}
			<-time.After(time.Second)
		}
		if d := cmp.Diff([]time.Duration{0, 3 * time.Second, 8 * time.Second}, asked); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	})
}

func TestMaxContactsTheOldestGivesWay(t *testing.T) {
	s := start(t, func(c *Config, _ *Options) { c.Phones[0].MaxContacts = 1 })
	first, second := newPeer(t, peerOptions{}), newPeer(t, peerOptions{})
	first.register(s, "101")
	second.register(s, "101")
	s.originate("PJSIP/101", nil)
	second.next()
	first.noCall()
}

// keptBindings is a BindingStore in memory; the channel is its lock.
type keptBindings struct{ m chan map[string][]ua.Binding }

func (k *keptBindings) Save(phone string, b []ua.Binding) error {
	m := <-k.m
	m[phone] = b
	k.m <- m
	return nil
}

func (k *keptBindings) Load(context.Context) (map[string][]ua.Binding, error) {
	m := <-k.m
	defer func() { k.m <- m }()
	return maps.Clone(m), nil
}

func TestBindingsSurviveARestart(t *testing.T) {
	kept := &keptBindings{m: make(chan map[string][]ua.Binding, 1)}
	kept.m <- map[string][]ua.Binding{}
	s := start(t, func(_ *Config, o *Options) { o.Bindings = kept })
	phone := newPeer(t, peerOptions{})
	phone.register(s, "101")
	again := start(t, func(_ *Config, o *Options) { o.Bindings = kept })
	eventually(t, "restored", func() bool { return again.tech.DeviceState("101") == pbx.DeviceNotInUse })
	again.originate("PJSIP/101", nil)
	phone.next()
}

func TestTCPCallInBothDirections(t *testing.T) {
	s := start(t, nil)
	phone := newPeer(t, peerOptions{transport: "tcp"})
	phone.register(s, "101")
	c := s.originate("PJSIP/101", nil)
	phone.next().answer(pcmu)
	s.awaitState(c, pbx.Up)
	if d := c.Leg().Describe(); !strings.HasPrefix(d.Peer, "tcp:") {
		t.Errorf("peer %s", d.Peer)
	}
	pc := phone.callAs(s, "101", "102", pcmu)
	if err := s.nextIncoming().Answer(); err != nil {
		t.Fatal(err)
	}
	pc.await(ua.EventAnswered)
}

func TestN7_TrunkOverTLSIsCheckedAgainstItsOwnCA(t *testing.T) {
	certificate, roots := testCA(t)
	for name, pool := range map[string]*x509.CertPool{"right CA": roots, "wrong CA": x509.NewCertPool()} {
		t.Run(name, func(t *testing.T) {
			s, provider := startWithProvider(t, peerOptions{transport: "tls", tls: &tls.Config{Certificates: []tls.Certificate{certificate}}}, func(tr *Trunk) {
				tr.TLS = &tls.Config{RootCAs: pool}
			})
			c := s.originate("PJSIP/1@carrier", nil)
			if pool != roots {
				if r := s.ended(c); r.Cause != cause.CircuitCongestion {
					t.Errorf("result %+v", r)
				}
				return
			}
			provider.next().answer(pcmu)
			s.awaitState(c, pbx.Up)
			if d := c.Leg().Describe(); !strings.HasPrefix(d.Peer, "tls:") {
				t.Errorf("peer %s", d.Peer)
			}
		})
	}
}

func TestPhoneOverTLS(t *testing.T) {
	certificate, roots := testCA(t)
	s := start(t, func(c *Config, _ *Options) {
		c.Listen = append(c.Listen, Listener{Transport: "tls", Addr: "127.0.0.1:0", TLS: &tls.Config{Certificates: []tls.Certificate{certificate}}})
	})
	phone := newPeer(t, peerOptions{transport: "tls", tls: &tls.Config{Certificates: []tls.Certificate{certificate}}, roots: &tls.Config{RootCAs: roots}})
	phone.register(s, "101")
	c := s.originate("PJSIP/101", nil)
	phone.next().answer(pcmu)
	s.awaitState(c, pbx.Up)
}

// testCA makes a certificate for 127.0.0.1 that signs itself.
func testCA(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}
