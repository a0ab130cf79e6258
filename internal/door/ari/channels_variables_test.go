package ari

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/pbx"
)

// value asks for a variable of a channel.
func (h *office) value(id, name string) string {
	h.t.Helper()
	a := h.must(200, "GET", "/channels/"+id+"/variable", query("variable", name), nil)
	v, _ := a.body.(map[string]any)["value"].(string)
	return v
}

func TestReadVariables(t *testing.T) {
	h, _ := callOffice(t, nil)
	c := h.up("V")
	for _, v := range [][2]string{{"A", "two"}, {"__INH", "i"}, {"CALLERID(all)", "Zed <77>"}, {"CDR(userfield)", "u"}, {"CHANNEL(language)", "de"}} {
		h.must(204, "POST", "/channels/V/variable", query("variable", v[0], "value", v[1]), nil)
	}
	for name, want := range map[string]string{
		"A": "two", "INH": "i", "CALLERID(num)": "77", "CALLERID(name)": "Zed", "CHANNEL(state)": "Up", "CDR(userfield)": "u", "CHANNEL(language)": "de",
		"EXTEN": "s", "CONTEXT": "from-callee", "PRIORITY": "1", "UNIQUEID": "V", "CHANNEL": c.Name(), "GLOBVAR": "hello", "STASISSTATUS": "",
	} {
		if got := h.value("V", name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
}

func TestUnsetVariables(t *testing.T) {
	h, _ := callOffice(t, nil)
	h.up("V")
	set := func(pairs ...string) { h.must(204, "POST", "/channels/V/variable", query(pairs...), nil) }
	set("variable", "A", "value", "1", "report_events", "true")
	if got := h.must(200, "GET", "/channels/V", "", nil).body.(map[string]any)["channelvars"]; !cmp.Equal(got, map[string]any{"A": "1"}) {
		t.Errorf("reported %v", got)
	}
	set("variable", "A", "value", "")
	if got := h.value("V", "A"); got != "" {
		t.Errorf("A = %q", got)
	}
	set("variable", "A")
	h.want("GET", "/channels/V/variable", query("variable", "A"), http.StatusNotFound, "Provided variable was not found")
	if got := h.must(200, "GET", "/channels/V", "", nil).body.(map[string]any)["channelvars"]; got != nil {
		t.Errorf("reported %v", got)
	}
	set("variable", "__B", "value", "1")
	set("variable", "__B")
	h.want("GET", "/channels/V/variable", query("variable", "B"), http.StatusNotFound, "Provided variable was not found")
}

// Functions that reach out of the server have no effect, although this dialplan
// may use them all (spec: ari 8.1 rule 5).
func TestFunctionsThatReachOut(t *testing.T) {
	h, _ := callOffice(t, nil)
	h.up("V")
	h.must(204, "POST", "/channels/V/variable", query("variable", "CMD", "value", "${SHELL(echo out)}"), nil)
	for _, name := range []string{
		"SHELL(echo out)", "shell(echo out)", "ENV(HOME)", "FILE(/etc/hostname)", "STAT(e,/etc/hostname)", "EVAL(${CMD})", "EVAL(${SHELL(echo out)})",
		"TOUPPER(SHELL(x))", "CURL(http://127.0.0.1/)",
	} {
		h.want("GET", "/channels/V/variable", query("variable", name), http.StatusInternalServerError, "Unable to read provided function")
		h.want("GET", "/channels/V/variables", query("variables", `"`+name+`"`), http.StatusInternalServerError, "Unable to read provided function")
	}
	t.Setenv("DIALWRIGHT_TEST_ENV", "before")
	for _, name := range []string{"ENV(DIALWRIGHT_TEST_ENV)", "SHELL(touch x)", "BOGUS(x)"} {
		h.must(204, "POST", "/channels/V/variable", query("variable", name, "value", "after"), nil)
		h.must(204, "POST", "/channels/V/variables", "", map[string]any{"variables": map[string]any{name: "after"}})
		h.must(200, "POST", "/channels/create", query("endpoint", "PJSIP/silent@callee", "app", "lab"), map[string]any{"variables": map[string]any{name: "after"}})
		h.must(200, "POST", "/channels", query("endpoint", "PJSIP/silent@callee", "app", "lab"), map[string]any{"variables": map[string]any{name: "after"}})
	}
	if got, _ := h.live("V").ReadVariable(t.Context(), "ENV(DIALWRIGHT_TEST_ENV)"); got != "before" {
		t.Errorf("the environment says %q", got)
	}
}

func TestReachesOut(t *testing.T) {
	for name, want := range map[string][2]bool{ // reading, writing
		"CALLERID(num)":         {false, false},
		"DB(family/key)":        {false, true},
		"DB_DELETE(family/key)": {true, true},
		"GLOBAL(X)":             {false, false},
		"SHARED(X)":             {false, true},
		"LEN(SHELL(ls))":        {true, true},
		"LEN(MYSHELL(ls))":      {false, false},
		"eval($[1+1])":          {true, true},
		"EVAL(x)":               {false, false},
		"IF($[1]?a:b)":          {false, false},
		"((((":                  {false, false},
	} {
		if got := [2]bool{pbx.ReachesOut(name, false), pbx.ReachesOut(name, true)}; got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

func FuzzReachesOut(f *testing.F) {
	for _, s := range []string{"SHELL(x)", "LEN(SHELL(x))", "A", "(", "EVAL(${X})", "é(SHELL(x))"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		pbx.ReachesOut(name, false)
		if !pbx.ReachesOut("LEN("+name+" SHELL(x))", false) {
			t.Errorf("SHELL within %q goes unseen", name)
		}
	})
}
