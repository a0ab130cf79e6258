package peers

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/softphone"
	"github.com/dialwright/dialwright/test/aritrace"
	"github.com/dialwright/dialwright/test/harness"
	"github.com/dialwright/dialwright/test/node"
)

// office is a server with two phones: SIPp, which behaves as the number that is called says,
// and one that tells what it hears.
type office struct {
	t     *testing.T
	lab   aritrace.Lab
	sipp  *harness.SIPp
	phone *softphone.Phone
}

func newOffice(t *testing.T) *office {
	t.Helper()
	t.Parallel()
	node.Require(t)
	lab := aritrace.Lab{SIP: harness.FreePort(t), HTTP: harness.FreePort(t), Phone: harness.FreePort(t)}
	o := &office{t: t, lab: lab, sipp: aritrace.StartPhone(t, lab.Phone)}
	p, err := softphone.New(softphone.Config{User: "agent", Tone: 1000})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	o.phone = p
	harness.StartAsterisk(t, lab.WriteOurs(t, t.TempDir()), lab.SIP,
		harness.Trunk("callee", lab.Phone, "context = \"from-callee\"\ncodecs = [\"pcmu\"]\nmatch = [\"127.0.0.1/32\"]\n"))
	return o
}

// start runs a scenario whose first leg is the phone that tells what it hears.
func (o *office) start(name string) *node.Scenario {
	return node.Start(o.t, o.lab.Target(), name, "PHONE=PJSIP/callee/"+o.phone.URI())
}

// ring waits until the phone is called.
func (o *office) ring() *softphone.Call {
	o.t.Helper()
	ctx, cancel := context.WithTimeout(o.t.Context(), 15*time.Second)
	defer cancel()
	c, err := o.phone.NextCall(ctx)
	if err != nil {
		o.t.Fatal(err)
	}
	return c
}

// hears waits until a call hears a tone.
func (o *office) hears(c *softphone.Call, hz float64) {
	o.t.Helper()
	ctx, cancel := context.WithTimeout(o.t.Context(), 10*time.Second)
	defer cancel()
	if err := c.WaitTone(ctx, hz); err != nil {
		o.t.Fatal(err)
	}
}

// What is heard in the laboratory: its sounds, and SIPp's phones.
const (
	soundHz = 440
	phoneHz = 500
)

// The client builds itself from our /ari/api-docs, calls, and hangs up. The phone sees who
// calls.
func TestAriClientOriginate(t *testing.T) {
	o := newOffice(t)
	s := o.start("originate")
	c := o.ring()
	s.Wait()
	if who := c.Info().Remote; who.DisplayName != "Alice" || who.User != "1001" {
		t.Errorf("the phone saw %+v, want Alice 1001", who)
	}
}

// The first leg hears what the second leg plays before it answers, with no more than a
// bridge between them; the second leg sees who calls.
func TestAriClientCreateBridgeDial(t *testing.T) {
	o := newOffice(t)
	s := o.start("createdial")
	c := o.ring()
	o.hears(c, phoneHz)
	if s.Said("event Dial customer ANSWER") {
		t.Error("the phone heard the second leg only when it had answered")
	}
	tr := s.Wait()
	invite := o.sipp.Messages()
	if !strings.Contains(invite, `"Agent" <sip:1001@`) {
		t.Error("the second leg does not see the agent's number")
	}
	ordered(t, tr, "Dial customer ", "Dial customer PROGRESS", "ChannelStateChange customer Up", "Dial customer ANSWER", "StasisEnd customer", "ChannelDestroyed customer")
}

// Legs that are not answered end with the cause and the SIP status of their refusal.
func TestAriClientRefusals(t *testing.T) {
	o := newOffice(t)
	o.start("refusals").Wait()
}

// A sound is heard, paused, heard again.
func TestAriClientPlayback(t *testing.T) {
	o := newOffice(t)
	s := o.start("playback")
	o.hears(o.ring(), soundHz)
	ordered(t, s.Wait(), "PlaybackStarted once", "PlaybackFinished once", "PlaybackStarted long", "PlaybackFinished long",
		"PlaybackStarted list", "PlaybackContinuing list", "PlaybackContinuing list", "PlaybackFinished list", "PlaybackFinished missing")
}

// What is recorded is what was said: the file holds it, and another leg hears it.
func TestAriClientRecording(t *testing.T) {
	o := newOffice(t)
	s := o.start("recording")
	o.hears(o.ring(), phoneHz)
	ordered(t, s.Wait(), "RecordingStarted desk/one", "RecordingFinished desk/one", "PlaybackStarted again", "PlaybackFinished again")
}

// Digits that a phone presses reach the application, and those that it sends the phone.
func TestAriClientDTMF(t *testing.T) {
	o := newOffice(t)
	s := o.start("dtmf")
	c := o.ring()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	if err := c.WaitDigits(ctx, "12*#"); err != nil {
		t.Error(err)
	}
	ordered(t, s.Wait(), "ChannelDtmfReceived presses 1", "ChannelDtmfReceived presses 2", "ChannelDtmfReceived presses #")
}

// Members of a bridge hear what is played to it, and each other.
func TestAriClientBridges(t *testing.T) {
	o := newOffice(t)
	s := o.start("bridges")
	one := o.ring()
	o.ring()
	o.ring()
	o.hears(one, soundHz)
	s.Wait()
}

func TestAriClientSubscriptions(t *testing.T) {
	o := newOffice(t)
	o.start("subscriptions").Wait()
}

func TestAriClientVariables(t *testing.T) {
	o := newOffice(t)
	o.start("variables").Wait()
}

// A supervisor hears the party that he listens to.
func TestAriClientSnoop(t *testing.T) {
	o := newOffice(t)
	s := o.start("snoop")
	o.hears(o.ring(), phoneHz)
	s.Wait()
}

// An application that takes calls, asks for a digit and puts through.
func TestAriClientOperator(t *testing.T) {
	o := newOffice(t)
	s := o.start("operator")
	s.Await("waiting for a call")
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
	defer cancel()
	c, err := o.phone.Dial(ctx, fmt.Sprintf("sip:reception@127.0.0.1:%d", o.lab.SIP))
	if err != nil {
		t.Fatal(err)
	}
	o.hears(c, soundHz)
	if err := c.SendDTMF(ctx, "7#", false); err != nil {
		t.Fatal(err)
	}
	s.Await("put through")
	o.hears(c, phoneHz)
	c.Hangup()
	s.Wait()
}

// ordered checks that these events came in this order: type, id and the state, digit or
// status that they tell of; others may come between them.
func ordered(t *testing.T, tr node.Transcript, want ...string) {
	t.Helper()
	rest := want
	var got []string
	for _, e := range tr.Events {
		text := brief(e)
		got = append(got, text)
		if len(rest) > 0 && text == rest[0] {
			rest = rest[1:]
		}
	}
	if len(rest) > 0 {
		t.Errorf("event %q did not come, or not in its turn, in:\n%s", rest[0], strings.Join(got, "\n"))
	}
}

func brief(e map[string]any) string {
	words := []string{fmt.Sprint(e["type"])}
	for _, k := range []string{"channel", "peer", "playback", "recording"} {
		if o, ok := e[k].(map[string]any); ok {
			id, named := o["id"]
			if !named {
				id = o["name"]
			}
			words = append(words, fmt.Sprint(id))
			if e["type"] == "ChannelStateChange" {
				words = append(words, fmt.Sprint(o["state"]))
			}
		}
	}
	for _, k := range []string{"dialstatus", "digit"} {
		if v, ok := e[k].(string); ok {
			words = append(words, v)
		}
	}
	return strings.Join(words, " ")
}
