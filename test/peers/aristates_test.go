package peers

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/dialwright/dialwright/internal/softphone"
	"github.com/dialwright/dialwright/test/harness"
)

// exchange is a server whose own configuration opens ARI, with two phones, a trunk to
// a device that answers texts only, and a dialplan for both.
type exchange struct {
	*harness.Server
	t      *testing.T
	device *textDevice
}

const exchangePlan = `[office]
exten => 7,1,Stasis(lab,"a,b",c)
 same => n,Log(NOTICE,back from the application with ${STASISSTATUS})
 same => n,Set(DEVICE_STATE(Custom:lamp)=INUSE)
 same => n,UserEvent(Told,Colour: blue,Number: 5)
 same => n,Wait(30)
exten => 8,1,Answer()
 same => n,StasisBroadcast(5000,bids.*,x:y)
 same => n,Log(NOTICE,broadcast ends with ${STASISSTATUS})
 same => n,Hangup()
exten => 9,1,Stasis(nobody)
 same => n,Log(NOTICE,nobody is there: ${STASISSTATUS})
 same => n,Answer()
 same => n,Hangup()
exten => 5,1,Log(NOTICE,states 102=${DEVICE_STATE(PJSIP/102)} stasis=${DEVICE_STATE(Stasis:door)} lamp=${DEVICE_STATE(Custom:lamp)})
 same => n,Hangup()
exten => 102,1,Dial(PJSIP/102,30)
`

func newExchange(t *testing.T) *exchange {
	t.Helper()
	t.Parallel()
	x := &exchange{t: t, device: newTextDevice(t)}
	plan := filepath.Join(t.TempDir(), "extensions.conf")
	if err := os.WriteFile(plan, []byte(exchangePlan), 0o644); err != nil {
		t.Fatal(err)
	}
	x.Server = harness.StartWith(t, harness.Limits{HTTP: true},
		harness.Phone("101", `context = "office"`), harness.Phone("102", `context = "office"`+"\nchannels = -1\n"),
		harness.Trunk("texts", x.device.port(), "qualify = \"1s\"\ncontext = \"office\"\nmatch = [\"127.0.0.1/32\"]\n"),
		fmt.Sprintf("[dialplan]\nfile = %q\n", plan),
		"[ari]\nchannel_vars = [\"TICKET\"]\n[ari.users.lab]\npassword = \"labpass-1\"\n[ari.users.reader]\npassword = \"readpass-1\"\nread_only = true\n")
	return x
}

// phone starts a phone that registers, and waits until it has.
func (x *exchange) phone(name string, rule softphone.Rule, expires time.Duration) *softphone.Phone {
	x.t.Helper()
	p, err := softphone.New(softphone.Config{
		User: name, Password: "secret-" + name, Server: fmt.Sprintf("127.0.0.1:%d", x.SIP), Domain: "test.local", Rule: rule, Expires: expires,
	})
	if err != nil {
		x.t.Fatal(err)
	}
	if err := p.Start(x.t.Context()); err != nil {
		x.t.Fatal(err)
	}
	x.t.Cleanup(func() {
		if err := p.Stop(context.WithoutCancel(x.t.Context())); err != nil {
			x.t.Error(err)
		}
	})
	x.must(p.WaitRegistered(x.brief()))
	return p
}

// brief is the time that anything here may take.
func (x *exchange) brief() context.Context {
	ctx, cancel := context.WithTimeout(x.t.Context(), 15*time.Second)
	x.t.Cleanup(cancel)
	return ctx
}

func (x *exchange) must(err error) {
	x.t.Helper()
	if err != nil {
		x.t.Fatal(err)
	}
}

// ask sends a request to ARI and decodes what comes into out, if that is not nil.
func (x *exchange) ask(status int, method, path, body string, out any) {
	x.t.Helper()
	r, err := http.NewRequestWithContext(x.brief(), method, fmt.Sprintf("http://127.0.0.1:%d/ari%s", x.HTTP, path), strings.NewReader(body))
	x.must(err)
	r.SetBasicAuth("lab", "labpass-1")
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(r)
	x.must(err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	x.must(err)
	if resp.StatusCode != status {
		x.t.Fatalf("%s %s: %s %s, want %d", method, path, resp.Status, b, status)
	}
	if out != nil {
		x.must(json.Unmarshal(b, out))
	}
}

// device gives the state of a device.
func (x *exchange) deviceState(name string) string {
	x.t.Helper()
	var d struct{ State string }
	x.ask(200, "GET", "/deviceStates/"+url.PathEscape(name), "", &d)
	return d.State
}

func (x *exchange) endpoint(name string) (state string, channels int) {
	x.t.Helper()
	var e struct {
		State    string
		Channels []string `json:"channel_ids"`
	}
	x.ask(200, "GET", "/endpoints/PJSIP/"+name, "", &e)
	return e.State, len(e.Channels)
}

// watcher is an application that is connected.
type watcher struct {
	x    *exchange
	app  string
	conn *websocket.Conn
}

func (x *exchange) watch(app, query string) *watcher {
	x.t.Helper()
	conn, _, err := websocket.Dial(x.brief(), fmt.Sprintf("ws://127.0.0.1:%d/ari/events?app=%s&api_key=lab:labpass-1%s", x.HTTP, app, query), nil)
	x.must(err)
	conn.SetReadLimit(1 << 20)
	x.t.Cleanup(func() { _ = conn.CloseNow() })
	return &watcher{x, app, conn}
}

// event waits for an event of a type that fits; what comes in between is dropped.
func (w *watcher) event(kind string, fits func(e map[string]any) bool) map[string]any {
	w.x.t.Helper()
	var seen []string
	for ctx := w.x.brief(); ; {
		_, b, err := w.conn.Read(ctx)
		if err != nil {
			w.x.t.Fatalf("%s: no %s: %v; there were\n%s", w.app, kind, err, strings.Join(seen, "\n"))
		}
		var e map[string]any
		w.x.must(json.Unmarshal(b, &e))
		if e["type"] == kind && (fits == nil || fits(e)) {
			return e
		}
		seen = append(seen, string(b))
	}
}

// device waits until a device has gone through states, one after the other and no others.
func (w *watcher) device(name string, states ...string) {
	w.x.t.Helper()
	for _, want := range states {
		e := w.event("DeviceStateChanged", func(e map[string]any) bool { return at(e, "device_state", "name") == name })
		if got := at(e, "device_state", "state"); got != want {
			w.x.t.Fatalf("%s is %v, want %s (of %v)", name, got, want, states)
		}
	}
}

// at gives a member of a member, nil if there is none.
func at(e map[string]any, path ...string) any {
	var v any = e
	for _, p := range path {
		m, _ := v.(map[string]any)
		v = m[p]
	}
	return v
}

// textDevice is a SIP device that answers MESSAGE, OPTIONS and REFER with 200 and
// remembers them. It can be told to be silent.
type textDevice struct {
	t    *testing.T
	conn net.PacketConn

	mu     sync.Mutex
	silent bool
	got    chan string // requests but OPTIONS
}

func newTextDevice(t *testing.T) *textDevice {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &textDevice{t: t, conn: conn, got: make(chan string, 64)}
	done := make(chan struct{})
	t.Cleanup(func() {
		_ = conn.Close()
		<-done
	})
	go func() {
		defer close(done)
		d.run()
	}()
	return d
}

func (d *textDevice) port() int { return d.conn.LocalAddr().(*net.UDPAddr).Port }

func (d *textDevice) quiet(on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.silent = on
}

func (d *textDevice) run() {
	for b := make([]byte, 1<<16); ; {
		n, from, err := d.conn.ReadFrom(b)
		if err != nil {
			return
		}
		d.mu.Lock()
		silent := d.silent
		d.mu.Unlock()
		text := string(b[:n])
		method, _, _ := strings.Cut(text, " ")
		if silent || method == "ACK" {
			continue
		}
		if strings.HasPrefix(method, "SIP/2.0") || method != "OPTIONS" {
			d.got <- text
		}
		if strings.HasPrefix(method, "SIP/2.0") {
			continue
		}
		_, _ = d.conn.WriteTo([]byte(reply200(text)), from)
	}
}

// reply200 answers a request.
func reply200(request string) string {
	answer := []string{"SIP/2.0 200 OK"}
	for line := range strings.SplitSeq(request, "\r\n") {
		name, _, _ := strings.Cut(line, ":")
		switch strings.ToLower(name) {
		case "via", "from", "call-id", "cseq":
			answer = append(answer, line)
		case "to":
			answer = append(answer, line+";tag=device")
		}
	}
	return strings.Join(append(answer, "Content-Length: 0", "", ""), "\r\n")
}

// next waits for a request or an answer.
func (d *textDevice) next() string {
	d.t.Helper()
	select {
	case text := <-d.got:
		return text
	case <-time.After(15 * time.Second):
		d.t.Fatal("nothing has come to the device")
		return ""
	}
}

// A phone's registration, its calls and its hold are seen by whoever asks, and by
// applications that have subscribed to it, to its device, or to everything.
func TestARIStatesOfAPhone(t *testing.T) {
	x := newExchange(t)
	if state, n := x.endpoint("102"); state != "offline" || n != 0 {
		t.Errorf("before it registers: %s, %d channels", state, n)
	}
	if s := x.deviceState("PJSIP/102"); s != "UNAVAILABLE" {
		t.Errorf("before it registers: %s", s)
	}
	all, one := x.watch("all", "&subscribeAll=true"), x.watch("one", "")
	x.ask(200, "POST", "/applications/one/subscription?eventSource=endpoint:PJSIP/102,deviceState:PJSIP/102", "", nil)

	p := x.phone("102", softphone.Rule{Action: softphone.Ring}, 0)
	for _, w := range []*watcher{one, all} {
		w.device("PJSIP/102", "NOT_INUSE")
	}
	if state, _ := x.endpoint("102"); state != "online" {
		t.Errorf("registered: %s", state)
	}
	caller := x.phone("101", softphone.Rule{}, 0)
	c, err := caller.Dial(x.brief(), "102")
	x.must(err)
	rings, err := p.NextCall(x.brief())
	x.must(err)
	for _, w := range []*watcher{one, all} {
		w.device("PJSIP/102", "RINGING")
	}
	if _, n := x.endpoint("102"); n != 1 {
		t.Errorf("ringing: %d channels", n)
	}
	rings.Answer()
	x.must(c.WaitAnswered(x.brief()))
	one.device("PJSIP/102", "INUSE")
	x.must(rings.Hold(x.brief(), true))
	one.device("PJSIP/102", "ONHOLD")
	x.must(rings.Hold(x.brief(), false))
	one.device("PJSIP/102", "INUSE")

	second, err := caller.Dial(x.brief(), "102")
	x.must(err)
	one.device("PJSIP/102", "RINGINUSE")
	if _, n := x.endpoint("102"); n != 2 {
		t.Errorf("two calls: %d channels", n)
	}
	second.Hangup()
	one.device("PJSIP/102", "INUSE")
	c.Hangup()
	one.device("PJSIP/102", "NOT_INUSE")
	x.must(p.Unregister(x.brief()))
	one.device("PJSIP/102", "UNAVAILABLE")
	all.device("PJSIP/102", "INUSE", "ONHOLD", "INUSE", "RINGINUSE", "INUSE", "NOT_INUSE", "UNAVAILABLE")
	if state, n := x.endpoint("102"); state != "offline" || n != 0 {
		t.Errorf("unregistered: %s, %d channels", state, n)
	}
}

// A trunk that does not answer OPTIONS goes offline, and comes back.
func TestARIStatesOfATrunk(t *testing.T) {
	x := newExchange(t)
	w := x.watch("one", "")
	x.ask(200, "POST", "/applications/one/subscription?eventSource=endpoint:PJSIP/texts,deviceState:PJSIP/texts", "", nil)
	if state, _ := x.endpoint("texts"); state != "online" {
		t.Errorf("at first %s", state)
	}
	x.device.quiet(true)
	w.event("EndpointStateChange", func(e map[string]any) bool {
		return at(e, "endpoint", "resource") == "texts" && at(e, "endpoint", "state") == "offline"
	})
	w.device("PJSIP/texts", "UNAVAILABLE")
	if state, _ := x.endpoint("texts"); state != "offline" {
		t.Errorf("without an answer it is %s", state)
	}
	x.device.quiet(false)
	w.event("EndpointStateChange", func(e map[string]any) bool {
		return at(e, "endpoint", "resource") == "texts" && at(e, "endpoint", "state") == "online"
	})
	w.device("PJSIP/texts", "NOT_INUSE")
}

// Texts and references reach devices, and texts of devices reach applications.
func TestARITexts(t *testing.T) {
	x := newExchange(t)
	w := x.watch("texts", "")
	x.ask(200, "POST", "/applications/texts/subscription?eventSource=endpoint:PJSIP", "", nil)

	x.ask(202, "PUT", "/endpoints/sendMessage?to=pjsip:4930@texts&from=sip:desk@test.local", `{"body":"Grüße","variables":{"X-Ticket":"4711"}}`, nil)
	m := x.device.next()
	for _, want := range []string{"MESSAGE sip:4930@127.0.0.1", "X-Ticket: 4711", "\r\n\r\nGrüße", "sip:desk@"} {
		if !strings.Contains(m, want) {
			t.Errorf("the message lacks %q:\n%s", want, m)
		}
	}
	x.ask(202, "PUT", "/endpoints/PJSIP/texts/sendMessage?from=sip:desk@test.local&body=hello", "", nil)
	if m := x.device.next(); !strings.HasSuffix(m, "\r\n\r\nhello") {
		t.Errorf("the message is\n%s", m)
	}
	x.ask(404, "PUT", "/endpoints/PJSIP/nobody/sendMessage?from=sip:desk@test.local&body=hello", "", nil)
	x.ask(404, "PUT", "/endpoints/sendMessage?to=pjsip:nobody&from=sip:desk@test.local&body=hello", "", nil)
	x.ask(400, "PUT", "/endpoints/sendMessage?from=sip:desk@test.local&body=hello", "", nil)

	x.ask(202, "POST", "/endpoints/PJSIP/texts/refer?from=sip:desk@test.local&refer_to=sip:4940@test.local", `{"variables":{"X-Ticket":"4712"}}`, nil)
	r := x.device.next()
	for _, want := range []string{"REFER sip:", "X-Ticket: 4712", "Refer-To: <sip:4940@test.local>"} {
		if !strings.Contains(r, want) {
			t.Errorf("the reference lacks %q:\n%s", want, r)
		}
	}

	_, err := x.device.conn.WriteTo([]byte(strings.ReplaceAll(fmt.Sprintf(`MESSAGE sip:lab@test.local SIP/2.0
Via: SIP/2.0/UDP 127.0.0.1:%d;branch=z9hG4bK-text-1
Max-Forwards: 70
From: "Pager" <sip:4930@127.0.0.1>;tag=pager
To: <sip:lab@test.local>
Call-ID: text-1
CSeq: 1 MESSAGE
X-Mood: good
Content-Type: text/plain
Content-Length: 5

howdy`, x.device.port()), "\n", "\r\n")), &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: x.SIP})
	x.must(err)
	if a := x.device.next(); !strings.HasPrefix(a, "SIP/2.0 202") {
		t.Errorf("the text is answered with\n%s", a)
	}
	e := w.event("TextMessageReceived", nil)
	for _, c := range []struct {
		path []string
		want any
	}{
		{[]string{"message", "body"}, "howdy"}, {[]string{"message", "from"}, `"Pager" <sip:4930@127.0.0.1>`},
		{[]string{"message", "to"}, "pjsip:lab@test.local"}, {[]string{"message", "variables", "X-Mood"}, "good"},
		{[]string{"endpoint", "resource"}, "texts"},
	} {
		if got := at(e, c.path...); got != c.want {
			t.Errorf("%v is %v, want %v in %v", c.path, got, c.want, e)
		}
	}
}

// Devices that applications and dialplans set, and mailboxes, are there after a restart;
// the dialplan sees them.
func TestARIDevicesAfterARestart(t *testing.T) {
	x := newExchange(t)
	w := x.watch("one", "")
	x.ask(200, "POST", "/applications/one/subscription?eventSource=deviceState:Stasis:door,deviceState:Custom:lamp", "", nil)
	x.ask(204, "PUT", "/deviceStates/Stasis:door?deviceState=INUSE", "", nil)
	w.device("Stasis:door", "INUSE")
	x.ask(409, "PUT", "/deviceStates/Custom:lamp?deviceState=INUSE", "", nil)
	x.ask(204, "POST", "/asterisk/variable?variable=DEVICE_STATE(Custom:lamp)&value=RINGING", "", nil)
	w.device("Custom:lamp", "RINGING")
	x.ask(204, "PUT", "/mailboxes/101@office?oldMessages=3&newMessages=2", "", nil)
	x.ask(204, "POST", "/asterisk/variable?variable=GREETING&value=hello", "", nil)

	x.Kill()
	x.Start()
	if s := x.deviceState("Stasis:door"); s != "INUSE" {
		t.Errorf("Stasis:door is %s", s)
	}
	if s := x.deviceState("Custom:lamp"); s != "RINGING" {
		t.Errorf("Custom:lamp is %s", s)
	}
	var list []struct{ Name, State string }
	x.ask(200, "GET", "/deviceStates", "", &list)
	if len(list) != 1 || list[0].Name != "Stasis:door" {
		t.Errorf("devices of applications: %v", list)
	}
	var box struct {
		Old int `json:"old_messages"`
		New int `json:"new_messages"`
	}
	x.ask(200, "GET", "/mailboxes/101@office", "", &box)
	if box.Old != 3 || box.New != 2 {
		t.Errorf("mailbox %v", box)
	}
	p := x.phone("101", softphone.Rule{}, 0)
	c, err := p.Dial(x.brief(), "5")
	x.must(err)
	x.must(c.WaitEnded(x.brief()))
	x.logged("states 102=UNAVAILABLE stasis=INUSE lamp=RINGING")
	x.ask(204, "DELETE", "/deviceStates/Stasis:door", "", nil)
	x.ask(204, "DELETE", "/mailboxes/101@office", "", nil)
	x.ask(404, "GET", "/mailboxes/101@office", "", nil)
}

// logged waits for a line of the log.
func (x *exchange) logged(text string) {
	x.t.Helper()
	for ctx := x.brief(); !x.Log.Contains(text); {
		select {
		case <-ctx.Done():
			x.t.Fatalf("the log lacks %q", text)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// A call that comes in enters an application by the dialplan, goes on behind it, and
// tells applications what the dialplan wants to tell.
func TestARIInbound(t *testing.T) {
	x := newExchange(t)
	w := x.watch("lab", "")
	p := x.phone("101", softphone.Rule{}, 0)
	c, err := p.Dial(x.brief(), "7")
	x.must(err)
	start := w.event("StasisStart", nil)
	if args := fmt.Sprint(start["args"]); args != "[a,b c]" {
		t.Errorf("args %s", args)
	}
	id := at(start, "channel", "id").(string)
	if at(start, "channel", "state") != "Ring" || at(start, "channel", "caller", "number") != "101" || at(start, "channel", "dialplan", "app_name") != "Stasis" {
		t.Errorf("%v", start)
	}
	x.ask(204, "POST", "/channels/"+id+"/variable?variable=TICKET&value=4711", "", nil)
	x.ask(204, "POST", "/channels/"+id+"/answer", "", nil)
	x.must(c.WaitAnswered(x.brief()))
	if e := w.event("ChannelStateChange", nil); at(e, "channel", "channelvars", "TICKET") != "4711" {
		t.Errorf("%v", e)
	}
	x.ask(200, "POST", "/applications/lab/subscription?eventSource=channel:"+id, "", nil)
	x.ask(204, "POST", "/channels/"+id+"/continue", "", nil)
	w.event("StasisEnd", nil)
	e := w.event("ChannelUserevent", nil)
	if e["eventname"] != "Told" || at(e, "userevent", "Colour") != "blue" || at(e, "userevent", "Number") != "5" || at(e, "channel", "id") != id {
		t.Errorf("%v", e)
	}
	x.logged("back from the application with SUCCESS")
	if s := x.deviceState("Custom:lamp"); s != "INUSE" {
		t.Errorf("Custom:lamp is %s", s)
	}
	x.ask(204, "POST", "/events/user/Mine?application=lab&source=channel:"+id, `{"variables":{"a":1,"b":{"c":[2]}}}`, nil)
	e = w.event("ChannelUserevent", func(e map[string]any) bool { return e["eventname"] == "Mine" })
	if at(e, "userevent", "a") != 1.0 || at(e, "channel", "id") != id {
		t.Errorf("%v", e)
	}
	c.Hangup()

	c, err = p.Dial(x.brief(), "9") // an application that is not connected
	x.must(err)
	x.must(c.WaitAnswered(x.brief()))
	x.must(c.WaitEnded(x.brief()))
	x.logged("nobody is there: FAILED")
}

// A call is offered to several applications; the first that claims it has it.
func TestARIBroadcast(t *testing.T) {
	x := newExchange(t)
	one, two, other := x.watch("bids1", ""), x.watch("bids2", ""), x.watch("other", "")
	p := x.phone("101", softphone.Rule{}, 0)
	c, err := p.Dial(x.brief(), "8")
	x.must(err)
	id := at(one.event("CallBroadcast", nil), "channel", "id").(string)
	two.event("CallBroadcast", nil)
	x.ask(204, "POST", "/events/claim?channelId="+id+"&application=bids2", "", nil)
	x.ask(409, "POST", "/events/claim?channelId="+id+"&application=bids1", "", nil)
	if e := one.event("CallClaimed", nil); e["winner_app"] != "bids2" {
		t.Errorf("%v", e)
	}
	if e := two.event("StasisStart", nil); fmt.Sprint(e["args"]) != "[x y]" || at(e, "channel", "id") != id {
		t.Errorf("%v", e)
	}
	x.ask(204, "DELETE", "/channels/"+id, "", nil)
	x.must(c.WaitEnded(x.brief()))
	x.ask(204, "POST", "/events/user/End?application=other", "", nil)
	_, b, err := other.conn.Read(x.brief())
	x.must(err)
	if !strings.Contains(string(b), `"eventname":"End"`) {
		t.Errorf("an application that was offered nothing hears %s", b)
	}
}

// A request of our own API goes on in an application, with outcome and record as any
// other, and is refused before anybody's phone rings if the application is not there.
func TestARIApplicationOfARequest(t *testing.T) {
	x := newExchange(t)
	p := x.phone("102", softphone.Rule{}, 0)
	request := map[string]any{"first": "102", "app": map[string]any{"name": "lab", "args": []string{"a,b", `say "hi"`, `c\d`, ""}}, "retry": map[string]any{"max": 1, "wait": "1s"}}

	r := x.Call(t, request)
	if r.Call["disposition"] != "FAILED" || len(r.Attempts) != 2 || !strings.Contains(fmt.Sprint(r.Attempts[1]), "the application lab is not connected") {
		t.Errorf("%v\n%v", r.Call, r.Attempts)
	}
	if p.Counts().Invites != 0 {
		t.Errorf("the phone was rung for an application that is not connected")
	}

	w := x.watch("lab", "")
	id := x.Submit(t, request)
	start := w.event("StasisStart", nil)
	if got, want := fmt.Sprintf("%q", start["args"]), `["a,b" "say \"hi\"" "c\\d" ""]`; got != want {
		t.Errorf("args %s, want %s", got, want)
	}
	x.ask(204, "DELETE", "/channels/"+at(start, "channel", "id").(string), "", nil)
	x.AwaitEnd(t, id).Ended(t, harness.Want{Disposition: "ANSWERED", Cause: 16})
}

// status is what a user gets for a request.
func (x *exchange) status(method, base, user, password string, header ...string) (int, http.Header) {
	x.t.Helper()
	r, err := http.NewRequestWithContext(x.brief(), method, base, nil)
	x.must(err)
	r.SetBasicAuth(user, password)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	x.must(err)
	x.must(resp.Body.Close())
	return resp.StatusCode, resp.Header
}

// Keys of the section [ari] that change live do so, for users that are logged in too.
func TestARIReload(t *testing.T) {
	x := newExchange(t)
	ping := fmt.Sprintf("http://127.0.0.1:%d/ari/asterisk/ping", x.HTTP)
	conf := filepath.Join(x.Dir, "dialwright.toml")
	text, err := os.ReadFile(conf)
	x.must(err)
	change := func(edit ...string) {
		t.Helper()
		x.must(os.WriteFile(conf, []byte(strings.NewReplacer(edit...).Replace(string(text))), 0o600))
		if out := x.CLI("config", "reload"); out.Code != 0 || !strings.Contains(out.Stdout, "ari") {
			t.Fatalf("%+v", out)
		}
	}
	want := func(status int, user, password string) {
		t.Helper()
		if got, _ := x.status("GET", ping, user, password); got != status {
			t.Errorf("%s is answered with %d, want %d", user, got, status)
		}
	}
	want(200, "reader", "readpass-1")
	want(401, "extra", "extrapass-1")
	far := &http.Server{}
	connected := make(chan *http.Request, 1)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	x.must(err)
	far.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"ari"}})
		if err != nil {
			return
		}
		if _, b, err := conn.Read(r.Context()); err != nil || !strings.Contains(string(b), `"ApplicationRegistered"`) {
			t.Errorf("%s %v", b, err)
		}
		connected <- r
		<-conn.CloseRead(x.t.Context()).Done()
	})
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = far.Serve(l) // ends by the Close below
	}()
	defer func() {
		x.must(far.Close())
		<-done
	}()
	change("[ari]\n", "[ari]\nrealm = \"Switch\"\nallowed_origins = [\"https://a.example\"]\n", "readpass-1", "readpass-2", "[ari.users.lab]",
		"[ari.users.extra]\npassword = \"extrapass-1\"\ndeny = [\"127.0.0.0/8\"]\npermit = [\"127.0.0.1\"]\n[ari.users.far]\npassword = \"extrapass-1\"\npermit = [\"127.0.0.0/8\"]\ndeny = [\"127.0.0.1\"]\n"+
			fmt.Sprintf("[ari.outbound.out]\nuri = \"ws://%s/\"\nusername = \"pbx\"\npassword = \"pbxpass\"\napps = [\"out\"]\nlocal_user = \"lab\"\n", l.Addr())+"[ari.users.lab]")
	want(401, "reader", "readpass-1")
	want(200, "reader", "readpass-2")
	want(200, "extra", "extrapass-1")
	want(403, "far", "extrapass-1")
	if status, h := x.status("GET", ping, "lab", "wrong", "Origin", "https://a.example"); status != 401 || h.Get("WWW-Authenticate") != `Basic realm="Switch"` ||
		h.Get("Access-Control-Allow-Origin") != "https://a.example" {
		t.Errorf("%d %v", status, h)
	}
	select {
	case r := <-connected:
		if user, password, _ := r.BasicAuth(); user != "pbx" || password != "pbxpass" {
			t.Errorf("logs in as %s %s", user, password)
		}
	case <-x.brief().Done():
		t.Error("the connection that is new is not opened")
	}
	x.ask(200, "GET", "/applications/out", "", nil)
}

// Users of an Asterisk log in here as they did there, with ari.conf as it is written for
// it: templates, included files, hashed passwords, named lists of networks.
func TestARIUsersOfAnAsterisk(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	etc := filepath.Join(root, "etc")
	x := &exchange{t: t}
	x.must(os.MkdirAll(filepath.Join(etc, "ari.d"), 0o755))
	sip, web := harness.FreePort(t), harness.FreePort(t)
	for name, text := range map[string]string{
		"asterisk.conf": "[directories]\nastetcdir => %ROOT%/etc\nastspooldir => %ROOT%/spool\nastvarlibdir => %ROOT%/lib\n",
		"pjsip.conf":    fmt.Sprintf("[udp]\ntype = transport\nprotocol = udp\nbind = 127.0.0.1:%d\n", sip),
		"http.conf":     fmt.Sprintf("[general]\nservername=Asterisk\nenabled=yes\nbindaddr=127.0.0.1\nbindport=%d\nprefix=asterisk\n[/ari]\ntype = restriction\nacl = loopback\n", web),
		"acl.conf":      "[loopback]\ndeny=0.0.0.0/0.0.0.0\npermit=127.0.0.0/255.0.0.0\n",
		"ari.conf": `[general]
enabled = yes       ; When set to no, ARI support is disabled.
;pretty = no
[user](!)
type = user
[plain](user)
password = plainpass
[reader](user)
read_only = yes
password = readpass
[own](user)
password = theirs
#include "ari.d/*.conf"
`,
		"ari.d/hashes.conf": `[six](user)
password_format = crypt
password = $6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1
[both](user)
password = bothpass
deny = 127.0.0.1
[general](+)
allowed_origins = https://a.example
`,
	} {
		x.must(os.WriteFile(filepath.Join(etc, name), []byte(strings.ReplaceAll(text, "%ROOT%", root)), 0o644))
	}
	x.Server = harness.StartAsterisk(t, etc, sip, "[ari.users.own]\npassword = \"ours-and-long\"\n")
	base := fmt.Sprintf("http://127.0.0.1:%d/asterisk/ari", web)
	for _, c := range []struct {
		method, path, user, password string
		status                       int
	}{
		{"GET", "/asterisk/ping", "plain", "plainpass", 200}, {"GET", "/asterisk/ping", "plain", "readpass", 401},
		{"GET", "/asterisk/ping", "six", "Hello world!", 200}, {"GET", "/asterisk/ping", "six", "Hello world", 401},
		{"GET", "/asterisk/ping", "reader", "readpass", 200}, {"POST", "/bridges", "reader", "readpass", 403}, {"POST", "/bridges", "plain", "plainpass", 200},
		{"GET", "/asterisk/ping", "own", "theirs", 401}, {"GET", "/asterisk/ping", "own", "ours-and-long", 200},
		{"GET", "/asterisk/ping", "both", "bothpass", 401}, // left out, with a warning: two lists of networks
	} {
		if got, _ := x.status(c.method, base+c.path, c.user, c.password); got != c.status {
			t.Errorf("%s %s as %s with %s: %d, want %d", c.method, c.path, c.user, c.password, got, c.status)
		}
	}
	if _, h := x.status("GET", base+"/asterisk/ping", "plain", "plainpass", "Origin", "https://a.example"); h.Get("Access-Control-Allow-Origin") == "" {
		t.Errorf("%v", h)
	}
	out := x.CLI("check", "--config", filepath.Join(x.Dir, "dialwright.toml"), "--asterisk-dir", etc)
	if out.Code != 0 || !strings.Contains(out.Stdout+out.Stderr, "hashes.conf:4: [both] has networks of its own") {
		t.Errorf("%+v", out)
	}
}
