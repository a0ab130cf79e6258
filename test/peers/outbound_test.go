package peers

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dialwright/dialwright/test/harness"
)

// oneLeg asks for a call to number by trunk "peer" that runs an application
// when it is answered.
func oneLeg(number, application, data string) map[string]any {
	return map[string]any{
		"first":       "PJSIP/" + number + "@peer",
		"application": map[string]any{"name": application, "data": data},
		"wait_time":   "20s",
	}
}

func withField(r map[string]any, name string, value any) map[string]any {
	r[name] = value
	return r
}

// TestOutbound proves, one SIPp scenario each, what becomes of a call when the
// called party behaves in a certain way.
func TestOutbound(t *testing.T) {
	cases := []struct {
		name    string
		steps   []step
		request map[string]any
		want    harness.Want
		trunk   string // further keys of the trunk's configuration
		calls   int    // that SIPp sees, 0 = 1
		check   func(t *testing.T, p *sippPeer, c harness.Result)
	}{
		{
			name:    "answer",
			steps:   []step{invite(), reply(200, "OK", "sendrecv"), recv("ACK"), recv("BYE"), ok(), linger},
			request: oneLeg("100", "Wait", "0.3"),
			want:    harness.Want{Disposition: "ANSWERED", Cause: 16},
		},
		{
			name:    "busy_486",
			steps:   []step{invite(), reply(486, "Busy Here", ""), recv("ACK")},
			request: oneLeg("100", "Wait", "1"),
			want:    harness.Want{Disposition: "BUSY", Cause: 17, SIP: 486},
		},
		{
			name:    "declined_603",
			steps:   []step{invite(), reply(603, "Decline", ""), recv("ACK")},
			request: oneLeg("100", "Wait", "1"),
			want:    harness.Want{Disposition: "FAILED", Cause: 21, SIP: 603},
		},
		{
			name:    "unknown_number_404",
			steps:   []step{invite(), reply(404, "Not Found", ""), recv("ACK")},
			request: oneLeg("100", "Wait", "1"),
			want:    harness.Want{Disposition: "FAILED", Cause: 1, SIP: 404},
		},
		{
			name:    "unavailable_480",
			steps:   []step{invite(), reply(480, "Temporarily Unavailable", ""), recv("ACK")},
			request: oneLeg("100", "Wait", "1"),
			want:    harness.Want{Disposition: "NO ANSWER", Cause: 19, SIP: 480},
		},
		{
			name:    "congestion_503",
			steps:   []step{invite(), reply(503, "Service Unavailable", ""), recv("ACK")},
			request: oneLeg("100", "Wait", "1"),
			want:    harness.Want{Disposition: "CONGESTION", Cause: 34, SIP: 503},
		},
		{
			name:    "reason_header_wins_over_the_status",
			steps:   []step{invite(), reply(480, "Temporarily Unavailable", "", `Reason: Q.850;cause=17;text="User busy"`), recv("ACK")},
			request: oneLeg("100", "Wait", "1"),
			want:    harness.Want{Disposition: "BUSY", Cause: 17, SIP: 480},
		},
		{
			name:    "ringing_180_then_answer",
			steps:   []step{invite(), reply(180, "Ringing", ""), pause(300 * time.Millisecond), reply(200, "OK", "sendrecv"), recv("ACK"), recv("BYE"), ok(), linger},
			request: oneLeg("100", "Wait", "0.3"),
			want:    harness.Want{Disposition: "ANSWERED", Cause: 16},
			check:   func(t *testing.T, _ *sippPeer, c harness.Result) { c.HasEvents(t, "leg.ringing", "leg.answered") },
		},
		{
			name: "early_media_183_then_answer",
			steps: []step{
				invite(), reply(183, "Session Progress", "sendrecv"), pause(300 * time.Millisecond),
				reply(200, "OK", "sendrecv"), recv("ACK"), recv("BYE"), ok(), linger,
			},
			request: oneLeg("100", "Wait", "0.3"),
			want:    harness.Want{Disposition: "ANSWERED", Cause: 16},
			check:   func(t *testing.T, _ *sippPeer, c harness.Result) { c.HasEvents(t, "leg.progress", "leg.answered") },
		},
		{
			name:    "progress_183_and_answer_200_back_to_back",
			steps:   []step{invite(), reply(183, "Session Progress", "sendrecv"), reply(200, "OK", "sendrecv"), recv("ACK"), recv("BYE"), ok(), linger},
			request: oneLeg("100", "Wait", "0.3"),
			want:    harness.Want{Disposition: "ANSWERED", Cause: 16},
			check:   func(t *testing.T, _ *sippPeer, c harness.Result) { c.HasEvents(t, "leg.progress", "leg.answered") },
		},
		{
			name:    "ringing_until_the_wait_time_then_cancel",
			steps:   []step{invite(), reply(180, "Ringing", ""), recvCancel()},
			request: withField(oneLeg("100", "Wait", "1"), "wait_time", "1s"),
			want:    harness.Want{Disposition: "NO ANSWER", Cause: 19},
		},
		{
			name:    "trying_only_then_cancel",
			steps:   []step{invite(), reply(100, "Trying", ""), recvCancel()},
			request: withField(oneLeg("100", "Wait", "1"), "wait_time", "1s"),
			want:    harness.Want{Disposition: "NO ANSWER", Cause: 19},
		},
		{
			name: "answer_200_crossing_cancel",
			// The CANCEL is answered 481 because the 200 is on its way already: the
			// call must be acknowledged and ended by BYE, and counts as not answered.
			steps: []step{
				invite(), reply(180, "Ringing", ""), recv("CANCEL"),
				message{start: "SIP/2.0 481 Call/Transaction Does Not Exist", headers: fmt.Sprintf(copied, tag)}.step(),
				crossing200(), recv("ACK"), recv("BYE"), ok(), linger,
			},
			request: withField(oneLeg("100", "Wait", "1"), "wait_time", "1s"),
			want:    harness.Want{Disposition: "NO ANSWER", Cause: 19},
		},
		{
			name: "digest_401",
			steps: []step{
				invite(), reply(401, "Unauthorized", "", `WWW-Authenticate: Digest realm="peer", nonce="abc1", algorithm=MD5, qop="auth"`), recv("ACK"),
				authorized("Authorization"), reply(200, "OK", "sendrecv"), recv("ACK"), recv("BYE"), ok(), linger,
			},
			trunk:   "user = \"anna\"\npassword = \"secret-1\"\n",
			request: oneLeg("100", "Wait", "0.3"),
			want:    harness.Want{Disposition: "ANSWERED", Cause: 16},
		},
		{
			name: "digest_407",
			steps: []step{
				invite(), reply(407, "Proxy Authentication Required", "", `Proxy-Authenticate: Digest realm="peer", nonce="abc2", algorithm=MD5`), recv("ACK"),
				authorized("Proxy-Authorization"), reply(200, "OK", "sendrecv"), recv("ACK"), recv("BYE"), ok(), linger,
			},
			trunk:   "user = \"anna\"\npassword = \"secret-1\"\n",
			request: oneLeg("100", "Wait", "0.3"),
			want:    harness.Want{Disposition: "ANSWERED", Cause: 16},
		},
		{
			name: "digest_refused_for_good",
			steps: []step{
				invite(), reply(401, "Unauthorized", "", `WWW-Authenticate: Digest realm="peer", nonce="abc3", algorithm=MD5`), recv("ACK"),
			},
			request: oneLeg("100", "Wait", "1"), // no credentials configured
			want:    harness.Want{Disposition: "FAILED", Cause: 21, SIP: 401},
		},
		{
			name: "forked_180_and_183_first_answer_wins",
			steps: []step{
				invite(), fork("a", 180, "Ringing", ""), fork("b", 183, "Session Progress", "sendrecv"),
				pause(200 * time.Millisecond), fork("b", 200, "OK", "sendrecv"), recv("ACK"), recv("BYE"), ok(), linger,
			},
			request: oneLeg("100", "Wait", "0.3"),
			want:    harness.Want{Disposition: "ANSWERED", Cause: 16},
		},
		{
			name: "moved_302_is_followed_where_allowed",
			// The INVITE to the new target is a call of its own for SIPp.
			steps: []step{
				`<recv request="INVITE" rrs="true"><action><ereg regexp="^INVITE sip:200@" search_in="msg" assign_to="moved"/></action></recv>` + "\n",
				`<nop next="200" test="moved"/>` + "\n",
				moved(), recv("ACK"),
				`<nop next="end"/><label id="200"/>` + "\n",
				reply(200, "OK", "sendrecv"), recv("ACK"), recv("BYE"), ok(),
				`<label id="end"/>` + "\n", linger,
			},
			calls:   2,
			trunk:   "forward = true\n",
			request: oneLeg("100", "Wait", "0.3"),
			want:    harness.Want{Disposition: "ANSWERED", Cause: 16},
			check: func(t *testing.T, p *sippPeer, _ harness.Result) {
				if !strings.Contains(p.Messages(), "INVITE sip:200@") {
					t.Error("the new target was not called")
				}
			},
		},
		{
			name:    "moved_302_is_not_followed_where_off",
			steps:   []step{invite(), moved(), recv("ACK")},
			request: oneLeg("100", "Wait", "1"),
			want:    harness.Want{Disposition: "FAILED", Cause: 23, SIP: 302},
		},
		{
			name: "hold_and_resume_by_reinvite",
			steps: []step{
				inviteRemembered(), reply(200, "OK", "sendrecv"), recv("ACK"), pause(200 * time.Millisecond),
				request("INVITE", "sendonly", 1), optional(100), status(200), request("ACK", "", 1), pause(200 * time.Millisecond),
				request("INVITE", "sendrecv", 2), optional(100), status(200), request("ACK", "", 2), pause(200 * time.Millisecond),
				request("BYE", "", 3), status(200),
			},
			request: oneLeg("100", "Wait", "20"),
			want:    harness.Want{Disposition: "ANSWERED", Cause: 16},
			check: func(t *testing.T, p *sippPeer, c harness.Result) {
				c.HasEvents(t, "leg.held", "leg.resumed")
				if !strings.Contains(p.Messages(), "a=recvonly") {
					t.Error("hold was not answered with a=recvonly")
				}
			},
		},
		{
			name: "bye_from_the_called_party",
			steps: []step{
				inviteRemembered(), reply(200, "OK", "sendrecv"), recv("ACK"), pause(200 * time.Millisecond),
				request("BYE", "", 1), status(200),
			},
			request: oneLeg("100", "Wait", "20"),
			want:    harness.Want{Disposition: "ANSWERED", Cause: 16},
		},
		{
			name:    "bye_from_us",
			steps:   []step{invite(), reply(200, "OK", "sendrecv"), recv("ACK"), recv("BYE"), ok(), linger},
			request: oneLeg("100", "Wait", "0.2"),
			want:    harness.Want{Disposition: "ANSWERED", Cause: 16},
		},
		{
			name: "lost_invite_is_repeated",
			// SIPp ignores the first three INVITEs: they count as retransmissions.
			steps:   []step{invite(), pause(1800 * time.Millisecond), reply(200, "OK", "sendrecv"), recv("ACK"), recv("BYE"), ok(), linger},
			request: oneLeg("100", "Wait", "0.3"),
			want:    harness.Want{Disposition: "ANSWERED", Cause: 16},
			check: func(t *testing.T, p *sippPeer, _ harness.Result) {
				if n := strings.Count(p.Messages(), "INVITE sip:100@"); n < 3 {
					t.Errorf("%d INVITEs seen, want at least 3 (0, 0.5 and 1.5 s)", n)
				}
			},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			peer := startSIPp(t, max(c.calls, 1), c.steps)
			srv := harness.Start(t, harness.Trunk("peer", peer.Port, c.trunk))
			res := srv.Call(t, c.request)
			res.Ended(t, c.want)
			peer.Wait()
			if c.check != nil {
				c.check(t, peer, res)
			}
		})
	}
}

// TestSilence proves that a peer who never answers anything ends as no answer:
// no CANCEL is sent, because nothing provisional came (RFC 3261 §9.1).
func TestSilence(t *testing.T) {
	t.Parallel()
	sink := harness.StartSilent(t)
	srv := harness.Start(t, harness.Trunk("peer", sink.Port, ""))
	res := srv.Call(t, withField(oneLeg("100", "Wait", "1"), "wait_time", "2s"))
	res.Ended(t, harness.Want{Disposition: "NO ANSWER", Cause: 19})
	if n := sink.Count("CANCEL "); n != 0 {
		t.Errorf("%d CANCELs without a provisional response", n)
	}
	if sink.Count("INVITE ") < 2 {
		t.Error("the INVITE was not repeated")
	}
}

// moved sends the caller on to 200 at the same address.
func moved() step {
	return message{
		start:   "SIP/2.0 302 Moved Temporarily",
		headers: fmt.Sprintf(copied, tag),
		extra:   []string{"Contact: <sip:200@[local_ip]:[local_port]>"},
		retrans: true,
	}.step()
}

// crossing200 answers the INVITE after the CANCEL was read: its CSeq is the
// CANCEL's number with the INVITE's method.
func crossing200() step {
	return step(strings.Replace(string(reply(200, "OK", "sendrecv")), "[last_CSeq:]", "CSeq: 1 INVITE", 1))
}

// authorized waits for the INVITE with credentials for user anna.
func authorized(field string) step {
	return step("<recv request=\"INVITE\" rrs=\"true\"><action>" +
		"<ereg regexp=\"Digest.*username=.anna.*response=.[0-9a-f]{32}\" search_in=\"hdr\" header=\"" + field + ":\" check_it=\"true\" assign_to=\"unused\"/>" +
		"</action></recv>\n<Reference variables=\"unused\"/>\n")
}
