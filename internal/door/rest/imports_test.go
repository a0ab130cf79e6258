package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dialwright/dialwright/internal/bulk"
	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/originate"
	"github.com/dialwright/dialwright/internal/store/sqlite"
)

// fakeLists are real lists on a real store, whose rows become calls of the fake, and batches
// that are those of the fake's calls.
type fakeLists struct {
	*bulk.Book
	f *fake
}

// newLists opens them. maxSize bounds a file.
func newLists(t testing.TB, f *fake, maxSize int64) *fakeLists {
	t.Helper()
	dir := t.TempDir()
	store, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(dir, "db"), Synchronous: "OFF"})
	if err != nil {
		t.Fatal(err)
	}
	l := &fakeLists{f: f}
	l.Book = bulk.New(bulk.Options{Dir: filepath.Join(dir, "imports"), Store: store, Queue: fakeQueue{f}, Config: func() bulk.Config { return bulk.Config{MaxSize: maxSize} }})
	if err := l.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx := context.Background() // the test's own has ended
		for _, err := range []error{l.Stop(ctx), store.Close()} {
			if err != nil {
				t.Error(err)
			}
		}
	})
	return l
}

// Batch is Imports.
func (l *fakeLists) Batch(ctx context.Context, id call.BatchID, by bulk.By) (bulk.Batch, error) {
	calls, _, err := l.f.List(ctx, Filter{Batch: id, Limit: 1000})
	b := bulk.Batch{ID: id, Calls: len(calls), Waiting: len(calls)}
	for _, c := range calls {
		if b.Account = c.Request.Account; !by.All && b.Account != by.Own {
			return b, originate.ErrNotFound
		}
	}
	if len(calls) == 0 {
		return b, originate.ErrNotFound
	}
	return b, err
}

// fakeQueue is bulk.Queue.
type fakeQueue struct{ f *fake }

func (q fakeQueue) Check(ctx context.Context, r call.Request) (originate.Decision, error) {
	d, err := q.f.Check(ctx, r)
	out := originate.Decision{RouteA: d.RouteA, RouteB: call.Route{Endpoint: r.Then.Second}}
	if d.Refusal != nil {
		out.Refusal = &originate.Refusal{Code: originate.RefusalCode(d.Refusal.Code), Text: d.Refusal.Text}
	}
	return out, err
}

func (q fakeQueue) SubmitBatch(ctx context.Context, list []call.Request) ([]originate.Submitted, error) {
	var out []originate.Submitted
	for _, r := range list {
		c, repeated, err := q.f.Submit(ctx, r)
		out = append(out, originate.Submitted{Call: c, Repeated: repeated, Err: err})
	}
	return out, nil
}

func (q fakeQueue) SubmitMore(ctx context.Context, list []call.Request) ([]originate.Submitted, error) {
	return q.SubmitBatch(ctx, list)
}

const aList = "Name;Telefon\r\nAda;030 1\r\n=cmd|x;030 2\r\n"

// uploaded uploads aList and gives its id.
func (h *house) uploaded(t *testing.T) string {
	t.Helper()
	resp, body := h.do(t, "POST", "/v1/imports?name=list.csv", h.sales, aList, "Content-Type", "text/csv")
	var i Import
	if err := json.Unmarshal([]byte(body), &i); err != nil || resp.StatusCode != http.StatusCreated || resp.Header.Get("Location") != "/v1/imports/"+i.ID {
		t.Fatal(resp.Status, resp.Header, body)
	}
	return i.ID
}

// Nobody puts a call into a batch of another account, which would be lost to its owner, or into one
// that no address can name.
func TestForeignBatch(t *testing.T) {
	h := setup(t)
	const plan = `{"mapping":{"first":{"value":"101"},"second":{"column":1}},"batch":"spring"}`
	_, body := h.do(t, "POST", "/v1/imports?name=list.csv", h.admin, aList, "Content-Type", "text/csv") // for the account default
	var i Import
	if err := json.Unmarshal([]byte(body), &i); err != nil {
		t.Fatal(body)
	}
	if resp, body := h.do(t, "POST", "/v1/imports/"+i.ID+"/submit", h.admin, plan); resp.StatusCode != http.StatusAccepted {
		t.Fatal(body)
	}
	const one = `"first":"101","second":"102"`
	for _, c := range []struct {
		key, path, body, want string
	}{
		{h.admin, "/v1/calls", `{` + one + `,"batch":"spring"}`, `"id":`},
		{h.sales, "/v1/calls", `{` + one + `,"batch":"spring"}`, `"code":"account"`},
		{h.sales, "/v1/batches", `{"batch":"spring","calls":[{` + one + `}]}`, `"code":"account"`},
		{h.sales, "/v1/batches", `{"calls":[{` + one + `,"batch":"spring"},{` + one + `}]}`, `"accepted":1,"refused":1`},
		{h.sales, "/v1/calls", `{` + one + `,"batch":"other"}`, `"id":`},
		{h.sales, "/v1/calls", `{` + one + `,"batch":".."}`, `"field":"batch"`},
	} {
		if _, body := h.do(t, "POST", c.path, c.key, c.body); !strings.Contains(body, c.want) {
			t.Errorf("%s %s: no %s in %s", c.path, c.body, c.want, body)
		}
	}
	id := h.uploaded(t)
	if _, body := h.do(t, "POST", "/v1/imports/"+id+"/submit", h.sales, strings.Replace(plan, "spring", "..", 1)); !strings.Contains(body, `"code":"invalid"`) {
		t.Error(body)
	}
}

func TestImportOverHTTP(t *testing.T) {
	h := setup(t)
	id := h.uploaded(t)
	_, body := h.do(t, "GET", "/v1/imports/"+id, h.sales, "")
	for _, want := range []string{
		`"name":"list.csv"`, `"format":"csv"`, `"encoding":"utf-8"`, `"delimiter":";"`, `"header":true`, `"rows":2`, `"state":"uploaded"`,
		`{"index":1,"name":"Telefon","samples":["030 1","030 2"],"guess":"second"}`, `"mapping":{"second":{"column":1}}`, `"principal":"sales","account":"sales"`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s in %s", want, body)
		}
	}
	plan := `"mapping":{"first":{"value":"101"},"second":{"column":1},"variables":{"WHO":{"column":0}}}`
	resp, body := h.do(t, "POST", "/v1/imports/"+id+"/check", h.sales, "{"+plan+"}")
	if resp.StatusCode != 200 || !strings.Contains(body, `"rows":2,"accepted":2,"refused":0,"reasons":[],"warnings":[],"preview":[{"row":2,`) {
		t.Error(resp.Status, body)
	}
	resp, body = h.do(t, "POST", "/v1/imports/"+id+"/submit", h.sales, "{"+plan+`,"batch":"b1"}`)
	if resp.StatusCode != http.StatusAccepted || !strings.Contains(body, `"batch":"b1"`) {
		t.Fatal(resp.Status, body)
	}
	for t.Context().Err() == nil && !strings.Contains(body, `"state":"submitted"`) {
		_, body = h.do(t, "GET", "/v1/imports/"+id, h.sales, "")
	}
	if !strings.Contains(body, `"processed":2,"accepted":2,"refused":0`) {
		t.Error(body)
	}
	resp, body = h.do(t, "POST", "/v1/imports/"+id+"/submit", h.sales, "{"+plan+"}")
	if resp.StatusCode != http.StatusConflict || !strings.Contains(body, `"code":"state"`) {
		t.Error("submitted twice", resp.Status, body)
	}
	resp, body = h.do(t, "GET", "/v1/batches/b1/results", h.sales, "")
	if resp.Header.Get("Content-Disposition") != "attachment; filename=results.csv" || resp.Header.Get("X-Content-Type-Options") != "nosniff" || !strings.HasPrefix(body, "Name,Telefon,row,call,") || !strings.Contains(body, "\n'=cmd|x,030 2,3,") {
		t.Error(resp.Header, body)
	}
	if _, body = h.do(t, "GET", "/v1/imports/"+id+"/refused?format=jsonl", h.sales, ""); body != "" {
		t.Error(body)
	}
	if resp, body = h.do(t, "GET", "/v1/batches/b1", h.sales, ""); resp.StatusCode != 200 || !strings.Contains(body, `"calls":2`) {
		t.Error(resp.Status, body)
	}
	if resp, body = h.do(t, "POST", "/v1/batches/b1/cancel", h.sales, ""); resp.StatusCode != 200 {
		t.Error(resp.Status, body)
	}
	if resp, _ = h.do(t, "DELETE", "/v1/imports/"+id, h.sales, ""); resp.StatusCode != http.StatusNoContent {
		t.Error(resp.Status)
	}
	if resp, _ = h.do(t, "GET", "/v1/imports/"+id, h.sales, ""); resp.StatusCode != http.StatusNotFound {
		t.Error(resp.Status)
	}
}

func TestImportByForm(t *testing.T) {
	h := setup(t)
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	for _, err := range []error{form.WriteField("other", "x"), form.WriteField("more", "y")} {
		if err != nil {
			t.Fatal(err)
		}
	}
	part, err := form.CreateFormFile("file", `C:\lists\<b>.csv`)
	if err == nil {
		_, err = part.Write([]byte(aList))
	}
	if err != nil || form.Close() != nil {
		t.Fatal(err)
	}
	resp, body := h.do(t, "POST", "/v1/imports", h.sales, b.String(), "Content-Type", form.FormDataContentType())
	if resp.StatusCode != http.StatusCreated || !strings.Contains(body, `"rows":2`) || !strings.Contains(body, `csv"`) {
		t.Error(resp.Status, body)
	}
	for kind, body := range map[string]string{
		"multipart/form-data":                        b.String(),
		"multipart/form-data; boundary=x":            "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--x--\r\n",
		form.FormDataContentType():                   b.String()[:b.Len()-120],
		"multipart/form-data; boundary=" + "y; x=\"": "",
	} {
		resp, got := h.do(t, "POST", "/v1/imports", h.sales, body, "Content-Type", kind)
		if resp.StatusCode/100 != 4 {
			t.Errorf("%s: %s %s", kind, resp.Status, got)
		}
	}
}

func TestImportsThatAreRefused(t *testing.T) {
	h := setup(t)
	id := h.uploaded(t)
	good := `{"mapping":{"first":{"value":"101"},"second":{"column":1}}}`
	for _, c := range []struct {
		method, path, key, body string
		status                  int
		says                    string
	}{
		{"POST", "/v1/imports", h.sales, "", 422, "The file is empty."},
		{"POST", "/v1/imports", h.sales, "%PDF-", 422, "no table"},
		{"POST", "/v1/imports?sheets=x", h.sales, aList, 422, "There is no parameter"},
		{"POST", "/v1/imports?delimiter=ab", h.sales, aList, 422, "must be one character"},
		{"POST", "/v1/imports", h.sales, strings.Repeat("x", 200<<10), 413, "imports.max_size"},
		{"POST", "/v1/imports", h.sales, strings.Repeat("x", 129<<10), 413, "imports.max_size"},
		{"POST", "/v1/imports", h.watch, aList, 403, "scope calls:write"},
		{"POST", "/v1/imports", "", aList, 401, "unauthorized"},
		{"GET", "/v1/imports/none", h.sales, "", 404, "no such import"},
		{"GET", "/v1/imports", h.watch, "", 403, "scope"},
		{"POST", "/v1/imports/" + id + "/check", h.sales, `{"mapping":{"first":{"value":"101"},"third":{"column":1}}}`, 422, "mapping.third"},
		{"POST", "/v1/imports/" + id + "/check", h.sales, `{"mapping":{"first":{"value":"101"},"second":{"column":7}}}`, 422, "There is no column 7"},
		{"POST", "/v1/imports/" + id + "/check", h.sales, `{"mapping":{"first":{"value":"101"}}}`, 422, "which column holds the numbers"},
		{"POST", "/v1/imports/" + id + "/check", h.sales, `{}`, 422, "mapping"},
		{"POST", "/v1/imports/none/submit", h.sales, good, 404, "no such import"},
		{"GET", "/v1/imports/" + id + "/refused?format=xls", h.sales, "", 422, "there are csv, xlsx and jsonl"},
		{"GET", "/v1/imports/" + id + "/refused?x=1", h.sales, "", 422, "no parameter"},
		{"GET", "/v1/batches/none/results", h.sales, "", 404, "no such batch"},
		{"GET", "/v1/batches/none", h.sales, "", 404, "no such batch"},
		{"GET", "/v1/batches?cursor=x", h.sales, "", 422, "cursor"},
		{"PUT", "/v1/imports", h.sales, aList, 405, "POST only"},
	} {
		resp, body := h.do(t, c.method, c.path, c.key, c.body)
		if resp.StatusCode != c.status || !strings.Contains(body, c.says) {
			t.Errorf("%s %s %.60s: %s %s; want %d %q", c.method, c.path, c.body, resp.Status, body, c.status, c.says)
		}
		if cd := resp.Header.Get("Content-Disposition"); cd != "" {
			t.Errorf("%s %s: a refusal is offered as a file: %s", c.method, c.path, cd)
		}
	}
	// Beyond http.max_body, which is 64 KiB here, and within imports.max_size.
	if resp, body := h.do(t, "POST", "/v1/imports", h.sales, "Telefon\n"+strings.Repeat("030 123456789\n", 6000)); resp.StatusCode != http.StatusCreated {
		t.Error(resp.Status, body)
	}
	if resp, _ := h.do(t, "GET", "/v1/imports/"+id, h.admin, ""); resp.StatusCode != 200 {
		t.Error("an administrator does not see it", resp.Status)
	}
	if _, body := h.do(t, "GET", "/v1/imports", h.sales, ""); strings.Count(body, `"id"`) != 2 {
		t.Error(body)
	}
	if _, body := h.do(t, "GET", "/v1/openapi.json", "", ""); !strings.Contains(body, fmt.Sprintf("%q:", "/v1/imports")) || !strings.Contains(body, `"create-import"`) {
		t.Error("the upload is not in the document")
	}
}
