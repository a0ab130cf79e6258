package pbx_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/pbx"
)

// What the end of a channel tells, by who ended it and when (spec: ari 5.1, 5.2;
// observed: Asterisk 22.10, vectors 01, 03, 04).
func TestHangupEvents(t *testing.T) {
	for name, c := range map[string]struct {
		endpoint  string
		originate bool
		undialled bool
		app       string        // that has the channel
		timeout   time.Duration // of the dial
		after     time.Duration
		end       func(*pbx.Channel) // nil: the peer does it
		want      []string           // from the hangup on
	}{
		"answered, from outside": {endpoint: "Pretend/100", after: time.Second,
			end:  func(c *pbx.Channel) { c.HangupFromOutside(0) },
			want: []string{"ChannelHangupRequest 32 soft=true", "ChannelDestroyed 16 0"}},
		"answered, by the dialplan": {endpoint: "Pretend/100", after: time.Second,
			end:  func(c *pbx.Channel) { c.Hangup(0) },
			want: []string{"ChannelHangupRequest 16 soft=true", "ChannelDestroyed 16 0"}},
		"answered, by the peer": {endpoint: "Pretend/100?talk=1s", after: time.Minute,
			want: []string{"ChannelHangupRequest 0 soft=false", "ChannelDestroyed 16 0"}},
		"ringing, from outside": {endpoint: "Pretend/100180?ring=1h", after: time.Second,
			end:  func(c *pbx.Channel) { c.HangupFromOutside(0) },
			want: []string{"ChannelHangupRequest 32 soft=true", "ChannelDestroyed 16 0"}},
		"ringing, from outside with a reason": {endpoint: "Pretend/100180?ring=1h", after: time.Second,
			end:  func(c *pbx.Channel) { c.HangupFromOutside(cause.NoAnswer) },
			want: []string{"ChannelHangupRequest 32 soft=true", "ChannelDestroyed 19 480"}},
		"originated and ringing, from outside": {endpoint: "Pretend/100180?ring=1h", originate: true, after: time.Second,
			end:  func(c *pbx.Channel) { c.HangupFromOutside(0) },
			want: []string{"ChannelHangupRequest 32 soft=true", `Dial "NOANSWER"`, "ChannelDestroyed 16 0"}},
		"never dialled": {endpoint: "Pretend/100", undialled: true,
			end:  func(c *pbx.Channel) { c.HangupFromOutside(0) },
			want: []string{"ChannelHangupRequest 32 soft=true", "ChannelHangupRequest 16 soft=false", "ChannelDestroyed 16 603"}},
		"rang too long": {endpoint: "Pretend/100180?ring=1h", timeout: time.Second, after: time.Minute,
			want: []string{"ChannelDestroyed 19 480"}},
		"rang too long for a remote application": {endpoint: "Pretend/100180?ring=1h", timeout: time.Second, after: time.Minute, app: "Stasis",
			want: []string{"ChannelHangupRequest 32 soft=true", "ChannelDestroyed 19 480"}},
		"refused": {endpoint: "Pretend/100486", after: time.Second,
			want: []string{"ChannelHangupRequest 17 soft=false", "ChannelDestroyed 17 486"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, _ := setup(t, pbx.Options{})
				defer stop(t, s)
				var l eventLog
				o := pbx.CreateOptions{Endpoint: call.Endpoint(c.endpoint), Watch: func(e *pbx.Event) {
					if e.Type == pbx.ChannelHangupRequest || e.Type == pbx.ChannelDestroyed || e.DialStatus == "NOANSWER" {
						l.watch(e)
					}
				}}
				var ch *pbx.Channel
				var err error
				if c.originate {
					ch, err = s.Originate(t.Context(), pbx.OriginateOptions{CreateOptions: o})
				} else {
					ch, err = s.Create(t.Context(), o)
				}
				if err != nil {
					t.Fatal(err)
				}
				if c.app != "" {
					if err := ch.SetPosition("", "", 0, c.app, ""); err != nil {
						t.Fatal(err)
					}
				}
				if !c.originate && !c.undialled {
					if err := ch.Dial(pbx.DialOptions{Timeout: c.timeout}); err != nil {
						t.Fatal(err)
					}
				}
				<-time.After(c.after)
				if c.end != nil {
					c.end(ch)
				}
				<-ch.Gone()
				expect(t, &l, c.want...)
			})
		})
	}
}

// A 302 that the technology does not follow is told by Dial CANCEL: before the
// hangup of a created channel, after that of an originated one in the place of
// the failure (observed: Asterisk 22.10, vectors 04-*-forward).
func TestForwardThatIsNotFollowed(t *testing.T) {
	for name, originate := range map[string]bool{"created": false, "originated": true} {
		t.Run(name, func(t *testing.T) {
			inStudio(t, pbx.Options{}, func(t *testing.T, st *studio) {
				var l eventLog
				var target string
				o := pbx.CreateOptions{Endpoint: "Studio/a", Watch: func(e *pbx.Event) {
					if e.Type == pbx.Dial && e.DialStatus == "CANCEL" {
						target = e.Target
					}
					if e.Type != pbx.ChannelDialplan && e.Type != pbx.ChannelCreated {
						l.watch(e)
					}
				}}
				var c *pbx.Channel
				var err error
				if originate {
					c, err = st.s.Originate(t.Context(), pbx.OriginateOptions{CreateOptions: o})
				} else if c, err = st.s.Create(t.Context(), o); err == nil {
					err = c.Dial(pbx.DialOptions{})
				}
				if err != nil {
					t.Fatal(err)
				}
				st.phone("a").end(pbx.LegEvent{Cause: 23, SIPStatus: 302, Target: "elsewhere", ByPeer: true})
				<-c.Gone()
				want := []string{`Dial ""`, `Dial "CANCEL"`, "ChannelHangupRequest 23 soft=false", "ChannelDestroyed 23 302"}
				if originate {
					want[1], want[2] = want[2], want[1]
				}
				expect(t, &l, want...)
				if target != "elsewhere" || c.Snapshot().RDNIS != "a" {
					t.Errorf("forwarded to %q by %q", target, c.Snapshot().RDNIS)
				}
			})
		})
	}
}

// An originated channel gets its caller ID as Asterisk gives it, and shows
// AppDial2 until something else runs on it, and again when it is over (observed:
// Asterisk 22.10, vector 01c).
func TestOriginatedChannelStepByStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := setup(t, pbx.Options{})
		defer stop(t, s)
		type step struct {
			kind              pbx.EventType
			app, data         string
			caller, connected string
		}
		var got []step
		c, err := s.Originate(t.Context(), pbx.OriginateOptions{CreateOptions: pbx.CreateOptions{
			Endpoint: "Pretend/100", CallerID: call.CallerID{Name: "Alice", Number: "1001"}, Variables: []call.Variable{{Name: "FOO", Value: "bar"}},
			Report: []string{"FOO"},
			Watch: func(e *pbx.Event) {
				sn := e.Channel
				if e.Type == pbx.Dial {
					sn = e.Peer
				}
				got = append(got, step{e.Type, sn.App, sn.AppData, sn.Caller.Number, sn.Connected.Number})
			},
		}})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.SetPosition("", "", 0, "Stasis", "lab"); err != nil {
			t.Fatal(err)
		}
		if sn := c.Snapshot(); len(sn.Variables) != 1 || sn.Variables[0] != (pbx.Reported{Name: "FOO", Value: "bar"}) {
			t.Errorf("reported: %v", sn.Variables)
		}
		c.HangupFromOutside(0)
		<-c.Gone()
		synctest.Wait()
		want := []step{
			{pbx.ChannelCreated, "", "", "", ""},
			{pbx.ChannelDialplan, "AppDial2", "(Outgoing Line)", "", ""},
			{pbx.ChannelCallerID, "AppDial2", "(Outgoing Line)", "1001", ""},
			{pbx.ChannelConnectedLine, "AppDial2", "(Outgoing Line)", "1001", "1001"},
			{pbx.ChannelVarset, "AppDial2", "(Outgoing Line)", "1001", "1001"},
			{pbx.Dial, "AppDial2", "(Outgoing Line)", "1001", "1001"},
		}
		for i, w := range want {
			if i >= len(got) || got[i] != w {
				t.Fatalf("step %d: got %+v, want %+v", i, got, w)
			}
		}
		if last := got[len(got)-1]; last.kind != pbx.ChannelDestroyed || last.app != "AppDial2" || last.data != "(Outgoing Line)" {
			t.Errorf("last: %+v", last)
		}
		if app := c.Snapshot().App; app != "Stasis" {
			t.Errorf("what ran last: %q", app)
		}
	})
}
