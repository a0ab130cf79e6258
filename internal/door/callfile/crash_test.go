package callfile_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/door/callfile"
	"github.com/dialwright/dialwright/internal/originate"
	"github.com/dialwright/dialwright/internal/store/sqlite"
)

// spoolVar names, for a child process, the directory of a spool that it is to
// serve until it is killed. What it dials is appended to the file dials.
const spoolVar = "DIALWRIGHT_CALLFILE_TEST_SPOOL"

// serveSpool is the child: the originator and store are real, the parties are
// those of party.
func serveSpool(dir string) error {
	ctx := context.Background() // a process of its own: killed, not cancelled
	store, err := sqlite.Open(ctx, sqlite.Options{Path: filepath.Join(dir, "data", "calls.db")})
	if err != nil {
		return err
	}
	note, err := appendTo(filepath.Join(dir, "data", "dials"))
	if err != nil {
		return err
	}
	log, err := os.OpenFile(filepath.Join(dir, "data", "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	policy := &originate.Policy{
		Accounts: map[call.AccountID]originate.Account{account: {}}, Limits: map[string]originate.Limits{originate.ServerResource: {Channels: 20}},
	}
	o := originate.New(originate.Options{
		Store: store, Engine: noting{&party{hold: make(chan struct{})}, note}, Router: anyRoute{}, Node: "n1",
		Policy: func() *originate.Policy { return policy },
	})
	if err := o.Start(ctx); err != nil {
		return err
	}
	door, err := callfile.New(callfile.Options{
		Dir: filepath.Join(dir, "outgoing"), Calls: calls{o, store}, Account: account, Log: slog.New(slog.NewTextHandler(log, nil)),
		Settle: 300 * time.Millisecond, Rescan: 500 * time.Millisecond,
	})
	if err != nil {
		return err
	}
	if err := door.Start(ctx); err != nil {
		return err
	}
	fmt.Println("started")
	select {}
}

// noting notes each dial by the name of its file.
type noting struct {
	*party
	note func(string)
}

func (n noting) Place(ctx context.Context, a call.Attempt, events func(call.Event)) (call.Outcome, error) {
	n.note(a.Request.Origin.Reference)
	return n.party.Place(ctx, a, events)
}

// served is a spool with its child.
type served struct {
	*testing.T
	spool
	child *exec.Cmd
	user  *syscall.Credential // of the child; nil = ours
}

// serve starts a child over fresh folders. user: it runs as nobody, if the test may choose.
func serve(t *testing.T, asNobody bool) *served {
	t.Helper()
	s := &served{T: t, spool: spool{T: t, base: t.TempDir()}}
	for _, d := range []string{"tmp", "outgoing", "outgoing_done", "outgoing_failed", "data"} {
		if err := os.Mkdir(s.path(d, ""), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	if asNobody && os.Geteuid() == 0 {
		const nobody = 65534
		s.user = &syscall.Credential{Uid: nobody, Gid: nobody}
		for dir := s.base; len(dir) > len(os.TempDir()); dir = filepath.Dir(dir) { // t.TempDir is closed to others
			if err := os.Chmod(dir, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		for _, d := range []string{"outgoing", "outgoing_done", "outgoing_failed", "data"} {
			if err := os.Chown(s.path(d, ""), nobody, nobody); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.up()
	t.Cleanup(func() {
		s.kill()
		if t.Failed() {
			t.Logf("log:\n%s", s.text("data", "log"))
		}
	})
	return s
}

func (s *served) up() {
	s.Helper()
	self, err := os.Executable()
	if err != nil {
		s.Fatal(err)
	}
	if s.user != nil { // the test binary may be where nobody cannot reach it
		b, err := os.ReadFile(self)
		if err != nil {
			s.Fatal(err)
		}
		self = s.path("server.test", "")
		if err := os.WriteFile(self, b, 0o755); err != nil {
			s.Fatal(err)
		}
	}
	s.child = exec.Command(self)
	s.child.Env = append(os.Environ(), spoolVar+"="+s.base)
	s.child.Dir = s.base
	s.child.SysProcAttr = &syscall.SysProcAttr{Credential: s.user}
	s.child.Stderr = os.Stderr
	out, err := s.child.StdoutPipe()
	if err == nil {
		err = s.child.Start()
	}
	if err != nil {
		s.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "started\n" {
		s.Fatalf("child said %q, %v", line, err)
	}
	if s.user != nil {
		_ = os.Remove(self) // it runs
	}
}

func (s *served) kill() {
	if s.child == nil {
		return
	}
	if err := s.child.Process.Kill(); err != nil {
		s.Error(err)
	}
	_ = s.child.Wait() // says that it was killed
	s.child = nil
}

// dialled gives how often each file was dialled.
func (s *served) dialled() map[string]int {
	s.Helper()
	out := map[string]int{}
	for line := range strings.Lines(s.text("data", "dials")) {
		_, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		out[name]++
	}
	return out
}

func (s *served) logged(text string) {
	s.Helper()
	s.until("log: "+text, func() bool { return strings.Contains(s.text("data", "log"), text) })
}

// What cannot be written is dialled no more often than it says, and what cannot
// be read or removed is dealt with once.
func TestW2_FilesThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	s := serve(t, true)
	if s.user == nil {
		s.prepareMode("other.call", file("busy", "MaxRetries: 1\nRetryTime: 1\n"), 0o444)
	} else {
		s.prepareMode("other.call", file("busy", "MaxRetries: 1\nRetryTime: 1\n"), 0o644)
	}
	s.prepareMode("secret.call", file("busy", ""), 0o000)
	s.emptied()
	if n := s.dialled(); n["other.call"] != 2 || n["secret.call"] != 0 {
		t.Errorf("dials %v, want 2 of other.call", n)
	}
	s.logged("call file cannot be written; its attempts are counted all the same")
	s.until("reason", func() bool {
		return strings.Contains(s.text("outgoing_failed", "secret.call.reason"), "may not read it")
	})

	// A folder in which nothing can be removed: one call, also after a restart.
	s.prepareMode("stays.call", file("answer", ""), 0o644)
	s.until("removed", func() bool { return !s.there("outgoing", "stays.call") })
	s.kill()
	if s.user == nil {
		return // without another user there is no such folder that we could still write
	}
	if err := os.Chown(s.path("outgoing", ""), 0, 0); err != nil {
		t.Fatal(err)
	}
	s.up()
	s.prepareMode("stuck.call", file("answer", ""), 0o644)
	s.logged("call file cannot be removed; it stays and is not dialled again")
	s.kill()
	s.up()
	s.logged("call file is there although its call has ended")
	<-time.After(1200 * time.Millisecond)
	if n := s.dialled()["stuck.call"]; n != 1 || !s.there("outgoing", "stuck.call") {
		t.Errorf("%d dials of a file that cannot be removed, want 1", n)
	}
}

// prepareMode moves a file in that has these rights.
func (s *served) prepareMode(name, text string, mode os.FileMode) {
	s.Helper()
	s.prepare(name, text)
	if err := os.Chmod(s.path("tmp", name), mode); err != nil {
		s.Fatal(err)
	}
	if err := os.Rename(s.path("tmp", name), s.path("outgoing", name)); err != nil {
		s.Fatal(err)
	}
}

// A call that was answered when its server died is done; one that rang has used
// up an attempt, and the next comes RetryTime after the restart.
func TestW3_DyingDuringACall(t *testing.T) {
	t.Parallel()
	s := serve(t, false)
	s.put("answered.call", file("hold", "MaxRetries: 3\nRetryTime: 1\nArchive: yes\n"))
	s.put("rings.call", file("ring", "MaxRetries: 1\nRetryTime: 2\nArchive: yes\n"))
	s.put("once.call", file("ring", "Archive: yes\n"))
	s.put("future.call", file("answer", ""), time.Now().Add(time.Hour))
	s.until("three dials", func() bool { return len(s.dialled()) == 3 })
	for _, name := range []string{"answered.call", "rings.call", "once.call"} {
		s.until("line in "+name, func() bool { return strings.Contains(s.text("outgoing", name), "StartRetry") })
	}
	<-time.After(200 * time.Millisecond) // the answer is in the journal
	s.kill()
	again := time.Now()
	s.up()
	s.until("archive", func() bool { return s.there("outgoing_done", "answered.call") && s.there("outgoing_done", "once.call") })
	for name, status := range map[string]string{"answered.call": "Completed", "once.call": "Expired"} {
		s.until(status, func() bool { return strings.HasSuffix(s.text("outgoing_done", name), "\nStatus: "+status+"\n") })
	}
	s.until("aborted attempt", func() bool { return strings.Contains(s.text("outgoing", "rings.call"), "AbortRetry: ") })
	s.until("second attempt", func() bool { return s.dialled()["rings.call"] == 2 })
	if d := time.Since(again); d < 1900*time.Millisecond {
		t.Errorf("second attempt %v after the restart, want 2 s", d)
	}
	lines := regexp.MustCompile(`\n\nStartRetry: \d+ 1 \(\d+\)\n\nAbortRetry: \d+ 1 \(\d+\)\n\nStartRetry: \d+ 2 \(\d+\)\n$`)
	s.until("second line", func() bool { return lines.MatchString(s.text("outgoing", "rings.call")) })
	s.kill()
	s.up()
	s.until("used up", func() bool { return strings.HasSuffix(s.text("outgoing_done", "rings.call"), "\nStatus: Expired\n") })
	<-time.After(1200 * time.Millisecond)
	if got := s.dialled(); got["answered.call"] != 1 || got["once.call"] != 1 || got["rings.call"] != 2 || got["future.call"] != 0 {
		t.Errorf("dials %v", got)
	}
	if got := s.names("outgoing"); len(got) != 1 || got[0] != "future.call" {
		t.Errorf("left: %v", got)
	}
}

// The process number in a file means nothing to us, be it our own.
func TestW4_SameProcessNumber(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	s.put("a.call", file("busy", fmt.Sprintf("MaxRetries: 1\nRetryTime: 1\nArchive: yes\n\nStartRetry: %d 1 (1)\n", os.Getpid())))
	d := s.dials(1)
	s.emptied()
	if d[0].Request.AttemptBase != 0 || d[0].Request.Retry.Max != 0 {
		t.Errorf("request %+v; the open attempt counts", d[0].Request)
	}
	if text := s.text("outgoing_done", "a.call"); !strings.Contains(text, "\nAbortRetry: ") || strings.Count(text, "StartRetry") != 2 {
		t.Errorf("file is %q", text)
	}
}

// Killed at any moment, the server loses no file and dials none twice.
func TestKill9LosesNoFileAndDialsNoneTwice(t *testing.T) {
	t.Parallel()
	files, kills := 400, 12
	if testing.Short() {
		files, kills = 100, 5
	}
	s := serve(t, false)
	retries := map[string]int{}
	for i := range files {
		name, dest, more := fmt.Sprintf("f%03d.call", i), "answer", "Archive: yes\nRetryTime: 1\n"
		if i%3 == 0 {
			dest = "busy"
		}
		retries[name] = i % 2
		s.prepare(name, file(dest, more+fmt.Sprintf("MaxRetries: %d\n", i%2)))
	}
	done := make(chan struct{})
	go func() { // the producer goes on whatever happens to the server
		defer close(done)
		for name := range retries {
			if err := os.Rename(s.path("tmp", name), s.path("outgoing", name)); err != nil {
				t.Error(err)
			}
			<-time.After(time.Millisecond)
		}
	}()
	for range kills {
		<-time.After(time.Duration(5+rand.IntN(120)) * time.Millisecond)
		s.kill()
		s.up()
	}
	<-done
	s.emptied()
	dialled := s.dialled()
	for name, n := range dialled {
		if n > retries[name]+1 {
			t.Errorf("%s was dialled %d times, allowed are %d", name, n, retries[name]+1)
		}
	}
	none, silent := 0, 0
	for name := range retries {
		text := s.text("outgoing_done", name)
		switch {
		case !strings.HasPrefix(text, "Channel:"):
			t.Errorf("%s is lost: %q", name, text)
		case !strings.Contains(text, "\nStatus: "): // killed between the move and the line
			silent++
		case dialled[name] == 0: // killed between the journal and the dial: an attempt of unknown fate
			none++
		}
	}
	if silent > kills {
		t.Errorf("%d files without a status, with %d kills", silent, kills)
	}
	t.Logf("%d files, %d kills: %d were never dialled because their only attempt was interrupted before, %d lack the status", files, kills, none, silent)
	if got := s.names("outgoing_failed"); len(got) > 0 {
		t.Errorf("failed: %v", got)
	}
}

// Thousands at once are each one call, under the cap, and cost little.
func TestThousandsAtOnce(t *testing.T) {
	t.Parallel()
	n := 5000
	if testing.Short() || raced {
		n = 500
	}
	s := start(t, nil)
	s.policy.Limits[originate.ServerResource] = originate.Limits{Channels: 200}
	for i := range n {
		s.prepare(fmt.Sprintf("f%04d.call", i), file("answer", ""))
	}
	var before, after syscall.Rusage
	must(t, syscall.Getrusage(syscall.RUSAGE_SELF, &before))
	begun := time.Now()
	for i := range n {
		name := fmt.Sprintf("f%04d.call", i)
		must(t, os.Rename(s.path("tmp", name), s.path("outgoing", name)))
	}
	moved := time.Since(begun)
	s.until("all completed", func() bool { return s.door.Stats().Completed == uint64(n) })
	took := time.Since(begun)
	must(t, syscall.Getrusage(syscall.RUSAGE_SELF, &after))
	cpu := time.Duration(after.Utime.Nano()+after.Stime.Nano()-before.Utime.Nano()-before.Stime.Nano()) / time.Duration(n)
	s.emptied()
	t.Logf("%d files moved in within %v, done in %v, %v of CPU each (with whatever ran beside)", n, moved, took, cpu)
	seen := map[string]int{}
	for _, d := range s.party.made() {
		seen[d.Request.Origin.Reference]++
	}
	for name, k := range seen {
		if k != 1 {
			t.Errorf("%s was dialled %d times", name, k)
		}
	}
	if len(seen) != n || s.party.high > 200 {
		t.Errorf("%d files dialled, %d at once; want %d, at most 200", len(seen), s.party.high, n)
	}
}
