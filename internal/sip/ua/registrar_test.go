package ua

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/dialwright/dialwright/internal/sip/siptest"
)

// registrarRig registers phone 101 with one nonce and rising counts.
type registrarRig struct {
	*rig
	seq     uint32
	nc      int
	res401  *sip.Response
	changes []string
}

func registrarBubble(t *testing.T, cfg Config, fn func(r *registrarRig)) {
	t.Helper()
	cfg.Realm, cfg.Authenticate, cfg.Digest = "dw", secrets, []string{"SHA-256", "MD5"}
	bubble(t, cfg, func(rg *rig) {
		r := &registrarRig{rig: rg}
		rg.agent.Registrar().OnChange(func(aor string, on bool) { r.changes = append(r.changes, fmt.Sprint(aor, " ", on)) })
		fn(r)
	})
}

// register sends REGISTER for 101 with credentials and gives the final answer.
func (r *registrarRig) register(want int, extras ...extra) *sip.Response {
	r.t.Helper()
	if r.res401 == nil || r.nc > 0 && r.nc%20 == 0 {
		r.seq += 2
		r.peer.SendMessage(r.here, registerRequest("101", r.seq, extras...))
		r.res401 = r.final(401)
		r.nc = 0
	}
	r.seq += 2
	r.nc++
	req := registerRequest("101", r.seq, extras...)
	r.peer.SendMessage(r.here, authorised(r.t, req, r.res401, "SHA-256", "101", "secret", r.nc))
	res := r.final(want)
	r.seq++
	synctest.Wait()
	return res
}

func (r *registrarRig) contacts() string {
	var out []string
	for _, b := range r.agent.Registrar().Lookup("101") {
		out = append(out, b.Contact.String())
	}
	return strings.Join(out, " ")
}

// withParams is a Contact with header parameters.
func withParams(uri string, kv ...string) extra {
	return func(m sip.Message) {
		contact(uri)(m)
		hs := m.GetHeaders("Contact")
		h := hs[len(hs)-1].(*sip.ContactHeader)
		for i := 0; i < len(kv); i += 2 {
			h.Params = append(h.Params, sip.HeaderKV{K: kv[i], V: kv[i+1]})
		}
	}
}

func TestD14_RegisterSeveralContactsExpiry(t *testing.T) {
	registrarBubble(t, Config{}, func(r *registrarRig) {
		res := r.register(200, withParams("sip:101@10.0.0.2:5060", "expires", "120", "q", "0.5"), withParams("sip:101@10.0.0.2:5062", "expires", "600"), header("Path", "<sip:edge@10.0.0.9;lr>"), header("Supported", "path"))
		if n := len(res.GetHeaders("Contact")); n != 2 || headerValue(res, "Path") == "" || headerValue(res, "Date") == "" {
			t.Errorf("200:\n%s", res)
		}
		if got := r.contacts(); got != "sip:101@10.0.0.2:5062 sip:101@10.0.0.2:5060" { // best q first
			t.Errorf("contacts %s", got)
		}
		b := r.agent.Registrar().Lookup("101")[0]
		if len(b.Path) != 1 || b.Path[0].Host != "10.0.0.9" || b.Flow == nil || b.Received != r.peer.Addr() || time.Until(b.ExpiresAt).Round(time.Second) != 600*time.Second {
			t.Errorf("binding %+v", b)
		}
		sleep(121 * time.Second)
		if got := r.contacts(); got != "sip:101@10.0.0.2:5062" {
			t.Errorf("after 121 s: %s", got)
		}
		sleep(480 * time.Second)
		if got := r.contacts(); got != "" || len(r.agent.Registrar().All()) != 0 {
			t.Errorf("after 601 s: %s", got)
		}
		if got := strings.Join(r.changes, ", "); got != "101 true, 101 false" {
			t.Errorf("changes: %s", got)
		}
	})
}

func TestD14_QueryRefreshRemoveWildcard(t *testing.T) {
	registrarBubble(t, Config{}, func(r *registrarRig) {
		r.register(200, contact("sip:101@10.0.0.2:5060"), header("Expires", "3600"))
		r.register(200, contact("sip:101@10.0.0.2:5060"), header("Expires", "99999")) // same again, clamped
		if res := r.register(200); len(res.GetHeaders("Contact")) != 1 || headerValue(res, "Contact") != "<sip:101@10.0.0.2:5060>;expires=3600" {
			t.Errorf("query:\n%s", res)
		}
		r.register(200, withParams("sip:101@10.0.0.2:5061", "+sip.instance", `"<urn:uuid:1>"`))
		r.register(200, withParams("sip:101@10.0.0.2:5062", "+sip.instance", `"<urn:uuid:1>"`)) // same phone, new port
		if got := r.contacts(); got != "sip:101@10.0.0.2:5062 sip:101@10.0.0.2:5060" {
			t.Errorf("contacts %s", got)
		}
		r.register(200, withParams("sip:101@10.0.0.2:5060", "expires", "0"))
		if got := r.contacts(); got != "sip:101@10.0.0.2:5062" {
			t.Errorf("contacts %s", got)
		}
		r.registerRaw(400, "Contact: *\r\nExpires: 60\r\n")
		r.registerRaw(400, "Contact: *\r\nContact: <sip:a@b>\r\nExpires: 0\r\n")
		r.registerRaw(200, "Contact: *\r\nExpires: 0\r\n")
		if got := r.contacts(); got != "" {
			t.Errorf("contacts %s", got)
		}
	})
}

// registerRaw is register with header lines as text (the library writes "*"
// as a URI).
func (r *registrarRig) registerRaw(want int, lines string) {
	r.t.Helper()
	r.seq += 2
	r.nc++
	req := authorised(r.t, registerRequest("101", r.seq), r.res401, "SHA-256", "101", "secret", r.nc)
	head, rest, _ := strings.Cut(req.String(), "\r\n")
	r.peer.Send(r.here, head+"\r\n"+lines+rest)
	r.final(want)
	r.seq++
	synctest.Wait()
}

func TestD14_IntervalTooBriefAndCSeqOrder(t *testing.T) {
	registrarBubble(t, Config{}, func(r *registrarRig) {
		if res := r.register(423, contact("sip:101@10.0.0.2:5060"), header("Expires", "59")); headerValue(res, "Min-Expires") != "60" {
			t.Errorf("423:\n%s", res)
		}
		r.register(200, contact("sip:101@10.0.0.2:5060"))
		r.seq = 1 // an old one arrives late
		r.register(500, withParams("sip:101@10.0.0.2:5060", "expires", "0"))
		if r.contacts() == "" {
			t.Error("an old REGISTER removed a binding")
		}
	})
}

func TestD14_MaxContactsOldestGoes(t *testing.T) {
	registrarBubble(t, Config{MaxContacts: func(string) int { return 2 }}, func(r *registrarRig) {
		for i := range 4 {
			r.register(200, contact(fmt.Sprint("sip:101@10.0.0.2:", 6000+i)))
			sleep(time.Second)
		}
		if got := r.contacts(); got != "sip:101@10.0.0.2:6003 sip:101@10.0.0.2:6002" {
			t.Errorf("contacts %s", got)
		}
	})
}

func TestD14_OtherAORForbidden(t *testing.T) {
	registrarBubble(t, Config{}, func(r *registrarRig) {
		req := registerRequest("bob", 1, contact("sip:bob@10.0.0.2:5060"))
		r.peer.SendMessage(r.here, req)
		res := r.final(401)
		r.peer.SendMessage(r.here, authorised(t, req, res, "MD5", "101", "secret", 1))
		r.final(403)
	})
	bubble(t, Config{}, func(r *rig) { // without secrets there is no registrar
		r.peer.SendMessage(r.here, registerRequest("101", 1, contact("sip:101@10.0.0.2:5060")))
		r.final(405)
	})
}

func TestD14_UnregisterAndRestore(t *testing.T) {
	registrarBubble(t, Config{}, func(r *registrarRig) {
		var kept []Binding
		r.agent.Registrar().OnUpdate(func(_ string, b []Binding) { kept = b })
		r.register(200, contact("sip:101@10.0.0.2:5060"))
		saved := kept
		if len(saved) != 1 {
			t.Fatalf("OnUpdate gave %d bindings", len(saved))
		}
		r.agent.Registrar().Unregister("101")
		if r.contacts() != "" || len(kept) != 0 {
			t.Error("Unregister left something")
		}
		r.agent.Registrar().Restore("101", saved)
		if r.contacts() != "sip:101@10.0.0.2:5060" {
			t.Error("Restore failed")
		}
		r.agent.Registrar().Unregister("101")
	})
}

// A phone on TCP loses its connection: its binding goes with it.
func TestD14_FlowLossDropsBindings(t *testing.T) {
	registrarBubble(t, Config{}, func(r *registrarRig) {
		conn, err := r.wire.DialStream(context.Background(), "tcp", "10.0.0.1:5060") // inside the bubble
		if err != nil {
			t.Fatal(err)
		}
		req := registerRequest("101", 1, contact("sip:101@10.9.9.9:5060"))
		req.Via().Transport = "TCP"
		write(t, conn, req.String())
		res := readResponse(t, conn)
		write(t, conn, authorised(t, req, res, "MD5", "101", "secret", 1).String())
		if res = readResponse(t, conn); res.StatusCode != 200 {
			t.Fatalf("got\n%s", res)
		}
		synctest.Wait()
		if r.contacts() == "" {
			t.Fatal("not registered")
		}
		conn.Close()
		synctest.Wait()
		if got := strings.Join(r.changes, ", "); got != "101 true, 101 false" {
			t.Errorf("changes: %s", got)
		}
	})
}

func write(t *testing.T, c net.Conn, s string) {
	t.Helper()
	if _, err := c.Write([]byte(s)); err != nil {
		t.Fatal(err)
	}
}

func readResponse(t *testing.T, c net.Conn) *sip.Response {
	t.Helper()
	buf := make([]byte, 65536)
	n, err := c.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	m, err := sip.NewParser().ParseSIP(buf[:n])
	if err != nil {
		t.Fatal(err)
	}
	return m.(*sip.Response)
}

// regLog collects the states of a registration.
type regLog struct {
	mu   sync.Mutex
	list []RegState
}

func (l *regLog) states() []RegState {
	synctest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.list)
}

func (r *rig) enrol(change ...func(*RegisterOptions)) (*Registration, *regLog) {
	r.t.Helper()
	l := &regLog{}
	o := RegisterOptions{
		AOR: sip.Uri{Scheme: "sip", User: "trunk", Host: "10.0.0.2"}, Auth: Credentials{User: "trunk", Password: "secret"}, Expires: time.Hour,
		OnState: func(s RegState) {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.list = append(l.list, s)
		},
	}
	for _, f := range change {
		f(&o)
	}
	reg, err := r.agent.Register(r.t.Context(), o)
	if err != nil {
		r.t.Fatal(err)
	}
	return reg, l
}

// stop ends a registration against a registrar that agrees.
func (r *rig) stop(reg *Registration) {
	r.t.Helper()
	done := make(chan error, 1)
	go func() { done <- reg.Stop(context.Background()) }() // bounded by the answer below
	r.until(sip.REGISTER, func(req *sip.Request) {
		if headerValue(req, "Expires") != "0" {
			r.t.Errorf("unregistering with\n%s", req)
		}
		r.answer(req, 200, "")
	})
	if err := <-done; err != nil {
		r.t.Error(err)
	}
}

func TestD14_ClientRegistersRefreshesUnregisters(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		reg, l := r.enrol()
		req, _ := r.peer.Request(sip.REGISTER)
		if req.Recipient.String() != "sip:10.0.0.2" || req.Contact().Address.String() != "sip:trunk@10.0.0.1:5060" || headerValue(req, "Expires") != "3600" {
			t.Errorf("REGISTER:\n%s", req)
		}
		r.answer(req, 401, "x", header("WWW-Authenticate", `Digest realm="r", nonce="n", qop="auth"`))
		req, _ = r.peer.Request(sip.REGISTER)
		checkDigest(t, req, "Authorization", "trunk", "secret")
		r.answer(req, 423, "x", header("Min-Expires", "7200"))
		again, _ := r.peer.Request(sip.REGISTER)
		if headerValue(again, "Expires") != "7200" || again.CallID().Value() != req.CallID().Value() || again.CSeq().SeqNo != 3 {
			t.Errorf("REGISTER:\n%s", again)
		}
		r.answer(again, 200, "x", withParams("sip:other@10.0.0.3", "expires", "7200"), withParams("sip:trunk@10.0.0.1:5060", "expires", "1000"))
		synctest.Wait()
		if s := reg.State(); !s.Registered || s.Flow == nil || time.Until(s.ExpiresAt) != 1000*time.Second {
			t.Errorf("state %+v", s)
		}
		begun := time.Now()
		r.silent(499 * time.Second)
		m, _, ok := r.peer.TryRecv(402 * time.Second)
		if d := time.Since(begun); !ok || d < 500*time.Second || d > 900*time.Second {
			t.Errorf("refreshed after %v, want 50-90 %% of 1000 s", d)
		}
		r.answer(m.(*sip.Request), 200, "x", header("Expires", "1000"))
		synctest.Wait()
		r.stop(reg)
		if s := l.states(); len(s) != 3 || s[2].Registered {
			t.Errorf("states %+v", s)
		}
	})
}

func TestD14_ClientWrongPasswordBacksOff(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		reg, _ := r.enrol()
		challenge := header("WWW-Authenticate", `Digest realm="r", nonce="n", qop="auth"`)
		var last time.Time
		for i, want := range []time.Duration{0, 30 * time.Second, 60 * time.Second, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 16 * time.Minute, 30 * time.Minute, 30 * time.Minute} {
			m, _, ok := r.peer.TryRecv(time.Hour)
			if !ok {
				t.Fatal("no more tries")
			}
			if d := time.Since(last); i > 0 && (d < want || d > want*6/5+time.Second) {
				t.Errorf("try %d after %v, want %v and at most a fifth more", i, d, want)
			}
			req := m.(*sip.Request)
			r.answer(req, 401, "x", challenge)
			if i == 0 {
				req, _ = r.peer.Request(sip.REGISTER)
				r.answer(req, 401, "x", challenge)
			}
			last = time.Now()
			synctest.Wait()
			if s := reg.State(); s.Registered || s.Status != 401 || !strings.HasPrefix(s.LastError, "401") {
				t.Errorf("state %+v", s)
			}
		}
		reg.Stop(context.Background()) // not registered: returns at once
	})
}

func TestD14_ClientFailoverOn503AndTimeout(t *testing.T) {
	for _, silent := range []bool{false, true} {
		bubble(t, Config{}, func(r *rig) {
			if !silent {
				first := siptest.NewPeer(r.t, r.wire, "10.0.0.3:5060")
				go func() {
					for {
						m, _, ok := first.TryRecv(time.Minute)
						if !ok {
							return
						}
						first.SendMessage(r.here, siptest.Answer(m.(*sip.Request), 503, "Overloaded", "x"))
					}
				}()
			}
			reg, _ := r.enrol(func(o *RegisterOptions) { o.AOR.Host = "two.example" })
			req, _ := r.peer.Request(sip.REGISTER)
			r.answer(req, 200, "x")
			synctest.Wait()
			if !reg.State().Registered {
				t.Errorf("state %+v", reg.State())
			}
			r.stop(reg)
		})
	}
}

func TestD14_ClientFlowLossRegistersAgain(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		ln, err := r.wire.ListenStream("tcp", "10.0.0.4:5060")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		reg, l := r.enrol(func(o *RegisterOptions) {
			o.AOR.Host = "10.0.0.4"
			o.Registrar = sip.Uri{Scheme: "sip", Host: "10.0.0.4", UriParams: sip.HeaderParams{{K: "transport", V: "tcp"}}}
		})
		for i := range 2 {
			conn, err := ln.Accept()
			if err != nil {
				t.Fatal(err)
			}
			buf := make([]byte, 65536)
			n, _ := conn.Read(buf)
			m, err := sip.NewParser().ParseSIP(buf[:n])
			if err != nil {
				t.Fatal(err)
			}
			write(t, conn, siptest.Answer(m.(*sip.Request), 200, "OK", "x").String())
			synctest.Wait()
			if !reg.State().Registered {
				t.Fatalf("state %+v", reg.State())
			}
			if i == 0 {
				conn.Close()
				synctest.Wait()
				if s := reg.State(); s.Registered || s.LastError == "" {
					t.Errorf("state after the loss %+v", s)
				}
				continue
			}
			go func() { // answer the last one
				n, _ := conn.Read(buf)
				if m, err := sip.NewParser().ParseSIP(buf[:n]); err == nil {
					conn.Write([]byte(siptest.Answer(m.(*sip.Request), 200, "OK", "x").String()))
				}
			}()
			if err := reg.Stop(context.Background()); err != nil {
				t.Error(err)
			}
			conn.Close()
		}
		if s := l.states(); len(s) != 4 {
			t.Errorf("states %+v", s)
		}
	})
}

func TestD14_ClientKeepalive(t *testing.T) {
	bubble(t, Config{}, func(r *rig) {
		reg, _ := r.enrol(func(o *RegisterOptions) { o.Keepalive = 25 * time.Second })
		req, _ := r.peer.Request(sip.REGISTER)
		r.answer(req, 200, "x")
		synctest.Wait()
		count := 0
		sleep(101 * time.Second)
		for _, p := range r.wire.Packets() {
			if string(p.Data) == "\r\n\r\n" {
				count++
			}
		}
		if count != 4 {
			t.Errorf("%d keepalives in 101 s", count)
		}
		go reg.Stop(context.Background())
		sleep(40 * time.Second)
	})
}
