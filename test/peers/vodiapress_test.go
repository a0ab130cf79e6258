package peers

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/softphone"
	"github.com/dialwright/dialwright/test/harness"
)

// pressOffice is a server whose links ask twice to press 1, a second apart: 123 is the user's
// phone, 124 another user's, 200 the destination.
type pressOffice struct {
	*harness.Server
	t *testing.T
}

func newPressOffice(t *testing.T) *pressOffice {
	t.Helper()
	s := harness.StartWith(t, harness.Limits{HTTP: true}, harness.Phone("123", ""), harness.Phone("124", ""), harness.Phone("200", ""),
		"[tenants.\"tenant.com\"]\n[users.\"123@tenant.com\"]\nlink_secret = \"linkpass\"\n[users.\"124@tenant.com\"]\nlink_secret = \"linkpass\"\n"+
			"[vodia]\nenabled = true\nper_minute = -1\nprompt_repeats = 2\nprompt_interval = \"1s\"\nfail_tone = \"1s\"\ndedupe_window = \"0s\"\n")
	return &pressOffice{s, t}
}

func (o *pressOffice) must(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

// phone starts a phone that answers and presses keys in the audio.
func (o *pressOffice) phone(name, press string) *softphone.Phone {
	o.t.Helper()
	p, err := softphone.New(softphone.Config{
		User: name, Password: "secret-" + name, Server: fmt.Sprintf("127.0.0.1:%d", o.SIP), Domain: "test.local",
		Rule: softphone.Rule{Action: softphone.Answer, Press: press},
	})
	o.must(err)
	o.must(p.Start(o.t.Context()))
	o.t.Cleanup(func() { o.must(p.Stop(context.WithoutCancel(o.t.Context()))) })
	ctx, cancel := context.WithTimeout(o.t.Context(), time.Minute)
	defer cancel()
	o.must(p.WaitRegistered(ctx))
	return p
}

// follow opens a signed link (type 3) to 200, as a browser does.
func (o *pressOffice) follow(user string) {
	o.t.Helper()
	at, life := strconv.FormatInt(time.Now().Unix(), 10), "60"
	sum := md5.Sum([]byte(user + "linkpass" + "200" + at + life))
	q := url.Values{"user": {user}, "extension": {"true"}, "dest": {"200"}, "name": {"Dr. B"}, "time": {at}, "duration": {life}, "auth": {hex.EncodeToString(sum[:])}}
	resp, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/remote_call.htm?%s", o.HTTP, q.Encode()))
	o.must(err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	o.must(err)
	if resp.StatusCode != http.StatusOK {
		o.t.Fatalf("%s: %s", resp.Status, body)
	}
}

// pressRecord is what the tests look at of a record.
type pressRecord struct {
	Disposition, Detail string
	DestChannel         string `json:"dest_channel"`
}

// record waits for the nth record, from 1, and gives the newest.
func (o *pressOffice) record(n int) pressRecord {
	o.t.Helper()
	ctx, cancel := context.WithTimeout(o.t.Context(), time.Minute)
	defer cancel()
	var got struct{ Records []pressRecord }
	for ctx.Err() == nil {
		if o.MustAPI("GET", "/v1/records?door=vodia", nil, &got); len(got.Records) == n {
			return got.Records[0]
		}
	}
	o.t.Fatalf("%d records, want %d", len(got.Records), n)
	return pressRecord{}
}

// A signed link asks the user to press 1. 1 by SIP INFO or in the audio (RFC 4733) rings the
// destination, other digits do not; who presses nothing is released, and the record says so;
// and a destination that is busy ends the call after its tone (spec: vodia 4.9).
func TestVodiaPressOne(t *testing.T) {
	t.Parallel()
	o := newPressOffice(t)
	mine, theirs := harness.FreePort(t), harness.FreePort(t)
	registerPhone(t, o.Server, "123", mine)
	registerPhone(t, o.Server, "200", theirs)
	answers := []step{invite(), reply(180, "Ringing", ""), reply(200, "OK", "sendrecv"), recv("ACK"), recv("BYE"), ok(), linger}
	hangsUp := []step{inviteRemembered(), reply(180, "Ringing", ""), reply(200, "OK", "sendrecv"), recv("ACK"), request("BYE", "", 1), status(200)}

	me := startSIPpAt(t, mine, 1, answers)
	o.follow("123@tenant.com")
	me.Wait()
	if got := o.record(1); got.Detail != "not_confirmed" || got.Disposition != "NO ANSWER" || got.DestChannel != "" {
		t.Errorf("nothing pressed: %+v", got)
	}
	if !strings.Contains(me.Messages(), `From: "Dr. B" <sip:200@`) {
		t.Errorf("the phone does not show the destination:\n%s", me.Messages())
	}

	me = startSIPpAt(t, mine, 1, []step{
		inviteRemembered(), reply(180, "Ringing", ""), reply(200, "OK", "sendrecv"), recv("ACK"),
		dtmfInfo("2", 1), status(200), dtmfInfo("9", 2), status(200), dtmfInfo("1", 3), status(200), recv("BYE"), ok(), linger,
	})
	other := startSIPpAt(t, theirs, 1, hangsUp)
	o.follow("123@tenant.com")
	other.Wait()
	me.Wait()
	if got := o.record(2); got.Detail != "completed" || got.Disposition != "ANSWERED" {
		t.Errorf("1 by INFO: %+v", got)
	}

	phone := o.phone("124", "31")
	other = startSIPpAt(t, theirs, 1, hangsUp)
	o.follow("124@tenant.com")
	other.Wait()
	if got := o.record(3); got.Detail != "completed" || phone.Counts().Invites != 1 {
		t.Errorf("1 in the audio: %+v", got)
	}

	other = startSIPpAt(t, theirs, 1, []step{invite(), reply(486, "Busy Here", ""), recv("ACK")})
	o.follow("124@tenant.com")
	other.Wait()
	if got := o.record(4); got.Disposition != "BUSY" {
		t.Errorf("busy: %+v", got)
	}
}
