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
exten => 7,1,Stasis(%APP%,"a,b",c)
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

func newExchange(t *testing.T, more ...string) *exchange {
	t.Helper()
	t.Parallel()
	x := &exchange{t: t, device: newTextDevice(t)}
	plan := filepath.Join(t.TempDir(), "extensions.conf")
	if err := os.WriteFile(plan, []byte(strings.ReplaceAll(exchangePlan, "%APP%", "lab")), 0o644); err != nil {
		t.Fatal(err)
	}
	x.Server = harness.StartWith(t, harness.Limits{HTTP: true}, append(more,
		harness.Phone("101", `context = "office"`), harness.Phone("102", `context = "office"`+"\nchannels = -1\n"),
		harness.Trunk("texts", x.device.port(), "qualify = \"1s\"\ncontext = \"office\"\nmatch = [\"127.0.0.1/32\"]\n"),
		fmt.Sprintf("[dialplan]\nfile = %q\n", plan),
		"[ari]\nchannel_vars = [\"TICKET\"]\n[ari.users.lab]\npassword = \"labpass-1\"\n[ari.users.reader]\npassword = \"readpass-1\"\nread_only = true\n")...)
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
