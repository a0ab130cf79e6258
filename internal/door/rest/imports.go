package rest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dialwright/dialwright/internal/bulk"
	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/door/auth"
	"github.com/dialwright/dialwright/internal/originate"
	"github.com/dialwright/dialwright/internal/sheet"
)

// Imports are the lists that people upload, and the batches that are made of them or otherwise.
// *bulk.Book is one; it says which errors its methods give.
type Imports interface {
	MaxSize() int64
	Upload(ctx context.Context, by bulk.By, name string, r io.Reader, o sheet.ReadOptions) (bulk.Import, error)
	Get(ctx context.Context, id string, by bulk.By) (bulk.Import, error)
	List(ctx context.Context, by bulk.By) ([]bulk.Import, error)
	Delete(ctx context.Context, id string, by bulk.By) error
	Check(ctx context.Context, id string, by bulk.By, p bulk.Plan) (bulk.Report, error)
	Submit(ctx context.Context, id string, by bulk.By, p bulk.Plan) (bulk.Import, error)
	Cancel(ctx context.Context, batch call.BatchID, who string) error
	Refused(ctx context.Context, id string, by bulk.By, w io.Writer, f sheet.Format) error
	Batch(ctx context.Context, id call.BatchID, by bulk.By) (bulk.Batch, error)
	Batches(ctx context.Context, by bulk.By, cursor string, limit int) ([]bulk.Batch, string, error)
	MayAdd(ctx context.Context, id call.BatchID, by bulk.By) error
	Results(ctx context.Context, batch call.BatchID, by bulk.By, w io.Writer, f sheet.Format) error
}

// Import is a list as shown.
type Import struct {
	ID        string         `json:"id"`
	Name      string         `json:"name" doc:"Of the file, as its sender called it"`
	Format    string         `json:"format" enum:"csv,xlsx"`
	Encoding  string         `json:"encoding,omitempty" enum:"utf-8,utf-16le,utf-16be,windows-1252" doc:"Of CSV"`
	Delimiter string         `json:"delimiter,omitempty" doc:"Of CSV"`
	Sheet     string         `json:"sheet,omitempty" doc:"Of XLSX: the one that was read"`
	Sheets    []string       `json:"sheets,omitempty" nullable:"false" doc:"Of XLSX: all that there are; to use another, upload the file again with sheet"`
	Header    bool           `json:"header" doc:"The first row names the columns: as it looks, or as submitted"`
	Rows      int            `json:"rows" doc:"Rows that ask for a call"`
	Columns   []ImportColumn `json:"columns" nullable:"false"`
	Warnings  []string       `json:"warnings" nullable:"false"`
	State     string         `json:"state" enum:"uploaded,submitting,submitted,failed"`
	Batch     string         `json:"batch,omitempty" doc:"Of its calls, once it is submitted"`
	Processed int            `json:"processed" doc:"Rows that have been dealt with so far"`
	Accepted  int            `json:"accepted" doc:"Rows that became calls"`
	Refused   int            `json:"refused" doc:"Rows that did not"`
	Error     string         `json:"error,omitempty" doc:"Why it failed"`
	CreatedAt time.Time      `json:"created_at"`
	EndedAt   time.Time      `json:"ended_at,omitzero" required:"false" doc:"When all rows had been submitted, or it failed"`
	Principal string         `json:"principal"`
	Account   string         `json:"account"`
	Mapping   bulk.Mapping   `json:"mapping" doc:"As submitted; before, as the columns look like"`
}

// ImportColumn is a column of a list.
type ImportColumn struct {
	Index   int      `json:"index" doc:"From 0"`
	Name    string   `json:"name" doc:"As the header has it, else the letters that a spreadsheet shows"`
	Samples []string `json:"samples" nullable:"false" doc:"The first values, shortened"`
	Guess   string   `json:"guess,omitempty" doc:"Field of the mapping that it looks like"`
}

// ImportPlan says what is made of a list.
type ImportPlan struct {
	Mapping        bulk.Mapping `json:"mapping"`
	Header         *bool        `json:"header,omitempty" doc:"The first row names the columns and asks for no call; absent = as it looks"`
	SkipDuplicates bool         `json:"skip_duplicates,omitempty" doc:"Of rows with the same number, dial the first only"`
}

// ImportSubmission is a plan that is carried out.
type ImportSubmission struct {
	ImportPlan
	Batch  string `json:"batch,omitempty" maxLength:"128" doc:"Name of the batch; absent = one made of the import's id"`
	Paused bool   `json:"paused,omitempty" doc:"Pause the batch before its first call can start"`
}

// plan gives the plan for an import.
func (p *ImportPlan) plan(i *bulk.Import) bulk.Plan {
	out := bulk.Plan{Mapping: p.Mapping, Header: i.Table.Header, SkipDuplicates: p.SkipDuplicates}
	if p.Header != nil {
		out.Header = *p.Header
	}
	return out
}

func viewImport(i *bulk.Import) Import {
	t := &i.Table
	v := Import{
		ID: i.ID, Name: i.Name, Format: t.Format, Encoding: t.Encoding, Delimiter: t.Delimiter, Sheet: t.Sheet, Sheets: t.Sheets,
		Header: t.Header, Columns: []ImportColumn{}, Warnings: append([]string{}, t.Warnings...), State: string(i.State),
		Processed: i.Processed, Accepted: i.Accepted, Refused: i.Refused, Error: i.Error, CreatedAt: i.CreatedAt, EndedAt: i.EndedAt,
		Principal: i.Principal, Account: string(i.Account), Mapping: t.Guess(),
	}
	if p := i.Plan; p != nil {
		v.Header, v.Batch, v.Mapping = p.Header, string(p.Batch), p.Mapping
	}
	v.Rows = t.DataRows(v.Header)
	for n, c := range t.Columns {
		v.Columns = append(v.Columns, ImportColumn{Index: n, Name: t.Name(n, v.Header), Samples: append([]string{}, c.Samples...), Guess: c.Guess})
	}
	return v
}

// lists gives the imports, or says that there are none.
func (s *Server) lists() (Imports, error) {
	if s.o.Imports == nil {
		return nil, &Refusal{Code: "not-found", Text: "This server takes no lists."}
	}
	return s.o.Imports, nil
}

// importer says who works on imports.
func (s *Server) importer(ctx context.Context) bulk.By {
	p := principal(ctx)
	by := bulk.By{Door: "rest", Principal: p.Name, Remote: remoteFrom(ctx), Own: s.accountOf(p), All: p.IsAdmin()}
	if p.Name == auth.Local().Name {
		by.Door = "cli"
	}
	return by
}

// importError translates the errors of imports.
func importError(err error) error {
	if e, ok := errors.AsType[*bulk.Invalid](err); ok {
		return &Refusal{Code: "invalid", Field: e.Field, Text: e.Text}
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok || errors.Is(err, bulk.ErrTooLarge) {
		return newProblem(http.StatusRequestEntityTooLarge, "too-large", "The file is larger than imports.max_size. Leave out what no call needs, or raise it.")
	}
	switch {
	case errors.Is(err, bulk.ErrUnknown):
		return &Refusal{Code: "not-found", Text: "There is no such import."}
	case errors.Is(err, bulk.ErrState):
		return &Refusal{Code: "state", Text: "The import was submitted already. Cancel its batch to end it; upload the list again to submit it once more."}
	case errors.Is(err, bulk.ErrBatch):
		return &Refusal{Code: "account", Field: "batch", Text: "The batch belongs to another account. Give the batch another name."}
	case errors.Is(err, bulk.ErrTooMany):
		return &Refusal{Code: "state", Text: "There are as many imports as an account may have (imports.max_files). Delete some; their calls stay."}
	case errors.Is(err, bulk.ErrBusy):
		return &Refusal{Code: "rate", Text: "The account is sending, checking or fetching as many lists at once as it may. Wait until one is done.", RetryAfter: 5 * time.Second}
	case errors.Is(err, originate.ErrNotFound):
		return &Refusal{Code: "not-found", Text: "There is no such batch."}
	case errors.Is(err, originate.ErrCursor):
		return &Refusal{Code: "invalid", Field: "cursor", Text: "The cursor is not valid; begin without one."}
	}
	return err
}

type importIDInput struct {
	ID string `path:"id" maxLength:"64" doc:"Import ID"`
}

type oneImport struct{ Body Import }

type importsOutput struct {
	Body struct {
		Imports []Import `json:"imports" nullable:"false"`
	}
}

func (s *Server) listImports(ctx context.Context, _ *struct{}) (*importsOutput, error) {
	lists, err := s.lists()
	if err != nil {
		return nil, err
	}
	all, err := lists.List(ctx, s.importer(ctx))
	if err != nil {
		return nil, importError(err)
	}
	out := &importsOutput{}
	out.Body.Imports = []Import{}
	for i := range all {
		out.Body.Imports = append(out.Body.Imports, viewImport(&all[i]))
	}
	return out, nil
}

// theImport gives the import that a request is about.
func (s *Server) theImport(ctx context.Context, id string) (Imports, bulk.Import, error) {
	lists, err := s.lists()
	if err != nil {
		return nil, bulk.Import{}, err
	}
	i, err := lists.Get(ctx, id, s.importer(ctx))
	return lists, i, importError(err)
}

func (s *Server) getImport(ctx context.Context, in *importIDInput) (*oneImport, error) {
	_, i, err := s.theImport(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &oneImport{viewImport(&i)}, nil
}

func (s *Server) deleteImport(ctx context.Context, in *importIDInput) (*struct{}, error) {
	lists, err := s.lists()
	if err == nil {
		err = importError(lists.Delete(ctx, in.ID, s.importer(ctx)))
	}
	return nil, err
}

type checkImportInput struct {
	ID   string `path:"id" maxLength:"64" doc:"Import ID"`
	Body ImportPlan
}

type checkImportOutput struct{ Body bulk.Report }

func (s *Server) checkImport(ctx context.Context, in *checkImportInput) (*checkImportOutput, error) {
	lists, i, err := s.theImport(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	report, err := lists.Check(ctx, in.ID, s.importer(ctx), in.Body.plan(&i))
	if err != nil {
		return nil, importError(err)
	}
	return &checkImportOutput{report}, nil
}

type submitImportInput struct {
	ID   string `path:"id" maxLength:"64" doc:"Import ID"`
	Body ImportSubmission
}

func (s *Server) submitImport(ctx context.Context, in *submitImportInput) (*oneImport, error) {
	lists, i, err := s.theImport(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	p := in.Body.plan(&i)
	p.Batch, p.Paused = call.BatchID(in.Body.Batch), in.Body.Paused
	if i, err = lists.Submit(ctx, in.ID, s.importer(ctx), p); err != nil {
		return nil, importError(err)
	}
	return &oneImport{viewImport(&i)}, nil
}

// registerImports lists the operations of imports and of what is known of batches.
func (s *Server) registerImports(op func(method, path, id, tag, summary string) huma.Operation) {
	operation(s, op("GET", "/v1/imports", "list-imports", "imports", "Lists that were uploaded, newest first"), auth.CallsWrite, s.listImports)
	operation(s, op("GET", "/v1/imports/{id}", "get-import", "imports", "One list: what was found in it, and how far its submission is"), auth.CallsWrite, s.getImport)
	remove := op("DELETE", "/v1/imports/{id}", "delete-import", "imports", "Forget a list; its calls stay")
	remove.Errors = []int{http.StatusNotFound, http.StatusConflict}
	operation(s, remove, auth.CallsWrite, s.deleteImport)
	check := op("POST", "/v1/imports/{id}/check", "check-import", "imports", "Dry run: what would become of each row")
	check.Errors = []int{http.StatusNotFound, http.StatusUnprocessableEntity}
	operation(s, check, auth.CallsWrite, s.checkImport)
	submit := op("POST", "/v1/imports/{id}/submit", "submit-import", "imports", "Make calls of the rows, in the background; nobody is dialled twice")
	submit.DefaultStatus = http.StatusAccepted
	submit.Errors = []int{http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity}
	operation(s, submit, auth.CallsWrite, s.submitImport)
	operation(s, op("GET", "/v1/batches", "list-batches", "batches", "Batches with their numbers, newest first"), auth.CallsRead, s.listBatches)
	operation(s, op("GET", "/v1/batches/{batch}", "get-batch", "batches", "One batch with its numbers"), auth.CallsRead, s.getBatch)
	s.describeFiles()
}
