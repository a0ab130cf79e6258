package apps_test

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/dialplan/apps"
	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/pbx"
)

// agiOffice opens an office with the directories that it needs.
func agiOffice(t *testing.T, change func(*run.Options)) *office {
	t.Helper()
	dir := t.TempDir()
	for _, s := range []string{"conf", "snd", "tmp"} {
		if err := os.Mkdir(filepath.Join(dir, s), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return openOffice(t, officeOptions{dir: dir, change: change})
}

const agiSub = `
[sub]
exten => s,1,Set(SUBBED=${ARG1}+${ARG2})
 same => n,Return()
exten => e,1,Hangup()
`

// TestAGICommands gives commands by AGI(agi:async), whose time is the bubble's.
func TestAGICommands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ready := make(chan *run.Exec, 1)
		o := agiOffice(t, func(ro *run.Options) {
			ro.AsyncAGI = func(x *run.Exec, waiting bool) {
				if waiting {
					ready <- x
				}
			}
		})
		defer o.close()
		o.load(`[t]
exten => s,1,Answer(,i)
 same => n,AGI(agi:async,a 1,b)
 same => n,Log(NOTICE,left ${AGISTATUS})
`+agiSub, nil)
		caller := o.call(vectorCall{Context: "t", Exten: "s", Mode: "inbound", CallerID: `"Bo B" <55>`})
		x := <-ready
		q, ok := apps.AsyncAGIOf(x)
		if !ok {
			t.Fatal("the channel has no queue")
		}
		for _, line := range []string{"agi_request: async\n", "agi_callerid: 55\n", "agi_calleridname: Bo B\n", "agi_arg_1: a 1\nagi_arg_2: b\n\n"} {
			if !strings.Contains(q.Environment(), line) {
				t.Errorf("environment lacks %q:\n%s", line, q.Environment())
			}
		}
		for _, c := range agiCommandCases {
			if c.press != "" {
				if err := caller.SendDTMF(c.press, pbx.DTMFOptions{Before: 200 * time.Millisecond}); err != nil {
					t.Fatal(err)
				}
			}
			got, err := q.Do(t.Context(), c.line)
			if err != nil || !regexp.MustCompile(`^`+c.want+`\n$`).MatchString(got) {
				t.Errorf("%s [%s]: %q, %v; want %s", c.line, c.press, got, err, c.want)
			}
		}
		if _, err := q.Do(t.Context(), "ASYNCAGI BREAK"); err != nil {
			t.Error(err)
		}
		o.waitIdle(time.Second)
		if _, err := q.Do(t.Context(), "NOOP"); !errors.Is(err, apps.ErrNotWaiting) {
			t.Errorf("after the break: %v, want ErrNotWaiting", err)
		}
		if d := cmp.Diff([]string{"left SUCCESS"}, o.trace()); d != "" {
			t.Errorf("-want +got:\n%s", d)
		}
	})
}

// agiCommandCases are commands in order, with the digits that the caller
// presses 0.2 s into each, and what the answer must match.
var agiCommandCases = []struct{ press, line, want string }{
	{"", "NOOP a b", `200 result=0`},
	{"", "answer", `200 result=0`},
	{"", "CHANNEL STATUS", `200 result=6`},
	{"", "CHANNEL STATUS None/1", `200 result=-1`},
	{"", "SPEECH CREATE x", `510 Invalid or unknown command`},
	{"", "", `510 Invalid or unknown command`},
	{"", "GET VARIABLE", `520-Invalid command syntax.  Proper usage follows:\nUsage: GET VARIABLE name\n520 End of proper usage\.`},
	{"", "WAIT FOR DIGIT soon", `520-(?s:.*)520 End of proper usage\.`},

	{"", "GET VARIABLE NOPE", `200 result=0`},
	{"", `SET VARIABLE X "a \"b\""`, `200 result=1`},
	{"", "GET VARIABLE X", `200 result=1 \(a "b"\)`},
	{"", "GET VARIABLE EXTEN", `200 result=1 \(s\)`},
	{"", "GET VARIABLE CALLERID(num)", `200 result=1 \(55\)`},
	{"", `GET FULL VARIABLE "${X:2}-${EXTEN}"`, `200 result=1 \("b"-s\)`},
	{"", `GET FULL VARIABLE ${X} None/1`, `200 result=0`},
	{"", `SET CALLERID "New N" <77>`, `520-(?s:.*)`},
	{"", `SET CALLERID "\"New N\" <77>"`, `200 result=1`},
	{"", "GET FULL VARIABLE ${CALLERID(all)}", `200 result=1 \("New N" <77>\)`},

	{"", `DATABASE PUT fam key "v 1"`, `200 result=1`},
	{"", "DATABASE GET fam key", `200 result=1 \(v 1\)`},
	{"", "DATABASE DEL fam key", `200 result=1`},
	{"", "DATABASE DEL fam key", `200 result=0`},
	{"", "DATABASE GET fam key", `200 result=0`},
	{"", "DATABASE PUT fam a/b 1", `200 result=1`},
	{"", "DATABASE DELTREE fam a", `200 result=1`},
	{"", "DATABASE DELTREE fam", `200 result=0`},

	{"", "EXEC Set Y=1,2", `200 result=0`},
	{"", "GET VARIABLE Y", `200 result=1 \(1,2\)`},
	{"", "EXEC Nope x", `200 result=-2`},
	{"", "GOSUB sub s 1 a,b", `100 result=0 Trying\.\.\.\n200 result=0 Gosub complete`},
	{"", "GET VARIABLE SUBBED", `200 result=1 \(a\+b\)`},
	{"", "GOSUB sub s nolabel", `200 result=-1 Gosub label not found`},
	{"", "GOSUB sub none 1", `100 result=0 Trying\.\.\.\n200 result=-1 Gosub failed`},

	{"", `STREAM FILE half ""`, `200 result=0 endpos=4\d\d\d`},
	{"", `STREAM FILE half "" 2000`, `200 result=0 endpos=4\d\d\d`},
	{"", `STREAM FILE none ""`, `200 result=-1 endpos=0`},
	{"5", `STREAM FILE long "45"`, `200 result=53 endpos=[1-9]\d+`},
	{"5", `STREAM FILE one ""`, `200 result=0 endpos=8\d\d\d`},
	{"#*8", `CONTROL STREAM FILE long 8`, `200 result=56 endpos=\d+`},
	{"#", `CONTROL STREAM FILE half 8 600`, `200 result=0 endpos=\d+`},
	{"1", `GET OPTION long 12 500`, `200 result=49 endpos=\d+`},
	{"", `GET OPTION half 12 500`, `200 result=0 endpos=\d+`},
	{"12", `GET DATA long 1000 2`, `200 result=12`},
	{"3", `GET DATA half 1000 2`, `200 result=3 \(timeout\)`},
	{"4#", `GET DATA half 2000`, `200 result=4`},
	{"", `GET DATA half 100`, `200 result= \(timeout\)`},
	{"", `WAIT FOR DIGIT 100`, `200 result=0`},
	{"7", `WAIT FOR DIGIT -1`, `200 result=55`},

	{"", `SAY DIGITS 12 ""`, `200 result=0`},
	{"", `SAY NUMBER 42 ""`, `200 result=0`},
	{"", `SAY NUMBER many ""`, `520-(?s:.*)`},
	{"", `SAY ALPHA ab ""`, `200 result=0`},
	{"", `SAY PHONETIC ab ""`, `200 result=0`},
	{"", `SAY DATE 1700000000 ""`, `200 result=0`},
	{"", `SAY TIME 1700000000 ""`, `200 result=0`},
	{"", `SAY DATETIME 1700000000 "" ABdY Europe/Berlin`, `200 result=0`},
	{"", `SAY DATETIME 1700000000 "" A Nowhere/None`, `520-(?s:.*)`},
	{"", `SAY DIGITS "" ""`, `200 result=0`},
	{"9", `SAY DIGITS 12345678901234567890 9`, `200 result=57`},

	{"", `RECORD FILE rec/one wav "#" 500`, `200 result=0 \(timeout\) endpos=[34]\d\d\d`},
	{"#", `RECORD FILE rec/one wav "#" 5000 0 BEEP s=30`, `200 result=35 \(dtmf\) endpos=\d+`},
	{"", `RECORD FILE ../../out wav "#" 500`, `200 result=-1 \(writefile\)`},
	{"", `RECORD FILE rec nothing "#" 500`, `200 result=-1 \(writefile\)`},

	{"", `RECEIVE CHAR 100`, `200 result=0`},
	{"", `RECEIVE TEXT 100`, `200 result=-1`},
	{"", `SEND TEXT "hello"`, `200 result=0`},
	{"", `SEND IMAGE x`, `200 result=0`},
	{"", `TDD MODE on`, `200 result=0`},
	{"", `SET AUTOHANGUP 0`, `200 result=0`},
	{"", `SET AUTOHANGUP soon`, `520-(?s:.*)`},
	{"", `SET PRIORITY nolabel`, `520-(?s:.*)`},
	{"", `SET MUSIC loud`, `520-(?s:.*)`},
	{"", `VERBOSE "text" 1`, `200 result=1`},
	{"", `HANGUP None/1`, `200 result=-1`},
}

// A queue ends with the call, and a command under way with it.
func TestAsyncAGIHangup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ready := make(chan *run.Exec, 1)
		o := agiOffice(t, func(ro *run.Options) {
			ro.AsyncAGI = func(x *run.Exec, waiting bool) {
				if waiting {
					ready <- x
				}
			}
		})
		defer o.close()
		o.load("[t]\nexten => s,1,AGI(agi:async)\nexten => h,1,Log(NOTICE,h ${AGISTATUS})\n", nil)
		caller := o.call(vectorCall{Context: "t", Exten: "s", Mode: "inbound"})
		q, _ := apps.AsyncAGIOf(<-ready)
		time.AfterFunc(time.Second, func() { caller.Hangup(cause.NormalClearing) })
		if got, err := q.Do(t.Context(), "WAIT FOR DIGIT -1"); got != "200 result=-1\n" || err != nil {
			t.Errorf("interrupted: %q, %v", got, err)
		}
		if _, err := q.Do(t.Context(), "NOOP"); !errors.Is(err, apps.ErrNotWaiting) {
			t.Errorf("after the hangup: %v, want ErrNotWaiting", err)
		}
		o.waitIdle(time.Second)
		if d := cmp.Diff([]string{"h HANGUP"}, o.trace()); d != "" {
			t.Errorf("-want +got:\n%s", d)
		}
	})
}

func TestAGIWithoutProgram(t *testing.T) {
	for _, c := range []struct {
		name, app, want string
		change          func(*run.Options)
	}{
		{"script not there", "AGI(none.agi)", "NOTFOUND", nil},
		{"script outside", "AGI(../conf/extensions.conf)", "NOTFOUND", nil},
		{"script absolute and outside", "AGI(/bin/true)", "NOTFOUND", nil},
		{"a directory", "AGI(.)", "NOTFOUND", nil},
		{"not executable", "AGI(plain)", "FAILURE", nil},
		{"commands are not allowed", "AGI(plain)", "FAILURE", func(o *run.Options) { o.Allow = run.Net }},
		{"net is not allowed", "AGI(agi://127.0.0.1:1/x)", "FAILURE", func(o *run.Options) { o.Allow = 0 }},
		{"refused", "AGI(agi://127.0.0.1:1/x)", "FAILURE", nil},
		{"no URL", "AGI(agi://)", "FAILURE", nil},
		{"nobody for async", "AGI(agi:async)", "FAILURE", nil},
		{"audio by net", "EAGI(agi://127.0.0.1:1/x)", "FAILURE", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := agiOffice(t, c.change)
			defer o.close()
			if err := os.WriteFile(filepath.Join(o.o.dir, "tmp", "plain"), []byte("x"), 0o600); err != nil {
				t.Fatal(err)
			}
			o.load("[t]\nexten => s,1,"+c.app+"\n same => n,Log(NOTICE,${AGISTATUS})\n", nil)
			o.call(vectorCall{Context: "t", Exten: "s", Mode: "inbound"})
			o.waitIdle(10 * time.Second)
			if d := cmp.Diff([]string{c.want}, o.trace()); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

// agiServer is the other end of one FastAGI connection.
type agiServer struct {
	net.Conn
	in  *bufio.Reader
	env map[string]string
}

// fastAGI listens and lets talk have one connection. The function returned
// waits for its end and gives its error.
func fastAGI(t *testing.T, talk func(s *agiServer) error) (url string, wait func() error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	done := make(chan error, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			done <- err
			return
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
		s := &agiServer{Conn: conn, in: bufio.NewReader(conn), env: map[string]string{}}
		for {
			line, err := s.in.ReadString('\n')
			if err != nil {
				done <- err
				return
			}
			if line == "\n" {
				break
			}
			name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
			s.env[name] = value
		}
		done <- talk(s)
	}()
	return "agi://" + l.Addr().String(), func() error { return <-done }
}

// ask sends a command and wants an answer.
func (s *agiServer) ask(line, want string) error {
	if _, err := fmt.Fprintln(s, line); err != nil {
		return err
	}
	return s.expect(line, want)
}

func (s *agiServer) expect(what, want string) error {
	got, err := s.in.ReadString('\n')
	if err != nil || got != want+"\n" {
		return fmt.Errorf("%s: %q, %w; want %q", what, got, err, want)
	}
	return nil
}

func TestFastAGI(t *testing.T) {
	t.Parallel()
	o := agiOffice(t, nil)
	defer o.close()
	url, wait := fastAGI(t, func(s *agiServer) error {
		for name, want := range map[string]string{
			"agi_network": "yes", "agi_network_script": "scr/ipt?x=1", "agi_request": "agi://" + s.LocalAddr().String() + "/scr/ipt?x=1",
			"agi_callerid": "5", "agi_calleridname": "unknown", "agi_context": "t", "agi_extension": "s", "agi_priority": "2",
			"agi_accountcode": "acc1", "agi_arg_1": "a 1", "agi_enhanced": "0.0", "agi_type": "Local", "agi_language": "en",
		} {
			if s.env[name] != want {
				return fmt.Errorf("%s is %q, want %q", name, s.env[name], want)
			}
		}
		return errors.Join(
			s.ask("CHANNEL STATUS", "200 result=4"),
			s.ask("ANSWER", "200 result=0"),
			s.ask("CHANNEL STATUS\r", "200 result=6"),
			s.ask("SET EXTENSION there", "200 result=0"),
			s.ask("SET PRIORITY label", "200 result=0"),
		)
	})
	o.load(`[t]
exten => s,1,Set(CHANNEL(accountcode)=acc1)
 same => n,AGI(`+url+`/scr/ipt?x=1,a 1)
 same => n,Log(NOTICE,not here)
exten => there,1,Log(NOTICE,nor here)
 same => n(label),Log(NOTICE,${AGISTATUS})
`, nil)
	o.call(vectorCall{Context: "t", Exten: "s", Mode: "inbound", CallerID: "5"})
	if err := wait(); err != nil {
		t.Error(err)
	}
	o.waitIdle(10 * time.Second)
	if d := cmp.Diff([]string{"SUCCESS"}, o.trace()); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

// The server is told of the hangup, may then ask for what needs no party, and
// the dialplan hears of it in h (spec: dialplan 5.3).
func TestFastAGIHangup(t *testing.T) {
	for _, c := range []struct {
		set  string
		told bool
	}{{"AGISIGHUP=yes", true}, {"AGISIGHUP=no", false}} {
		t.Run(c.set, func(t *testing.T) {
			t.Parallel()
			o := agiOffice(t, nil)
			defer o.close()
			url, wait := fastAGI(t, func(s *agiServer) error {
				_, err := fmt.Fprintln(s, `STREAM FILE long ""`)
				if got, rerr := s.in.ReadString('\n'); rerr != nil || !strings.HasPrefix(got, "200 result=-1 endpos=") {
					err = errors.Join(err, rerr, fmt.Errorf("interrupted: %q", got))
				}
				if c.told {
					err = errors.Join(err, s.expect("hangup", "HANGUP"))
				}
				return errors.Join(err,
					s.ask("STREAM FILE half \"\"", "511 Command Not Permitted on a dead channel or intercept routine"),
					s.ask("GET VARIABLE EXTEN", "200 result=1 (s)"),
					s.ask("SET VARIABLE NOTED 1", "200 result=1"),
					s.ask("CHANNEL STATUS", "200 result=1"),
				)
			})
			o.load("[t]\nexten => s,1,Set("+c.set+")\n same => n,AGI("+url+")\nexten => h,1,Log(NOTICE,${AGISTATUS} ${NOTED})\n", nil)
			playing, stop := o.sw.Subscribe(pbx.EventFilter{Types: []pbx.EventType{pbx.PlaybackStarted}}, 10)
			defer stop()
			caller := o.call(vectorCall{Context: "t", Exten: "s", Mode: "inbound"})
			<-playing
			caller.Hangup(cause.NormalClearing)
			if err := wait(); err != nil {
				t.Error(err)
			}
			o.waitIdle(10 * time.Second)
			if d := cmp.Diff([]string{"HANGUP 1"}, o.trace()); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

// What a server sends cannot harm more than its own call.
func TestFastAGIMisbehaves(t *testing.T) {
	for name, talk := range map[string]func(s *agiServer) error{
		"endless line": func(s *agiServer) error {
			_, err := s.Write(slices.Repeat([]byte("x"), 100<<10))
			_, _ = s.in.ReadByte()
			return ignoreReset(err)
		},
		"garbage": func(s *agiServer) error {
			_, err := s.Write([]byte(strings.Repeat("\x00\xff {}\n", 200)))
			for err == nil {
				_, err = s.in.ReadByte()
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := agiOffice(t, nil)
			defer o.close()
			url, wait := fastAGI(t, talk)
			o.load("[t]\nexten => s,1,AGI("+url+")\n same => n,Log(NOTICE,${AGISTATUS})\n", nil)
			o.call(vectorCall{Context: "t", Exten: "s", Mode: "inbound"})
			if err := wait(); err != nil {
				t.Error(err)
			}
			o.waitIdle(10 * time.Second)
			if d := cmp.Diff([]string{"FAILURE"}, o.trace()); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

// ignoreReset passes over a connection that the server has closed meanwhile.
func ignoreReset(err error) error {
	if _, ok := errors.AsType[*net.OpError](err); ok {
		return nil
	}
	return err
}

// AGI in h serves a dead channel.
func TestAGIAfterHangup(t *testing.T) {
	t.Parallel()
	o := agiOffice(t, nil)
	defer o.close()
	url, wait := fastAGI(t, func(s *agiServer) error {
		return errors.Join(
			s.ask("ANSWER", "511 Command Not Permitted on a dead channel or intercept routine"),
			s.ask("GET VARIABLE X", "200 result=1 (7)"),
			s.ask("SET VARIABLE X 8", "200 result=1"),
		)
	})
	o.load("[t]\nexten => s,1,Set(X=7)\n same => n,Hangup()\nexten => h,1,DeadAGI("+url+")\n same => n,Log(NOTICE,${AGISTATUS} ${X})\n", nil)
	o.call(vectorCall{Context: "t", Exten: "s", Mode: "inbound"})
	if err := wait(); err != nil {
		t.Error(err)
	}
	o.waitIdle(10 * time.Second)
	if d := cmp.Diff([]string{"SUCCESS 8"}, o.trace()); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}
