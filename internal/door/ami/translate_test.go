package ami

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/mixmonitor"
	"github.com/dialwright/dialwright/internal/parking"
	"github.com/dialwright/dialwright/internal/pbx"
)

// TestCallsAsTraced places calls that were captured with Asterisk and compares what the
// door tells of each channel, packet by packet and header by header. The order of events
// of different channels is free (spec: ami 5.2), that of one is not.
func TestCallsAsTraced(t *testing.T) {
	for _, test := range []struct {
		trace string
		run   func(t *testing.T, st *stage)
	}{
		{"a1", func(_ *testing.T, st *stage) {
			o := pbx.OriginateOptions{}
			o.Endpoint, o.AccountCode = "PJSIP/alice", "acct1"
			o.Variables = []call.Variable{{Name: "FOO", Value: "bar"}, {Name: "BAZ", Value: "q x"}}
			st.gone(st.originate(o, "102"))
		}},
		{"b1", func(_ *testing.T, st *stage) { st.gone(st.originate(calling("carol"), "102")) }},
		{"b3", func(_ *testing.T, st *stage) { st.gone(st.originate(calling("alice"), "103")) }},
		{"c1", func(_ *testing.T, st *stage) {
			o := calling("dave")
			o.Timeout = 2 * time.Second
			st.gone(st.originate(o, "102"))
		}},
		{"c3", func(_ *testing.T, st *stage) { st.gone(st.originate(calling("alice"), "104")) }},
		{"d1", func(t *testing.T, st *stage) {
			h, err := st.m.Runner().Runner(call.Then{Kind: call.ThenApplication, Name: "Playback", Data: "beep"})
			if err != nil {
				t.Fatal(err)
			}
			o := calling("alice")
			o.Handler = h
			st.gone(st.originate(o, ""))
		}},
		{"t5", func(t *testing.T, st *stage) {
			a := st.originate(calling("alice"), "102")
			<-time.After(2 * time.Second)
			b := st.phone("bob")
			lots := parking.New(parking.Options{Switch: st.sw})
			lot := parking.NewLot("default")
			if err := b.Run(pbx.HandlerFunc(func(ctx context.Context, c *pbx.Channel) {
				s, err := lots.Park(c, &lot, parking.Wish{Parker: "PJSIP/alice", Time: 2 * time.Second})
				if err != nil {
					t.Error(err)
					return
				}
				defer s.Leave()
				_, _ = s.Wait(ctx) // pbx.ErrGone
			})); err != nil {
				t.Fatal(err)
			}
			<-a.Gone()
			<-time.After(time.Second)
			b.Hangup(cause.NormalClearing)
			st.gone(b)
			for _, name := range []string{"ParkedCall", "ParkedCallGiveUp"} {
				if d := cmp.Diff(packetsOf(name, traced(t, "t5")), packetsOf(name, st.packets())); d != "" {
					t.Errorf("-trace +ours:\n%s", d)
				}
			}
		}},
		{"t7", func(_ *testing.T, st *stage) {
			c := st.originate(calling("dave"), "102")
			<-time.After(time.Second)
			c.HangupBare(false)
			st.gone(c)
		}},
		{"t9", func(t *testing.T, st *stage) {
			c := st.originate(calling("alice"), "600")
			<-time.After(time.Second)
			f, err := mixmonitor.Create(t.TempDir(), "t9.wav", mixmonitor.FileOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if err := c.SetVariable("MIXMONITOR_FILENAME", f.Path()); err != nil {
				t.Fatal(err)
			}
			r, err := mixmonitor.Start(c, mixmonitor.Options{Mixed: f})
			if err != nil {
				t.Fatal(err)
			}
			c.Deliver(pbx.LegEvent{Kind: pbx.LegDTMF, Digit: '7'})
			if err := c.SendDTMF("7", pbx.DTMFOptions{}); err != nil {
				t.Fatal(err)
			}
			if err := r.Stop(); err != nil {
				t.Fatal(err)
			}
			c.HangupBare(false)
			st.gone(c)
		}},
	} {
		t.Run(test.trace, func(t *testing.T) {
			onStage(t, nil, func(t *testing.T, st *stage) {
				test.run(t, st)
				compareWithTrace(t, test.trace, st.packets())
			})
		})
	}
}

// TestBlindTransfer compares the packet with the captured one.
func TestBlindTransfer(t *testing.T) {
	onStage(t, nil, func(t *testing.T, st *stage) {
		a := st.originate(calling("alice"), "102")
		<-time.After(2 * time.Second)
		b := st.phone("bob")
		bridge, _ := st.sw.Bridge(b.Snapshot().Bridge)
		told := &pbx.BlindTransfer{Transferee: a.Snapshot(), Context: "xfer", Extension: "777", Result: pbx.TransferDone, External: true}
		if err := b.Tell(pbx.Event{Type: pbx.BridgeBlindTransfer, Bridge: bridge.Snapshot(), Data: told}); err != nil {
			t.Fatal(err)
		}
		got := packetsOf("BlindTransfer", st.packets())
		if d := cmp.Diff(packetsOf("BlindTransfer", traced(t, "t1")), got); d != "" {
			t.Errorf("-trace +ours:\n%s", d)
		}
	})
}

// packetsOf gives the packets of one event in normal form.
func packetsOf(name string, packets []string) []string {
	var out []string
	for _, p := range packets {
		if strings.HasPrefix(p, "Event: "+name+"\n") {
			out = append(out, normal(p))
		}
	}
	return out
}

// traced gives the packets of a captured trace.
func traced(t *testing.T, name string) []string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "events", name+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(b)), "\n\n")
}

// calling is an Originate of one of the cast.
func calling(name string) pbx.OriginateOptions {
	o := pbx.OriginateOptions{}
	o.Endpoint = call.Endpoint("PJSIP/" + name)
	return o
}

// compareWithTrace compares what was told of each channel with a captured trace.
func compareWithTrace(t *testing.T, name string, got []string) {
	t.Helper()
	without := differences[name]
	want, have := byChannel(traced(t, name), without), byChannel(got, without)
	for _, c := range slices.Sorted(maps.Keys(want)) {
		if d := cmp.Diff(lines(want[c]), lines(have[c])); d != "" {
			t.Errorf("%s, %s (-trace +ours):\n%s", name, c, d)
		}
	}
	for c := range have {
		if _, ok := want[c]; !ok {
			t.Errorf("%s: there is no %s in the trace", name, c)
		}
	}
}

// lines writes each packet on a line.
func lines(packets []string) string {
	var out strings.Builder
	for _, p := range packets {
		out.WriteString(strings.ReplaceAll(p, "\n", " | ") + "\n")
	}
	return out.String()
}

// differences are packets that are not compared in one trace, with the reason.
var differences = map[string]*regexp.Regexp{
	// DIALEDTIME is also told of a Dial that nobody has answered.
	"c3": regexp.MustCompile(`\nVariable: DIALEDTIME`),
	// So is it here; and TechCause only of the leg that was refused, not of the caller that ends with its cause.
	"b3": regexp.MustCompile(`\nVariable: DIALEDTIME|^Event: Hangup\n(.*\n)*Channel: PJSIP/alice`),
	// The bridge is left before its place in the lot is told, since the handler that parks comes second
	// (compared apart, as are the bridges).
	"t5": regexp.MustCompile(`^Event: (ParkedCall|BridgeCreate|BridgeDestroy)\n`),
	// A digit has a beginning here also if it is only pretended.
	"t9": regexp.MustCompile(`^Event: DTMFBegin\n(.*\n)*Direction: Received`),
}

// untraced are what Asterisk tells at another moment, or with other values, each time
// (README of the traces), and what this door tells elsewhere.
var untraced = regexp.MustCompile(`^Event: (DeviceStateChange|ExtensionStatus|OriginateResponse)\n|\nVariable: (RTPAUDIO|BRIDGE|HANGUPCAUSE|FORWARDERNAME|BLINDTRANSFER)`)

// byChannel sorts packets by the channel that they are about, with names, ids and times
// replaced by what does not change.
func byChannel(packets []string, without *regexp.Regexp) map[string][]string {
	out := map[string][]string{}
	for _, p := range packets {
		if p == "" || untraced.MatchString(p) || without != nil && without.MatchString(p) {
			continue
		}
		p = normal(p)
		about := "bridge"
		for _, key := range []string{"\nDestChannel: ", "\nChannel: ", "\nParkeeChannel: ", "\nTransfererChannel: ", "\nLocalOneChannel: "} {
			if _, rest, ok := strings.Cut(p, key); ok {
				about, _, _ = strings.Cut(rest, "\n")
				break
			}
		}
		out[about] = append(out[about], p)
	}
	return out
}

var replacements = []struct {
	what *regexp.Regexp
	by   string
}{
	{regexp.MustCompile(`-[0-9a-f]{8}\b`), "-N"},
	{regexp.MustCompile(`((?:Unique|Linked)id: )(?:(?:lab1-)?[0-9]+\.[0-9]+|click-N)(?:;2)?`), "${1}N"},
	{regexp.MustCompile(`(BridgeUniqueid: ).*`), "${1}N"},
	{regexp.MustCompile(`(BridgeTechnology: )(native_rtp|simple_bridge)`), "${1}link"},
	{regexp.MustCompile(`((?:TIME|TIME_MS)\nValue: )[0-9]+`), "${1}N"},
	{regexp.MustCompile(`(FILENAME\nValue: ).*/`), "${1}"},
}

func normal(p string) string {
	for _, r := range replacements {
		p = r.what.ReplaceAllString(p, r.by)
	}
	return p
}

// TestVariablesTimestampsSystem has what the configuration adds to every event, in the
// order of trace r2.
func TestVariablesTimestampsSystem(t *testing.T) {
	onStage(t, func(st *stage) {
		st.c = Config{TimestampEvents: true, ChannelVars: []string{"FOO", "CALLERID(num)"}}
		st.s.o.SystemName = "lab1"
	}, func(t *testing.T, st *stage) {
		o := calling("carol")
		o.Variables = []call.Variable{{Name: "FOO", Value: "bar"}}
		c := st.originate(o, "102")
		st.gone(c)
		st.sw.Tell(pbx.Event{Type: eventOriginateResponse, Data: &OriginateResponse{
			ActionID: "o1", Success: true, Channel: c.Name(), Context: "default", Exten: "103", Reason: 4,
			Uniqueid: c.ID(), Snapshot: c.Snapshot(),
		}})
		all := st.packets()
		for _, test := range []struct{ event, want string }{
			{"Newchannel", `^Event: Newchannel
Privilege: call,all
Timestamp: \d+\.\d{6}
SystemName: lab1
Channel: PJSIP/carol-N
(.*\n){12}Linkedid: N
ChanVariable: FOO=.*
ChanVariable: CALLERID\(num\)=103$`},
			{"DialBegin", `^Event: DialBegin
(.*\n){3}DestChannel: PJSIP/carol-N
(.*\n){12}DestLinkedid: N
DestChanVariable: FOO=.*
DestChanVariable: CALLERID\(num\)=5551234
DialString: carol$`},
			{"OriginateResponse", `^Event: OriginateResponse
Privilege: call,all
Timestamp: \d+\.\d{6}
SystemName: lab1
ActionID: o1
Response: Success
Channel: PJSIP/carol-N
Context: default
Exten: 103
Reason: 4
Uniqueid: N
CallerIDNum: <unknown>
CallerIDName: <unknown>
ChanVariable\(PJSIP/carol-N\): FOO=.*
ChanVariable\(PJSIP/carol-N\): CALLERID\(num\)=5551234$`},
		} {
			got := packetsOf(test.event, all)
			if len(got) != 1 || !regexp.MustCompile(test.want).MatchString(got[0]) {
				t.Errorf("%s:\n%q\nwant %s", test.event, got, test.want)
			}
		}
	})
}
