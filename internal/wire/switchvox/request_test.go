package switchvox_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/wire/switchvox"
)

// parse reads a body that must have a fault of this code; 0 = none.
func parse(t *testing.T, f switchvox.Format, body string, code int) switchvox.Request {
	t.Helper()
	r, err := switchvox.Parse(f, []byte(body))
	got := 0
	if err != nil {
		got = err.Code
	}
	if got != code {
		t.Errorf("%.200s: %v, want %d", body, err, code)
	}
	return r
}

func TestEnvelopes(t *testing.T) {
	many := func(s string, n int) string { return strings.Repeat(s, n) }
	in := func(s string) string { return `<request method="m"><parameters>` + s + `</parameters></request>` }
	bomb := `<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa">`
	for i := range 20 {
		bomb += fmt.Sprintf(`<!ENTITY a%d "&a%d;&a%d;">`, i+1, i, i)
	}
	for _, c := range []struct {
		name   string
		format switchvox.Format
		body   string
		code   int
	}{
		{"empty", switchvox.XML, "", 90001},
		{"space", switchvox.XML, " \n", 90001},
		{"not XML", switchvox.XML, "hello", 90001},
		{"another root", switchvox.XML, `<response method="m"/>`, 90001},
		{"no method", switchvox.XML, `<request><parameters/></request>`, 90002},
		{"blank method", switchvox.XML, `<request method=" "/>`, 90002},
		{"no parameters", switchvox.XML, `<request method="m"/>`, 0},
		{"declaration", switchvox.XML, "<?xml version='1.0' encoding='utf8'?>\r\n<request method = 'm' />\n", 0},
		{"byte order mark", switchvox.XML, "\ufeff<?xml version='1.0'?><request method='m'/>", 0},
		{"Latin 1", switchvox.XML, "<?xml version='1.0' encoding='ISO-8859-1'?><request method='m'><a>\xfc</a></request>", 0},
		{"a string of .NET", switchvox.XML, "<?xml version=\"1.0\" encoding=\"utf-16\"?><request method='m'><a>\u00fc</a></request>", 0},
		{"Windows", switchvox.XML, "<?xml version='1.0' encoding='Windows-1252'?><request method='m'><a>\xfc\x93</a></request>", 0},
		{"UTF-16 itself", switchvox.XML, "\xff\xfe<\x00r\x00e\x00q\x00u\x00e\x00s\x00t\x00/\x00>\x00", 90001},
		{"unknown encoding", switchvox.XML, "<?xml version='1.0' encoding='EBCDIC'?><request method='m'/>", 90001},
		{"comment", switchvox.XML, "<!-- x --><request method='m'><!-- < --></request><!-- y -->", 0},
		{"name space", switchvox.XML, "<s:request xmlns:s='urn:x' method='m'/>", 0},
		{"not closed", switchvox.XML, "<request method='m'><parameters>", 90001},
		{"closed crosswise", switchvox.XML, "<request method='m'><a><b></a></b></request>", 90001},
		{"two roots", switchvox.XML, "<request method='m'/><request method='n'/>", 90001},
		{"text behind", switchvox.XML, "<request method='m'/>x", 90001},
		{"text before", switchvox.XML, "x<request method='m'/>", 90001},
		{"document type", switchvox.XML, "<!DOCTYPE request><request method='m'/>", 90001},
		{"document type within", switchvox.XML, in("<!DOCTYPE x><a/>"), 90001},
		{"document type in a value", switchvox.XML, in("<a><!DOCTYPE x></a>"), 90001},
		{"external entity", switchvox.XML, `<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><request method="m"><parameters><a>&x;</a></parameters></request>`, 90001},
		{"parameter entity", switchvox.XML, `<!DOCTYPE r [<!ENTITY % x SYSTEM "http://127.0.0.1/x.dtd"> %x;]><request method="m"/>`, 90001},
		{"entity bomb", switchvox.XML, bomb + `]><request method="m"><parameters><a>&a20;</a></parameters></request>`, 90001},
		{"undeclared entity", switchvox.XML, in("<a>&x;</a>"), 90001},
		{"known entity", switchvox.XML, in("<a>&amp;&#65;</a>"), 0},
		{"deep", switchvox.XML, in(many("<a>", 15) + many("</a>", 15)), 90001},
		{"not too deep", switchvox.XML, in(many("<a>", 14) + many("</a>", 14)), 0},
		{"very deep", switchvox.XML, many("<a>", 80_000), 90001},
		{"deep beside the parameters", switchvox.XML, "<request method='m'>" + many("<a>", 50_000), 90001},
		{"many", switchvox.XML, in(many("<a/>", 10_000)), 90001},
		{"long list", switchvox.XML, in("<l>" + many("<a/>", 1001) + "</l>"), 90001},
		{"NUL", switchvox.XML, in("<a>\x00</a>"), 90001},

		{"empty", switchvox.JSON, "", 90001},
		{"empty object", switchvox.JSON, "{}", 90001},
		{"null", switchvox.JSON, "null", 90001},
		{"array", switchvox.JSON, `[{"request":{"method":"m"}}]`, 90001},
		{"request is an array", switchvox.JSON, `{"request":[{"method":"m"}]}`, 90001},
		{"request is a text", switchvox.JSON, `{"request":"m"}`, 90001},
		{"request is null", switchvox.JSON, `{"request":null}`, 90001},
		{"parameters are an array", switchvox.JSON, `{"request":{"method":"m","parameters":[]}}`, 90001},
		{"parameters are a text", switchvox.JSON, `{"request":{"method":"m","parameters":"x"}}`, 90001},
		{"parameters are null", switchvox.JSON, `{"request":{"method":"m","parameters":null}}`, 0},
		{"no parameters", switchvox.JSON, `{"request":{"method":"m"}}`, 0},
		{"no method", switchvox.JSON, `{"request":{"parameters":{}}}`, 90002},
		{"method is no text", switchvox.JSON, `{"request":{"method":["m"]}}`, 90002},
		{"other names", switchvox.JSON, `{"Request":{"method":"m"}}`, 90001},
		{"text behind", switchvox.JSON, `{"request":{"method":"m"}} x`, 90001},
		{"two", switchvox.JSON, `{"request":{"method":"m"}}{"request":{"method":"m"}}`, 90001},
		{"byte order mark", switchvox.JSON, "\ufeff" + `{"request":{"method":"m"}}`, 0},
		{"others", switchvox.JSON, `{"a":[1,{"b":2}],"request":{"version":"1","x":{"y":[]},"method":"m"},"z":0}`, 0},
		{"deep", switchvox.JSON, `{"request":{"method":"m","parameters":{"a":` + many("[", 20) + many("]", 20) + `}}}`, 90001},
		{"very deep", switchvox.JSON, many("[", 100_000), 90001},
		{"deep beside", switchvox.JSON, `{"a":` + many("[", 9000) + many("]", 9000) + `,"request":{"method":"m"}}`, 90001},
		{"many", switchvox.JSON, `{"request":{"method":"m","parameters":{"a":[` + many("[],", 9999) + `[]]}}}`, 90001},
		{"long list", switchvox.JSON, `{"request":{"method":"m","parameters":{"a":[` + many("1,", 1000) + `1]}}}`, 90001},
	} {
		t.Run(fmt.Sprintf("%d %s", c.format, c.name), func(t *testing.T) { parse(t, c.format, c.body, c.code) })
	}
}

// The same parameters come out of both envelopes, of a repeated one the first.
func TestParameters(t *testing.T) {
	want := switchvox.Call{
		First: "101", Second: "301", Account: "1106", Name: "Ada & Co", Wait: 5 * time.Second, WaitSecond: 30 * time.Second, Keep: true,
		Variables: []switchvox.Variable{{Name: "a", Value: "1"}, {Name: "b", Value: "x=y"}, {Name: "c", Value: ""}},
	}
	const x = `<parameters><other><x><y/></x></other><dial_first> 101 </dial_first><dial_first>9</dial_first><dial_second>301</dial_second>
	 <dial_as_account_id>1106</dial_as_account_id><caller_id_name>Ada &amp; Co</caller_id_name><timeout>5</timeout><timeout_second_call/>
	 <variables><variable>a=1</variable><variable/><variable> b = x=y </variable><else>q=1</else><variable>c=</variable></variables>
	 <ignore_user_api_settings>1</ignore_user_api_settings></parameters>`
	const j = `"dial_first":101,"dial_first":"9","dial_second":"301","dial_as_account_id":1106,"caller_id_name":"Ada & Co","timeout":5,
	 "timeout_second_call":null,"ignore_user_api_settings":true,"other":[[{"x":1}]],"auto_answer":false,"variables":`
	for _, c := range []struct {
		format switchvox.Format
		body   string
	}{
		{switchvox.XML, `<request method="switchvox.call">` + x + `<parameters><dial_first>8</dial_first></parameters></request>`},
		{switchvox.JSON, `{"request":{"method":"switchvox.call","parameters":{` + j + `["a=1",null,"b = x=y","","c="]},"parameters":{"dial_first":"8"},"method":"other"},"request":1}`},
		{switchvox.JSON, `{"request":{"method":"switchvox.call","parameters":{` + j + `{"variable":["a=1","b=x=y","c="],"else":"q=1"}}}}`},
		{switchvox.JSON, `{"request":{"method":"switchvox.call","parameters":{` + j + `[{"variable":"a=1"},{"variable":["b=x=y"]},"c="]}}}`},
	} {
		got, errs := switchvox.ParseCall(parse(t, c.format, c.body, 0), false)
		if d := cmp.Diff(want, got); d != "" || len(errs) > 0 {
			t.Errorf("%s: %v\n%s", c.body, errs, d)
		}
	}
}

func TestFaults(t *testing.T) {
	for _, c := range []struct {
		parameters string // of JSON
		codes      string
	}{
		{`"dial_first":["101"],"dial_second":{"x":"1"},"dial_as_account_id":[]`, "54222 54222 10014"},
		{`"dial_first":"١٢٣","dial_second":"1 2","dial_as_account_id":"-1"`, "54222 54222 10014"},
		{`"dial_first":1.5,"dial_second":1e3,"dial_as_account_id":true`, "54222 54222"},
		{`"dial_first":"*#1","dial_second":"#","dial_as_account_id":"1","variables":"balance=1"`, ""},
		{`"dial_first":"1","dial_second":"1","dial_as_account_id":"1","caller_id_name":"é","variables":["1a=2","x"],"timeout":"1000","timeout_second_call":1.5,"ignore_user_api_settings":2,"ignore_user_call_rules":"x","auto_answer":"on"`,
			"35561 84904 75233 75233 17769 17769 17769"},
		{`"dial_first":"1","dial_second":"1","dial_as_account_id":"1","variables":{"variable":[["a=1"]]}`, ""},
		{`"dial_first":"1","dial_second":"1","dial_as_account_id":"1","variables":{"variable":{"variable":"a=1"}}`, ""},
		{`"dial_first":"1","dial_second":"1","dial_as_account_id":"1","timeout":"+1"`, "75233"},
		{`"dial_first":"1","dial_second":"1","dial_as_account_id":"1","timeout":"0000"`, "75233"},
		{`"dial_first":"1","dial_second":"1","dial_as_account_id":"1","variables":["__x=1"]`, ""},
		{`"dial_first":"1","dial_second":"1","dial_as_account_id":"1","variables":["CALLERID(num)=1"]`, "84904"},
	} {
		_, errs := switchvox.ParseCall(parse(t, switchvox.JSON, `{"request":{"method":"switchvox.call","parameters":{`+c.parameters+`}}}`, 0), false)
		if got := codes(errs); got != c.codes {
			t.Errorf("%s: %s, want %s", c.parameters, got, c.codes)
		}
	}
	own := parse(t, switchvox.JSON, `{"request":{"method":"switchvox.users.call","parameters":{"dial_first":"1","dial_second":"2"}}}`, 0)
	if c, errs := switchvox.ParseCall(own, true); c.Account != "" || len(errs) > 0 {
		t.Errorf("%+v %v", c, errs)
	}
	if _, errs := switchvox.ParseCall(own, false); codes(errs) != "10011" || errs[0].Message != "Missing required parameter (account_id)" {
		t.Error(errs)
	}
}

func codes(errs []switchvox.Error) string {
	var list []string
	for _, e := range errs {
		list = append(list, fmt.Sprint(e.Code))
	}
	return strings.Join(list, " ")
}

func TestAdjacentParameters(t *testing.T) {
	l := switchvox.Lengths{Min: 3, Max: 6}
	ask := func(p string) switchvox.Request {
		return parse(t, switchvox.JSON, `{"request":{"method":"m","parameters":{`+p+`}}}`, 0)
	}
	i, errs := switchvox.ParseInfo(ask(`"extensions":["101","1","1234567","x",""],"account_ids":[5,"y"]`), l)
	if codes(errs) != "10012 10012 10010 10014" || errs[0].Message != "Invalid extension (1). Extension must be between 3 to 6 characters in length." || len(i.Extensions) != 4 {
		t.Errorf("%+v %v", i, errs)
	}
	for _, p := range []string{``, `"extensions":[]`, `"extensions":"","account_ids":[null]`} {
		if _, errs := switchvox.ParseInfo(ask(p), l); codes(errs) != "10000" {
			t.Errorf("%s: %v", p, errs)
		}
	}
	zone := time.FixedZone("x", 3600)
	s, errs := switchvox.ParseSearch(ask(`"min_extension":"100","extension_types":{"extension_type":["sip","ivr"]},"min_create_date":"2024-01-02","max_create_date":"2024-01-02","sort_field":"extension","sort_order":"DESC","items_per_page":5000,"page_number":"3"`), l, zone)
	want := switchvox.Search{
		Min: "100", Types: []string{"sip", "ivr"}, Since: time.Date(2024, 1, 2, 0, 0, 0, 0, zone), Until: time.Date(2024, 1, 2, 23, 59, 59, 0, zone),
		Sort: "number", Descending: true, Page: switchvox.Page{Number: 3, PerPage: 1000},
	}
	if d := cmp.Diff(want, s); d != "" || len(errs) > 0 {
		t.Errorf("%v\n%s", errs, d)
	}
	if _, errs = switchvox.ParseSearch(ask(`"min_extension":"x","max_extension":"1","min_create_date":"soon","sort_field":"age","sort_order":"up","items_per_page":0,"page_number":"x"`), l, zone); codes(errs) != "10010 10012 90007 90007 90007 90007 90007" {
		t.Error(errs)
	}
	logs, errs := switchvox.ParseLogs(ask(`"start_date":"2024-05-06 07:08:09","account_ids":["1106"],"page_number":99999999999999999999999`), zone)
	if len(errs) > 0 || !logs.Since.Equal(time.Date(2024, 5, 6, 7, 8, 9, 0, zone)) || logs.Ascending || logs.Page != (switchvox.Page{Number: 1_000_000, PerPage: 50}) {
		t.Errorf("%+v %v", logs, errs)
	}
	if _, errs := switchvox.ParseHangUp(ask(``)); codes(errs) != "10011" {
		t.Error(errs)
	}
}

func TestPages(t *testing.T) {
	for _, c := range []struct{ number, per, total, from, to, pages int }{
		{1, 10, 0, 0, 0, 1}, {1, 10, 10, 0, 10, 1}, {2, 10, 11, 10, 11, 2}, {3, 10, 11, 11, 11, 2}, {1_000_000, 1000, 5, 5, 5, 1},
	} {
		p := switchvox.Page{Number: c.number, PerPage: c.per}
		if from, to := p.Bounds(c.total); from != c.from || to != c.to || p.Pages(c.total) != c.pages {
			t.Errorf("%+v: %d to %d of %d pages", c, from, to, p.Pages(c.total))
		}
	}
}

// Values of clients come back whole in both envelopes, and break neither.
func TestAnswers(t *testing.T) {
	nasty := "a<b>&\"'\n\x01\xff" + strings.Repeat("é", 5)
	one := switchvox.Element{Name: "e", Attrs: []switchvox.Attr{switchvox.A("t", nasty), switchvox.N("n", 7), switchvox.Digits("d", "007")}}
	for _, c := range []struct {
		style switchvox.Style
		in    []switchvox.Element
		want  string
	}{
		{switchvox.Style{}, []switchvox.Element{one}, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<response method=\"m\"><result><e t=\"a&lt;b&gt;&amp;&#34;&#39;&#xA;\ufffd\ufffdééééé\" n=\"7\" d=\"007\"></e></result></response>\n"},
		{switchvox.Style{Format: switchvox.JSON}, []switchvox.Element{one}, `{"response":{"method":"m","result":{"e":{"t":"a<b>&\"'\n\u0001\ufffdééééé","n":"7","d":"007"}}}}` + "\n"},
		{switchvox.Style{Format: switchvox.JSON, Numbers: true}, []switchvox.Element{{Name: "l", Children: []switchvox.Element{
			{Name: "a", Attrs: []switchvox.Attr{switchvox.N("n", 7)}}, {Name: "b"}, {Name: "a", Attrs: []switchvox.Attr{switchvox.Digits("d", "007"), switchvox.A("t", "1")}}, {Name: "v", Text: "1.0"},
		}}}, `{"response":{"method":"m","result":{"l":{"a":[{"n":7},{"d":"007","t":"1"}],"b":{},"v":"1.0"}}}}` + "\n"},
		{switchvox.Style{}, []switchvox.Element{{Name: "v", Text: "<1>"}}, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<response method=\"m\"><result><v>&lt;1&gt;</v></result></response>\n"},
	} {
		if d := cmp.Diff(c.want, string(c.style.Result("m", c.in...))); d != "" {
			t.Error(d)
		}
	}
}

func TestDigestHeader(t *testing.T) {
	const good = `Digest username="a\"b", realm="Switchvox",nonce="n" , uri="/json", qop=auth, nc=0000000a, cnonce="c,=", response="r", algorithm=MD5`
	d, ok := switchvox.ParseDigest(good)
	if want := (switchvox.Digest{Username: `a"b`, Realm: "Switchvox", Nonce: "n", URI: "/json", QOP: "auth", NC: "0000000a", Cnonce: "c,=", Proof: "r", Algorithm: "MD5"}); !ok || d != want {
		t.Errorf("%v %+v", ok, d)
	}
	if n, ok := d.Count(); n != 10 || !ok {
		t.Error(n, ok)
	}
	if d, ok = switchvox.ParseDigest(`digest USERNAME=a,nonce=n,uri="/x",response=r,qop="auth"`); !ok || d.QOP != "" {
		t.Errorf("%v %+v", ok, d)
	}
	for _, h := range []string{
		"", "Digest", "Basic YQ==", "Digest x", `Digest username="a`, `Digest username="a" nonce="n"`, `Digest username="a",nonce="n",uri="/"`,
		`Digest ="x"`, "Digest " + strings.Repeat("a=b,", 5000), `Digest user name=a,nonce=n,uri=/,response=r`, `Digest username="a\`,
	} {
		if d, ok := switchvox.ParseDigest(h); ok {
			t.Errorf("%.60q: %+v", h, d)
		}
	}
}
