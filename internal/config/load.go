package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// maxFileSize bounds one configuration file.
const maxFileSize = 8 << 20

// File is one configuration file as read.
type File struct {
	Name string // as shown in mistakes
	Text []byte
}

// Loaded is a configuration that can be used, and where it came from.
type Loaded struct {
	Config   Config
	Files    []string // in the order in which they were read; empty when there is none
	Warnings Mistakes // what works but should be looked at
}

// Place is where something is written.
type Place struct {
	File string
	Line int // from 1
}

// Import adds to a configuration what files of another kind define, before the
// whole is checked. It says for the phones and trunks it has added ("phones.100",
// "trunks.carrier") where they are written. Of such phones a short password is a
// warning only: their devices have it already.
type Import func(c *Config) map[string]Place

// Load reads the file at path and the files conf.d/*.toml beside it, in the
// order of their names. An empty path gives the defaults. The error is a
// Mistakes with everything that is wrong in all files.
func Load(path string, imports ...Import) (Loaded, error) {
	files, err := read(path)
	if err != nil {
		return Loaded{}, err
	}
	l, err := Parse(files, imports...)
	if err != nil {
		return Loaded{}, err
	}
	l.Warnings = append(l.Warnings, readableByOthers(files)...)
	return l, nil
}

// Find gives the configuration file to use when none was named: dialwright.toml
// in the working directory, in the user's configuration directory, or in
// /etc/dialwright; "" when there is none.
func Find() string {
	candidates := []string{"dialwright.toml"}
	if dir, err := os.UserConfigDir(); err == nil {
		candidates = append(candidates, filepath.Join(dir, "dialwright", "dialwright.toml"))
	}
	candidates = append(candidates, "/etc/dialwright/dialwright.toml")
	for _, c := range candidates {
		if st, err := os.Stat(c); err == nil && st.Mode().IsRegular() {
			return c
		}
	}
	return ""
}

// read fetches the texts of all files that belong to path.
func read(path string) ([]File, error) {
	if path == "" {
		return nil, nil
	}
	var ms Mistakes
	var files []File
	add := func(name string) {
		text, err := readFile(name)
		if err != nil {
			ms = append(ms, Mistake{File: name, Text: readAdvice(err)})
			return
		}
		files = append(files, File{Name: name, Text: text})
	}
	add(path)
	more, err := filepath.Glob(filepath.Join(confDir(path), "*.toml"))
	if err == nil { // the only error is a malformed pattern: a directory whose name has an open bracket
		slices.Sort(more)
		for _, name := range more {
			add(name)
		}
	}
	if len(ms) > 0 {
		return nil, ms
	}
	return files, nil
}

// confDir gives the directory of the additional files of path.
func confDir(path string) string { return filepath.Join(filepath.Dir(path), "conf.d") }

func readFile(name string) ([]byte, error) {
	st, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if st.Size() > maxFileSize {
		return nil, fmt.Errorf("is larger than %d MiB", maxFileSize>>20)
	}
	return os.ReadFile(name)
}

// readAdvice says in words why a file could not be read.
func readAdvice(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "does not exist; `dialwright config example` prints one to start from"
	case errors.Is(err, fs.ErrPermission):
		return "cannot be read; check who owns it and its mode"
	}
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return "cannot be read: " + pe.Err.Error()
	}
	return err.Error()
}

// readableByOthers warns of files with secrets that everybody may read.
func readableByOthers(files []File) Mistakes {
	var ms Mistakes
	for _, f := range files {
		st, err := os.Stat(f.Name)
		if err == nil && st.Mode().Perm()&0o004 != 0 && strings.Contains(string(f.Text), "password") {
			ms = append(ms, Mistake{File: f.Name, Text: "holds passwords and can be read by everybody; use chmod 640"})
		}
	}
	return ms
}

// Parse makes a configuration of files, as Load does.
func Parse(files []File, imports ...Import) (Loaded, error) {
	m := merger{config: Default(), setAt: map[string]place{}}
	names := make([]string, 0, len(files))
	for _, f := range files {
		names = append(names, f.Name)
		m.merge(f)
	}
	imported := map[string]bool{}
	for _, add := range imports {
		for key, p := range add(&m.config) {
			m.setAt[key], imported[key] = place{p.File, p.Line}, true
		}
	}
	m.config.complete()
	v := validator{c: &m.config, places: m.setAt, imported: imported, mistakes: m.mistakes}
	v.all()
	if len(v.mistakes) > 0 {
		return Loaded{}, v.mistakes.sorted(names)
	}
	return Loaded{Config: m.config, Files: names, Warnings: v.warnings.sorted(names)}, nil
}
