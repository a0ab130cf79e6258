package peers

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dialwright/dialwright/test/harness"
)

// step is one element of a SIPp scenario.
type step string

// header lines that every answer to a request copies (RFC 3261 §8.2.6.2).
const copied = "[last_Via:]\n[last_From:]\n[last_To:]%s\n[last_Call-ID:]\n[last_CSeq:]\n"

const tag = ";tag=[pid]sipp[call_number]"

const sdpBody = `v=0
o=sipp 53655765 2353687637 IN IP[local_ip_type] [local_ip]
s=-
c=IN IP[media_ip_type] [media_ip]
t=0 0
m=audio [media_port] RTP/AVP %s
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
a=%s
`

// message is a SIP message that SIPp sends.
type message struct {
	start   string   // status or request line
	headers string   // those that decide where it belongs
	extra   []string // further header lines
	sdp     string   // direction of the audio, "" = no body
	codecs  string   // payload types, "" = "0 101"
	retrans bool     // repeat it until it is acknowledged
}

func (m message) step() step {
	var b strings.Builder
	if m.retrans {
		b.WriteString("<send retrans=\"500\"><![CDATA[\n")
	} else {
		b.WriteString("<send><![CDATA[\n")
	}
	b.WriteString(m.start + "\n" + m.headers)
	for _, h := range m.extra {
		b.WriteString(h + "\n")
	}
	if m.sdp == "" {
		b.WriteString("Content-Length: 0\n\n]]></send>\n")
		return step(b.String())
	}
	codecs := m.codecs
	if codecs == "" {
		codecs = "0 101"
	}
	b.WriteString("Content-Type: application/sdp\nContent-Length: [len]\n\n")
	fmt.Fprintf(&b, sdpBody, codecs, m.sdp)
	b.WriteString("]]></send>\n")
	return step(b.String())
}

const contact = "Contact: <sip:sipp@[local_ip]:[local_port];transport=[transport]>"

// reply answers the INVITE last received; sdp is the direction, "" = no body.
func reply(status int, reason, sdp string, extra ...string) step {
	return message{
		start:   fmt.Sprintf("SIP/2.0 %d %s", status, reason),
		headers: fmt.Sprintf(copied, tag),
		extra:   append([]string{contact}, extra...),
		sdp:     sdp,
		retrans: status >= 200,
	}.step()
}

// fork answers the INVITE last received as a second branch of a forking proxy.
func fork(branch string, status int, reason, sdp string) step {
	return message{
		start:   fmt.Sprintf("SIP/2.0 %d %s", status, reason),
		headers: fmt.Sprintf(copied, tag+branch),
		extra:   []string{contact},
		sdp:     sdp,
	}.step()
}

// ok answers the in-dialog request last received.
func ok(sdp ...string) step {
	m := message{start: "SIP/2.0 200 OK", headers: fmt.Sprintf(copied, ""), extra: []string{contact}}
	if len(sdp) > 0 {
		m.sdp = sdp[0]
	}
	return m.step()
}

// recv waits for a request.
func recv(method string, attributes ...string) step {
	return step(fmt.Sprintf("<recv request=%q rrs=\"true\" %s/>\n", method, strings.Join(attributes, " ")))
}

// invite waits for the INVITE of a call.
func invite() step { return recv("INVITE") }

// recvCancel waits for CANCEL, answers it and ends the INVITE with 487.
func recvCancel() step {
	return step("<recv request=\"CANCEL\"><action>"+
		"<ereg regexp=\"[0-9]+\" search_in=\"hdr\" header=\"CSeq:\" check_it=\"true\" assign_to=\"n\"/></action></recv>\n") +
		message{start: "SIP/2.0 200 OK", headers: fmt.Sprintf(copied, tag)}.step() +
		message{
			start:   "SIP/2.0 487 Request Terminated",
			headers: strings.Replace(fmt.Sprintf(copied, tag), "[last_CSeq:]", "CSeq: [$n] INVITE", 1),
			retrans: true,
		}.step() + recv("ACK")
}

// status waits for a response.
func status(code int, attributes ...string) step {
	return step(fmt.Sprintf("<recv response=\"%d\" rrs=\"true\" %s/>\n", code, strings.Join(attributes, " ")))
}

func optional(code int) step { return status(code, `optional="true"`) }

func pause(d time.Duration) step {
	return step(fmt.Sprintf("<pause milliseconds=\"%d\"/>\n", d.Milliseconds()))
}

// request is an in-dialog request by the called party: From and To change
// places against the INVITE that it answered.
func request(method, sdp string, cseq int) step {
	return message{
		start: method + " [next_url] SIP/2.0",
		headers: "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\n" +
			"From: [$to]\nTo: [$from]\n[last_Call-ID:]\n" +
			fmt.Sprintf("CSeq: %d %s\nMax-Forwards: 70\n", cseq, method),
		extra:   []string{contact},
		sdp:     sdp,
		retrans: method != "ACK",
	}.step()
}

// remember keeps the parties of the INVITE just received for request.
func inviteRemembered() step {
	return "<recv request=\"INVITE\" rrs=\"true\"><action>" +
		"<ereg regexp=\".*\" search_in=\"hdr\" header=\"From:\" assign_to=\"from\"/>" +
		"<ereg regexp=\".*\" search_in=\"hdr\" header=\"To:\" assign_to=\"tobare\"/>" +
		"<assignstr assign_to=\"to\" value=\"[$tobare]" + tag + "\"/>" +
		"</action></recv>\n"
}

// linger answers repeated BYEs for a while, so that a lost 200 is no failure.
const linger = step("<timewait milliseconds=\"4000\"/>\n")

func scenario(name string, steps ...step) string {
	var b strings.Builder
	fmt.Fprintf(&b, "<?xml version=\"1.0\" encoding=\"ISO-8859-1\" ?>\n<scenario name=%q>\n", name)
	for _, s := range steps {
		b.WriteString(string(s))
	}
	b.WriteString("</scenario>\n")
	return b.String()
}

// startSIPp runs a scenario for a number of calls. It must have ended well by
// the time that Wait is called, or by the end of the test at the latest.
func startSIPp(t *testing.T, calls int, steps []step, args ...string) *harness.SIPp {
	t.Helper()
	return startSIPpAt(t, harness.FreePort(t), calls, steps, args...)
}

// startSIPpAt is startSIPp on a port that the server's configuration names.
func startSIPpAt(t *testing.T, port, calls int, steps []step, args ...string) *harness.SIPp {
	t.Helper()
	return harness.StartSIPp(t, port, calls, scenario(t.Name(), steps...), args...)
}

// sippPeer is a running SIPp.
type sippPeer = harness.SIPp
