package ami

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/pbx/pbxtest"
)

// TestChannelActionsAsTraced says what was said to Asterisk about a call, and wants its
// answers (trace s3). What the command line and the core answer is another test's.
func TestChannelActionsAsTraced(t *testing.T) {
	inParlour(t, nil, func(t *testing.T, p *parlour) {
		u := p.tracer("off")
		u.say("Action: Originate", "Channel: PJSIP/alice", "Context: default", "Exten: 601", "Priority: 1", `CallerID: "Web Call" <5551234>`, "Variable: FOO=bar")
		u.answered("Success", "Originate successfully queued")
		settled()
		n := 0
		for _, e := range dialogues(t, "s3_actions_on_a_call") {
			if strings.Contains(e.request, "Action: Command") || strings.Contains(e.request, "Action: CoreS") && !strings.Contains(e.request, "CoreShow") {
				continue
			}
			if strings.HasSuffix(e.request, "ActionID: 50") {
				time.Sleep(2 * time.Second) // of the bubble: the call is over
			}
			u.say(strings.Split(p.ours(e.request), "\n")...)
			for _, a := range e.answers {
				if got, want := speech(u.next()), speech(a); got != want {
					t.Fatalf("%s\n\ngot\n%s\n\nwant\n%s", e.request, got, want)
				}
			}
			n++
			settled()
		}
		if n < 50 {
			t.Errorf("%d exchanges", n)
		}
		if got := p.texts.sent(); !slices.Equal(got, []string{"5551234 > pjsip:alice: hello"}) {
			t.Errorf("sent %q", got)
		}
	})
}

// speech is alike with the codec that is spoken.
func speech(p string) string {
	lines := strings.Split(p, "\n")
	spoken := slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return !formats.MatchString(l) })
	return alike(p) + strings.Join(spoken, "\n")
}

// TestChannelActionErrors asks for what is not there or not complete. $1 is a channel in no
// bridge, $2 and $3 are two that talk (observed: Asterisk 22.10, but for those with a reason).
func TestChannelActionErrors(t *testing.T) {
	inParlour(t, nil, func(t *testing.T, p *parlour) {
		c, _ := p.calls("carol", "default", "700")
		a, b, _, _ := p.talks()
		u := p.tracer("off")
		for _, x := range [...]struct{ say, want string }{
			{"Hangup", "No channel specified"},
			{"Hangup|Channel: x", "No such channel"},
			{"Hangup|Channel: /x", "Regex format invalid, Channel param should be /regex/"},
			{"Hangup|Channel: /(/", "Regex compile failed on: /(/"},
			{"Hangup|Channel: /nobody/", "+Channels hung up will follow"},
			{"Status|Channel: x", "No such channel"},
			{"Status", "+Channel status will follow"},
			{"CoreShowChannelMap", "CoreShowChannelMap requires a channel."},
			{"CoreShowChannelMap|Channel: x", "Could not get channel snapshot"},
			{"CoreShowChannelMap|Channel: $2", "+Channel map will follow"},
			{"Getvar", "No variable specified"},
			{"Getvar|Channel: x|Variable: A", "No such channel"},
			{"Setvar", "No variable specified"},
			{"Setvar|Channel: x|Variable: A", "No such channel"},
			{"Setvar|Channel: $1|Variable: NOFUNC(x)|Value: 1", "Variable not set"}, // there is no such function
			{"Redirect", "Channel not specified"},
			{"Redirect|Channel: $1", "Context not specified"},
			{"Redirect|Channel: $1|Context: xfer", "Exten not specified"},
			{"Redirect|Channel: $1|Context: xfer|Exten: 7", "Priority not specified"},
			{"Redirect|Channel: $1|Context: xfer|Exten: 7|Priority: nope", "Priority is invalid"},
			{"Redirect|Channel: x|Context: xfer|Exten: 7|Priority: 1", "Channel does not exist: x"},
			{"Redirect|Channel: $1|Context: xfer|Exten: 7|Priority: 1|ExtraChannel: x", "ExtraChannel does not exist: x"},
			{"Redirect|Channel: $1|Context: xfer|Exten: 7|Priority: 1|ExtraChannel: x|ExtraContext: xfer", "ExtraExten not specified"},
			{"Redirect|Channel: $1|Context: xfer|Exten: 7|Priority: 1|ExtraChannel: x|ExtraContext: xfer|ExtraExten: 7", "ExtraPriority not specified"},
			{"Redirect|Channel: $1|Context: xfer|Exten: 7|Priority: 1|ExtraChannel: x|ExtraContext: xfer|ExtraExten: 7|ExtraPriority: nope", "ExtraPriority is invalid"},
			{"Redirect|Channel: $1|Context: denied|Exten: 1|Priority: 1", "Redirect failed"},                                                                    // the account may not
			{"Redirect|Channel: $2|Context: xfer|Exten: 7|Priority: 1|ExtraChannel: $3|ExtraContext: denied|ExtraExten: 1|ExtraPriority: 1", "Redirect failed"}, // neither goes
			{"BlindTransfer", "No channel specified"},
			{"BlindTransfer|Channel: $1", "No extension specified"},
			{"BlindTransfer|Channel: x|Exten: 7", "Channel specified does not exist"},
			{"BlindTransfer|Channel: $1|Exten: 7|Context: xfer", "Transfer invalid"},
			{"BlindTransfer|Channel: $2|Exten: 1|Context: denied", "Transfer not permitted"}, // the account may not
			{"Atxfer", "No channel specified"},
			{"Atxfer|Channel: $1", "No extension specified"},
			{"Atxfer|Channel: x|Exten: 7", "Channel specified does not exist"},
			{"Atxfer|Channel: $2|Exten: 7", "No attended transfer feature code found"},
			{"CancelAtxfer", "No channel specified"},
			{"CancelAtxfer|Channel: x", "Channel specified does not exist"},
			{"CancelAtxfer|Channel: $2", "No disconnect feature code found"},
			{"AbsoluteTimeout", "No channel specified"},
			{"AbsoluteTimeout|Channel: x", "No timeout specified"},
			{"AbsoluteTimeout|Channel: x|Timeout: 1", "No such channel"},
			{"AbsoluteTimeout|Channel: $1|Timeout: x", "No timeout specified"},
			{"AbsoluteTimeout|Channel: $1|Timeout: -1", "No timeout specified"},
			{"AbsoluteTimeout|Channel: $1|Timeout: NaN", "No timeout specified"},
			{"Bridge", "Missing channel parameter in request"},
			{"Bridge|Channel1: $1", "Missing channel parameter in request"},
			{"Bridge|Channel1: x|Channel2: $1", "Channel1 does not exist: x"},
			{"Bridge|Channel1: $1|Channel2: x", "Channel2 does not exist: x"},
			{"Bridge|Channel1: $1|Channel2: $1", "Unable to bridge a channel with itself"}, // Asterisk tells of its inner workings
			{"BridgeInfo", "BridgeUniqueid must be provided"},
			{"BridgeInfo|BridgeUniqueid: x", "Specified BridgeUniqueid not found"},
			{"BridgeDestroy", "BridgeUniqueid must be provided"},
			{"BridgeDestroy|BridgeUniqueid: x", "Specified BridgeUniqueid not found"},
			{"BridgeKick", "Channel must be provided"},
			{"BridgeKick|Channel: x", "Channel does not exist"},
			{"BridgeKick|Channel: $1", "Channel is not in a bridge"},
			{"BridgeKick|Channel: $1|BridgeUniqueid: x", "Bridge not found"},
			{"BridgeKick|Channel: $1|BridgeUniqueid: $4", "Channel is not in the specified bridge"},
			{"Park", "Channel not specified"},
			{"Park|Channel: x", "Channel does not exist: x"},
			{"Park|Channel: x|Timeout: y", "Invalid Timeout value."},
			{"Park|Channel: $1|Timeout: -5", "Invalid Timeout value."},
			{"Park|Channel: $1|TimeoutChannel: x", "TimeoutChannel does not exist: x"}, // Asterisk parks, and rings nobody
			{"Park|Channel: $1|Parkinglot: nosuch", "Park action failed"},
			{"ParkedCalls|Parkinglot: nosuch", "Requested parking lot could not be found."},
			{"ParkedCalls", "+Parked calls will follow"},
			{"Parkinglots", "+Parking lots will follow"},
			{"PlayDTMF", "Channel not found"},
			{"PlayDTMF|Channel: x|Digit: 1", "Channel not found"},
			{"PlayDTMF|Channel: $1", "No digit specified"},
			{"PlayDTMF|Channel: $1|Digit: 1|Duration: x", "Could not convert Duration parameter"},
			{"PlayDTMF|Channel: $1|Digit: 1|Duration: -3", "Could not convert Duration parameter"}, // Asterisk never answers again
			{"PlayDTMF|Channel: $1|Digit: z", "Digit must be one of 0-9, A-D, * and #"},            // Asterisk queues it
			{"SendText", "No channel specified"},
			{"SendText|Channel: $1", "No Message specified"},
			{"SendText|Channel: x|Message: a", "No such channel"},
			{"SendText|Channel: $1|Message: refused", "Failure"}, // by the phone, at once
			{"MixMonitor", "No channel specified"},
			{"MixMonitor|Channel: x|File: a.wav", "No such channel"},
			{"MixMonitor|Channel: $1", "Could not start monitoring channel"},
			{"StopMixMonitor", "No channel specified"},
			{"StopMixMonitor|Channel: x", "No such channel"},
			{"StopMixMonitor|Channel: $1", "Could not stop monitoring channel"},
			{"MixMonitorMute", "No direction specified. Must be read, write or both"},
			{"MixMonitorMute|Channel: $1|Direction: up|State: 1", "Invalid direction specified. Must be read, write or both"},
			{"MixMonitorMute|Channel: $1|Direction: both", "No state specified"},
			{"MixMonitorMute|Direction: both|State: 1", "No channel specified"},
			{"MixMonitorMute|Channel: x|Direction: both|State: 1", "No such channel"},
			{"MixMonitorMute|Channel: $1|Direction: both|State: 1", "Cannot set mute flag"},
			{"MuteAudio", "Channel not specified"},
			{"MuteAudio|Channel: $1", "State not specified"},
			{"MuteAudio|Channel: $1|State: on", "Direction not specified"},
			{"MuteAudio|Channel: x|State: on|Direction: in", "No such channel"},
			{"MuteAudio|Channel: $1|State: on|Direction: sideways", "Failed to mute/unmute stream"},
		} {
			got := u.order(x.say, c.Name(), a.Name(), b.Name(), a.Snapshot().Bridge)
			if got != x.want {
				t.Errorf("%s: %q, want %q", x.say, got, x.want)
			}
		}
		p.at("after all that", c, "default,700,2 Wait")
		p.at("after all that", a, "default,102,1 Dial")
	})
}

// TestBlindTransferTheRightLeg names the called party: it leaves, and the caller goes on; and
// the other way round (trace t1). The two do not run in step, so it tries often.
func TestBlindTransferTheRightLeg(t *testing.T) {
	for i := range 40 {
		inParlour(t, nil, func(t *testing.T, p *parlour) {
			a, b, _, _ := p.talks()
			leaves, stays := b, a
			if i%2 == 1 {
				leaves, stays = a, b
			}
			p.want(p.tracer("off").order("BlindTransfer|Channel: $1|Context: xfer|Exten: 777", leaves.Name()), "+Transfer succeeded")
			p.at("who leaves", leaves, "hung up")
			p.at("who stays", stays, "xfer,777,2 Wait")
			if sn := stays.Snapshot(); sn.Bridge != "" {
				t.Errorf("still in bridge %s", sn.Bridge)
			}
		})
	}
}

// TestRedirect sends one party elsewhere, and the other is hung up (t2); or both (t3).
func TestRedirect(t *testing.T) {
	for i := range 40 {
		inParlour(t, nil, func(t *testing.T, p *parlour) {
			a, b, _, _ := p.talks()
			u := p.tracer("off")
			switch i % 4 {
			case 0:
				p.want(u.order("Redirect|Channel: $1|Context: xfer|Exten: 777|Priority: here", a.Name()), "+Redirect successful")
				p.at("the caller", a, "xfer,777,2 Wait")
				p.at("the called party", b, "hung up")
			case 1:
				p.want(u.order("Redirect|Channel: $1|Context: xfer|Exten: 777|Priority: 1", b.Name()), "+Redirect successful")
				p.at("the called party", b, "xfer,777,2 Wait")
			case 2:
				p.want(u.order("Redirect|Channel: $1|Context: xfer|Exten: 777|Priority: 1|ExtraChannel: $2", a.Name(), b.Name()), "+Dual Redirect successful")
				p.at("the caller", a, "xfer,777,2 Wait")
				p.at("the called party", b, "xfer,777,2 Wait")
			case 3:
				p.want(u.order("Redirect|Channel: $1|Context: xfer|Exten: 778|Priority: 1|ExtraChannel: $2|ExtraContext: xfer|ExtraExten: 777|ExtraPriority: 2", b.Name(), a.Name()), "+Dual Redirect successful")
				p.at("the caller", a, "xfer,777,2 Wait")
				p.at("the called party", b, "xfer,778,2 Wait")
			}
		})
	}
}

// TestBridgeTwoCalls joins two calls: they hear each other, and who is left goes on at its
// next step (trace t4).
func TestBridgeTwoCalls(t *testing.T) {
	inParlour(t, nil, func(t *testing.T, p *parlour) {
		a, alice := p.calls("alice", "default", "601")
		b, bob := p.calls("bob", "default", "601")
		alice.Says(400)
		bob.Says(600)
		u := p.tracer("off")
		p.want(u.order("Bridge|Channel1: $1|Channel2: $2", a.Name(), b.Name()), "+Channels have been bridged")
		alice.Expect("in the bridge", 600)
		bob.Expect("in the bridge", 400)
		in := a.Snapshot().Bridge
		if in == "" || in != b.Snapshot().Bridge {
			t.Fatal("they are not in one bridge")
		}
		u.say("Action: BridgeInfo", "BridgeUniqueid: "+in)
		u.next()
		for range 2 {
			if m := u.next(); !strings.HasPrefix(m, "Event: BridgeInfoChannel\nChannel: Studio/") || !strings.Contains(m, "\nPriority: 3\n") {
				t.Errorf("a member is %s", m)
			}
		}
		u.next()
		u.say("Action: BridgeList", "BridgeType: basic")
		u.next()
		if m := u.next(); !strings.HasPrefix(m, "Event: BridgeListItem\nBridgeUniqueid: "+in+"\nBridgeType: basic\nBridgeTechnology: ") {
			t.Error(m)
		}
		u.next()
		if x, y := a.Snapshot(), b.Snapshot(); x.LinkedID != y.LinkedID || x.Connected.Number != "bob" || y.Connected.Number != "alice" || x.App != "" {
			t.Errorf("linked %s and %s, connected %q and %q, running %q", x.LinkedID, y.LinkedID, x.Connected.Number, y.Connected.Number, x.App)
		}
		p.want(u.order("Hangup|Channel: $1|Cause: 31", a.Name()), "+Channel Hungup")
		p.at("who is left", b, "default,601,3 Wait")
		if r, ok := a.Result(); !ok || r.Cause != 31 {
			t.Errorf("ended with %v", r)
		}
		if list := p.sw.Bridges(); len(list) != 0 {
			t.Errorf("%d bridges are left", len(list))
		}
	})
}

// TestBridgeTakesFromADial joins a party of one call with one of another. Who talked with
// them before is left alone.
func TestBridgeTakesFromADial(t *testing.T) {
	inParlour(t, nil, func(t *testing.T, p *parlour) {
		a, b, alice, bob := p.talks()
		c, carol := p.calls("carol", "default", "601")
		alice.Says(400)
		bob.Says(600)
		carol.Says(800)
		p.want(p.tracer("off").order("Bridge|Channel1: $1|Channel2: $2|Tone: no", b.Name(), c.Name()), "+Channels have been bridged")
		bob.Expect("in the bridge", 800)
		carol.Expect("in the bridge", 600)
		if sn := a.Snapshot(); !sn.HungUp && sn.Bridge == b.Snapshot().Bridge {
			t.Error("alice listens")
		}
		carol.HangUp()
		p.at("who has nothing left to do", b, "hung up")
	})
}

// TestBridgeKickAndDestroy takes parties out of a bridge.
func TestBridgeKickAndDestroy(t *testing.T) {
	inParlour(t, nil, func(t *testing.T, p *parlour) {
		a, b, _, _ := p.talks()
		u := p.tracer("off")
		p.want(u.order("BridgeKick|Channel: $1|BridgeUniqueid: $2", b.Name(), a.Snapshot().Bridge), "+Channel has been kicked")
		p.at("who is kicked", b, "hung up")
		c, _ := p.calls("carol", "default", "601")
		d, _ := p.calls("dave", "default", "601")
		p.want(u.order("Bridge|Channel1: $1|Channel2: $2", c.Name(), d.Name()), "+Channels have been bridged")
		p.want(u.order("BridgeDestroy|BridgeUniqueid: $1", c.Snapshot().Bridge), "+Bridge has been destroyed")
		p.at("out of it", c, "default,601,3 Wait")
		p.at("out of it", d, "default,601,3 Wait")
		p.want(u.order("Bridge|Channel1: $1|Channel2: $2", c.Name(), d.Name()), "+Channels have been bridged")
		p.want(u.order("BridgeKick|Channel: $1", c.Name()), "+Channel has been kicked")
		p.at("who is kicked", c, "hung up") // step 4
	})
}

// TestParkFromADial parks the called party: it hears music, who talked with it is hung up,
// and TimeoutChannel is rung when the time is over (trace t5).
func TestParkFromADial(t *testing.T) {
	inParlour(t, nil, func(t *testing.T, p *parlour) {
		a, b, alice, bob := p.talks()
		alice.Says(400)
		u := p.tracer("off")
		begun := time.Now()
		p.want(u.order("Park|Channel: $1|TimeoutChannel: $2|Timeout: 3000", b.Name(), a.Name()), "+Park successful")
		bob.Expect("parked", 700)
		p.at("who talked with it", a, "hung up")
		u.say("Action: ParkedCalls", "ActionID: 1")
		u.next()
		m := u.next()
		for _, part := range [...]string{
			"Event: ParkedCall\nParkeeChannel: " + b.Name(), "\nParkerDialString: Studio/alice\nParkinglot: default\nParkingSpace: 701\nParkingTimeout: 2\nParkingDuration: 1\nActionID: 1",
		} {
			if !strings.Contains(m, part) {
				t.Errorf("no %q in\n%s", part, m)
			}
		}
		u.want("Event: ParkedCallsComplete", "ActionID: 1", "EventList: Complete", "ListItems: 1", "Total: 1")
		time.Sleep(2900*time.Millisecond - time.Since(begun)) // of the bubble
		synctest.Wait()
		if n := len(p.sw.Channels()); n != 1 {
			t.Errorf("%d channels before the time is over", n)
		}
		time.Sleep(200 * time.Millisecond)
		synctest.Wait()
		again := p.st.Phone("alice")
		if again == alice {
			t.Fatal("alice is not rung again")
		}
		again.Answers()
		again.Says(900)
		bob.Expect("back", 900)
	})
}

// TestParkSomebodyAlone parks a channel that runs its dialplan, and it leaves by hanging up.
func TestParkSomebodyAlone(t *testing.T) {
	inParlour(t, nil, func(t *testing.T, p *parlour) {
		c, carol := p.calls("carol", "default", "700")
		u := p.tracer("off")
		p.want(u.order("Park|Channel: $1", c.Name()), "+Park successful")
		synctest.Wait()
		if sn := c.Snapshot(); sn.HungUp || sn.App != "Park" {
			t.Errorf("it runs %q, hung up %v", sn.App, sn.HungUp)
		}
		carol.HangUp()
		<-c.Gone()
		u.say("Action: ParkedCalls")
		u.next()
		u.want("Event: ParkedCallsComplete", "EventList: Complete", "ListItems: 0", "Total: 0")
	})
}

// TestAbsoluteTimeout ends a channel in its dialplan, which may have an extension T, on the
// called side of a Dial, and in Stasis (trace t8).
func TestAbsoluteTimeout(t *testing.T) {
	inParlour(t, nil, func(t *testing.T, p *parlour) {
		u := p.tracer("off")
		over := func() { time.Sleep(1600 * time.Millisecond); synctest.Wait() } // of the bubble
		c, _ := p.calls("carol", "default", "700")
		p.want(u.order("AbsoluteTimeout|Channel: $1|Timeout: 1.5", c.Name()), "+Timeout Set")
		time.Sleep(1400 * time.Millisecond)
		p.at("before", c, "default,700,2 Wait")
		over()
		p.at("with an extension T", c, "default,T,2 Wait")
		d, _ := p.calls("dave", "plain", "601")
		p.want(u.order("AbsoluteTimeout|Channel: $1|Timeout: 1", d.Name()), "+Timeout Set")
		over()
		p.at("without", d, "hung up")
		a, b, _, _ := p.talks()
		p.want(u.order("AbsoluteTimeout|Channel: $1|Timeout: 1", b.Name()), "+Timeout Set")
		over()
		p.at("the called party", b, "hung up")
		p.at("the caller", a, "hung up")
		e, _ := p.calls("erin", "plain", "601")
		if err := e.Run(pbx.HandlerFunc(stays)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		p.want(u.order("AbsoluteTimeout|Channel: $1|Timeout: 1", e.Name()), "+Timeout Set")
		u.say("Action: Status", "Channel: "+e.Name())
		u.next()
		if m := u.next(); !strings.Contains(m, "\nTimeToHangup: 9") {
			t.Error(m) // the bubble's clock begins in 2000
		}
		u.next()
		over()
		p.at("in a handler of another kind", e, "hung up")
		f, _ := p.calls("frank", "plain", "601")
		p.want(u.order("AbsoluteTimeout|Channel: $1|Timeout: Inf", f.Name()), "+Timeout Set")
		p.want(u.order("AbsoluteTimeout|Channel: $1|Timeout: 1e300", f.Name()), "+Timeout Set")
		over()
		p.at("in a very long time", f, "plain,601,2 Wait")
	})
}

// TestMixMonitorByManager records a call: both voices, one of them while the other is muted, and
// one of several recordings by its id (trace t9).
func TestMixMonitorByManager(t *testing.T) {
	inParlour(t, nil, func(t *testing.T, p *parlour) {
		a, _, alice, bob := p.talks()
		alice.Says(400)
		bob.Says(600)
		u := p.tracer("off")
		record := func(mute string) []int {
			t.Helper()
			p.want(u.order("MixMonitor|Channel: $1|File: talk.wav", a.Name()), "+")
			if mute != "" {
				p.want(u.order("MixMonitorMute|Channel: $1|Direction: "+mute+"|State: 1", a.Name()), "+")
			}
			time.Sleep(2 * time.Second) // of the bubble
			p.want(u.order("StopMixMonitor|Channel: $1", a.Name()), "+")
			synctest.Wait()
			pcm := pbxtest.ReadFile(t, filepath.Join(p.dir, "monitor"), "talk.wav")
			return pbxtest.Tones(pcm[len(pcm)/2:])
		}
		for mute, want := range map[string][]int{"": {400, 600}, "read": {600}, "write": {400}, "both": nil} {
			if got := record(mute); !slices.Equal(got, want) {
				t.Errorf("mute %q: %v Hz, want %v", mute, got, want)
			}
		}
		u.say("Action: MixMonitor", "Channel: "+a.Name(), "File: one.wav", "Options: i(MMID)")
		_, id, ok := strings.Cut(u.next(), "Response: Success\nMixMonitorID: ")
		if v, _ := a.Variable("MMID"); !ok || id == "" || v != id {
			t.Fatalf("id %q, variable %q", id, v)
		}
		p.want(u.order("MixMonitor|Channel: $1|File: two.wav", a.Name()), "+")
		p.want(u.order("StopMixMonitor|Channel: $1|MixMonitorID: 0x99", a.Name()), "Could not stop monitoring channel")
		p.want(u.order("StopMixMonitor|Channel: $1|MixMonitorID: $2", a.Name(), id), "+")
		p.want(u.order("StopMixMonitor|Channel: $1|MixMonitorID: $2", a.Name(), id), "Could not stop monitoring channel")
		p.want(u.order("StopMixMonitor|Channel: $1", a.Name()), "+")
	})
}

// TestMixMonitorStartsNoPrograms tries to have a command run after a recording, which the
// dialplan may here and a manager may not, and to write outside of the recordings.
func TestMixMonitorStartsNoPrograms(t *testing.T) {
	inParlour(t, func(o *run.Options) { o.Allow = run.Commands | run.Files }, func(t *testing.T, p *parlour) {
		c, _ := p.calls("carol", "default", "600")
		u := p.tracer("off")
		mark := filepath.Join(p.dir, "mark")
		for _, x := range [...]string{
			"MixMonitor|Channel: $1|File: a.wav|Command: touch $2",
			"MixMonitor|Channel: $1|File: b.wav,b,touch $2",
			"MixMonitor|Channel: $1|File: c.wav|Options: b,touch $2",
			"MixMonitor|Channel: $1|File: ../d.wav",
			"MixMonitor|Channel: $1|File: $2.wav",
			"MixMonitor|Channel: $1|Options: r(../e.wav)",
			"MixMonitor|Channel: $1|File: f.wav|Options: t($2.wav)",
		} {
			if got := u.order(x, c.Name(), mark); got != "Could not start monitoring channel" {
				t.Errorf("%s: %q", x, got)
			}
		}
		p.want(u.order("StopMixMonitor|Channel: $1", c.Name()), "Could not stop monitoring channel")
		c.Hangup(0)
		<-c.Gone()
		synctest.Wait()
		list, err := os.ReadDir(p.dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range list {
			if !slices.Contains([]string{"monitor", "moh", "musiconhold.conf"}, f.Name()) {
				t.Errorf("%s was made", f.Name())
			}
		}
	})
}

// TestPlayDTMF sends a digit to a phone, and one as if its party had pressed it.
func TestPlayDTMF(t *testing.T) {
	inParlour(t, nil, func(t *testing.T, p *parlour) {
		a, _, alice, bob := p.talks()
		var mu sync.Mutex
		heard := map[string]string{}
		for name, phone := range map[string]*pbxtest.Phone{"alice": alice, "bob": bob} {
			phone.OnDigit(func(d rune) { mu.Lock(); heard[name] += string(d); mu.Unlock() })
		}
		u := p.tracer("off")
		p.want(u.order("PlayDTMF|Channel: $1|Digit: 5|Duration: 120", a.Name()), "+DTMF successfully queued")
		time.Sleep(time.Second) // of the bubble
		p.want(u.order("PlayDTMF|Channel: $1|Digit: a|Receive: true", a.Name()), "+DTMF successfully queued")
		time.Sleep(time.Second)
		mu.Lock()
		defer mu.Unlock()
		if heard["alice"] != "5" || heard["bob"] != "A" {
			t.Errorf("heard %v", heard)
		}
	})
}

// TestMuteAudio mutes what a party says or hears.
func TestMuteAudio(t *testing.T) {
	inParlour(t, nil, func(t *testing.T, p *parlour) {
		a, _, alice, bob := p.talks()
		alice.Says(400)
		bob.Says(600)
		u := p.tracer("off")
		for _, x := range [...]struct {
			say        string
			alice, bob []int
		}{
			{"Direction: in|State: on", []int{600}, nil},
			{"Direction: out|State: on", nil, nil},
			{"Direction: in|State: off", nil, []int{400}},
			{"Direction: all|State: off", []int{600}, []int{400}},
		} {
			p.want(u.order("MuteAudio|Channel: $1|"+x.say, a.Name()), "+")
			alice.Expect(x.say, x.alice...)
			bob.Expect(x.say, x.bob...)
		}
	})
}

// TestHangupMidRing hangs up a phone that rings (trace t7).
func TestHangupMidRing(t *testing.T) {
	inParlour(t, nil, func(t *testing.T, p *parlour) {
		u, events := p.tracer("off"), p.tracer("on")
		u.say("Action: Originate", "Channel: PJSIP/dave", "Context: default", "Exten: 601", "Priority: 1", "Async: true")
		u.answered("Success", "Originate successfully queued")
		time.Sleep(time.Second) // of the bubble
		name := p.sw.Channels()[0].Name
		p.want(u.order("Hangup|Channel: $1", strings.ToUpper(name)), "+Channel Hungup")
		if m := events.until("Event: DialEnd"); !strings.Contains(m, "\nDialStatus: NOANSWER") {
			t.Error(m)
		}
		if m := events.until("Event: Hangup"); !strings.Contains(m, "\nCause: 0\nCause-txt: Unknown") {
			t.Error(m)
		}
	})
}

// TestHangupAfterABridge hangs up who was sent out of its bridge: that has given it a cause
// (traces t2, t3).
func TestHangupAfterABridge(t *testing.T) {
	inParlour(t, nil, func(t *testing.T, p *parlour) {
		a, b, _, _ := p.talks()
		u, events := p.tracer("off"), p.tracer("on")
		p.want(u.order("Redirect|Channel: $1|Context: xfer|Exten: 777|Priority: 1|ExtraChannel: $2", a.Name(), b.Name()), "+Dual Redirect successful")
		time.Sleep(time.Second) // of the bubble
		p.want(u.order("Hangup|Channel: /.*/"), "+Channels hung up will follow")
		for range 2 {
			if m := events.until("Event: Hangup"); !strings.Contains(m, "\nCause: 16\nCause-txt: Normal Clearing") {
				t.Error(m)
			}
		}
	})
}

// TestHangupMatching hangs up whom an expression names.
func TestHangupMatching(t *testing.T) {
	inParlour(t, nil, func(t *testing.T, p *parlour) {
		a, _ := p.calls("alice", "default", "601")
		b, _ := p.calls("bob", "default", "601")
		u := p.tracer("off")
		u.say("Action: Hangup", "ActionID: 7", "Channel: /^Studio.bob-[0-9a-f]{8}$/")
		u.want("Response: Success", "ActionID: 7", "EventList: start", "Message: Channels hung up will follow")
		u.want("Event: ChannelHungup", "Channel: "+b.Name(), "ActionID: 7")
		u.want("Event: ChannelsHungupListComplete", "ActionID: 7", "EventList: Complete", "ListItems: 1")
		p.at("not named", a, "default,601,2 Wait")
		p.at("named", b, "hung up")
	})
}

// TestVariablesReachOut wants that nobody reads files or runs commands by a variable, and that
// a user without class system is told so.
func TestVariablesReachOut(t *testing.T) {
	inParlour(t, func(o *run.Options) { o.Allow = run.Commands | run.Files | run.Net }, func(t *testing.T, p *parlour) {
		c, _ := p.calls("carol", "default", "700")
		secret, mark := filepath.Join(p.dir, "secret"), filepath.Join(p.dir, "mark")
		if err := os.WriteFile(secret, []byte("hidden"), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, who := range [...]string{"operator", "tracer"} {
			u := p.enter(who, map[string]string{"operator": "operator", "tracer": "tracepw"}[who], "off")
			for _, name := range [...]string{
				"SHELL(touch $2)", "shell(touch $2)", "EVAL(${SHELL(touch $2)})", "FILE($3)", "file($3)", "ENV(HOME)", "STAT(e,$3)", "CURL(http://127.0.0.1/)",
				"TOUPPER(${SHELL(touch $2)})", "EVAL(${FILE($3)})", "IF(1?${FILE($3)})", "LEN(${FILE($3)})", "MATH(${FILE($3)}+1)",
			} {
				name = strings.NewReplacer("$2", mark, "$3", secret).Replace(name)
				forbidden := who == "operator" && (strings.Contains(name, "SHELL") || strings.Contains(name, "EVAL"))
				for _, channel := range [...]string{"ActionID: ", "Channel: " + c.Name()} {
					u.say("Action: Getvar", channel, "Variable: "+name)
					switch got := u.next(); {
					case forbidden && got != "Response: Error\nMessage: GetVar Access Forbidden: Variable",
						!forbidden && got != "Response: Success\nVariable: "+name+"\nValue: ":
						t.Errorf("%s: %s", name, got)
					}
				}
				u.say("Action: Status", "Channel: "+c.Name(), "Variables: "+name)
				if got := u.next(); forbidden {
					if got != "Response: Error\nMessage: Status Access Forbidden: Variables" {
						t.Errorf("%s: %s", name, got)
					}
				} else {
					for !strings.HasPrefix(got, "Event: StatusComplete") {
						if got = u.next(); strings.Contains(got, "hidden") || strings.Contains(got, "HOME=/") {
							t.Errorf("%s: %s", name, got)
						}
					}
				}
			}
			p.want(u.order("Setvar|Channel: $1|Variable: FILE($2)|Value: x", c.Name(), mark), "Variable not set")
			p.want(u.order("Setvar|Variable: DB_DELETE(a/b)|Value: x"), "Variable not set")
		}
		if _, err := os.Stat(mark); err == nil {
			t.Error("a command was run")
		}
	})
}

// TestGoingAway lets several managers do everything to calls that end at that moment: each
// is answered, and nothing is left.
func TestGoingAway(t *testing.T) {
	for range 10 {
		inParlour(t, nil, func(t *testing.T, p *parlour) {
			a, b, _, bob := p.talks()
			c, carol := p.calls("carol", "default", "601")
			d, _ := p.calls("dave", "default", "601")
			var all sync.WaitGroup
			for _, x := range [...]string{
				"Bridge|Channel1: $1|Channel2: $3", "Bridge|Channel1: $3|Channel2: $4", "Redirect|Channel: $1|Context: xfer|Exten: 777|Priority: 1|ExtraChannel: $2",
				"Redirect|Channel: $2|Context: xfer|Exten: 777|Priority: 1", "Redirect|Channel: $3|Context: xfer|Exten: 777|Priority: 1|ExtraChannel: $3", "BlindTransfer|Channel: $2|Context: xfer|Exten: 777",
				"Park|Channel: $2|TimeoutChannel: $1", "Park|Channel: $4", "MixMonitor|Channel: $2|File: a.wav", "StopMixMonitor|Channel: $2", "PlayDTMF|Channel: $3|Digit: 1", "AbsoluteTimeout|Channel: $3|Timeout: 0.01",
				"Status", "CoreShowChannelMap|Channel: $1", "BridgeKick|Channel: $1", "Setvar|Channel: $1|Variable: A|Value: 1", "MuteAudio|Channel: $2|State: on|Direction: all", "Hangup|Channel: $4",
			} {
				u := p.tracer("off")
				all.Go(func() {
					for range 3 {
						if got := u.order(x, a.Name(), b.Name(), c.Name(), d.Name()); got == "" {
							t.Errorf("%s: no defined answer", x)
						}
					}
				})
			}
			all.Go(bob.HangUp)
			all.Go(carol.HangUp)
			all.Wait()
			p.want(p.tracer("off").order("Hangup|Channel: /.*/"), "+Channels hung up will follow")
			for _, x := range [...]*pbx.Channel{a, b, c, d} {
				<-x.Gone()
			}
			synctest.Wait()
			for _, b := range p.sw.Bridges() {
				t.Errorf("a bridge is left: %+v", b)
			}
		})
	}
}

// TestBridgeOfABusyChannel lets another program send a channel elsewhere before Bridge has
// got it: the action is answered all the same, and nothing is left of its bridge.
func TestBridgeOfABusyChannel(t *testing.T) {
	inParlour(t, nil, func(t *testing.T, p *parlour) {
		a, _ := p.calls("alice", "default", "601")
		b, _ := p.calls("bob", "default", "601")
		begun, free := make(chan struct{}), make(chan struct{})
		slow := pbx.HandlerFunc(func(context.Context, *pbx.Channel) { // does not let go when it is told to
			close(begun)
			<-free
		})
		if err := b.Run(slow); err != nil {
			t.Fatal(err)
		}
		<-begun
		u := p.tracer("off")
		u.say("Action: Bridge", "Channel1: "+a.Name(), "Channel2: "+b.Name())
		synctest.Wait()
		if err := b.Run(pbx.HandlerFunc(func(ctx context.Context, _ *pbx.Channel) { <-ctx.Done() })); err != nil {
			t.Fatal(err)
		}
		u.want("Response: Error", "Message: Unable to bridge the channels: one of them does something else, or has hung up")
		close(free)
		synctest.Wait()
		if n := len(p.sw.Bridges()); n != 0 {
			t.Errorf("%d bridges are left", n)
		}
		p.at("first", a, "default,601,3 Wait")
	})
}
