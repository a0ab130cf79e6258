package peers

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/softphone"
	"github.com/dialwright/dialwright/test/harness"
)

// The sounds of the menu, by their tones.
const (
	menuTone    = 600
	busyTone    = 900
	invalidTone = 1200
)

const menuPlan = `[menu]
exten => 100,1,Answer()
 same => n,Set(CHANNEL(hangup_handler_push)=gone,s,1(${EXTEN}))
 same => n,Set(CDR(userfield)=menu)
 same => n,Set(TIMEOUT(response)=1)
 same => n(again),Background(%DIR%/sounds/menu)
 same => n,WaitExten()
exten => 2,1,Log(NOTICE,two was pressed)
 same => n,Dial(SIP/peer/5551000,20)
 same => n,Log(NOTICE,the peer is ${DIALSTATUS} for ${HANGUPCAUSE})
 same => n,ExecIf($["${DIALSTATUS}" = "BUSY"]?Playback(%DIR%/sounds/busy))
 same => n,Goto(100,again)
exten => i,1,Log(NOTICE,nothing is at ${INVALID_EXTEN})
 same => n,Playback(%DIR%/sounds/invalid)
 same => n,Goto(100,again)
exten => t,1,Log(NOTICE,nothing was pressed)
 same => n,Hangup(19)
exten => h,1,Log(NOTICE,h at ${CDR(src)} ${CDR(dst)} ${CDR(disposition)} ${CDR(lastapp)} ${CDR(userfield)})
[gone]
exten => s,1,Log(NOTICE,handler of ${ARG1} at ${CHANNEL(name)})
 same => n,Return()
`

// A phone that calls in runs the context of its configuration: a menu that its
// digits (RFC 4733) interrupt, a peer that is busy, a wrong digit, none at all; then
// h and the hangup handler see the call's record.
func TestMenu(t *testing.T) {
	t.Parallel()
	peer := startSIPp(t, 1, []step{invite(), reply(486, "Busy Here", ""), recv("ACK"), linger})
	y := newYard(t, menuPlan, nil, harness.Phone("101", `context = "menu"`), harness.Trunk("peer", peer.Port, ""))
	writeTone(t, filepath.Join(y.dir, "sounds", "menu.wav"), menuTone, 3*time.Second)
	writeTone(t, filepath.Join(y.dir, "sounds", "busy.wav"), busyTone, time.Second)
	writeTone(t, filepath.Join(y.dir, "sounds", "invalid.wav"), invalidTone, time.Second)
	p := y.phone("101", 0, softphone.Rule{})
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	c, err := p.Dial(ctx, "100")
	y.must(err)
	y.must(c.WaitTone(ctx, menuTone))
	y.must(c.SendDTMF(ctx, "2", false))
	y.must(c.WaitTone(ctx, busyTone))
	y.must(c.WaitTone(ctx, menuTone))
	y.must(c.SendDTMF(ctx, "7", false))
	y.must(c.WaitTone(ctx, invalidTone))
	y.must(c.WaitTone(ctx, menuTone))
	y.must(c.WaitSilence(ctx))
	y.must(c.WaitEnded(ctx))
	peer.Wait()
	for _, text := range []string{
		"two was pressed", "the peer is BUSY for 17", "nothing is at 7", "nothing was pressed",
		"h at 101 t ANSWERED Hangup menu", "handler of 100 at PJSIP/101-",
	} {
		y.logged(text)
	}
}

// A phone whose context the dialplan does not have is served by the routing, as
// without a dialplan; an extension that the context does not have is 404.
func TestContextOfThePhone(t *testing.T) {
	t.Parallel()
	y := newYard(t, "[menu]\nexten => 5,1,Answer()\n same => n,Hangup()\n", nil,
		harness.Phone("101", `context = "menu"`), harness.Phone("102", ""))
	inside, outside := y.phone("101", 0, softphone.Rule{}), y.phone("102", 0, softphone.Rule{})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for _, c := range []struct {
		phone  *softphone.Phone
		number string
		status int // 0 = answered
	}{{inside, "5", 0}, {inside, "102", 404}, {outside, "5", 404}, {outside, "101", 0}} {
		call, err := c.phone.Dial(ctx, c.number)
		y.must(err)
		if c.status == 0 {
			y.must(call.WaitAnswered(ctx))
			call.Hangup()
		}
		y.must(call.WaitEnded(ctx))
		if got := call.Info().Status; got != c.status {
			t.Errorf("%s is answered with %d, want %d", c.number, got, c.status)
		}
	}
}

// Three phones meet in a conference and hear each other; who leaves is not heard
// any more, and the dialplan of who stays goes on.
func TestConference(t *testing.T) {
	t.Parallel()
	y := newYard(t, `[meet]
exten => 8,1,Set(CONFBRIDGE(user,quiet)=yes)
 same => n,ConfBridge(room)
exten => h,1,Log(NOTICE,${CALLERID(num)} left by ${CONFBRIDGE_RESULT})
exten => 9,1,Log(NOTICE,there are ${CONFBRIDGE_INFO(parties,room)})
 same => n,ConfKick(room,all)
 same => n,Log(NOTICE,kicked ${CONFKICKSTATUS})
 same => n,Hangup()
`, nil, harness.Phone("101", `context = "meet"`), harness.Phone("102", `context = "meet"`), harness.Phone("103", `context = "meet"`))
	a, b, quiet := y.phone("101", 500, softphone.Rule{}), y.phone("102", 900, softphone.Rule{}), y.phone("103", 0, softphone.Rule{})
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	join := func(p *softphone.Phone) *softphone.Call {
		c, err := p.Dial(ctx, "8")
		y.must(err)
		y.must(c.WaitAnswered(ctx))
		return c
	}
	ca, cq := join(a), join(quiet)
	y.must(cq.WaitTone(ctx, 500))
	cb := join(b)
	y.must(ca.WaitTone(ctx, 900))
	y.must(cb.WaitTone(ctx, 500))
	ca.Hangup()
	y.must(cq.WaitTone(ctx, 900))
	y.must(cb.WaitSilence(ctx))
	y.logged("101 left by HANGUP")

	c, err := a.Dial(ctx, "9")
	y.must(err)
	y.must(c.WaitEnded(ctx))
	y.logged("there are 2")
	y.logged("kicked SUCCESS")
	y.must(cb.WaitEnded(ctx))
	y.must(cq.WaitEnded(ctx))
	y.logged("102 left by KICKED")
	y.logged("103 left by KICKED")
}
