package ami

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/devstate"
	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/door/cli"
	"github.com/dialwright/dialwright/internal/hint"
	"github.com/dialwright/dialwright/internal/parking"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/store/sqlite"
)

// traceDialplan is the part of the traces' dialplan that s5 asks for.
const traceDialplan = `
[default]
exten => 101,hint,PJSIP/alice
exten => 102,hint,PJSIP/bob
exten => 101,1,NoOp(to alice)
exten => 102,1,NoOp(to bob)
exten => 102,n(dial),Dial(PJSIP/bob,20)
exten => 102,n,Hangup()
exten => _X.,1,NoOp(catch ${EXTEN})
exten => _X.,n,Answer()
exten => _X.,n,Wait(5)
[short]
exten => s,1,Answer()
exten => s,n,Wait(1)
exten => s,n,Hangup()
`

// phoneBook is Contacts with the phones of the traces. Package app makes the real one.
type phoneBook struct {
	endpoints     []Endpoint
	registrations []Registration
}

func (p *phoneBook) Endpoints() []Endpoint         { return p.endpoints }
func (p *phoneBook) Registrations() []Registration { return p.registrations }

func tracePhones() *phoneBook {
	p := &phoneBook{}
	for _, c := range []struct{ name, port string }{
		{"alice", "17071"}, {"bob", "17072"}, {"carol", "17073"}, {"dave", "17074"}, {"erin", "17075"}, {"frank", ""},
		{"gina", "17076"}, {"hank", "17077"}, {"iris", "17078"}, {"jack", "17079"},
	} {
		e := Endpoint{Name: c.name, State: "Not in use", Context: "from-phones", Codecs: []string{"ulaw"}}
		if c.port == "" {
			e.State, e.MaxContacts = "Unavailable", 1
		} else {
			e.Contacts = []Contact{{AOR: c.name, URI: "sip:" + c.name + "@127.0.0.1:" + c.port, Status: "NonQualified"}}
		}
		p.endpoints = append(p.endpoints, e)
	}
	return p
}

// letters is Mailboxes: 7@default has two new messages and one old one.
type letters struct{}

func (letters) Count(_ context.Context, box string) (fresh, old int, err error) {
	if box == "7@default" {
		return 2, 1, nil
	}
	return 0, 0, nil
}

// desk is a door with everything that questions are asked about: a real AstDB, device
// states, hints and a command line.
func desk(t *testing.T, change func(*Options, *Config)) *lab {
	t.Helper()
	store, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "calls.db"), Synchronous: "OFF"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	plan, problems, err := dialplan.Load(fstest.MapFS{"extensions.conf": {Data: []byte(traceDialplan)}}, "extensions.conf", dialplan.LoadOptions{})
	if err != nil || len(problems) > 0 {
		t.Fatal(problems, err)
	}
	return listening(t, func(o *Options, c *Config) {
		devices := devstate.New(devstate.Options{Switch: o.Switch, DB: store})
		if err := devices.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		phones := tracePhones()
		for _, e := range phones.endpoints {
			state := "online"
			if e.State != "Not in use" {
				state = "offline"
			}
			devices.Endpoint(pbx.EndpointStateChange, pbx.EndpointSnapshot{Technology: "PJSIP", Resource: e.Name, State: state})
		}
		o.Plan = func() *dialplan.Plan { return plan }
		o.Hints = hint.New(hint.Options{Plan: o.Plan, Devices: devices, Switch: o.Switch})
		if err := o.Hints.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second) // t.Context is over
			defer cancel()
			if err := o.Hints.Stop(ctx); err != nil {
				t.Error(err)
			}
			if err := devices.Stop(ctx); err != nil {
				t.Error(err)
			}
		})
		lots, parked := parking.NewConfig(), parking.New(parking.Options{Switch: o.Switch})
		o.DB, o.Devices, o.Mailboxes, o.Contacts = store, devices, letters{}, phones
		o.Parking = func() (*parking.Config, *parking.Lots) { return lots, parked }
		shell := cli.New(cli.Options{Switch: o.Switch, DB: store, Started: o.Started, Version: o.Version, Reloaded: func() time.Time { return o.Started }})
		o.Command = func(ctx context.Context, a Ask, line string) (string, bool) {
			r := shell.Run(ctx, cli.Caller{Name: "ami:" + a.User.Name, Remote: a.Remote}, line)
			return r.Output, r.Outcome == cli.Done
		}
		o.Reload = func(_ context.Context, module string) (bool, error) {
			switch module {
			case "", "app_queue":
				return true, nil
			case "app_dial":
				return true, ErrNotReloadable
			case "busy":
				return true, ErrReloading
			case "broken":
				return true, context.DeadlineExceeded
			}
			return false, nil
		}
		if change != nil {
			change(o, c)
		}
	})
}

// differs are the answers of trace s5 that ours are not, by ActionID, with what ours are.
func differs(id string) (ours []string, why string) {
	unknown := func(name string) []string {
		return []string{"Response: Error\nActionID: " + id + "\nMessage: Invalid/unknown command: " + name + ". Use Action: ListCommands to show available commands."}
	}
	empty := func(text, complete string) []string {
		return []string{
			"Response: Success\nActionID: " + id + "\nEventList: start\nMessage: " + text,
			"Event: " + complete + "\nActionID: " + id + "\nEventList: Complete\nListItems: 0",
		}
	}
	switch id {
	case "38":
		return empty("Queue status will follow", "QueueStatusComplete"), "there are no queues"
	case "40":
		return empty("Queue summary will follow", "QueueSummaryComplete"), "there are no queues"
	case "49", "50":
		return unknown("ModuleCheck"), "there are no modules (spec: ami 8, never)"
	case "78":
		return unknown("LoggerRotate"), "the log is not a file of ours (spec: ami 8, never)"
	case "79":
		return unknown("GetConfig"), "files are not shown (spec: ami 8, never)"
	case "68":
		return unknown("LocalOptimizeAway"), "Local channels say by /n whether they may be taken out (spec: ami 8, tier 3 or never)"
	case "80":
		return unknown("AOCMessage"), "there is no advice of charge (spec: ami 8, never)"
	case "58":
		return []string{"Response: Error\nActionID: 58\nMessage: Command output follows\nOutput: Usage: database put <family> <key> <value>\nOutput:        Makes or changes one entry."},
			"usage texts are our own words"
	}
	return nil, ""
}

// pair is a request of the trace and the packets that came before the next one.
type pair struct {
	request string
	answers []string
}

func (p *pair) id() string {
	_, rest, ok := strings.Cut(p.request, "\nActionID: ")
	if !ok {
		return ""
	}
	id, _, _ := strings.Cut(rest, "\n")
	return id
}

func tracePairs(t *testing.T, file string) []pair {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../../../testdata/vectors/ami", file))
	if err != nil {
		t.Fatal(err)
	}
	var out []pair
	for block := range strings.SplitSeq(string(b), "\n\n") {
		head, rest, _ := strings.Cut(strings.TrimRight(dropComments(block), "\n"), "\n")
		switch {
		case head == ">>>":
			out = append(out, pair{request: rest})
		case head == "<<<" && len(out) > 0:
			out[len(out)-1].answers = append(out[len(out)-1].answers, rest)
		}
	}
	return out
}

// steady takes out of packets what is another one each time: the order of devices, that of
// a hash, with devices that are no phones; and the uptime.
func steady(packets []string) []string {
	packets = slices.Clone(packets)
	for i, p := range packets {
		if before, _, ok := strings.Cut(p, "\nOutput: System uptime: "); ok {
			packets[i] = before + "\nOutput: System uptime: n"
		}
		if strings.HasPrefix(p, "Event: DeviceStateListComplete") {
			packets[i], _, _ = strings.Cut(p, "\nListItems")
		}
	}
	packets = slices.DeleteFunc(packets, func(p string) bool {
		return strings.HasPrefix(p, "Event: DeviceStateChange") && !strings.Contains(p, "Device: PJSIP/")
	})
	slices.SortStableFunc(packets, func(a, b string) int {
		if !strings.HasPrefix(a, "Event: DeviceStateChange") || !strings.HasPrefix(b, "Event: DeviceStateChange") {
			return 0
		}
		return strings.Compare(a, b)
	})
	return packets
}

// TestQueriesAsTraced asks what Asterisk was asked in trace s5, and wants its answers.
func TestQueriesAsTraced(t *testing.T) {
	t.Parallel()
	l := desk(t, nil)
	if err := l.server.o.DB.DBPut(t.Context(), "pbx", "UUID", "346d0aa5-0342-438d-9568-17fa635066ed"); err != nil {
		t.Fatal(err)
	}
	u := l.connect()
	u.banner()
	pairs := tracePairs(t, "s5_actions_queries.txt")
	if len(pairs) < 80 {
		t.Fatalf("%d requests in the trace", len(pairs))
	}
	for _, p := range pairs {
		want := p.answers
		if ours, _ := differs(p.id()); ours != nil {
			want = ours
		}
		u.say(strings.Split(p.request, "\n")...)
		got := []string{u.next()}
		for strings.Contains(got[0], "\nEventList: start") && !strings.Contains(got[len(got)-1], "\nEventList: Complete") {
			got = append(got, u.next())
		}
		for len(got) < len(want) && strings.HasPrefix(want[len(got)], "Event: UserEvent") {
			got = append(got, u.next())
		}
		if d := cmp.Diff(steady(want), steady(got)); d != "" {
			t.Errorf("%s\n(-want +got):\n%s", p.request, d)
		}
	}
}
