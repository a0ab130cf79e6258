package peers

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/softphone"
	"github.com/dialwright/dialwright/test/harness"
)

// promptly is how soon a call file must ring its phone while others go wrong.
// The server itself needs some milliseconds; the rest is for a machine under load.
const promptly = 15 * time.Second

// goodPhone is a phone that must be rung whatever else happens.
const goodPhone = "channels = -1"

// rings moves a call file in and wants phone p to be rung by it promptly.
func (y *yard) rings(p *softphone.Phone, name string) {
	y.t.Helper()
	y.put(name, "Channel: SIP/101\nApplication: Wait\nData: 0.1\n")
	ctx, cancel := context.WithTimeout(y.t.Context(), promptly)
	defer cancel()
	if _, err := p.NextCall(ctx); err != nil {
		y.t.Fatalf("%s: %v", name, err)
	}
}

// gone waits until a name has left the spool folder.
func (y *yard) gone(name string) {
	y.t.Helper()
	y.until(name+" has left the folder", func() bool {
		_, err := os.Lstat(filepath.Join(y.out, name))
		return os.IsNotExist(err)
	})
}

// failedWith checks that a file lies in outgoing_failed and that the reason
// beside it says this.
func (y *yard) failedWith(t *testing.T, name, reason string) {
	t.Helper()
	dir := filepath.Join(y.dir, "outgoing_failed")
	if _, err := os.Lstat(filepath.Join(dir, name)); err != nil {
		t.Error(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, name+".reason"))
	if err != nil || !strings.HasPrefix(string(b), "Status: Failed\nReason: ") || !strings.Contains(string(b), reason) {
		t.Errorf("the reason is %.300q, %v; want %q in it", b, err, reason)
	}
	if !y.Log.Has(`"msg":"call file failed"`, `"file":"`+name+`"`, reason) {
		t.Errorf("the log does not say that %s failed: %s", name, reason)
	}
}

// badFile is something that lies where call files are expected.
type badFile struct {
	name string
	make func(path string) error // beside the folder, from where it is moved in
	stay bool                    // it is none of ours and stays where it is
	want func(t *testing.T, y *yard)
}

func text(s string) func(string) error {
	return func(path string) error { return os.WriteFile(path, []byte(s), 0o644) }
}

// called wants a file to have become a call that was answered.
func called(name string) func(*testing.T, *yard) {
	return func(t *testing.T, y *yard) {
		if !y.Log.Has(`"msg":"Call completed to SIP/101"`, `"file":"`+name+`"`) {
			t.Error("the file was not called")
		}
	}
}

// calledWarned wants it called, and a line of it named in the log.
func calledWarned(name string, line int, warning string) func(*testing.T, *yard) {
	return func(t *testing.T, y *yard) {
		called(name)(t, y)
		if !y.Log.Has(`"msg":"call file"`, `"file":"`+name+`"`, fmt.Sprintf(`"line":%d`, line), warning) {
			t.Errorf("the log does not say %q of %s:%d", warning, name, line)
		}
	}
}

func failed(name, reason string) func(*testing.T, *yard) {
	return func(t *testing.T, y *yard) { y.failedWith(t, name, reason) }
}

// to101 is a complete call file but for what is added to it.
const to101 = "Channel: SIP/101\nApplication: Wait\nData: 0.1\n"

// badFiles are files that scripts with mistakes, and people who do not wish us
// well, put into a spool folder.
func badFiles(outside string) []badFile {
	long := strings.Repeat("n", 250) + ".call"
	return []badFile{
		{name: "stray.call", make: text(to101 + "\x80\xfe\x01\n"), want: calledWarned("stray.call", 4, "no colon")},
		{name: "nul.call", make: text(to101 + "Account: a\x00b\nSet: A=1\n"), want: calledWarned("nul.call", 4, "NUL byte")},
		{name: "latin1.call", make: text(to101 + "CallerID: \"M\xfcller\" <5>\n"), want: called("latin1.call")},
		{name: "bom.call", make: text("\xef\xbb\xbf" + to101), want: calledWarned("bom.call", 1, "byte order mark")},
		{name: "binary.call", make: text(strings.Repeat("\x7fELF\x02\x01\x01\x00\xff", 5000)), want: failed("binary.call", "no Channel line")},
		{name: "empty.call", make: text(""), want: failed("empty.call", "no Channel line")},
		{name: "line.call", make: text(to101 + "Set: A=" + strings.Repeat("x", 5<<20) + "\n"), want: calledWarned("line.call", 4, "longer than 1023 bytes")},
		{name: "big.call", make: text(to101 + strings.Repeat("junk\n", 10e6/5)), want: calledWarned("big.call", 4, "no colon")},
		{name: "bigger.call", make: text(to101 + strings.Repeat("\n", 10<<20)), want: failed("bigger.call", "at most 10485760 are read")},
		{name: "sets.call", make: text(to101 + strings.Repeat("Set: A=1\n", 1e6)), want: failed("sets.call", "more than 10000 Set lines")},
		{name: "missing.call", make: text("Context: default\nExtension: s\n"), want: func(t *testing.T, y *yard) {
			y.failedWith(t, "missing.call", "invalid call file: no Channel line of the form Tech/Destination")
			b, err := os.ReadFile(filepath.Join(y.dir, "outgoing_failed", "missing.call"))
			y.must(err)
			if want := "Context: default\nExtension: s\nStatus: Failed\nReason: invalid call file: no Channel line of the form Tech/Destination\n"; string(b) != want {
				t.Errorf("the file reads %q, want %q", b, want)
			}
		}},
		{name: "unknown.call", make: text("Channel: SIP/nobody/5\nApplication: Wait\nData: 1\n"), want: func(t *testing.T, y *yard) {
			if !y.Log.Has(`"file":"unknown.call"`, "Queued call to SIP/nobody/5 expired without completion after 1 attempt") { // spec: callfile 6.2
				t.Error("the log does not say that the call was not placed")
			}
		}},
		{name: "noext.call", make: text("Channel: SIP/101\nContext: default\n"), want: failed("noext.call", "neither Application nor Extension")},
		{name: "nowhere.call", make: text("Channel: SIP/101\nContext: nowhere\nExtension: s\n"), want: func(t *testing.T, y *yard) {
			called("nowhere.call")(t, y)
			if !y.Log.Has(`there is no context \"nowhere\"`) {
				t.Error("the log does not say that the context is missing")
			}
			for _, c := range y.calls() {
				if r, _ := cdr(y, c, 0)["reference"].(string); r == "nowhere.call" && cdr(y, c, 0)["detail"] != "completed_no_destination" {
					t.Errorf("detail %v, want completed_no_destination", cdr(y, c, 0)["detail"])
				}
			}
		}},
		{name: "dir.call", make: func(p string) error { return os.Mkdir(p, 0o755) }, stay: true},
		{name: "fifo.call", make: func(p string) error { return syscall.Mkfifo(p, 0o644) }, stay: true},
		{name: "socket.call", make: func(p string) error {
			fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
			if err != nil {
				return err
			}
			defer syscall.Close(fd)
			return syscall.Bind(fd, &syscall.SockaddrUnix{Name: p})
		}, stay: true},
		{name: "out.call", make: func(p string) error { return os.Symlink(outside, p) }, want: func(t *testing.T, y *yard) {
			y.failedWith(t, "out.call", "symbolic link that is not followed")
			if b, err := os.ReadFile(outside); err != nil || string(b) != to101 {
				t.Errorf("the file outside reads %q, %v", b, err)
			}
		}},
		{name: "up.call", make: func(p string) error { return os.Symlink("../"+filepath.Base(outside), p) }, want: failed("up.call", "symbolic link that is not followed")},
		{name: "device.call", make: func(p string) error { return os.Symlink("/dev/zero", p) }, want: failed("device.call", "symbolic link that is not followed")},
		{name: "dangling.call", make: func(p string) error { return os.Symlink("not-there", p) }, want: failed("dangling.call", "leads nowhere")},
		{name: "circle.call", make: func(p string) error { return os.Symlink("circle.call", p) }, want: failed("circle.call", "symbolic link")},
		{name: "dirlink.call", make: func(p string) error { return os.Symlink("dir.call", p) }, want: failed("dirlink.call", "no file")},
		{name: "inside.call", make: func(p string) error { return os.Symlink(".template", p) }, want: func(t *testing.T, y *yard) {
			called("inside.call")(t, y)
			if b, err := os.ReadFile(filepath.Join(y.out, ".template")); err != nil || !strings.HasPrefix(string(b), to101) {
				t.Errorf("what the link led to reads %q, %v", b, err)
			}
		}},
		{name: "a b\tc;$(x)`y`.call", make: text(to101), want: called(`a b\tc;$(x)` + "`y`.call")},
		{name: "two\nlines.call", make: text(to101), want: called(`two\nlines.call`)},
		{name: "Grüße an Łukasz 🎉.call", make: text(to101), want: called("Grüße an Łukasz 🎉.call")},
		{name: "not utf8 \xff\xfe.call", make: text(to101), want: called(`not utf8 \ufffd\ufffd.call`)},
		{name: "-rf", make: text(to101), want: called("-rf")},
		{name: "%s%n%d", make: text(to101), want: called("%s%n%d")},
		{name: long, make: text(to101), want: called(long)},
		{name: "x" + long[1:], make: text("junk\n"), want: func(t *testing.T, y *yard) {
			left, err := filepath.Glob(filepath.Join(y.dir, "outgoing_failed", "xnnn*"))
			if err != nil || len(left) != 2 {
				t.Errorf("in outgoing_failed are %q, want the file and its reason", left)
			}
		}},
	}
}

// Whatever lies in the folder has the answer that docs/callfile.md promises, and
// keeps no other file waiting.
func TestBadCallFiles(t *testing.T) {
	t.Parallel()
	y := newYard(t, "[default]\nexten => s,1,NoOp()\n", nil, harness.Phone("101", goodPhone))
	p := y.phone("101", 0, softphone.Rule{})
	outside := filepath.Join(y.dir, "outside")
	y.must(text(to101)(outside))
	y.must(text(to101)(filepath.Join(y.out, ".template")))
	list := badFiles(outside)
	for _, f := range list {
		tmp := filepath.Join(y.dir, "tmp", f.name)
		y.must(f.make(tmp))
		y.must(os.Rename(tmp, filepath.Join(y.out, f.name)))
	}
	y.put("good.call", "Channel: SIP/101\nContext: default\nExtension: s\nCallerID: good\n")
	begun := time.Now()
	y.gone("good.call")
	if took := time.Since(begun); took > promptly {
		t.Errorf("the good file took %v", took)
	}
	for _, f := range list {
		if !f.stay {
			y.gone(f.name)
		}
	}
	for _, f := range list {
		t.Run(fmt.Sprintf("%.20q", f.name), func(t *testing.T) {
			if !f.stay {
				f.want(t, y)
				return
			}
			if _, err := os.Lstat(filepath.Join(y.out, f.name)); err != nil {
				t.Error(err)
			}
		})
	}
	y.rings(p, "afterwards.call")
	if kB := y.PeakMemory(); kB > 300_000 {
		t.Errorf("the server has had %d kB of memory", kB)
	}
	lines := 0
	for line := range strings.Lines(y.Log.Tail(1 << 30)) {
		if strings.Contains(line, `"file":"big.call"`) {
			lines++
		}
	}
	if lines > 200 {
		t.Errorf("one file of 10 MB has %d lines in the log", lines)
	}
}

// Thousands of files without sense go to outgoing_failed, each with its reason,
// and a call file that comes in the middle of them is called at once.
func TestThousandsOfBadCallFiles(t *testing.T) {
	t.Parallel()
	const many = 3000
	y := newYard(t, "[default]\n", nil, harness.Phone("101", goodPhone))
	p := y.phone("101", 0, softphone.Rule{})
	y.must(os.Mkdir(filepath.Join(y.dir, "many"), 0o755))
	for i := range many {
		y.must(text(fmt.Sprintf("garbage %d\n", i))(filepath.Join(y.dir, "many", fmt.Sprintf("%04d", i))))
	}
	y.shell(`mv many/* outgoing/`)
	y.rings(p, "good.call")
	y.emptied()
	for i := range many {
		b, err := os.ReadFile(filepath.Join(y.dir, "outgoing_failed", fmt.Sprintf("%04d", i)))
		y.must(err)
		if want := fmt.Sprintf("garbage %d\nStatus: Failed\nReason: ", i); !bytes.HasPrefix(b, []byte(want)) {
			t.Fatalf("file %d reads %q", i, b)
		}
	}
}

// hanging is a call whose dialplan goes wrong. It runs beside one that must not notice.
type badPlan struct {
	name  string
	steps string   // from priority 1 on of extension s; "exten =>" lines may follow
	log   []string // of the last line: priority 1 stands in line 2
	hangs bool     // until it is hung up
}

var badPlans = []badPlan{
	{name: "endless_goto", steps: "Goto(s,1)", log: []string{"goes in circles", `"at":"extensions.conf:%d"`}},
	{name: "endless_invalid", steps: "Goto(x,1)\nexten => i,1,Goto(x,1)", log: []string{"goes in circles: 1000 jumps"}},
	{name: "endless_while", steps: "While(1)\n same => n,EndWhile()", log: []string{"goes in circles"}},
	{name: "endless_gosub", steps: "Gosub(s,1)", log: []string{`"at":"extensions.conf:%d"`}},
	{name: "unterminated", steps: "Log(NOTICE,before ${CALLERID(num)\n same => n,Log(NOTICE,unterminated goes on)", log: []string{"{ without }", `"at":"extensions.conf:%d"`}},
	{name: "unterminated_on", steps: "Log(NOTICE,${A\n same => n,Log(NOTICE,unterminated went on)", log: []string{"unterminated went on"}},
	{name: "division", steps: "Set(Z=0)\n same => n,Log(NOTICE,ratio $[1/${Z}])", log: []string{"division by zero", `"at":"extensions.conf:%d"`}},
	{name: "missing_context", steps: "Goto(nowhere,s,1)", log: []string{`there is no context \"nowhere\"`, `"at":"extensions.conf:%d"`}},
	{name: "missing_label", steps: "Goto(nolabel)", log: []string{"nolabel", `"at":"extensions.conf:%d"`}},
	{name: "unknown_app", steps: "Nonesuch(1)", log: []string{"there is no application Nonesuch", `"at":"extensions.conf:%d"`}},
	{name: "unknown_function", steps: "Log(NOTICE,[${NOFUNC(x)}])", log: []string{"there is no function NOFUNC", `"at":"extensions.conf:%d"`}},
	{name: "missing_sound", steps: "Playback(no-such-sound)", log: []string{"no-such-sound", `"at":"extensions.conf:%d"`}},
	{name: "agi_refused", steps: "AGI(agi://127.0.0.1:1/x)", log: []string{"FastAGI server not reached", `"at":"extensions.conf:%d"`}},
	{name: "agi_missing", steps: "AGI(no-such.agi)", log: []string{"no-such.agi", `"at":"extensions.conf:%d"`}},
	{name: "agi_timeout", steps: "Set(TIMEOUT(absolute)=2)\n same => n,AGI(agi://%SILENT%)\nexten => T,1,Log(NOTICE,the silent server was left)", log: []string{"the silent server was left"}},
	{name: "agi_silent", steps: "Set(AGIEXITONHANGUP=yes)\n same => n,AGI(agi://%SILENT%)", hangs: true},
	{name: "agi_script", steps: "AGI(hangs.agi)", hangs: true},
	{name: "system", steps: "System(echo $$ > %DIR%/system.pid\\; sleep 600)", hangs: true},
	{name: "shell", steps: "Set(X=${SHELL(echo $$ > %DIR%/shell.pid\\; sleep 600)})", hangs: true},
}

// A dialplan that goes wrong, or hangs, does so alone: each has its defined end,
// which is logged with file and line, and another call is placed at once.
func TestBadDialplan(t *testing.T) {
	t.Parallel()
	var plan strings.Builder
	lines := map[string]int{}
	silent := silentServer(t)
	for _, b := range badPlans {
		fmt.Fprintf(&plan, "[%s]\nexten => s,1,%s\nexten => h,1,Log(NOTICE,end of %s)\n", b.name, strings.ReplaceAll(b.steps, "%SILENT%", silent), b.name)
	}
	for n, line := range strings.Split(plan.String(), "\n") {
		if name, ok := strings.CutPrefix(line, "["); ok {
			name = strings.TrimSuffix(name, "]")
			lines[name] = n + 2
		}
	}
	lines["division"]++
	y := newYard(t, plan.String(), map[string]string{"agi-bin/hangs.agi": "#!/bin/sh\necho $$ > %DIR%/script.pid\nexec sleep 600\n"}, harness.Phone("101", goodPhone))
	p := y.phone("101", 0, softphone.Rule{})
	for _, b := range badPlans {
		y.put(b.name+".call", "Channel: Pretend/5\nContext: "+b.name+"\nExtension: s\nMaxRetries: 3\nRetryTime: 1\n")
	}
	y.rings(p, "good.call")
	y.gone("good.call")
	var hung []string
	for _, b := range badPlans {
		if b.hangs {
			hung = append(hung, b.name+".call")
			continue
		}
		y.gone(b.name + ".call")
		t.Run(b.name, func(t *testing.T) {
			for i, w := range b.log {
				b.log[i] = strings.Replace(w, "%d", fmt.Sprint(lines[b.name]), 1)
			}
			if !y.Log.Has(b.log...) {
				t.Errorf("the log has no line with %q", b.log)
			}
			if b.name != "missing_context" && !y.Log.Contains("end of "+b.name) { // the rules know no h there
				t.Error("h did not run")
			}
		})
	}
	for _, pid := range []string{"system.pid", "shell.pid", "script.pid"} {
		y.until(pid+" is there", func() bool { return fileSize(filepath.Join(y.dir, pid)) > 0 })
	}
	slices.Sort(hung)
	if left := y.names(); !slices.Equal(left, hung) {
		t.Errorf("in the folder are %q, want those that hang: %q", left, hung)
	}
	y.rings(p, "good2.call")
	y.gone("good2.call")
	y.hangUpAll()
	y.emptied()
	for _, b := range badPlans {
		if b.hangs && !y.Log.Contains("end of "+b.name) {
			t.Errorf("%s: h did not run", b.name)
		}
	}
	for _, pid := range []string{"system.pid", "shell.pid", "script.pid"} {
		b, err := os.ReadFile(filepath.Join(y.dir, pid))
		y.must(err)
		y.until("the process of "+pid+" has ended", func() bool {
			_, err := os.Stat("/proc/" + strings.TrimSpace(string(b)))
			return os.IsNotExist(err)
		})
	}
	for _, c := range y.calls() {
		if len(c.Attempts) != 1 {
			t.Errorf("%v was attempted %d times; what was answered is not dialled again", c.Call["reference"], len(c.Attempts))
		}
	}
}

// A server that is to stop does so, in order and in time, although commands and
// scripts hang, during the call and after its hangup; nothing of them is left.
func TestStopWhileProgramsHang(t *testing.T) {
	t.Parallel()
	hang := func(name string) string { return "echo $$ > %DIR%/" + name + ".pid\\; sleep 600" }
	y := newYard(t, "[live]\nexten => s,1,System("+hang("live")+")\n"+
		"[h]\nexten => s,1,NoOp()\nexten => h,1,System("+hang("h")+")\n same => n,Log(NOTICE,not reached)\n"+
		"[handler]\nexten => s,1,Set(CHANNEL(hangup_handler_push)=hang,s,1)\n[hang]\nexten => s,1,Set(X=${SHELL("+hang("handler")+")})\n"+
		"[script]\nexten => s,1,AGI(stubborn.agi,script)\n[deadscript]\nexten => s,1,NoOp()\nexten => h,1,AGI(stubborn.agi,deadscript)\n",
		map[string]string{"agi-bin/stubborn.agi": "#!/bin/bash\ntrap '' HUP TERM\necho $$ > %DIR%/$1.pid\nwhile :; do sleep 600; done\n"})
	names := []string{"live", "h", "handler", "script", "deadscript"}
	for _, name := range names {
		y.put(name+".call", "Channel: Pretend/5\nContext: "+name+"\nExtension: s\nArchive: yes\n")
	}
	var pids []string
	for _, name := range names {
		file := filepath.Join(y.dir, name+".pid")
		y.until(name+" hangs", func() bool { return fileSize(file) > 0 })
		b, err := os.ReadFile(file)
		y.must(err)
		pids = append(pids, strings.TrimSpace(string(b)))
	}
	y.Stop() // which must end with exit status 0
	for i, pid := range pids {
		y.until("the process of "+names[i]+" has ended", func() bool {
			_, err := os.Stat("/proc/" + pid)
			return os.IsNotExist(err)
		})
	}
	y.Start()
	y.emptied()
	for _, name := range names {
		b, err := os.ReadFile(filepath.Join(y.done, name+".call"))
		if err != nil || !strings.HasSuffix(string(b), "Status: Completed\n") {
			t.Errorf("%s: the archived file ends %q, %v; it was answered", name, b, err)
		}
	}
}

// names lists the spool folder in order.
func (y *yard) names() []string {
	y.t.Helper()
	list, err := os.ReadDir(y.out)
	y.must(err)
	var out []string
	for _, e := range list {
		out = append(out, e.Name())
	}
	return out
}

// hangUpAll hangs up every call.
func (y *yard) hangUpAll() {
	y.t.Helper()
	var page struct {
		Calls []struct {
			ID    string `json:"id"`
			State string `json:"state"`
		} `json:"calls"`
	}
	y.MustAPI("GET", "/v1/calls?door=callfile", nil, &page)
	for _, c := range page.Calls {
		if c.State != "ended" {
			y.MustAPI("POST", "/v1/calls/"+c.ID+"/hangup", nil, nil)
		}
	}
}

func fileSize(path string) int64 {
	st, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return st.Size()
}

// silentServer takes connections and never says a word.
func silentServer(t *testing.T) (address string) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { // ends with the connection
				defer c.Close()
				io.Copy(io.Discard, c)
			}()
		}
	}()
	return l.Addr().String()
}
