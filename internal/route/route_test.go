package route

import (
	"strings"
	"testing"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/google/go-cmp/cmp"
)

func testTable(t *testing.T) *Table {
	t.Helper()
	table, err := New(Config{
		Phones: []string{"101", "102", "alice"},
		Trunks: []Trunk{{Name: "carrier", CallerID: call.CallerID{Number: "+4930900"}}, {Name: "lab"}},
		Rules: []Rule{
			{Name: "vip", Match: "_0800.", Trunk: "lab", Accounts: []call.AccountID{"vip"}},
			{Name: "international", Match: "00", Strip: 2, Prepend: "+", Trunk: "carrier"},
			{Name: "national", Match: "_0Z.", Strip: 1, Prepend: "+49", Trunk: "carrier", CallerID: call.CallerID{Number: "+49301"}},
			{Name: "e164", Match: "+", Trunk: "carrier"},
		},
		Inbound: []Inbound{
			{Context: "from-carrier", Match: "+49309001", To: "PJSIP/101"},
			{Context: "from-carrier", Match: "_+49309002XX", To: "alice"},
		},
		AllowPretend: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestRoute(t *testing.T) {
	table := testTable(t)
	carrier := call.CallerID{Number: "+4930900"}
	cases := []struct {
		account call.AccountID
		typed   call.Endpoint
		want    call.Route
	}{
		{"a", "101", call.Route{Endpoint: "PJSIP/101", Number: "101", Phone: "101"}},
		{"a", "alice", call.Route{Endpoint: "PJSIP/alice", Number: "alice", Phone: "alice"}},
		{"a", "SIP/101", call.Route{Endpoint: "PJSIP/101", Number: "101", Phone: "101"}},
		{"a", "+49 (30) 123-456", call.Route{Endpoint: "PJSIP/+4930123456@carrier", Number: "+4930123456", Trunk: "carrier", CallerID: carrier}},
		{"a", "030 123456", call.Route{Endpoint: "PJSIP/+4930123456@carrier", Number: "+4930123456", Trunk: "carrier", CallerID: call.CallerID{Number: "+49301"}}},
		{"a", "00442079460018", call.Route{Endpoint: "PJSIP/+442079460018@carrier", Number: "+442079460018", Trunk: "carrier", CallerID: carrier}},
		{"vip", "0800123", call.Route{Endpoint: "PJSIP/0800123@lab", Number: "0800123", Trunk: "lab"}},
		{"a", "0800123", call.Route{Endpoint: "PJSIP/+49800123@carrier", Number: "+49800123", Trunk: "carrier", CallerID: call.CallerID{Number: "+49301"}}},
		{"a", "PJSIP/5551234@lab", call.Route{Endpoint: "PJSIP/5551234@lab", Number: "5551234", Trunk: "lab"}},
		{"a", "PJSIP/lab/sip:900@example.org", call.Route{Endpoint: "PJSIP/lab/sip:900@example.org", Number: "900", Trunk: "lab"}},
		{"a", "Local/030123456@default/n", call.Route{Endpoint: "Local/030123456@default/n", Number: "+4930123456", Trunk: "carrier", CallerID: call.CallerID{Number: "+49301"}}},
		{"a", "Local/+49309001@from-carrier", call.Route{Endpoint: "Local/+49309001@from-carrier", Number: "101", Phone: "101"}},
		{"a", "Pretend/100486?ring=2s", call.Route{Endpoint: "Pretend/100486?ring=2s", Number: "100486"}},
	}
	for _, c := range cases {
		got, err := table.Route(c.account, c.typed)
		if err != nil {
			t.Errorf("Route(%q): %v", c.typed, err)
			continue
		}
		c.want.Typed = string(c.typed)
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("Route(%q) (-want +got):\n%s", c.typed, d)
		}
	}
}

func TestRouteRefuses(t *testing.T) {
	table := testTable(t)
	for typed, want := range map[call.Endpoint]string{
		"":                        "nothing to dial",
		"bob":                     "not a phone's name",
		"999":                     "no route matches",
		"PJSIP/bob":               "no phone is named",
		"PJSIP/carrier":           "is a trunk",
		"PJSIP/1@nowhere":         "no trunk is named",
		"PJSIP/nowhere/sip:1@h":   "no phone and no trunk",
		"PJSIP/lab/1@h":           "SIP address is needed",
		"DAHDI/1":                 "not known",
		"Local/@default":          "needs an extension",
		"Local/030123@from-lab":   "no inbound rule",
		"101\r\nX-Evil: 1":        "control characters",
		"PJSIP/1\"<evil>@carrier": "not a number",
		"++49":                    "not a phone's name",
		"0012345678901234567890123456789012345678901234567890123456789012345": "not a number",
	} {
		_, err := table.Route("a", typed)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Route(%q) error = %v, want one with %q", typed, err, want)
		}
	}
}

func TestInboundFromTrunkNeverDialsOut(t *testing.T) {
	table := testTable(t)
	for dialled, want := range map[string]call.Endpoint{
		"+493090012": "PJSIP/101", "+4930900277": "PJSIP/alice", "102": "PJSIP/102",
	} {
		got, err := table.Inbound("a", "from-carrier", dialled)
		if err != nil || got.Endpoint != want {
			t.Errorf("Inbound(%q) = %q, %v; want %q", dialled, got.Endpoint, err, want)
		}
	}
	if to, err := table.Inbound("a", "from-carrier", "00442079460018"); err == nil {
		t.Errorf("a trunk's call to an outside number was routed to %q", to.Endpoint)
	}
	to, err := table.Inbound("a", "internal", "00442079460018")
	if err != nil || to.Endpoint != "PJSIP/+442079460018@carrier" || to.CallerID.Number != "+4930900" {
		t.Errorf("Inbound(internal) = %+v, %v", to, err)
	}
}

func TestExplainTellsEachStep(t *testing.T) {
	tr := testTable(t).Explain("a", "030 12-34")
	want := []Step{
		{"compact", "030 12-34", "0301234", "blanks and punctuation removed"},
		{"national", "0301234", "+49301234", "by trunk carrier"},
	}
	if d := cmp.Diff(want, tr.Steps); d != "" {
		t.Error(d)
	}
}

func TestNewReportsAllMistakes(t *testing.T) {
	_, err := New(Config{Rules: []Rule{{Match: "_0.1", Trunk: "x", Strip: -1, Prepend: "a"}}, Inbound: []Inbound{{Match: "_["}}})
	for _, want := range []string{"routes[0].match", "routes[0].trunk", "routes[0].prepend", "routes[0].strip", "inbound[0].match"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v lacks %s", err, want)
		}
	}
}

func TestLocalCircleEnds(t *testing.T) {
	table, err := New(Config{Inbound: []Inbound{{Match: "", To: "Local/1@loop"}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := table.Route("a", "Local/1@loop"); err == nil || !strings.Contains(err.Error(), "circle") {
		t.Errorf("error = %v, want a circle", err)
	}
}

func FuzzRoute(f *testing.F) {
	for _, s := range []string{"101", "PJSIP/1@carrier", "Local/1@a/n", "PJSIP/lab/sip:1@h", "/", "PJSIP/"} {
		f.Add(s)
	}
	table, err := New(Config{Phones: []string{"101"}, Trunks: []Trunk{{Name: "carrier"}, {Name: "lab"}}, Rules: []Rule{{Match: "0", Trunk: "lab", Strip: 1}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := table.Route("a", call.Endpoint(s))
		if err == nil && (r.Endpoint.Tech() == "" || strings.ContainsAny(string(r.Endpoint), "\r\n")) {
			t.Fatalf("%q resolved to %q", s, r.Endpoint)
		}
	})
}
