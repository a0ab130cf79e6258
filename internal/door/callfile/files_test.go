package callfile_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/door/callfile"
	"github.com/dialwright/dialwright/internal/originate"
)

// What is no file is left alone, whatever its name.
func TestWhatIsNoFileIsLeftAlone(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	must(t, os.Mkdir(s.path("outgoing", "x.call"), 0o755))
	must(t, os.WriteFile(s.path("outgoing", "x.call/y.call"), []byte(file("answer", "")), 0o644))
	must(t, syscall.Mkfifo(s.path("outgoing", "fifo.call"), 0o644))
	l, err := net.Listen("unix", s.path("outgoing", "socket.call"))
	must(t, err)
	defer l.Close()
	s.put("a.call", file("answer", ""))
	s.dials(1)
	s.quiet(1200 * time.Millisecond)
	if got := s.names("outgoing"); len(got) != 3 {
		t.Errorf("left: %v", got)
	}
	if got := s.names("outgoing_failed"); len(got) > 0 {
		t.Errorf("failed: %v", got)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A link inside the folder is followed and removed at the end; what it leads to
// gets the lines and stays. One that leads out is refused, and nothing behind it
// is ever touched.
func TestSymbolicLinks(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	secret := s.path("", "secret")
	must(t, os.WriteFile(secret, []byte(file("answer", "")), 0o644))
	must(t, os.Mkdir(s.path("outgoing", "templates"), 0o755))
	must(t, os.WriteFile(s.path("outgoing", "templates/t"), []byte(file("busy", "MaxRetries: 1\nRetryTime: 1\n")), 0o644))
	for name, to := range map[string]string{
		"absolute.call": secret, "up.call": "../secret", "dir.call": "templates", "dangling.call": "nothing", "self.call": "self.call", "in.call": "templates/t",
	} {
		must(t, os.Symlink(to, s.path("outgoing", name)))
	}
	s.dials(2)
	s.until("only the templates are left", func() bool { return len(s.names("outgoing")) == 1 })
	for _, d := range s.party.made() {
		if d.Request.Origin.Reference != "in.call" {
			t.Errorf("dialled %s", d.Request.Origin.Reference)
		}
	}
	if text := s.text("outgoing", "templates/t"); strings.Count(text, "\nStartRetry: ") != 1 && strings.Count(text, "\nStartRetry: ") != 2 {
		t.Errorf("target is %q", text)
	}
	for name, why := range map[string]string{
		"absolute.call": "symbolic link that is not followed", "up.call": "symbolic link that is not followed", "self.call": "symbolic link that is not followed",
		"dir.call": "leads to something that is no file", "dangling.call": "leads nowhere",
	} {
		s.until(name+": "+why, func() bool { return strings.Contains(s.text("outgoing_failed", name+".reason"), why) })
	}
	if b, err := os.ReadFile(secret); err != nil || string(b) != file("answer", "") {
		t.Errorf("what is outside was touched: %q, %v", b, err)
	}
}

// Ten mebibytes are read, more are refused.
func TestLargeFiles(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	comment := strings.Repeat("; "+strings.Repeat("x", 1000)+"\n", 10<<20/1003-1)
	s.put("large.call", comment+file("answer", ""))
	s.put("huge.call", comment+strings.Repeat("; more\n", 1000)+file("answer", ""))
	s.dials(1)
	s.emptied()
	s.until("reason", func() bool {
		return strings.Contains(s.text("outgoing_failed", "huge.call.reason"), "at most 10485760 are read")
	})
}

// Bytes that are no UTF-8 are read as ISO 8859-1.
func TestStrayBytes(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	s.put("\xff.call", file("answer", "CallerID: J\xfcrgen <5>\nSet: A\xe4=\xff\nSet: B=ü\n"))
	r := s.dials(1)[0].Request
	if r.CallerID.Name != "Jürgen" || r.Variables[0] != (call.Variable{Name: "Aä", Value: "ÿ"}) || r.Variables[1].Value != "ü" || r.Origin.Reference != "%FF.call" {
		t.Errorf("request %+v", r)
	}
	s.emptied()
}

// A writer that takes its time is waited for, however long it pauses and although
// what is there so far would do.
func TestSlowWriter(t *testing.T) {
	t.Parallel()
	for _, poll := range []bool{false, true} {
		s := start(t, func(o *callfile.Options) { o.Poll = poll })
		w, err := os.Create(s.path("outgoing", "a.call"))
		must(t, err)
		_, err = w.WriteString(file("answer", ""))
		must(t, err)
		s.quiet(1200 * time.Millisecond) // four times as long as files have to settle
		_, err = w.WriteString("Account: all\n")
		must(t, errors.Join(err, w.Close()))
		if d := s.dials(1); d[0].Request.AccountCode != "all" {
			t.Errorf("poll %v: dialled %+v", poll, d[0].Request)
		}
	}
}

// A file that is removed is a call withdrawn: before its first attempt, between
// two, and after the one that is running.
func TestRemovedFilesAreWithdrawn(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	s.put("between.call", file("busy", "MaxRetries: 5\nRetryTime: 1\n"))
	s.put("running.call", file("slow", "MaxRetries: 5\nRetryTime: 1\n"))
	s.put("up.call", file("hold", ""))
	s.dials(3)
	s.policy.Limits[originate.ServerResource] = originate.Limits{Channels: 1}
	s.put("queued.call", file("answer", ""))
	s.until("four calls", func() bool { return s.door.Stats().Taken == 4 })
	s.until("line", func() bool { return strings.Contains(s.text("outgoing", "between.call"), "EndRetry") })
	for _, n := range s.names("outgoing") {
		must(t, os.Remove(s.path("outgoing", n)))
	}
	s.until("withdrawn", func() bool { return s.door.Stats().Withdrawn == 3 })
	s.policy.Limits[originate.ServerResource] = originate.Limits{}
	s.o.PolicyChanged()
	s.quiet(1500 * time.Millisecond)
	s.release() // the party that was up was left in peace
	s.logged("Call completed to Local/hold@x")
}

// A file that is renamed while its call is up is the same file.
func TestRenamedDuringItsCall(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	s.put("a.call", file("hold", "Archive: yes\n"))
	s.dials(1)
	must(t, os.Rename(s.path("outgoing", "a.call"), s.path("outgoing", "b.call")))
	s.quiet(700 * time.Millisecond)
	s.release()
	s.until("archived", func() bool { return strings.HasSuffix(s.text("outgoing_done", "b.call"), "Status: Completed\n") })
	if n := s.door.Stats().Withdrawn; n != 0 {
		t.Errorf("%d withdrawn", n)
	}
}

// The same file delivered again is another call: from the archive, or as a
// further name of a template; also when the server was started in between.
func TestDeliveredAgain(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	s.put("a.call", file("answer", "Archive: yes\n"))
	s.prepare("template", file("answer", ""))
	archived := func(n int) {
		s.until("archived", func() bool { return strings.Count(s.text("outgoing_done", "a.call"), "Status: Completed\n") == n })
	}
	archived(1)
	for i := range 2 {
		must(t, os.Rename(s.path("outgoing_done", "a.call"), s.path("outgoing", "a.call")))
		archived(i + 2)
		touch(t, s.path("tmp", "template"), time.Now()) // the lines of the call before have given it a later time
		must(t, os.Link(s.path("tmp", "template"), s.path("outgoing", "link.call")))
		s.dials(3 + 2*i)
		s.emptied()
	}
	s.down()
	must(t, os.Rename(s.path("outgoing_done", "a.call"), s.path("outgoing", "a.call")))
	s.up()
	archived(4)
	s.dials(6)
}

// What the guard forbids is refused with its reason: when the file is taken, and
// when a right is lost before a later attempt.
func TestGuard(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	s.put("later.call", file("busy", "MaxRetries: 3\nRetryTime: 1\n"))
	s.dials(1)
	forbid := *s.policy
	forbid.Accounts = map[call.AccountID]originate.Account{account: {Disabled: true}}
	s.until("line", func() bool { return strings.Contains(s.text("outgoing", "later.call"), "EndRetry") })
	*s.policy = forbid
	s.put("now.call", file("answer", ""))
	s.emptied()
	for _, name := range []string{"now.call", "later.call"} {
		s.until(name, func() bool {
			return strings.Contains(s.text("outgoing_failed", name+".reason"), "The account is switched off")
		})
	}
	if n := len(s.party.made()); n != 1 {
		t.Errorf("%d dials", n)
	}
}

// A refusal that will pass makes files wait, not fail.
func TestTemporaryRefusals(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	s.policy.Accounts = map[call.AccountID]originate.Account{account: {Rate: originate.Rate{PerSecond: 0.2}}}
	s.put("a.call", file("answer", ""))
	s.dials(1)
	s.put("b.call", file("answer", ""))
	s.logged("call file waits: no call is taken at the moment")
	s.dials(2)
	s.emptied()
	if got := s.names("outgoing_failed"); len(got) > 0 {
		t.Errorf("failed: %v", got)
	}
}

// An orderly restart: what waits goes on with its attempts, what was hung up is done.
func TestRestart(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	s.put("up.call", file("hold", "Archive: yes\n"))
	s.put("waits.call", file("busy", "MaxRetries: 1\nRetryTime: 2\nArchive: yes\n"))
	s.put("future.call", file("answer", ""), time.Now().Add(3*time.Second))
	s.dials(2)
	s.until("line", func() bool { return strings.Contains(s.text("outgoing", "waits.call"), "EndRetry") })
	s.down()
	s.up()
	s.dials(4)
	s.emptied()
	for name, end := range map[string]string{"up.call": "\nStatus: Completed\n", "waits.call": "\nStatus: Expired\n"} {
		s.until(name, func() bool { return strings.HasSuffix(s.text("outgoing_done", name), end) })
	}
	if text := s.text("outgoing_done", "waits.call"); strings.Count(text, "StartRetry") != 2 || strings.Count(text, "EndRetry") != 1 {
		t.Errorf("file is %q", text)
	}
	s.quiet(700 * time.Millisecond)
}

// Lines and times are written only if they are wanted.
func TestNoWriteback(t *testing.T) {
	t.Parallel()
	s := start(t, func(o *callfile.Options) { o.NoWriteback = true })
	at := time.Now().Add(-time.Hour).Truncate(time.Second)
	s.put("a.call", file("busy", "MaxRetries: 1\nRetryTime: 1\n"), at)
	s.dials(1)
	st, err := os.Stat(s.path("outgoing", "a.call"))
	if err != nil || !st.ModTime().Equal(at) || s.text("outgoing", "a.call") != file("busy", "MaxRetries: 1\nRetryTime: 1\n") {
		t.Errorf("file was touched: %v, %v", st, err)
	}
	s.dials(2)
	s.emptied()
}

func TestOptions(t *testing.T) {
	o := callfile.Options{Dir: t.TempDir(), Calls: calls{}, Account: account}
	if _, err := callfile.New(o); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*callfile.Options){
		"folder": func(o *callfile.Options) { o.Dir = "" }, "originator": func(o *callfile.Options) { o.Calls = nil },
		"account": func(o *callfile.Options) { o.Account = "" }, "compat": func(o *callfile.Options) { o.Compat = "asterisk1" },
		"pattern": func(o *callfile.Options) { o.Ignore = []string{"["} }, "archive": func(o *callfile.Options) { o.Done = o.Dir + "/" },
	} {
		bad := o
		change(&bad)
		if _, err := callfile.New(bad); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	d, err := callfile.New(o)
	must(t, err)
	for range 2 {
		if err := d.Stop(t.Context()); err != nil { // before Start, and twice
			t.Error(err)
		}
	}
}

// The folder cannot be opened: Start says so.
func TestFolderThatCannotBeOpened(t *testing.T) {
	s := start(t, nil)
	path := filepath.Join(s.base, "plain")
	must(t, os.WriteFile(path, nil, 0o644))
	d, err := callfile.New(callfile.Options{Dir: path, Calls: calls{s.o, s.store}, Account: account})
	must(t, err)
	if err := d.Start(t.Context()); !errors.Is(err, syscall.ENOTDIR) && !errors.Is(err, fs.ErrExist) {
		t.Errorf("start: %v", err)
	}
}

// A Set line that names no variable, or a control character in a caller ID, costs
// no call.
func TestLinesThatMakeNoSense(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	long := strings.Repeat("n", 600)
	s.put("odd.call", file("answer", "Set: =1\nSet: __=1\nSet: A\tB=1\nSet: "+long+"=1\nSet: C=1\nCallerID: \"Jo\tX\" <12>\n"))
	r := s.dials(1)[0].Request
	if len(r.Variables) != 1 || r.Variables[0].Name != "C" || r.CallerID.Name != "Jo X" || r.CallerID.Number != "12" {
		t.Errorf("variables %v, caller ID %+v", r.Variables, r.CallerID)
	}
	s.logged("line=6 warning=\"\\\"A\\\\tB\\\" cannot be the name of a variable")
}

// Two servers on one folder do not dial a file twice: one of them waits until the
// other has ended.
func TestOneFolderOneServer(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("folders are locked on Linux only")
	}
	s := start(t, nil)
	s.put("first.call", file("answer", ""))
	s.emptied()
	other := start(t, func(o *callfile.Options) { o.Dir, o.Rescan = s.path("outgoing", ""), 100*time.Millisecond })
	other.logged("another server takes the files")
	for i := range 20 {
		s.put(fmt.Sprintf("f%d.call", i), file("answer", ""))
	}
	s.emptied()
	if n := len(s.dials(21)) + len(other.party.made()); n != 21 {
		t.Errorf("%d dials of 21 files", n)
	}
	s.down()
	s.put("last.call", file("answer", ""))
	other.dials(1)
}
