package apps_test

import (
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/local"
	"github.com/dialwright/dialwright/internal/parking"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/pbx/pbxtest"
)

// inLot is a booth with parking lots, whose extensions are there.
func inLot(t *testing.T, lots, extensions string, f func(t *testing.T, b *booth)) {
	dir := t.TempDir()
	writeMusic(t, dir)
	if lots != "" {
		write(t, filepath.Join(dir, "etc", parking.FileName), lots)
	}
	inBoothWith(t, dir, pbx.Options{MusicOn: "tone:700"}, "[t]\n", nil, func(t *testing.T, b *booth) {
		list, problems := parking.LoadDir(filepath.Join(dir, "etc"), t.Errorf).Extensions()
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		var extra []dialplan.Extra
		for _, x := range list {
			extra = append(extra, dialplan.Extra(x))
		}
		plan, _, err := dialplan.Load(fstest.MapFS{"x": {Data: []byte(extensions)}}, "x", dialplan.LoadOptions{Extra: extra})
		if err != nil {
			t.Fatal(err)
		}
		b.m.SetPlan(plan)
		b.Switch.SetDialplan(b.m.Dialplan())
		b.Switch.Register(local.NewWith(b.Switch, local.Options{Exists: b.m.Exists}))
		f(t, b)
	})
}

// exten lets a phone call an extension of any context.
func (b *booth) exten(phone, context, exten string) (*pbx.Channel, *pbxtest.Phone) {
	b.t.Helper()
	return b.Incoming(phone, b.m.Handler(run.Position{Context: context, Exten: exten, Priority: 1}))
}

// stays says whether a channel is where it is for so long.
func (b *booth) stays(c *pbx.Channel, long time.Duration) bool {
	select {
	case <-c.Gone():
		return false
	case <-time.After(long):
		return true
	}
}

const parkPlan = `[in]
include => parkedcalls
[t]
exten => seed,1,Set(PARKINGEXTEN=702)
 same => n,Park(,,,,s)
 same => n,Log(NOTICE,next ${PARKING_SPACE})
exten => quiet,1,Park(default,s)
 same => n,Log(NOTICE,next ${PARKING_SPACE})
exten => loud,1,Park()
exten => get,1,ParkedCall()
exten => olget,1,ParkedCall(702)
exten => none,1,ParkedCall(default,709)
 same => n,Log(NOTICE,not here)
exten => badspace,1,ParkedCall(default,x)
exten => nolot,1,Park(nosuch,s)
 same => n,Log(NOTICE,no lot)
exten => ring,1,Park(,rs)
exten => c,1,Park(,st(2)c(t,back,1))
exten => badc,1,Park(,st(1)c(t,back,nolabel))
exten => old,1,Park(1500,t,back,1,s)
exten => old1,1,Park(1500)
exten => back,1,Log(NOTICE,back ${PARKING_SPACE} ${PARKEDLOT} ${PARKER} ${PARKER_FLAT} ${COMEBACKDIALTIME})
exten => sent,1,Set(BLINDTRANSFER=Studio/carol-00000009)
 same => n,Park(,t(1))
exten => var,1,Set(PARKINGLOT=two)
 same => n,Park(,s)
exten => chan,1,Set(CHANNEL(parkinglot)=two)
 same => n,Park(,s)
exten => outside,1,Set(PARKINGEXTEN=5)
 same => n,Park(,s)
exten => h,1,Log(NOTICE,h ${CALLERID(num)})
`

// The seed's scenario: the dialplan chooses the space, an application connects itself
// with who is in there by originating a Local channel.
func TestParkAndUnparkByLocal(t *testing.T) {
	inLot(t, "", parkPlan, func(t *testing.T, b *booth) {
		a, alice := b.call("alice", "seed")
		if !b.stays(a, 30*time.Second) {
			t.Fatal("alice was not parked")
		}
		alice.Expect("music", 700)
		if got := get(a, "PARKING_SPACE") + " " + get(a, "PARKEDLOT") + " " + get(a, "PARKER"); got != "702 default Studio/alice" {
			t.Errorf("parked at %q", got)
		}
		app, err := b.Switch.Create(t.Context(), pbx.CreateOptions{Endpoint: "Local/702@parkedcalls"})
		if err != nil {
			t.Fatal(err)
		}
		if err := app.Dial(pbx.DialOptions{}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if s := app.State(); s != pbx.Up {
			t.Fatalf("the Local channel is %s", s)
		}
		c, carol := b.Up("carol")
		join, err := b.Switch.NewBridge(pbx.BridgeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range []*pbx.Channel{app, c} {
			if err := join.Add(m, pbx.AddOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		alice.Says(400)
		carol.Says(1000)
		<-time.After(time.Second)
		alice.Expect("carol", 1000)
		carol.Expect("alice", 400)
		if !b.stays(a, time.Minute) {
			t.Error("the time in the space counts for who was fetched")
		}
		app.Hangup(16)
		b.wait(a)
		b.expect("h alice") // Park is not followed by anything (observed: Asterisk 22.10)
	})
}

// Who hangs up ends the other one; the space is free from the moment it is fetched.
func TestParkedCall(t *testing.T) {
	inLot(t, "", parkPlan, func(t *testing.T, b *booth) {
		for _, exten := range []string{"get", "olget"} {
			for _, parkedLeaves := range []bool{true, false} {
				a, alice := b.call("alice", "seed")
				f, _ := b.call("frank", exten)
				alice.Says(400)
				again, _ := b.call("gina", exten)
				b.wait(again)
				if f.Snapshot().Bridge == "" || f.Snapshot().Bridge != a.Snapshot().Bridge {
					t.Errorf("%s: they are in bridges %q and %q", exten, f.Snapshot().Bridge, a.Snapshot().Bridge)
				}
				if parkedLeaves {
					alice.HangUp()
				} else {
					b.Phone("frank").HangUp()
				}
				b.wait(a)
				b.wait(f)
			}
		}
		if left := b.Switch.Bridges(); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
		b.traced()
		for _, exten := range []string{"none", "badspace", "get"} {
			c, _ := b.call("alice", exten)
			b.wait(c)
			b.expect("h alice")
		}
		if !b.hasWarning("is no parking space") {
			t.Error("a space that is none was not told")
		}
	})
}

// A parked call that hangs up is not there any more.
func TestParkedHangsUp(t *testing.T) {
	inLot(t, "", parkPlan, func(t *testing.T, b *booth) {
		a, alice := b.exten("alice", "in", "700")
		if get(a, "PARKING_SPACE") != "701" {
			t.Errorf("alice is at %q", get(a, "PARKING_SPACE"))
		}
		alice.HangUp()
		b.wait(a)
		c, _ := b.exten("bob", "in", "701")
		b.wait(c)
		a, _ = b.exten("alice", "in", "700")
		if get(a, "PARKING_SPACE") != "701" {
			t.Errorf("then alice is at %q", get(a, "PARKING_SPACE"))
		}
	})
}

// What cannot be parked goes on; what is asked for beside the lot is told.
func TestParkRefused(t *testing.T) {
	inLot(t, "[default]\nparkext=700\nparkpos=701-701\n", parkPlan, func(t *testing.T, b *booth) {
		c, _ := b.call("alice", "nolot")
		b.wait(c)
		b.expect("no lot", "h alice")
		first, _ := b.call("alice", "outside")
		if get(first, "PARKING_SPACE") != "701" || !b.hasWarning("no space of parking lot default (701-701)") {
			t.Errorf("PARKINGEXTEN=5 parks at %q; %s", get(first, "PARKING_SPACE"), b.warn.text())
		}
		c, _ = b.call("bob", "quiet")
		b.wait(c)
		b.expect("next ", "h bob")
	})
}

// The space is said to who parks itself, and to nobody who was sent there.
func TestParkAnnounced(t *testing.T) {
	inLot(t, "", parkPlan, func(t *testing.T, b *booth) {
		for exten, want := range map[string]string{"loud": "digits:701", "quiet": "", "sent": "", "ring": ""} {
			said, stop := b.Switch.Subscribe(pbx.EventFilter{Types: []pbx.EventType{pbx.PlaybackStarted}}, 10)
			a, alice := b.call("alice", exten)
			synctest.Wait()
			stop()
			got := ""
			for e := range said {
				got += e.Playback.MediaURI
			}
			if got != want {
				t.Errorf("%s: %q was said, want %q", exten, got, want)
			}
			if exten == "ring" {
				if uri, err := a.Background(); err != nil || uri != "tone:ring" {
					t.Errorf("option r lets hear %q, %v", uri, err)
				}
			}
			alice.HangUp()
			b.wait(a)
		}
	})
}

// Where a call goes when its time is over.
func TestParkTimeout(t *testing.T) {
	const lots = "[default]\nparkext=700\nparkpos=701-702\nparkingtime=5\ncomebackdialtime=7\n" +
		"[two]\nparkpos=801-802\nparkingtime=3\ncomebacktoorigin=no\ncomebackcontext=backs\n"
	const plan = parkPlan + "[backs]\nexten => s,1,Log(NOTICE,backs ${PARKING_SPACE} ${PARKEDLOT})\n" +
		"exten => Studio_dave,1,Log(NOTICE,dave's)\n[default]\nexten => s,1,Log(NOTICE,default)\n"
	inLot(t, lots, plan, func(t *testing.T, b *booth) {
		for _, test := range []struct {
			exten, phone string
			after        time.Duration
			want         []string
		}{
			{"c", "alice", 2 * time.Second, []string{"back 701 default Studio/alice Studio_alice 7", "h alice"}},
			{"old", "alice", 1500 * time.Millisecond, []string{"back 701 default Studio/alice Studio_alice 7", "h alice"}},
			{"var", "alice", 3 * time.Second, []string{"backs 801 two"}},
			{"chan", "dave", 3 * time.Second, []string{"dave's"}},
		} {
			begun := time.Now()
			c, _ := b.call(test.phone, test.exten)
			b.wait(c)
			if d := time.Since(begun); d != test.after {
				t.Errorf("%s comes back after %v, want %v", test.exten, d, test.after)
			}
			b.expect(test.want...)
		}
		c, _ := b.call("alice", "badc") // then as the lot says
		if !b.stays(c, 2*time.Second) || !b.hasWarning("nolabel") {
			t.Errorf("a place that is not there: %s", b.warn.text())
		}
	})
}

// The call comes back to who has parked it: that phone rings, and they talk.
func TestParkComesBack(t *testing.T) {
	inLot(t, "", parkPlan, func(t *testing.T, b *booth) {
		for exten, parker := range map[string]string{"sent": "carol", "old1": "alice"} {
			c, alice := b.call("alice", exten)
			<-time.After(2 * time.Second)
			at := b.m.Exec(c).Position()
			if at.Context != parking.ComebackContext || at.Exten != "Studio_"+parker {
				t.Errorf("%s: alice is at %s", exten, at)
			}
			p := b.Phone(parker)
			if p == alice {
				t.Fatalf("%s: %s was not called", exten, parker)
			}
			p.Answers()
			p.Says(1000)
			<-time.After(time.Second)
			alice.Expect(parker, 1000)
			p.HangUp()
			b.wait(c)
		}
	})
}

// Call files and originates without a dialplan end up in one when the time is over.
func TestParkAsApplication(t *testing.T) {
	inLot(t, "", parkPlan, func(t *testing.T, b *booth) {
		c, _ := b.Incoming("alice", b.m.Application("Park", "default,sc(t,back,1)t(1)"))
		b.wait(c)
		b.expect("back 701 default Studio/alice Studio_alice 30", "h alice")
	})
}

// ParkAndAnnounce, in the new and the old form: somebody hears the template, and
// the Local channel's dialplan knows the space.
func TestParkAndAnnounce(t *testing.T) {
	for name, args := range map[string]string{
		"new": "default,t(5)c(t,back,1),beep:PARKED,Local/hear@t", "old": "beep:PARKED,5,Local/hear@t,t,back,1",
	} {
		t.Run(name, func(t *testing.T) {
			inLot(t, "", parkPlan+"exten => ann,1,ParkAndAnnounce("+args+")\nexten => bad,1,ParkAndAnnounce(,,,)\n same => n,Log(NOTICE,next)\n"+
				"exten => hear,1,Log(NOTICE,at ${PARKEDAT})\n same => n,Answer()\n same => n,Wait(4)\n", func(t *testing.T, b *booth) {
				said, stop := b.Switch.Subscribe(pbx.EventFilter{Types: []pbx.EventType{pbx.PlaybackStarted}}, 10)
				c, _ := b.call("alice", "ann")
				b.wait(c)
				stop()
				var heard []string
				for e := range said {
					heard = append(heard, e.Playback.MediaURI)
				}
				if got := strings.Join(heard, " "); got != "sound:beep digits:701" {
					t.Errorf("heard: %s", got)
				}
				if got := b.traced(); len(got) == 0 || got[0] != "at 701" {
					t.Errorf("trace %q", got)
				}
				c, _ = b.call("alice", "bad")
				b.wait(c)
				if got := b.traced(); !cmp.Equal(got, []string{"next", "h alice"}) {
					t.Errorf("without arguments: %q", got)
				}
			})
		})
	}
}

// A lot's options for who was fetched: a tone, and codes to hang up.
func TestPickupOptions(t *testing.T) {
	const lots = "[default]\nparkext=700\nparkpos=701-702\ncourtesytone=beep\nparkedplay=both\nparkedcallhangup=caller\nparkedmusicclass=none\n"
	inLot(t, lots, parkPlan, func(t *testing.T, b *booth) {
		said, stop := b.Switch.Subscribe(pbx.EventFilter{Types: []pbx.EventType{pbx.PlaybackStarted}}, 10)
		a, _ := b.call("alice", "quiet")
		if !b.hasWarning("none") {
			t.Error("parkedmusicclass was not asked for")
		}
		f, frank := b.call("frank", "get")
		<-time.After(2 * time.Second)
		stop()
		heard := map[string]bool{}
		for e := range said {
			heard[e.Channel.ID] = e.Playback.MediaURI == "sound:beep"
		}
		if d := cmp.Diff(map[string]bool{a.ID(): true, f.ID(): true}, heard); d != "" {
			t.Errorf("who heard the tone: %s", d)
		}
		frank.Press("*")
		b.wait(f)
		b.wait(a)
	})
}

// Another handler takes a parked call: no h, no space.
func TestParkedIsRedirected(t *testing.T) {
	inLot(t, "", parkPlan, func(t *testing.T, b *booth) {
		a, _ := b.call("alice", "quiet")
		if err := a.Run(b.m.Handler(run.Position{Context: "t", Exten: "back", Priority: 1})); err != nil {
			t.Fatal(err)
		}
		b.wait(a)
		b.expect("back 701 default Studio/alice Studio_alice ", "h alice")
		c, _ := b.call("bob", "get")
		b.wait(c)
	})
}
