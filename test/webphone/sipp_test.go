package webphone

import (
	"testing"

	"github.com/dialwright/dialwright/test/harness"
)

// echoing is a SIPp that answers each call and sends back what it hears (-rtp_echo), until it
// is hung up on.
const echoing = `<?xml version="1.0" encoding="ISO-8859-1"?>
<scenario name="echo">
<recv request="INVITE" rrs="true"/>
<send><![CDATA[
SIP/2.0 180 Ringing
[last_Via:]
[last_From:]
[last_To:];tag=[pid]sipp[call_number]
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:sipp@[local_ip]:[local_port]>
Content-Length: 0

]]></send>
<send retrans="500"><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:];tag=[pid]sipp[call_number]
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:sipp@[local_ip]:[local_port]>
Content-Type: application/sdp
Content-Length: [len]

v=0
o=sipp 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 0
a=rtpmap:0 PCMU/8000
]]></send>
<recv request="ACK"/>
<recv request="BYE"/>
<send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:sipp@[local_ip]:[local_port]>
Content-Length: 0

]]></send>
<timewait milliseconds="4000"/>
</scenario>
`

// TestSIPp: a page calls a SIPp phone and is called for one, and hears its own tone come back
// from it: the audio has gone both ways.
func TestSIPp(t *testing.T) {
	port := harness.FreePort(t)
	l := newLab(t, harness.Trunk("sipp", port, ""), "[[routes]]\nmatch = \"9\"\nstrip = 1\ntrunk = \"sipp\"\n")
	page := l.open("page", "103")
	p := harness.StartSIPp(t, port, 2, echoing, "-rtp_echo")
	page.Eval(`phone.call("sip:9555@test.local")`)
	page.Wait(`phone.state === "up"`)
	page.hears(browserTone)
	page.Eval("phone.hang()")
	page.Wait(`phone.state === "ended"`)

	id := l.s.Submit(t, map[string]any{"first": "9555", "second": "103"})
	page.Wait(`phone.state === "ringing"`)
	page.Eval("phone.answer()")
	page.Wait(`phone.state === "up"`)
	page.hears(browserTone)
	t.Logf("the page hears %.0f Hz come back, having sent %d", page.Eval("phone.heard()"), browserTone)
	page.Eval("phone.hang()")
	if r := l.s.AwaitEnd(t, id); r.Call["disposition"] != "ANSWERED" {
		t.Errorf("%+v", r.Call)
	}
	p.Wait()
}
