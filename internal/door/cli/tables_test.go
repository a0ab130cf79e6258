package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/hint"
	"github.com/dialwright/dialwright/internal/parking"
	"github.com/dialwright/dialwright/internal/pbx"
)

// update rewrites testdata/tables.
var update = flag.Bool("update", false, "rewrite testdata/tables")

// office is what a server of these tests tells about itself.
type office struct {
	reloaded []string
	refuse   error
	stops    []string
	waiting  bool
	states   map[string]pbx.DeviceState
}

func (*office) Endpoints() []Endpoint {
	return []Endpoint{
		{Name: "carrier", State: "Unavailable", AOR: "carrier", OutAuth: "4711", Transport: "udp", Bind: "0.0.0.0:5060", Context: "from-trunk"},
		{Name: "alice", CallerID: "101", State: "Not in use", AOR: "alice", MaxContacts: 5, Auth: "alice", Context: "default", Codecs: []string{"PCMU", "alaw"}, Contacts: contacts()},
	}
}

func contacts() []Contact {
	return []Contact{{AOR: "alice", URI: "sip:alice@172.20.10.1:50124;transport=tls", Status: "NonQual"}}
}

func (*office) Contacts() []Contact {
	return append([]Contact{{AOR: "bob", URI: "sip:bob@192.0.2.1:5060", Status: "Avail", RTT: 14212 * time.Microsecond}}, contacts()...)
}

func (*office) Registrations() []Registration {
	return []Registration{
		{Name: "carrier", ServerURI: "sip:sip.example.com:5060", Auth: "4711", Status: "Registered"},
		{Name: "other", ServerURI: "sip:other.example.com", Status: "Rejected"},
	}
}

func (o *office) Reload(_ context.Context, module string) (bool, error) {
	if module == "nosuch" {
		return false, nil
	}
	o.reloaded = append(o.reloaded, module)
	return true, o.refuse
}

func (o *office) Stop(how string, restart bool) error {
	if restart {
		how += ", again"
	}
	o.stops = append(o.stops, how)
	o.waiting = strings.HasPrefix(how, "when")
	return o.refuse
}

func (o *office) AbortStop() bool {
	was := o.waiting
	o.waiting = false
	return was
}

func (*office) CDRStatus() []Setting { return []Setting{{"Logging", "Enabled"}} }
func (*office) Settings() []Setting  { return []Setting{{"Version", "22.10.1"}} }

func (*office) List() []hint.State {
	return []hint.State{
		{Exten: "102", Context: "default", Hint: "PJSIP/bob", Status: hint.InUseRinging},
		{Exten: "101", Context: "default", Hint: "PJSIP/alice&Custom:lamp", Status: hint.Idle},
	}
}

func (o *office) State(device string) pbx.DeviceState { return o.states[device] }

func (o *office) SetCustom(_ context.Context, device string, s pbx.DeviceState) error {
	o.states[device] = s
	return nil
}

func (*office) Apps() []string { return []string{"lab", "ivr"} }

func (*office) App(name string) ([]string, bool) {
	return []string{"Subscriptions: 0"}, name == "lab"
}

func (*office) Users() []ARIUser  { return []ARIUser{{"crm", false, true}, {"wall", true, false}} }
func (*office) Status() []Setting { return []Setting{{"Enabled", "Yes"}} }

// manager is AMI of these tests.
type manager struct{}

func (manager) Sessions() []ManagerSession {
	return []ManagerSession{{User: "crm", Remote: "192.0.2.7", Since: time.Unix(1795320000, 0), FD: -1, Read: 3, Write: 4096}}
}

func (manager) Users() []ManagerUser {
	return []ManagerUser{{
		Name: "crm", Secret: true, Read: "call,all", Write: "originate,all", ACL: true, DisplayConnects: true,
		Variables: []call.Variable{{Name: "CRM", Value: "1"}},
	}}
}

func (manager) Actions() []ManagerAction {
	return []ManagerAction{{"Ping", "<none>", "Keep the session alive."}, {"AbsoluteTimeout", "call,all", "Limit how long a call may last."}}
}

func (manager) Events() []string    { return []string{"Hangup", "Newchannel", "Cdr", "DialBegin"} }
func (manager) Settings() []Setting { return []Setting{{"Manager (AMI)", "Yes"}} }

func newOffice(t *testing.T) (*desk, *office) {
	t.Helper()
	o := &office{states: map[string]pbx.DeviceState{}}
	db := withDB(t)
	lots := parking.NewConfig()
	d := newDesk(t, func(x *Options) {
		db(x)
		register := parking.New(parking.Options{Switch: x.Switch})
		x.Phones, x.Server, x.Hints, x.Devices, x.ARI, x.Manager = o, o, o, o, o, manager{}
		x.Parking = func() (*parking.Config, *parking.Lots) { return lots, register }
		x.Apps = func() []Doc { return []Doc{{"Wait", "Wait for a time"}, {"Dial", "Call somebody"}} }
		x.Functions = func() []Doc { return []Doc{{"CALLERID", "Caller ID"}} }
	})
	return d, o
}

// varying is what differs from run to run in tables.
var varying = regexp.MustCompile(`\d\d:\d\d:\d\d|1795320000  \d+ +`)

// TestTables compares what commands print with testdata/tables: a line that begins with
// "> " gives a command, the lines below are its output with a bar in front, which keeps
// blanks at the end of lines, and the outcome in brackets.
func TestTables(t *testing.T) {
	files, err := filepath.Glob("testdata/tables/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no tables", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txt"), func(t *testing.T) {
			d, _ := newOffice(t)
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			var got strings.Builder
			for line := range strings.Lines(string(text)) {
				command, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "> ")
				if !ok {
					continue
				}
				r := d.Run(t.Context(), Caller{Name: "test"}, command)
				got.WriteString("> " + command + "\n")
				for l := range strings.Lines(varying.ReplaceAllString(r.Output, "#")) {
					got.WriteString("|" + l)
				}
				got.WriteString("[" + r.Outcome.String() + "]\n\n")
			}
			if diff := cmp.Diff(string(text), got.String()); diff != "" {
				t.Errorf("%s", diff)
				if *update {
					_ = os.WriteFile(name, []byte(got.String()), 0o644)
				}
			}
		})
	}
}

func TestReloadAndStop(t *testing.T) {
	d, o := newOffice(t)
	if got := d.rx("module reload pbx_config nosuch", Done); got != "Module 'pbx_config' reloaded successfully.\nNo such module 'nosuch'\n" {
		t.Error(got)
	}
	if got := d.rx("dialplan reload", Done); got != "Dialplan reloaded.\n" {
		t.Error(got)
	}
	for _, line := range []string{"core reload", "reload", "manager reload", "pjsip reload", "cdr reload"} {
		if got := d.rx(line, Done); got != "" {
			t.Errorf("%s: %s", line, got)
		}
	}
	if diff := cmp.Diff([]string{"pbx_config", "dialplan", "", "", "manager", "res_pjsip", "cdr"}, o.reloaded); diff != "" {
		t.Error(diff)
	}
	o.refuse = errors.New("line 3: nonsense")
	if got := d.rx("dialplan reload", Failed); got != "line 3: nonsense\nCommand 'dialplan reload' failed.\n" {
		t.Error(got)
	}
	o.refuse = nil
	for _, line := range []string{"core stop now", "core restart gracefully", "stop when convenient"} {
		d.rx(line, Done)
	}
	if diff := cmp.Diff([]string{"now", "gracefully, again", "when convenient"}, o.stops); diff != "" {
		t.Error(diff)
	}
	d.rx("core abort shutdown", Done)
	d.rx("core abort shutdown", Failed)
	d.rx("core stop sometime", Unknown)
}

// What a server lacks is unknown, not broken.
func TestWithoutParts(t *testing.T) {
	d := newDesk(t, func(o *Options) { o.Plan, o.Globals, o.Originate = nil, nil, nil })
	for _, line := range []string{"database show", "manager show users", "ari show apps", "pjsip show endpoints", "core reload", "dialplan show", "channel originate a/b application Wait", "parking show"} {
		d.rx(line, Unknown)
	}
	d.rx("core show channels", Done)
	d.rx("core show help", Done)
}

func TestOriginateExtensions(t *testing.T) {
	on := false
	got := Origination{}
	d := newDesk(t, func(o *Options) {
		o.Originate = originatorFunc(func(x Origination) error { got = x; return errors.New("not dialled") })
		o.Extensions = func() bool { return on }
	})
	const line = `channel originate PJSIP/alice extension 601 callerid "Joe <55>" timeout 9 variable A=b variable "C=d e"`
	want := Origination{Endpoint: "PJSIP/alice", Timeout: 30 * time.Second, Then: call.Then{Kind: call.ThenDialplan, Context: "default", Extension: "601", Priority: "1"}}
	if out := d.rx(line, Done); out != "" {
		t.Errorf("an originate that fails prints %q", out)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("further words count though they may not:\n%s", diff)
	}
	on = true
	d.rx(line, Done)
	want.CallerID, want.Timeout = call.CallerID{Name: "Joe", Number: "55"}, 9*time.Second
	want.Variables = []call.Variable{{Name: "A", Value: "b"}, {Name: "C", Value: "d e"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{"timeout x", "timeout 0", "timeout", "colour red", "variable x", "variable =x"} {
		d.rx("channel originate PJSIP/alice application Wait 1 "+bad, Usage)
	}
	d.rx("channel originate PJSIP/alice extension @inner", Done)
	if got.Then.Extension != "s" || got.Then.Context != "inner" {
		t.Errorf("%+v", got.Then)
	}
}

type originatorFunc func(Origination) error

func (f originatorFunc) Originate(_ context.Context, _ Caller, o Origination) error { return f(o) }

func TestComplete(t *testing.T) {
	d, _ := newOffice(t)
	d.rx("database put actionlist q1 v", Done)
	d.rx(`database put actionlist "two words" v`, Done)
	d.rxWhen("Wait", 1, "channel originate PJSIP/alice extension 601")
	name := d.sw.Channels()[0].Name
	for _, c := range []struct {
		line string
		want []string
	}{
		{"core show ch", []string{"channel", "channels"}},
		{"CORE SHOW CHANNELS ", []string{"concise", "count", "verbose"}},
		{"core show channel ", []string{name}},
		{"channel request hangup pjsip", []string{name}},
		{"channel request hangup ", []string{name, "all"}},
		{"core stop ", []string{"gracefully", "now", "when"}},
		{"database get act", []string{"actionlist"}},
		{"database get actionlist ", []string{`"two words"`, "q1"}},
		{"database get actionlist q1 ", nil},
		{"dialplan show m", []string{"more"}},
		{"dialplan show ", []string{"default", "globals", "more"}},
		{"channel originate PJSIP/a", []string{"PJSIP/alice"}},
		{"channel originate PJSIP/alice a", []string{"application"}},
		{"channel originate PJSIP/alice application ", []string{"Dial", "Wait"}},
		{"manager show user ", []string{"crm"}},
		{"devstate change Custom:x RING", []string{"RINGING", "RINGINUSE"}},
		{"core show help core stop ", []string{"gracefully", "now", "when"}},
		{"_command ", nil},
		{"nosuch ", nil},
	} {
		if got := d.Complete(t.Context(), c.line); !cmp.Equal(got, c.want) && len(got)+len(c.want) > 0 {
			t.Errorf("%s: %q, want %q", c.line, got, c.want)
		}
	}
}

// What is too much to list still completes to no more than all have in common.
func TestCompleteAmongMany(t *testing.T) {
	d, _ := newOffice(t)
	for i := range maxProposals + 10 {
		d.rx(fmt.Sprintf("database put many a%05d v", i), Done)
	}
	d.rx("database put many b v", Done)
	got := d.Complete(t.Context(), "database get many ")
	if len(got) != maxProposals || common(got) != "" {
		t.Errorf("%d proposals, with %q in common", len(got), common(got))
	}
}

// Every command of the table says how it is used, in words of ours.
func TestTableIsComplete(t *testing.T) {
	d, _ := newOffice(t)
	help := d.rx("core show help", Done)
	for i, c := range d.commands {
		if c.hidden {
			continue
		}
		words := d.words[i].String()
		if !strings.HasPrefix(c.usage, "Usage: ") || !strings.HasSuffix(c.usage, "\n") || c.summary == "" || c.run == nil {
			t.Errorf("%s: %q, %q", words, c.usage, c.summary)
		}
		if !strings.Contains(help, words+" ") {
			t.Errorf("help does not list %s", words)
		}
		if got := d.rx("core show help "+words, Done); got != c.usage {
			t.Errorf("help of %s: %s", words, got)
		}
	}
	if !strings.Contains(d.rx("help core stop", Done), "core stop gracefully") {
		t.Error("help of a topic")
	}
	if got := d.rx("help nosuch", Done); got != "No such command 'nosuch'.\n" {
		t.Error(got)
	}
	if got := d.rx("help core show cha", Done); strings.Count(got, "\n") != 2 || !strings.HasPrefix(got, "core show channel ") {
		t.Errorf("help of the beginning of a word: %s", got)
	}
}

// FuzzRun gives any line to a shell that has everything but nobody to call.
func FuzzRun(f *testing.F) {
	for _, s := range []string{
		"core show channels verbose", `database put a b "c d"`, "channel originate PJSIP/1 application Wait 1", "channel request hangup /[/", "dialplan show 7@default",
		"help core", "_command matchesarray \"core sh\" x", "core show uptime seconds", "devstate change Custom:a INUSE",
	} {
		f.Add(s)
	}
	o := &office{states: map[string]pbx.DeviceState{}}
	sw := pbx.New(pbx.Options{Linger: -1})
	f.Cleanup(func() { _ = sw.Stop(context.Background()) }) // f's own context is over
	lots := parking.NewConfig()
	s := New(Options{
		Switch: sw, Originate: originatorFunc(func(Origination) error { return nil }), Phones: o, Hints: o, ARI: o, Manager: manager{},
		Parking: func() (*parking.Config, *parking.Lots) { return lots, parking.New(parking.Options{Switch: sw}) },
		Apps:    func() []Doc { return nil }, Functions: func() []Doc { return nil },
	})
	f.Fuzz(func(t *testing.T, line string) {
		r := s.Run(t.Context(), Caller{Name: "fuzz"}, line)
		if r.Output != "" && !strings.HasSuffix(r.Output, "\n") && !strings.Contains(strings.ToLower(line), "_command") {
			t.Errorf("%q prints a line without end: %q", line, r.Output)
		}
		s.Complete(t.Context(), line)
	})
}
