// Package callfile reads and writes the text of Asterisk's call files (spec:
// callfile 2, 3, 5.1; Asterisk: pbx/pbx_spool.c). It opens nothing and knows
// nothing of folders: bytes in, a File out, and back.
//
// A file is a list of lines "Key: value". Nothing in it is ever a syntax error
// that stops the reading: a line that makes no sense is skipped with a Warning,
// and whether the rest is enough for a call says File.Err.
//
//	file    = *( line EOL ) [ line ]           ; EOL is LF or CR LF
//	line    = [ key ":" *blank value ] [ comment ]
//	comment = ";" …  |  "#" …                  ; # only first, or after a space or tab
//	blank   = any byte below 0x21
//
// The steps for a line, in this order: cut the # comment, cut the ; comment
// (\; is a semicolon), trim blanks at the end, skip what is empty, split at the
// first colon, trim blanks after the colon.
//
// The grammar is Asterisk's byte for byte in compatible mode. In our own mode
// three traps are taken out (spec: callfile 9, W16 and W18): a byte order mark is
// skipped, blanks around a key are not part of it, and a NUL ends only its own
// line. Each of them leaves a Warning.
package callfile

import (
	"fmt"
	"time"
)

// The values of keys that a file leaves out (spec: callfile 3).
const (
	DefaultWaitTime  = 45 * time.Second
	DefaultRetryTime = 300 * time.Second
)

// MaxLine is the longest line that is read, in bytes with its line feed; the
// last line of a file may have as many without one. Longer ones are skipped
// with a warning (spec: callfile 2.1 length).
const MaxLine = 1023

// MaxSet is how many Set lines a file may have. Asterisk knows no bound; a file
// with more is a mistake, and File.Err says so.
const MaxSet = 10_000

// File is what a call file says.
type File struct {
	Tech, Dest string // of Channel, split at the first slash; both needed
	CallerID   *CallerID

	WaitTime   time.Duration // how long the party may ring; DefaultWaitTime if not given
	RetryTime  time.Duration // between attempts; DefaultRetryTime if not given
	MaxRetries int           // further attempts after the first; negative = not even one
	Account    string        // account code, free text

	Context   string // may be empty: the channel's own context
	Extension string
	Priority  int    // from 1
	Label     string // of the priority, if it was given by name; only our mode keeps it, Priority is 1 then

	Application string // wins over Extension
	Data        string // its argument, never expanded

	Set        []Variable // in the order of the lines
	Codecs     []string   // as written, blanks trimmed, "!all" included
	EarlyMedia bool
	Archive    bool      // keep the file in the archive folder
	KeepFuture bool      // AlwaysDelete: no
	Retries    int       // attempts that have failed already: EndRetry, AbortRetry and Retry lines
	Open       int       // process that has begun an attempt (StartRetry) and not ended it; 0 = none
	Starts     int       // StartRetry lines
	Ended      int       // Status lines: how often the file was put into the archive before
	Warnings   []Warning // in the order of the lines; the first 100, and one that says how many more there are
	unsaid     int       // warnings left out
	compat     bool
}

// CallerID is a CallerID line taken apart; both parts may be empty.
type CallerID struct{ Name, Number string }

// Variable is one Set line. Name may carry _ and __, or be a function.
type Variable struct {
	Name, Value string
	Line        int // where it stands, from 1
}

// Warning is something that was passed over or read otherwise than written.
type Warning struct {
	Line int    // from 1
	Text string // in words, without the place
}

// String gives "line 3: …".
func (w Warning) String() string { return fmt.Sprintf("line %d: %s", w.Line, w.Text) }

// Err says why the file is not enough for a call, nil if it is (spec:
// callfile 3.2).
func (f *File) Err() error {
	switch {
	case f.Tech == "" && f.Dest == "":
		return fmt.Errorf("no Channel line of the form Tech/Destination")
	case f.Tech == "" || f.Dest == "":
		return fmt.Errorf("the Channel line lacks the technology or the destination")
	case f.Application == "" && f.Extension == "":
		return fmt.Errorf("neither Application nor Extension is given")
	case len(f.Set) > MaxSet:
		return fmt.Errorf("more than %d Set lines are given", MaxSet)
	}
	return nil
}

// Channel gives "Tech/Destination".
func (f *File) Channel() string { return f.Tech + "/" + f.Dest }
