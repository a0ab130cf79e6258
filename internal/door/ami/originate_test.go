package ami

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/dialwright/dialwright/internal/call"
	wire "github.com/dialwright/dialwright/internal/wire/ami"
)

// TestOriginateRefused has each text, and where more than one thing is wrong the first
// (spec: ami 4.4; observed: Asterisk 22.10, trace s6).
func TestOriginateRefused(t *testing.T) {
	here := []string{"Context: default", "Exten: 601", "Priority: 1"}
	tests := []struct {
		headers []string
		want    string
	}{
		{append([]string{"ChannelId: " + strings.Repeat("c", 150)}, here...), "Uniqueid length exceeds maximum of 149"},
		{append([]string{"Channel: PJSIP/alice", "OtherChannelId: " + strings.Repeat("c", 150)}, here...), "Uniqueid length exceeds maximum of 149"},
		{here, "Channel not specified"},
		{[]string{"Channel: ", "Priority: nolabel"}, "Channel not specified"},
		{[]string{"Channel: PJSIP", "Priority: nolabel", "Timeout: abc"}, "Invalid priority"},
		{[]string{"Channel: PJSIP", "Context: default", "Exten: 102", "Priority: dial", "Timeout: abc"}, "Invalid timeout"},
		{append([]string{"Channel: PJSIP", "Application: System"}, here...), "Invalid channel"},
		{[]string{"Channel: PJSIP/alice", "Application: System", "Context: no", "Priority: 1"}, string(wire.ErrApplication)},
		{[]string{"Channel: PJSIP/alice", "Application: Exec"}, string(wire.ErrApplication)},
		{[]string{"Channel: PJSIP/alice", "Application: NoSuchApp", "Async: true"}, string(wire.ErrApplication)},
		{[]string{"Channel: PJSIP/alice", "Application: Set", "Data: A=1"}, string(wire.ErrApplication)},
		{[]string{"Channel: PJSIP/alice", "Context: default", "Exten: 9", "Priority: 1"}, textNoExtension},
		{[]string{"Channel: PJSIP/alice", "Exten: 601", "Priority: 1"}, textNoExtension},
		{[]string{"Channel: PJSIP/alice", "Context: default", "Priority: 1"}, textNoExtension},
		{[]string{"Channel: PJSIP/alice", "Context: default", "Exten: 601", "Priority: 99", "Async: true"}, textNoExtension},
		{[]string{"Channel: PJSIP/alice", "Application: Wait", "Data: 1", "Exten: 9", "Context: default", "Priority: 1"}, textNoExtension},
		{[]string{"Channel: PJSIP/alice"}, textNeedsPlace},
		{[]string{"Channel: PJSIP/alice", "Context: default", "Exten: 601"}, textNeedsPlace},
		{[]string{"Channel: PJSIP/alice", "Context: default", "Exten: 601", "Priority: 0"}, textNeedsPlace},
	}
	inOffice(t, nil, func(t *testing.T, o *office) {
		u := o.tracer("off")
		for _, tt := range tests {
			u.originate(tt.headers...)
			u.answered("Error", tt.want)
		}
		if n := o.sw.Stats().Created; n != 0 {
			t.Errorf("%d channels were made", n)
		}
	})
}

// TestOriginateWaits has the outcomes of synchronous requests (spec: ami 4.5).
func TestOriginateWaits(t *testing.T) {
	here := []string{"Context: default", "Exten: 601", "Priority: 1", "Timeout: 2000"}
	inOffice(t, func(_ *Options, c *Config) { c.Lenient, c.Applications = true, []string{"Set"} }, func(t *testing.T, o *office) {
		u := o.tracer("off")
		for _, tt := range []struct {
			ok      bool
			headers []string
		}{
			{true, append(here, "Channel: PJSIP/alice")},
			{true, append(here, "Channel: pjsip/alice", "Async: maybe")},
			{true, []string{"Channel: PJSIP/alice", "Application: Wait", "Data: 1"}},
			{true, []string{"Channel: PJSIP/alice", "Application: Set", "Data: A=1"}},
			{true, []string{"Channel: PJSIP/alice", "Application: NoSuchApp"}},
			{true, append(here, "Channel: Local/600@default")},
			{true, append(here, "Channel: PJSIP/erin", "Timeout: 1000", "EarlyMedia: yes")},
			{false, append([]string{"Timeout: 1000"}, append(here, "Channel: PJSIP/erin")...)},
			{false, append(here, "Channel: PJSIP/carol")},
			{false, append(here, "Channel: PJSIP/dave")},
			{false, append(here, "Channel: PJSIP/gina")},
			{false, append(here, "Channel: PJSIP/frank")},
			{false, append(here, "Channel: PJSIP/nosuch")},
			{false, append(here, "Channel: Foo/bar")},
			{false, append(here, "Channel: PJSIP/")},
			{false, append(here, "Channel: PJSIP/denied")},
			{false, append(here, "Channel: Local/999@nosuch")},
			{false, []string{"Channel: PJSIP/alice", "Context: denied", "Exten: 1", "Priority: 1"}},
			{false, append(here, "Channel: PJSIP/dave", "Codecs: alaw,nosuch")},
			{true, append(here, "Channel: PJSIP/alice", "ChannelId: one")},
			{false, append(here, "Channel: PJSIP/alice", "ChannelId: one")},
			{false, append(here, "Channel: Local/600@default", "ChannelId: two", "OtherChannelId: one")},
			{false, append(here, "Channel: Local/600@default", "ChannelId: two", "OtherChannelId: two")},
			{true, append(here, "Channel: Local/600@default", "ChannelId: two", "OtherChannelId: three")},
		} {
			u.originate(tt.headers...)
			if tt.ok {
				u.answered("Success", textQueued)
			} else {
				u.answered("Error", textFailed)
			}
		}
		for _, id := range []string{"one", "two", "three"} {
			if !o.sw.HasChannel(id) {
				t.Errorf("there is no channel %s", id)
			}
		}
		for _, why := range []string{"not for you", "not that context", "a live channel has this id"} {
			if !strings.Contains(o.logs.String(), why) {
				t.Errorf("the log does not say %q", why)
			}
		}
	})
}

// TestOriginateTells has the event of an asynchronous request (spec: ami 4.6; observed:
// Asterisk 22.10, traces a1, b1, b5, b6, c1, d1, e1, e4, e7, g1).
func TestOriginateTells(t *testing.T) {
	const caller = `CallerID: "Web Call" <555-1234>`
	at := func(exten string) []string { return []string{"Context: default", "Exten: " + exten, "Priority: 1"} }
	tests := []struct {
		endpoint string
		headers  []string
		want     string // Response, Channel, Context, Exten or Application, Data, Reason, Uniqueid
	}{
		{"PJSIP/alice", at("601"), "Success|PJSIP/alice-00000000|default|601|4|id"},
		{"PJSIP/alice", []string{"Context: default", "Exten: 601"}, "Success|PJSIP/alice-00000000|default|601|4|id"}, // e7
		{"PJSIP/alice", nil, "Success|PJSIP/alice-00000000|||4|id"},
		{"PJSIP/alice", []string{"Application: Playback", "Data: tone1"}, "Success|PJSIP/alice-00000000|Playback|tone1|4|id"},
		{"PJSIP/alice", []string{"Application: Wait", "Context: default", "Exten: 601"}, "Success|PJSIP/alice-00000000|Wait||4|id"},
		{"Local/600@default", at("601"), "Success|Local/600@default-00000000;1|default|601|4|id"},
		{"PJSIP/erin", append(at("601"), "EarlyMedia: on", "Timeout: 1000"), "Success|PJSIP/erin-00000000|default|601|4|id"},
		{"PJSIP/erin", append(at("601"), "Timeout: 1000"), "Failure|PJSIP/erin|default|601|3|id"},
		{"PJSIP/carol", at("601"), "Failure|PJSIP/carol|default|601|5|id"},
		{"PJSIP/gina", at("601"), "Failure|PJSIP/gina|default|601|8|id"},
		{"PJSIP/dave", append(at("601"), "Timeout: 2000"), "Failure|PJSIP/dave|default|601|3|id"},
		{"Local/604@default", at("601"), "Failure|Local/604@default|default|601|5|id"},
		{"Local/605@default", at("601"), "Failure|Local/605@default|default|601|8|id"},
		{"Local/999@nosuch", at("601"), "Failure|Local/999@nosuch|default|601|0|id"},
		{"PJSIP/frank", at("601"), "Failure|PJSIP/frank|default|601|0|id"},
		{"PJSIP/denied", at("601"), "Failure|PJSIP/denied|default|601|0|id"},
		{"Foo/bar", at("601"), "Failure|Foo/bar|default|601|0|id"},
		{"PJSIP/carol", []string{"Application: Echo"}, "Failure|PJSIP/carol|Echo||5|id"},
	}
	for _, tt := range tests {
		for _, id := range []string{"", "mine"} {
			inOffice(t, nil, func(t *testing.T, o *office) {
				u := o.tracer("call")
				u.originate(append(tt.headers, "Channel: "+tt.endpoint, "ActionID: a 1", "Async: true", caller, "ChannelId: "+id)...)
				u.want("Response: Success", "ActionID: a 1", "Message: "+textQueued)
				e := u.until("Event: OriginateResponse")
				f := strings.Split(tt.want, "|")
				place := []string{"Context: " + f[2], "Exten: " + f[3]}
				if slices.ContainsFunc(tt.headers, func(h string) bool { return strings.HasPrefix(h, "Application") }) {
					place = []string{"Application: " + f[2], "Data: " + f[3]}
				}
				unique := id
				if f[0] == "Failure" && id == "" {
					unique = "<unknown>"
				} else if id == "" {
					_, unique, _ = strings.Cut(e, "\nUniqueid: ")
					unique, _, _ = strings.Cut(unique, "\n")
					if c, ok := o.sw.Channel(unique); !ok && tt.headers != nil && f[2] != "Playback" && f[2] != "Wait" || ok && c.Name() != f[1] {
						t.Errorf("no channel %q", unique)
					}
				}
				want := slices.Concat([]string{"Event: OriginateResponse", "Privilege: call,all", "ActionID: a 1", "Response: " + f[0], "Channel: " + f[1]}, place,
					[]string{"Reason: " + f[4], "Uniqueid: " + unique, "CallerIDNum: 5551234", "CallerIDName: Web Call"})
				if w := strings.Join(want, "\n"); e != w {
					t.Errorf("got\n%s\n\nwant\n%s", e, w)
				}
			})
		}
	}
}

// TestOriginateOrder has the packets that a client sees, in their order (spec: ami 5.5).
func TestOriginateOrder(t *testing.T) {
	for _, tt := range []struct {
		endpoint, async, context string
		want                     string
	}{
		{"PJSIP/alice", "true", "default", "Success Newchannel NewCallerid NewConnectedLine DialBegin Newstate DialState Newstate DialEnd OriginateResponse Newexten Newexten"},
		{"PJSIP/alice", "", "default", "Success Newchannel NewCallerid NewConnectedLine DialBegin Newstate DialState Newstate DialEnd Newexten Newexten"},
		{"PJSIP/carol", "true", "default", "Success Newchannel NewCallerid NewConnectedLine DialBegin HangupRequest DialEnd Hangup OriginateResponse"},
		{"PJSIP/carol", "", "default", "Error Newchannel NewCallerid NewConnectedLine DialBegin HangupRequest DialEnd Hangup"},
		{"PJSIP/dave", "true", "default", "Success Newchannel NewCallerid NewConnectedLine DialBegin Newstate DialState Hangup OriginateResponse"},
		{"PJSIP/nosuch", "true", "default", "Success OriginateResponse"},
		{"PJSIP/nosuch", "", "default", "Error"},
		{"PJSIP/carol", "true", "withfailed", "Success Newchannel Newexten NewCallerid NewConnectedLine DialBegin HangupRequest DialEnd Hangup Newchannel Newexten UserEvent Newexten SoftHangupRequest Hangup OriginateResponse"},
	} {
		inOffice(t, nil, func(t *testing.T, o *office) {
			u := o.tracer("call,dialplan,user")
			u.originate("Channel: "+tt.endpoint, "Context: "+tt.context, "Exten: 102", "Priority: 1", "Timeout: 3000", "Async: "+tt.async,
				`CallerID: "Web Call" <5551234>`, "Variable: FOO=bar")
			var got []string
			for range strings.Fields(tt.want) {
				for {
					_, name, _ := strings.Cut(strings.SplitN(u.next(), "\n", 2)[0], ": ")
					if name == "VarSet" || name == "Newexten" && len(got) < 8 && got[len(got)-1] == "Newchannel" && tt.context == "default" {
						continue // the step AppDial2
					}
					got = append(got, name)
					break
				}
				if len(got) == len(strings.Fields(tt.want)) {
					break
				}
			}
			if g := strings.Join(got, " "); g != tt.want {
				t.Errorf("%s %s %s:\n%s, want\n%s", tt.endpoint, tt.async, tt.context, g, tt.want)
			}
		})
	}
}

// TestOriginateVariables wants the user's first, of two the first, the account code, and
// functions written (spec: ami 4.3).
func TestOriginateVariables(t *testing.T) {
	inOffice(t, func(_ *Options, c *Config) {
		c.Users[0].SetVar = []call.Variable{{Name: "USER", Value: "u"}, {Name: "C", Value: "user"}}
	}, func(t *testing.T, o *office) {
		u := o.tracer("user")
		u.originate("Channel: PJSIP/alice", "Context: default", "Exten: 609", "Priority: 1", "Account: code", "Async: 1",
			`Variable: A=one,B="two, words"`, "Variable: A=other,C=request,CALLERID(name)=Written,_D=inherited")
		u.answered("Success", textQueued)
		e := u.until("Event: UserEvent")
		for _, want := range []string{"A: one", "C: request", "D: inherited", "USER: u", "Acc: code", "Name: Written"} {
			if !slices.Contains(strings.Split(e, "\n"), want) {
				t.Errorf("no %q in\n%s", want, e)
			}
		}
		c, _ := o.sw.Channel(o.sw.Channels()[0].ID)
		if b, _ := c.PlainVariable("B"); b != "two, words" {
			t.Errorf("B is %q", b)
		}
	})
}

// TestOriginatePreDial runs the subroutine only for a synchronous request with an
// extension (spec: ami 4.1).
func TestOriginatePreDial(t *testing.T) {
	for _, tt := range []struct {
		headers []string
		want    string
	}{
		{[]string{"Exten: 603", "Context: default", "Priority: 1"}, "Predial Hello"},
		{[]string{"Exten: 603", "Context: default", "Priority: 1", "Async: yes"}, "Hello"},
		{[]string{"Application: UserEvent", "Data: App"}, "App"},
	} {
		inOffice(t, nil, func(t *testing.T, o *office) {
			u := o.tracer("user")
			u.originate(append(tt.headers, "Channel: PJSIP/alice", "PreDialGoSub: predial,s,1(arg)")...)
			u.answered("Success", textQueued)
			var got []string
			for range strings.Fields(tt.want) {
				e := strings.Split(u.until("Event: UserEvent"), "\n")
				i := slices.IndexFunc(e, func(l string) bool { return strings.HasPrefix(l, "UserEvent: ") })
				got = append(got, strings.TrimPrefix(e[i], "UserEvent: "))
				if got[0] == "Predial" && len(got) == 1 && !slices.Contains(e, "Arg: arg") {
					t.Errorf("no argument in %q", e)
				}
			}
			if g := strings.Join(got, " "); g != tt.want {
				t.Errorf("%q, want %q", g, tt.want)
			}
		})
	}
}

// TestOriginateOwnContext goes on in the endpoint's own context when none is given.
func TestOriginateOwnContext(t *testing.T) {
	inOffice(t, nil, func(t *testing.T, o *office) {
		u := o.tracer("user")
		u.originate("Channel: PJSIP/alice", "Async: true", "Exten: s")
		u.answered("Success", textQueued)
		if e := u.until("Event: UserEvent"); !strings.Contains(e, "UserEvent: Own") {
			t.Error(e)
		}
	})
}

// TestOriginateBusy tells as a failure that the server takes no more calls.
func TestOriginateBusy(t *testing.T) {
	inOffice(t, func(o *Options, _ *Config) { o.Busy = func() string { return "too many channels" } }, func(t *testing.T, o *office) {
		u := o.tracer("off")
		u.originate("Channel: PJSIP/alice", "Application: Echo")
		u.answered("Error", textFailed)
		if !strings.Contains(o.logs.String(), "too many channels") {
			t.Error("not logged")
		}
	})
}

// TestOriginatePace holds a user to its limits, whichever session asks (spec: ami 10.7).
func TestOriginatePace(t *testing.T) {
	echo := []string{"Channel: PJSIP/dave", "Application: Echo", "Async: 1"}
	inOffice(t, func(_ *Options, c *Config) { c.Users[0].AtOnce = 2 }, func(t *testing.T, o *office) {
		u, w := o.tracer("off"), o.tracer("off")
		for _, c := range []*user{u, w} {
			c.originate(echo...)
			c.answered("Success", textQueued)
		}
		u.originate(echo...)
		u.answered("Error", "Too many calls at once, at most 2 are allowed")
		u.originate("Channel: PJSIP/denied", "Application: Echo", "Async: 1")
		u.answered("Error", "Too many calls at once, at most 2 are allowed")
		c, _ := o.sw.Channel(o.sw.Channels()[0].ID)
		c.HangupFromOutside(0)
		<-c.Gone()
		for range 3 { // what never rang does not count any more
			u.originate("Channel: PJSIP/denied", "Application: Echo", "Async: 1")
			u.answered("Success", textQueued)
		}
		u.originate(echo...)
		u.answered("Success", textQueued)
	})
	inOffice(t, func(_ *Options, c *Config) { c.Users[0].PerSecond = 2 }, func(t *testing.T, o *office) {
		u := o.tracer("off")
		for i := range 3 {
			u.originate(echo...)
			if i < 2 {
				u.answered("Success", textQueued)
			} else {
				u.answered("Error", "Too many calls, at most 2 per second are allowed")
			}
		}
		u.originate("Channel: PJSIP/dave", "Application: Echo", "Timeout: 500", "Bad: 1", "Priority: nolabel") // refusals cost nothing
		u.answered("Error", "Invalid priority")
	})
}

// TestOriginateClientLeaves closes the connection in the middle of a synchronous request:
// the call goes on (spec: ami 4.5).
func TestOriginateClientLeaves(t *testing.T) {
	inOffice(t, nil, func(t *testing.T, o *office) {
		u, w := o.tracer("off"), o.tracer("user")
		u.originate("Channel: PJSIP/alice", "Context: default", "Exten: 603", "Priority: 1", "Variable: FOO=on")
		synctest.Wait()
		_ = u.conn.Close()
		if e := w.until("Event: UserEvent"); !strings.Contains(e, "Variable: on") {
			t.Error(e)
		}
	})
}

// TestOriginateHangup ends a call that rings: the reason is 0 (observed: Asterisk 22.10,
// trace t7).
func TestOriginateHangup(t *testing.T) {
	inOffice(t, nil, func(t *testing.T, o *office) {
		u := o.tracer("call")
		u.originate("Channel: PJSIP/dave", "Application: Echo", "Async: 1")
		u.answered("Success", textQueued)
		u.until("Event: DialState")
		c, _ := o.sw.Channel(o.sw.Channels()[0].ID)
		c.HangupFromOutside(0)
		if e := u.until("Event: OriginateResponse"); !strings.Contains(e, "Response: Failure") || !strings.Contains(e, "Reason: 0") {
			t.Error(e)
		}
	})
}

// TestOriginateMany lets several sessions place hundreds of calls: each is told once, and
// the bubble ends without a goroutine that is left.
func TestOriginateMany(t *testing.T) {
	const each = 100
	inOffice(t, nil, func(t *testing.T, o *office) {
		u := o.tracer("call")
		var others []*user
		for range 3 {
			others = append(others, o.tracer("off"))
		}
		for i, w := range others {
			for n := range each {
				endpoint := [...]string{"PJSIP/alice", "PJSIP/carol", "PJSIP/dave", "PJSIP/nosuch", "Local/604@default"}[n%5]
				w.originate("Channel: "+endpoint, "Application: Wait", "Data: 0.1", "Timeout: 1000", "Async: 1", fmt.Sprintf("ActionID: %d-%d", i, n))
				w.want("Response: Success", fmt.Sprintf("ActionID: %d-%d", i, n), "Message: "+textQueued)
			}
		}
		told := map[string]int{}
		for range each * len(others) {
			e := u.until("Event: OriginateResponse")
			_, id, _ := strings.Cut(e, "ActionID: ")
			id, _, _ = strings.Cut(id, "\n")
			told[id]++
		}
		if len(told) != each*len(others) {
			t.Errorf("%d calls were told", len(told))
		}
		synctest.Wait()
		for name, w := range o.server.pace.users {
			if w.live < 0 {
				t.Errorf("%s has %d calls", name, w.live)
			}
		}
	})
}
