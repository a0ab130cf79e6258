package apps_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/dialplan/run"
)

// unharmed is a call that runs beside each bad one and must not notice it.
const unharmed = "[fine]\nexten => s,1,Answer(,i)\n same => n,Wait(2)\n same => n,Log(NOTICE,unharmed)\n"

// TestBadInput: a dialplan that is wrong ends, or goes on, as it is defined,
// says where, and harms no other call.
func TestBadInput(t *testing.T) {
	for _, tt := range []struct {
		name, conf string
		want       []string // beside "unharmed"
		log        []string
	}{
		{
			"an endless Goto", steps("Log(NOTICE,begun)", "Goto(2)") + "exten => h,1,Log(NOTICE,h)",
			[]string{"begun", "h"}, []string{"goes in circles", "at=extensions.conf:3", "the call is ended"},
		},
		{
			"an endless loop through e", steps("Goto(x,1)") + "exten => e,1,Goto(x,1)\nexten => h,1,Log(NOTICE,h)",
			[]string{"h"}, []string{"goes in circles: 1000 jumps", "at=extensions.conf:3"},
		},
		{
			"${ without an end", steps("Log(NOTICE,a ${B", "Log(NOTICE,on)"),
			[]string{"a ", "on"}, []string{"a { without }", "at=extensions.conf:2"},
		},
		{
			"$[ without an end", steps("Log(NOTICE,a $[1+", "Log(NOTICE,on)"),
			[]string{"a 0", "on"}, []string{"a [ without ]", "at=extensions.conf:2"},
		},
		{
			"division by zero", steps("Set(Z=0)", "Log(NOTICE,$[1/${Z}])"),
			[]string{"2147483647"}, []string{"at=extensions.conf:3"},
		},
		{
			"an unknown context", steps("Goto(nowhere,s,1)") + "exten => h,1,Log(NOTICE,no)",
			nil, []string{`there is no context \"nowhere\"`, "at=extensions.conf:2"},
		},
		{
			"an unknown function", steps("Set(NOFUNC(x)=1)", "Log(NOTICE,[${NOFUNC(x)}])"),
			[]string{"[]"}, []string{"there is no function NOFUNC", "at=extensions.conf:2", "at=extensions.conf:3"},
		},
		{
			"an unknown application", steps("Nonesuch(${A})") + "exten => h,1,Log(NOTICE,h)",
			[]string{"h"}, []string{"there is no application Nonesuch", "at=extensions.conf:2"},
		},
		{
			"a value without end", steps("Set(A=x)", "While($[0${I} < 40])", "Set(I=$[0${I}+1])", "Set(A=${A}${A})", "EndWhile()", "Log(NOTICE,$[${LEN(${A})} > 32000])"),
			[]string{"1"}, []string{"65536"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			inOffice(t, tt.conf+"\n"+unharmed, nil, func(o *office) {
				bad := o.at("answered", "")
				o.call(vectorCall{Context: "fine", Exten: "s", Priority: 1, Mode: "inbound"})
				<-bad.Gone()
				o.waitIdle(time.Hour)
				got := strings.Join(o.trace(), "|")
				if want := strings.Join(append(tt.want, "unharmed"), "|"); got != want {
					t.Errorf("trace %q, want %q", got, want)
				}
				o.want(t, o.trace(), tt.log...)
			})
		})
	}
}

// realOffice is an office outside of any bubble: commands of the system do not
// wait for its clock.
func realOffice(t *testing.T, conf string, limit time.Duration) *office {
	t.Helper()
	o := openOffice(t, officeOptions{dir: officeDir(t), change: func(ro *run.Options) { ro.CommandLimit = limit }})
	o.load(conf, nil)
	return o
}

// alive says whether the process whose number is in a file still runs, after
// it has had a moment to end.
func alive(t *testing.T, file string) bool {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	for range 200 {
		if syscall.Kill(pid, 0) != nil || zombie(pid) {
			return false
		}
		<-time.After(10 * time.Millisecond)
	}
	return true
}

// zombie says whether a process has ended and nobody has asked how.
func zombie(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return strings.HasPrefix(rest, "Z")
}

// A command that hangs is killed with its children, by the limit or by the
// hangup, and the call goes on or ends as it would.
func TestSystemThatHangs(t *testing.T) {
	t.Run("the limit", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		pid := filepath.Join(dir, "pid")
		o := realOffice(t, steps("System(sh -c 'echo $$ > "+pid+" && exec sleep 600')", "Log(NOTICE,${SYSTEMSTATUS})", "System(true)", "Log(NOTICE,${SYSTEMSTATUS})"), 300*time.Millisecond)
		defer o.close()
		begun := time.Now()
		o.at("answered", "")
		o.waitIdle(20 * time.Second)
		o.want(t, []string{"APPERROR", "SUCCESS"}, "ran too long and was killed", "at=extensions.conf:2")
		if took := time.Since(begun); took > 10*time.Second {
			t.Errorf("it took %s", took)
		}
		if alive(t, pid) {
			t.Error("the command outlives its limit")
		}
	})
	t.Run("the hangup", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		pid := filepath.Join(dir, "pid")
		o := realOffice(t, steps("System(sleep 600 & echo $! > "+pid+"\\; mv "+pid+" "+pid+"2\\; wait)", "Log(NOTICE,no)")+"exten => h,1,Log(NOTICE,h)\n same => n,System(true)\n same => n,Log(NOTICE,${SYSTEMSTATUS})\n", 0)
		defer o.close()
		c := o.at("answered", "")
		for {
			if _, err := os.Stat(pid + "2"); err == nil {
				break
			}
			<-time.After(5 * time.Millisecond)
		}
		c.Hangup(16)
		o.waitIdle(20 * time.Second)
		o.want(t, []string{"h", "SUCCESS"})
		if alive(t, pid+"2") {
			t.Error("the child outlives the call")
		}
	})
}

// What commands give: a status, and the beginning of what they print.
func TestSystem(t *testing.T) {
	dir := t.TempDir()
	o := realOffice(t, steps(
		`System("echo quoted > `+filepath.Join(dir, "out")+`")`, "Log(NOTICE,1 ${SYSTEMSTATUS})",
		`System(echo why it failed >&2\; exit 126)`, "Log(NOTICE,2 ${SYSTEMSTATUS})",
		"System(kill -TERM $$)", "Log(NOTICE,3 ${SYSTEMSTATUS})",
		"TrySystem()", "Log(NOTICE,4 ${SYSTEMSTATUS})",
		"System(yes | head -c 300000)", "Log(NOTICE,5 ${SYSTEMSTATUS})",
		`System((sleep 0.3\; echo done > `+filepath.Join(dir, "later")+") &)", "Log(NOTICE,6 ${SYSTEMSTATUS})",
		"System(/nonexistent/cmd)", "Log(NOTICE,no)")+"exten => h,1,Log(NOTICE,h ${SYSTEMSTATUS})", 10*time.Second)
	defer o.close()
	o.at("answered", "")
	o.waitIdle(20 * time.Second)
	o.want(t, []string{"1 SUCCESS", "2 APPERROR", "3 APPERROR", "4 FAILURE", "5 SUCCESS", "6 SUCCESS", "h FAILURE"}, "why it failed", "exit=126")
	if text, err := os.ReadFile(filepath.Join(dir, "out")); err != nil || string(text) != "quoted\n" {
		t.Errorf("%q, %v", text, err)
	}
	for until := time.Now().Add(10 * time.Second); ; <-time.After(10 * time.Millisecond) { // what was put into the background lives on
		if _, err := os.Stat(filepath.Join(dir, "later")); err == nil {
			break
		} else if time.Now().After(until) {
			t.Fatal(err)
		}
	}
}
