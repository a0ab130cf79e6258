// Package conf reads the grammar that all of Asterisk's .conf files share:
// sections with templates and inheritance, key and value lines, comments,
// includes (spec: dialplan 1.1, 1.2; Asterisk: main/config.c). It opens files
// only through the fs.FS it is given and knows no section by name.
package conf

import "io/fs"

// Origin is a place in a file, for messages: "extensions.conf:12".
type Origin struct {
	File string // name as opened, below the file system's root
	Line int    // from 1; 0 = the file as a whole
}

// Line is one "key => value" or "key = value" of a section.
type Line struct {
	Origin
	Key   string // as written, blanks trimmed
	Value string // blanks trimmed, escaped semicolons resolved
}

// Section is one [name] with everything that belongs to it: what it inherits
// from templates comes first. A name that occurs twice is one section.
type Section struct {
	Origin           // of its first header
	Name    string   // case-sensitive
	Hidden  bool     // a template, [name](!)
	Lines   []Line   // in order
	Headers []Origin // where each of its headers stands, and before which line
	Starts  []int    // parallel to Headers: index into Lines of the first line below that header
}

// File is a configuration with all its includes.
type File struct {
	Sections []*Section // in order of first appearance, templates included
	Files    []string   // every file that was read, for watching
}

// Section finds a section by its exact name, nil if there is none.
func (f *File) Section(name string) *Section {
	for _, s := range f.Sections {
		if s.Name == name {
			return s
		}
	}
	return nil
}

// Get gives the last value of a key of the section (keys compare without
// case), false if there is none.
func (s *Section) Get(key string) (string, bool) { return get(s, key) }

// Problem is something wrong that did not stop the load.
type Problem struct {
	Origin
	Text string // what is wrong and what becomes of it
}

// Load reads name and everything it includes. Problems are what Asterisk
// warns about; the error is what makes Asterisk refuse the whole file (missing
// include, unknown template, text before the first section, no "]"): it
// carries file and line.
func Load(fsys fs.FS, name string) (*File, []Problem, error) { return load(fsys, name) }
