package demo

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/door/rest"
	"github.com/dialwright/dialwright/internal/door/rest/client"
)

// The demonstration's user, whose phone is 101, and its account_id at Switchvox's door.
const (
	person   = "101"
	personID = "1106"
)

// clicked sends the request of a click and gives the call that it has placed. shown is
// what is reported of the request.
func (d *Demo) clicked(ctx context.Context, cl *client.Client, door, shown string, req *http.Request) (made rest.Call, err error) {
	if d.o.Step != nil {
		d.o.Step(door, time.Now(), shown)
	}
	resp, err := http.DefaultClient.Do(req.WithContext(ctx))
	if err != nil {
		return made, err
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close() // it was read to its end, or is broken
	if err != nil {
		return made, err
	}
	if resp.StatusCode != http.StatusOK {
		return made, fmt.Errorf("%s: %s: %s", shown, resp.Status, bytes.TrimSpace(body))
	}
	var list struct{ Calls []rest.Call }
	if err := cl.Get(ctx, "/v1/calls", url.Values{"door": {door}, "limit": {"1"}}, &list); err != nil {
		return made, err
	}
	if len(list.Calls) == 0 {
		return made, fmt.Errorf("%s was answered, but there is no call: %s", shown, bytes.TrimSpace(body))
	}
	return list.Calls[0], nil
}

// callByVodia opens a link that was signed as any program can sign one, in a few lines (spec: vodia
// 4.11).
func (d *Demo) callByVodia(ctx context.Context, cl *client.Client) (made rest.Call, err error) {
	const dest, duration = "102", "60"
	now, nonce := strconv.FormatInt(time.Now().Unix(), 10), rand.Text()
	mac := hmac.New(sha256.New, []byte(d.secret))
	mac.Write([]byte(strings.Join([]string{"c2d-v2", person, dest, now, duration, nonce, "1"}, "\n")))
	q := url.Values{
		"user": {person}, "extension": {"true"}, "dest": {dest}, "time": {now}, "duration": {duration}, "nonce": {nonce}, "connect": {"true"},
		"auth": {"v2." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))},
	}
	req, err := http.NewRequest(http.MethodGet, d.ready.HTTP+"/remote_call.htm?"+q.Encode(), nil)
	if err != nil {
		return made, err
	}
	return d.clicked(ctx, cl, "vodia", "GET /remote_call.htm?user="+person+"&dest="+dest+"&duration="+duration+"&connect=true, signed", req)
}

// callBySwitchvox places a call as software for Switchvox does. It is answered when 101 is.
func (d *Demo) callBySwitchvox(ctx context.Context, cl *client.Client) (made rest.Call, err error) {
	const body = `<request method="switchvox.users.call"><parameters><dial_first>101</dial_first><dial_second>102</dial_second></parameters></request>`
	req, err := http.NewRequest(http.MethodPost, d.ready.HTTP+"/xml", strings.NewReader(body))
	if err != nil {
		return made, err
	}
	req.Header.Set("Content-Type", "text/xml")
	req.SetBasicAuth(person, d.secret)
	return d.clicked(ctx, cl, "switchvox", "POST /xml switchvox.users.call 101, 102", req)
}

// callByLink makes a signed link of ours and uses it, as its page does.
func (d *Demo) callByLink(ctx context.Context, cl *client.Client) (made rest.Call, err error) {
	var l rest.Link
	err = cl.Post(ctx, "/v1/links", map[string]any{"user": person, "number": "102", "connect": true, "uses": 1}, &l)
	if err != nil {
		return made, err
	}
	req, err := http.NewRequest(http.MethodPost, l.URL, nil)
	if err != nil {
		return made, err
	}
	return d.clicked(ctx, cl, "link", "POST /link/"+l.ID+", signed", req)
}
