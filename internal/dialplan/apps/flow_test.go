package apps_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/dialplan/apps"
	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/pbx"
)

// inOffice runs f in a bubble with an office that has a dialplan.
func inOffice(t *testing.T, conf string, change func(*run.Options), f func(*office)) {
	t.Helper()
	dir := officeDir(t)
	synctest.Test(t, func(t *testing.T) {
		o := openOffice(t, officeOptions{dir: dir, change: change})
		defer o.close()
		o.load(conf, nil)
		f(o)
	})
}

// officeDir makes the folders of an office.
func officeDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, s := range []string{"conf", "snd", "tmp"} {
		if err := os.Mkdir(filepath.Join(dir, s), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// want compares the trace and looks for texts in the log.
func (o *office) want(t *testing.T, trace []string, logs ...string) {
	t.Helper()
	if got := o.trace(); len(got)+len(trace) > 0 {
		if diff := cmp.Diff(trace, got); diff != "" {
			t.Errorf("trace (-want +got):\n%s", diff)
		}
	}
	for _, text := range logs {
		if !strings.Contains(o.logged(), text) {
			t.Errorf("the log does not say %q:\n%s", text, o.logged())
		}
	}
}

// at places a call at s in context t, on a channel that is up unless mode is
// "inbound".
func (o *office) at(mode, dtmf string) *pbx.Channel {
	return o.call(vectorCall{Context: "t", Exten: "s", Priority: 1, Mode: mode, DTMF: dtmf})
}

// steps writes the lines of extension s in context t.
func steps(lines ...string) string {
	return "[t]\nexten => s,1," + strings.Join(lines, "\n same => n,") + "\n"
}

// flowCase is one dialplan, a call, and what it logs.
type flowCase struct {
	name, conf string
	mode       string // "inbound", or "" for a channel that is up
	dtmf       string
	want       []string
	log        []string
}

func runFlow(t *testing.T, cases []flowCase) {
	t.Helper()
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			inOffice(t, tt.conf, nil, func(o *office) {
				mode := tt.mode
				if mode == "" {
					mode = "answered"
				}
				o.at(mode, tt.dtmf)
				o.waitIdle(time.Hour)
				o.want(t, tt.want, tt.log...)
			})
		})
	}
}

// Waiting applications: how long they wait, and for what.
func TestWaiting(t *testing.T) {
	took := func(lines ...string) string {
		return steps(append(append([]string{"Set(T0=${EPOCH})"}, lines...), "Log(NOTICE,$[${EPOCH}-${T0}])")...)
	}
	runFlow(t, []flowCase{
		{name: "Wait", conf: took("Wait(2.5)", "Wait(1.5)"), want: []string{"4"}},
		{name: "Wait for what is no time", conf: took("Wait()", "Wait(-3)", "Wait(x)", "Wait(0)"), want: []string{"0"}},
		{name: "Wait reads as far as there is a number", conf: took("Wait(3s)"), want: []string{"3"}},
		{
			name: "digits typed during Wait are forgotten", mode: "inbound", dtmf: "5",
			conf: steps("Answer(,i)", "Wait(1)", "WaitExten(2)", "Log(NOTICE,nothing)") + "exten => 5,1,Log(NOTICE,no)", want: []string{"nothing"},
		},
		{name: "WaitExten waits for TIMEOUT(response)", conf: took("Set(TIMEOUT(response)=3)", "WaitExten()"), want: []string{"3"}},
		{
			name: "WaitDigit", mode: "inbound", dtmf: "w12w3",
			conf: steps("Answer(,i)", "WaitDigit(2,2)", "Log(NOTICE,${WAITDIGITSTATUS} ${WAITDIGITRESULT})", "WaitDigit(2)", "Log(NOTICE,${WAITDIGITSTATUS} ${WAITDIGITRESULT})",
				"WaitDigit(1)", "Log(NOTICE,${WAITDIGITSTATUS} ${WAITDIGITRESULT})", "WaitDigit(x)", "Log(NOTICE,${WAITDIGITSTATUS})"),
			want: []string{"DTMF 2", "DTMF 3", "TIMEOUT ", "ERROR"},
		},
		{
			name: "WaitUntil",
			conf: steps("Set(T0=${EPOCH})", "WaitUntil($[${EPOCH}+5])", "Log(NOTICE,${WAITUNTILSTATUS} $[${EPOCH}-${T0}])", "WaitUntil(7)", "Log(NOTICE,${WAITUNTILSTATUS})", "WaitUntil(noon)", "Log(NOTICE,${WAITUNTILSTATUS})"),
			want: []string{"OK 5", "PAST", "FAILURE"},
		},
		{
			name: "WaitForCondition",
			conf: steps("Set(T0=${EPOCH})", "WaitForCondition(#,#[#{EPOCH}>${T0}+2])", "Log(NOTICE,${WAITFORCONDITIONSTATUS} $[${EPOCH}-${T0}])",
				"WaitForCondition(#,0,1.5,0.5)", "Log(NOTICE,${WAITFORCONDITIONSTATUS})", "WaitForCondition(##,1)", "Log(NOTICE,${WAITFORCONDITIONSTATUS})", "WaitForCondition(#,1,x)", "Log(NOTICE,${WAITFORCONDITIONSTATUS})"),
			want: []string{"TRUE 3", "TIMEOUT", "FAILURE", "FAILURE"},
		},
	})
}

// Answer waits for the first media, half a second at least; without any it
// goes on.
func TestAnswerWaits(t *testing.T) {
	for _, tt := range []struct {
		args string
		want time.Duration
	}{{"", 500 * time.Millisecond}, {"100", 500 * time.Millisecond}, {"1500", 1500 * time.Millisecond}, {",i", 0}} {
		t.Run(tt.args, func(t *testing.T) {
			t.Parallel()
			inOffice(t, steps("Answer("+tt.args+")", "Log(NOTICE,up)"), nil, func(o *office) {
				begun := time.Now()
				o.at("inbound", "")
				o.waitIdle(time.Hour)
				o.want(t, []string{"up"})
				if took := time.Since(begun).Round(50 * time.Millisecond); took != tt.want {
					t.Errorf("Answer(%s) took %s, want %s", tt.args, took, tt.want)
				}
			})
		})
	}
}

// Variables: Set, MSet, and the database.
func TestSetting(t *testing.T) {
	runFlow(t, []flowCase{
		{name: "Set without =", conf: steps("Set(A)", "Log(NOTICE,[${A}])"), want: []string{"[]"}, log: []string{`there is no \"=\"`, "at=extensions.conf:2"}},
		{name: "Set with blanks in the name", conf: steps("Set(A =1)", "Log(NOTICE,[${A}][${A }])"), want: []string{"[][1]"}, log: []string{"the blanks are part of the name"}},
		{name: "MSet", conf: steps(`MSet(A=1,B="x,y",C=a\,b,D,E=(1,2),F=\"q\")`, "Log(NOTICE,${A} ${B} ${C} [${D}] ${E} ${F})"), want: []string{`1 x,y a,b [] (1,2) "q"`}, log: []string{"was ignored"}},
		{name: "ClearHash", conf: steps("Set(~HASH~h~a~=1)", "Set(~HASH~hh~a~=2)", "ClearHash(h)", "Log(NOTICE,[${~HASH~h~a~}][${~HASH~hh~a~}])"), want: []string{"[][2]"}},
		{
			name: "the database by its old names",
			conf: steps("DBput(fam/key=a=b)", "DBget(V=fam/key)", "Log(NOTICE,${V})", "DBdel(fam/key)", "DBget(V=fam/key)", "Log(NOTICE,${V})",
				"DBput(fam/sub/k=1)", "DBdeltree(fam)", "Set(W=unset)", "DBget(W=fam/sub/k)", "Log(NOTICE,${W})", "DBget(nonsense)", "DBdel(x)", "DBput(x)", "DBdeltree()"),
			want: []string{"a=b", "a=b", "unset"}, log: []string{"var=family/key is needed", "family/key=value is needed"},
		},
		{
			name: "names of the past",
			conf: steps("SetGlobalVar(G=g)", "Log(NOTICE,${G})", "SetCIDNum(77)", "SetCIDName(Nm,a)", "Log(NOTICE,${CALLERID(all)})", `SetCallerID("Q" <12>)`, "Log(NOTICE,${CALLERID(num)})",
				"SetCDRUserField(u)", "AppendCDRUserField(v)", "Log(NOTICE,${CDR(userfield)})", "DigitTimeout(2)", "ResponseTimeout(3)", "Log(NOTICE,${TIMEOUT(digit)} ${TIMEOUT(response)})",
				"SetLanguage(de)", "SetAccount(ac)", "Log(NOTICE,${CHANNEL(language)} ${CHANNEL(accountcode)})", "Set(SRC=s)", "ImportVar(X=${CHANNEL},SRC)", "Log(NOTICE,${X})", "SetGlobalVar(x)", "ImportVar(x)", "SIPAddHeader(x)"),
			want: []string{"g", `"Nm" <77>`, "12", "uv", "2.000 3.000", "de ac", "s"},
		},
	})
}

// Loops and branches find their other ends.
func TestBlocks(t *testing.T) {
	runFlow(t, []flowCase{
		{
			name: "nested loops, one left by Goto",
			conf: steps("While($[0${I}<2])", "Set(I=$[0${I}+1])", "Set(J=0)", "While($[${J}<9])", "Set(J=$[${J}+1])", "GotoIf($[${J}=2]?out)", "Log(NOTICE,${I}${J})", "EndWhile()") +
				" same => n(out),NoOp\n same => n,EndWhile()\n same => n,Log(NOTICE,end)\n",
			want: []string{"11", "21", "end"},
		},
		{
			name: "ContinueWhile and ExitWhile mean the inner loop",
			conf: steps("While($[0${I}<2])", "Set(I=$[0${I}+1])", "While(1)", "ExecIf($[0${I}=1]?ExitWhile())", "Set(K=$[0${K}+1])", "ExecIf($[${K}<3]?ContinueWhile())", "ExitWhile()", "EndWhile()", "Log(NOTICE,${I} ${K})", "EndWhile()"),
			want: []string{"1 ", "2 3"},
		},
		{name: "holes between the priorities", conf: "[t]\nexten => s,1,While(0)\nexten => s,50,EndWhile()\nexten => s,51,Log(NOTICE,end)", want: []string{"end"}},
		{
			name: "ends that are missing", conf: steps("While(0)", "ExitWhile()", "EndIf()", "If(0)", "Log(NOTICE,on)", "ExitIf()") + "exten => x,1,EndWhile()\n same => n,ContinueWhile()",
			want: []string{"on"}, log: []string{"While: there is no EndWhile", "ExitWhile: there is no EndWhile", "If: there is no EndIf", "ExitIf: there is no EndIf"},
		},
		{name: "EndWhile without While", conf: steps("EndWhile()", "ContinueWhile()", "Log(NOTICE,on)"), want: []string{"on"}, log: []string{"EndWhile: there is no While", "ContinueWhile: there is no While"}},
		{
			name: "one branch of many is taken",
			conf: steps("While($[0${I}<4])", "Set(I=$[0${I}+1])", "If($[${I}=1])", "Log(NOTICE,one)", "If(0)", "Log(NOTICE,no)", "Else()", "Log(NOTICE,inner)", "EndIf()", "ElseIf($[${I}=2])", "Log(NOTICE,two)", "ElseIf($[${I}<4])", "Log(NOTICE,three)", "ExitIf()", "Log(NOTICE,no)", "Else()", "Log(NOTICE,else)", "EndIf()", "EndWhile()"),
			want: []string{"one", "inner", "two", "three", "else"},
		},
	})
}

// Applications that run others.
func TestExecuting(t *testing.T) {
	runFlow(t, []flowCase{
		{name: "ExecIf without parentheses", conf: steps("Set(A=1)", "ExecIf(1?NoOp:Hangup)", "Log(NOTICE,on)", "ExecIf(0?NoOp:Hangup)", "Log(NOTICE,no)"), want: []string{"on"}},
		{name: "ExecIf without an application", conf: steps("ExecIf(0?Nonesuch())", "ExecIf(1?:Nonesuch())", "Log(NOTICE,on)", "ExecIf(1)", "Log(NOTICE,no)"), want: []string{"on"}, log: []string{"no question mark"}},
		{name: "ExecIf keeps colons in parentheses", conf: steps("ExecIf(0?Log(NOTICE,a:b):Log(NOTICE,(c:d)))"), want: []string{"(c:d)"}},
		{name: "ExecIf with an unknown application", conf: steps("ExecIf(1?Nonesuch())", "Log(NOTICE,no)"), log: []string{"there is no application Nonesuch", "at=extensions.conf:2"}},
		{name: "Exec expands once more", conf: steps("Set(A=1)", "Set(B=$)", "Exec(Log(NOTICE,${B}{A}))", "Exec()", "Log(NOTICE,on)"), want: []string{"1", "on"}},
		{name: "a jump inside Exec", conf: steps("Exec(Goto(u,1))", "Log(NOTICE,no)") + "exten => u,1,Log(NOTICE,u)", want: []string{"u"}},
		{
			name: "TryExec", conf: steps("TryExec(Return())", "Log(NOTICE,${TRYSTATUS})", "TryExec(Goto(nolabel))", "Log(NOTICE,${TRYSTATUS})", "TryExec(Hangup(17))", "Log(NOTICE,no)") + "exten => h,1,Log(NOTICE,h ${HANGUPCAUSE})",
			want: []string{"FAILED", "FAILED", "h 17"},
		},
		{
			name: "ExecIfTime", conf: steps("Set(TESTTIME()=2026/12/25 12:30:00 UTC)", "ExecIfTime(12:00-13:00,*,*,*,UTC?Log(NOTICE,noon))", "ExecIfTime(13:00-14:00,*,*,*,UTC?Log(NOTICE,no))", "ExecIfTime(*,*,*,*?)", "ExecIfTime(*)"),
			want: []string{"noon"}, log: []string{"no question mark"},
		},
		{name: "RaiseException without e", conf: steps("RaiseException(x)", "Log(NOTICE,no)"), log: []string{"there is no extension e"}},
		{name: "conditions without a destination", conf: steps("GotoIf(1?)", "GotoIf(0?x)", "GosubIf(1?:x)", "MacroIf(0?x)", "Macro()", "Log(NOTICE,on)"), want: []string{"on"}},
	})
}

// What a party that has not been answered is told, and what one hears that has.
func TestBusy(t *testing.T) {
	took := steps("Answer(,i)", "Busy(3)", "Log(NOTICE,no)") + "exten => h,1,Log(NOTICE,h)"
	inOffice(t, took, nil, func(o *office) {
		begun := time.Now()
		o.at("inbound", "")
		o.waitIdle(time.Hour)
		o.want(t, []string{"h"})
		if d := time.Since(begun).Round(100 * time.Millisecond); d != 3*time.Second {
			t.Errorf("the tone was heard for %s", d)
		}
	})
	inOffice(t, steps("Answer(,i)", "Congestion()", "Log(NOTICE,no)"), nil, func(o *office) {
		c := o.at("inbound", "")
		<-time.After(time.Hour)
		if c.Context().Err() != nil {
			t.Error("Congestion() has hung up")
		}
	})
	runFlow(t, []flowCase{
		{name: "signals in h do nothing", mode: "inbound", conf: steps("Hangup()") + "exten => h,1,Ringing()\n same => n,Progress()\n same => n,Proceeding()\n same => n,Log(NOTICE,on)", want: []string{"on"}},
		{name: "Hangup with a wrong cause", conf: steps("Hangup(rubbish)") + "exten => h,1,Log(NOTICE,${HANGUPCAUSE})", want: []string{"16"}, log: []string{"no hangup cause of this name"}},
	})
}

// UserEvent and the record; the dump of a channel.
func TestTelling(t *testing.T) {
	conf := steps("UserEvent(Early,A: 1,B: 2)", "UserEvent( Bare )", "UserEvent()", "Log(NOTICE,no)") + "exten => h,1,UserEvent(Late,C: 3)\n"
	inOffice(t, conf, nil, func(o *office) {
		events, stop := o.sw.Subscribe(pbx.EventFilter{Types: []pbx.EventType{pbx.ChannelUserEvent}}, 10)
		o.at("answered", "")
		o.waitIdle(time.Hour)
		stop()
		var got []string
		for e := range events {
			got = append(got, fmt.Sprintf("%s %q", e.Variable, e.Value))
		}
		if diff := cmp.Diff([]string{`Early "A: 1\nB: 2"`, `Bare ""`, `Late "C: 3"`}, got); diff != "" {
			t.Error(diff)
		}
	})
	inOffice(t, steps("Set(CDR(userfield)=u)", "NoCDR()", "ResetCDR(v)", "Wait(1)", "ResetCDR(e)", "ForkCDR()", "Set(V=1)", "DumpChan(3)", "Verbose(2,hello)", "Verbose(1x,2)", "Wait(1)"), nil, func(o *office) {
		c := o.at("answered", "")
		x := o.m.Exec(c)
		<-time.After(500 * time.Millisecond)
		if r := x.CDR().Copy(); !r.Disabled || r.UserField != "u" {
			t.Errorf("after NoCDR and ResetCDR(v): %v %q", r.Disabled, r.UserField)
		}
		<-time.After(time.Second)
		if r := x.CDR().Copy(); r.Disabled || r.UserField != "" {
			t.Errorf("after ResetCDR(e): %v %q", r.Disabled, r.UserField)
		}
		o.waitIdle(time.Hour)
		o.want(t, nil, "variables.V=1", "hello", "1x,2", "ForkCDR does nothing here")
	})
}

// Applications that act on other channels.
func TestOtherChannels(t *testing.T) {
	conf := steps("Set(DB(names/mine)=${CHANNEL})", "Wait(5)", "Log(NOTICE,no)") + "exten => h,1,Log(NOTICE,h ${EXTEN})\nexten => away,1,Log(NOTICE,away)\n same => n(lab),Wait(5)\n same => n,Log(NOTICE,stayed)\n" +
		"[act]\nexten => redirect,1,ChannelRedirect(${DB(names/mine)},away,1)\n same => n,Log(NOTICE,${CHANNELREDIRECT_STATUS})\n same => n,ChannelRedirect(nobody,away,1)\n same => n,Log(NOTICE,${CHANNELREDIRECT_STATUS})\n" +
		"exten => hangup,1,SoftHangup(${DB(names/mine)})\nexten => all,1,SoftHangup(Local/up@harness-other-side,a)\n same => n,SoftHangup(nobody)\n same => n,SoftHangup()\n"
	act := func(o *office, exten string) {
		<-time.After(time.Second)
		o.call(vectorCall{Context: "act", Exten: exten, Priority: 1, Mode: "inbound"})
		o.waitIdle(time.Hour)
	}
	t.Run("ChannelRedirect", func(t *testing.T) {
		inOffice(t, conf, nil, func(o *office) {
			o.at("answered", "")
			act(o, "redirect")
			got := o.trace()
			slices.Sort(got)
			if diff := cmp.Diff([]string{"NOCHANNEL", "SUCCESS", "away", "h h", "stayed"}, got); diff != "" {
				t.Error(diff)
			}
		})
	})
	for _, exten := range []string{"hangup", "all"} {
		t.Run("SoftHangup "+exten, func(t *testing.T) {
			inOffice(t, conf, nil, func(o *office) {
				o.at("answered", "")
				act(o, exten)
				o.want(t, []string{"h h"})
			})
		})
	}
	runFlow(t, []flowCase{
		{
			name: "Transfer to another technology, or nowhere", mode: "inbound",
			conf: steps("Transfer(PJSIP/5)", "Log(NOTICE,${TRANSFERSTATUS} ${TRANSFERSTATUSPROTOCOL})", "Transfer()", "Log(NOTICE,${TRANSFERSTATUS})"), want: []string{"UNSUPPORTED 0", "FAILURE"},
		},
	})
}

// Stasis hands the channel over to an application that is connected.
func TestStasis(t *testing.T) {
	conf := steps(`Stasis(known,"a,b",c\,d, e ,(x,y),f"g)`, "Log(NOTICE,${STASISSTATUS})", "Stasis(unknown)", "Log(NOTICE,${STASISSTATUS})", "Stasis(holds)", "Log(NOTICE,no)") + "exten => h,1,Log(NOTICE,h)"
	var given []string
	change := func(ro *run.Options) {
		ro.Stasis = func(app string, args []string) (pbx.Handler, bool) {
			given = append(given, app+" "+strings.Join(args, "+"))
			return pbx.HandlerFunc(func(ctx context.Context, c *pbx.Channel) {
				if app == "holds" {
					time.AfterFunc(time.Second, func() { c.Hangup(16) })
					<-ctx.Done()
				}
				if err := c.SetVariable("STASISSTATUS", "SUCCESS"); err != nil && app != "holds" {
					t.Error(err)
				}
			}), app != "unknown"
		}
	}
	inOffice(t, conf, change, func(o *office) {
		o.at("answered", "")
		o.waitIdle(time.Hour)
		o.want(t, []string{"SUCCESS", "FAILED", "h"}, "application unknown is not connected")
		if diff := cmp.Diff([]string{"known a,b+c,d+ e +(x,y)+fg", "unknown ", "holds "}, given); diff != "" {
			t.Error(diff)
		}
	})
}

// Every application is there once, and has a name that Asterisk could have.
func TestTable(t *testing.T) {
	seen := map[string]bool{}
	for _, a := range apps.All() {
		name := strings.ToLower(a.Name)
		if seen[name] || name == "" || a.Run == nil || strings.ContainsAny(name, " (),") {
			t.Errorf("application %q: twice, or without name or function", a.Name)
		}
		seen[name] = true
		if run.Unsupported(a.Name) {
			t.Errorf("application %s is in the list of those that are not there", a.Name)
		}
	}
	if len(seen) < 50 {
		t.Errorf("%d applications", len(seen))
	}
}
