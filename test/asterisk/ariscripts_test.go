//go:build asterisk

package asterisk

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/softphone"
	"github.com/dialwright/dialwright/test/aritrace"
	"github.com/dialwright/dialwright/test/harness"
	"github.com/dialwright/dialwright/test/node"
)

// scenarios are the programs of test/node.
var scenarios = []string{
	"originate", "createdial", "refusals", "playback", "recording", "dtmf",
	"bridges", "subscriptions", "variables", "snoop", "operator",
}

// scriptDifference is what our transcript has otherwise than Asterisk's.
type scriptDifference struct {
	what   string // a regular expression, from the beginning of the line that Compare gives
	why    string
	chance bool // Asterisk does so in most runs, not in all
}

// Why more than one scenario differs.
const (
	inTurn    = "each channel of ours tells in its own turn: the one on the other side after the one that ends, not between its variables"
	announcer = "no announcer channel joins the bridge for a playback here, so nobody gets another peer"
	told      = "whoever made a bridge, or had a channel in it, hears of its end (spec: ari 10, D6)"
)

// scriptDifferences lists them by scenario. One that does not show any more fails the test
// as well.
var scriptDifferences = map[string][]scriptDifference{
	"createdial": {
		{what: `order( among channels)?: ChannelVarset customer RTPAUDIOQOS\S*BRIDGED`, why: inTurn},
		{what: `order( among channels)?: ChannelConnectedLine agent`, why: inTurn, chance: true},
	},
	"refusals": {
		{what: `order( among channels)?: (Dial ring RINGING|ChannelStateChange ring)`, why: "the state comes first here; Asterisk tells the two in either order (spec: ari 5.2)", chance: true},
	},
	"bridges": {
		{what: `extra BridgeDestroyed (queue|room)`, why: told},
		{what: `missing ChannelVarset (one|two) BRIDGEPEER=`, why: announcer},
		{what: `missing ChannelVarset (one|two) BRIDGEPVTCALLID=`, why: announcer},
		{what: `order( among channels)?: ChannelVarset (one|two|three) BRIDGE(PEER|PVTCALLID)=`, why: announcer + "; and the members are told in the order in which they joined"},
		{what: `order( among channels)?: Playback(Started|Finished) gong`, why: announcer, chance: true},
	},
	"snoop": {
		{what: `order( among channels)?: (ChannelDestroyed|StasisEnd|ChannelVarset) (speaker|ear)`, why: "a snoop channel ends right after the one that it listens to", chance: true},
	},
	"operator": {
		{what: `order( among channels)?: ChannelVarset callee RTPAUDIOQOS\S*BRIDGED`, why: inTurn},
		{what: `missing ChannelHangupRequest generated`, why: "told once, not again when the dialplan behind the application is left (spec: ari 5.1: may occur twice)"},
	},
}

// TestScenariosSame runs the scenarios of a foreign client on Asterisk and on the built
// binary: they must tell the same. Asterisk's transcript differs from one run to the next in
// the order of what its threads do at once; what differs from every one of three runs counts.
func TestScenariosSame(t *testing.T) {
	node.Require(t)
	_, theirs := startARI(t)
	ours := aritrace.Lab{SIP: harness.FreePort(t), HTTP: harness.FreePort(t), Phone: harness.FreePort(t)}
	aritrace.StartPhone(t, ours.Phone)
	harness.StartAsterisk(t, ours.WriteOurs(t, t.TempDir()), ours.SIP,
		harness.Trunk("callee", ours.Phone, "context = \"from-callee\"\ncodecs = [\"pcmu\"]\nmatch = [\"127.0.0.1/32\"]\n"))
	same := 0
	for _, name := range scenarios {
		t.Run(name, func(t *testing.T) {
			got := perform(t, ours, name)
			found := map[string]int{}
			for range 3 {
				for _, d := range node.Differences(perform(t, theirs, name), got) {
					found[d]++
				}
			}
			maps.DeleteFunc(found, func(_ string, runs int) bool { return runs < 3 })
			t.Logf("%d operations, %d events, %d differences", len(got.Operations), len(got.Events), len(found))
			if explainScript(t, scriptDifferences[name], slices.Sorted(maps.Keys(found))) {
				same++
			}
		})
	}
	t.Logf("%d of %d scenarios tell the same without a difference", same, len(scenarios))
}

// explainScript fails the test for every difference that the list does not explain, and
// for every explanation of what does not differ. It says whether there was no difference.
func explainScript(t *testing.T, list []scriptDifference, found []string) bool {
	t.Helper()
	used := map[string]bool{}
	for _, d := range found {
		i := slices.IndexFunc(list, func(x scriptDifference) bool {
			return regexp.MustCompile("^(?:" + x.what + ")").MatchString(d)
		})
		if i < 0 {
			t.Errorf("nobody has explained: %s", d)
			continue
		}
		used[list[i].what] = true
		t.Logf("%s\n    because %s", d, list[i].why)
	}
	for _, x := range list {
		if !used[x.what] && !x.chance {
			t.Errorf("does not differ any more; take it off the list: %s", x.what)
		}
	}
	return len(found) == 0
}

// perform runs a scenario on one of the two and leaves nothing behind. The operator gets a
// call.
func perform(t *testing.T, lab aritrace.Lab, name string) node.Transcript {
	t.Helper()
	s := node.Start(t, lab.Target(), name)
	if name == "operator" {
		call(t, lab, s)
	}
	out := s.Wait()
	must(t, aritrace.Clean(t.Context(), lab.Target()))
	return out
}

// call calls the operator, presses 7 when it is told to, and hangs up when it has been put
// through.
func call(t *testing.T, lab aritrace.Lab, s *node.Scenario) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
	defer cancel()
	p, err := softphone.New(softphone.Config{User: "caller", Tone: 1000, Codecs: []string{"PCMU", "telephone-event"}})
	must(t, err)
	must(t, p.Start(ctx))
	defer func() { must(t, p.Stop(context.WithoutCancel(ctx))) }()
	s.Await("waiting for a call")
	c, err := p.Dial(ctx, fmt.Sprintf("sip:reception@127.0.0.1:%d", lab.SIP))
	must(t, err)
	must(t, c.WaitAnswered(ctx))
	s.Await("press now")
	must(t, c.SendDTMF(ctx, "7#", false))
	s.Await("put through")
	must(t, c.WaitTone(ctx, 500))
	c.Hangup()
	must(t, c.WaitEnded(ctx))
}
