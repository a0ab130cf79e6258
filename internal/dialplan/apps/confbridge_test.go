package apps_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/conference"
	"github.com/dialwright/dialwright/internal/pbx"
)

const confTest = `[t]
exten => three,1,Set(CONFBRIDGE(user,quiet)=yes)
 same => n,ConfBridge(r)
exten => h,1,Log(NOTICE,h ${CONFBRIDGE_RESULT})
exten => timed,1,Set(CONFBRIDGE(user,quiet)=yes)
 same => n,Set(CONFBRIDGE(user,timeout)=1)
 same => n,ConfBridge(r2)
 same => n,Log(NOTICE,${CONFBRIDGE_RESULT} ${CONFBRIDGE_INFO(parties,r2)})
exten => file,1,ConfBridge(r3,small,chair,keys)
 same => n,Log(NOTICE,${CONFBRIDGE_RESULT} ${SUB} ${CHANNEL(state)})
exten => own,1,Set(CONFBRIDGE(user,template)=chair)
 same => n,Set(CONFBRIDGE(user,pin)=)
 same => n,Set(CONFBRIDGE(bridge,template)=small)
 same => n,Set(CONFBRIDGE(menu,template)=keys)
 same => n,Set(CONFBRIDGE(menu,9)=leave_conference)
 same => n,ConfBridge(r3)
 same => n,Log(NOTICE,own ${CONFBRIDGE_RESULT})
exten => wrong,1,Set(CONFBRIDGE(user,no_such)=1)
 same => n,Set(CONFBRIDGE(user)=1)
 same => n,Set(CONFBRIDGE(room,x)=1)
 same => n,Set(CONFBRIDGE(user,template)=nobody)
 same => n,Set(CONFBRIDGE(bridge,template)=nobody)
 same => n,Set(CONFBRIDGE(menu,template)=nobody)
 same => n,Log(NOTICE,[${CONFBRIDGE_INFO(parties,none)}${CONFBRIDGE_INFO(locked,none)}${CONFBRIDGE_INFO(odd,none)}${CONFBRIDGE_INFO(odd)}])
 same => n,ConfBridge(r4,nobody)
 same => n,Log(NOTICE,not reached)
exten => nameless,1,ConfBridge()
 same => n,Log(NOTICE,not reached)
exten => kick,1,ConfKick(r)
 same => n,Log(NOTICE,${CONFKICKSTATUS})
exten => meet,1,MeetMe(77,aAMqp)
 same => n,Log(NOTICE,left ${CONFBRIDGE_RESULT})
exten => info,1,Log(NOTICE,${CONFBRIDGE_INFO(parties,r3)} ${CONFBRIDGE_INFO(admins,r3)} ${CONFBRIDGE_INFO(marked,r3)} ${CONFBRIDGE_INFO(locked,r3)} ${CONFBRIDGE_INFO(muted,r3)})
[sub]
exten => s,1,Set(SUB=was there)
 same => n,Return()
`

const confFile = `[small]
type=bridge
max_members=2
[chair]
type=user
admin=yes
marked=yes
quiet=yes
pin=12
[keys]
type=menu
1=admin_toggle_conference_lock
2=leave_conference
3=dialplan_exec(sub,s,1)
`

// Three phones talk by dialplan; each hears the two others; then one is kicked
// out by another call, and h tells why.
func TestConfBridge(t *testing.T) {
	inBooth(t, confTest, nil, func(t *testing.T, b *booth) {
		ca, a := b.call("a", "three")
		cb, p := b.call("b", "three")
		cc, c := b.call("c", "three")
		a.Says(500)
		p.Says(900)
		c.Says(1300)
		a.Expect("a", 900, 1300)
		p.Expect("b", 500, 1300)
		c.Expect("c", 500, 900)
		a.HangUp()
		b.wait(ca)
		b.expect("h HANGUP")
		kick, _ := b.call("d", "kick")
		b.wait(kick)
		b.wait(cb)
		b.wait(cc)
		if d := cmp.Diff([]string{"SUCCESS", "h ", "h KICKED", "h KICKED"}, sortedTail(b.traced())); d != "" {
			t.Errorf("trace (-want +got):\n%s", d)
		}
		kick, _ = b.call("d", "kick")
		b.wait(kick)
		b.expect("FAILURE", "h ")
	})
}

// sortedTail sorts what several channels have logged at once.
func sortedTail(list []string) []string {
	out := sorted(list)
	for i, s := range out {
		if s == "SUCCESS" {
			return append([]string{s}, append(out[:i:i], out[i+1:]...)...)
		}
	}
	return out
}

func TestConfBridgeProfiles(t *testing.T) {
	inBooth(t, confTest, nil, func(t *testing.T, b *booth) {
		write(t, filepath.Join(b.dir, "etc/confbridge.conf"), confFile)
		begun := time.Now()
		c, _ := b.call("a", "timed")
		b.wait(c)
		if d := time.Since(begun); d != time.Second {
			t.Errorf("timeout after %v", d)
		}
		b.expect("TIMEOUT 0", "h TIMEOUT")

		c, p := b.call("a", "file")
		p.Press("w12")
		info, _ := b.call("i", "info")
		b.wait(info)
		b.expect("1 1 1 0 0", "h ")
		p.Press("31")
		<-time.After(5 * time.Second) // the prompt of the lock
		info, _ = b.call("i", "info")
		b.wait(info)
		b.expect("1 1 1 1 0", "h ")
		c2, q := b.call("b", "own")
		<-time.After(time.Second)
		q.Press("9")
		b.wait(c2)
		b.expect("own DTMF", "h DTMF")
		p.Press("2")
		b.wait(c)
		b.expect("DTMF was there Up", "h DTMF")

		c, _ = b.call("a", "wrong")
		b.wait(c)
		b.expect("[00]", "h FAILED")
		for _, want := range []string{"no_such", "a kind and an option", "not \\\"room\\\"", "user profile", "bridge profile", "no menu", "odd", "name of a conference"} {
			if !b.hasWarning(want) {
				t.Errorf("no warning of %s: %s", want, b.warn.text())
			}
		}
		c, _ = b.call("a", "nameless")
		b.wait(c)
		b.expect("h FAILED")

		c, p = b.call("a", "meet")
		p.Expect("alone", 700)
		if i, ok := conference.RoomsOf(b.m).Info("77"); !ok || i.Admins != 1 || i.Marked != 1 {
			t.Errorf("room %+v", i)
		}
		p.Press("#")
		b.wait(c)
		b.expect("left DTMF", "h DTMF")
		if !b.hasWarning("use ConfBridge") {
			t.Error("MeetMe is a name of the past")
		}
	})
}

// BridgeWait: music, ringing, silence; the time; one taken by another bridge.
func TestBridgeWait(t *testing.T) {
	inBooth(t, `[t]
exten => s,1,BridgeWait(hall,participant,S(2))
 same => n,Log(NOTICE,goes on)
exten => silent,1,BridgeWait(hall,,e(s))
exten => music,1,BridgeWait(hall)
exten => ring,1,BridgeWait(,,e(r)n)
exten => say,1,BridgeWait(hall,announcer)
exten => odd,1,BridgeWait(hall,chief)
 same => n,Log(NOTICE,not reached)
exten => h,1,Log(NOTICE,h)
`, nil, func(t *testing.T, b *booth) {
		c, p := b.call("a", "s")
		p.Expect("music", 700)
		if got := b.Switch.Bridges(); len(got) != 1 || got[0].Type != "holding" {
			t.Errorf("bridges %+v", got)
		}
		b.wait(c)
		b.expect("goes on", "h")
		c, p = b.call("a", "silent")
		c2, q := b.call("b", "say")
		q.Says(900)
		p.Says(500)
		p.Expect("the announcer", 900)
		q.Expect("an announcer hears nothing")
		br := b.Switch.Bridges()
		if len(br) != 1 || len(br[0].Channels) != 2 {
			t.Errorf("bridges %+v", br)
		}
		c3, r := b.call("c", "music")
		r.Expect("the announcer, not the music", 900)
		q.HangUp()
		b.wait(c2)
		r.Expect("music again", 700)
		p.Expect("silence again")
		for x, hang := range map[*pbx.Channel]func(){c: p.HangUp, c3: r.HangUp} {
			hang()
			b.wait(x)
		}
		c, p = b.call("a", "ring")
		if got := p.HearsAll(); len(got) != 0 {
			t.Logf("ringing heard as %v", got)
		}
		p.HangUp()
		b.wait(c)
		c, _ = b.call("a", "odd")
		b.wait(c)
		b.traced()
		if n := len(b.Switch.Bridges()); n != 0 {
			t.Errorf("%d bridges are left", n)
		}
	})
}

// A phone that sends its keys as tones is understood like any other.
func TestInbandDigits(t *testing.T) {
	inBooth(t, `[t]
exten => s,1,Read(X,,3)
 same => n,Log(NOTICE,${X})
exten => conf,1,Set(CONFBRIDGE(user,startmuted)=yes)
 same => n,Set(CONFBRIDGE(user,quiet)=yes)
 same => n,Set(CONFBRIDGE(menu,*5)=leave_conference)
 same => n,ConfBridge(r)
 same => n,Log(NOTICE,${CONFBRIDGE_RESULT})
`, nil, func(t *testing.T, b *booth) {
		c, p := b.call("inband", "s")
		<-time.After(500 * time.Millisecond)
		p.Press("4#7")
		b.wait(c)
		b.expect("4")
		c, p = b.call("inband", "s")
		<-time.After(500 * time.Millisecond)
		p.Press("159")
		b.wait(c)
		b.expect("159")
		c, p = b.call("inband", "conf") // muted parties are understood too
		<-time.After(500 * time.Millisecond)
		p.Press("*5")
		b.wait(c)
		b.expect("DTMF")
	})
}
