package cause_test

import (
	"testing"

	"github.com/dialwright/dialwright/internal/cause"
)

// known lists every cause that Asterisk names (spec: ami 5.6, Texts; Asterisk:
// main/channel.c causes[]).
var known = map[cause.Code]string{
	0: "Unknown", 1: "Unallocated (unassigned) number", 2: "No route to specified transmit network", 3: "No route to destination",
	16: "Normal Clearing", 17: "User busy", 18: "No user responding", 19: "User alerting, no answer", 20: "Subscriber absent",
	21: "Call Rejected", 22: "Number changed", 23: "Redirected to new destination", 26: "Answered elsewhere",
	27: "Destination out of order", 28: "Invalid number format", 29: "Facility rejected", 31: "Normal, unspecified",
	34: "Circuit/channel congestion", 38: "Network out of order", 41: "Temporary failure", 42: "Switching equipment congestion",
	44: "Requested channel not available", 50: "Facility not subscribed", 52: "Outgoing call barred", 54: "Incoming call barred",
	57: "Bearer capability not authorized", 58: "Bearer capability not available", 65: "Bearer capability not implemented",
	66: "Channel not implemented", 69: "Facility not implemented", 88: "Incompatible destination", 95: "Invalid message unspecified",
	102: "Recover on timer expiry", 111: "Protocol error, unspecified", 127: "Interworking, unspecified",
}

func TestTexts(t *testing.T) {
	for code, want := range known {
		if got := code.String(); got != want {
			t.Errorf("%d: %q, want %q", code, got, want)
		}
	}
	for code, want := range map[cause.Code]string{5: "cause 5", 128: "cause 128", -1: "cause -1"} {
		if got := code.String(); got != want {
			t.Errorf("%d: %q, want %q", code, got, want)
		}
	}
}

// spec: ami 5.6 "SIP status to cause" (Asterisk: res_pjsip.c
// ast_sip_hangup_sip2cause), and spec: dialplan 5.2, spec: callfile 6.3, which
// were observed and agree for all final refusals.
func TestFromSIP(t *testing.T) {
	want := map[int]cause.Code{
		301: 23, 302: 23, 401: 21, 403: 21, 407: 21, 603: 21, 404: 1, 485: 1, 604: 1, 408: 18, 409: 41, 410: 22, 420: 3,
		480: 19, 483: 19, 484: 28, 486: 17, 600: 17, 488: 58, 606: 58, 500: 38, 501: 29, 502: 27, 503: 34, 504: 102,
		513: 34, 580: 34, 599: 34, 300: 16, 305: 16, 200: 16, 0: 16, 700: 16,
	}
	for _, s := range []int{400, 405, 406, 411, 413, 414, 415, 416, 422, 423, 481, 482, 487, 489, 491, 493, 499, 505, 601, 607, 608, 699} {
		want[s] = 127
	}
	for status, code := range want {
		if got := cause.FromSIP(status); got != code {
			t.Errorf("SIP %d gives cause %d, want %d", status, got, code)
		}
	}
	for status := 300; status < 700; status++ {
		if code := cause.FromSIP(status); known[code] == "" || code == 0 {
			t.Errorf("SIP %d gives cause %d, which has no name", status, code)
		}
	}
}

// spec: ami 5.6 "Cause to SIP status" (Asterisk: chan_pjsip.c hangup_cause2sip).
func TestSIPStatus(t *testing.T) {
	want := map[cause.Code]int{
		1: 404, 2: 404, 3: 404, 17: 486, 18: 408, 19: 480, 20: 480, 31: 480, 21: 403, 22: 410, 23: 302, 27: 502, 28: 484,
		29: 501, 34: 503, 42: 503, 66: 503, 38: 500, 127: 500, 58: 488,
	}
	for code := cause.Code(0); code < 128; code++ {
		status, ok := want[code]
		if !ok {
			status = 603
		}
		if got, reason := code.SIPStatus(); got != status || reason == "" {
			t.Errorf("cause %d gives %d %q, want %d", code, got, reason, status)
		}
	}
}

// spec: callfile 6.3 and spec: ami 4.6 (Asterisk: main/pbx.c pbx_dial_reason):
// 17 gives 5; 21, 27, 34, 38, 41, 42 give 8; 19 and 26 give 3; all else 0.
func TestReason(t *testing.T) {
	want := map[cause.Code]int{17: 5, 21: 8, 27: 8, 34: 8, 38: 8, 41: 8, 42: 8, 19: 3, 26: 3}
	for code := cause.Code(0); code < 128; code++ {
		if got := code.Reason(); got != want[code] {
			t.Errorf("cause %d gives REASON %d, want %d", code, got, want[code])
		}
	}
}

// spec: dialplan 5.2: 17 BUSY, 34 CONGESTION, 16 and 19 NOANSWER, any other CHANUNAVAIL.
func TestDialStatus(t *testing.T) {
	want := map[cause.Code]string{17: "BUSY", 34: "CONGESTION", 16: "NOANSWER", 19: "NOANSWER"}
	for code := cause.Code(0); code < 128; code++ {
		w, ok := want[code]
		if !ok {
			w = "CHANUNAVAIL"
		}
		if got := code.DialStatus(); got != w {
			t.Errorf("cause %d gives DIALSTATUS %s, want %s", code, got, w)
		}
	}
}

// spec: ami 5.6 "DialStatus of a failed Originate leg" (Asterisk: main/dial.c):
// 17 BUSY, 34 CONGESTION, 3 and 20 CHANUNAVAIL, everything else NOANSWER.
func TestDialEventStatus(t *testing.T) {
	want := map[cause.Code]string{17: "BUSY", 34: "CONGESTION", 3: "CHANUNAVAIL", 20: "CHANUNAVAIL"}
	for code := cause.Code(0); code < 128; code++ {
		w, ok := want[code]
		if !ok {
			w = "NOANSWER"
		}
		if got := code.DialEventStatus(); got != w {
			t.Errorf("cause %d gives dialstatus %s, want %s", code, got, w)
		}
	}
}

// Asterisk: main/cdr.c dial status to disposition; 34 and 42 are CONGESTION because
// we always run with congestion=yes.
func TestDisposition(t *testing.T) {
	want := map[cause.Code]string{
		17: "BUSY", 16: "NO ANSWER", 18: "NO ANSWER", 19: "NO ANSWER", 20: "NO ANSWER", 26: "NO ANSWER", 34: "CONGESTION", 42: "CONGESTION",
	}
	for code := cause.Code(0); code < 128; code++ {
		w, ok := want[code]
		if !ok {
			w = "FAILED"
		}
		if got := code.Disposition(); got != w {
			t.Errorf("cause %d gives %s, want %s", code, got, w)
		}
	}
}

// Only what no retry can change is permanent: the number does not exist (1), the
// network to it is none (2), it has moved (22), is malformed (28), or is barred (52).
func TestPermanent(t *testing.T) {
	want := map[cause.Code]bool{1: true, 2: true, 22: true, 28: true, 52: true}
	for code := cause.Code(0); code < 128; code++ {
		if got := code.Permanent(); got != want[code] {
			t.Errorf("cause %d: permanent %v", code, got)
		}
	}
}

// Every cause gives one sentence that ends like one.
func TestAdvice(t *testing.T) {
	for code := cause.Code(0); code < 128; code++ {
		if got := code.Advice(); len(got) < 10 {
			t.Errorf("cause %d: %q", code, got)
		}
	}
	if cause.UserBusy.Advice() == cause.NoAnswer.Advice() {
		t.Error("busy and no answer give the same advice")
	}
}
