package funcs

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/pbx"
)

func TestCallerID(t *testing.T) {
	o := newOffice(t, nil)
	o.get("CALLERID(all)", `"Bob B" <55>`)
	o.get("CALLERID(num)", "55")
	o.get("CALLERID(number)", "55")
	o.get("CALLERID(NAME)", "Bob B")
	o.get("CALLERID(dnid)", "100")
	o.get("CALLERID(ani)", "55")
	o.get("CALLERID(rdnis)", "")
	o.get("CALLERID(num-pres)", "allowed_not_screened")
	o.set("CALLERID(all)", `"New N" <77>`)
	o.get("CALLERID(all)", `"New N" <77>`)
	o.set("CALLERID(name)", "Only")
	o.get("CALLERID(all)", `"Only" <77>`)
	o.set("CALLERID(num)", "")
	o.get("CALLERID(all)", `"Only" <>`)
	o.get(`CALLERID(num,"Q" <12>)`, "12")
	o.get(`CALLERID(name,"Q" <12>)`, "Q")
	o.refuses("CALLERID(bogus)", "")
	o.refuses("CALLERID(bogus)", "x")
	o.refuses("CALLERID()", "")
	o.set("CALLERID(all)", "+49 (30) 123-4")
	o.get("CALLERID(num)", "+49 (30) 123-4") // as given
	o.get("CALLERID(name)", "")
	o.set("CALLERID(all)", "Someone")
	o.get("CALLERID(all)", `"Someone" <>`)

	o.set("CALLERID(pres)", "prohib_passed_screen")
	o.get("CALLERID(num-pres)", "prohib_passed_screen")
	if id := o.c.Snapshot().Caller; !id.Private {
		t.Errorf("caller %+v is to be private", id)
	}
	presentation := func(want string) {
		t.Helper()
		if got := o.x.Get("CALLINGPRES"); got != want {
			t.Errorf("CALLINGPRES is %q, want %q", got, want)
		}
	}
	presentation("33")
	o.set("CALLERID(pres)", "prohib")
	presentation("35")
	o.set("CALLERID(num-pres)", "allowed")
	presentation("35") // the name is withheld still
	o.set("CALLERID(num-pres)", "0")
	o.set("CALLERID(name-pres)", "allowed")
	o.get("CALLERID(pres)", "allowed_not_screened")
	if id := o.c.Snapshot().Caller; id.Private {
		t.Errorf("caller %+v is not to be private any more", id)
	}
	presentation("0")
	if err := o.c.SetCallerID(call.CallerID{Number: "55", Private: true}); err != nil { // not by the dialplan
		t.Fatal(err)
	}
	presentation("32")
	o.refuses("CALLERID(pres)", "nonsense")
	o.set("CALLERID(ani)", "9")
	o.set("CALLERID(dnid)", "200")
	o.set("CALLERID(tag)", "t1")
	o.get("CALLERID(ani-num)", "9")
	o.get("CALLERID(dnid)", "200")
	o.get("CALLERID(tag)", "t1")
	o.c.Hangup(cause.NormalClearing)
	<-o.c.Context().Done()
	o.set("CALLERID(num)", "1") // in h it does nothing, and is no error
}

func TestConnectedLine(t *testing.T) {
	o := newOffice(t, nil)
	o.set("CONNECTEDLINE(name,i)", "Eve")
	o.get("CONNECTEDLINE(name)", "Eve")
	if id := o.c.Snapshot().Connected; id.Name != "" {
		t.Errorf("the party is told of %+v already", id)
	}
	o.set("CONNECTEDLINE(num)", "7")
	if id := o.c.Snapshot().Connected; id != (call.CallerID{Name: "Eve", Number: "7"}) {
		t.Errorf("connected line is %+v", id)
	}
	o.refuses("CONNECTEDLINE(x)", "1")
}

func TestRedirecting(t *testing.T) {
	o := newOffice(t, map[string]string{"Diversion": `"Front desk" <sip:300@example.com>;reason=user-busy;counter=2;privacy=full`})
	o.get("REDIRECTING(from-all)", `"Front desk" <300>`)
	o.get("REDIRECTING(from-pres)", "prohib_not_screened")
	o.get("REDIRECTING(reason)", "cfb")
	o.get("REDIRECTING(count)", "2")
	o.get("CALLERID(rdnis)", "300")
	o.set("REDIRECTING(to-num)", "400")
	o.set("REDIRECTING(orig-name)", "First")
	o.set("REDIRECTING(count)", "3")
	o.get("REDIRECTING(to-num)", "400")
	o.get("REDIRECTING(orig-name)", "First")
	o.get("REDIRECTING(count)", "3")
	o.set("CALLERID(rdnis)", "301")
	o.get("REDIRECTING(from-num)", "301")
	o.refuses("REDIRECTING(count)", "-1")
	o.refuses("REDIRECTING(who)", "")

	for header, want := range map[string]string{"": "", "<tel:+4930>": "+4930", "sip:7@x;reason=unconditional": "7", "garbage": "", "<<>>": ""} {
		if got := parseDiversion(header).from.number; got != want {
			t.Errorf("Diversion %q: from %q, want %q", header, got, want)
		}
	}
}

func TestChannelItems(t *testing.T) {
	o := newOffice(t, map[string]string{"User-Agent": "Phone 1"})
	o.get("CHANNEL(state)", "Ring")
	o.get("CHANNEL(language)", "en")
	o.get("CHANNEL(name)", o.c.Name())
	o.get("CHANNEL(uniqueid)", o.c.ID())
	o.get("CHANNEL(channeltype)", "Line")
	o.get("CHANNEL(accountcode)", "")
	o.get("CHANNEL(amaflags)", "3")
	o.get("CHANNEL(peerip)", "192.0.2.7")
	o.get("CHANNEL(pjsip,call-id)", "abc@192.0.2.7")
	o.get("CHANNEL(pjsip,remote_addr)", "192.0.2.7:5061")
	o.get("CHANNEL(pjsip,secure)", "1")
	o.get("CHANNEL(useragent)", "Phone 1")
	o.get("CHANNEL(rtcp,rxcount)", "0")
	o.get("CHANNEL(checkhangup)", "0")
	o.get("CHANNEL(audionativeformat)", "(nothing)") // no media
	o.get("CHANNEL(max_forwards)", "20")
	o.get("CHANNEL(transfercapability)", "SPEECH")
	o.set("CHANNEL(max_forwards)", "5")
	o.get("CHANNEL(max_forwards)", "5")
	if err := o.c.SetPosition("menu", "7", 3, "Playback", "hello"); err != nil {
		t.Fatal(err)
	}
	o.get("CHANNEL(appname)", "Playback")
	o.get("CHANNEL(appdata)", "hello")
	o.refuses("CHANNEL(bogus)", "")
	o.refuses("CHANNEL(bogus)", "1")
	o.set("CHANNEL(language)", "de")
	o.set("CHANNEL(accountcode)", "ac")
	o.set("CHANNEL(musicclass)", "jazz")
	o.set("CHANNEL(amaflags)", "billing")
	o.get("CHANNEL(language)", "de")
	o.get("CHANNEL(accountcode)", "ac")
	o.get("CDR(accountcode)", "ac")
	o.get("CHANNEL(musicclass)", "jazz")
	o.get("CHANNEL(amaflags)", "2")
	if a := o.c.Snapshot().Account; a != "" {
		t.Errorf("the dialplan changed the account to %q", a)
	}
	o.refuses("VOLUME(TX)", "3")
	o.refuses("CHANNEL(txgain)", "3")
	if err := o.c.Answer(); err != nil {
		t.Fatal(err)
	}
	o.get("CHANNEL(state)", "Up")
}

func TestTimeout(t *testing.T) {
	o := newOffice(t, nil)
	o.get("TIMEOUT(absolute)", "0")
	o.get("TIMEOUT(digit)", "5.000")
	o.get("TIMEOUT(response)", "10.000")
	o.set("TIMEOUT(digit)", "2.5")
	o.set("TIMEOUT(response)", "1e9")
	o.get("TIMEOUT(digit)", "2.500")
	o.get("TIMEOUT(response)", "1000000000.000")
	o.set("TIMEOUT(absolute)", "3600")
	if v, _, _ := o.m.ReadFunction(t.Context(), o.c, "TIMEOUT", "absolute"); !strings.HasPrefix(v, "3599.") && v != "3600.000" {
		t.Errorf("absolute timeout %s, want just below 3600", v)
	}
	o.set("TIMEOUT(absolute)", "0")
	o.get("TIMEOUT(absolute)", "0")
	for _, bad := range []string{"-1", "x", "NaN"} {
		o.refuses("TIMEOUT(digit)", bad)
	}
	o.refuses("TIMEOUT(other)", "1")
}

func TestGroups(t *testing.T) {
	o := newOffice(t, nil)
	o.get("GROUP_COUNT()", "0")
	o.set("GROUP()", "g1")
	o.get("GROUP()", "g1")
	o.get("GROUP_COUNT(g1)", "1")
	o.get("GROUP_COUNT()", "1")
	o.set("GROUP(cat)", "g2")
	o.get("GROUP(cat)", "g2")
	o.get("GROUP_COUNT(g2@cat)", "1")
	o.get("GROUP_LIST()", "g1 g2@cat")
	o.get("GROUP_MATCH_COUNT(g.)", "2")
	o.get("GROUP_MATCH_COUNT(g.@c)", "1")
	o.get("GROUP_COUNT(none)", "0")
	o.refuses("GROUP_MATCH_COUNT((", "")

	other := o.incoming(call.CallerID{Number: "56"}, "100", nil)
	if _, err := o.m.WriteFunction(t.Context(), other, "GROUP", "", "g1"); err != nil {
		t.Fatal(err)
	}
	o.get("GROUP_COUNT(g1)", "2")
	other.Hangup(cause.NormalClearing)
	<-other.Gone()
	o.get("GROUP_COUNT(g1)", "1")
	o.set("GROUP()", "g9")
	o.get("GROUP_COUNT(g1)", "0")
	o.get("GROUP_COUNT(g9)", "1")
	o.set("GROUP()", "")
	o.get("GROUP_LIST()", "g2@cat")
}

func TestOtherChannels(t *testing.T) {
	o := newOffice(t, nil)
	other := o.incoming(call.CallerID{Number: "56"}, "100", nil)
	if err := other.SetVariable("A", "1"); err != nil {
		t.Fatal(err)
	}
	o.get("CHANNELS()", o.c.Name()+" "+other.Name())
	o.get("CHANNELS(^line/)", o.c.Name()+" "+other.Name())
	o.get("CHANNELS(x$)", "")
	o.get("CHANNEL_EXISTS("+other.Name()+")", "1")
	o.get("CHANNEL_EXISTS("+other.ID()+")", "1")
	o.get("CHANNEL_EXISTS(none)", "0")
	o.get("IMPORT("+other.Name()+",A)", "1")
	o.get("IMPORT("+other.Name()+",CALLERID(num))", "56")
	o.refuses("IMPORT(none,A)", "")
	o.refuses("REALTIME(fam,key,1)", "")
	o.refuses("REALTIME_FIELD(fam,a,b,c)", "1")
}

func TestHangupHandlersAreResolvedWherePushed(t *testing.T) {
	o := newOffice(t, nil)
	o.set("CHANNEL(hangup_handler_push)", "other,s,1(a,b)")
	o.set("CHANNEL(hangup_handler_pop)", "")
	o.set("CHANNEL(hangup_handler_wipe)", "other,s,1")
	o.refuses("CHANNEL(hangup_handler_push)", "other,s,nolabel")
}

// All names are upper case and there once.
func TestTable(t *testing.T) {
	seen := make(map[string]bool)
	for _, f := range All() {
		if f.Name != strings.ToUpper(f.Name) || seen[f.Name] || f.Read == nil && f.Write == nil {
			t.Errorf("function %q: not upper case, twice, or empty", f.Name)
		}
		seen[f.Name] = true
	}
}

func TestHangupCause(t *testing.T) {
	o := newOffice(t, nil)
	o.get("HANGUPCAUSE_KEYS()", "")
	leg, err := o.m.Switch().Create(t.Context(), pbx.CreateOptions{Endpoint: "Pretend/1486"})
	if err != nil {
		t.Fatal(err)
	}
	if err := leg.Dial(pbx.DialOptions{Caller: o.c}); err != nil {
		t.Fatal(err)
	}
	<-leg.Gone()
	o.get("HANGUPCAUSE_KEYS()", leg.Name())
	o.get("HANGUPCAUSE("+leg.Name()+",tech)", "SIP 486 Busy Here")
	o.get("HANGUPCAUSE("+leg.Name()+",ast)", "User busy")
	o.refuses("HANGUPCAUSE("+leg.Name()+",other)", "")
	o.refuses("HANGUPCAUSE(none)", "")
	o.c.Hangup(cause.NormalClearing)
	<-o.c.Context().Done()
	o.get("HANGUPCAUSE_KEYS()", leg.Name()+","+o.c.Name())
}

func TestHeaders(t *testing.T) {
	o := newOffice(t, map[string]string{"X-Id": "42"})
	o.get("PJSIP_HEADER(read,X-Id)", "42")
	o.get("PJSIP_HEADER(read,X-Id,2)", "")
	o.get("SIP_HEADER(X-Id)", "42")
	o.get("PJSIP_HEADER(read,Nope)", "")
	leg, err := o.m.Switch().Create(t.Context(), pbx.CreateOptions{Endpoint: "Pretend/100"})
	if err != nil {
		t.Fatal(err)
	}
	o.c, o.x = leg, o.m.Exec(leg) // as Dial's b does
	o.set("PJSIP_HEADER(add,X-A)", "1")
	o.set("PJSIP_HEADER(add,X-A)", "2")
	o.set("PJSIP_HEADER(add,Other)", "3")
	o.set("PJSIP_HEADER(update,x-a,2)", "9")
	o.refuses("PJSIP_HEADER(update,X-B)", "1")
	o.refuses("PJSIP_HEADER(add,X Y)", "1")
	o.refuses("PJSIP_HEADER(add,X-Z)", "1\r\nEvil: 2")
	o.refuses("PJSIP_HEADER(add)", "1")
	o.refuses("PJSIP_HEADER(shout,X-A)", "1")
	if h, err := leg.Headers(); err != nil || len(h) != 3 || h[1].Value != "9" {
		t.Errorf("headers %v, %v", h, err)
	}
	o.get("PJSIP_HEADER(remove,X-*)", "2")
	if h, err := leg.Headers(); err != nil || len(h) != 1 || h[0].Name != "Other" {
		t.Errorf("headers %v, %v", h, err)
	}
	leg.Hangup(cause.NormalClearing)
}

func TestEndpoints(t *testing.T) {
	o := newOffice(t, nil)
	o.get("PJSIP_ENDPOINT(101,aors)", "101")
	o.refuses("PJSIP_ENDPOINT(none,aors)", "")
	o.refuses("PJSIP_ENDPOINT(101,none)", "")
	o.refuses("PJSIP_AOR(none,contact)", "")
	o.refuses("PJSIP_CONTACT(none,uri)", "")
	o.refuses("PJSIP_DIAL_CONTACTS(none)", "")
	o.refuses("PJSIP_DIAL_CONTACTS()", "")
}

func TestDeviceState(t *testing.T) {
	o := newOffice(t, nil)
	o.get("DEVICE_STATE(Pretend/101)", "NOT_INUSE")
	o.get("DEVICE_STATE(Pretend/7offline)", "UNAVAILABLE")
	o.get("DEVICE_STATE(Nothing/1)", "INVALID")
	o.get("DEVICE_STATE(Custom:lamp)", "UNKNOWN")
	o.set("DEVICE_STATE(Custom:lamp)", "busy")
	o.get("DEVICE_STATE(custom:lamp)", "BUSY")
	o.get("DB(CustomDevstate/lamp)", "BUSY")
	o.refuses("DEVICE_STATE(Pretend/101)", "BUSY")
}

func TestDatabase(t *testing.T) {
	o := newOffice(t, nil)
	o.set("DB(dpfam/key)", "v1")
	o.get("DB(dpfam/key)", "v1")
	o.get("DB_EXISTS(dpfam/key)", "1")
	if v, _ := o.c.PlainVariable("DB_RESULT"); v != "v1" {
		t.Errorf("DB_RESULT is %q", v)
	}
	o.get("DB(dpfam/none)", "")
	o.get("DB_EXISTS(dpfam/none)", "0")
	o.set("DB(dpfam/sub/k2)", "v2")
	o.set("DB(dpfam/sub-2/k3)", "v3")
	o.set("DB(a,b/c)", "v4")
	o.get("DB_KEYS(dpfam)", "key,sub-2,sub")
	o.get("DB_KEYS(/dpfam/sub/)", "k2")
	o.get("DB_KEYS()", `a\,b,dpfam`)
	o.get("DB_KEYCOUNT(dpfam)", "3")
	o.get("DB_DELETE(dpfam/key)", "v1")
	o.get("DB_DELETE(dpfam/key)", "")
	o.get("DB_EXISTS(dpfam/key)", "0")
	o.set("DB_DELETE(dpfam/sub/k2)", "ignored")
	o.get("DB_KEYS(dpfam)", "sub-2")
	o.refuses("DB(nokey)", "")
	o.refuses("DB(/x)", "1")

	bare := run.New(run.Options{Switch: o.m.Switch(), Funcs: All()})
	if _, known, err := bare.ReadFunction(t.Context(), o.c, "DB", "a/b"); !known || err == nil {
		t.Errorf("without a store: %v, %v; want an error", known, err)
	}
}

func TestHints(t *testing.T) {
	o := newOffice(t, nil)
	plan, problems, err := dialplan.Load(fstest.MapFS{"extensions.conf": {Data: []byte(`[default]
exten => 101,hint,Pretend/101,Front desk
exten => 102,hint,Pretend/101&Custom:lamp
exten => 103,hint,Pretend/7offline
[other]
exten => 101,hint,Custom:lamp
`)}}, "extensions.conf", dialplan.LoadOptions{})
	if err != nil {
		t.Fatal(err, problems)
	}
	o.m.SetPlan(plan)
	o.c = o.incoming(call.CallerID{Number: "57"}, "100", nil) // channels keep the plan with which they began
	o.get("HINT(101)", "Pretend/101")
	o.get("HINT(101,n)", "Front desk")
	o.get("HINT(101@other)", "Custom:lamp")
	o.get("HINT(none)", "")
	o.refuses("HINT()", "")
	o.get("EXTENSION_STATE(101)", "NOT_INUSE")
	o.get("EXTENSION_STATE(103)", "UNAVAILABLE")
	o.get("EXTENSION_STATE(none)", "UNKNOWN")
	o.set("DEVICE_STATE(Custom:lamp)", "RINGING")
	o.get("EXTENSION_STATE(102)", "RINGING")
	o.get("EXTENSION_STATE(101@other)", "RINGING")
}
