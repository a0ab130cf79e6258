package ami

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/hint"
	"github.com/dialwright/dialwright/internal/local"
	"github.com/dialwright/dialwright/internal/mixmonitor"
	"github.com/dialwright/dialwright/internal/parking"
	"github.com/dialwright/dialwright/internal/pbx"
	wire "github.com/dialwright/dialwright/internal/wire/ami"
)

// translator is a door that only translates.
func translator(c *Config) *Server {
	sw := pbx.New(pbx.Options{})
	return &Server{o: Options{Switch: sw, Config: func() *Config { return c }}, sw: sw}
}

// someone is a channel, other than which none needs to be told apart.
func someone(name string) *pbx.Snapshot {
	return &pbx.Snapshot{
		ID: "1.1", Name: name, State: pbx.Up, Caller: call.CallerID{Name: "A", Number: "1"}, Language: "en",
		Context: "default", Extension: "5", Priority: 2, LinkedID: "1.0", App: "Wait", Technology: "PJSIP",
	}
}

// block is someone's block with a prefix.
func block(prefix, name string) string {
	lines := "Channel: " + name + "\nChannelState: 6\nChannelStateDesc: Up\nCallerIDNum: 1\nCallerIDName: A\n" +
		"ConnectedLineNum: <unknown>\nConnectedLineName: <unknown>\nLanguage: en\nAccountCode: \nContext: default\nExten: 5\n" +
		"Priority: 2\nUniqueid: 1.1\nLinkedid: 1.0\n"
	return prefix + strings.ReplaceAll(strings.TrimSuffix(lines, "\n"), "\n", "\n"+prefix) + "\n"
}

// TestEveryEvent has the events that the replayed calls do not have.
func TestEveryEvent(t *testing.T) {
	a, b := someone("PJSIP/a-1"), someone("PJSIP/b-2")
	bridge := &pbx.BridgeSnapshot{ID: "B", Class: "stasis", Technology: "softmix", Creator: "Stasis", Name: "room", Channels: []string{"1"}, VideoMode: "single", VideoSource: "1.1"}
	bridgeText := "BridgeUniqueid: B\nBridgeType: stasis\nBridgeTechnology: softmix\nBridgeCreator: Stasis\nBridgeName: room\n" +
		"BridgeNumChannels: 1\nBridgeVideoSourceMode: single\nBridgeVideoSource: 1.1\n"
	for _, test := range []struct {
		e    pbx.Event
		want string
	}{
		{pbx.Event{Type: pbx.BridgeCreated, Bridge: bridge}, "Event: BridgeCreate\nPrivilege: call,all\n" + bridgeText},
		{pbx.Event{Type: pbx.ChannelHold, Channel: a}, "Event: Hold\nPrivilege: call,all\n" + block("", a.Name)},
		{pbx.Event{Type: pbx.ChannelHold, Channel: a, Value: "jazz"}, "Event: Hold\nPrivilege: call,all\n" + block("", a.Name) + "MusicClass: jazz\n"},
		{pbx.Event{Type: pbx.ChannelUnhold, Channel: a}, "Event: Unhold\nPrivilege: call,all\n" + block("", a.Name)},
		{pbx.Event{Type: pbx.ChannelMusicStarted, Channel: a, Value: "default"}, "Event: MusicOnHoldStart\nPrivilege: call,all\n" + block("", a.Name) + "Class: default\n"},
		{pbx.Event{Type: pbx.ChannelMusicStopped, Channel: a}, "Event: MusicOnHoldStop\nPrivilege: call,all\n" + block("", a.Name)},
		{pbx.Event{Type: pbx.ChannelDTMFBegun, Channel: a, Digit: '#', Value: pbx.DigitReceived}, "Event: DTMFBegin\nPrivilege: dtmf,all\n" + block("", a.Name) + "Digit: #\nDirection: Received\n"},
		{pbx.Event{Type: pbx.ChannelDTMF, Channel: a, Digit: '1', Duration: 90 * time.Millisecond}, "Event: DTMFEnd\nPrivilege: dtmf,all\n" + block("", a.Name) + "Digit: 1\nDurationMs: 90\nDirection: Received\n"},
		{pbx.Event{Type: pbx.ChannelUserEvent, Channel: a, Variable: "Mine", Value: "Key: a: b\nOther: c"}, "Event: UserEvent\nPrivilege: user,all\n" + block("", a.Name) + "UserEvent: Mine\nKey: a: b\nOther: c\n"},
		{pbx.Event{Type: pbx.ChannelVarset, Variable: "G", Value: "v"}, "Event: VarSet\nPrivilege: dialplan,all\nChannel: none\nUniqueid: none\nVariable: G\nValue: v\n"},
		{pbx.Event{Type: pbx.Dial, Peer: a, Channel: b, DialStatus: "PROGRESS"}, "Event: DialState\nPrivilege: call,all\n" + block("", b.Name) + block("Dest", a.Name) + "DialStatus: PROGRESS\n"},
		{pbx.Event{Type: pbx.Dial, Peer: a, DialStatus: "CANCEL", Target: "9"}, "Event: DialEnd\nPrivilege: call,all\n" + block("Dest", a.Name) + "DialStatus: CANCEL\nForward: 9\n"},
		{pbx.Event{Type: pbx.ChannelProgramEnded, Channel: a}, "Event: SoftHangupRequest\nPrivilege: call,all\n" + block("", a.Name) + "Cause: 16\n"},
		{pbx.Event{Type: pbx.DeviceStateChanged, Device: &pbx.DeviceSnapshot{Name: "PJSIP/a", State: pbx.DeviceRinging}}, "Event: DeviceStateChange\nPrivilege: call,all\nDevice: PJSIP/a\nState: RINGING\n"},
		{pbx.Event{Type: pbx.PeerStatusChange, Endpoint: &pbx.EndpointSnapshot{Technology: "PJSIP", Resource: "a", Status: "Registered", Address: "10.0.0.1:5060"}}, "Event: PeerStatus\nPrivilege: system,all\nChannelType: PJSIP\nPeer: PJSIP/a\nPeerStatus: Registered\nAddress: 10.0.0.1\nPort: 5060\n"},
		{pbx.Event{Type: pbx.ContactStatusChange, Endpoint: &pbx.EndpointSnapshot{Technology: "PJSIP", Resource: "a", Status: "Reachable", Contact: "sip:a@10.0.0.1", RTT: 2 * time.Millisecond}}, "Event: ContactStatus\nPrivilege: system,all\nURI: sip:a@10.0.0.1\nContactStatus: Reachable\nAOR: a\nEndpointName: a\nRoundtripUsec: 2000\n"},
		{pbx.Event{Type: hint.ExtensionStatus, Data: &hint.State{Exten: "101", Context: "default", Hint: "PJSIP/a", Status: hint.InUseRinging}}, "Event: ExtensionStatus\nPrivilege: call,all\nExten: 101\nContext: default\nHint: PJSIP/a\nStatus: 9\nStatusText: InUse&Ringing\n"},
		{pbx.Event{Type: eventUser, Data: &UserEvent{Name: "X", Headers: []wire.Header{{Name: "K", Value: "v"}, {Name: "ActionID", Value: "7"}}}}, "Event: UserEvent\nPrivilege: user,all\nUserEvent: X\nK: v\nActionID: 7\n"},
		{pbx.Event{Type: EventReload, Data: &Reload{Module: "All"}}, "Event: Reload\nPrivilege: system,all\nModule: All\nStatus: 0\nMessage: \n"},
		{pbx.Event{Type: EventShutdown, Data: &Shutdown{Cleanly: true}}, "Event: Shutdown\nPrivilege: system,all\nShutdown: Cleanly\nRestart: False\n"},
		{pbx.Event{Type: eventOriginateResponse, Data: &OriginateResponse{Channel: "PJSIP/no", Application: "Echo", Reason: 0}}, "Event: OriginateResponse\nPrivilege: call,all\nResponse: Failure\nChannel: PJSIP/no\nApplication: Echo\nData: \nReason: 0\nUniqueid: <unknown>\nCallerIDNum: <unknown>\nCallerIDName: <unknown>\n"},
		{pbx.Event{Type: mixmonitor.Muted, Channel: a, Data: &mixmonitor.Mute{Direction: "both", On: true}}, "Event: MixMonitorMute\nPrivilege: call,all\n" + block("", a.Name) + "Direction: both\nState: 1\n"},
		{pbx.Event{Type: parking.Unparked, Data: &parking.Told{Parkee: a, Retriever: b, Parker: "PJSIP/c", Lot: "default", Space: 701, Left: 3 * time.Second, Since: time.Second}}, "Event: UnParkedCall\nPrivilege: call,all\n" + block("Parkee", a.Name) + "ParkerDialString: PJSIP/c\nParkinglot: default\nParkingSpace: 701\nParkingTimeout: 3\nParkingDuration: 1\n" + block("Retriever", b.Name)},
		{pbx.Event{Type: parking.WaitedTooLong, Data: &parking.Told{Parkee: a, Lot: "default", Space: 1}}, "Event: ParkedCallTimeOut\nPrivilege: call,all\n" + block("Parkee", a.Name) + "ParkerDialString: \nParkinglot: default\nParkingSpace: 1\nParkingTimeout: 0\nParkingDuration: 0\n"},
		{pbx.Event{Type: local.Bridged, Channel: b, Data: &local.Pair{One: a, Two: b, Context: "c", Exten: "e"}}, "Event: LocalBridge\nPrivilege: call,all\n" + block("LocalOne", a.Name) + block("LocalTwo", b.Name) + "Context: c\nExten: e\nLocalOptimization: No\n"},
		{pbx.Event{Type: pbx.BridgeAttendedTransfer, Channel: a, Bridge: bridge, Data: &pbx.AttendedTransfer{First: a, Second: b, Result: pbx.TransferDone, External: true, Destination: "B2", SecondBridge: bridge}}, "Event: AttendedTransfer\nPrivilege: call,all\nResult: Success\n" + block("OrigTransferer", a.Name) + block("SecondTransferer", b.Name) + "Second" + strings.ReplaceAll(strings.TrimSuffix(bridgeText, "\n"), "\n", "\nSecond") + "\nIsExternal: Yes\nDestType: Bridge\nDestBridgeUniqueid: B2\n"},
	} {
		got := translator(&Config{}).translate(&test.e)
		if len(got) != 1 {
			t.Errorf("%s: %d packets", test.e.Type, len(got))
			continue
		}
		if name := got[0].m.Get("Event"); !slices.Contains(Events(), name) {
			t.Errorf("Events does not list %s", name)
		}
		text := strings.TrimSuffix(strings.ReplaceAll(string(got[0].m.Append(nil)), "\r\n", "\n"), "\n")
		if d := cmp.Diff(test.want, text); d != "" {
			t.Errorf("%s (-want +got):\n%s", test.e.Type, d)
		}
		if p := "Privilege: " + got[0].class.String() + "\n"; !strings.Contains(text, p) {
			t.Errorf("%s: class %s is not that of the packet", test.e.Type, got[0].class)
		}
	}
}

// TestCDRAsTraced compares a record with trace r1.
func TestCDRAsTraced(t *testing.T) {
	at := func(s string) time.Time {
		v, err := time.Parse(time.DateTime, s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	e := pbx.Event{Type: EventCDR, Data: &CDR{
		AccountCode: "acct1", Source: "5551234", Destination: "102", Context: "default", CallerID: `"Web Call" <5551234>`,
		Channel: "PJSIP/alice-0000006b", DestChannel: "PJSIP/bob-0000006c", LastApp: "Dial", LastData: "PJSIP/bob,20",
		StartedAt: at("2026-11-22 04:26:41"), AnsweredAt: at("2026-11-22 04:26:41"), EndedAt: at("2026-11-22 04:26:46"),
		Duration: 5, Billable: 4, Disposition: "ANSWERED", UniqueID: "1795321601.177",
	}}
	if got := translator(&Config{}).translate(&e); got != nil {
		t.Errorf("told although CDREvents is off: %v", got[0].m)
	}
	got := translator(&Config{CDREvents: true}).translate(&e)
	want := strings.ReplaceAll(`Event: Cdr
Privilege: cdr,all
AccountCode: acct1
Source: 5551234
Destination: 102
DestinationContext: default
CallerID: "Web Call" <5551234>
Channel: PJSIP/alice-0000006b
DestinationChannel: PJSIP/bob-0000006c
LastApplication: Dial
LastData: PJSIP/bob,20
StartTime: 2026-11-22 04:26:41
AnswerTime: 2026-11-22 04:26:41
EndTime: 2026-11-22 04:26:46
Duration: 5
BillableSeconds: 4
Disposition: ANSWERED
AMAFlags: DOCUMENTATION
UniqueID: 1795321601.177
UserField: `, "\n", "\r\n") + "\r\n\r\n"
	if d := cmp.Diff(want, string(got[0].m.Append(nil))); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

// TestNotTold has what AMI does not tell, and events that nobody has filled.
func TestNotTold(t *testing.T) {
	s := translator(&Config{DisabledEvents: []string{"newexten"}, CDREvents: true})
	ringing := someone("PJSIP/a-1")
	ringing.App = "AppDial2"
	for _, e := range []pbx.Event{
		{Type: "SomethingElse"},
		{Type: "SomethingElse", Channel: ringing, Data: 5},
		{Type: pbx.ChannelDialplan, Channel: someone("PJSIP/a-1")},                  // disabled
		{Type: pbx.ChannelHangupRequest, Channel: ringing, Soft: true, Cause: 16},   // nothing runs there
		{Type: pbx.PlaybackStarted, Playback: &pbx.PlaybackSnapshot{}},              // ARI alone
		{Type: pbx.ChannelHandlerStarted, Channel: ringing},                         // ours alone
		{Type: pbx.EndpointStateChange, Endpoint: &pbx.EndpointSnapshot{}},          // ARI alone
		{Type: pbx.BridgeVideoSourceChanged, Bridge: &pbx.BridgeSnapshot{ID: "B1"}}, // ARI alone
	} {
		if got := s.translate(&e); got != nil {
			t.Errorf("%s: %v", e.Type, got[0].m)
		}
	}
	for name := range eventNames { // must not break anything
		s.translate(&pbx.Event{Type: name})
		s.translate(&pbx.Event{Type: name, Data: "what is it"})
	}
	s.translate(&pbx.Event{Type: pbx.Dial})
	s.translate(&pbx.Event{Type: pbx.ChannelHangupRequest})
	s.translate(&pbx.Event{Type: pbx.ChannelHangupRequest, Soft: true})
}

// BenchmarkTranslate measures the events that there are most of.
func BenchmarkTranslate(b *testing.B) {
	s := translator(&Config{})
	a, peer := someone("PJSIP/a-1"), someone("PJSIP/b-2")
	for name, e := range map[string]*pbx.Event{
		"VarSet":    {Type: pbx.ChannelVarset, Channel: a, Variable: "X", Value: "y"},
		"Newstate":  {Type: pbx.ChannelStateChange, Channel: a},
		"DialState": {Type: pbx.Dial, Channel: a, Peer: peer, DialStatus: "RINGING"},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.translate(e)
			}
		})
	}
}
