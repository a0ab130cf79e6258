package apps_test

import (
	"strings"
	"testing"
)

// dialCase is a dialplan whose context t calls the parties of the vectors'
// fixture, and what it logs.
type dialCase struct {
	name  string
	text  string
	call  vectorCall        // context t, extension s, inbound, unless it says otherwise
	files map[string]string // in the configuration directory
	run   float64           // seconds, 0 = 8
	loose bool              // the order does not count
	want  string            // lines joined by " | "
}

func runDials(t *testing.T, tests []dialCase) {
	t.Helper()
	fixture := loadVectors(t).Fixture["extensions.conf"] + moreParties
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v := vector{ID: t.Name(), Title: tt.name, Extensions: tt.text, Files: tt.files, RunS: tt.run, Call: tt.call}
			v.Call.Context, v.Call.Exten = "t", "s"
			v.Expect.Unordered = tt.loose
			var want []string
			if tt.want != "" {
				want = strings.Split(tt.want, " | ")
			}
			v.run(t, fixture, "", want)
		})
	}
}

// moreParties are called by the tests here, beside those of the vectors.
const moreParties = `
[more]
exten => star,1,Answer(,i)
 same => n,Wait(1)
 same => n,SendDTMF(*)
 same => n,Wait(20)
exten => one,1,Answer(,i)
 same => n,Wait(1)
 same => n,SendDTMF(1)
 same => n,Wait(2)
exten => two,1,Answer(,i)
 same => n,Wait(1)
 same => n,SendDTMF(2)
 same => n,Wait(20)
exten => digits,1,Answer(,i)
 same => n,Read(D,,3,,1,5)
 same => n,Log(NOTICE,digits ${D})
exten => early,1,Progress()
 same => n,Wait(1.5)
 same => n,Busy()
exten => fwd,1,Transfer(Local/ans@party)
exten => refer,1,Answer(,i)
 same => n,Wait(1)
 same => n,Transfer(77)
 same => n,Wait(5)
exten => lost,1,Ringing()
 same => n,Wait(20)
[lost]
exten => s,1,Ringing()
 same => n,Wait(20)
exten => h,1,Log(NOTICE,lost ${HANGUPCAUSE})
[peer]
exten => s,1,Answer(,i)
 same => n,Wait(1)
exten => h,1,Log(NOTICE,peer h ${CHANNEL(name):-2})
`

func TestDial(t *testing.T) {
	runDials(t, []dialCase{
		{name: "nothing to dial", want: "CHANUNAVAIL", text: `
[t]
exten => s,1,Dial()
 same => n,Log(NOTICE,${DIALSTATUS})`},
		{name: "options that cannot be read", want: "h INVALIDARGS", text: `
[t]
exten => s,1,Dial(Local/ans@party,5,U(sub)
 same => n,Log(NOTICE,no)
exten => h,1,Log(NOTICE,h ${DIALSTATUS})`},
		{name: "a trailing ampersand is harmless", want: "BUSY", text: `
[t]
exten => s,1,Dial(Local/busy@party&,5)
 same => n,Log(NOTICE,${DIALSTATUS})`},
		{name: "fractions of seconds", want: "NOANSWER [] 0", text: `
[t]
exten => s,1,Dial(Local/ring@party,0.5)
 same => n,Log(NOTICE,${DIALSTATUS} [${DIALEDTIME_MS}] ${RINGTIME})`},
		{name: "no sign of life in time", want: "NOANSWER [] | ANSWER", text: `
[t]
exten => s,1,Dial(Local/noring@party,30^1)
 same => n,Log(NOTICE,${DIALSTATUS} [${DIALEDTIME}])
 same => n,Dial(Local/slow@party,30^0.5,gS(1))
 same => n,Log(NOTICE,${DIALSTATUS})`},
		{name: "early media and progress time", want: "BUSY 0 []", text: `
[t]
exten => s,1,Dial(Local/early@more,5)
 same => n,Log(NOTICE,${DIALSTATUS} ${PROGRESSTIME} [${RINGTIME}])`},
		{name: "music, ringing and a tone for the caller", want: "BUSY | BUSY | BUSY", text: `
[t]
exten => s,1,Dial(Local/early@more,5,m)
 same => n,Log(NOTICE,${DIALSTATUS})
 same => n,Dial(Local/early@more,5,r)
 same => n,Log(NOTICE,${DIALSTATUS})
 same => n,Dial(Local/early@more,5,r(busy)R)
 same => n,Log(NOTICE,${DIALSTATUS})`},
		{name: "who rang in vain hears that another one answered", want: "lost 26 | ANSWER", text: `
[t]
exten => s,1,Dial(Local/s@lost&Local/slow@party,5,gS(1))
 same => n,Log(NOTICE,${DIALSTATUS})`},
		{name: "or what Q says", want: "lost 17 | ANSWER", text: `
[t]
exten => s,1,Dial(Local/s@lost&Local/slow@party,5,gS(1)Q(USER_BUSY))
 same => n,Log(NOTICE,${DIALSTATUS})`},
		{name: "c says so when nobody answered", loose: true, want: "lost 26 | NOANSWER", text: `
[t]
exten => s,1,Dial(Local/s@lost,1,c)
 same => n,Log(NOTICE,${DIALSTATUS})
 same => n,Wait(0.1)`},
		{name: "a forward is followed", want: "ANSWER Local/fwd@more ans@party", text: `
[t]
exten => s,1,Dial(Local/fwd@more,5,g)
 same => n,Log(NOTICE,${DIALSTATUS} ${CUT(FORWARDERNAME,-,1)} ${DIALEDPEERNUMBER})`},
		{name: "or prevented", want: "CHANUNAVAIL", text: `
[t]
exten => s,1,Dial(Local/fwd@more,5,gi)
 same => n,Log(NOTICE,${DIALSTATUS})`},
		{name: "a limit that cannot be read is not none", want: "h INVALIDARGS", text: `
[t]
exten => s,1,Dial(Local/ans@party,5,gL(soon))
 same => n,Log(NOTICE,no)
exten => h,1,Log(NOTICE,h ${DIALSTATUS})`},
		{name: "nor is one of no seconds", want: "h INVALIDARGS", text: `
[t]
exten => s,1,Dial(Local/ans@party,5,gS(0))
 same => n,Log(NOTICE,no)
exten => h,1,Log(NOTICE,h ${DIALSTATUS})`},
		{name: "arguments of b and B by commas and carets", want: "B [q] [r] | b [v w] [2] | ANSWER", text: `
[t]
exten => s,1,Dial(Local/ans@party,5,gb(pre^b^1(v w,2))B(pre^B^1(q^r)))
 same => n,Log(NOTICE,${DIALSTATUS})
[pre]
exten => _[bB],1,Log(NOTICE,${EXTEN} [${ARG1}] [${ARG2}])
 same => n,Return()`},
		{name: "f alone and o leave alone what is seen", call: vectorCall{CallerID: `"Bo" <5>`}, want: `"Bo" <5> | "Bo" <5> | "" <7>`, text: `
[t]
exten => s,1,Dial(Local/see@t,5,gf)
 same => n,Dial(Local/see@t,5,go(44))
 same => n,Dial(Local/see@t,5,gf(7))
exten => see,1,Log(NOTICE,${CALLERID(all)})
 same => n,Busy()`},
		{name: "f alone is for calls that were sent on", call: vectorCall{CallerID: `"Bo" <5>`}, want: `"Bo" <5> | "" <s>`, text: `
[t]
exten => s,1,Dial(Local/on@t,5,gf)
exten => on,1,Log(NOTICE,${CALLERID(all)})
 same => n,Transfer(Local/see@t)
exten => see,1,Log(NOTICE,${CALLERID(all)})
 same => n,Busy()`},
		{name: "nobody to ask for, no application: the call goes on", want: "4 | FAILED", text: `
[t]
exten => s,1,ChanIsAvail()
 same => n,Log(NOTICE,${AVAILSTATUS})
 same => n,Stasis()
 same => n,Log(NOTICE,${STASISSTATUS})`},
		{name: "what is not supported is told and the call goes on", want: "ANSWER", text: `
[t]
exten => s,1,Dial(Local/ans@party,5,gKkp)
 same => n,Log(NOTICE,${DIALSTATUS})`},
		{name: "time-outs that are none are no limit", want: "ANSWER", text: `
[t]
exten => s,1,Dial(Local/slow@party,soon^-1,gS(1))
 same => n,Log(NOTICE,${DIALSTATUS})`},
	})
}

func TestDialConnected(t *testing.T) {
	runDials(t, []dialCase{
		{name: "G parts the two", loose: true, want: "caller | called", text: `
[t]
exten => s,1,Dial(Local/anslong@party,5,G(g^1))
exten => g,1,Goto(caller,1)
 same => n,Log(NOTICE,called)
exten => caller,1,Log(NOTICE,caller)
 same => n,Wait(1)`},
		{name: "F sends the called party on", call: vectorCall{CallerApp: "Wait(1)"}, want: "called", text: `
[t]
exten => s,1,Dial(Local/anslong@party,5,F(t^f^1))
exten => f,1,Log(NOTICE,called)`},
		{name: "F without a place", call: vectorCall{CallerApp: "Wait(1)"}, want: "behind", text: `
[t]
exten => s,1,Dial(Local/anslong@party,5,F)
 same => n,Log(NOTICE,behind)`},
		{name: "h: the called party ends by star", want: "ANSWER 1", text: `
[t]
exten => s,1,Dial(Local/star@more,5,gh)
 same => n,Log(NOTICE,${DIALSTATUS} ${ANSWEREDTIME})`},
		{name: "star means nothing without h", want: "ANSWER 3", text: `
[t]
exten => s,1,Dial(Local/star@more,5,gS(3))
 same => n,Log(NOTICE,${DIALSTATUS} ${ANSWEREDTIME})`},
		{name: "H: the caller ends by star", call: vectorCall{DTMF: "ww*"}, want: "ANSWER 1", text: `
[t]
exten => s,1,Dial(Local/anslong@party,5,gH)
 same => n,Log(NOTICE,${DIALSTATUS} ${ANSWEREDTIME})`},
		{name: "H and W: star waits for the digit behind it", call: vectorCall{DTMF: "*1ww*"}, want: "ANSWER 2", text: `
[t]
exten => s,1,Dial(Local/anslong@party,5,gHW)
 same => n,Log(NOTICE,${DIALSTATUS} ${ANSWEREDTIME})`},
		{name: "T: the caller transfers by digits", call: vectorCall{DTMF: "ww#ww77"}, want: "transferred", text: `
[t]
exten => s,1,Dial(Local/anslong@party,5,T)
exten => 77,1,Log(NOTICE,transferred)`, run: 20},
		{name: "T: nobody there, they talk on", call: vectorCall{DTMF: "ww#ww9"}, want: "ANSWER", text: `
[t]
exten => s,1,Dial(Local/anslong@party,5,gTS(5))
 same => n,Log(NOTICE,${DIALSTATUS})`, run: 20},
		{name: "a phone transfers the caller", want: "transferred 77", text: `
[t]
exten => s,1,Set(__TRANSFER_CONTEXT=t)
 same => n,Dial(Local/refer@more,5)
exten => 77,1,Log(NOTICE,transferred ${EXTEN})`},
		{name: "L warns", want: "ANSWER 3", text: `
[t]
exten => s,1,Set(LIMIT_PLAYAUDIO_CALLEE=yes)
 same => n,Dial(Local/anslong@party,5,gL(3000:2000:500))
 same => n,Log(NOTICE,${DIALSTATUS} ${ANSWEREDTIME})`},
		{name: "A plays to both before they talk", want: "ANSWER 2", text: `
[t]
exten => s,1,Dial(Local/anslong@party,5,gS(1)A(one:half))
 same => n,Log(NOTICE,${DIALSTATUS} ${ANSWEREDTIME})`},
		{name: "D sends digits", loose: true, want: "digits 123 | ANSWER", text: `
[t]
exten => s,1,Dial(Local/digits@more,5,gD(w123))
 same => n,Log(NOTICE,${DIALSTATUS})`},
		{name: "d leads to an extension of one digit", text: `
[t]
exten => s,1,Answer(,i)
 same => n,Dial(Local/ring@party,5,d)
exten => 5,1,Log(NOTICE,five ${DIALSTATUS})`, call: vectorCall{DTMF: "w5"}, want: "five CANCEL"},
		{name: "H ends while it rings", text: `
[t]
exten => s,1,Answer(,i)
 same => n,Dial(Local/ring@party,5,H)
exten => h,1,Log(NOTICE,h ${DIALSTATUS})`, call: vectorCall{DTMF: "w*"}, want: "h CANCEL"},
		{name: "U wants both to end", want: "h", text: `
[t]
exten => s,1,Dial(Local/anslong@party,5,U(sub))
 same => n,Log(NOTICE,no)
exten => h,1,Log(NOTICE,h)
[sub]
exten => s,1,Set(GOSUB_RESULT=ABORT)
 same => n,Return()`},
		{name: "e runs h for the called party", loose: true, want: "peer h ;1 | peer h ;2 | ANSWER", text: `
[t]
exten => s,1,Dial(Local/s@peer,5,ge)
 same => n,Log(NOTICE,${DIALSTATUS})`},
		{name: "b sets what the called party's other half has", want: "seen 1 | ANSWER", text: `
[t]
exten => s,1,Dial(Local/seen@t,5,gb(sub^s^1(1)))
 same => n,Log(NOTICE,${DIALSTATUS})
exten => seen,1,Log(NOTICE,seen ${X})
 same => n,Answer(,i)
 same => n,Wait(0.5)
[sub]
exten => s,1,Set(X=${ARG1})
 same => n,Return()`},
		{name: "o and u", want: `"Al" <7> 0 | 42 32`, text: `
[t]
exten => s,1,Dial(Local/cid@t,5,go("Al" <7>))
 same => n,Set(CALLERID(num)=42)
 same => n,Dial(Local/num@t,5,gu(prohib))
exten => cid,1,Log(NOTICE,${CALLERID(all)} ${CALLINGPRES})
exten => num,1,Log(NOTICE,${CALLERID(num)} ${CALLINGPRES})`},
	})
}

func TestRetryDial(t *testing.T) {
	runDials(t, []dialCase{
		{name: "tries, waits, gives up", want: "BUSY 4", run: 20, text: `
[t]
exten => s,1,Set(BEGUN=${EPOCH})
 same => n,RetryDial(,2,3,Local/busy@party,5)
 same => n,Log(NOTICE,${DIALSTATUS} $[${EPOCH}-${BEGUN}])`},
		{name: "ends with an answer", want: "ANSWER", text: `
[t]
exten => s,1,RetryDial(half,1,0,Local/ans@party,5,g)
 same => n,Log(NOTICE,${DIALSTATUS})`},
		{name: "d leads elsewhere between two tries", call: vectorCall{DTMF: "ww5"}, want: "five", text: `
[t]
exten => s,1,Answer(,i)
 same => n,RetryDial(,5,0,Local/busy@party,5,d)
exten => 5,1,Log(NOTICE,five)`},
		{name: "too few arguments end the call", want: "h", text: `
[t]
exten => s,1,RetryDial(a,1)
 same => n,Log(NOTICE,no)
exten => h,1,Log(NOTICE,h)`},
	})
}

func TestOriginate(t *testing.T) {
	runDials(t, []dialCase{
		{name: "a destination without technology ends the call", want: "h FAILED", text: `
[t]
exten => s,1,Originate(101,app,NoOp)
exten => h,1,Log(NOTICE,h ${ORIGINATE_STATUS})`},
		{name: "subroutines before the dial", want: "caller | made Down | SUCCESS", text: `
[t]
exten => s,1,Originate(Local/ans@party,app,NoOp,x,,5,b(sub^a^1(made))B(sub^b^1))
 same => n,Log(NOTICE,${ORIGINATE_STATUS})
[sub]
exten => a,1,Log(NOTICE,${ARG1} ${CHANNEL(state)})
 same => n,Return()
exten => b,1,Log(NOTICE,caller)
 same => n,Return()`},
		{name: "nobody has the caller's id without c and n", loose: true, want: "[] | SUCCESS", call: vectorCall{CallerID: `"Bo" <5>`}, text: `
[t]
exten => s,1,Originate(Local/ans@party,exten,t,x,1,5)
 same => n,Log(NOTICE,${ORIGINATE_STATUS})
exten => x,1,Log(NOTICE,[${CALLERID(num)}])`},
		{name: "an extension that is not there goes to i", loose: true, want: "i | SUCCESS", text: `
[t]
exten => s,1,Originate(Local/ans@party,exten,o,nobody,1,5)
 same => n,Log(NOTICE,${ORIGINATE_STATUS})
 same => n,Wait(0.1)
[o]
exten => i,1,Log(NOTICE,i)`},
		{name: "a failed extension that lasts is not waited for", want: "BUSY | failed 5", text: `
[t]
exten => s,1,Originate(Local/busy@party,exten,o,x,1,5)
 same => n,Log(NOTICE,${ORIGINATE_STATUS})
[o]
exten => failed,1,Wait(2)
 same => n,Log(NOTICE,failed ${REASON})`},
	})
}

func TestChanIsAvail(t *testing.T) {
	runDials(t, []dialCase{
		{name: "the first that is there", want: "Local/ans@party 1", text: `
[t]
exten => s,1,ChanIsAvail(NOTECH/x&Local/ans@party&Local/busy@party)
 same => n,Log(NOTICE,${AVAILORIGCHAN} ${AVAILSTATUS})`},
		{name: "all", want: "Local/ans@party&Local/busy@party", text: `
[t]
exten => s,1,ChanIsAvail(Local/ans@party&Local/busy@party,a)
 same => n,Log(NOTICE,${AVAILORIGCHAN})`},
		{name: "s counts a Local channel in use", loose: true, want: "Local/anslong@party 1 | [] 2 | [] 4", text: `
[t]
exten => s,1,ChanIsAvail(Local/anslong@party,s)
 same => n,Log(NOTICE,${AVAILORIGCHAN} ${AVAILSTATUS})
 same => n,Originate(Local/anslong@party,exten,t,x,1,5,a)
 same => n,Wait(1)
 same => n,ChanIsAvail(Local/anslong@party,s)
 same => n,Log(NOTICE,[${AVAILORIGCHAN}] ${AVAILSTATUS})
 same => n,ChanIsAvail(Local/nobody@party,s)
 same => n,Log(NOTICE,[${AVAILORIGCHAN}] ${AVAILSTATUS})
exten => x,1,Wait(3)`},
		{name: "none", want: "[] 66", text: `
[t]
exten => s,1,ChanIsAvail(NOTECH/x)
 same => n,Log(NOTICE,[${AVAILORIGCHAN}] ${AVAILCAUSECODE})`},
	})
}

func TestBridgeApplication(t *testing.T) {
	runDials(t, []dialCase{
		{name: "takes a channel and lets it go on", loose: true, want: "SUCCESS | after", text: `
[t]
exten => s,1,Originate(Local/anslong@party,exten,t,x,1,5,a)
 same => n,Wait(1)
 same => n,Bridge(${DB(test/other)},S(1))
 same => n,Log(NOTICE,${BRIDGERESULT})
 same => n,Wait(1)
exten => x,1,Set(DB(test/other)=${CHANNEL})
 same => n,Wait(20)
 same => n,Log(NOTICE,after)`},
		{name: "x hangs it up", loose: true, want: "SUCCESS", text: `
[t]
exten => s,1,Originate(Local/anslong@party,exten,t,x,1,5,a)
 same => n,Wait(1)
 same => n,Bridge(${DB(test/other)},xS(1))
 same => n,Log(NOTICE,${BRIDGERESULT})
exten => x,1,Set(DB(test/other)=${CHANNEL})
 same => n,Wait(20)
 same => n,Log(NOTICE,no)`},
		{name: "nobody, itself", want: "NONEXISTENT | LOOP", text: `
[t]
exten => s,1,Bridge(Local/none-1)
 same => n,Log(NOTICE,${BRIDGERESULT})
 same => n,Bridge(${CHANNEL})
 same => n,Log(NOTICE,${BRIDGERESULT})`},
	})
}

func TestFollowMe(t *testing.T) {
	profiles := map[string]string{"followme.conf": `
[general]
call_from_prompt=none
[boss]
context=more
number=>two,5
number=>lost&one,5
[nobody]
context=party
number=busy,5
number=ring,1
`}
	runDials(t, []dialCase{
		{name: "goes on until somebody takes the call", files: profiles, run: 30, want: "talked 2", text: `
[t]
exten => s,1,FollowMe(boss,d)
 same => n,Log(NOTICE,talked 2)`},
		{name: "nobody takes it", files: profiles, run: 30, want: "next", text: `
[t]
exten => s,1,FollowMe(nobody,dn)
 same => n,Log(NOTICE,next)`},
		{name: "no such profile", files: profiles, want: "next", text: `
[t]
exten => s,1,FollowMe(who)
 same => n,Log(NOTICE,next)`},
	})
}

func TestPage(t *testing.T) {
	runDials(t, []dialCase{
		{name: "phones hear the caller until it hangs up", loose: true, call: vectorCall{CallerApp: "Wait(3)"}, want: "a up | a down | b up | b down | h", text: `
[t]
exten => s,1,Page(Local/a@phones&Local/b@phones&Local/busy@party,A(half)q,5)
exten => h,1,Log(NOTICE,h)
[phones]
exten => _[ab],1,Log(NOTICE,${EXTEN} up)
 same => n,Answer(,i)
 same => n,Set(CHANNEL(hangup_handler_push)=gone,s,1(${EXTEN}))
 same => n,Wait(20)
[gone]
exten => s,1,Log(NOTICE,${ARG1} down)
 same => n,Return()`},
		{name: "nobody to page", want: "next", text: `
[t]
exten => s,1,Page(&)
 same => n,Log(NOTICE,next)`},
	})
}
