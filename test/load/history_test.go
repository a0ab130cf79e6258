package load

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/sheet"
	"github.com/dialwright/dialwright/test/harness"
	"github.com/dialwright/dialwright/test/history"
)

// aged gives a server with so many calls in its history.
func aged(t *testing.T, calls int) *harness.Server {
	t.Helper()
	s := harness.StartWith(t, harness.Limits{Info: true})
	s.Stop()
	start := time.Now()
	history.Fill(t, filepath.Join(s.Dir, "dialwright.db"), calls)
	t.Logf("%d calls were made in %v", calls, time.Since(start).Round(time.Millisecond))
	s.Start()
	return s
}

// TestHistoryOfManyCalls asks a server with 100,000 calls for everything that the console
// shows and prints how long it took: the best and the worst of five.
func TestHistoryOfManyCalls(t *testing.T) {
	s := aged(t, 100_000)
	day := func(n int) string { return url.QueryEscape(time.Now().UTC().AddDate(0, 0, -n).Format(time.RFC3339)) }
	var page struct {
		Calls []struct{ ID string }
		Next  string
	}
	s.MustAPI("GET", "/v1/calls?limit=1000", nil, &page)
	id := page.Calls[500].ID
	s.MustAPI("GET", "/v1/calls?limit=1000&order=oldest&to="+day(1), nil, &page)
	last := "/v1/calls?order=oldest&cursor=" + page.Next
	for _, path := range []string{
		"/v1/calls", "/v1/calls?limit=1000", "/v1/calls?order=oldest", last, "/v1/calls?number=4930", "/v1/calls?number=" + history.Rare, "/v1/calls?number=nobody",
		"/v1/calls?account=sales", "/v1/calls?account=nobody", "/v1/calls?account=sales&number=nobody", "/v1/calls?account=support&disposition=INTERRUPTED",
		"/v1/calls?door=callfile", "/v1/calls?door=ami", "/v1/calls?principal=crm", "/v1/calls?principal=nobody", "/v1/calls?reference=lead-7-5",
		"/v1/calls?disposition=BUSY", "/v1/calls?disposition=INTERRUPTED&limit=1000", "/v1/calls?disposition=CANCELLED", "/v1/calls?state=ended", "/v1/calls?state=cancelled",
		"/v1/calls?state=queued,dialing,ringing,connected", "/v1/calls?batch=" + history.Batch, "/v1/calls?from=" + day(10) + "&to=" + day(9), "/v1/calls?from=" + day(20) + "&number=nobody",
		"/v1/calls?account=sales&door=rest&principal=shop&disposition=BUSY&number=nobody&from=" + day(25),
		"/v1/records", "/v1/records?number=" + history.Rare, "/v1/records?number=nobody", "/v1/records?account=nobody", "/v1/records?door=ami", "/v1/records?disposition=CANCELLED", "/v1/records?from=" + day(10) + "&to=" + day(9),
		"/v1/calls/" + id, "/v1/calls/" + id + "/events", "/v1/calls/" + id + "/explain", "/v1/calls/" + id + "/attempts", "/v1/calls/" + id + "/recordings",
		"/v1/series", "/v1/series?from=" + day(1), "/v1/series?from=" + day(29), "/v1/stats", "/v1/audit", "/v1/audit?denied=true",
	} {
		var took []time.Duration
		var size int
		for range 5 {
			start := time.Now()
			resp, err := s.Client().Get("http://dialwright" + path)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil || resp.StatusCode != http.StatusOK || !json.Valid(body) {
				t.Fatalf("%s: %d %v %.200s", path, resp.StatusCode, err, body)
			}
			took, size = append(took, time.Since(start)), len(body)
		}
		slices.Sort(took)
		t.Logf("%7.1f %7.1f ms %8d bytes  %s", took[0].Seconds()*1000, took[4].Seconds()*1000, size, path)
	}
}

// slowly reads r in pieces of 64 KiB, one each millisecond, and looks at the server's memory.
func slowly(t *testing.T, s *harness.Server, r io.Reader) (size int, most int) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	piece := make([]byte, 64<<10)
	for n := 0; ; n++ {
		<-tick.C
		got, err := io.ReadFull(r, piece)
		size += got
		if n%32 == 0 {
			most = max(most, s.Memory())
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) && got > 0 {
			return size, max(most, s.Memory())
		}
		if err != nil {
			t.Fatalf("after %d bytes: %v", size, err)
		}
	}
}

// TestExportOfManyCalls exports 100,000 calls to a slow reader. The server's memory is
// bounded: it does not grow with the number of calls.
func TestExportOfManyCalls(t *testing.T) {
	const calls = 100_000
	s := aged(t, calls)
	s.MustAPI("GET", "/v1/calls?limit=1000", nil, nil) // the store's caches are filled
	for _, f := range []struct {
		format sheet.Format
		grows  int // kB at most; excelize holds 16 MiB of a workbook, in a buffer that doubles
	}{{sheet.CSV, 64 << 10}, {sheet.JSONL, 64 << 10}, {sheet.XLSX, 128 << 10}} {
		before, cpu, start := s.Memory(), s.CPU(), time.Now()
		resp, err := s.Client().Get("http://dialwright/v1/export/calls?format=" + string(f.format))
		if err != nil {
			t.Fatal(err)
		}
		first := time.Since(start)
		rows := 0
		body := io.Reader(resp.Body)
		if f.format != sheet.XLSX {
			body = io.TeeReader(body, lines{&rows})
		}
		size, most := slowly(t, s, body)
		resp.Body.Close()
		t.Logf("%s: %d bytes, the first after %v, the last after %v, CPU %v; resident before %d MB, at most %d MB, peak of the server's life %d MB",
			f.format, size, first.Round(time.Millisecond), time.Since(start).Round(time.Millisecond), s.CPU()-cpu, before>>10, most>>10, s.PeakMemory()>>10)
		if most-before > f.grows {
			t.Errorf("%s: memory grew from %d to %d kB", f.format, before, most)
		}
		if want := map[sheet.Format]int{sheet.CSV: calls + 1, sheet.JSONL: calls}[f.format]; rows != want {
			t.Errorf("%s: %d rows, want %d", f.format, rows, want)
		}
	}
}

// lines counts line feeds.
type lines struct{ n *int }

// Write is io.Writer.
func (l lines) Write(p []byte) (int, error) {
	*l.n += strings.Count(string(p), "\n")
	return len(p), nil
}

// TestExportBreaksWithTheServer kills the server in the middle: what has come does not look
// whole.
func TestExportBreaksWithTheServer(t *testing.T) {
	s := aged(t, 20_000)
	resp, err := s.Client().Get("http://dialwright/v1/export/calls?format=csv")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	r := bufio.NewReader(resp.Body)
	if head, err := r.ReadString('\n'); err != nil || !strings.HasPrefix(head, "id,created_at,") {
		t.Fatal(head, err)
	}
	s.Kill()
	if n, err := io.Copy(io.Discard, r); err == nil {
		t.Errorf("after %d bytes the part looks whole", n)
	}
	s.Start()
	var back struct{ Calls []json.RawMessage }
	s.MustAPI("GET", fmt.Sprintf("/v1/calls?limit=%d", 10), nil, &back)
	if len(back.Calls) != 10 {
		t.Errorf("%d calls after the restart", len(back.Calls))
	}
}
