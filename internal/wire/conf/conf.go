// Package conf reads the grammar that all of Asterisk's .conf files share:
// sections with templates and inheritance, key and value lines, comments,
// includes (spec: dialplan 1.1, 1.2; Asterisk: main/config.c). It opens files
// only through the fs.FS it is given and knows no section by name.
//
// A file is read line by line. Comments are taken away first (comment.go), a
// line with "#" in front is a directive (include.go), one with "[" begins a
// section, every other one is "key => value" (section.go). An included file
// stands where its #include stood: a section that it opens stays open behind it.
//
// What is wrong is either a Problem, and the line is ignored, or an *Error, and
// then nothing of the file may be used.
package conf

import (
	"io/fs"
	"strconv"
	"strings"
)

// Origin is a place in a file, for messages: "extensions.conf:12".
type Origin struct {
	File string // name as opened, below the file system's root
	Line int    // from 1; 0 = the file as a whole
}

// String gives "extensions.conf:12", without the line if there is none.
func (o Origin) String() string {
	if o.Line == 0 {
		return o.File
	}
	return o.File + ":" + strconv.Itoa(o.Line)
}

// Line is one "key => value" or "key = value" of a section.
type Line struct {
	Origin
	Key   string // as written, blanks trimmed
	Value string // blanks trimmed, escaped semicolons resolved
}

// Section is one [name] header with everything below it, up to the next
// header. What it inherits from templates comes first. A second [name] is a
// second section; lines below [name](+) are added to the first.
type Section struct {
	Origin        // of its header
	Name   string // case-sensitive
	Hidden bool   // a template, [name](!)
	Lines  []Line // in order; inherited ones keep the place where they were written
}

// File is a configuration with all its includes.
type File struct {
	Sections []*Section // in order of their headers, templates included
	Files    []string   // every file that was read, once each, for watching
}

// Section gives everything that stands in sections of that exact name, as one
// section; templates count only if there is nothing else. nil if there is none.
func (f *File) Section(name string) *Section {
	var found *Section
	merged := false
	for _, s := range f.Sections {
		if s.Name != name || found != nil && s.Hidden && !found.Hidden {
			continue
		}
		switch {
		case found == nil || found.Hidden && !s.Hidden:
			found, merged = s, false
		case !merged:
			both := *found
			both.Lines = append(append([]Line(nil), found.Lines...), s.Lines...)
			found, merged = &both, true
		default:
			found.Lines = append(found.Lines, s.Lines...)
		}
	}
	return found
}

// Get gives the last value of a key of the section (keys compare without
// case), false if there is none.
func (s *Section) Get(key string) (string, bool) {
	if i := s.last(key); i >= 0 {
		return s.Lines[i].Value, true
	}
	return "", false
}

// last gives the index of the last line with a key, -1 if there is none.
func (s *Section) last(key string) int {
	for i := len(s.Lines) - 1; i >= 0; i-- {
		if strings.EqualFold(s.Lines[i].Key, key) {
			return i
		}
	}
	return -1
}

// Problem is something wrong that did not stop the load.
type Problem struct {
	Origin
	Text string // what is wrong and what becomes of it
}

// String gives "extensions.conf:12: …".
func (p Problem) String() string { return p.Origin.String() + ": " + p.Text }

// Error is what makes a whole file unusable.
type Error struct {
	Origin
	Text string // what is wrong, lower case, without full stop
	Err  error  // underlying error, often of the file system; may be nil
}

// Error gives "extensions.conf:12: …".
func (e *Error) Error() string {
	text := e.Origin.String() + ": " + e.Text
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap gives the underlying error.
func (e *Error) Unwrap() error { return e.Err }

// Load reads name and everything it includes. Problems are what Asterisk
// warns about; the error is what makes Asterisk refuse the whole file (missing
// include, unknown template, text before the first section, no "]"): it is an
// *Error with file and line. Names in #include are relative to the root of
// fsys; absolute ones are understood if fsys comes from Dir.
func Load(fsys fs.FS, name string) (*File, []Problem, error) {
	l := &loader{fsys: fsys, file: &File{}}
	err := l.include(name, Origin{File: name})
	if err != nil {
		return nil, l.problems, err
	}
	return l.file, l.problems, nil
}

// True says whether a value means yes: yes, true, y, t, 1, on in any case
// (Asterisk: main/utils.c ast_true).
func True(value string) bool {
	switch strings.ToLower(value) {
	case "yes", "true", "y", "t", "1", "on":
		return true
	}
	return false
}

// trim takes away blanks and control characters at both ends (Asterisk:
// strings.h ast_strip).
func trim(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return r <= ' ' })
}
