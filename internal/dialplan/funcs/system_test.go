package funcs

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/run"
)

// TestShell holds DP-050.
func TestShell(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "[t]\n", nil)
	t.Cleanup(func() { _ = os.Unsetenv("DIALWRIGHT_TEST_DPX") })
	d.want([][2]string{
		{`[${SHELL(printf "a b")}] [${SHELL(exit 1)}] [${SHELL(echo x)}]`, "[a b] [] [x\n]"},
		{"!ENV(DIALWRIGHT_TEST_DPX)", "7"},
		{"${ENV(DIALWRIGHT_TEST_DPX)} ${SHELL(printf $DIALWRIGHT_TEST_DPX)} [${ENV(DIALWRIGHT_TEST_NONE)}]", "7 7 []"},
		{"!ENV(DIALWRIGHT_TEST_DPX)", ""},
		{"[${ENV(DIALWRIGHT_TEST_DPX)}]", "[]"},
	}...)
	d.warns("${SHELL()}")
	if got := d.expand("${SHELL(head -c 100000 /dev/zero | tr '\\0' x)}"); len(got) != dialplan.MaxText {
		t.Errorf("a long output has %d bytes", len(got))
	}
}

// TestShellEnds kills what runs too long, with what it has started, and what
// runs when the call ends.
func TestShellEnds(t *testing.T) {
	t.Parallel()
	started := filepath.Join(t.TempDir(), "pid")
	d := newDesk(t, "[t]\n", func(o *run.Options) { o.CommandLimit = 300 * time.Millisecond })
	d.warns("${SHELL(sh -c 'echo $$ > " + started + "; exec sleep 1000'; true)}")
	pid := strings.TrimSpace(d.expand("${FILE(" + started + ")}"))
	n, err := strconv.Atoi(pid)
	if err != nil {
		t.Fatalf("the command has left %q", pid)
	}
	waitGone(t, n)

	e := newDesk(t, "[t]\n", nil)
	ctx, hangUp := context.WithCancel(t.Context())
	got := make(chan string)
	go func() { got <- e.x.Expand(ctx, "[${SHELL(echo a; exec sleep 1000)}]") }()
	hangUp()
	if v := <-got; v != "[]" {
		t.Errorf("a command that was killed gives %q", v)
	}
}

// waitGone waits until a process that was killed is no more than a zombie.
func waitGone(t *testing.T, pid int) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for range 1000 {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if err != nil && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) || strings.Contains(string(stat), ") Z ") {
			return
		}
		<-tick.C
	}
	t.Errorf("process %d is still there", pid)
}

// TestForbidden needs what was not allowed.
func TestForbidden(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "[t]\n", func(o *run.Options) { o.Allow = 0 })
	d.warns("${SHELL(echo x)}", "${ENV(PATH)}", "${STAT(e,/)}", "${FILE(/etc/passwd)}", "${FILE_COUNT_LINE(/etc/passwd)}", "${FILE_FORMAT(/etc/passwd)}",
		"${CURL(http://127.0.0.1:1/)}", "${SRVQUERY(_sip._udp.example.com)}", "${SRVRESULT(x,1)}")
	d.refuses("ENV(DIALWRIGHT_TEST_X)", "1")
	d.refuses("FILE(/nonexistent/x)", "1")
	if _, there := os.LookupEnv("DIALWRIGHT_TEST_X"); there {
		t.Error("the environment was changed")
	}
}

func TestStat(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "[t]\n", nil)
	dir := t.TempDir()
	name := filepath.Join(dir, "f")
	if err := os.WriteFile(name, []byte("abc"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(name, time.Unix(1000, 0), time.Unix(2000, 0)); err != nil {
		t.Fatal(err)
	}
	d.want([][2]string{
		{"${STAT(e,/nonexistent)}${STAT(d," + dir + ")}${STAT(f," + name + ")}${STAT(e," + dir + ")}${STAT(d," + name + ")}${STAT(f," + dir + ")}", "011100"},
		{"${STAT(s," + name + ")} ${STAT(m," + name + ")} ${STAT(A," + name + ")} ${STAT(M," + name + ")} ${STAT(s,/nonexistent)} ${STAT(q," + name + ")} ${STAT(e)}", "3 100600 1000 2000 0 0 0"},
	}...)
	if at, err := strconv.ParseInt(d.expand("${STAT(C,"+name+")}"), 10, 64); err != nil || time.Since(time.Unix(at, 0)) > time.Hour {
		t.Errorf("it was changed at %d, %v", at, err)
	}
}

// TestFile reads and writes parts of a file as Asterisk 22.10 does.
func TestFile(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "[t]\n", nil)
	f := filepath.Join(t.TempDir(), "f")
	file := func(s string) string { return strings.ReplaceAll(s, "@", f) }
	put := func(text string) {
		if err := os.WriteFile(f, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("l1\nl2\nl3\n")
	for read, want := range map[string]string{
		"": "l1\nl2\nl3\n", ",1,3": "1\nl", ",-3": "l3\n", ",-4,2": "\nl", ",2": "\nl2\nl3\n", ",0,-1": "l1\nl2\nl3", ",99": "", ",0,99": "l1\nl2\nl3\n",
		",1,1,l": "l2\n", ",0,2,l": "l1\nl2\n", ",-1,1,l": "l3\n", ",,,l": "l1\nl2\nl3\n", ",1,,l": "l2\nl3\n", ",0,-1,l": "l1\nl2\n", ",9,,l": "", ",1,1,l,u": "l2\n", ",0,-9": "",
	} {
		d.want([2]string{"${FILE(" + f + read + ")}", want})
	}
	d.warns(file("${FILE(@,-99,3)}"), "${FILE(/nonexistent)}", "${FILE()}", file("${FILE(@,x)}"), "${FILE_FORMAT(/nonexistent)}")
	d.want([2]string{file("${FILE_COUNT_LINE(@)} ${FILE_FORMAT(@)} ${FILE_COUNT_LINE(@,d)}"), "3 u 0"})
	for _, c := range [][3]string{ // what is there, the arguments, what comes of text X
		{"l1\nl2\n", ",,,a", "l1\nl2\nX"},
		{"l1\nl2\n", ",0,2", "X\nl2\n"},
		{"l1\nl2\n", ",1,1,l", "l1\nX\n"},
		{"l1\nl2\n", ",,,al", "l1\nl2\nX\n"},
		{"l1\nl2\n", ",,,al,d", "l1\nl2\nX\r\n"},
		{"l1\nl2\n", ",1,0,l", "l1\nX\nl2\n"},
		{"l1\nl2\nl3\n", ",1,1,ld", "l1\nXl3\n"},
		{"l1\nl2\n", ",-1,1,l", "l1\nX\n"},
		{"l1\nl2\nl3\n", ",1,,l", "l1\nX\n"},
		{"l1\n", "", "X"},
		{"l1\n", ",,,l", "X\n"},
		{"all4", ",-1,1", "allX"},
		{"al4q", ",6,0", "al4q\x00\x00X"},
		{"l1\r\nl2\r\n", ",0,1,l", "X\r\nl2\r\n"},
		{"l1\rl2\r", ",1,1,l", "l1\rX\r"},
	} {
		put(c[0])
		d.want([2]string{"!FILE(" + f + c[1] + ")", "X"})
		if got, err := os.ReadFile(f); err != nil || string(got) != c[2] {
			t.Errorf("FILE(%s)=X on %q gives %q, want %q; %v %s", c[1], c[0], got, c[2], err, d.warn.take())
		}
	}
	d.refuses(file("FILE(@,-99,0)"), "X")
	d.refuses("FILE(/nonexistent/f)", "X")
	fresh := f + "new"
	d.want([2]string{"!FILE(" + fresh + ",,,al)", "one"}, [2]string{"!FILE(" + fresh + ",,,al)", "two"}, [2]string{"${FILE(" + fresh + ")}", "one\ntwo\n"})
	if err := os.Truncate(fresh, maxFile+1); err != nil {
		t.Fatal(err)
	}
	d.warns("${FILE(" + fresh + ",0,1)}")
}

func TestSystem(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "[t]\n", nil)
	d.want([2]string{"${SYSINFO(numcalls)} ${VERSION()} ${VERSION(ASTERISK_VERSION)} ${VERSION(ASTERISK_VERSION_NUM)}", "1 22.10.1 22.10.1 221001"})
	for _, what := range []string{"loadavg", "uptime", "totalram", "freeram", "bufferram", "totalswap", "freeswap", "numprocs"} {
		if n, err := strconv.ParseFloat(d.expand("${SYSINFO("+what+")}"), 64); err != nil || n < 0 || n == 0 && (what == "totalram" || what == "numprocs") {
			t.Errorf("SYSINFO(%s) is %v, %v", what, n, err)
		}
	}
	d.warns("${SYSINFO()}", "${SYSINFO(x)}")
	for _, what := range []string{"BUILD_OS", "BUILD_MACHINE", "BUILD_KERNEL", "BUILD_USER", "BUILD_HOSTNAME"} {
		if d.expand("${VERSION("+what+")}") == "" {
			t.Errorf("VERSION(%s) is empty", what)
		}
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "test.conf"), []byte("[general]\na=1\nb = two words \na=3\n[s](!)\nx=y\n[u](s)\nz=q\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	d := newDesk(t, "[t]\n", func(o *run.Options) { o.ConfDir = dir })
	d.want([2]string{
		"[${AST_CONFIG(test.conf,general,a)}] [${AST_CONFIG(test.conf,general,B)}] [${AST_CONFIG(test.conf,u,x)}] [${AST_CONFIG(test.conf,u,z)}] [${AST_CONFIG(test.conf,general,a,1)}] [${AST_CONFIG(test.conf,no,b)}] [${AST_CONFIG(test.conf,general,a,-1)}] [${AST_CONFIG(test.conf,general,a,9)}]",
		"[1] [two words] [y] [q] [3] [] [3] []",
	})
	d.warns("${AST_CONFIG(no.conf,a,b)}", "${AST_CONFIG(a,b)}", "${AST_CONFIG(../test.conf,general,a)}", "${AST_CONFIG(/etc/passwd,a,b)}", "${AST_CONFIG(test.conf,general,a,x)}")
	newDesk(t, "[t]\n", nil).warns("${AST_CONFIG(test.conf,general,a)}")
}
