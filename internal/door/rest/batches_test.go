package rest

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type batchAnswer struct {
	Accepted, Refused int
	Results           []struct {
		ID       string
		Replayed bool
		Error    *struct {
			Code   string
			Errors []struct{ Location string }
		}
	}
}

func (h *house) batch(t *testing.T, body string, headers ...string) batchAnswer {
	t.Helper()
	resp, text := h.do(t, "POST", "/v1/batches", h.sales, body, headers...)
	var got batchAnswer
	if err := json.Unmarshal([]byte(text), &got); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%d %s %v", resp.StatusCode, text, err)
	}
	return got
}

// A client that repeats a batch with its key dials nobody twice, and learns the
// same about each call.
func TestBatchIdempotencyKey(t *testing.T) {
	h := setup(t)
	body := `{"batch":"b","calls":[{"first":"101","second":"102"},{"first":"bad","second":"1"},{"first":"101","second":"102","key":"own"},{"first":"101","second":"102"}]}`
	first := h.batch(t, body, "Idempotency-Key", "k")
	// White space is not another body: clients may format anew.
	again := h.batch(t, " "+body, "Idempotency-Key", "k")
	if len(h.calls) != 3 || first.Accepted != 3 || again.Accepted != 3 {
		t.Errorf("%d calls, %+v, %+v", len(h.calls), first, again)
	}
	for i := range first.Results {
		if first.Results[i].ID != again.Results[i].ID || again.Results[i].Replayed != (again.Results[i].ID != "") {
			t.Errorf("call %d: %+v, then %+v", i, first.Results[i], again.Results[i])
		}
	}
	var keys []string
	for _, c := range h.calls {
		keys = append(keys, c.Request.Key)
	}
	slices.Sort(keys)
	if d := cmp.Diff([]string{"k#0", "k#3", "own"}, keys); d != "" {
		t.Error(d)
	}
	// One call more is another body, although the first ones are equal.
	more := body[:len(body)-2] + `,{"first":"103","second":"104"}]}`
	if resp, text := h.do(t, "POST", "/v1/batches", h.sales, more, "Idempotency-Key", "k"); resp.StatusCode != 422 || code(t, text) != "key-reused" {
		t.Errorf("another body: %d %s", resp.StatusCode, text)
	}
	if len(h.calls) != 3 {
		t.Errorf("%d calls", len(h.calls))
	}
}

// A malformed call is refused by itself; what is wrong with the batch refuses it.
func TestBatchMistakesArePerCall(t *testing.T) {
	h := setup(t)
	got := h.batch(t, `{"calls":[{"first":"","second":"1"},{"first":"101","second":"102","secnd":1},5,null,{"first":"101","second":"102","wait_time":"soon"},{"first":"101","second":"102"}]}`)
	if got.Accepted != 1 || got.Refused != 5 || got.Results[5].ID != "call-1" {
		t.Errorf("%+v", got)
	}
	for i, r := range got.Results[:5] {
		if r.Error == nil || r.Error.Code != "invalid" {
			t.Errorf("call %d: %+v", i, r)
		}
	}
	if e := got.Results[0].Error.Errors; len(e) != 1 || e[0].Location != "body.first" {
		t.Errorf("%+v", e)
	}
	for body, status := range map[string]int{
		``: 400, `{`: 400, `[]`: 422, `{"calls":[]}`: 422, `{"calls":5}`: 422, `{}`: 422, `{"call":[{}],"calls":[{}]}`: 422, `{"calls":null}`: 422, `{"batch":5,"calls":[{}]}`: 422,
	} {
		if resp, text := h.do(t, "POST", "/v1/batches", h.sales, body); resp.StatusCode != status || code(t, text) == "" {
			t.Errorf("%s: %d %s, want %d", body, resp.StatusCode, text, status)
		}
	}
}
