package aritrace

import (
	"path/filepath"
	"testing"

	"github.com/dialwright/dialwright/test/harness"
	"github.com/dialwright/dialwright/test/phone"
)

// behaviours gives what the users of the laboratory's phone do (spec: ari 11).
func behaviours(talk, early, digits string) []phone.Behaviour {
	ok, ringing := phone.OK(), phone.Answer("180 Ringing", phone.Empty)
	progress := phone.Answer("183 Session Progress", phone.SDP("sendrecv")) + phone.Stream(early, 1)
	change := func(direction string, cseq int) string {
		return phone.Request("INVITE", phone.SDP(direction), cseq) + "<recv response=\"100\" optional=\"true\"/>\n<recv response=\"200\" rrs=\"true\"/>\n" + phone.Request("ACK", phone.Empty, cseq)
	}
	return []phone.Behaviour{
		{User: "answer0", Steps: ok + phone.Up},
		{User: "answer", Steps: ringing + phone.Pause(300) + ok + phone.Up},
		{User: "ringearly", Steps: ringing + phone.Pause(500) + progress + phone.Pause(500) + ok + phone.Up},
		{User: "ring", Steps: ringing + phone.Cancelled(0)},
		{User: "silent", Steps: phone.Cancelled(60000)},
		{User: "early", Steps: progress + phone.Pause(800) + ok + phone.Up},
		{User: "busy", Steps: phone.Refuse("486 Busy Here")},
		{User: "decline", Steps: phone.Refuse("603 Decline")},
		{User: "unavail", Steps: phone.Refuse("480 Temporarily Unavailable")},
		{User: "cong", Steps: phone.Refuse("503 Service Unavailable")},
		{User: "forward", Steps: phone.Refuse("302 Moved Temporarily", "Contact: <sip:forward@[local_ip]:[local_port]>\n")},
		{User: "bye", Steps: ringing + phone.Pause(300) + ok + phone.Pause(1200) + "<nop next=\"bye\"/>\n"},
		{User: "hold", Steps: ok + phone.Pause(800) + change("sendonly", 1) + phone.Pause(800) + change("sendrecv", 2) + phone.Up},
		{User: "dtmf", Steps: ok + "<nop><action><exec command=\"bash " + digits + " [$rtp]\"/></action></nop>\n" + phone.Up},
		{User: "talk", Steps: ok + phone.Pause(1000) + phone.Stream(talk, 1) + phone.Up},
	}
}

// StartPhone runs SIPp as the laboratory's phone on a port of 127.0.0.1 until the end of
// the test.
func StartPhone(t testing.TB, port int) *harness.SIPp {
	t.Helper()
	dir := t.TempDir()
	talk, early, digits := filepath.Join(dir, "talk.ulaw"), filepath.Join(dir, "early.ulaw"), filepath.Join(dir, "digits.sh")
	phone.WriteDigits(t, digits, "12#")
	phone.WriteTones(t, talk, 300, 2000, 6000)
	phone.WriteTones(t, early, 0, 10000, 0)
	return phone.Start(t, port, behaviours(talk, early, digits))
}
