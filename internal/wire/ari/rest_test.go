package ari

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestRESTRequestAsCaptured sends what was sent to Asterisk: what that refused before
// it looked for an operation we refuse with the same answer, and understand the rest.
func TestRESTRequestAsCaptured(t *testing.T) {
	b, err := os.ReadFile("testdata/rest.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Send   json.RawMessage
		Answer RESTResponse
	}
	if err := json.Unmarshal(b, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		frame := []byte(c.Send)
		if string(frame) == `"not json"` {
			frame = []byte("not json")
		}
		call, refused := ParseRESTRequest(frame)
		noUpgrade := strings.Contains(c.Answer.MessageBody, "upgrade to websocket") // the door's to say
		switch {
		case c.Answer.StatusCode == 400 && !noUpgrade:
			if refused == nil {
				t.Errorf("%s is taken", frame)
			} else if diff := cmp.Diff(c.Answer, *refused, cmp.AllowUnexported(), cmp.Comparer(func(a, b Date) bool { return true })); diff != "" {
				t.Errorf("%s (-Asterisk +ours)\n%s", frame, diff)
			}
		case refused != nil:
			t.Errorf("%s is refused: %+v", frame, refused)
		case call.URI != c.Answer.URI || call.RequestID != c.Answer.RequestID || call.TransactionID != c.Answer.TransactionID:
			t.Errorf("%s: %+v", frame, call)
		}
	}
}

func TestRESTRequestParams(t *testing.T) {
	call, refused := ParseRESTRequest([]byte(`{"type":"RESTRequest","method":"POST","uri":"channels/a%2Fb/play?media=sound:a&lang=de&x",
		"query_strings":[{"name":"media","value":"sound:b"},{"name":"skipms","value":5}],
		"content_type":"application/json; charset=utf-8","message_body":"{\"offsetms\":7}","transaction_id":12}`))
	if refused != nil {
		t.Fatalf("%+v", refused)
	}
	got := []any{call.Method, call.URI, call.TransactionID, call.RequestID, call.Params.List("media"), call.Params.String("lang"),
		call.Params.Int("skipms", 0), call.Params.Int("offsetms", 0), call.Params.Has("x")}
	want := []any{"POST", "channels/a%2Fb/play", "12", "", []string{"sound:b"}, "de", 5, 7, true}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	r := call.Response(201, TypeJSON, []byte("{}"))
	if r.ReasonPhrase != "Created" || r.MessageBody != "{}" || r.TransactionID != "12" || r.URI != "channels/a%2Fb/play" {
		t.Errorf("%+v", r)
	}
	if r := call.Response(204, TypeJSON, nil); r.ContentType != "" || r.ReasonPhrase != "No Content" {
		t.Errorf("%+v", r)
	}
}

func TestRESTRequestRefused(t *testing.T) {
	const head = `{"type":"RESTRequest","method":"GET","uri":"channels",`
	for frame, want := range map[string]string{
		`[]`:                                     `{"message":"No 'type' property."}`,
		`{"type":1}`:                             `{"message":"No 'type' property."}`,
		head + `"query_strings":{}}`:             `{"message":"Unable to parse 'query_strings' array."}`,
		head + `"query_strings":["a"]}`:          `{"message":"Unable to parse 'query_strings' array."}`,
		head + `"query_strings":[{"name":"a"}]}`: `{"message":"Unable to parse 'query_strings' array."}`,
		head + `"content_type":"application/json","message_body":"` + strings.Repeat("x", MaxBody+1) + `"}`: `{"message":"Request body too large"}`,
		strings.Repeat("[", 60000): "",
		"{\"type\":\"\xff\"}":      "",
	} {
		call, refused := ParseRESTRequest([]byte(frame))
		if call != nil || refused == nil || refused.MessageBody != want {
			t.Errorf("%.80s: %+v, %+v", frame, call, refused)
		}
	}
}
