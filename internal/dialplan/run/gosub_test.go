package run_test

import (
	"errors"
	"testing"
	"testing/synctest"

	"github.com/dialwright/dialwright/internal/dialplan/run"
)

// Subroutines, their variables and their ends (spec: dialplan 5.1 Gosub, Return).
func TestGosub(t *testing.T) {
	play(t, []script{
		{
			name: "what LOCAL hides is back, what was unset is unset", answers: true,
			conf: "[t]\nexten => s,1,Set(V=outer)\n same => n,Gosub(sub,s,1)\n same => n,Log(NOTICE,${V} [${EXISTS(${W})}])\n" +
				"[sub]\nexten => s,1,Set(LOCAL(V)=inner)\n same => n,Set(LOCAL(W)=w)\n same => n,Set(LOCAL(V)=again)\n same => n,Log(NOTICE,${V} ${W})\n same => n,Return()",
			want: []string{"again w", "outer [0]"},
		},
		{
			name: "a subroutine does not see the arguments of its caller", answers: true,
			conf: "[t]\nexten => s,1,Gosub(a,1(1,2,3))\nexten => a,1,Gosub(b,1(x))\n same => n,Log(NOTICE,${ARG1}${ARG2}${ARG3} ${ARGC})\n same => n,Return()\n" +
				"exten => b,1,Log(NOTICE,[${ARG1}][${ARG2}][${ARG3}] ${ARGC})\n same => n,Return()",
			want: []string{"[x][][] 1", "123 3"},
		},
		{
			name: "Goto inside keeps the stack", answers: true,
			conf: "[t]\nexten => s,1,Gosub(a,1)\n same => n,Log(NOTICE,back)\nexten => a,1,Goto(u,s,1)\n[u]\nexten => s,1,Return()",
			want: []string{"back"},
		},
		{
			name: "no such subroutine", answers: true,
			conf: "[t]\nexten => s,1,Gosub(nope,1)\n same => n,Log(NOTICE,no)\nexten => i,1,Log(NOTICE,no)\nexten => h,1,Log(NOTICE,h)",
			want: []string{"h"}, log: []string{"no such place in the dialplan: t,nope,1"},
		},
		{
			name: "StackPop and Return without Gosub", answers: true,
			conf: "[t]\nexten => s,1,StackPop()\n same => n,Return()\n same => n,Log(NOTICE,no)",
			log:  []string{"no subroutine is open", "Return without Gosub"},
		},
	})
}

// Macros of Asterisk 20 and before (spec: dialplan 5.4).
func TestMacro(t *testing.T) {
	play(t, []script{
		{
			name: "arguments and where it was called", answers: true,
			conf: "[t]\nexten => s,1,Set(ARG1=mine)\n same => n,Macro(m,a,b)\n same => n,Log(NOTICE,${ARG1} [${MACRO_EXTEN}] ${CONTEXT})\n" +
				"[macro-m]\nexten => s,1,Log(NOTICE,${ARG1} ${ARG2} ${MACRO_CONTEXT} ${MACRO_EXTEN} ${MACRO_PRIORITY} ${CONTEXT} ${EXTEN})",
			want: []string{"a b t s 2 macro-m s", "mine [] t"},
		},
		{
			name: "MacroExit, and MACRO_OFFSET", answers: true,
			conf: "[t]\nexten => s,1,Macro(m)\n same => n,Log(NOTICE,no)\n same => n,Log(NOTICE,here)\n[macro-m]\nexten => s,1,Set(MACRO_OFFSET=1)\n same => n,MacroExit()\n same => n,Log(NOTICE,no)",
			want: []string{"here"},
		},
		{
			name: "nested, and left by Goto", answers: true,
			conf: "[t]\nexten => s,1,Set(ARG1=mine)\n same => n,Macro(m,1)\nexten => out,1,Log(NOTICE,out ${ARG1})\n[macro-m]\nexten => s,1,Macro(n,2)\n same => n,Log(NOTICE,m ${ARG1})\n same => n,Goto(t,out,1)\n[macro-n]\nexten => s,1,Log(NOTICE,n ${ARG1})",
			want: []string{"n 2", "m 1", "out mine"},
		},
		{
			name: "h is that of the caller", answers: true,
			conf: "[t]\nexten => s,1,Macro(m)\nexten => h,1,Log(NOTICE,h of t)\n[macro-m]\nexten => s,1,Hangup()\nexten => h,1,Log(NOTICE,no)",
			want: []string{"h of t"},
		},
		{
			name: "a macro that is not there is skipped", answers: true,
			conf: "[t]\nexten => s,1,Macro(m)\n same => n,MacroIf(0?m:n,x)\n same => n,MacroExit()\n same => n,Log(NOTICE,on)\n[macro-n]\nexten => s,1,Log(NOTICE,n ${ARG1})",
			want: []string{"n x", "on"}, log: []string{"it was skipped", "MacroExit: no macro runs"},
		},
		{
			name: "Return inside a macro leaves it for the Gosub around it", answers: true,
			conf: "[t]\nexten => s,1,Gosub(a,1)\n same => n,Log(NOTICE,back)\nexten => a,1,Macro(m)\n[macro-m]\nexten => s,1,Return()",
			want: []string{"back"},
		},
		{
			name: "not in Asterisk 22", answers: true, change: func(o *run.Options) { o.Compat = "asterisk22" },
			conf: "[t]\nexten => s,1,Macro(m)\nexten => h,1,Log(NOTICE,h)\n[macro-m]\nexten => s,1,Log(NOTICE,no)", want: []string{"h"},
		},
	})
}

// Sub runs a subroutine here and now: for Dial's U and b, and hangup handlers.
func TestSub(t *testing.T) {
	const conf = "[t]\nexten => s,1,Wait(99)\n[sub]\nexten => s,1,Set(V=${ARG1})\n same => n,Log(NOTICE,${V} ${CONTEXT})\n same => n,Return(done)\n" +
		"exten => open,1,NoOp\nexten => end,1,Hangup()\nexten => wait,1,Wait(99)\n same => n,Return()\nexten => lost,1,Goto(nowhere,1)\n" +
		"exten => deep,1,Gosub(sub,s,1(deep))\n same => n,Return()\n"
	for _, tt := range []struct {
		name string
		at   run.Position
		want error
		line []string
	}{
		{"it returns", run.Position{Context: "sub"}, nil, []string{"x sub"}},
		{"a subroutine inside it returns to it", run.Position{Context: "sub", Exten: "deep"}, nil, []string{"deep sub"}},
		{"it ends without Return", run.Position{Context: "sub", Exten: "open"}, run.ErrEnd, nil},
		{"it jumps to nowhere", run.Position{Context: "sub", Exten: "lost"}, run.ErrEnd, nil},
		{"it hangs up", run.Position{Context: "sub", Exten: "end"}, run.ErrEnd, nil},
		{"it is not there", run.Position{Context: "sub", Exten: "nope"}, run.ErrTarget, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			onStage(t, conf, nil, func(s *stage) {
				x := s.m.Exec(s.up())
				synctest.Wait()
				at := x.Position()
				if err := x.Sub(s.t.Context(), tt.at, []string{"x"}); !errors.Is(err, tt.want) {
					t.Errorf("Sub = %v, want %v", err, tt.want)
				}
				if x.Depth() != 0 || x.Position() != at {
					t.Errorf("%d are open, the channel is at %s, was at %s", x.Depth(), x.Position(), at)
				}
				s.want(tt.line)
			})
		})
	}
	t.Run("the channel hangs up meanwhile", func(t *testing.T) {
		onStage(t, conf, nil, func(s *stage) {
			c := s.up()
			synctest.Wait()
			done := make(chan error, 1)
			go func() { done <- s.m.Exec(c).Sub(s.t.Context(), run.Position{Context: "sub", Exten: "wait"}, nil) }()
			synctest.Wait()
			c.Hangup(16)
			if err := <-done; err == nil {
				t.Error("Sub gives nil")
			}
		})
	})
}

// Hangup handlers run after h, the last one pushed first.
func TestHangupHandlers(t *testing.T) {
	play(t, []script{
		{
			name: "order and mistakes", answers: true,
			conf: "[t]\nexten => s,1,Set(CHANNEL(hangup_handler_push)=hh,s,1(1))\n same => n,Set(CHANNEL(hangup_handler_push)=hh,nope,1)\n same => n,Set(CHANNEL(hangup_handler_push)=hh,open,1)\n" +
				" same => n,Set(CHANNEL(hangup_handler_push)=hh,s,lab(4))\nexten => h,1,Log(NOTICE,h)\n" +
				"[hh]\nexten => s,1,NoOp\n same => n(lab),Log(NOTICE,${ARG1} ${HANGUPCAUSE})\n same => n,Return()\nexten => open,1,Log(NOTICE,open)",
			want: []string{"h", "4 16", "open", "1 16"}, log: []string{"no such place in the dialplan: hh,nope,1", "ended without Return"},
		},
		{
			name: "after the caller has hung up, without h",
			conf: "[t]\nexten => s,1,Set(CHANNEL(hangup_handler_push)=hh,s,1)\n same => n,Congestion()\n[hh]\nexten => s,1,Log(NOTICE,${HANGUPCAUSE})\n same => n,Return()",
			want: []string{"34"},
		},
	})
	onStage(t, "[t]\nexten => s,1,Wait(9)\n[hh]\nexten => s,1,Log(NOTICE,${ARG1})\n same => n,Return()", nil, func(s *stage) {
		c := s.up()
		x := s.m.Exec(c)
		x.PushHangupHandler("hh,s,1(wiped)")
		x.WipeHangupHandlers()
		x.PopHangupHandler()
		x.PushHangupHandler("hh,s,1(kept)")
		x.PushHangupHandler("hh,s,1(popped)")
		x.PopHangupHandler()
		<-c.Gone()
		s.want([]string{"kept"})
	})
}
