package ari

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// given makes parameters of a query string and a JSON body.
func given(t *testing.T, query, body string) *Params {
	t.Helper()
	p := &Params{Query: ParseQuery(query)}
	if err := p.SetBody("application/json; charset=utf-8", []byte(body)); err != nil {
		t.Fatalf("body %s: %v", body, err)
	}
	return p
}

func TestParamsLookup(t *testing.T) {
	for _, c := range []struct {
		name, query, form, body string
		want                    string
		has                     bool
	}{
		{name: "nowhere"},
		{name: "in the query", query: "x=q", want: "q", has: true},
		{name: "empty", query: "x=", want: "", has: true},
		{name: "without a value", query: "x", want: "", has: true},
		{name: "the last in the query", query: "x=1&x=2", want: "2", has: true},
		{name: "query over form", query: "x=q", form: "x=f", want: "q", has: true},
		{name: "form", form: "x=f", want: "f", has: true},
		{name: "body over query", query: "x=q", form: "x=f", body: `{"x":"b"}`, want: "b", has: true},
		{name: "number", body: `{"x":1700000000000}`, want: "1700000000000", has: true},
		{name: "truth", body: `{"x":true}`, want: "true", has: true},
		{name: "null", body: `{"x":null}`},
		{name: "null over query", query: "x=q", body: `{"x":null}`, want: "q", has: true},
		{name: "object", body: `{"x":{"y":1}}`},
		{name: "escapes", query: "x=a%20b+c%2Cd&y=1", want: "a b c,d", has: true},
		{name: "bad escapes", query: "x=100%&y=%zz", want: "100%", has: true},
		{name: "semicolon", query: "x=tone:ring;tonezone=us", want: "tone:ring;tonezone=us", has: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := given(t, c.query, c.body)
			p.Form = ParseQuery(c.form)
			got, has := p.Lookup("x")
			if got != c.want || has != c.has || p.Has("x") != c.has || p.String("x") != c.want {
				t.Errorf("got %q, %t, want %q, %t", got, has, c.want, c.has)
			}
		})
	}
}

func TestParamsList(t *testing.T) {
	for _, c := range []struct {
		query, body string
		want        []string
	}{
		{"", "", nil},
		{"x=", "", nil},
		{"x=a,b", "", []string{"a", "b"}},
		{"x=a&x=b", "", []string{"b"}}, // spec: ari 2.3 rule 3
		{"x=,a,,b,", "", []string{"a", "b"}},
		{"x=CUT(a,-,1),b", "", []string{"CUT(a,-,1)", "b"}},
		{`x="a,b",c`, "", []string{"a,b", "c"}},
		{"", `{"x":["a","b",3,null,""]}`, []string{"a", "b", "3"}},
		{"", `{"x":"tone:350+440,0/1000"}`, []string{"tone:350+440,0/1000"}},
		{"x=q", `{"x":[]}`, nil},
	} {
		if diff := cmp.Diff(c.want, given(t, c.query, c.body).List("x")); diff != "" {
			t.Errorf("query %q, body %s (-want +got)\n%s", c.query, c.body, diff)
		}
	}
}

func TestParamsNumbers(t *testing.T) {
	for _, c := range []struct {
		query, body string
		want        int
	}{
		{"", "", 7},
		{"x=5", "", 5},
		{"x=-5", "", -5},
		{"x=%2B5", "", 5},
		{"x= 12abc", "", 12},
		{"x=abc", "", 0},
		{"x=", "", 0},
		{"x=-", "", 0},
		{"x=1e3", "", 1},
		{"x=99999999999999999999", "", 2147483647},
		{"x=-99999999999999999999", "", -2147483648},
		{"", `{"x":5}`, 5},
		{"", `{"x":"5"}`, 5},
		{"", `{"x":5.9}`, 5},
		{"", `{"x":1e3}`, 1000},
		{"", `{"x":1e400}`, 2147483647},
		{"", `{"x":true}`, 0},
		{"x=3", `{"x":[1]}`, 3},
	} {
		if got := given(t, c.query, c.body).Int("x", 7); got != c.want {
			t.Errorf("query %q, body %s: %d, want %d", c.query, c.body, got, c.want)
		}
	}
	p := given(t, "x=1500", "")
	if p.Milliseconds("x", 0) != 1500*time.Millisecond || p.Seconds("y", 30) != 30*time.Second {
		t.Errorf("durations: %v, %v", p.Milliseconds("x", 0), p.Seconds("y", 30))
	}
}

func TestParamsBool(t *testing.T) {
	for text, want := range map[string]bool{
		"yes": true, "TRUE": true, "y": true, "T": true, "1": true, "on": true,
		"": false, "no": false, "0": false, "2": false, "truely": false,
	} {
		if got := given(t, "x="+text, "").Bool("x"); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
	if p := given(t, "", `{"x":true,"y":false,"z":1}`); !p.Bool("x") || p.Bool("y") || !p.Bool("z") || p.Bool("none") {
		t.Error("booleans of a body")
	}
}

func TestParamsVariables(t *testing.T) {
	const (
		each   = "Each value in 'variables' must be a string or an object with 'value' and optional 'report_events'"
		object = "Each object value in 'variables' must include string field 'value'"
	)
	for _, c := range []struct {
		body    string
		want    []NameValue
		refused string
	}{
		{body: ``},
		{body: `{}`},
		{body: `{"variables":null}`},
		{body: `{"variables":{}}`, want: []NameValue{}},
		{body: `{"variables":{"Z":"1","CALLERID(num)":"2","A":"3"}}`, want: []NameValue{{Name: "Z", Value: "1"}, {Name: "CALLERID(num)", Value: "2"}, {Name: "A", Value: "3"}}},
		{body: `{"variables":{"A":"1","B":"2","A":"3"}}`, want: []NameValue{{Name: "A", Value: "3"}, {Name: "B", Value: "2"}}},
		{body: `{"variables":{"A":{"value":"1","report_events":true},"B":{"value":"2"}}}`, want: []NameValue{{Name: "A", Value: "1", ReportEvents: true}, {Name: "B", Value: "2"}}},
		{body: `{"variables":{"a":1}}`, refused: each}, // vectors 18
		{body: `{"variables":{"a":null}}`, refused: each},
		{body: `{"variables":{"a":["x"]}}`, refused: each},
		{body: `{"variables":{"a":{"val":1}}}`, refused: object}, // vectors 18
		{body: `{"variables":{"a":{"value":1}}}`, refused: object},
		{body: `{"variables":["a"]}`, refused: "Field 'variables' must be an object"},
	} {
		got, err := given(t, "", c.body).Variables()
		if diff := cmp.Diff(c.want, got); diff != "" || refusal(err) != c.refused {
			t.Errorf("%s: error %v (-want +got)\n%s", c.body, err, diff)
		}
	}
	byHand := &Params{Body: map[string]any{"variables": map[string]any{"b": "2", "a": "1"}}}
	if got, err := byHand.Variables(); err != nil || len(got) != 2 || got[0].Name != "a" {
		t.Errorf("body set by hand: %v, %v", got, err)
	}
}

// refusal gives the text of a 400, "" of nil.
func refusal(err error) string {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok && e.Status == 400 {
		return e.Message
	}
	return "not a 400: " + err.Error()
}

func TestParamsFields(t *testing.T) {
	got, err := given(t, "", `{"fields":[{"attribute":"b","value":"1"},{"attribute":"a","value":""}]}`).Fields()
	want := []ConfigTuple{{Attribute: "b", Value: "1"}, {Attribute: "a"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
	if got, err := given(t, "", "").Fields(); got != nil || err != nil {
		t.Errorf("no body: %v, %v", got, err)
	}
	for _, body := range []string{`{"fields":{}}`, `{"fields":["a"]}`, `{"fields":[{"value":"x"}]}`, `{"fields":[{"attribute":1,"value":"x"}]}`} {
		if _, err := given(t, "", body).Fields(); refusal(err) == "" {
			t.Errorf("%s is taken", body)
		}
	}
}

func TestParamsBody(t *testing.T) {
	deep := func(n int) string { return `{"x":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}` }
	for _, c := range []struct {
		name, kind, body string
		want             error
	}{
		{"JSON", "application/json", `{"x":"1"}`, nil},
		{"JSON with charset", "Application/JSON; charset=utf-8", `{"x":"1"}`, nil},
		{"empty", "application/json", "", nil},
		{"blank", "application/json", " \r\n", nil},
		{"array", "application/json", `["x"]`, nil},
		{"bare text", "application/json", `"x"`, ErrBody},
		{"cut off", "application/json", `{"x":`, ErrBody},
		{"more after it", "application/json", `{"x":"1"} {}`, ErrBody},
		{"no UTF-8", "application/json", "{\"x\":\"\xff\"}", ErrBody},
		{"NUL", "application/json", `{"x":"a\u0000b"}`, ErrBody},
		{"deep", "application/json", deep(MaxDepth - 1), nil},
		{"too deep", "application/json", deep(MaxDepth), ErrBody},
		{"bomb", "application/json", strings.Repeat("[", MaxBody), ErrBody},
		{"brackets in a text", "application/json", `{"x":"` + strings.Repeat(`[\"`, 500) + `"}`, nil},
		{"largest", "application/json", `{"x":"` + strings.Repeat("a", MaxBody-8) + `"}`, nil},
		{"too large", "application/json", `{"x":"` + strings.Repeat("a", MaxBody-7) + `"}`, ErrBodyTooLarge},
		{"form too large", "application/x-www-form-urlencoded", strings.Repeat("a", MaxBody+1), ErrBodyTooLarge},
		{"other type", "text/plain", `{"x":`, nil},
		{"other type too large", "text/plain", strings.Repeat("a", MaxBody+1), nil},
		{"no type", "", `{"x":`, nil},
		{"bad type", ";;", `{"x":`, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var p Params
			if err := p.ReadBody(c.kind, strings.NewReader(c.body)); err != c.want && !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
	var p Params
	if err := p.SetBody("application/x-www-form-urlencoded", []byte("a=1&b=x+y&a=2")); err != nil || p.String("a") != "2" || p.String("b") != "x y" {
		t.Errorf("form: %v %v", p.Form, err)
	}
}

func TestParamsFilter(t *testing.T) {
	list := func(names ...string) *[]string { l := append([]string{}, names...); return &l }
	for _, c := range []struct {
		body                string
		allowed, disallowed *[]string
		refused             bool
	}{
		{body: ``, allowed: list(), disallowed: list()},
		{body: `{}`, allowed: list(), disallowed: list()},
		{body: `{"allowed":[]}`, allowed: list()},
		{body: `{"disallowed":[{"type":"ChannelVarset"}]}`, disallowed: list("ChannelVarset")},
		{body: `{"allowed":[{"type":"A"},{"type":"b"}],"disallowed":[{"type":"Unheard"}]}`, allowed: list("A", "b"), disallowed: list("Unheard")},
		{body: `{"filter":{"allowed":[{"type":"A"}]}}`, allowed: list("A")},
		{body: `{"allowed":"x"}`, refused: true},          // vectors 15
		{body: `{"allowed":[{"nope":1}]}`, refused: true}, // vectors 15
		{body: `{"allowed":[{"type":1}]}`, refused: true},
		{body: `{"allowed":["A"]}`, refused: true},
		{body: `{"allowed":null}`, refused: true},
		{body: `{"allowed":[],"disallowed":{}}`, refused: true},
	} {
		allowed, disallowed, err := given(t, "", c.body).Filter()
		if c.refused {
			if refusal(err) != "Invalid format definition" || allowed != nil || disallowed != nil {
				t.Errorf("%s: %v", c.body, err)
			}
			continue
		}
		if diff := cmp.Diff(c.allowed, allowed) + cmp.Diff(c.disallowed, disallowed); diff != "" || err != nil {
			t.Errorf("%s: error %v (-want +got)\n%s", c.body, err, diff)
		}
	}
}
