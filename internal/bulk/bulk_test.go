package bulk_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/bulk"
	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/originate"
	"github.com/dialwright/dialwright/internal/sheet"
)

func TestUploads(t *testing.T) {
	o := newOffice(t)
	for _, c := range []struct {
		name, in string
		rows     int
		header   bool
		guesses  string // of the columns
		warns    string
	}{
		{"german", "Kundennummer;Name;Telefon-Nr.;Nebenstelle\nK1;Müller;030 123456;101\n", 1, true, "reference,,second,first", ""},
		{"english", "Agent,Phone number,Customer ID,Caller ID\n101,+49 30 123456,7,+4930999\n", 1, true, "first,second,reference,caller_number", ""},
		{"the surer name wins", "number;telefon;to\n1;030123456;2\n", 1, true, ",second,", ""},
		{"no header", "Ada;+49 30 123456\nGrace;030/654321\n", 2, false, ",second", ""},
		{"one column", "+4930123456\n+4930123457\n", 2, false, "second", ""},
		{"one row", "+4930123456\n", 1, false, "second", ""},
		{"unknown names, but numbers below", "Wer;Was\nAda;030123456\nBob;030123457\n", 2, true, ",second", ""},
		{"duplicate names", "Telefon;Telefon\n030123456;030123457\n", 1, true, "second,", "Several columns are called"},
		{"header only", "Name;Telefon\n", 0, true, ",second", "nothing below"},
		{"formulas", "Name;Telefon\n=cmd|' /C calc'!A0;030123456\n=\"x\";1\n", 2, true, ",second", "1 of the cells hold formulas"},
		{"rows that cannot be read", "Name;Telefon\n\"x\"y;030123456\nz;030123456\n", 2, true, ",second", "1 of the rows cannot be read"},
		{"leading blank rows", "\n\nName;Telefon\nAda;030123456\n", 1, true, ",second", ""},
	} {
		i := o.upload(c.in)
		var guesses []string
		for _, col := range i.Table.Columns {
			guesses = append(guesses, col.Guess)
		}
		if got := strings.Join(guesses, ","); got != c.guesses || i.Table.Header != c.header || i.Table.DataRows(c.header) != c.rows {
			t.Errorf("%s: guesses %q, header %v, %d rows; want %q, %v, %d", c.name, got, i.Table.Header, i.Table.DataRows(c.header), c.guesses, c.header, c.rows)
		}
		if got := strings.Join(i.Table.Warnings, " "); !strings.Contains(got, c.warns) || c.warns == "" && got != "" {
			t.Errorf("%s: warnings %q, want %q", c.name, got, c.warns)
		}
	}
	entries, err := os.ReadDir(filepath.Join(o.dir, "imports"))
	o.must(err)
	for _, e := range entries {
		if info, err := e.Info(); err != nil || !e.IsDir() && info.Mode() != 0o600 || e.IsDir() && info.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v %v", e.Name(), info.Mode(), err)
		}
	}
	if left, err := os.ReadDir(filepath.Join(o.dir, "imports", "tmp")); err != nil || len(left) > 0 {
		t.Error("uploads are left", left, err)
	}
}

func TestUploadsThatAreNot(t *testing.T) {
	o := newOffice(t)
	o.conf = bulk.Config{MaxSize: 2000, MaxRows: 5, MaxFiles: 2}
	for name, in := range map[string]string{
		"empty": "", "blank": "\n \n;;\n", "PDF": "%PDF-1.4", "old Excel": "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "too many rows": "Telefon\n" + strings.Repeat("030123456\n", 6),
	} {
		_, err := o.book.Upload(t.Context(), sales, name, strings.NewReader(in), sheet.ReadOptions{})
		if _, ok := errors.AsType[*bulk.Invalid](err); !ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := o.book.Upload(t.Context(), sales, "x", strings.NewReader(strings.Repeat("x", 2001)), sheet.ReadOptions{}); !errors.Is(err, bulk.ErrTooLarge) {
		t.Error(err)
	}
	// A header does not count among the rows.
	i := o.upload("Telefon\n" + strings.Repeat("030123456\n", 5))
	if i.Table.DataRows(true) != 5 {
		t.Error(i.Table.Rows)
	}
	o.upload("030123456\n")
	if _, err := o.book.Upload(t.Context(), sales, "x", strings.NewReader("1\n"), sheet.ReadOptions{}); !errors.Is(err, bulk.ErrTooMany) {
		t.Error(err)
	}
	if _, err := o.book.Upload(t.Context(), support, "x", strings.NewReader("1\n"), sheet.ReadOptions{}); err != nil {
		t.Error("another account", err)
	}
	entries, err := os.ReadDir(filepath.Join(o.dir, "imports"))
	o.must(err)
	if len(entries) != 4 { // three lists and tmp
		t.Error(entries)
	}
	if _, err := o.book.Get(t.Context(), i.ID, support); !errors.Is(err, bulk.ErrUnknown) {
		t.Error("a foreign list is shown", err)
	}
	if err := o.book.Delete(t.Context(), i.ID, support); !errors.Is(err, bulk.ErrUnknown) {
		t.Error("a foreign list is deleted", err)
	}
	o.must(o.book.Delete(t.Context(), i.ID, sales))
	if _, err := os.Stat(filepath.Join(o.dir, "imports", i.ID+".rows")); !os.IsNotExist(err) {
		t.Error("its rows are left", err)
	}
}

func TestCheck(t *testing.T) {
	o := newOffice(t)
	i := o.upload(`Name;Telefon;Ab
Ada;030 123456;
Bob;4,93012E+11;
Cyd;0900 123456;

Dan;;
Eve;+49 (30) 12-34-56;
Fay;030 999999;31/12/2026
Gus;4930777777.0;24.12.2026 18:00
Hal;="030888888";2026-12-24
Ivy;'030 888889;
Joe;nobody;
Kim;030 1;a;b;c
"Lee"x;030 1;
Max;1 44 7700 900123;
`)
	p := planOf(i, 1)
	p.Mapping.NotBefore = &bulk.Source{Column: new(2)}
	p.Mapping.Variables = map[string]bulk.Source{"CUSTOMER": {Column: new(0)}}
	r, err := o.book.Check(t.Context(), i.ID, sales, p)
	o.must(err)
	if r.Rows != 13 || r.Accepted+r.Refused != r.Rows {
		t.Errorf("%d rows, %d accepted, %d refused", r.Rows, r.Accepted, r.Refused)
	}
	reasons := map[string][]int{}
	for _, x := range append(r.Reasons, r.Warnings...) {
		if x.Count != len(x.Rows) {
			t.Errorf("%+v", x)
		}
		reasons[x.Text] = x.Rows
	}
	for text, rows := range map[string]string{
		"A spreadsheet has rounded the number to 4,93012E+11": "[3]",
		"Numbers that begin with +49900 are denied":           "[4]",
		"The row has no number to call.":                      "[6]",
		"The number stands in the list more than once":        "[7]",
		`"31/12/2026" is no time`:                             "[8]",
		`"nobody" is no number.`:                              "[12]",
		"The row has 5 cells, the header 3":                   "[13]",
		"A quote stands in the middle":                        "[14]",
	} {
		found := false
		for got, at := range reasons {
			found = found || strings.HasPrefix(got, text) && fmt.Sprint(at) == rows
		}
		if !found {
			t.Errorf("no %q in rows %s", text, rows)
		}
	}
	if d := cmp.Diff([]bulk.Preview{
		{Row: 2, First: "101", Second: "030 123456", Dials: "PJSIP/101, then PJSIP/030123456@x"},
		{Row: 3, First: "101", Error: r.Preview[1].Error},
	}, r.Preview[:2]); d != "" {
		t.Error(d)
	}
	for _, got := range r.Preview {
		if got.Row == 9 && got.Dials != "PJSIP/101, then PJSIP/4930777777@x" || got.Row == 10 && got.Second != "030888888" || got.Row == 11 && got.Second != "030 888889" {
			t.Errorf("%+v", got)
		}
	}
	if t.Failed() {
		t.Logf("%+v", r)
	}
	p.SkipDuplicates = true
	again, err := o.book.Check(t.Context(), i.ID, sales, p)
	if err != nil || again.Accepted != r.Accepted-1 {
		t.Error("duplicates are not skipped", again.Accepted, err)
	}
	o.left = 2
	if r, err = o.book.Check(t.Context(), i.ID, sales, p); err != nil || r.Accepted != 2 {
		t.Error("the daily cap is not seen", r.Accepted, err)
	}
	if entries, err := o.store.Audit(t.Context(), originate.AuditFilter{}); err != nil || len(entries) > 0 {
		t.Error("a check leaves a trail", entries, err)
	}
}

func TestPlansThatAreNot(t *testing.T) {
	o := newOffice(t)
	i := o.upload(list(1))
	for field, change := range map[string]func(*bulk.Plan){
		"batch":                      func(p *bulk.Plan) { p.Batch = "a\nb" },
		"mapping.second":             func(p *bulk.Plan) { p.Mapping.Second = nil },
		"mapping.first":              func(p *bulk.Plan) { p.Mapping.First = nil },
		"mapping.second.column":      func(p *bulk.Plan) { p.Mapping.Second.Column = new(3) },
		"mapping.variables.X.column": func(p *bulk.Plan) { p.Mapping.Variables = map[string]bulk.Source{"X": {Column: new(-1)}} },
		"mapping.reference":          func(p *bulk.Plan) { p.Mapping.Reference = &bulk.Source{Column: new(0), Value: "x"} },
	} {
		p := planOf(i, 1)
		change(&p)
		_, err := o.book.Check(t.Context(), i.ID, sales, p)
		if e, ok := errors.AsType[*bulk.Invalid](err); !ok || e.Field != field {
			t.Errorf("%s: %v", field, err)
		}
		if _, err := o.book.Submit(t.Context(), i.ID, sales, p); err == nil {
			t.Error(field, "was submitted")
		}
	}
	if _, err := o.book.Check(t.Context(), "none", sales, planOf(i, 1)); !errors.Is(err, bulk.ErrUnknown) {
		t.Error(err)
	}
	var m bulk.Mapping
	if err := m.Set("thrid", bulk.Source{}); err == nil || !strings.Contains(err.Error(), "second") {
		t.Error(err)
	}
}

// A list becomes calls, each row once, and its results keep its own columns.
func TestSubmit(t *testing.T) {
	o := newOffice(t)
	const n = manyRows // more than a piece
	i := o.upload(list(n) + "Nobody;x;nowhere\n<script>alert(1)</script>;030 7700000;=1+1\nTwice;030 40000003;again\n")
	p := planOf(i, 1)
	p.Mapping.Reference = &bulk.Source{Column: new(0)}
	p.SkipDuplicates = true
	o.mu.Lock()
	o.policy.Limits = map[string]originate.Limits{"phone:*": {Channels: 100}}
	o.mu.Unlock()
	var wg sync.WaitGroup
	var mu sync.Mutex
	var refusals []error
	for range 2 { // at the same time
		wg.Go(func() {
			_, err := o.book.Submit(t.Context(), i.ID, sales, p)
			mu.Lock()
			refusals = append(refusals, err)
			mu.Unlock()
		})
	}
	wg.Wait()
	if (refusals[0] == nil) == (refusals[1] == nil) || !errors.Is(errors.Join(refusals...), bulk.ErrState) {
		t.Fatal(refusals)
	}
	if err := o.book.Delete(t.Context(), i.ID, sales); err != nil && !errors.Is(err, bulk.ErrState) {
		t.Error(err)
	} else if err == nil {
		t.Fatal("deleted while it was submitting")
	}
	got := o.until(i.ID, "submitted", over)
	if got.State != bulk.Submitted || got.Accepted != n+1 || got.Refused != 2 || got.Processed != n+3 {
		t.Errorf("%+v", got)
	}
	if _, err := o.book.Submit(t.Context(), i.ID, sales, p); !errors.Is(err, bulk.ErrState) {
		t.Error("submitted again", err)
	}
	batch := call.BatchID("import-" + i.ID)
	o.ended(batch, n+1)
	b, err := o.book.Batch(t.Context(), batch, sales)
	o.must(err)
	if b.Calls != n+1 || b.Waiting != 0 || b.Dispositions[call.Answered] != n+1 || b.Import != i.ID {
		t.Errorf("%+v", b)
	}
	o.mu.Lock()
	for to, times := range o.dialed {
		if times != 1 {
			t.Errorf("%s was dialled %d times", to, times)
		}
	}
	o.mu.Unlock()
	if _, err := o.book.Batch(t.Context(), batch, support); !errors.Is(err, originate.ErrNotFound) {
		t.Error("a foreign batch is shown", err)
	}

	var out bytes.Buffer
	o.must(o.book.Results(t.Context(), batch, sales, &out, sheet.CSV))
	rows := strings.Split(strings.TrimSpace(out.String()), "\r\n")
	if len(rows) != n+2 || !strings.HasPrefix(rows[0], "Name,Telefon,Stadt,row,call,") || !strings.HasPrefix(rows[1], "Customer 0,030 40000000,Berlin,2,") ||
		!strings.Contains(rows[1], ",ended,ANSWERED,") {
		t.Errorf("%d rows: %q", len(rows), rows[:2])
	}
	if last := rows[n+1]; !strings.HasPrefix(last, "<script>alert(1)</script>,030 7700000,'=1+1,") {
		t.Errorf("%q", last)
	}
	out.Reset()
	o.must(o.book.Refused(t.Context(), i.ID, sales, &out, sheet.CSV))
	if want := fmt.Sprintf("Nobody,x,nowhere,%d,destination,", n+2); !strings.Contains(out.String(), want) || !strings.Contains(out.String(), fmt.Sprintf("Twice,030 40000003,again,%d,duplicate,Row 5 has the same number.", n+4)) {
		t.Errorf("%s", &out)
	}
	o.must(o.book.Delete(t.Context(), i.ID, sales))
	out.Reset()
	o.must(o.book.Results(t.Context(), batch, sales, &out, sheet.JSONL))
	if got := strings.Count(out.String(), "\n"); got != n+1 {
		t.Errorf("%d results without the list", got)
	}
}

// Only who sees all uses other accounts and foreign batches.
func TestRights(t *testing.T) {
	o := newOffice(t)
	i := o.upload("Telefon;Account\n030123456;support\n030123457;sales\n030123458;none\n")
	p := planOf(i, 0)
	p.Mapping.Account = &bulk.Source{Column: new(1)}
	r, err := o.book.Check(t.Context(), i.ID, sales, p)
	if err != nil || r.Accepted != 1 || r.Reasons[0].Code != "account" {
		t.Errorf("%+v %v", r, err)
	}
	if r, err = o.book.Check(t.Context(), i.ID, admin, p); err != nil || r.Accepted != 2 {
		t.Errorf("%+v %v", r, err)
	}
	p.Batch = "theirs"
	other, err := o.book.Upload(t.Context(), support, "x", strings.NewReader(list(1)), sheet.ReadOptions{})
	o.must(err)
	theirs := planOf(other, 1)
	theirs.Batch = "theirs"
	_, err = o.book.Submit(t.Context(), other.ID, support, theirs)
	o.must(err)
	if _, err := o.book.Submit(t.Context(), i.ID, sales, p); !errors.Is(err, bulk.ErrBatch) {
		t.Error(err)
	}
	o.until(other.ID, "submitted", over)
}

// A rate has room for one submission: a list is one, however long, and waits for its turn.
func TestListIsOneSubmission(t *testing.T) {
	o := newOffice(t)
	o.mu.Lock()
	o.policy.Accounts["sales"] = originate.Account{Rate: originate.Rate{PerSecond: 5, Burst: 1}}
	o.policy.MaxBatch = 100
	o.mu.Unlock()
	first, second := o.upload(list(1100)), o.upload(list(3))
	for _, i := range []bulk.Import{first, second} {
		p := planOf(i, 1)
		p.Paused = true
		_, err := o.book.Submit(t.Context(), i.ID, sales, p)
		o.must(err)
	}
	if got := o.until(first.ID, "submitted", over); got.Accepted != 1100 {
		t.Errorf("%+v", got)
	}
	if got := o.until(second.ID, "submitted", over); got.Accepted != 3 {
		t.Errorf("%+v", got)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.dialed) > 0 {
		t.Error("dialled although paused", o.dialed)
	}
}

// Cancelled, a list adds nothing more.
func TestCancel(t *testing.T) {
	o := newOffice(t)
	i := o.upload(list(cancelRows))
	p := planOf(i, 1)
	p.Paused = true
	_, err := o.book.Submit(t.Context(), i.ID, sales, p)
	o.must(err)
	o.until(i.ID, "begun", func(i bulk.Import) bool { return i.Accepted > 0 })
	batch := call.BatchID("import-" + i.ID)
	o.must(o.book.Cancel(t.Context(), batch, "me"))
	n, err := o.orig.CancelBatch(t.Context(), batch, "me")
	o.must(err)
	got := o.until(i.ID, "failed", over)
	b, err := o.book.Batch(t.Context(), batch, sales)
	o.must(err)
	if got.State != bulk.Failed || got.Error != "withdrawn by me" || got.Accepted != n || b.Calls != n || b.Cancelled != n || n == cancelRows {
		t.Errorf("%d cancelled, %+v, %+v", n, got, b)
	}
}

// A server that stops in the middle goes on at its next start, and one whose last piece was
// not noted recognises it: nobody is dialled twice.
func TestResume(t *testing.T) {
	o := newOffice(t)
	const n = resumeRows
	i := o.upload(list(n) + "Twice;030 40000003;again\n")
	p := planOf(i, 1)
	p.Paused, p.SkipDuplicates = true, true
	_, err := o.book.Submit(t.Context(), i.ID, sales, p)
	o.must(err)
	o.until(i.ID, "begun", func(i bulk.Import) bool { return i.Accepted > 0 })
	o.close()
	o.open()
	got, err := o.book.Get(t.Context(), i.ID, sales)
	o.must(err)
	t.Log("stopped after", got.Processed, got.State)
	got = o.until(i.ID, "submitted", over)
	if got.State != bulk.Submitted || got.Accepted != n || got.Refused != 1 {
		t.Errorf("%+v", got)
	}
	b, err := o.book.Batch(t.Context(), p.Batch+call.BatchID("import-"+i.ID), sales)
	if err != nil || b.Calls != n || !b.Paused {
		t.Errorf("%+v %v", b, err)
	}
}

// Who sends slowly holds up nobody of another account, and not without end its own.
func TestSlowUploads(t *testing.T) {
	o := newOffice(t)
	var slow sync.WaitGroup
	var writers []*io.PipeWriter
	for range 4 {
		r, w := io.Pipe()
		writers = append(writers, w)
		slow.Go(func() {
			if _, err := o.book.Upload(t.Context(), sales, "slow", r, sheet.ReadOptions{}); err != nil {
				t.Error(err)
			}
		})
		if _, err := io.WriteString(w, "Telefon\n"); err != nil { // it is being read
			t.Fatal(err)
		}
	}
	if _, err := o.book.Upload(t.Context(), sales, "fifth", strings.NewReader(list(1)), sheet.ReadOptions{}); !errors.Is(err, bulk.ErrBusy) {
		t.Error(err)
	}
	if _, err := o.book.Upload(t.Context(), support, "other", strings.NewReader(list(1)), sheet.ReadOptions{}); err != nil {
		t.Error(err)
	}
	for _, w := range writers {
		if _, err := io.WriteString(w, "030123456\n"); err != nil {
			t.Error(err)
		}
		o.must(w.Close())
	}
	slow.Wait()
	o.upload(list(1))
}

// Tables that are fetched slowly and checks that nobody waits for do not add up.
func TestBusy(t *testing.T) {
	o := newOffice(t)
	i := o.upload(list(3))
	var fetching sync.WaitGroup
	var readers []*io.PipeReader
	for range 4 {
		r, w := io.Pipe()
		readers = append(readers, r)
		fetching.Go(func() {
			err := o.book.Refused(t.Context(), i.ID, sales, w, sheet.CSV)
			w.CloseWithError(err)
		})
		if _, err := io.ReadFull(r, make([]byte, 1)); err != nil { // it is being written
			t.Fatal(err)
		}
	}
	if err := o.book.Results(t.Context(), "b", sales, io.Discard, sheet.CSV); !errors.Is(err, bulk.ErrBusy) {
		t.Error(err)
	}
	if err := o.book.Results(t.Context(), "b", support, io.Discard, sheet.CSV); err != nil {
		t.Error(err)
	}
	for _, r := range readers {
		if _, err := io.Copy(io.Discard, r); err != nil {
			t.Error(err)
		}
	}
	fetching.Wait()
	o.must(o.book.Results(t.Context(), "b", sales, io.Discard, sheet.CSV))
	gone, leave := context.WithCancel(t.Context())
	leave()
	if _, err := o.book.Check(gone, i.ID, sales, planOf(i, 1)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// A batch is its account's: nobody else adds to it, and a list of another account that used the
// name before is not in its results.
func TestForeignBatch(t *testing.T) {
	o := newOffice(t)
	i := o.upload("Telefon;Secret\n030123456;ours\n")
	p := planOf(i, 0)
	p.Batch, p.Paused = "spring", true
	_, err := o.book.Submit(t.Context(), i.ID, sales, p)
	o.must(err)
	o.until(i.ID, "submitted", over)
	for _, c := range []struct {
		batch call.BatchID
		by    bulk.By
		want  error
	}{{"spring", sales, nil}, {"spring", admin, nil}, {"spring", support, bulk.ErrBatch}, {"new", support, nil}, {"", support, nil}} {
		if err := o.book.MayAdd(t.Context(), c.batch, c.by); !errors.Is(err, c.want) {
			t.Errorf("%s by %s: %v", c.batch, c.by.Principal, err)
		}
	}
	var out bytes.Buffer
	o.must(o.book.Results(t.Context(), "spring", support, &out, sheet.CSV))
	if strings.Contains(out.String(), "Secret") || strings.Contains(out.String(), "ours") {
		t.Errorf("%s", &out)
	}
}

// A cancellation between the begin of a submission and its run is seen.
func TestCancelAtOnce(t *testing.T) {
	o := newOffice(t)
	for range 20 {
		i := o.upload(list(3))
		p := planOf(i, 1)
		p.Paused = true
		batch := call.BatchID("import-" + i.ID)
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := o.book.Submit(t.Context(), i.ID, sales, p); err != nil {
				t.Error(err)
			}
		})
		o.until(i.ID, "begun", func(i bulk.Import) bool { return i.State != bulk.Uploaded })
		o.must(o.book.Cancel(t.Context(), batch, "me"))
		wg.Wait()
		// A run that began after Cancel had returned would be over before the book stops.
		b, err := o.book.Batch(t.Context(), batch, sales)
		o.must(err)
		o.must(o.book.Stop(t.Context()))
		if later, err := o.book.Batch(t.Context(), batch, sales); err != nil || later.Calls != b.Calls {
			t.Fatalf("%d calls, then %d, %v", b.Calls, later.Calls, err)
		}
		o.close()
		o.open()
	}
}

// What a server that was killed left in the folder is removed, and what it kept is kept.
func TestOrphans(t *testing.T) {
	o := newOffice(t)
	i := o.upload(list(1))
	dir := filepath.Join(o.dir, "imports")
	o.must(os.WriteFile(filepath.Join(dir, "orphan.rows"), []byte("x"), 0o600))
	o.must(os.WriteFile(filepath.Join(dir, "tmp", "upload-1"), []byte("x"), 0o600))
	o.close()
	o.open()
	for name, there := range map[string]bool{"orphan.rows": false, "tmp/upload-1": false, i.ID + ".rows": true} {
		if _, err := os.Stat(filepath.Join(dir, name)); (err == nil) != there {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A list whose rows are gone fails, and says so.
	o.must(os.Remove(filepath.Join(dir, i.ID+".rows")))
	_, err := o.book.Submit(t.Context(), i.ID, sales, planOf(i, 1))
	o.must(err)
	if got := o.until(i.ID, "failed", over); got.State != bulk.Failed || got.Error == "" {
		t.Errorf("%+v", got)
	}
}

func TestPrune(t *testing.T) {
	o := newOffice(t)
	i := o.upload(list(1))
	o.conf.Keep = time.Hour
	o.must(o.book.Prune(t.Context(), time.Now()))
	if _, err := o.book.Get(t.Context(), i.ID, sales); err != nil {
		t.Error(err)
	}
	o.must(o.book.Prune(t.Context(), time.Now().Add(2*time.Hour)))
	if _, err := o.book.Get(t.Context(), i.ID, sales); !errors.Is(err, bulk.ErrUnknown) {
		t.Error(err)
	}
}

// A list of 100,000 rows (fewer under the race detector): upload, check and submission, with what each takes.
func TestLargeList(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	o := newOffice(t)
	const n = largeRows
	text := list(n)
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	before := m.HeapAlloc
	start := time.Now()
	i := o.upload(text)
	t.Log("upload", time.Since(start))
	p := planOf(i, 1)
	p.Paused = true
	start = time.Now()
	r, err := o.book.Check(t.Context(), i.ID, sales, p)
	if err != nil || r.Accepted != n {
		t.Errorf("%d of %d would be accepted, %v", r.Accepted, n, err)
	}
	t.Log("check", time.Since(start))
	start = time.Now()
	_, err = o.book.Submit(t.Context(), i.ID, sales, p)
	o.must(err)
	t.Log("submit answers in", time.Since(start))
	if got := o.until(i.ID, "submitted", over); got.Accepted != n {
		t.Errorf("%+v", got)
	}
	t.Log("submitted in", time.Since(start))
	runtime.GC()
	runtime.ReadMemStats(&m)
	if grown := int64(m.HeapAlloc) - int64(before); grown > 64<<20 {
		t.Errorf("the heap has grown by %d MiB", grown>>20)
	}
	start = time.Now()
	var out bytes.Buffer
	o.must(o.book.Results(t.Context(), call.BatchID("import-"+i.ID), sales, &out, sheet.CSV))
	t.Log("results", time.Since(start), out.Len(), "bytes")
}
