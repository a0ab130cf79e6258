package vodia_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/wire/vodia"
)

func TestParseCallRequest(t *testing.T) {
	for body, want := range map[string]vodia.CallRequest{
		`{"remote-dial":"6173998147","name":"Joe Doe"}`:         {Action: vodia.RemoteDial, Number: "6173998147", Name: "Joe Doe"},
		` {"remote-dial":"(617) 399", "name":null} ` + "\n":     {Action: vodia.RemoteDial, Number: "(617) 399"},
		`{"remote-dial":100}`:                                   {Action: vodia.RemoteDial, Number: "100"},
		`{"remote-dial":12345678901234567890123}`:               {Action: vodia.RemoteDial, Number: "12345678901234567890123"},
		`{"name":"J\u00f6rg\r\n","remote-dial":"1","x":[{}]}`:   {Action: vodia.RemoteDial, Number: "1", Name: "Jörg"},
		`{"Remote-Dial":"2","remote-dial":"1"}`:                 {Action: vodia.RemoteDial, Number: "1"}, // names are case-sensitive
		`{"hangup":"c1"}`:                                       {Action: vodia.Hangup, ID: "c1"},
		`{"hangup":12}`:                                         {Action: vodia.Hangup, ID: "12"},
		`{"hangup":"c1","id":"c2","comment":"x"}`:               {Action: vodia.Hangup, ID: "c1"},
		`{"reject":"c1"}`:                                       {Action: vodia.Reject, ID: "c1"},
		`{"transfer":"c1","number":"200"}`:                      {Action: vodia.Transfer, ID: "c1", Number: "200"},
		`{"transfer":"c1","number":200,"id":null}`:              {Action: vodia.Transfer, ID: "c1", Number: "200"},
		`{"transfer":"c1","id":"c2"}`:                           {Action: vodia.Transfer, ID: "c1", With: "c2"},
		`{"remote-answer":"c1"}`:                                {Action: vodia.RemoteAnswer, ID: "c1"},
		`{"remote-hold":"c1"}`:                                  {Action: vodia.RemoteHold, ID: "c1"},
		`{"remote-resume":"c1"}`:                                {Action: vodia.RemoteResume, ID: "c1"},
		`{"id":"c1","comment":"was angry"}`:                     {ID: "c1", Comment: "was angry"},
		`{"id":"c1","category":"sales"}`:                        {ID: "c1", Category: "sales"},
		`{"id":1,"comment":"","category":"sales","name":[1,2]}`: {ID: "1", Category: "sales"},
	} {
		got, err := vodia.ParseCallRequest([]byte(body))
		if err != nil {
			t.Errorf("%s: %v", body, err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", body, d)
		}
	}
}

func TestParseCallRequestRefuses(t *testing.T) {
	for _, body := range []string{
		// No JSON object.
		``, `remote-dial=1`, `null`, `"1"`, `1`, `true`, `[]`, `[{"remote-dial":"1"}]`, `{"remote-dial":"1"`, `{"remote-dial":"1"}}`,
		`{"remote-dial":"1"}{"remote-dial":"2"}`, `{"remote-dial":"1"},`, `{'remote-dial':'1'}`, "{\"remote-dial\":\"\xff\"}", "\ufeff{}",
		strings.Repeat(`{"a":`, 20_000),
		// Not exactly one action.
		`{}`, `{"name":"Joe"}`, `{"id":"c1"}`, `{"comment":"x"}`, `{"id":"c1","comment":null}`, `{"id":null,"comment":"x"}`,
		`{"remote-dial":"1","hangup":"c1"}`, `{"hangup":"c1","hangup":"c2"}`, `{"hangup":null,"reject":"c1"}`, `{"remote-hold":"c1","remote-resume":"c1"}`,
		`{"HANGUP":"c1"}`, `{"name":"a","remote-dial":"1","name":"b"}`,
		// Values of other kinds.
		`{"remote-dial":null}`, `{"remote-dial":true}`, `{"remote-dial":["1"]}`, `{"remote-dial":{"1":"1"}}`,
		`{"remote-dial":-100}`, `{"remote-dial":1.5}`, `{"remote-dial":1e3}`, `{"remote-dial":"1","name":["x"]}`, `{"remote-dial":"1","name":1}`,
		`{"hangup":""}`, `{"hangup":null}`, `{"hangup":["c1"]}`, `{"hangup":{"id":"c1"}}`, `{"hangup":false}`,
		`{"transfer":"c1"}`, `{"transfer":"c1","number":"200","id":"c2"}`, `{"transfer":"c1","number":""}`, `{"transfer":"c1","number":["200"]}`,
		`{"transfer":"c1","id":{"x":1}}`, `{"transfer":"","number":"200"}`,
		`{"id":"","comment":"x"}`, `{"id":["c1"],"comment":"x"}`, `{"id":"c1","comment":1}`, `{"id":"c1","comment":"x","category":[]}`,
	} {
		got, err := vodia.ParseCallRequest([]byte(body))
		e, ok := errors.AsType[*vodia.Error](err)
		if !ok || e.Code != vodia.BadRequest || got != (vodia.CallRequest{}) {
			t.Errorf("%.100s gives %+v, %v", body, got, err)
		}
	}
	if _, err := vodia.ParseCallRequest([]byte(`{"remote-dial":""}`)); err != vodia.ErrDestMissing {
		t.Errorf("no number: %v", err)
	}
}

// TestErrorsTellNothing proves that what was sent is not said back.
func TestErrorsTellNothing(t *testing.T) {
	const odd = "c0ffee-s3cret"
	for _, body := range []string{odd, `{"` + odd + `":1}`, `{"hangup":["` + odd + `"]}`, `{"remote-dial":{"` + odd + `":1}}`} {
		if _, err := vodia.ParseCallRequest([]byte(body)); err == nil || strings.Contains(err.Error(), odd) {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestDone(t *testing.T) {
	b, err := vodia.Done{ID: "c1"}.MarshalJSON()
	if err != nil || string(b) != `{"ok":true,"id":"c1"}` {
		t.Errorf("%s, %v", b, err)
	}
}
