//go:build asterisk

package asterisk

import (
	"maps"
	"slices"
	"testing"

	"github.com/dialwright/dialwright/test/amitrace"
	"github.com/dialwright/dialwright/test/harness"
	"github.com/dialwright/dialwright/test/node"
)

// Why our transcript of a scenario is otherwise than Asterisk's.
const (
	ownTurn = "each channel of ours tells in its own turn; only the order of one channel's events is promised (spec: ami 5.2)"
	peer    = "BRIDGEPEER and BRIDGEPVTCALLID are told when a party comes or goes; Asterisk tells them whenever a bridge looks at its members, and once more at the end"
	state   = "Asterisk tells Ringing and RINGING in either order; here the state comes first (spec: ami 5.5)"
	noPBX   = "gap: without a dialplan there is no program in Asterisk that ends, and no SoftHangupRequest"
)

// amiScriptDifferences lists what our transcript of a scenario has otherwise than Asterisk's. One that does not show any
// more fails the test as well.
var amiScriptDifferences = map[string][]scriptDifference{
	"amicall": {
		{what: `Bridge(Leave|Destroy) .*: BridgeTechnology = "simple_bridge", want "native_rtp"`, why: "media goes through the server, whatever it is called"},
		{what: `(extra|missing) VarSet PJSIP/(alice|bob)-#* RTPAUDIOQOS\S*BRIDGED`, why: "who leaves the bridge last has no party any more whose statistics it could tell"},
		{what: `missing VarSet PJSIP/alice-#* (ANSWEREDTIME|DIALEDTIME|DIALSTATUS)`, why: "gap: a caller that is hung up does not tell the variables of its Dial", chance: true},
		{what: `(order: |missing |extra )?(order: )?VarSet PJSIP/\S+ BRIDGE(PEER|PVTCALLID)`, why: peer, chance: true},
		{what: `order: (BridgeLeave|VarSet) `, why: "by chance: who leaves a bridge first", chance: true},
		{what: `(order: (Newstate|DialState)|DialState \S+ (\S+ )?RINGING: DestChannelState)`, why: state, chance: true},
		{what: `order among channels: `, why: ownTurn, chance: true},
	},
	"amisync": {
		{what: `extra SoftHangupRequest PJSIP/alice-`, why: noPBX},
		{what: `(order: (Newstate|DialState)|DialState \S+ RINGING: DestChannelState)`, why: state, chance: true},
		{what: `order among channels: `, why: ownTurn, chance: true},
	},
	"amirefused": {
		{what: `OriginateResponse Failure PJSIP/carol: Reason = "5", want "0"`, why: "the code that Asterisk's own table has for the cause (spec: ami 4.6)"},
		{what: `(order: (Newstate|DialState)|DialState \S+ RINGING: DestChannelState)`, why: state, chance: true},
		{what: `order among channels: `, why: ownTurn, chance: true},
	},
	"amioptions": {
		{what: `extra SoftHangupRequest PJSIP/(alice|erin)-`, why: noPBX},
		{what: `(order: (Newstate|DialState)|DialState \S+ RINGING: DestChannelState)`, why: state, chance: true},
		{what: `order among channels: `, why: ownTurn, chance: true},
	},
	"amiqueries": {},
}

// TestAMIScenariosSame runs the scenarios of two foreign clients of AMI on Asterisk and on
// the built binary: the clients must be told the same. What differs from every one of three
// runs on Asterisk counts, as in TestScenariosSame.
func TestAMIScenariosSame(t *testing.T) {
	for _, client := range node.AMIClients {
		node.RequireModule(t, client)
	}
	theirs := amitrace.NewLab(t)
	startAMI(t, theirs)
	ours := amitrace.NewLab(t)
	harness.StartAsterisk(t, ours.WriteOurs(t, t.TempDir()), ours.SIP, ours.Ours())
	ours.Register(t)
	ours.StartPhones(t)
	same := 0
	for _, name := range node.AMIScenarios {
		t.Run(name, func(t *testing.T) {
			all := map[string]bool{}
			for _, client := range node.AMIClients {
				for _, d := range manage(t, theirs, ours, client, name) {
					all[d] = true // of one client or both
				}
			}
			if explainScript(t, amiScriptDifferences[name], slices.Sorted(maps.Keys(all))) {
				same++
			}
		})
	}
	t.Logf("%d of %d scenarios tell the same without a difference", same, len(node.AMIScenarios))
}

// manage runs a scenario with one client on ours once and on Asterisk three times, and gives
// the differences of all three.
func manage(t *testing.T, theirs, ours amitrace.Lab, client, name string) (out []string) {
	t.Helper()
	run := func(lab amitrace.Lab) *amitrace.Session {
		s := node.StartAMI(t, lab.Target(), client, name).WaitAMI()
		must(t, amitrace.Clean(t.Context(), lab.Target()))
		return s
	}
	got := run(ours)
	found := map[string]int{}
	for range 3 {
		for _, d := range slices.Compact(node.AMIDifferences(run(theirs), got)) {
			found[d]++
		}
	}
	for d, runs := range found {
		if runs == 3 {
			out = append(out, d)
		}
	}
	t.Logf("%s: %d packets, %d differences", client, len(got.Received()), len(out))
	return out
}
