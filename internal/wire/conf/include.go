package conf

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Limits that keep a file that includes or inherits itself over and over from
// eating the machine. Asterisk has the first one only.
const (
	maxDepth = 10      // files that are open at once
	maxFiles = 5_000   // files read in one load, repetitions counted
	maxLines = 500_000 // lines in all sections, inherited ones counted
	maxText  = 8190    // bytes of a physical line (spec: dialplan 1.1)
)

// Dir is the directory as a file system for Load that also understands
// absolute names of files below it. Symbolic links are followed.
func Dir(directory string) fs.FS {
	if abs, err := filepath.Abs(directory); err == nil {
		directory = abs
	}
	return dirFS{os.DirFS(directory), filepath.ToSlash(directory)}
}

type dirFS struct {
	fs.FS
	root string
}

// below gives name without the root in front, false if it lies elsewhere.
func (d dirFS) below(name string) (string, bool) {
	return strings.CutPrefix(path.Clean(name), strings.TrimSuffix(d.root, "/")+"/")
}

// loader is one Load.
type loader struct {
	fsys     fs.FS
	file     *File
	current  *Section // to which lines are added; nil before the first header
	problems []Problem
	depth    int // files that are open
	files    int // files read so far
	lines    int // lines in all sections so far
}

func (l *loader) warn(at Origin, text string) {
	l.problems = append(l.problems, Problem{at, text})
}

// include reads one file in place. at is where it is named.
func (l *loader) include(name string, at Origin) error {
	if !fs.ValidPath(name) {
		return &Error{Origin: at, Text: quote(name) + " is not a name below the configuration directory"}
	}
	if l.depth == maxDepth {
		return &Error{Origin: at, Text: "includes are nested too deep; does " + quote(name) + " include itself?"}
	}
	if l.files++; l.files > maxFiles {
		return &Error{Origin: at, Text: "too many files are included"}
	}
	text, err := fs.ReadFile(l.fsys, name)
	if err != nil {
		return &Error{Origin: at, Text: "cannot be read", Err: err}
	}
	if !slices.Contains(l.file.Files, name) {
		l.file.Files = append(l.file.Files, name)
	}
	l.depth++
	defer func() { l.depth-- }()
	return l.read(name, strings.TrimPrefix(string(text), "\ufeff"))
}

// read reads the lines of one file.
func (l *loader) read(name, text string) error {
	var c comments
	number := 0
	for line := range strings.Lines(text) {
		number++
		at := Origin{name, number}
		line = strings.TrimSuffix(line, "\n")
		if len(line) > maxText {
			l.warn(at, "the line is longer than 8190 bytes and is skipped")
			continue
		}
		line, tooDeep := c.strip(line, number)
		if tooDeep {
			l.warn(at, "block comments are nested too deep; this one is not opened")
		}
		if err := l.line(trim(line), at); err != nil {
			return err
		}
	}
	if len(c.open) > 0 {
		l.warn(Origin{name, c.open[0]}, "the block comment that begins here is not closed; the rest of the file is left out")
	}
	return nil
}

// line takes one line without comments and blanks around it.
func (l *loader) line(text string, at Origin) error {
	switch {
	case text == "":
		return nil
	case text[0] == '[':
		return l.header(text, at)
	case text[0] == '#':
		return l.directive(text[1:], at)
	}
	return l.value(text, at)
}

// directive carries out a line that begins with "#" (spec: dialplan 1.1, 1.2).
func (l *loader) directive(text string, at Origin) error {
	word, arg := text, ""
	if i := strings.IndexFunc(text, func(r rune) bool { return r <= ' ' }); i >= 0 {
		word, arg = text[:i], unquote(trim(text[i:]))
	}
	word = strings.ToLower(word)
	switch word {
	case "include", "tryinclude":
	case "exec":
		l.warn(at, "#exec is ignored: commands are never run while a file is read")
		return nil
	default:
		l.warn(at, "#"+word+" is not a known directive; the line is ignored")
		return nil
	}
	if arg == "" {
		l.warn(at, "#"+word+" names no file; the line is ignored")
		return nil
	}
	return l.includeAll(arg, at, word == "tryinclude")
}

// includeAll reads the files that the argument of an #include means.
func (l *loader) includeAll(arg string, at Origin, try bool) error {
	any := false
	for _, pattern := range braces(arg) {
		pattern, err := l.relative(pattern, at)
		if err != nil {
			return err
		}
		names, err := l.glob(pattern, at)
		if err != nil {
			return err
		}
		for _, name := range names {
			any = true
			if err := l.include(name, at); err != nil {
				return err
			}
		}
	}
	if !any && !try {
		return &Error{Origin: at, Text: "#include " + quote(arg) + ": there is no such file; write #tryinclude if it may be missing", Err: fs.ErrNotExist}
	}
	return nil
}

// relative makes a name relative to the root of the file system.
func (l *loader) relative(name string, at Origin) (string, error) {
	clean := path.Clean(name)
	if d, ok := l.fsys.(dirFS); ok && path.IsAbs(clean) {
		clean, ok = d.below(clean)
		if !ok {
			clean = name
		}
	}
	if path.IsAbs(clean) || clean == ".." || strings.HasPrefix(clean, "../") {
		return "", &Error{Origin: at, Text: quote(name) + " lies outside the configuration directory; only files below it can be included"}
	}
	return clean, nil
}

// glob lists the files that a pattern means, sorted. A name without wildcards
// means itself. Files whose name begins with a dot have to be asked for, as in a shell.
func (l *loader) glob(pattern string, at Origin) ([]string, error) {
	if !strings.ContainsAny(pattern, `*?[\`) {
		if info, err := fs.Stat(l.fsys, pattern); err != nil || info.IsDir() {
			return nil, nil
		}
		return []string{pattern}, nil
	}
	names, err := fs.Glob(l.fsys, strings.ReplaceAll(pattern, "[!", "[^"))
	if err != nil {
		return nil, &Error{Origin: at, Text: "#include " + quote(pattern) + " cannot be understood", Err: err}
	}
	return slices.DeleteFunc(names, func(name string) bool {
		info, err := fs.Stat(l.fsys, name)
		return err != nil || info.IsDir() || hidden(name, pattern)
	}), nil
}

// hidden says whether a part of name begins with a dot where the pattern has none.
func hidden(name, pattern string) bool {
	parts := strings.Split(pattern, "/")
	for i, part := range strings.Split(name, "/") {
		if strings.HasPrefix(part, ".") && i < len(parts) && !strings.HasPrefix(parts[i], ".") {
			return true
		}
	}
	return false
}

// braces resolves the first {a,b} of a name; a second one stays as it is.
func braces(name string) []string {
	before, rest, ok := strings.Cut(name, "{")
	inside, after, closed := strings.Cut(rest, "}")
	if !ok || !closed {
		return []string{name}
	}
	var out []string
	for part := range strings.SplitSeq(inside, ",") {
		out = append(out, before+part+after)
	}
	return out
}

// unquote takes away "…" or <…> around a name.
func unquote(s string) string {
	if len(s) >= 2 && (s[0] == '"' && s[len(s)-1] == '"' || s[0] == '<' && s[len(s)-1] == '>') {
		return s[1 : len(s)-1]
	}
	return s
}

func quote(s string) string { return `"` + s + `"` }
