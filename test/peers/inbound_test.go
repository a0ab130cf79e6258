package peers

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dialwright/dialwright/test/harness"
)

// register is a REGISTER of phone 101, with credentials unless password is "".
func register(expires string, cseq int, password string) step {
	m := message{
		start: "REGISTER sip:test.local SIP/2.0",
		headers: "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch];rport\n" +
			"From: <sip:101@test.local>;tag=[pid]r[call_number]\nTo: <sip:101@test.local>\n" +
			fmt.Sprintf("Call-ID: [call_id]\nCSeq: %d REGISTER\nMax-Forwards: 70\n", cseq),
		extra:   []string{"Contact: <sip:101@[local_ip]:[local_port]>;expires=" + expires, "Expires: " + expires},
		retrans: true,
	}
	if password != "" {
		m.extra = append(m.extra, "[authentication username=101 password="+password+"]")
	}
	return m.step()
}

// TestRegistration proves the registrar's answers, one SIPp scenario each, and
// what the server then says of the phone.
func TestRegistration(t *testing.T) {
	challenge := status(401, `auth="true"`)
	cases := []struct {
		name       string
		steps      []step
		registered bool
	}{
		{
			name:       "registered_with_digest",
			steps:      []step{register("120", 1, ""), challenge, register("120", 2, "secret-101"), status(200)},
			registered: true,
		},
		{
			name:  "wrong_password_is_refused",
			steps: []step{register("120", 1, ""), challenge, register("120", 2, "wrong-101"), refused()},
		},
		{
			name:  "too_short_an_interval_is_423",
			steps: []step{register("5", 1, ""), challenge, register("5", 2, "secret-101"), status(423)},
		},
		{
			name: "unregistered_by_expires_0",
			steps: []step{
				register("120", 1, ""), challenge, register("120", 2, "secret-101"), status(200),
				register("0", 3, ""), challenge, register("0", 4, "secret-101"), status(200),
			},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			srv := harness.Start(t, harness.Phone("101", ""))
			p := startSIPp(t, 1, c.steps, "127.0.0.1:"+strconv.Itoa(srv.SIP))
			p.Wait()
			var list struct {
				Phones []struct {
					Name       string `json:"name"`
					Registered bool   `json:"registered"`
				} `json:"phones"`
			}
			srv.MustAPI("GET", "/v1/phones", nil, &list)
			if len(list.Phones) != 1 || list.Phones[0].Registered != c.registered {
				t.Errorf("phones = %+v, want 101 with registered %v", list.Phones, c.registered)
			}
		})
	}
}

// refused accepts what a registrar may answer to wrong credentials.
func refused() step {
	return step(`<recv response="403" optional="true" next="1"/><recv response="401"/><label id="1"/>` + "\n")
}

// TestRegistrationExpires proves that a phone that does not come back is gone,
// and that a call to it then fails with subscriber absent.
func TestRegistrationExpires(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the shortest registration interval, 60 s")
	}
	t.Parallel()
	srv := harness.Start(t, harness.Phone("101", ""))
	p := startSIPp(t, 1, []step{
		register("60", 1, ""), status(401, `auth="true"`), register("60", 2, "secret-101"), status(200),
	}, "127.0.0.1:"+strconv.Itoa(srv.SIP))
	p.Wait()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for range 80 {
		var list struct {
			Phones []struct {
				Registered bool `json:"registered"`
			} `json:"phones"`
		}
		srv.MustAPI("GET", "/v1/phones", nil, &list)
		if len(list.Phones) == 1 && !list.Phones[0].Registered {
			res := srv.Call(t, map[string]any{"first": "101", "application": map[string]any{"name": "Wait", "data": "1"}})
			if cause := harness.Number(res.Call["cause"]); cause != 20 {
				t.Errorf("cause %d, want 20 (subscriber absent)", cause)
			}
			return
		}
		<-tick.C
	}
	t.Error("the registration of 60 s is still there after 80 s")
}

// inviteFrom is an INVITE of phone 101 to a number, with credentials unless
// password is "".
func inviteFrom(number string, cseq int, password string) step {
	m := message{
		start: "INVITE sip:" + number + "@test.local SIP/2.0",
		headers: "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch];rport\n" +
			"From: <sip:101@test.local>;tag=[pid]i[call_number]\nTo: <sip:" + number + "@test.local>\n" +
			fmt.Sprintf("Call-ID: [call_id]\nCSeq: %d INVITE\nMax-Forwards: 70\n", cseq),
		extra:   []string{contact},
		sdp:     "sendrecv",
		retrans: true,
	}
	if password != "" {
		m.extra = append(m.extra, "[authentication username=101 password="+password+"]")
	}
	return m.step()
}

func ackFailure(number string, cseq int) step {
	return message{
		start: "ACK sip:" + number + "@test.local SIP/2.0",
		headers: "[last_Via:]\n[last_From:]\n[last_To:]\n[last_Call-ID:]\n" +
			fmt.Sprintf("CSeq: %d ACK\nMax-Forwards: 70\n", cseq),
	}.step()
}

func inDialog(method string, cseq int) step {
	return message{
		start: method + " [next_url] SIP/2.0",
		headers: "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch];rport\n[last_From:]\n[last_To:]\n[last_Call-ID:]\n" +
			fmt.Sprintf("CSeq: %d %s\nMax-Forwards: 70\n", cseq, method),
		extra:   []string{contact},
		retrans: method != "ACK",
	}.step()
}

// TestInbound proves calls that phones and trunks make.
func TestInbound(t *testing.T) {
	t.Run("phone_calls_a_trunk_number", func(t *testing.T) {
		t.Parallel()
		callee := startSIPp(t, 1, []step{invite(), reply(180, "Ringing", ""), pause(200 * time.Millisecond), reply(200, "OK", "sendrecv"), recv("ACK"), recv("BYE"), ok(), linger})
		srv := harness.Start(t, harness.Phone("101", ""), harness.Trunk("peer", callee.Port, ""), "[[routes]]\nmatch = \"9\"\nstrip = 1\ntrunk = \"peer\"\n")
		caller := startSIPp(t, 1, []step{
			inviteFrom("9555", 1, ""), optional(100), status(401, `auth="true"`), ackFailure("9555", 1),
			inviteFrom("9555", 2, "secret-101"), optional(100), optional(180), optional(183), status(200), inDialog("ACK", 2),
			pause(300 * time.Millisecond), inDialog("BYE", 3), status(200),
		}, "127.0.0.1:"+strconv.Itoa(srv.SIP))
		caller.Wait()
		callee.Wait()
		if !strings.Contains(callee.Messages(), "INVITE sip:555@") {
			t.Error("the trunk was not called with 555")
		}
	})
	t.Run("no_ack_for_our_200", func(t *testing.T) {
		if testing.Short() {
			t.Skip("waits 32 s for timer H (RFC 3261 §13.3.1.4)")
		}
		t.Parallel()
		srv := harness.Start(t, harness.Phone("101", "context = \"echo\"\n"), "[[inbound]]\ncontext = \"echo\"\nmatch = \"\"\nto = \"Pretend/100\"\n")
		caller := startSIPp(t, 1, []step{
			inviteFrom("pretend", 1, ""), optional(100), status(401, `auth="true"`), ackFailure("pretend", 1),
			inviteFrom("pretend", 2, "secret-101"), optional(100), optional(180), optional(183), status(200),
			recv("BYE"), ok(),
		}, "127.0.0.1:"+strconv.Itoa(srv.SIP))
		caller.Wait()
		if n := strings.Count(caller.Messages(), "\nSIP/2.0 200 OK"); n < 8 {
			t.Errorf("200 was seen %d times, want it repeated for 32 s", n)
		}
	})
	t.Run("trunk_call_reaches_a_phone_and_nothing_outside", func(t *testing.T) {
		t.Parallel()
		port := harness.FreePort(t)
		callee := startSIPp(t, 1, []step{invite(), reply(200, "OK", "sendrecv"), recv("ACK"), recv("BYE"), ok(), linger})
		srv := harness.Start(t,
			harness.Trunk("inside", callee.Port, ""), harness.Trunk("outside", port, ""),
			"[[routes]]\nmatch = \"9\"\nstrip = 1\ntrunk = \"inside\"\n",
			"[[inbound]]\ncontext = \"from-trunk\"\nmatch = \"5550\"\nto = \"PJSIP/1@inside\"\n")
		server := "127.0.0.1:" + strconv.Itoa(srv.SIP)
		// 9555 would follow the route if trunks could dial out.
		startSIPpAt(t, port, 1, []step{
			inviteFrom("9555", 1, ""), optional(100), status(404), ackFailure("9555", 1),
		}, server).Wait()
		startSIPpAt(t, port, 1, []step{
			inviteFrom("5550", 1, ""), optional(100), optional(180), optional(183), status(200), inDialog("ACK", 1),
			pause(200 * time.Millisecond), inDialog("BYE", 2), status(200),
		}, server).Wait()
		callee.Wait()
	})
	t.Run("phone_calls_an_unknown_number", func(t *testing.T) {
		t.Parallel()
		srv := harness.Start(t, harness.Phone("101", ""))
		startSIPp(t, 1, []step{
			inviteFrom("777", 1, ""), optional(100), status(401, `auth="true"`), ackFailure("777", 1),
			inviteFrom("777", 2, "secret-101"), optional(100), status(404), ackFailure("777", 2),
		}, "127.0.0.1:"+strconv.Itoa(srv.SIP)).Wait()
	})
	t.Run("stranger_is_challenged_and_refused", func(t *testing.T) {
		t.Parallel()
		srv := harness.Start(t, harness.Phone("101", ""))
		startSIPp(t, 1, []step{
			inviteFrom("101", 1, ""), optional(100), status(401, `auth="true"`), ackFailure("101", 1),
			inviteFrom("101", 2, "guess-101"), optional(100), refused(), ackFailure("101", 2),
		}, "127.0.0.1:"+strconv.Itoa(srv.SIP)).Wait()
	})
}
