package rest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dialwright/dialwright/internal/sheet"
)

// Times of large bodies, in both directions. They go on as long as something moves.
const (
	moveLimit = time.Minute      // nothing moved for so long
	readLimit = 10 * time.Minute // reading a file and answering
)

// uploadPath is where files are taken, with a limit of their own.
const uploadPath = "/v1/imports"

// isUpload reports whether a request brings a file.
func isUpload(r *http.Request) bool { return r.Method == http.MethodPost && r.URL.Path == uploadPath }

// maxBody gives how large the body of a request may be.
func (s *Server) maxBody(r *http.Request) int64 {
	if s.o.Imports != nil && isUpload(r) {
		return s.o.Imports.MaxSize() + 64<<10 // what a form puts around it
	}
	return s.o.MaxBody
}

// moving is a body or an answer that may take as long as it wants while it moves.
type moving struct {
	r       io.Reader
	w       io.Writer
	rc      *http.ResponseController
	written bool
}

// give gives the connection more time, in both directions: net/http takes one that may no longer
// be read for one whose client has gone.
func (m *moving) give(d time.Duration) {
	until := time.Now().Add(d)
	_ = m.rc.SetReadDeadline(until) // a server without deadlines needs none
	if m.w != nil {
		_ = m.rc.SetWriteDeadline(until) // as above
	}
}

// Read is io.Reader.
func (m *moving) Read(p []byte) (int, error) {
	m.give(moveLimit)
	n, err := m.r.Read(p)
	if err != nil {
		m.give(readLimit)
	}
	return n, err
}

// Write is io.Writer.
func (m *moving) Write(p []byte) (int, error) {
	m.give(moveLimit)
	m.written = m.written || len(p) > 0
	return m.w.Write(p)
}

// knownQuery refuses parameters that there are not, as all other operations do.
func knownQuery(q url.Values, names ...string) error {
	for name := range q {
		if !slices.Contains(names, name) {
			return newProblem(http.StatusUnprocessableEntity, "invalid", fmt.Sprintf("There is no parameter %.80q; there are %s.", name, strings.Join(names, ", ")))
		}
	}
	return nil
}

// fail answers with a problem outside of typed operations.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	p := problemOf(r.Context(), s.log, importError(err))
	s.metrics.refused.WithLabelValues(p.Code).Inc()
	writeProblem(w, p)
}

// serveUpload takes a file: the body itself, or the field "file" of a form.
func (s *Server) serveUpload(w http.ResponseWriter, r *http.Request) {
	i, err := s.upload(w, r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Location", uploadPath+"/"+i.ID)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(i) // the client has gone if this fails
}

func (s *Server) upload(w http.ResponseWriter, r *http.Request) (*Import, error) {
	lists, err := s.lists()
	if err != nil {
		return nil, err
	}
	q := r.URL.Query()
	if err := knownQuery(q, "name", "sheet", "encoding", "delimiter"); err != nil {
		return nil, err
	}
	rc := http.NewResponseController(w)
	_ = rc.SetWriteDeadline(time.Now().Add(readLimit)) // a server without deadlines needs none
	body, name, err := fileOf(r, &moving{r: r.Body, rc: rc})
	if err != nil {
		return nil, err
	}
	if given := q.Get("name"); given != "" {
		name = given
	}
	o := sheet.ReadOptions{Sheet: q.Get("sheet"), Encoding: q.Get("encoding"), Delimiter: q.Get("delimiter")}
	i, err := lists.Upload(r.Context(), s.importer(r.Context()), name, body, o)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, newProblem(http.StatusBadRequest, "malformed", "The file did not come whole.")
	}
	if err != nil {
		return nil, err
	}
	return new(viewImport(&i)), nil
}

// fileOf finds the file in a request.
func fileOf(r *http.Request, body io.Reader) (file io.Reader, name string, err error) {
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" {
		return body, "", nil
	}
	if params["boundary"] == "" {
		return nil, "", newProblem(http.StatusBadRequest, "malformed", "The form has no boundary.")
	}
	r.Body = io.NopCloser(body)
	form, err := r.MultipartReader()
	if err != nil {
		return nil, "", newProblem(http.StatusBadRequest, "malformed", "The form cannot be read.")
	}
	for {
		part, err := form.NextPart()
		if err != nil {
			return nil, "", newProblem(http.StatusBadRequest, "malformed", `The form has no field "file".`)
		}
		if part.FormName() == "file" {
			return part, part.FileName(), nil
		}
	}
}

// serveTable answers with a table that write writes. A failure before its first byte is an
// answer; one in the middle cuts the connection, so that nobody takes a piece for the whole.
func (s *Server) serveTable(w http.ResponseWriter, r *http.Request, name string, write func(io.Writer, sheet.Format) error) {
	q := r.URL.Query()
	if err := knownQuery(q, "format"); err != nil {
		s.fail(w, r, err)
		return
	}
	format := sheet.CSV
	if text := q.Get("format"); text != "" {
		var err error
		if format, err = sheet.ParseFormat(text); err != nil {
			s.fail(w, r, newProblem(http.StatusUnprocessableEntity, "invalid", err.Error()))
			return
		}
	}
	h := w.Header()
	h.Set("Content-Type", format.ContentType())
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name + "." + string(format)}))
	h.Set("X-Content-Type-Options", "nosniff")
	out := &moving{w: w, rc: http.NewResponseController(w)}
	out.give(readLimit) // a workbook is gathered before it goes out
	err := write(out, format)
	switch {
	case err == nil:
	case out.written:
		s.log.WarnContext(r.Context(), "a table was not sent whole", "door", "rest", "path", r.URL.Path, "err", err)
		panic(http.ErrAbortHandler) // net/http cuts the connection
	default:
		h.Del("Content-Disposition")
		s.fail(w, r, err)
	}
}

// serveResults answers with the calls of a batch.
func (s *Server) serveResults(w http.ResponseWriter, r *http.Request) {
	b, err := s.theBatch(r.Context(), r.PathValue("batch"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.serveTable(w, r, "results", func(out io.Writer, f sheet.Format) error {
		return s.o.Imports.Results(r.Context(), b.ID, s.importer(r.Context()), out, f)
	})
}

// serveRefused answers with the rows of a list that were not taken.
func (s *Server) serveRefused(w http.ResponseWriter, r *http.Request) {
	lists, i, err := s.theImport(r.Context(), r.PathValue("id"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.serveTable(w, r, "refused", func(out io.Writer, f sheet.Format) error {
		return lists.Refused(r.Context(), i.ID, s.importer(r.Context()), out, f)
	})
}

// describeFiles puts into the API document what is not JSON in, JSON out.
func (s *Server) describeFiles() {
	doc := s.api.OpenAPI()
	text := &huma.Schema{Type: huma.TypeString}
	binary := &huma.Schema{Type: huma.TypeString, Format: "binary"}
	security := []map[string][]string{{"key": {}}}
	doc.AddOperation(&huma.Operation{
		Method: "POST", Path: uploadPath, OperationID: "create-import", Tags: []string{"imports"}, Summary: "Upload a list: CSV or XLSX",
		Description: "Scope: `calls:write`. The body is the file, or a form with the field `file`. Its size is bounded by imports.max_size, not by http.max_body.",
		Parameters: []*huma.Param{
			{Name: "name", In: "query", Description: "Of the file, for showing it", Schema: text},
			{Name: "sheet", In: "query", Description: "Of a workbook: which sheet; absent = the first", Schema: text},
			{Name: "encoding", In: "query", Description: "Of CSV: utf-8, utf-16le, utf-16be or windows-1252; absent = as it looks", Schema: text},
			{Name: "delimiter", In: "query", Description: "Of CSV; absent = as it looks", Schema: text},
		},
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
			"text/csv": {Schema: binary}, sheet.XLSX.ContentType(): {Schema: binary},
			"multipart/form-data": {Schema: &huma.Schema{Type: huma.TypeObject, Required: []string{"file"}, Properties: map[string]*huma.Schema{"file": binary}}},
		}},
		Security: security,
		Responses: map[string]*huma.Response{"201": {Description: "Created", Content: map[string]*huma.MediaType{
			"application/json": {Schema: doc.Components.Schemas.Schema(reflect.TypeFor[Import](), true, "")},
		}}},
	})
	format := &huma.Param{Name: "format", In: "query", Description: "Absent = csv", Schema: &huma.Schema{Type: huma.TypeString, Enum: []any{"csv", "xlsx", "jsonl"}}}
	table := map[string]*huma.Response{"200": {Description: "A table; if the connection is cut it is not whole", Content: map[string]*huma.MediaType{
		"text/csv": {Schema: text}, sheet.XLSX.ContentType(): {Schema: binary}, "application/jsonl": {Schema: text},
	}}}
	id := func(name, what string) *huma.Param {
		return &huma.Param{Name: name, In: "path", Required: true, Description: what, Schema: text}
	}
	doc.AddOperation(&huma.Operation{
		Method: "GET", Path: "/v1/imports/{id}/refused", OperationID: "refused-rows", Tags: []string{"imports"}, Summary: "The rows that did not become calls, each with its reason",
		Description: "Scope: `calls:write`.", Parameters: []*huma.Param{id("id", "Import ID"), format}, Security: security, Responses: table,
	})
	doc.AddOperation(&huma.Operation{
		Method: "GET", Path: "/v1/batches/{batch}/results", OperationID: "batch-results", Tags: []string{"batches"}, Summary: "What became of each call; the columns of a list come first",
		Description: "Scope: `calls:read`.", Parameters: []*huma.Param{id("batch", "Name of the batch"), format}, Security: security, Responses: table,
	})
}
