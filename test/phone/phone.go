// Package phone runs SIPp as phones that behave as the user of a request says: for the
// laboratories in which captured traces of Asterisk are played again. It also writes the
// sounds of such laboratories.
package phone

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dialwright/dialwright/test/harness"
)

// Behaviour is what a phone does when it is called as a user: steps of SIPp's scenario.
// Those of a phone that answers and stays end with Up.
type Behaviour struct{ User, Steps string }

// Parts of messages.
const (
	copied  = "[last_Via:]\n[last_From:]\n[last_To:];tag=[pid]lab[call_number]\n[last_Call-ID:]\n[last_CSeq:]\n"
	copied0 = "[last_Via:]\n[last_From:]\n[last_To:]\n[last_Call-ID:]\n[last_CSeq:]\n"
	contact = "Contact: <sip:lab@[local_ip]:[local_port]>\n"
	sdp     = "Content-Type: application/sdp\nContent-Length: [len]\n\nv=0\no=lab 1 1 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio [media_port] RTP/AVP 0 101\na=rtpmap:0 PCMU/8000\na=rtpmap:101 telephone-event/8000\na=fmtp:101 0-15\na=%s\n"

	// Empty ends a message without a body.
	Empty = "Content-Length: 0\n\n"
	// RecvACK waits for the ACK of an answer.
	RecvACK = "<recv request=\"ACK\" rrs=\"true\"/>\n"
	// Up goes on as a phone that is in a call: until it is hung up.
	Up = "<nop next=\"up\"/>\n"
)

// SDP is a body: "sendrecv", "sendonly" …
func SDP(direction string) string { return fmt.Sprintf(sdp, direction) }

// Send sends a message, again and again if its receiver must answer.
func Send(text string, retrans bool) string {
	r := ""
	if retrans {
		r = ` retrans="500"`
	}
	return "<send" + r + "><![CDATA[\n" + text + "]]></send>\n"
}

// Answer answers the INVITE: "180 Ringing".
func Answer(status, body string, more ...string) string {
	return Send("SIP/2.0 "+status+"\n"+copied+strings.Join(more, "")+contact+body, status[0] > '1')
}

// OK answers with 200 and audio.
func OK() string { return Answer("200 OK", SDP("sendrecv")) + RecvACK }

// Refuse refuses the call: "486 Busy Here".
func Refuse(status string, more ...string) string {
	return Answer(status, Empty, more...) + "<recv request=\"ACK\" next=\"done\"/>\n"
}

// Cancelled waits until the call is cancelled, for some milliseconds (0 = as long as it takes).
func Cancelled(ms int) string {
	patience := ""
	if ms > 0 {
		patience = fmt.Sprintf(" timeout=\"%d\" ontimeout=\"done\"", ms)
	}
	return "<recv request=\"CANCEL\"" + patience + "/>\n" + Send("SIP/2.0 200 OK\n"+copied+contact+Empty, false) +
		Send("SIP/2.0 487 Request Terminated\n"+strings.Replace(copied, "[last_CSeq:]", "CSeq: [$n] INVITE", 1)+contact+Empty, true) +
		"<recv request=\"ACK\" next=\"done\"/>\n"
}

// Pause waits some milliseconds.
func Pause(ms int) string { return fmt.Sprintf("<pause milliseconds=\"%d\"/>\n", ms) }

// Stream plays a file of raw mu-law in a loop, n times, -1 = for ever.
func Stream(file string, n int) string {
	return fmt.Sprintf("<nop><action><exec rtp_stream=\"%s,%d,0\"/></action></nop>\n", file, n)
}

// HangupAfter stays in the call for some milliseconds and hangs up, unless it is hung up before.
func HangupAfter(ms int) string {
	return fmt.Sprintf("<recv request=\"BYE\" timeout=\"%d\" ontimeout=\"bye\" next=\"ended\"/>\n", ms)
}

// Request sends a request of the phone's own within the call.
func Request(method, body string, cseq int) string {
	return Send(fmt.Sprintf("%s [next_url] SIP/2.0\nVia: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\nFrom: [$to];tag=[pid]lab[call_number]\nTo: [$from]\n[last_Call-ID:]\nCSeq: %d %s\nMax-Forwards: 70\n%s%s", method, cseq, method, contact, body), method != "ACK")
}

// scenario writes the phone as SIPp wants it: one scenario that goes by the user of the
// request.
func scenario(list []Behaviour) string {
	var b strings.Builder
	b.WriteString("<?xml version=\"1.0\" encoding=\"ISO-8859-1\" ?>\n<scenario name=\"laboratory\">\n<recv request=\"INVITE\" rrs=\"true\"><action>\n" +
		"<ereg regexp=\".*\" search_in=\"hdr\" header=\"From:\" assign_to=\"from\"/>\n<ereg regexp=\".*\" search_in=\"hdr\" header=\"To:\" assign_to=\"to\"/>\n" +
		"<ereg regexp=\"[0-9]+\" search_in=\"hdr\" header=\"CSeq:\" assign_to=\"n\"/>\n" +
		"<ereg regexp=\"m=audio ([0-9]+)\" search_in=\"body\" assign_to=\"audio,rtp\"/>\n")
	for _, u := range list {
		fmt.Fprintf(&b, "<ereg regexp=\"sip:%s@\" search_in=\"hdr\" header=\"To:\" assign_to=\"u_%s\"/>\n", u.User, u.User)
	}
	b.WriteString("</action></recv>\n<nop next=\"begin\" test=\"audio\"/>\n<label id=\"begin\"/>\n<nop next=\"begun\" test=\"rtp\"/>\n<label id=\"begun\"/>\n<nop next=\"known\" test=\"n\"/>\n<label id=\"known\"/>\n")
	for _, u := range list {
		fmt.Fprintf(&b, "<nop next=\"l_%s\" test=\"u_%s\"/>\n", u.User, u.User)
	}
	b.WriteString(Refuse("404 Not Found"))
	for _, u := range list {
		fmt.Fprintf(&b, "<label id=\"l_%s\"/>\n%s", u.User, u.Steps)
	}
	b.WriteString("<label id=\"bye\"/>\n" + Request("BYE", Empty, 1) + "<recv response=\"200\" next=\"done\"/>\n" +
		"<label id=\"up\"/>\n<recv request=\"INVITE\" optional=\"true\" next=\"again\"/>\n<recv request=\"UPDATE\" optional=\"true\" next=\"fine\"/>\n" +
		"<recv request=\"INFO\" optional=\"true\" next=\"fine\"/>\n<recv request=\"REFER\" optional=\"true\" next=\"refer\"/>\n<recv request=\"MESSAGE\" optional=\"true\" next=\"fine\"/>\n<recv request=\"BYE\"/>\n" +
		"<label id=\"ended\"/>\n" + Send("SIP/2.0 200 OK\n"+copied0+contact+Empty, false) + "<nop next=\"done\"/>\n" +
		"<label id=\"again\"/>\n" + Send("SIP/2.0 200 OK\n"+copied0+contact+SDP("sendrecv"), true) + "<recv request=\"ACK\" next=\"up\"/>\n" +
		"<label id=\"fine\"/>\n" + Send("SIP/2.0 200 OK\n"+copied0+contact+Empty, false) + "<nop next=\"up\"/>\n" +
		"<label id=\"refer\"/>\n" + Send("SIP/2.0 202 Accepted\n"+copied0+contact+Empty, false) + "<nop next=\"up\"/>\n" +
		"<label id=\"done\"/>\n<timewait milliseconds=\"2000\"/>\n</scenario>\n")
	return b.String()
}

// Start runs SIPp on a port of 127.0.0.1 until the end of the test. Users that no behaviour
// is given for are not found.
func Start(t testing.TB, port int, list []Behaviour) *harness.SIPp {
	t.Helper()
	return harness.StartSIPp(t, port, 1000000, scenario(list), "-timeout", "1000")
}
