package callfile_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/door/callfile"
	"github.com/dialwright/dialwright/internal/originate"
)

// One test for each weakness of the reference that spec: callfile 9 lists. W2,
// W3 and W4 need processes of their own: see crash_test.go.

// RetryTime counts from the end of the failed attempt, and there is one attempt
// each time.
func TestW1_RetryTimeCountsFromTheEnd(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	s.put("a.call", file("slow", "MaxRetries: 2\nRetryTime: 1\n"))
	d := s.dials(3)
	s.emptied()
	for i := 1; i < len(d); i++ {
		if gap := d[i].at.Sub(d[i-1].end); gap < 950*time.Millisecond || gap > 10*time.Second {
			t.Errorf("attempt %d begins %v after the end of the one before, want 1 s", i+1, gap)
		}
	}
	s.quiet(1200 * time.Millisecond)
}

// A file that takes the name of one whose call is up is a call of its own; the end
// of the first touches neither it nor its retries.
func TestW5_SameNameIsAnotherCall(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	s.put("a.call", file("hold", ""))
	s.dials(1)
	s.put("a.call", file("busy", "MaxRetries: 1\nRetryTime: 2\n"))
	s.until("second file's EndRetry", func() bool { return strings.Contains(s.text("outgoing", "a.call"), "EndRetry") })
	s.release()
	s.logged("Call completed to Local/hold@x")
	if text := s.text("outgoing", "a.call"); strings.Contains(text, "hold") || strings.Count(text, "StartRetry") != 1 {
		t.Errorf("the second file is %q", text)
	}
	s.dials(3)
	s.emptied()
}

// The time of a queued file may be changed, both ways.
func TestW6_TouchingAQueuedFile(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	now := time.Now()
	s.put("later.call", file("answer", "Account: later\n"), now.Add(1500*time.Millisecond))
	s.put("earlier.call", file("answer", "Account: earlier\n"), now.Add(time.Hour))
	s.quiet(200 * time.Millisecond)
	touch(t, s.path("outgoing", "later.call"), now.Add(time.Hour))
	touch(t, s.path("outgoing", "earlier.call"), now)
	if d := s.dials(1); d[0].Request.AccountCode != "earlier" {
		t.Errorf("dialled %s", d[0].Request.AccountCode)
	}
	s.quiet(2500 * time.Millisecond)
}

func touch(t *testing.T, path string, at time.Time) {
	t.Helper()
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

// A file that does not parse yet has time to settle, and names of files on their
// way are left alone.
func TestW7_FilesOnTheirWay(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	for _, name := range []string{".a.call.X1", "a.call~", "a.tmp", ".a.swp", "a.part"} {
		s.put(name, file("busy", ""))
	}
	p := s.path("outgoing", "a.call")
	write(t, p, "")
	<-time.After(150 * time.Millisecond)
	write(t, p, "Channel: Local/answer@x\n")
	<-time.After(150 * time.Millisecond)
	write(t, p, "Application: Wait\n")
	if d := s.dials(1); d[0].Request.Then.Name != "Wait" {
		t.Errorf("dialled %+v", d[0].Request)
	}
	s.until("only the names that are left alone", func() bool { return len(s.names("outgoing")) == 5 })
	s.quiet(700 * time.Millisecond)
	if got := s.names("outgoing_failed"); len(got) > 0 {
		t.Errorf("failed: %v", got)
	}
}

// write appends to a file and closes it, as echo >> does.
func write(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err == nil {
		_, err = f.WriteString(text)
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Files are found although no event tells of them, and so are those in a folder
// that has taken the place of the watched one.
func TestW8_ReScans(t *testing.T) {
	t.Parallel()
	t.Run("without events", func(t *testing.T) {
		t.Parallel()
		s := start(t, func(o *callfile.Options) { o.Poll = true })
		s.put("a.call", file("answer", ""))
		s.dials(1)
		s.emptied()
	})
	t.Run("another folder", func(t *testing.T) {
		t.Parallel()
		s := start(t, nil)
		s.put("a.call", file("hold", ""))
		s.dials(1)
		if err := os.Rename(s.path("outgoing", ""), s.path("old", "")); err != nil {
			t.Fatal(err)
		}
		s.until("folder is made again", func() bool { return s.there("outgoing", "") })
		s.put("b.call", file("answer", ""))
		s.dials(2)
		s.emptied()
		if err := os.Rename(s.path("old", "a.call"), s.path("outgoing", "a.call")); err != nil {
			t.Fatal(err)
		}
		s.quiet(700 * time.Millisecond) // it finds its call again
		s.release()
		s.emptied()
		s.put("c.call", file("answer", "")) // and events come again
		s.dials(3)
	})
	t.Run("a folder that was made ready", func(t *testing.T) {
		t.Parallel()
		s := start(t, func(o *callfile.Options) { o.Rescan = 2 * time.Second })
		s.put("later.call", file("answer", ""), time.Now().Add(time.Hour))
		s.until("file is waiting", func() bool { return s.door.Stats().Files == 1 })
		ready := s.path("ready", "")
		must(t, os.Mkdir(ready, 0o755))
		must(t, os.WriteFile(filepath.Join(ready, "a.call"), []byte(file("answer", "")), 0o644))
		must(t, os.Rename(s.path("outgoing", ""), s.path("old", "")))
		s.until("door has noticed", func() bool { return s.door.Stats().Files == 0 })
		if s.there("outgoing", "") {
			t.Fatal("the folder was made again at once: mv ready outgoing would end inside it")
		}
		must(t, os.Rename(ready, s.path("outgoing", "")))
		s.dials(1)
		s.emptied()
	})
}

// What is too much at once waits, in the order of due times.
func TestW9_Caps(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	s.policy.Limits[originate.ServerResource] = originate.Limits{Channels: 3}
	s.put("blocker.call", file("hold", ""))
	s.put("blocker2.call", file("hold", ""))
	s.put("blocker3.call", file("hold", ""))
	s.dials(3)
	now := time.Now()
	for i := range 20 {
		s.put(fmt.Sprintf("f%02d.call", i), file("answer", fmt.Sprintf("Account: %02d\n", i)), now.Add(-time.Duration(i)*time.Minute))
	}
	s.until("all are calls", func() bool { return s.door.Stats().Taken == 23 })
	if n := len(s.names("outgoing")); n != 23 {
		t.Errorf("%d files in the folder, want 23", n)
	}
	for range 3 {
		s.release()
	}
	s.dials(23)
	s.emptied()
	if s.party.high != 3 {
		t.Errorf("%d at once, want 3", s.party.high)
	}
}

// An invalid file is put aside with the reason, unless deletion is wanted.
func TestW10_InvalidFiles(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	s.put("bad.call", "Context: in\njunk")
	s.emptied()
	s.until("reason", func() bool { return strings.Contains(s.text("outgoing_failed", "bad.call.reason"), "Warning") })
	const want = "Status: Failed\nReason: invalid call file: no Channel line of the form Tech/Destination\n"
	if got := s.text("outgoing_failed", "bad.call"); got != "Context: in\njunk\n"+want {
		t.Errorf("failed file is %q", got)
	}
	if got := s.text("outgoing_failed", "bad.call.reason"); !strings.HasPrefix(got, want) || !strings.Contains(got, "Warning: line 2: syntax error") {
		t.Errorf("reason is %q", got)
	}
	if s.door.Stats().Failed != 1 {
		t.Errorf("stats %+v", s.door.Stats())
	}
	s.put("bad.call", "") // another of the same name does not hide it
	s.until("second", func() bool { return s.there("outgoing_failed", "bad.call.1.reason") })

	// Where there is no place for it, it waits for one.
	b := start(t, func(o *callfile.Options) { o.Results = true })
	must(t, os.WriteFile(b.path("outgoing_failed", ""), nil, 0o644))
	b.put("bad.call", "Context: in\n")
	b.logged("failed call file cannot be moved")
	must(t, os.Remove(b.path("outgoing_failed", "")))
	b.emptied()
	// The reason is written after the file has moved.
	b.until("file and reason", func() bool {
		return slices.Equal(b.names("outgoing_failed"), []string{"bad.call", "bad.call.reason"})
	})
	if got := b.door.Stats().Failed; got != 1 {
		t.Errorf("%d failed, want 1", got)
	}

	d := start(t, func(o *callfile.Options) { o.DeleteInvalid = true })
	d.put("bad.call", "Context: in\n")
	d.emptied()
	if got := d.names("outgoing_failed"); len(got) > 0 {
		t.Errorf("failed: %v", got)
	}
}

// The archive may be on another file system, keeps what it has, and takes whole names.
func TestW11_Archive(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	long := strings.Repeat("n", 250) + ".call"
	for range 2 {
		s.put(long, file("answer", "Archive: yes\n"))
		s.emptied()
	}
	s.until("both", func() bool { return len(s.names("outgoing_done")) == 2 })
	for _, n := range s.names("outgoing_done") {
		if !strings.HasSuffix(s.text("outgoing_done", n), "\nStatus: Completed\n") {
			t.Errorf("%s is %q", n, s.text("outgoing_done", n))
		}
	}
	other := t.TempDir()
	if device(t, other) == device(t, s.base) {
		t.Skip("no second file system here to archive to")
	}
	s = start(t, func(o *callfile.Options) { o.Done = other })
	s.put("a.call", file("answer", "Archive: yes\n"))
	s.emptied()
	s.until("archived", func() bool {
		b, _ := os.ReadFile(other + "/a.call")
		return strings.HasPrefix(string(b), "Channel:") && strings.HasSuffix(string(b), "\nStatus: Completed\n")
	})
}

func device(t *testing.T, path string) uint64 {
	t.Helper()
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return uint64(st.Sys().(*syscall.Stat_t).Dev)
}

// AlwaysDelete: no keeps a file, and a time set during the call has it dialled
// once more, as a fresh call.
func TestW12_AlwaysDelete(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	s.put("kept.call", file("answer", "AlwaysDelete: no\nRetryTime: 1\nAccount: kept\n"))
	s.dials(1)
	s.put("again.call", file("hold", "AlwaysDelete: no\n"))
	s.dials(2)
	s.until("line", func() bool { return strings.Contains(s.text("outgoing", "again.call"), "StartRetry") })
	touch(t, s.path("outgoing", "again.call"), time.Now().Add(2*time.Second))
	s.release()
	s.logged("Call completed to Local/hold@x")
	d := s.dials(3)
	if a := d[2].Request; a.First != "Local/hold@x" || a.AttemptBase != 0 || d[2].Call == d[1].Call {
		t.Errorf("third dial %+v", d[2])
	}
	s.down()
	s.up() // and it does not begin anew after a restart
	s.quiet(2500 * time.Millisecond)
	if text := s.text("outgoing", "kept.call"); strings.Count(text, "StartRetry") != 1 || strings.Contains(text, "DelayedRetry") {
		t.Errorf("kept file is %q", text)
	}
	touch(t, s.path("outgoing", "kept.call"), time.Now())
	if d := s.dials(4); d[3].Request.AccountCode != "kept" {
		t.Errorf("fourth dial %+v", d[3])
	}
}

// The log says the reason that the engine found. That a SIP refusal has one is
// shown by the vectors.
func TestW13_ReasonIsLogged(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	s.put("a.call", file("busy", ""))
	s.logged("Attempting call on Local/busy@x for 100@in:1 (Retry 1)")
	s.logged("Call failed to go through, reason (5) Remote end is Busy")
	s.logged("Queued call to Local/busy@x expired without completion after 1 attempt\"")
	s.put("b.call", "Channel: Local/answer@x\nApplication: Wait\nData: 1\n")
	s.logged("Attempting call on Local/answer@x for application Wait(1) (Retry 1)")
	s.logged("Call completed to Local/answer@x")
}

func TestW14_NoRetryOn(t *testing.T) {
	t.Parallel()
	s := start(t, func(o *callfile.Options) { o.NoRetryOn = []int{404} })
	s.put("a.call", file("nobody", "MaxRetries: 3\nRetryTime: 1\n"))
	s.emptied()
	s.put("b.call", file("busy", "MaxRetries: 1\nRetryTime: 1\n"))
	s.emptied()
	if n := len(s.party.made()); n != 3 {
		t.Errorf("%d dials, want 1 of nobody and 2 of busy", n)
	}
}

func TestW15_OutcomeInDetail(t *testing.T) {
	t.Parallel()
	s := start(t, func(o *callfile.Options) { o.Results = true })
	s.put("a.call", "Channel: Local/answer@x\nContext: nowhere\nExtension: 1\n")
	s.put("b.call", file("busy", "EndRetry: 1 1 (1)\nMaxRetries: 1\n"))
	s.until("results", func() bool { return len(s.names("outgoing_done")) == 2 })
	a, b := s.result("a.call"), s.result("b.call")
	if a.Status != "Completed" || a.Outcome != call.CompletedNoDestination || a.Disposition != call.Answered || a.Attempts != 1 {
		t.Errorf("a: %+v", a)
	}
	if b.Status != "Expired" || b.Outcome != "expired" || b.Reason != 5 || b.SIPStatus != 486 || b.Attempts != 2 || b.Text == "" {
		t.Errorf("b: %+v", b)
	}
}

// result reads NAME.result.
func (s *spool) result(name string) callfile.Result {
	s.Helper()
	var r callfile.Result
	if err := json.Unmarshal([]byte(s.text("outgoing_done", name+".result")), &r); err != nil {
		s.Fatal(err)
	}
	return r
}

func TestW16_HarmlessMistakesAreRead(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	s.put("bom.call", "\xef\xbb\xbf"+file("answer", ""))
	s.put("indented.call", "  "+file("answer", ""))
	s.put("blank.call", strings.Replace(file("answer", ""), ":", " :", 1))
	s.dials(3)
	s.logged("a byte order mark is skipped")
	s.logged("blanks around the key")

	c := start(t, func(o *callfile.Options) { o.Compat = callfile.Asterisk22 })
	c.put("bom.call", "\xef\xbb\xbf"+file("answer", ""))
	c.until("refused", func() bool { return c.there("outgoing_failed", "bom.call.reason") })
}

func TestW17_NoDelayedRetryLines(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	s.put("a.call", file("hold", "RetryTime: 1\n"))
	s.dials(1)
	<-time.After(2500 * time.Millisecond)
	if text := s.text("outgoing", "a.call"); !regexp.MustCompile(`^[^R]*RetryTime: 1\n\nStartRetry: \d+ 1 \(\d+\)\n$`).MatchString(text) {
		t.Errorf("file is %q", text)
	}
	s.release()
	s.emptied()
}

func TestW18_NULEndsItsOwnLine(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	s.put("a.call", "Account: a\x00b\nChannel: Local/answer@x\n\x00\nContext: in\nExtension: 100\n")
	if d := s.dials(1); d[0].Request.AccountCode != "a" || d[0].Request.Then.Context != "in" {
		t.Errorf("dialled %+v", d[0].Request)
	}
}

// The producer can find its call: by the file's name in call, event and CDR, and
// in the result.
func TestW19_FeedbackByName(t *testing.T) {
	t.Parallel()
	s := start(t, func(o *callfile.Options) { o.Results = true })
	s.put("wake up %5 ä\n.call", file("answer", ""))
	s.emptied()
	const name = "wake up %255 %C3%A4%0A.call"
	list, _, err := s.o.List(t.Context(), originate.Filter{Door: callfile.DoorName})
	if err != nil || len(list) != 1 || list[0].Request.Origin.Reference != name {
		t.Fatalf("calls %+v, %v; want reference %q", list, err, name)
	}
	s.until("result", func() bool { return len(s.names("outgoing_done")) == 1 })
	if r := s.result("wake up %5 ä\n.call"); r.Call != list[0].ID || r.File != name {
		t.Errorf("result %+v", r)
	}
	for e, err := range s.o.Events(t.Context(), 0, originate.EventFilter{Types: []call.EventType{call.EvAttemptEnd}}) {
		if err != nil || e.Reference != name || e.CDR.Reference != name {
			t.Errorf("event %+v, %v", e, err)
		}
		break
	}
}

// Whoever may write the folder does not command the machine.
func TestW20_NoCommands(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"system":    "Application: System\nData: touch /tmp/x\n",
		"trysystem": "Application: trysystem\nData: x\n",
		"agi":       "Application: AGI\nData: script.agi\n",
		"exec":      "Application: Exec\nData: System(x)\n",
		"execvar":   "Application: ExecIf\nData: 1?${A}(x)\n",
		"originate": "Application: Originate\nData: Local/1@x,app,System,x\n",
		"record":    "Application: MixMonitor\nData: a.wav,,rm -rf x\n",
		"mixmon":    "Application: MixMonitor\nData: a.wav,r(/tmp/a.wav)\n",
		"recordabs": "Application: Record\nData: /tmp/a.wav,2\n",
		"recordup":  "Application: Monitor\nData: wav,x/../../a\n",
		"execrec":   "Application: TryExec\nData: Record(/tmp/a.wav)\n",
		"confrec":   "Extension: 1\nSet: CONFBRIDGE(bridge,record_file)=/tmp/a.wav\n",
		"shell":     "Extension: 1\nSet: A=1\nSet: SHELL(id)=1\n",
		"env":       "Extension: 1\nSetvar: __ENV(PATH)=/tmp\n",
		"expanded":  "Application: NoOp\nData: ${SHELL(id)}\n",
		"variable":  "Extension: 1\nSet: MONITOR_EXEC=rm\n",
	}
	s := start(t, nil)
	for name, text := range files {
		s.put(name+".call", "Channel: Local/answer@x\nContext: in\n"+text)
	}
	s.put("harmless.call", "Channel: Local/answer@x\nApplication: AGI\nData: agi://192.0.2.1/x\nSet: CDR(userfield)=SHELL\n")
	s.emptied()
	for name := range files {
		s.until(name, func() bool {
			return strings.Contains(s.text("outgoing_failed", name+".call.reason"), "callfile.allow_exec allows it")
		})
	}
	if d := s.party.made(); len(d) != 1 {
		t.Errorf("%d dials, want the harmless one only", len(d))
	}

	a := start(t, func(o *callfile.Options) { o.AllowExec = true })
	for name, text := range files {
		a.put(name+".call", "Channel: Local/answer@x\nContext: in\n"+text)
	}
	a.dials(len(files))
	a.emptied()
}
