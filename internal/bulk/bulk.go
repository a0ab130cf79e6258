package bulk

import (
	"errors"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/sheet"
)

// State says how far an import has come.
type State string

// The states of an import.
const (
	Uploaded   State = "uploaded"   // it can be submitted
	Submitting State = "submitting" // its rows are becoming calls
	Submitted  State = "submitted"  // all have been, or were refused
	Failed     State = "failed"     // it ended before; Import.Error says why
)

// Import is a list that was uploaded. All times are UTC.
type Import struct {
	ID        string // 16 characters
	Name      string // of the file, as its sender called it
	Account   call.AccountID
	Principal string // who uploaded it
	Door      string // "rest" or "cli"
	CreatedAt time.Time
	Table     Table

	State     State
	Plan      *Plan // as submitted, nil before
	Done      int   // number of the last row that has been dealt with, 0 = none
	Accepted  int   // rows that became calls
	Refused   int   // rows that did not
	Error     string
	EndedAt   time.Time // when it was submitted or failed
	Processed int       // rows that have been dealt with
}

// Table is what was found in the file.
type Table struct {
	sheet.Meta
	Rows     int      `json:"rows"`   // that are not empty, the header's among them
	First    []string `json:"first"`  // cells of the first of them
	Header   bool     `json:"header"` // it looks like a header
	Columns  []Column `json:"columns"`
	Warnings []string `json:"warnings,omitempty"`
}

// Column is a column of a table.
type Column struct {
	Samples []string `json:"samples"`         // the first values below the first row, shortened
	Guess   string   `json:"guess,omitempty"` // field of the mapping that it looks like; "" = none
}

// Name gives the name of a column: what stands in the header, else the letters that a
// spreadsheet shows above it.
func (t *Table) Name(column int, header bool) string {
	if header && column < len(t.First) && t.First[column] != "" {
		return t.First[column]
	}
	return letters(column)
}

// letters gives the name of a column in a spreadsheet: A, B, … Z, AA.
func letters(column int) string {
	name := ""
	for n := column; n >= 0; n = n/26 - 1 {
		name = string(rune('A'+n%26)) + name
	}
	return name
}

// DataRows gives how many rows ask for a call.
func (t *Table) DataRows(header bool) int {
	if header && t.Rows > 0 {
		return t.Rows - 1
	}
	return t.Rows
}

// By is who works on imports.
type By struct {
	Door      string // "rest" or "cli"
	Principal string // name in records and for the guard
	Remote    string // address, "" = on this machine
	// Own is the account of requests that name none. Only who is All sees and uses others.
	Own call.AccountID
	All bool
}

// sees reports whether an import may be shown to who works on it.
func (b *By) sees(i *Import) bool { return b.All || i.Account == b.Own }

// Plan says what is made of a list.
type Plan struct {
	Mapping        Mapping      `json:"mapping"`
	Header         bool         `json:"header"`
	Batch          call.BatchID `json:"batch"`
	Paused         bool         `json:"paused,omitempty"`          // the batch is, before its first call could start
	SkipDuplicates bool         `json:"skip_duplicates,omitempty"` // of rows with one number, only the first is dialled
	By             By           `json:"by"`
	At             time.Time    `json:"at"`
}

// Errors of a Book and its Store, found with errors.Is.
var (
	ErrUnknown  = errors.New("there is no such import")
	ErrState    = errors.New("not possible in the import's state")
	ErrBatch    = errors.New("the batch belongs to another account")
	ErrTooLarge = errors.New("the file is larger than an import may be")
	ErrTooMany  = errors.New("there are too many imports")
	ErrBusy     = errors.New("the account sends, checks or fetches too many lists at once")
)

// Invalid says what is wrong with a file or with what is asked of it.
type Invalid struct {
	Field string // "mapping.second", "" = the file
	Text  string // in words, with what to do
}

// Error gives the text.
func (e *Invalid) Error() string { return e.Text }
