// Package demo shows the server at work within seconds and without any
// configuration: a complete server on free ports of the loopback interface, two
// real SIP phones that register with it (package softphone), and one call
// through each door.
//
//	temp dir, key ─► server ─► phones 101, 102 register ─► per door: call 101 → 102 ─► both hear the other's tone ─► 102 hangs up
//
// Each phone sends a tone of its own frequency and measures what it hears, so
// that "connected" is proven by ear, in both directions. Nothing leaves the
// machine, and Stop removes the temporary directory.
package demo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/app"
	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/door/auth"
	"github.com/dialwright/dialwright/internal/door/ctl"
	"github.com/dialwright/dialwright/internal/door/rest"
	"github.com/dialwright/dialwright/internal/door/rest/client"
	"github.com/dialwright/dialwright/internal/softphone"
)

// The tones of the phones, far enough from each other, from speech and from the
// tones of telephony.
const (
	toneA = 620.0
	toneB = 1150.0
)

// patience bounds each step that has to wait for phones.
const patience = 15 * time.Second

// Options say where to report.
type Options struct {
	Version string
	Log     io.Writer // of the server; nil = nowhere
	// Begun and Event report each call and what happens to it, in order.
	Begun func(door string, c rest.Call)
	Event func(c rest.Call, e call.Event)
	// Step reports what an application does and hears that places its call by itself.
	Step func(door string, at time.Time, text string)
}

// Demo is a running demonstration.
type Demo struct {
	o      Options
	dir    string
	key    string
	secret string // of the users of ARI, AMI, Vodia's and Switchvox's interfaces
	ready  app.Ready
	app    *app.App
	a, b   *softphone.Phone
	phones []*softphone.Phone
}

// Heard is what the phones of one call heard.
type Heard struct {
	Door string  `json:"door"`
	A    float64 `json:"a_heard_hz"` // what phone A heard; 0 = no tone
	B    float64 `json:"b_heard_hz"`
	Err  error   `json:"-"` // why not both heard the other
}

// OK reports whether each phone heard the other.
func (h Heard) OK() bool { return h.Err == nil }

// String gives the sentence that the demonstration is about.
func (h Heard) String() string {
	word := func(who, whose string, hz float64, ok bool) string {
		if ok {
			return fmt.Sprintf("%s heard %s's tone", who, whose)
		}
		if hz == 0 {
			return fmt.Sprintf("%s heard nothing", who)
		}
		return fmt.Sprintf("%s heard another tone", who)
	}
	near := func(hz, want float64) bool { return hz > want-10 && hz < want+10 }
	return fmt.Sprintf("%s, %s (%.0f Hz, %.0f Hz)",
		word("A", "B", h.A, near(h.A, toneB)), word("B", "A", h.B, near(h.B, toneA)), h.A, h.B)
}

// Start brings up server and phones. When it fails, everything is undone.
func Start(ctx context.Context, o Options) (_ *Demo, err error) {
	d := &Demo{o: o, key: auth.NewKey("demo"), secret: rand.Text()}
	d.dir, err = os.MkdirTemp("", "dialwright-demo-")
	if err != nil {
		return nil, fmt.Errorf("temporary directory: %w; set TMPDIR to one that can be written", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.Stop(context.WithoutCancel(ctx)))
		}
	}()
	secrets := [2]string{rand.Text(), rand.Text()}
	hash := auth.Hash(d.key)
	path := filepath.Join(d.dir, "dialwright.toml")
	if err := os.WriteFile(path, []byte(d.toml(hash, secrets)), 0o600); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(d.dir, "extensions.conf"), []byte(extensions), 0o600); err != nil {
		return nil, err
	}
	d.app, err = app.New(app.Options{Source: app.Source{Path: path}, Log: o.Log, Version: o.Version})
	if err != nil {
		return nil, err
	}
	if d.ready, err = d.app.Start(ctx); err != nil {
		return nil, err
	}
	if d.a, err = d.phone(ctx, "101", "Alice", secrets[0], toneA); err != nil {
		return nil, err
	}
	d.b, err = d.phone(ctx, "102", "Bob", secrets[1], toneB)
	return d, err
}

// extensions is the dialplan into which the demonstration's call file leads.
const extensions = `; Made by dialwright demo.
[demo]
exten => _10X,1,Dial(PJSIP/${EXTEN},20)
`

// toml is the demonstration's configuration: small, and readable by whoever
// looks into the directory.
func (d *Demo) toml(hash string, secrets [2]string) string {
	return fmt.Sprintf(`# Made by dialwright demo.
[server]
data_dir = %[1]q
drain = "2s"
watch = false

[http]
listen = "127.0.0.1:0"

[sip]
listen = ["udp:127.0.0.1:0", "tcp:127.0.0.1:0"]
allow_pretend = true

[phones.101]
password = %[2]q
display_name = "Alice"

[phones.102]
password = %[3]q
display_name = "Bob"

[phones.%[11]s]
password = %[12]q
display_name = "Demo"

[keys.demo]
hash = %[4]q
scopes = ["admin"]

[ari.users.demo]
password = %[6]q

[ami]
listen = "127.0.0.1:0"

[ami.users.demo]
secret = %[6]q
read = ["all"]
write = ["all"]

[dialproxy]
enabled = true

[vodia]
enabled = true

[switchvox]
enabled = true

[links]
enabled = true

[users.101]
password = %[8]q
link_secret = %[6]q
first_name = "Alice"
id = %[9]q

[users.%[10]s]
role = "admin"
password = %[8]q
first_name = "Demo"
phone = %[11]q

[dialplan]
file = %[5]q

[callfile]
dir = %[7]q
`, d.dir, secrets[0], secrets[1], hash, filepath.Join(d.dir, "extensions.conf"), d.secret, d.Spool(), auth.Hash(d.secret), personID, consoleUser, consolePhone, rand.Text())
}

// phone starts a phone that answers after a short ring, and waits until it is
// registered.
func (d *Demo) phone(ctx context.Context, user, name, secret string, tone float64) (*softphone.Phone, error) {
	server, ok := strings.CutPrefix(d.ready.SIP[0], "udp:")
	if !ok {
		return nil, fmt.Errorf("the server's first SIP listener is %s, not UDP", d.ready.SIP[0])
	}
	p, err := softphone.New(softphone.Config{
		User: user, DisplayName: name, Password: secret, Server: server, Tone: tone,
		Rule: softphone.Rule{Action: softphone.Answer, After: 300 * time.Millisecond},
	})
	if err != nil {
		return nil, fmt.Errorf("phone %s: %w", user, err)
	}
	if err := p.Start(ctx); err != nil {
		return nil, fmt.Errorf("phone %s: %w", user, err)
	}
	d.phones = append(d.phones, p)
	wait, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := p.WaitRegistered(wait); err != nil {
		return nil, fmt.Errorf("phone %s does not register: %w", user, err)
	}
	return p, nil
}

// Ready says where the server can be reached.
func (d *Demo) Ready() app.Ready { return d.ready }

// Key is the API key of the demonstration's server.
func (d *Demo) Key() string { return d.key }

// ARI gives the address of the Asterisk REST Interface, with a user who may log in.
func (d *Demo) ARI() string { return d.ready.HTTP + "/ari?api_key=" + ariUser + ":" + d.secret }

// AMI gives the address of the Asterisk Manager Interface, with a user who may log in.
func (d *Demo) AMI() (address, user, secret string) { return d.ready.AMI, amiUser, d.secret }

// Dialproxy gives the link that dials a number, which is to follow.
func (d *Demo) Dialproxy() string { return d.ready.HTTP + "/dialproxy.php?ext=" + label + "&num=" }

// Pages gives the address of the page with the elements for web pages, with who may log in.
func (d *Demo) Pages() (address, user, password string) {
	return d.ready.HTTP + "/click-to-dial", person, d.secret
}

// Phones gives name and address of each phone.
func (d *Demo) Phones() []string {
	var out []string
	for _, p := range d.phones {
		out = append(out, p.URI())
	}
	return out
}

// Doors lists the doors through which Call places calls.
func (d *Demo) Doors() []string {
	return []string{"rest", "cli", "callfile", "ari", "ami", "dialproxy", "vodia", "switchvox", "link"}
}

// Spool is the folder of call files.
func (d *Demo) Spool() string { return filepath.Join(d.dir, "outgoing") }

// Call places a call from 101 to 102 through a door, listens at both ends,
// hangs up at 102 and follows the call to its end.
func (d *Demo) Call(ctx context.Context, door string) (Heard, error) {
	switch door {
	case "ari":
		return d.callByApplication(ctx)
	case "ami":
		return d.callByManager(ctx)
	}
	cl, err := d.client(door)
	if err != nil {
		return Heard{}, err
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(ctx, 3*patience)
	defer cancel()
	made, err := d.place(ctx, cl, door)
	if err != nil {
		return Heard{}, fmt.Errorf("door %s: %w", door, err)
	}
	if d.o.Begun != nil {
		d.o.Begun(door, made)
	}
	ears := make(chan Heard, 1)
	go func() { ears <- d.listen(ctx, door) }()
	err = d.follow(ctx, cl, made)
	if err != nil {
		cancel() // nothing more will be heard
	}
	h := <-ears
	if err != nil && h.Err == nil {
		h.Err = err
	}
	return h, nil
}

// place asks for a call through a door and gives it.
func (d *Demo) place(ctx context.Context, cl *client.Client, door string) (made rest.Call, err error) {
	switch door {
	case "dialproxy":
		return d.click(ctx, cl)
	case "vodia":
		return d.callByVodia(ctx, cl)
	case "switchvox":
		return d.callBySwitchvox(ctx, cl)
	case "link":
		return d.callByLink(ctx, cl)
	}
	if door != "callfile" {
		body := map[string]any{"first": "101", "second": "102", "reference": "demo " + door}
		err = cl.Post(ctx, "/v1/calls", body, &made)
		return made, err
	}
	const name = "demo.call"
	text := "Channel: PJSIP/101\nContext: demo\nExtension: 102\nCallerID: \"Demo\" <102>\n"
	tmp := filepath.Join(d.dir, name) // beside the folder, then moved in: never seen half written
	if err := os.WriteFile(tmp, []byte(text), 0o600); err != nil {
		return made, err
	}
	if err := os.Rename(tmp, filepath.Join(d.Spool(), name)); err != nil {
		return made, err
	}
	for e, err := range cl.Events(ctx, 0, nil, nil) {
		if err != nil {
			return made, err
		}
		if e.Type == call.EvAccepted && e.Reference == name {
			err = cl.Get(ctx, "/v1/calls/"+string(e.Call), nil, &made)
			return made, err
		}
	}
	return made, fmt.Errorf("the call file did not become a call: %w", context.Cause(ctx))
}

func (d *Demo) client(door string) (*client.Client, error) {
	if door == "rest" {
		return client.New(client.Options{URL: d.ready.HTTP, Key: d.key})
	}
	dir := d.ready.DataDir
	return client.New(client.Options{Dial: func(ctx context.Context) (net.Conn, error) { return ctl.Dial(ctx, dir) }})
}

// follow reports the call's events until its end.
func (d *Demo) follow(ctx context.Context, cl *client.Client, made rest.Call) error {
	for e, err := range cl.Events(ctx, 0, url.Values{"call": {made.ID}}, nil) {
		if err != nil {
			return err
		}
		if d.o.Event != nil {
			d.o.Event(made, e)
		}
		if e.State.Done() {
			return nil
		}
	}
	return fmt.Errorf("the call %s did not come to its end: %w", made.ID, context.Cause(ctx))
}

// listen waits for the call at both phones and for the other's tone in each,
// then hangs up at B.
func (d *Demo) listen(ctx context.Context, door string) Heard {
	h := Heard{Door: door}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	atA, err := d.a.NextCall(ctx)
	if err != nil {
		h.Err = fmt.Errorf("phone 101 was not rung: %w", err)
		return h
	}
	atB, err := d.b.NextCall(ctx)
	if err != nil {
		h.Err = fmt.Errorf("phone 102 was not rung: %w", err)
		atA.Hangup()
		return h
	}
	h.Err = errors.Join(wrap("A", atA.WaitTone(ctx, toneB)), wrap("B", atB.WaitTone(ctx, toneA)))
	h.A, _ = atA.Heard()
	h.B, _ = atB.Heard()
	atB.Hangup()
	if h.Err == nil { // both ends are over before the next call begins
		h.Err = errors.Join(wrap("A", atA.WaitEnded(ctx)), wrap("B", atB.WaitEnded(ctx)))
	}
	return h
}

func wrap(who string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("phone %s: %w", who, err)
}

// Rest lets the phones go on for visitors: calls to them are answered and, so
// that they end by themselves, hung up after a while.
func (d *Demo) Rest(talk time.Duration) {
	for _, p := range d.phones {
		p.SetRule(softphone.Rule{Action: softphone.Answer, After: time.Second, HangupAfter: talk})
	}
}

// Failed gives the error of a door that broke.
func (d *Demo) Failed() <-chan error { return d.app.Failed() }

// Stop ends phones and server and removes the directory.
func (d *Demo) Stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var errs []error
	for _, p := range d.phones {
		errs = append(errs, p.Stop(ctx))
	}
	if d.app != nil {
		errs = append(errs, d.app.Stop(ctx))
	}
	return errors.Join(append(errs, os.RemoveAll(d.dir))...)
}
