package peers

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/softphone"
	"github.com/dialwright/dialwright/test/harness"
)

// The examples on which the call-file interface is founded, each on the built
// binary with real SIP phones.

// yard is a server with a dialplan and a spool folder.
type yard struct {
	*harness.Server
	t    *testing.T
	dir  string // scripts and prepared files
	out  string // the spool folder
	done string // the archive
}

// newYard starts a server whose extensions.conf is plan; %[1]s in it and in
// sections is the yard's directory.
func newYard(t *testing.T, plan string, files map[string]string, sections ...string) *yard {
	t.Helper()
	y := &yard{t: t, dir: t.TempDir()}
	y.out, y.done = filepath.Join(y.dir, "outgoing"), filepath.Join(y.dir, "outgoing_done")
	for _, d := range []string{"outgoing", "tmp", "agi-bin", "sounds"} {
		y.must(os.MkdirAll(filepath.Join(y.dir, d), 0o755))
	}
	y.write("extensions.conf", strings.ReplaceAll(plan, "%DIR%", y.dir))
	for name, text := range files {
		y.write(name, strings.ReplaceAll(text, "%DIR%", y.dir))
	}
	conf := fmt.Sprintf("[dialplan]\nfile = %q\nallow_exec = true\nallow_files = true\nagi_dir = %q\nspool_dir = %q\n[callfile]\ndir = %q\nallow_exec = true\n",
		filepath.Join(y.dir, "extensions.conf"), filepath.Join(y.dir, "agi-bin"), y.dir, y.out)
	y.Server = harness.Start(t, append(sections, conf)...)
	return y
}

func (y *yard) must(err error) {
	y.t.Helper()
	if err != nil {
		y.t.Fatal(err)
	}
}

func (y *yard) write(name, text string) {
	y.t.Helper()
	mode := os.FileMode(0o644)
	if strings.HasPrefix(text, "#!") {
		mode = 0o755
	}
	y.must(os.WriteFile(filepath.Join(y.dir, name), []byte(text), mode))
}

// shell runs a command of the seeds, with the yard as working directory.
func (y *yard) shell(command string) {
	y.t.Helper()
	c := exec.Command("bash", "-ec", command)
	c.Dir = y.dir
	if out, err := c.CombinedOutput(); err != nil {
		y.t.Fatalf("%s: %v\n%s", command, err, out)
	}
}

// put makes a call file beside the folder and moves it in, as the seeds say.
func (y *yard) put(name, text string) {
	y.t.Helper()
	y.write("tmp/"+name, text)
	y.shell("mv tmp/" + name + " outgoing/")
}

// emptied waits until the folder has no files.
func (y *yard) emptied() {
	y.t.Helper()
	y.until("the spool folder is empty", func() bool {
		list, err := os.ReadDir(y.out)
		y.must(err)
		return len(list) == 0
	})
}

func (y *yard) until(what string, ok func() bool) {
	y.t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(60 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			y.t.Fatalf("waited in vain until %s", what)
		}
	}
}

// calls lists the calls of the folder, oldest first, with their attempts.
func (y *yard) calls() []harness.Result {
	y.t.Helper()
	var page struct {
		Calls []struct {
			ID string `json:"id"`
		} `json:"calls"`
	}
	y.MustAPI("GET", "/v1/calls?door=callfile", nil, &page)
	var out []harness.Result
	for _, c := range page.Calls {
		out = append(out, y.AwaitEnd(y.t, c.ID))
	}
	return out
}

func cdr(y *yard, r harness.Result, attempt int) map[string]any {
	y.t.Helper()
	if len(r.Attempts) <= attempt {
		y.t.Fatalf("%d attempts, want %d", len(r.Attempts), attempt+1)
	}
	c, _ := r.Attempts[attempt]["cdr"].(map[string]any)
	return c
}

// phone registers a softphone.
func (y *yard) phone(name string, tone float64, rule softphone.Rule) *softphone.Phone {
	y.t.Helper()
	p, err := softphone.New(softphone.Config{
		User: name, Password: "secret-" + name, Server: fmt.Sprintf("127.0.0.1:%d", y.SIP), Domain: "test.local", Tone: tone, Rule: rule,
	})
	y.must(err)
	y.must(p.Start(y.t.Context()))
	y.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		p.Stop(ctx)
	})
	y.must(p.WaitRegistered(y.t.Context()))
	return p
}

// Seed: the minimal call file dials a number by a trunk and plays a sound.
func TestSeedMinimalCallFile(t *testing.T) {
	t.Parallel()
	peer := startSIPp(t, 1, []step{invite(), reply(180, "Ringing", ""), reply(200, "OK", "sendrecv"), recv("ACK"), recv("BYE"), ok(), linger})
	y := newYard(t, "[default]\n", nil, harness.Trunk("trunkname", peer.Port, ""))
	y.put("minimal.call", "Channel: SIP/trunkname/18882223333\nApplication: Playback\nData: hello-world\n")
	peer.Wait()
	y.emptied()
	if !strings.Contains(peer.Messages(), "INVITE sip:18882223333@") {
		t.Error("the trunk was not asked for 18882223333")
	}
	calls := y.calls()
	if len(calls) != 1 {
		t.Fatalf("%d calls, want 1", len(calls))
	}
	calls[0].Ended(t, harness.Want{Disposition: "ANSWERED", Cause: 16})
	if c := cdr(y, calls[0], 0); c["lastapp"] != "Playback" || c["lastdata"] != "hello-world" || c["reference"] != "minimal.call" {
		t.Errorf("the CDR of an Application call says %v", c)
	}
}

// Seed: retries, the failed extension with ${REASON}, the dialled number passed by
// Set and put into the CDR's user field, with the names of Asterisk 1.2.
func TestSeedRetriesWithFailed(t *testing.T) {
	t.Parallel()
	busy := []step{invite(), reply(486, "Busy Here", ""), recv("ACK"), linger}
	peer := startSIPp(t, 3, busy)
	y := newYard(t, `[callme]
exten => 800,1,NoOp()
 same => 2,Answer()
exten => failed,1,Set(NumberDialed=${CUT(PassedInfo,,1)})
exten => failed,n,SetCDRUserField(${NumberDialed})
exten => failed,n,Log(NOTICE,attempt ${AST_OUTGOING_ATTEMPT} failed for ${REASON})
`, nil, harness.Trunk("trunk", peer.Port, ""))
	y.put("15551234567", "Channel: SIP/trunk/15551234567\nMaxRetries: 2\nRetryTime: 1\nWaitTime: 30\nContext: callme\nExtension: 800\nPriority: 2\n"+
		"Set: PassedInfo=15551234567-moreinfo-evenmoreinfo\nArchive: yes\n")
	peer.Wait()
	y.emptied()
	calls := y.calls()
	if len(calls) != 1 || len(calls[0].Attempts) != 3 {
		t.Fatalf("calls %v, want one with 3 attempts", calls)
	}
	for i := range 3 {
		c := cdr(y, calls[0], i)
		if c["disposition"] != "BUSY" || c["userfield"] != "15551234567" || harness.Number(c["reason"]) != 5 {
			t.Errorf("CDR of attempt %d: %v", i+1, c)
		}
		if want := fmt.Sprintf("attempt %d failed for 5", i+1); !y.Log.Contains(want) {
			t.Errorf("the failed extension did not log %q", want)
		}
	}
	b, err := os.ReadFile(filepath.Join(y.done, "15551234567"))
	y.must(err)
	if n := strings.Count(string(b), "StartRetry: "); n != 3 || !strings.HasSuffix(string(b), "Status: Expired\n") {
		t.Errorf("the archived file has %d attempts and ends %q", n, b)
	}
}

// Seed: a Local channel through the outbound rules of the dialplan, connected to an AGI.
func TestSeedLocalChannelAndAGI(t *testing.T) {
	t.Parallel()
	peer := startSIPp(t, 1, []step{invite(), reply(180, "Ringing", ""), reply(200, "OK", "sendrecv"), recv("ACK"), recv("BYE"), ok(), linger})
	y := newYard(t, `[from-internal]
exten => _X.,1,Dial(SIP/trunk/${EXTEN},30)
`, map[string]string{"agi-bin/myagi.agi": `#!/bin/sh
while read -r line && [ -n "$line" ]; do echo "$line" >> %DIR%/agi.env; done
echo 'STREAM FILE hello-world "#"'; read -r answer; echo "$answer" >> %DIR%/agi.log
echo 'SAY DIGITS 42 ""'; read -r answer; echo "$answer" >> %DIR%/agi.log
echo 'HANGUP'; read -r answer
`}, harness.Trunk("trunk", peer.Port, ""))
	y.put("agi.call", "Channel: Local/1000@from-internal\nMaxRetries: 0\nRetryTime: 15\nWaitTime: 15\nApplication: AGI\nData: myagi.agi\n")
	peer.Wait()
	y.emptied()
	b, err := os.ReadFile(filepath.Join(y.dir, "agi.log"))
	y.must(err)
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	if len(lines) != 2 || !strings.HasPrefix(lines[0], "200 result=0 endpos=") || lines[1] != "200 result=0" {
		t.Errorf("the AGI got the answers %q", lines)
	}
	env, err := os.ReadFile(filepath.Join(y.dir, "agi.env"))
	y.must(err)
	if !strings.Contains(string(env), "agi_request: ") || !strings.Contains(string(env), "agi_channel: Local/1000@from-internal-") {
		t.Errorf("the AGI's environment:\n%s", env)
	}
}

// Seed: the PABX as a PA system. A phone dials 911, records a message, presses 1;
// the dialplan copies prepared call files, and all phones hear the message.
func TestSeedPASystem(t *testing.T) {
	t.Parallel()
	gate := startSIPp(t, 1, []step{invite(), reply(180, "Ringing", ""), reply(200, "OK", "sendrecv"), recv("ACK"), recv("BYE"), ok(), linger})
	callfile := func(channel string) string {
		return "Channel: " + channel + "\nCallerid: 911\nMaxRetries: 10\nRetryTime: 5\nWaitTime: 20\nContext: pa-call-file\nExtension: 10\n"
	}
	y := newYard(t, `[internal]
exten => 911,1,Goto(pa-system,s,1)
[pa-system]
exten => s,1,Answer
exten => s,n,Wait(1)
exten => s,n,Playback(pa-welcome)
exten => s,n,Wait(1)
exten => s,n,Record(pa-message.wav)
exten => s,n,Wait(1)
exten => s,n,Background(pa-confirm)
exten => s,n,WaitExten(10)
exten => s,n,Hangup()
exten => 1,1,System(cp %DIR%/pa-system/*.call %DIR%/tmp/)
exten => 1,n,System(mv %DIR%/tmp/*.call %DIR%/outgoing/)
exten => 0,1, Hangup()
[pa-call-file]
exten => 10,1,Answer()
exten => 10,n,Wait(1)
exten => 10,n,Playback(pa-message)
exten => 10,n,Wait(1)
exten => 10,n,Hangup()
`, nil, harness.Phone("103", `context = "internal"`), harness.Phone("218", ""), harness.Phone("219", ""), harness.Trunk("gate", gate.Port, ""))
	y.must(os.Mkdir(filepath.Join(y.dir, "pa-system"), 0o755))
	sounds := filepath.Join(y.Dir, "sounds")
	writeTone(t, filepath.Join(sounds, "pa-welcome.wav"), 880, time.Second)
	writeTone(t, filepath.Join(sounds, "pa-confirm.wav"), 440, 5*time.Second)
	y.write("pa-system/218.call", callfile("SIP/218"))
	y.write("pa-system/219.call", callfile("SIP/219"))
	y.write("pa-system/220.call", callfile("SIP/gate/220"))

	speaker := y.phone("103", 700, softphone.Rule{})
	listener := y.phone("218", 0, softphone.Rule{Action: softphone.Answer})
	foreign := startBaresip(t, y.Server, "219", "auto", 1500)
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	c, err := speaker.Dial(ctx, "911")
	y.must(err)
	y.must(c.WaitAnswered(ctx))
	y.must(c.WaitTone(ctx, 880))
	y.until("two seconds of the message are recorded", func() bool {
		st, err := os.Stat(filepath.Join(sounds, "pa-message.wav"))
		return err == nil && st.Size() > 2*16000
	})
	y.must(c.SendDTMF(ctx, "#", false))
	y.must(c.WaitTone(ctx, 440))
	if err := c.SendDTMF(ctx, "1", false); c.State() != softphone.Ended { // the dialplan may be through before the digit is
		y.must(err)
	}
	heard, err := listener.NextCall(ctx)
	y.must(err)
	y.must(heard.WaitTone(ctx, 700))
	gate.Wait()
	y.emptied()
	foreign.stop()
	if !foreign.heardFor(700, 500*time.Millisecond) {
		t.Error("the foreign phone has not heard the message")
	}
}

// Seed: a file whose time lies in the future waits for it.
func TestSeedScheduledByTouch(t *testing.T) {
	t.Parallel()
	peer := startSIPp(t, 1, []step{invite(), reply(200, "OK", "sendrecv"), recv("ACK"), recv("BYE"), ok(), linger})
	y := newYard(t, "[default]\n", nil, harness.Trunk("trunk", peer.Port, ""))
	y.write("tmp/blah", "Channel: SIP/trunk/5551234\nApplication: Wait\nData: 0.1\n")
	y.shell(`touch -d "3 seconds" tmp/blah && mv tmp/blah outgoing/`)
	st, err := os.Stat(filepath.Join(y.out, "blah"))
	y.must(err)
	due := st.ModTime().Truncate(time.Second)
	peer.Wait()
	y.emptied()
	calls := y.calls()
	if len(calls) != 1 {
		t.Fatalf("%d calls, want 1", len(calls))
	}
	started, err := time.Parse(time.RFC3339, calls[0].Attempts[0]["started_at"].(string))
	y.must(err)
	if started.Before(due) {
		t.Errorf("dialled at %v, before the file's time %v", started, due)
	}
}

// Seed: auto-dial and deliver a message, allow replay, and have it acknowledged with
// a PIN.
func TestSeedAcknowledgedMessage(t *testing.T) {
	t.Parallel()
	cseq := 0
	info := func(digit string) step { cseq++; return dtmfInfo(digit, cseq) }
	peer := startSIPp(t, 1, []step{
		inviteRemembered(), reply(180, "Ringing", ""), reply(200, "OK", "sendrecv"), recv("ACK"), pause(1500 * time.Millisecond),
		info("5"), status(200), pause(500 * time.Millisecond), // replay
		info("1"), status(200), pause(1500 * time.Millisecond),
		info("1"), status(200), pause(200 * time.Millisecond), info("2"), status(200), pause(200 * time.Millisecond),
		info("3"), status(200), pause(200 * time.Millisecond), info("4"), status(200), recv("BYE"), ok(), linger,
	})
	y := newYard(t, `[alert]
exten => s,1,Answer()
 same => n,ResponseTimeout(20)
 same => n(play),Background(%DIR%/sounds/alert)
 same => n,WaitExten()
exten => 5,1,Log(NOTICE,replayed)
 same => n,Goto(s,play)
exten => 1,1,Read(PIN,,4)
 same => n,GotoIf($["${PIN}" = "1234"]?good:bad)
 same => n(good),Set(DB(alert/${TICKET})=acknowledged)
 same => n,Log(NOTICE,ticket ${TICKET} acknowledged by ${DB(alert/${TICKET})})
 same => n,Playback(vm-goodbye)
 same => n,Hangup()
 same => n(bad),Playback(invalid)
 same => n,Goto(s,play)
exten => t,1,Hangup()
exten => failed,1,Log(NOTICE,nobody took ticket ${TICKET})
`, nil, harness.Trunk("trunk", peer.Port, `dtmf = "info"`))
	writeTone(t, filepath.Join(y.dir, "sounds", "alert.wav"), 600, 2*time.Second)
	y.put("alert.call", "Channel: SIP/trunk/5551000\nContext: alert\nExtension: s\nSet: TICKET=4711\nMaxRetries: 2\nRetryTime: 60\n")
	peer.Wait()
	y.emptied()
	for _, want := range []string{"replayed", "ticket 4711 acknowledged by acknowledged"} {
		if !y.Log.Contains(want) {
			t.Errorf("the dialplan did not log %q", want)
		}
	}
}

// dtmfInfo is a digit by SIP INFO from the called party.
func dtmfInfo(digit string, cseq int) step {
	body := "Signal=" + digit + "\nDuration=160\n"
	return step(strings.Replace(string(request("INFO", "", cseq)), "Content-Length: 0\n\n",
		"Content-Type: application/dtmf-relay\nContent-Length: [len]\n\n"+body, 1))
}
