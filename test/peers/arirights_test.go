package peers

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/dialwright/dialwright/internal/softphone"
	"github.com/dialwright/dialwright/test/harness"
)

const ariAccounts = `
[accounts.free]
[accounts.off]
disabled = true
[accounts.north]
allow = ["+4940"]
contexts = ["default"]
[accounts.shop]
caller_id = "Shop <+4930555>"
[accounts.fixed]
caller_id = "Desk <+4930777>"
fixed_caller_id = true
[accounts.two]
channels = 2
[accounts.slow]
requests_per_second = 0.01
[accounts.timid]
cps = 0.01
`

// ariUsers gives each account a user of its name.
func ariUsers() string {
	var b strings.Builder
	b.WriteString(ariAccounts)
	for _, name := range []string{"free", "off", "north", "shop", "fixed", "two", "slow", "timid"} {
		fmt.Fprintf(&b, "[ari.users.%s]\npassword = \"choose-one-1\"\naccount = %q\n", name, name)
	}
	return b.String()
}

// ariDesk sends requests of ARI on behalf of its users.
type ariDesk struct {
	*testing.T
	srv *harness.Server
}

func (d ariDesk) ask(user, method, path string, pairs ...string) (int, string) {
	d.Helper()
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	req, err := http.NewRequestWithContext(d.Context(), method, fmt.Sprintf("http://127.0.0.1:%d/ari%s?%s", d.srv.HTTP, path, q.Encode()), nil)
	if err != nil {
		d.Fatal(err)
	}
	req.SetBasicAuth(user, "choose-one-1")
	r, err := http.DefaultClient.Do(req)
	if err != nil {
		d.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		d.Fatal(err)
	}
	return r.StatusCode, string(b)
}

func (d ariDesk) want(status int, user, method, path string, pairs ...string) string {
	d.Helper()
	got, body := d.ask(user, method, path, pairs...)
	if got != status {
		d.Errorf("%s: %s %s %v: %d %s, want %d", user, method, path, pairs, got, body, status)
	}
	return body
}

// ringing starts a phone that rings for ever, as the trunk "phone" of a server.
func ringing(t *testing.T, sections ...string) (ariDesk, *softphone.Phone) {
	t.Helper()
	p, err := softphone.New(softphone.Config{Rule: softphone.Rule{Action: softphone.Ring}})
	if err == nil {
		err = p.Start(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second) // t.Context is over
		defer cancel()
		_ = p.Stop(ctx) // its calls have ended with the server
	})
	sections = append(sections, harness.Trunk("phone", int(p.Addr().Port()), ""))
	return ariDesk{t, harness.StartWith(t, harness.Limits{HTTP: true}, sections...)}, p
}

// A user of ARI may do what its account may, whatever makes the channel.
func TestARIHasItsAccountsRights(t *testing.T) {
	t.Parallel()
	d, _ := ringing(t, ariUsers(), harness.Phone("101", ""))
	denied := func(body, why string) {
		t.Helper()
		if !strings.Contains(body, why) {
			t.Errorf("refused by %q, want %q", body, why)
		}
	}
	media := []string{"app", "x", "external_host", "127.0.0.1:9", "format", "ulaw"}
	for _, tt := range []struct {
		status                int
		user, path, endpoint  string
		extension, in, reason string
	}{
		{403, "off", "/channels", "PJSIP/+4940123@phone", "", "", "switched off"},
		{403, "off", "/channels/create", "PJSIP/+4940123@phone", "", "", "switched off"},
		{403, "north", "/channels", "PJSIP/+4930123@phone", "", "", "allowed prefixes"},
		{200, "north", "/channels", "PJSIP/+4940123@phone", "", "", ""},
		{403, "north", "/channels", "Local/101@internal", "", "", "not allowed"},
		{403, "north", "/channels", "PJSIP/+4940123@phone", "1", "secret", "not allowed"},
	} {
		body := d.want(tt.status, tt.user, "POST", tt.path, "app", map[bool]string{true: "x"}[tt.extension == ""], "endpoint", tt.endpoint,
			"extension", tt.extension, "context", tt.in)
		denied(body, tt.reason)
	}
	denied(d.want(403, "off", "POST", "/channels/externalMedia", media...), "switched off")
	d.want(200, "free", "POST", "/channels/externalMedia", media...)

	for i, status := range []int{200, 200, 503} {
		d.want(status, "two", "POST", fmt.Sprintf("/channels/two%d", i), "endpoint", "PJSIP/1@phone", "app", "x")
	}
	d.want(503, "two", "POST", "/channels/create", "endpoint", "PJSIP/1@phone", "app", "x")
	d.want(503, "two", "POST", "/channels/externalMedia", media...)
	d.want(204, "two", "DELETE", "/channels/two0")
	d.want(200, "two", "POST", "/channels", "endpoint", "PJSIP/1@phone", "app", "x")
	for _, user := range []string{"slow", "timid"} {
		d.want(200, user, "POST", "/channels", "endpoint", "PJSIP/1@phone", "app", "x")
		d.want(503, user, "POST", "/channels", "endpoint", "PJSIP/1@phone", "app", "x")
	}
	if out := d.srv.CLI("audit"); !strings.Contains(out.Stdout, "ari:off") {
		t.Errorf("the audit trail does not show the denials: %s%s", out.Stdout, out.Stderr)
	}
}

// What a phone sees is what the account may show, in originate and in create and dial.
func TestARICallerIDOfTheAccount(t *testing.T) {
	t.Parallel()
	d, p := ringing(t, ariUsers())
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	from := func(what, want string) {
		t.Helper()
		c, err := p.NextCall(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if got, _, _ := strings.Cut(c.Header("From"), "@"); got != want {
			t.Errorf("%s: From %s, want %s", what, got, want)
		}
	}
	originate := func(status int, user, callerID string) {
		t.Helper()
		d.want(status, user, "POST", "/channels", "endpoint", "PJSIP/1@phone", "app", "x", "callerId", callerID)
	}
	originate(200, "free", "")
	from("originate without caller ID", `"Anonymous" <sip:anonymous`)
	originate(200, "shop", "")
	from("originate with the account's", `"Shop" <sip:+4930555`)
	originate(200, "shop", "Other <+4930666>")
	from("originate with another", `"Other" <sip:+4930666`)
	originate(200, "fixed", "")
	from("originate with the fixed one", `"Desk" <sip:+4930777`)
	originate(200, "fixed", "Desk <+4930777>")
	from("originate that names the fixed one", `"Desk" <sip:+4930777`)
	originate(403, "fixed", "Other <+4930666>")

	// Without an application nobody has the channel: it takes a WebSocket.
	conn, _, err := websocket.Dial(ctx, fmt.Sprintf("ws://127.0.0.1:%d/ari/events?app=x&api_key=free:choose-one-1", d.srv.HTTP), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	d.want(200, "free", "POST", "/channels/A", "endpoint", "PJSIP/1@phone", "app", "x", "callerId", "Alice <1001>")
	from("a caller", `"Alice" <sip:1001`)
	for i, tt := range []struct{ user, set, caller, want string }{
		{"free", "", "", `"Anonymous" <sip:anonymous`},
		{"free", "Bob <1002>", "", `"Bob" <sip:1002`},
		{"free", "Bob <1002>", "A", `"Alice" <sip:1001`},
		{"shop", "", "", `"Shop" <sip:+4930555`},
		{"shop", "Bob <1002>", "", `"Bob" <sip:1002`},
		{"shop", "", "A", `"Alice" <sip:1001`},
		{"fixed", "", "", `"Desk" <sip:+4930777`},
		{"fixed", "Bob <1002>", "", `"Desk" <sip:+4930777`},
		{"fixed", "", "A", `"Desk" <sip:+4930777`},
	} {
		id := fmt.Sprintf("/channels/c%d", i)
		d.want(200, tt.user, "POST", "/channels/create", "endpoint", "PJSIP/1@phone", "app", "x", "channelId", fmt.Sprintf("c%d", i))
		if tt.set != "" {
			d.want(204, tt.user, "POST", id+"/variable", "variable", "CALLERID(all)", "value", tt.set)
		}
		d.want(204, tt.user, "POST", id+"/dial", "caller", tt.caller)
		from(fmt.Sprintf("create by %s, CALLERID %q, caller %q", tt.user, tt.set, tt.caller), tt.want)
	}

	// The record shows whom the phone saw.
	d.want(204, "fixed", "DELETE", "/channels/c7")
	var records struct {
		Records []struct {
			Reference string
			Source    struct{ Name, Number string }
		}
	}
	for len(records.Records) == 0 {
		if err := ctx.Err(); err != nil {
			t.Fatal("no record of a created channel")
		}
		d.srv.MustAPI("GET", "/v1/records?door=ari", nil, &records)
	}
	if b, _ := json.Marshal(records.Records[0].Source); records.Records[0].Source.Number != "+4930777" {
		t.Errorf("the record has %s", b)
	}
}
