package peers

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/dialwright/dialwright/internal/softphone"
	"github.com/dialwright/dialwright/test/harness"
)

// parkPlan is the dialplan of seed 004's comment C14, whose application fetches the
// call, and phones that can park and fetch by themselves.
const parkPlan = `[office]
include => parkedcalls
exten => 6,1,Set(PARKINGEXTEN=705)
 same => n,Park(,,,,s)
exten => 7,1,Stasis(lab)
 same => n,Hangup()
`

// newParkingLot is an exchange with two phones, whose dialplan is plan; "" = none.
func newParkingLot(t *testing.T, plan string) (x *exchange, alice, bob *softphone.Phone) {
	t.Helper()
	t.Parallel()
	x = &exchange{t: t}
	parts := []string{
		harness.Phone("101", `context = "office"`), harness.Phone("102", `context = "office"`),
		"[ari.users.lab]\npassword = \"labpass-1\"\n",
	}
	if plan != "" {
		file := filepath.Join(t.TempDir(), "extensions.conf")
		x.must(os.WriteFile(file, []byte(plan), 0o644))
		parts = append(parts, fmt.Sprintf("[dialplan]\nfile = %q\n", file))
	}
	x.Server = harness.StartWith(t, harness.Limits{HTTP: true}, parts...)
	return x, x.speaker("101"), x.speaker("102")
}

// tones are what the phones send.
var tones = map[string]float64{"101": 500, "102": 800}

// speaker starts a phone that sends its tone and answers, and waits until it has registered.
func (x *exchange) speaker(name string) *softphone.Phone {
	x.t.Helper()
	p, err := softphone.New(softphone.Config{
		User: name, Password: "secret-" + name, Server: fmt.Sprintf("127.0.0.1:%d", x.SIP), Domain: "test.local", Tone: tones[name],
	})
	x.must(err)
	x.must(p.Start(x.t.Context()))
	x.t.Cleanup(func() {
		if err := p.Stop(context.WithoutCancel(x.t.Context())); err != nil {
			x.t.Error(err)
		}
	})
	x.must(p.WaitRegistered(x.brief()))
	return p
}

// dial lets a phone call a number, which answers.
func (x *exchange) dial(p *softphone.Phone, number string) *softphone.Call {
	x.t.Helper()
	c, err := p.Dial(x.brief(), number)
	x.must(err)
	x.must(c.WaitAnswered(x.brief()))
	return c
}

// talk waits until the calls of both phones hear the tone of the other one.
func (x *exchange) talk(alice, bob *softphone.Call) {
	x.t.Helper()
	x.must(alice.WaitTone(x.brief(), tones["102"]))
	x.must(bob.WaitTone(x.brief(), tones["101"]))
}

// inApp waits until a channel is in the application, and gives its id.
func (w *watcher) inApp(fits func(e map[string]any) bool) string {
	w.x.t.Helper()
	id, _ := at(w.event("StasisStart", fits), "channel", "id").(string)
	return id
}

// parked waits until a channel is in a space of the default lot.
func (w *watcher) parked() {
	w.x.t.Helper()
	w.event("ChannelEnteredBridge", func(e map[string]any) bool {
		return at(e, "bridge", "bridge_class") == "parking" && at(e, "bridge", "bridge_type") == "holding" && at(e, "bridge", "name") == "default"
	})
}

// variable reads a channel variable.
func (x *exchange) variable(channel, name string) string {
	x.t.Helper()
	var v struct{ Value string }
	x.ask(200, "GET", "/channels/"+channel+"/variable?variable="+name, "", &v)
	return v.Value
}

// The dialplan parks, and an application fetches the call by originating a Local channel
// to its space, and bridges that with a phone.
func TestParkedByDialplanFetchedByARI(t *testing.T) {
	x, alice, bob := newParkingLot(t, parkPlan)
	app := x.watch("lab", "&subscribeAll=true")
	parked := x.dial(alice, "6")
	app.parked()

	x.ask(200, "POST", "/channels?endpoint=Local/705@parkedcalls&app=lab&channelId=fetch&otherChannelId=fetch2", "", nil)
	app.inApp(func(e map[string]any) bool { return at(e, "channel", "id") == "fetch" })
	x.ask(200, "POST", "/channels?endpoint=PJSIP/102&app=lab&channelId=bob", "", nil)
	app.inApp(func(e map[string]any) bool { return at(e, "channel", "id") == "bob" })
	x.ask(200, "POST", "/bridges/talk?type=mixing", "", nil)
	x.ask(204, "POST", "/bridges/talk/addChannel?channel=fetch,bob", "", nil)
	answered, err := bob.NextCall(x.brief())
	x.must(err)
	x.talk(parked, answered)

	x.ask(204, "DELETE", "/channels/fetch", "", nil) // ends the conversation, and with it the parked call
	x.must(parked.WaitEnded(x.brief()))
	answered.Hangup()
}

// An application parks a call by continue, in the space that it wants; a phone of a
// context that includes the lot's fetches it by dialling the space.
func TestParkedByARIFetchedByPhone(t *testing.T) {
	x, alice, bob := newParkingLot(t, parkPlan)
	app := x.watch("lab", "")
	parked, err := alice.Dial(x.brief(), "7") // not answered by the application, but by Park
	x.must(err)
	id := app.inApp(nil)
	x.ask(200, "POST", "/applications/lab/subscription?eventSource=channel:"+id, "", nil)
	x.ask(204, "POST", "/channels/"+id+"/variable?variable=PARKINGEXTEN&value=711", "", nil)
	x.ask(204, "POST", "/channels/"+id+"/continue?context=parkedcalls&extension=700&priority=1", "", nil)
	app.parked()
	x.must(parked.WaitAnswered(x.brief()))
	app.event("ChannelVarset", func(e map[string]any) bool { return e["variable"] == "PARKER_FLAT" })
	if space, by := x.variable(id, "PARKING_SPACE"), x.variable(id, "PARKER"); space != "711" || by != "PJSIP/101" {
		t.Errorf("parked in space %q by %q", space, by)
	}

	fetched := x.dial(bob, "711")
	x.talk(parked, fetched)
	fetched.Hangup()
	x.must(parked.WaitEnded(x.brief()))

	none, err := bob.Dial(x.brief(), "711") // hears that nobody is there, and is hung up
	x.must(err)
	x.must(none.WaitEnded(x.brief()))
}

// Lots are there without a dialplan: an application parks a phone that it has called, and
// connects another one with it by originating that to the space; so does the queue.
func TestParkWithoutDialplan(t *testing.T) {
	x, alice, bob := newParkingLot(t, "")
	app := x.watch("lab", "&subscribeAll=true")
	for _, fetch := range []func(){
		func() {
			x.ask(200, "POST", "/channels?endpoint=Local/701@parkedcalls&extension=102&context=office&priority=1", "", nil)
		},
		func() { x.Submit(t, map[string]any{"first": "Local/701@parkedcalls", "second": "102"}) },
	} {
		x.ask(200, "POST", "/channels?endpoint=PJSIP/101&context=parkedcalls&extension=700&priority=1", "", nil)
		parked, err := alice.NextCall(x.brief())
		x.must(err)
		x.must(parked.WaitAnswered(x.brief()))
		app.parked()
		fetch()
		fetched, err := bob.NextCall(x.brief())
		x.must(err)
		x.must(fetched.WaitAnswered(x.brief()))
		x.talk(parked, fetched)
		fetched.Hangup()
		x.must(parked.WaitEnded(x.brief()))
	}
}
