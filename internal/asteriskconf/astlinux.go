package asteriskconf

import (
	"cmp"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dialwright/dialwright/internal/config"
	"github.com/dialwright/dialwright/internal/wire/conf"
)

// dialingPrefixes is the variable of AstLinux that says how dialproxy.php writes numbers
// (spec: dialproxy 5).
const dialingPrefixes = "DIALING_PREFIX_NUMBERS"

// maxShellFile bounds the bytes that are read of a file of AstLinux.
const maxShellFile = 1 << 20

// astLinux reads what AstLinux keeps beside its Asterisk: rc.conf, rc.conf.d/*.conf and
// user.conf, in the directory itself and in the one above (/mnt/kd beside
// /mnt/kd/asterisk). They are shell scripts of assignments; of several the last counts,
// and user.conf, which the operator edits, comes last.
func (l *loader) astLinux() {
	for _, base := range append(above(l.dir), l.dir) {
		parts, _ := filepath.Glob(filepath.Join(base, "rc.conf.d", "*.conf")) // the pattern is right
		slices.SortStableFunc(parts, func(a, b string) int { return cmp.Compare(isUserConf(a), isUserConf(b)) })
		for _, name := range append(append([]string{filepath.Join(base, "rc.conf")}, parts...), filepath.Join(base, "user.conf")) {
			l.shellFile(name)
		}
	}
}

// above lists the directories that a configuration directory lies in: where it really is,
// if it is a link (/etc/asterisk is one there), and where it is called so.
func above(dir string) []string {
	bases := []string{filepath.Join(dir, "..")} // also of "."
	if real, err := filepath.EvalSymlinks(dir); err == nil && real != filepath.Clean(dir) {
		bases = append([]string{filepath.Dir(real)}, bases...)
	}
	return bases
}

// isUserConf puts user.conf behind the others.
func isUserConf(name string) int {
	if filepath.Base(name) == "user.conf" {
		return 1
	}
	return 0
}

// shellFile looks for the variable in a file, which need not be there.
func (l *loader) shellFile(name string) {
	f, err := os.Open(name)
	if err != nil {
		return
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return
	}
	text, err := io.ReadAll(io.LimitReader(f, maxShellFile))
	if err != nil {
		return
	}
	value, line, ok := shellVariable(string(text), dialingPrefixes)
	if !ok {
		return
	}
	at := name // a link's target has no path from a relative directory
	if rel, err := filepath.Rel(l.dir, name); err == nil {
		at = rel
	}
	l.dialPrefixes(value, conf.Origin{File: filepath.ToSlash(at), Line: line})
	l.r.Files = append(l.r.Files, name)
}

// dialPrefixes takes the value over.
func (l *loader) dialPrefixes(value string, at conf.Origin) {
	value = strings.Trim(value, " \t\r\n")
	if strings.Trim(value, "0123456789*#+~ \t") != "" {
		l.warn(at, "%s = %q has other characters than digits and ~ between its fields; it is ignored", dialingPrefixes, value)
		return
	}
	l.r.AstLinux, l.r.DialPrefixes = true, value
}

// mergeDialproxy switches dialproxy.php on for an AstLinux, where it always is. Labels
// that anybody could use stay closed until dialproxy.open opens them.
func (r *Result) mergeDialproxy(c *config.Config) {
	if r.AstLinux {
		c.Dialproxy.Enabled = true
		c.Dialproxy.Prefixes = cmp.Or(c.Dialproxy.Prefixes, r.DialPrefixes)
	}
	c.Dialplan.ImportAstDB = cmp.Or(c.Dialplan.ImportAstDB, r.astDB())
}

// shellVariable finds the last assignment of a variable in a shell script of plain
// assignments, and in which line it begins. Quotes may span lines, so that a line within
// another variable's value is none. Nothing is expanded or run.
func shellVariable(text, name string) (value string, line int, ok bool) {
	s := &shellScanner{text: text, line: 1}
	for s.skip() {
		at := s.line
		if word, first := s.word(); first {
			if v, found := strings.CutPrefix(word, name+"="); found {
				value, line, ok = v, at, true
			}
		}
	}
	return value, line, ok
}

// shellScanner cuts a script into words.
type shellScanner struct {
	text  string
	pos   int
	line  int
	begun bool // a word of the command was read that is no assignment
}

// word gives the word that begins here with its quotes removed. first says that it stands
// where an assignment may: only assignments and export before it.
func (s *shellScanner) word() (word string, first bool) {
	var b strings.Builder
	for s.pos < len(s.text) && !strings.ContainsRune(" \t\r\n;", rune(s.text[s.pos])) {
		switch c := s.next(); c {
		case '\'':
			for s.pos < len(s.text) && s.text[s.pos] != '\'' {
				b.WriteByte(s.next())
			}
			s.next()
		case '"':
			s.quoted(&b)
		case '\\':
			if s.pos < len(s.text) {
				if c := s.next(); c != '\n' {
					b.WriteByte(c)
				}
			}
		default:
			b.WriteByte(c)
		}
	}
	word = b.String()
	first = !s.begun
	if !strings.Contains(word, "=") && word != "export" {
		s.begun = true
	}
	return word, first
}

// quoted reads up to the closing double quote.
func (s *shellScanner) quoted(b *strings.Builder) {
	for s.pos < len(s.text) && s.text[s.pos] != '"' {
		c := s.next()
		if c == '\\' && s.pos < len(s.text) {
			if e := s.next(); e == '\n' {
				continue
			} else if strings.IndexByte("\"\\$`", e) >= 0 {
				c = e
			} else {
				b.WriteByte('\\')
				c = e
			}
		}
		b.WriteByte(c)
	}
	s.next()
}

// skip passes blanks, ends of commands and comments, and says whether a word follows.
func (s *shellScanner) skip() bool {
	for s.pos < len(s.text) {
		switch rest := s.text[s.pos:]; {
		case rest[0] == '\n' || rest[0] == ';':
			s.begun = false
			s.next()
		case rest[0] == ' ' || rest[0] == '\t' || rest[0] == '\r':
			s.next()
		case strings.HasPrefix(rest, "\\\n"):
			s.next()
			s.next()
		case rest[0] == '#':
			for s.pos < len(s.text) && s.text[s.pos] != '\n' {
				s.pos++
			}
		default:
			return true
		}
	}
	return false
}

// next takes a byte, 0 at the end.
func (s *shellScanner) next() byte {
	if s.pos >= len(s.text) {
		return 0
	}
	c := s.text[s.pos]
	s.pos++
	if c == '\n' {
		s.line++
	}
	return c
}
