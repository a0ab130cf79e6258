package bulk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/number"
	"github.com/dialwright/dialwright/internal/originate"
)

// Bounds of a report.
const (
	maxReasons    = 100 // different reasons; what is beyond is summed up in one
	maxReasonRows = 100 // numbers of rows that are listed of each
	maxPreview    = 20
)

// maxBatchName bounds the name of a batch, in bytes.
const maxBatchName = 128

// Report says what would become of a list.
type Report struct {
	Rows     int       `json:"rows" doc:"Rows that ask for a call"`
	Accepted int       `json:"accepted" doc:"Rows that would be dialled"`
	Refused  int       `json:"refused" doc:"Rows that would not"`
	Reasons  []Reason  `json:"reasons" nullable:"false" doc:"Why rows would not be dialled, the most frequent first"`
	Warnings []Reason  `json:"warnings" nullable:"false" doc:"What should be looked at"`
	Preview  []Preview `json:"preview" nullable:"false" doc:"How the first rows would be dialled"`
}

// Reason is something that holds for several rows.
type Reason struct {
	Code  string `json:"code" doc:"For programs: those of refused calls, and duplicate"`
	Rule  string `json:"rule,omitempty" doc:"The guard's rule that decided"`
	Text  string `json:"text" doc:"In words, with what to do; of the first of the rows"`
	Count int    `json:"count" doc:"How many rows"`
	Rows  []int  `json:"rows" nullable:"false" doc:"Their numbers, as a spreadsheet shows them; the first hundred"`
}

// Preview is how a row would be dialled.
type Preview struct {
	Row    int    `json:"row"`
	First  string `json:"first,omitempty" doc:"As the list has it"`
	Second string `json:"second,omitempty" doc:"As the list has it"`
	Dials  string `json:"dials,omitempty" doc:"What would be dialled"`
	Error  string `json:"error,omitempty" doc:"Why it would not be"`
}

// Check says what would become of a list, row by row, and stores nothing. The error is
// ErrUnknown, ErrBusy, an *Invalid about the plan, or the cause of ctx.
func (b *Book) Check(ctx context.Context, id string, by By, p Plan) (Report, error) {
	i, err := b.Get(ctx, id, by)
	if err != nil {
		return Report{}, err
	}
	p.By = by
	if err := p.complete(&i); err != nil {
		return Report{}, err
	}
	checking := task{by.Own, "check"}
	if !b.begin(checking, maxChecking) {
		return Report{}, ErrBusy
	}
	defer b.end(checking)
	rows, err := b.openRows(id, p.Header)
	if err != nil {
		return Report{}, err
	}
	c := &checker{b: b, make: newMaker(&i, &p, b.o.Zone), left: map[call.AccountID]int{}, seen: newSeen(b), skip: p.SkipDuplicates}
	c.report = Report{Reasons: []Reason{}, Warnings: []Reason{}, Preview: []Preview{}}
	err = c.all(ctx, rows)
	return c.done(), errors.Join(err, rows.close())
}

// complete fills in what a plan leaves open, and checks it against the list.
func (p *Plan) complete(i *Import) error {
	if p.Batch == "" {
		p.Batch = call.BatchID("import-" + i.ID)
	}
	if name := string(p.Batch); len(name) > maxBatchName || !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) {
		return &Invalid{Field: "batch", Text: fmt.Sprintf("The name of a batch has at most %d bytes and no control characters.", maxBatchName)}
	}
	if p.Batch == "." || p.Batch == ".." { // no address could name it, so that nobody could cancel it
		return &Invalid{Field: "batch", Text: "A batch cannot be called . or .."}
	}
	return p.Mapping.check(&i.Table)
}

// checker is one check under way.
type checker struct {
	b       *Book
	make    *maker
	left    map[call.AccountID]int // calls that accounts may still ask for
	seen    *seen
	skip    bool
	report  Report
	reasons reasons
	twice   reasons
}

func (c *checker) all(ctx context.Context, rows *rowFile) error {
	for {
		r, err := rows.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil && ctx.Err() != nil { // nobody waits for it any more
			err = context.Cause(ctx)
		}
		if err == nil {
			err = c.row(ctx, &r)
		}
		if err != nil {
			return err
		}
	}
}

func (c *checker) row(ctx context.Context, r *row) error {
	c.report.Rows++
	q, refusal := c.make.request(r)
	var d originate.Decision
	if refusal == nil {
		var err error
		if d, err = c.b.o.Queue.Check(ctx, q); err != nil {
			return err
		}
		refusal = d.Refusal
		if first := c.seen.before(q, &d, r.Number); first > 0 {
			c.twice.add("duplicate", "", fmt.Sprintf("The number stands in the list more than once: in row %d as in row %d.", r.Number, first), r.Number)
			if c.skip && refusal == nil {
				refusal = duplicate(first)
			}
		}
	}
	if refusal == nil {
		var err error
		if refusal, err = c.daily(ctx, q.Account); err != nil {
			return err
		}
	}
	if refusal == nil {
		c.report.Accepted++
	} else {
		c.report.Refused++
		c.reasons.add(string(refusal.Code), refusal.Rule, refusal.Text, r.Number)
	}
	if len(c.report.Preview) < maxPreview {
		v := Preview{Row: r.Number, First: shorten(string(q.First), 120), Second: shorten(string(q.Then.Second), 120)}
		if refusal != nil {
			v.Error = refusal.Text
		} else {
			v.Dials = string(d.RouteA.Endpoint) + ", then " + string(d.RouteB.Endpoint)
		}
		c.report.Preview = append(c.report.Preview, v)
	}
	return nil
}

// daily refuses what an account's cap for the day leaves no room for.
func (c *checker) daily(ctx context.Context, account call.AccountID) (*originate.Refusal, error) {
	if c.b.o.Left == nil {
		return nil, nil
	}
	n, known := c.left[account]
	if !known {
		var err error
		if n, err = c.b.o.Left(ctx, account); err != nil {
			return nil, err
		}
	}
	if n == 0 {
		c.left[account] = 0
		return &originate.Refusal{Code: originate.RefusedRate, Rule: "account " + string(account) + ": daily cap",
			Text: "The account would have reached its calls for today. Raise its daily cap, or wait for tomorrow."}, nil
	}
	c.left[account] = n - 1 // a negative number stays one
	return nil, nil
}

func (c *checker) done() Report {
	c.report.Reasons, c.report.Warnings = c.reasons.sorted(), c.twice.sorted()
	if len(c.report.Warnings) > 0 && !c.skip {
		c.report.Warnings[0].Text += " Each of these rows would be dialled; skip_duplicates leaves out all but the first."
	}
	return c.report
}

// reasons groups rows.
type reasons struct{ list []Reason }

func (s *reasons) add(code, rule, text string, row int) {
	// A text may name what stands in the row; the rest of it tells reasons apart.
	same := func(r Reason) bool { return r.Code == code && r.Rule == rule && kind(r.Text) == kind(text) }
	at := slices.IndexFunc(s.list, same)
	if at < 0 {
		if len(s.list) == maxReasons {
			code, rule, text = "other", "", "There are more reasons than can be listed; the file of refused rows will have them all."
			at = maxReasons - 1
			s.list[at].Code, s.list[at].Rule, s.list[at].Text = code, rule, text
		} else {
			s.list, at = append(s.list, Reason{Code: code, Rule: rule, Text: text, Rows: []int{}}), len(s.list)
		}
	}
	r := &s.list[at]
	r.Count++
	if len(r.Rows) < maxReasonRows {
		r.Rows = append(r.Rows, row)
	}
}

// kind leaves out of a text what differs from row to row: what is quoted, and numbers.
func kind(text string) string {
	if at := strings.IndexByte(text, '"'); at >= 0 {
		if end := strings.LastIndexByte(text, '"'); end > at {
			text = text[:at] + text[end:]
		}
	}
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || strings.ContainsRune("+,.eE", r) {
			return -1
		}
		return r
	}, text)
}

func (s *reasons) sorted() []Reason {
	slices.SortStableFunc(s.list, func(a, b Reason) int { return b.Count - a.Count })
	return append([]Reason{}, s.list...)
}

// seen knows which numbers a list has had. It does not matter whether they were accepted.
type seen struct {
	b    *Book
	rows map[string]int
}

func newSeen(b *Book) *seen { return &seen{b: b, rows: map[string]int{}} }

// before gives the first row that had the same number, 0 if none had; then this is the first.
func (s *seen) before(q call.Request, d *originate.Decision, row int) int {
	same := "=" + number.Compact(string(q.Then.Second))
	if d.RouteB.Endpoint != "" {
		same = s.b.o.Same(q.Account, d.RouteB)
	}
	if first, ok := s.rows[same]; ok {
		return first
	}
	s.rows[same] = row
	return 0
}

func duplicate(first int) *originate.Refusal {
	return &originate.Refusal{Code: "duplicate", Field: "second", Text: fmt.Sprintf("Row %d has the same number.", first)}
}
