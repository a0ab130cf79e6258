package rest

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/originate"
)

// past is a history: of each call two events and a recording.
type past struct {
	dir string
}

func (p past) Journal(_ context.Context, id call.ID, limit int) ([]call.Event, bool, error) {
	if limit != 1000 {
		return nil, false, errors.New("another limit")
	}
	return []call.Event{{Seq: 1, Type: call.EvAccepted, Call: id}, {Seq: 5, Type: call.EvStarted, Call: id}}, true, nil
}

func (p past) Series(_ context.Context, f originate.SeriesFilter) ([]originate.Point, error) {
	n := 7
	if f.Account == "sales" {
		n = 3
	}
	return []originate.Point{{At: f.From.Add(f.Step), Attempts: n, Ended: 2, Answered: 1, ToAnswer: 1234567 * time.Microsecond}}, nil
}

func (p past) Recordings(_ context.Context, id call.ID) ([]Recorded, error) {
	r, err := p.Recording(context.Background(), "r-"+string(id))
	lost := r
	lost.ID, lost.Gone = "lost-"+string(id), true
	return []Recorded{r, lost}, err
}

func (p past) Recording(_ context.Context, id string) (Recorded, error) {
	kind, of, ok := strings.Cut(id, "-")
	if !ok {
		return Recorded{}, &Refusal{Code: "not-found", Text: "There is no recording."}
	}
	return Recorded{Recording: originate.Recording{
		ID: id, Call: call.ID(of), Leg: "a", Path: "click/" + kind + ".wav", StartedAt: time.Unix(3, 0).UTC(), EndedAt: time.Unix(5, 0).UTC(), Duration: 2 * time.Second, Bytes: 10,
	}}, nil
}

func (p past) OpenRecording(r Recorded) (*os.File, error) {
	return os.Open(filepath.Join(p.dir, filepath.Base(r.Path)))
}

var _ History = past{}

// withPast gives a server with a history, and two calls: call-1 of sales, call-2 of another.
func withPast(t *testing.T) *house {
	t.Helper()
	h := setup(t)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "r.wav"), []byte("RIFF012345"), 0o600); err != nil {
		t.Fatal(err)
	}
	h.door.o.History = past{dir}
	for _, c := range []struct{ key, body string }{
		{h.sales, `{"first":"101","second":"102","reference":"order 7","batch":"b","retry":{"max":2},"not_after":"2030-01-01T00:00:00Z","variables":{"A":"1"}}`},
		{h.admin, `{"first":"=1+1","second":"102","account":"ops"}`},
	} {
		if resp, body := h.do(t, "POST", "/v1/calls", c.key, c.body); resp.StatusCode != http.StatusCreated {
			t.Fatal(body)
		}
	}
	return h
}

func TestCallEvents(t *testing.T) {
	h := withPast(t)
	resp, body := h.do(t, "GET", "/v1/calls/call-1/events", h.sales, "")
	var got struct {
		Events []call.Event
		More   bool
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil || resp.StatusCode != 200 || len(got.Events) != 2 || got.Events[1].Seq != 5 || !got.More {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	for _, path := range []string{"/v1/calls/call-2/events", "/v1/calls/call-9/events"} {
		if resp, body := h.do(t, "GET", path, h.sales, ""); resp.StatusCode != 404 || code(t, body) != "not-found" {
			t.Errorf("%s: %d %s", path, resp.StatusCode, body)
		}
	}
}

// A retry is the same request, but asked for now, by who asks now.
func TestRetry(t *testing.T) {
	h := withPast(t)
	resp, body := h.do(t, "POST", "/v1/calls/call-1/retry", h.admin, "", "Idempotency-Key", "again")
	if resp.StatusCode != http.StatusCreated || resp.Header.Get("Location") != "/v1/calls/call-3" {
		t.Fatalf("%d %s", resp.StatusCode, body)
	}
	got, want := h.calls["call-3"].Request, h.calls["call-1"].Request
	want.Key, want.Batch, want.NotAfter = "again", "", time.Time{}
	want.Origin = call.Origin{Door: "rest", Principal: "admin", Reference: "order 7", Remote: got.Origin.Remote}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if resp, second := h.do(t, "POST", "/v1/calls/call-1/retry", h.admin, "", "Idempotency-Key", "again"); resp.StatusCode != 200 || second != body {
		t.Errorf("repeated: %d %s", resp.StatusCode, second)
	}
	if resp, body := h.do(t, "POST", "/v1/calls/call-2/retry", h.sales, ""); resp.StatusCode != 404 {
		t.Errorf("another's: %d %s", resp.StatusCode, body)
	}
	if resp, body := h.do(t, "POST", "/v1/calls/call-1/retry", h.watch, ""); resp.StatusCode != 403 {
		t.Errorf("without the scope: %d %s", resp.StatusCode, body)
	}
	h.fake.refuse = &Refusal{Code: "guard", Rule: "deny +1900", Text: "Not allowed."}
	if resp, body := h.do(t, "POST", "/v1/calls/call-1/retry", h.sales, ""); resp.StatusCode != 403 || code(t, body) != "guard" {
		t.Errorf("guard: %d %s", resp.StatusCode, body)
	}
}

func TestSeries(t *testing.T) {
	h := withPast(t)
	resp, body := h.do(t, "GET", "/v1/series?from=2026-11-29T10:00:30Z&to=2026-11-29T10:03:00Z", h.sales, "")
	want := `{"step":60,"from":"2026-11-29T10:00:00Z","to":"2026-11-29T10:03:00Z","points":[{"at":"2026-11-29T10:00:00Z","attempts":0,"ended":0,"answered":0,"time_to_answer":null},` +
		`{"at":"2026-11-29T10:01:00Z","attempts":3,"ended":2,"answered":1,"time_to_answer":1.235},{"at":"2026-11-29T10:02:00Z","attempts":0,"ended":0,"answered":0,"time_to_answer":null}]}`
	if resp.StatusCode != 200 || strings.TrimSpace(body) != want {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	for query, points := range map[string]int{
		"": 60, "?from=2026-11-28T10:00:00Z&to=2026-11-29T10:00:00Z": 1440, "?from=2026-01-01T00:00:00Z&to=2026-12-31T00:00:00Z": 1456,
		"?from=2026-11-28T10:00:00Z&to=2026-11-29T10:00:00Z&step=3600": 24, "?from=2000-01-01T00:00:00Z&to=2026-01-01T00:00:00Z": 1357,
		"?from=2026-11-28T10:00:00Z&to=2026-11-28T10:00:00Z": -1, "?from=2026-11-01T10:00:00Z&to=2026-11-29T10:00:00Z&step=60": -1, "?step=61": -1, "?step=0": -1,
		"?from=1960-01-01T00:00:00Z": -1, "?from=yesterday": -1,
	} {
		resp, body := h.do(t, "GET", "/v1/series"+query, h.admin, "")
		var got struct{ Points []SeriesPoint }
		_ = json.Unmarshal([]byte(body), &got)
		if query == "" && len(got.Points) == 61 { // the hour does not begin with a minute
			points = 61
		}
		if points < 0 && resp.StatusCode != 422 || points >= 0 && (resp.StatusCode != 200 || len(got.Points) != points) {
			t.Errorf("%s: %d, %d points, want %d: %.200s", query, resp.StatusCode, len(got.Points), points, body)
		}
	}
}

func TestRecordings(t *testing.T) {
	h := withPast(t)
	_, body := h.do(t, "GET", "/v1/calls/call-1/recordings", h.sales, "")
	want := `{"recordings":[{"id":"r-call-1","leg":"a","started_at":"1970-01-01T00:00:03Z","ended_at":"1970-01-01T00:00:05Z","duration":2,"bytes":10,"format":"wav","url":"/v1/recordings/r-call-1"},` +
		`{"id":"lost-call-1","leg":"a","started_at":"1970-01-01T00:00:03Z","ended_at":"1970-01-01T00:00:05Z","duration":2,"bytes":10,"format":"wav","gone":true}]}`
	if strings.TrimSpace(body) != want {
		t.Error(body)
	}
	resp, body := h.do(t, "GET", "/v1/recordings/r-call-1", h.sales, "")
	hd := resp.Header
	if resp.StatusCode != 200 || body != "RIFF012345" || hd.Get("Content-Type") != "audio/wav" || hd.Get("X-Content-Type-Options") != "nosniff" ||
		!strings.HasPrefix(hd.Get("Content-Disposition"), "inline") || hd.Get("Accept-Ranges") != "bytes" {
		t.Errorf("%d %q %v", resp.StatusCode, body, hd)
	}
	if resp, body := h.do(t, "GET", "/v1/recordings/r-call-1?download=1", h.sales, "", "Range", "bytes=4-6"); resp.StatusCode != 206 || body != "012" ||
		!strings.HasPrefix(resp.Header.Get("Content-Disposition"), "attachment") {
		t.Errorf("range: %d %q %v", resp.StatusCode, body, resp.Header)
	}
	for path, want := range map[string]int{"r-call-2": 404, "r-call-9": 404, "nothing": 404, "lost-call-1": 410} {
		if resp, body := h.do(t, "GET", "/v1/recordings/"+path, h.sales, ""); resp.StatusCode != want || strings.Contains(body, "call-2") && want != 404 {
			t.Errorf("%s: %d %s", path, resp.StatusCode, body)
		}
	}
	if _, err := (past{"/nowhere"}).OpenRecording(Recorded{}); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func TestExport(t *testing.T) {
	h := withPast(t)
	h.mu.Lock()
	c := h.calls["call-2"]
	c.State, c.Attempts, c.EndedAt, c.Reason = call.Ended, 1, time.Unix(20, 0).UTC(), "answered"
	c.Last = &call.Outcome{Disposition: call.Answered, A: call.LegOutcome{Cause: 16, AnsweredAt: time.Unix(4, 0).UTC()}, ConnectedAt: time.Unix(5, 0).UTC(), EndedAt: time.Unix(19, 0).UTC(), HangupBy: "b"}
	h.calls["call-2"] = c
	h.mu.Unlock()
	resp, body := h.do(t, "GET", "/v1/export/calls", h.admin, "")
	if ct := resp.Header.Get("Content-Type"); resp.StatusCode != 200 || !strings.HasPrefix(ct, "text/csv; charset=utf-8") || !strings.HasPrefix(resp.Header.Get("Content-Disposition"), "attachment; filename=calls-") {
		t.Errorf("%d %v", resp.StatusCode, resp.Header)
	}
	rows, err := csv.NewReader(strings.NewReader(body)).ReadAll()
	if err != nil || len(rows) != 3 {
		t.Fatalf("%q, %v", body, err)
	}
	cell := func(row int, column string) string { return rows[row][slices.Index(rows[0], column)] }
	for column, want := range map[string]string{
		"id": "call-2", "account": "ops", "principal": "admin", "first": "'=1+1", "second": "102", "state": "ended", "disposition": "ANSWERED", "cause": "16",
		"connected_seconds": "14", "answered_at": "1970-01-01T00:00:04.000Z", "hangup_by": "b", "reason": "answered", "sip_status": "",
	} {
		if got := cell(2, column); got != want {
			t.Errorf("%s is %q, want %q", column, got, want)
		}
	}
	if _, body := h.do(t, "GET", "/v1/export/calls?bom=true", h.sales, ""); !strings.HasPrefix(body, "\ufeffid,") || strings.Count(body, "\r\n") != 2 {
		t.Errorf("one account's: %q", body)
	}
	if resp, body := h.do(t, "GET", "/v1/export/calls?format=jsonl&account=ops", h.sales, ""); resp.Header.Get("Content-Type") != "application/jsonl; charset=utf-8" ||
		strings.Count(body, "\n") != 1 || !strings.Contains(body, `"account":"sales"`) {
		t.Errorf("another account is asked for: %q", body)
	}
	if resp, body := h.do(t, "GET", "/v1/export/calls?format=xlsx", h.sales, ""); !strings.HasPrefix(body, "PK") || !strings.HasSuffix(resp.Header.Get("Content-Disposition"), ".xlsx") {
		t.Errorf("%.20q %v", body, resp.Header)
	}
	for query, want := range map[string]int{"?format=pdf": 422, "?unknown=1": 422, "?state=gone": 422, "?limit=3": 422} {
		if resp, body := h.do(t, "GET", "/v1/export/calls"+query, h.admin, ""); resp.StatusCode != want {
			t.Errorf("%s: %d %s", query, resp.StatusCode, body)
		}
	}
}

// endless lists calls for ever, until it fails or nobody asks any more.
type endless struct {
	Calls
	pages  int // then it fails; 0 = never
	mu     sync.Mutex
	asked  int
	ended  chan error // gets the first error of a context
	onPage func(int)
}

func (e *endless) List(ctx context.Context, f Filter) ([]call.Call, string, error) {
	e.mu.Lock()
	e.asked++
	n := e.asked
	e.mu.Unlock()
	if e.onPage != nil {
		e.onPage(n)
	}
	if err := ctx.Err(); err != nil {
		select {
		case e.ended <- err:
		default:
		}
		return nil, "", err
	}
	if n > e.pages && e.pages > 0 {
		return nil, "", errors.New("disk on fire")
	}
	out := make([]call.Call, f.Limit)
	for i := range out {
		out[i] = call.Call{ID: call.ID(fmt.Sprintf("%d-%d", n, i)), State: call.Ended}
	}
	return out, "more", nil
}

// What fails in the middle cuts the connection, and is in the log; what fails before the
// first byte is a problem.
func TestExportFailsInTheMiddle(t *testing.T) {
	h := withPast(t)
	var log bytes.Buffer
	h.door.log = slog.New(slog.NewTextHandler(&log, nil))
	calls := h.door.o.Calls
	for _, c := range []struct {
		format string
		pages  int
		whole  bool // answered as a problem
	}{{"csv", 3, false}, {"jsonl", 3, false}, {"xlsx", 3, true}} {
		h.door.o.Calls = &endless{Calls: calls, pages: c.pages}
		req, err := http.NewRequestWithContext(t.Context(), "GET", h.url+"/v1/export/calls?format="+c.format, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+h.admin)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if c.whole {
			if resp.StatusCode != 500 || code(t, string(body)) != "internal" || resp.Header.Get("Content-Disposition") != "" {
				t.Errorf("%s: %d %s", c.format, resp.StatusCode, body)
			}
			continue
		}
		if !errors.Is(err, io.ErrUnexpectedEOF) || len(body) == 0 {
			t.Errorf("%s: read %d bytes, %v: it looks whole", c.format, len(body), err)
		}
	}
	if n := strings.Count(log.String(), "export cut short"); n != 2 || !strings.Contains(log.String(), "disk on fire") {
		t.Errorf("log: %s", log.String())
	}
}

// A client that goes away ends the reading; so does the server's stop, which waits for it.
func TestExportEnds(t *testing.T) {
	t.Run("client goes", func(t *testing.T) {
		h := withPast(t)
		e := &endless{Calls: h.door.o.Calls, ended: make(chan error, 1)}
		h.door.o.Calls = e
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, "GET", h.url+"/v1/export/calls?format=csv", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+h.admin)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if _, err := io.ReadFull(resp.Body, make([]byte, 100<<10)); err != nil {
			t.Fatal(err)
		}
		cancel()
		for len(h.door.exports) > 0 { // it ends by itself: the test's own time limit is the bound
			select {
			case err := <-e.ended:
				if !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
				return
			case <-time.After(10 * time.Millisecond):
			}
		}
	})
	t.Run("too many", func(t *testing.T) {
		h := withPast(t)
		for range maxExports {
			h.door.exports <- struct{}{}
		}
		if resp, body := h.do(t, "GET", "/v1/export/calls", h.admin, ""); resp.StatusCode != 429 || code(t, body) != "rate" || resp.Header.Get("Retry-After") == "" {
			t.Errorf("%d %s", resp.StatusCode, body)
		}
	})
	t.Run("server stops", func(t *testing.T) {
		h := withPast(t)
		stop := make(chan struct{})
		h.door.o.Calls = &endless{Calls: h.door.o.Calls, onPage: func(n int) {
			if n == 20 {
				close(stop)
			}
		}}
		req, err := http.NewRequestWithContext(t.Context(), "GET", h.url+"/v1/export/calls?format=csv", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+h.admin)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		go func() { // ends with the test's server
			<-stop
			_ = h.door.Stop(context.Background()) // the cleanup looks at its error
		}()
		if _, err := io.Copy(io.Discard, resp.Body); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("the stop looks like the end: %v", err)
		}
	})
}
