package amitrace

import (
	"path/filepath"
	"testing"

	"github.com/dialwright/dialwright/test/harness"
	"github.com/dialwright/dialwright/test/phone"
)

// StartPhones runs SIPp as all phones of the laboratory until the end of the test. They are
// silent, as those of the captures were, but for a5.
func (l Lab) StartPhones(t testing.TB) *harness.SIPp {
	t.Helper()
	ok, ringing := phone.OK(), phone.Answer("180 Ringing", phone.Empty)
	audio := ""
	if l.Talk {
		file := filepath.Join(t.TempDir(), "talk.ulaw")
		phone.WriteTones(t, file, 0, 10000, 0)
		audio = phone.Stream(file, -1)
	}
	return phone.Start(t, l.Phone, []phone.Behaviour{
		{User: "alice", Steps: ringing + phone.Pause(500) + ok + audio + phone.Up},
		{User: "bob", Steps: ringing + phone.Pause(500) + ok + audio + phone.HangupAfter(4000)},
		{User: "carol", Steps: phone.Refuse("486 Busy Here")},
		{User: "dave", Steps: ringing + phone.Cancelled(0)},
		{User: "erin", Steps: phone.Answer("183 Session Progress", phone.SDP("sendrecv")) + phone.Pause(1500) + ok + phone.Up},
		{User: "gina", Steps: ringing + phone.Pause(300) + phone.Refuse("603 Decline")},
		{User: "hank", Steps: phone.Refuse("404 Not Found")},
		{User: "iris", Steps: phone.Refuse("503 Service Unavailable")},
	})
}
