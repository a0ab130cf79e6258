package run_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/pbx"
)

// Where the loop of spec: dialplan 2.5 leads.
func TestLoop(t *testing.T) {
	play(t, []script{
		{
			name: "an extension ends at a missing priority", answers: true,
			conf: "[t]\nexten => s,1,Log(NOTICE,1)\nexten => s,3,Log(NOTICE,3)\nexten => h,1,Log(NOTICE,h)\n same => n,Log(NOTICE,h2)",
			want: []string{"1", "h", "h2"},
		},
		{
			name: "i, then e, then the end", answers: true,
			conf: "[t]\nexten => s,1,Goto(nope,7)\nexten => e,1,Log(NOTICE,${INVALID_EXTEN})\n same => n,Goto(u,nope,1)\n[u]\nexten => h,1,Log(NOTICE,h of ${CONTEXT})",
			want: []string{"", "h of u"},
			log:  []string{"INVALID: there is neither an extension i nor e in u", "the call is ended"},
		},
		{
			name: "an unknown context runs nothing", answers: true,
			conf: "[t]\nexten => s,1,Goto(u,s,1)\nexten => h,1,Log(NOTICE,h)\nexten => i,1,Log(NOTICE,i)",
			log:  []string{`there is no context \"u\"`, "at=extensions.conf:2"},
		},
		{
			name: "an unknown application ends the call, and h runs", answers: true,
			conf: "[t]\nexten => s,1,Nonesuch(1)\nexten => h,1,Log(NOTICE,h)\n same => n,Nonesuch\n same => n,Log(NOTICE,no)",
			want: []string{"h"},
			log:  []string{"there is no application Nonesuch", "at=extensions.conf:2", "at=extensions.conf:3"},
		},
		{
			name: "a jump in h stays in h", answers: true,
			conf: "[t]\nexten => s,1,Hangup(17)\nexten => h,1,Gosub(sub,s,1(a))\n same => n,Goto(h2,1)\nexten => h2,1,Log(NOTICE,${HANGUPCAUSE})\n[sub]\nexten => s,1,Log(NOTICE,${ARG1})\n same => n,Return()",
			want: []string{"a", "17"},
		},
		{
			name:   "autofallthrough=no waits for digits",
			conf:   "[general]\nautofallthrough=no\n[t]\nexten => s,1,Answer(,i)\nexten => 12,1,Log(NOTICE,${EXTEN})\n same => n,Hangup()",
			digits: "w12", want: []string{"12"},
		},
		{
			name: "the context and the extension before", answers: true,
			conf: "[t]\nexten => s,1,Log(NOTICE,${CHANNEL(lastcontext)}/${CHANNEL(lastexten)})\n same => n,Goto(u,7,1)\n[u]\nexten => 7,1,Log(NOTICE,${CHANNEL(lastcontext)}/${CHANNEL(lastexten)})\n same => n,Goto(8,1)\nexten => 8,1,Log(NOTICE,${CHANNEL(lastcontext)}/${CHANNEL(lastexten)})",
			want: []string{"/", "t/s", "t/7"},
		},
		{
			name: "autofallthrough tells of a refusal",
			conf: "[t]\nexten => s,1,Set(DIALSTATUS=BUSY)\nexten => h,1,Log(NOTICE,${HANGUPCAUSE})", want: []string{"17"},
		},
	})
}

// Digits that are collected to an extension (spec: dialplan 2.5 step 5).
func TestDigits(t *testing.T) {
	const menu = "[t]\nexten => s,1,Answer(,i)\n same => n,WaitExten(5)\nexten => 12,1,Log(NOTICE,got 12)\n same => n,Hangup()\n"
	play(t, []script{
		{name: "found", conf: menu, digits: "w12", want: []string{"got 12"}},
		{
			name: "a wrong digit in i is wrong again", digits: "w9w8w12",
			conf: menu + "exten => i,1,Log(NOTICE,i ${INVALID_EXTEN})\n same => n,WaitExten(5)", want: []string{"i 9", "i 8", "got 12"},
		},
		{
			name: "nothing leads to t after the wait and no longer",
			conf: menu + "exten => t,1,Log(NOTICE,t $[${EPOCH}-${BEGUN}])\n[globals]\nBEGUN=${EPOCH}", want: []string{"t 5"},
		},
		{
			name: "an incomplete number is invalid", digits: "w1",
			conf: menu + "exten => i,1,Log(NOTICE,i ${INVALID_EXTEN})\nexten => t,1,Log(NOTICE,t)", want: []string{"i 1"},
		},
		{
			name: "Incomplete waits for more", digits: "ww34",
			conf: "[t]\nexten => s,1,Goto(12,1)\nexten => 12,1,Incomplete()\nexten => _12XX,1,Log(NOTICE,${EXTEN})\n same => n,Hangup()", want: []string{"1234"},
		},
		{
			name: "Incomplete that nothing could complete is invalid",
			conf: "[t]\nexten => s,1,Goto(12,1)\nexten => 12,1,Incomplete(n)\nexten => i,1,Log(NOTICE,i ${INVALID_EXTEN})", want: []string{"i 12"},
		},
		{
			name: "Incomplete that is not completed leads to t",
			conf: "[t]\nexten => s,1,Goto(12,1)\nexten => 12,1,Incomplete()\nexten => _12XX,1,Log(NOTICE,${EXTEN})\nexten => t,1,Log(NOTICE,t)", want: []string{"t"},
		},
	})
}

// A dialplan that goes in circles is ended with file and line; one that waits
// meanwhile is not (spec: dialplan D8).
func TestCircles(t *testing.T) {
	for _, tt := range []struct{ name, conf, log string }{
		{"Goto", "[t]\nexten => s,1,NoOp\n same => n,Goto(1)", "at=extensions.conf:3"},
		{"While", "[t]\nexten => s,1,While(1)\n same => n,EndWhile()", "5000 jumps"},
		{"i", "[t]\nexten => s,1,Goto(x,1)\nexten => i,1,Goto(x,1)", "1000 jumps"},
		{"e", "[t]\nexten => s,1,Goto(x,1)\nexten => e,1,Goto(x,1)", "1000 jumps"},
		{"a subroutine that calls itself", "[t]\nexten => s,1,Gosub(s,1)", "2000 subroutines are open"},
		{"a macro that calls itself", "[t]\nexten => s,1,Macro(m)\n[macro-m]\nexten => s,1,Macro(m)", "2000 subroutines are open"},
		{"h", "[t]\nexten => s,1,Hangup()\nexten => h,1,NoOp()\n same => n,Goto(1)", "5000 jumps"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			onStage(t, tt.conf+"\n[fine]\nexten => s,1,Answer(,i)\n same => n,Wait(10)\n same => n,Log(NOTICE,unharmed)", func(o *run.Options) { o.MaxJumps = 5000 }, func(s *stage) {
				other := s.begin("Local/s@fine", s.m.Handler(run.Position{Context: "other-side", Exten: "up"}))
				c := s.up()
				<-c.Gone()
				<-other.Gone()
				s.want([]string{"unharmed"}, tt.log, "the call is ended")
			})
		})
	}
	t.Run("a circle that waits", func(t *testing.T) {
		onStage(t, "[t]\nexten => s,1,Wait(0.1)\n same => n,Goto(1)", nil, func(s *stage) {
			c := s.up()
			<-time.After(10 * time.Minute)
			if c.Context().Err() != nil {
				t.Error("the call has ended")
			}
		})
	})
}

// The absolute timeout stops whatever runs, wherever it runs.
func TestAbsoluteTimeout(t *testing.T) {
	const head = "[t]\nexten => s,1,Answer(,i)\n same => n,Set(TIMEOUT(absolute)=2)\n same => n,Set(B=${EPOCH})\n"
	const tail = "\nexten => T,1,Log(NOTICE,T $[${EPOCH}-${B}] ${TIMEOUT(absolute)})\n same => n,Wait(5)\n same => n,Log(NOTICE,no limit)\nexten => h,1,Log(NOTICE,h)\n"
	want := []string{"T 2 0", "no limit", "h"}
	play(t, []script{
		{name: "in an application", conf: head + " same => n,Wait(9)\n same => n,Log(NOTICE,no)" + tail, want: want},
		{name: "in an application inside another", conf: head + " same => n,ExecIf(1?Exec(Wait(9)))\n same => n,Log(NOTICE,no)" + tail, want: want},
		{name: "in a subroutine", conf: head + " same => n,Gosub(sub,1)\n same => n,Log(NOTICE,no)\nexten => sub,1,Wait(9)\n same => n,Return()" + tail, want: want},
		{name: "between applications", conf: head + " same => n,While($[${EPOCH}<${B}+9])\n same => n,WaitDigit(0.5)\n same => n,EndWhile()" + tail, want: want},
		{name: "while digits are collected", conf: "[general]\nautofallthrough=no\n" + head + "exten => 12,1,NoOp" + tail, want: want},
		{name: "while digits follow the first", digits: "w1", conf: head + " same => n,WaitExten(9)\nexten => 12,1,NoOp" + tail, want: want},
		{name: "e takes the place of T", conf: head + " same => n,Wait(9)\nexten => e,1,Log(NOTICE,${EXCEPTION(reason)} ${EXCEPTION(priority)})", want: []string{"ABSOLUTETIMEOUT 4"}},
		{name: "taken back", conf: head + " same => n,Set(TIMEOUT(absolute)=0)\n same => n,Wait(9)\n same => n,Log(NOTICE,on)" + tail, want: []string{"on", "h"}},
	})
}

// Who hangs up with which cause.
func TestCauseAtTheEnd(t *testing.T) {
	for _, tt := range []struct {
		conf string
		want cause.Code
	}{
		{"[t]\nexten => s,1,NoOp", cause.NormalClearing},
		{"[t]\nexten => s,1,Hangup(21)", cause.Rejected},
		{"[t]\nexten => s,1,Goto(x,1)", cause.Unallocated},
		{"[t]\nexten => s,1,Answer(,i)\n same => n,Goto(x,1)", cause.NormalClearing},
		{"[u]\nexten => s,1,NoOp", cause.NoRoute},
		{"[t]\nexten => s,1,Congestion()", cause.CircuitCongestion},
	} {
		t.Run(tt.conf, func(t *testing.T) {
			t.Parallel()
			onStage(t, tt.conf, nil, func(s *stage) {
				c := s.in()
				<-c.Gone()
				if r, _ := c.Result(); r.Cause != tt.want {
					t.Errorf("the caller sees %d %s, want %d", r.Cause, r.Cause, tt.want)
				}
			})
		})
	}
}

// A channel that another handler takes stays up, and its h waits for the end.
func TestReplaced(t *testing.T) {
	onStage(t, "[t]\nexten => s,1,Log(NOTICE,t)\n same => n,Wait(99)\n same => n,Log(NOTICE,no)\nexten => h,1,Log(NOTICE,h of t)\n"+
		"[u]\nexten => s,1,Log(NOTICE,u ${DEPTH})\nexten => h,1,Log(NOTICE,h of u)", nil, func(s *stage) {
		c := s.up()
		synctest.Wait()
		if err := c.Run(s.m.Handler(run.Position{Context: "u"})); err != nil {
			t.Fatal(err)
		}
		<-c.Gone()
		s.want([]string{"t", "u ", "h of u"})
	})
}

// A reload leaves calls with the plan that they have; globals are for all.
func TestReload(t *testing.T) {
	plan := func(v string) string {
		return fmt.Sprintf("[globals]\nG=%s\n[t]\nexten => s,1,Log(NOTICE,%[1]s ${G})\n same => n,Wait(5)\n same => n,Log(NOTICE,%[1]s ${G})", v)
	}
	onStage(t, plan("old"), nil, func(s *stage) {
		first := s.up()
		synctest.Wait()
		s.load(plan("new"))
		<-first.Gone()
		second := s.up()
		<-second.Gone()
		s.want([]string{"old old", "old new", "new new", "new new"})
	})
}

// Applications without a dialplan behind them (spec: callfile 6.1 step 4).
func TestApplication(t *testing.T) {
	for _, tt := range []struct {
		app, data string
		want      []string
		log       string
	}{
		{"Log", "NOTICE,${EXTEN} as it is", []string{"${EXTEN} as it is"}, ""},
		{"Nonesuch", "", nil, "there is no application Nonesuch"},
		{"Goto", "t,s,1", nil, ""},
		{"WaitExten", "1", nil, ""},
	} {
		t.Run(tt.app, func(t *testing.T) {
			t.Parallel()
			onStage(t, "[default]\nexten => h,1,Log(NOTICE,no)\n[t]\nexten => s,1,Log(NOTICE,no)\nexten => h,1,Log(NOTICE,no)", nil, func(s *stage) {
				c := s.begin("Local/up@other-side", s.m.Application(tt.app, tt.data))
				<-c.Gone()
				s.want(tt.want, tt.log)
			})
		})
	}
}

// What is not allowed is refused with the key that would allow it.
func TestDanger(t *testing.T) {
	const conf = "[t]\nexten => s,1,TrySystem(echo x)\n same => n,Log(NOTICE,${SYSTEMSTATUS})\n same => n,System(echo x)\n same => n,Log(NOTICE,no)\nexten => h,1,Log(NOTICE,h ${SYSTEMSTATUS})"
	onStage(t, conf, nil, func(s *stage) {
		<-s.up().Gone()
		s.want([]string{"FAILURE", "h FAILURE"}, "application TrySystem is not allowed here: set dialplan.allow_exec", "at=extensions.conf:4")
	})
	if got := (run.Commands | run.Net).String(); !strings.Contains(got, "allow_exec") || !strings.Contains(got, "deny_net") {
		t.Errorf("String = %q", got)
	}
}

// Names of the past work, and say once what to use; as Asterisk 22, they are
// not there. Applications of tier 3 can be skipped.
func TestOldAndUnsupported(t *testing.T) {
	const conf = "[t]\nexten => s,1,SetVar(A=1)\n same => n,SETVAR(A=2)\n same => n,Log(NOTICE,${A})\nexten => h,1,Log(NOTICE,h)"
	onStage(t, conf, nil, func(s *stage) {
		<-s.up().Gone()
		s.want([]string{"2", "h"})
		if n := strings.Count(s.logged(), "name of the past"); n != 1 {
			t.Errorf("told %d times", n)
		}
	})
	onStage(t, conf, func(o *run.Options) { o.Compat = "asterisk22" }, func(s *stage) {
		<-s.up().Gone()
		s.want([]string{"h"}, "there is no application SetVar")
	})
	const queue = "[t]\nexten => s,1,Queue(x)\n same => n,Log(NOTICE,on)\n same => n,Nonesuch()\n same => n,Log(NOTICE,no)"
	onStage(t, queue, func(o *run.Options) { o.SkipUnsupported = true }, func(s *stage) {
		<-s.up().Gone()
		s.want([]string{"on"}, "application Queue is not supported and was skipped")
	})
	onStage(t, queue, nil, func(s *stage) {
		<-s.up().Gone()
		s.want(nil, "there is no application Queue")
	})
}

// The position, the application and the trace of what runs.
func TestTrace(t *testing.T) {
	var mu sync.Mutex // guards seen
	var seen []string
	change := func(o *run.Options) {
		o.Trace = func(x *run.Exec, step *dialplan.Step, args string) {
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, fmt.Sprintf("%s %s(%s)", x.Position(), step.App, args))
		}
	}
	onStage(t, "[t]\nexten => s,1,Set(A=1)\n same => n,NoOp(${A})\nexten => h,1,NoOp(h)", change, func(s *stage) {
		c := s.up()
		x := s.m.Exec(c)
		<-c.Context().Done()
		if app, args := x.Last(); app != "NoOp" || args != "1" {
			t.Errorf("Last = %s(%s): h does not count", app, args)
		}
		<-c.Gone()
		mu.Lock()
		defer mu.Unlock()
		var own []string
		for _, line := range seen {
			if !strings.HasPrefix(line, "other-side") {
				own = append(own, line)
			}
		}
		if got := strings.Join(own, "; "); got != "t,s,1 Set(A=1); t,s,2 NoOp(1); t,h,1 NoOp(h)" {
			t.Errorf("trace: %s", got)
		}
	})
}

// Many calls at once, reloads, and somebody who looks at all of them: for the
// race detector.
func TestManyAtOnce(t *testing.T) {
	const conf = "[globals]\nN=0\n[t]\nexten => s,1,Set(LOCAL(X)=1)\n same => n,While($[0${I}<20])\n same => n,Set(I=$[0${I}+1])\n same => n,Gosub(sub,s,1(${I}))\n same => n,Wait(0.01)\n same => n,EndWhile()\n same => n,Log(NOTICE,${GOSUB_RETVAL})\n" +
		"[sub]\nexten => s,1,Set(GLOBAL(N)=${ARG1})\n same => n,Return(${ARG1})"
	onStage(t, conf, nil, func(s *stage) {
		const n = 50
		var want []string
		calls := make([]*pbx.Channel, n)
		for i := range calls {
			calls[i] = s.up()
			want = append(want, "20")
		}
		for range 20 {
			s.load(conf)
			for _, x := range s.m.Execs() {
				x.Position()
				x.Depth()
				x.Last()
				x.Get("I")
				x.SetAbsolute(time.Hour)
				x.PushHangupHandler("sub,s,1(9)")
			}
			<-time.After(5 * time.Millisecond)
		}
		for _, c := range calls {
			<-c.Gone()
		}
		s.want(want)
		if left := s.m.Execs(); len(left) != 0 {
			t.Errorf("%d memories of channels are left", len(left))
		}
	})
}
