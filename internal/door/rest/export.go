package rest

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/sheet"
)

// maxExports run at once: each reads and encodes as fast as it may.
const maxExports = 4

// exportPage is how many calls are held in memory. Each page is a query of its own, so that
// a slow client holds no snapshot of the store open.
const exportPage = 500

type exportInput struct {
	CallFilter
	Format string `query:"format" enum:"csv,xlsx,jsonl" default:"csv"`
	BOM    bool   `query:"bom" doc:"Begin CSV with a byte order mark, without which Excel does not take it for UTF-8"`
	Order  string `query:"order" enum:"newest,oldest" default:"newest"`
}

// exportCalls streams calls as a table.
func (s *Server) exportCalls(ctx context.Context, in *exportInput) (*huma.StreamResponse, error) {
	format, err := sheet.ParseFormat(in.Format)
	if err != nil {
		return nil, &Refusal{Code: "invalid", Field: "format", Text: err.Error()}
	}
	f := in.filter()
	f.Oldest, f.Limit = in.Order == "oldest", exportPage
	if only := s.visible(ctx); only != "" {
		f.Account = only
	}
	var opts []sheet.Option
	if in.BOM {
		opts = append(opts, sheet.WithBOM())
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		r, w := humago.Unwrap(hc)
		d := &download{w: w, format: format, name: "calls-" + time.Now().UTC().Format("20060102-150405") + "." + string(format)}
		s.streamTable(r, d, func(ctx context.Context) error { return s.writeCalls(ctx, d, f, opts) })
	}}, nil
}

// writeCalls writes the calls of f. The table is whole if it returns nil.
func (s *Server) writeCalls(ctx context.Context, w *download, f Filter, opts []sheet.Option) error {
	t, err := sheet.NewWriter(w, w.format, exportColumns, opts...)
	if err != nil {
		return err
	}
	defer t.Abort()
	for {
		calls, next, err := s.o.Calls.List(ctx, f)
		if err != nil {
			return err
		}
		for _, c := range calls {
			if err := t.Row(exportRow(c)...); err != nil {
				return err
			}
		}
		if f.Cursor = next; next == "" {
			return t.Close()
		}
	}
}

// streamTable has write write a table to d. What fails before the first byte is a problem
// like others; what fails later cuts the connection, so that nobody takes the part for the
// whole, and is logged.
func (s *Server) streamTable(r *http.Request, d *download, write func(context.Context) error) {
	select {
	case s.exports <- struct{}{}:
		defer func() { <-s.exports }()
	default:
		writeProblem(d.w, problemOf(r.Context(), s.log, &Refusal{Code: "rate", Text: "Too many tables are being made at once; try again in a moment.", RetryAfter: 5 * time.Second}))
		return
	}
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	rc := http.NewResponseController(d.w)
	d.slow = &slowWriter{ResponseWriter: d.w, rc: rc}
	go func() { // ends with ctx
		select {
		case <-s.stop:
			cancel(errStopping)
			_ = rc.SetWriteDeadline(time.Now()) // what is being written does not hold the server up
		case <-ctx.Done():
		}
	}()
	err := write(ctx)
	if err == nil {
		d.begin() // an empty table of JSON lines has no bytes
		return
	}
	if stopped := context.Cause(ctx); stopped != nil {
		err = stopped
	}
	if !d.begun {
		if errors.Is(err, errStopping) {
			err = &Refusal{Code: "stopping", Text: "The server is stopping; try again in a moment.", RetryAfter: 2 * time.Second}
		}
		if errors.Is(err, sheet.ErrTooManyRows) {
			err = &Refusal{Code: "invalid", Field: "format", Text: "A workbook has at most 1,048,576 rows; ask for fewer calls, or for csv."}
		}
		writeProblem(d.w, problemOf(r.Context(), s.log, err))
		return
	}
	s.log.WarnContext(r.Context(), "export cut short", "door", "rest", "principal", principal(r.Context()).Name, "remote", r.RemoteAddr, "bytes", d.bytes, "err", err)
	panic(http.ErrAbortHandler) // net/http closes the connection without the end of the body
}

// download is the body of a table. Its headers go out with the first byte.
type download struct {
	w      http.ResponseWriter
	slow   io.Writer // w with a deadline for each piece
	format sheet.Format
	name   string
	begun  bool
	bytes  int64
}

func (d *download) begin() {
	if d.begun {
		return
	}
	d.begun = true
	h := d.w.Header()
	h.Set("Content-Type", d.format.ContentType())
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": d.name}))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
}

// Write is io.Writer.
func (d *download) Write(p []byte) (int, error) {
	d.begin()
	n, err := d.slow.Write(p)
	d.bytes += int64(n)
	return n, err
}

// exportColumns are the columns of a table of calls.
var exportColumns = []string{
	"id", "created_at", "account", "door", "principal", "reference", "batch", "first", "first_dialled", "second", "second_dialled",
	"state", "disposition", "cause", "cause_text", "sip_status", "attempts", "answered_at", "connected_at", "ended_at", "connected_seconds", "hangup_by", "reason",
}

// exportRow is a call as a row of exportColumns. What follows the answer is in second,
// whatever it is.
func exportRow(c call.Call) []any {
	r := c.Request
	row := []any{
		string(c.ID), c.CreatedAt, string(r.Account), r.Origin.Door, r.Origin.Principal, r.Origin.Reference, string(r.Batch),
		string(r.First), string(c.RouteA.Endpoint), secondOf(r.Then), string(c.RouteB.Endpoint), string(c.State),
	}
	o := c.Last
	if o == nil {
		return append(row, nil, nil, nil, nil, c.Attempts, nil, nil, c.EndedAt, nil, nil, c.Reason)
	}
	q850, sip := outcomeCause(*o)
	var status, connected any
	if sip != 0 {
		status = sip
	}
	if !o.ConnectedAt.IsZero() {
		connected = int(o.EndedAt.Sub(o.ConnectedAt).Round(time.Second).Seconds())
	}
	return append(row, string(o.Disposition), q850, cause.Code(q850).String(), status, c.Attempts,
		o.A.AnsweredAt, o.ConnectedAt, c.EndedAt, connected, o.HangupBy, c.Reason)
}

// secondOf says what follows the answer.
func secondOf(t call.Then) string {
	switch t.Kind {
	case call.ThenDialplan:
		priority := t.Priority
		if priority == "" {
			priority = "1"
		}
		return strings.Join([]string{t.Context, t.Extension, priority}, ",")
	case call.ThenApplication, call.ThenApp:
		return t.Name + "(" + t.Data + ")"
	}
	return string(t.Second)
}
