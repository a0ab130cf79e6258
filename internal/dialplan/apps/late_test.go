package apps_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/dialplan/run"
)

// TestMixMonitorCommandOnce checks that what came out of a variable is not
// expanded again in MixMonitor's command: it may come from a caller.
func TestMixMonitorCommandOnce(t *testing.T) {
	dir := t.TempDir()
	text := strings.ReplaceAll(`[t]
exten => s,1,Answer(,i)
 same => n,Set(FUN=${EVAL($)}{LEN(four)})
 same => n,Set(INNER=V)
 same => n,Set(V=late)
 same => n,MixMonitor(x.wav,,echo '${FUN}' '^{V}' '^{^{INNER}:1}' > DIR/out.txt)
 same => n,Wait(1)
`, "DIR", dir)
	inBooth(t, text, func(o *run.Options) {
		o.Dirs.Monitor, o.Allow = dir, run.Commands
	}, func(t *testing.T, b *booth) {
		c, _ := b.call("a", "s")
		b.wait(c)
	})
	// The command is over: the bubble ends with its goroutine.
	got, err := os.ReadFile(filepath.Join(dir, "out.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if want := "${LEN(four)} late ate\n"; string(got) != want {
		t.Errorf("the command printed %q, want %q", got, want)
	}
}

// TestLimitEndIsHeard checks that the sound of LIMIT_TIMEOUT_FILE is played to its
// end before the two are parted. Bridge and Dial share the conversation.
func TestLimitEndIsHeard(t *testing.T) {
	inStage(t, `[t]
exten => s,1,Answer(,i)
 same => n,Set(LIMIT_TIMEOUT_FILE=t900)
 same => n,Bridge(${GLOBAL(OTHER)},L(1000))
 same => n,Log(NOTICE,${BRIDGERESULT})
exten => b,1,Answer(,i)
 same => n,Set(GLOBAL(OTHER)=${CHANNEL})
 same => n,Wait(20)
`, func(t *testing.T, b *booth) {
		_, q := b.call("b", "b")
		c, p := b.call("a", "s")
		<-time.After(1600 * time.Millisecond)
		if got := p.Hears(); got != 900 {
			t.Errorf("the caller hears %d Hz when the time is over, want 900; all: %v", got, p.HearsAll())
		}
		b.wait(c)
		if got := b.traced(); !slices.Equal(got, []string{"SUCCESS"}) {
			t.Errorf("trace %q; %s", got, b.warn.text())
		}
		q.HangUp()
	})
}
