package music

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dialwright/dialwright/internal/wire/conf"
)

// Library is where classes are looked for. The zero value has the built-in
// piece alone.
type Library struct {
	ConfDir string // has musiconhold.conf; "" = none
	Dir     string // classes without configuration are below it; "" = none
	Data    string // what directory= in musiconhold.conf is relative to
	Sounds  string // what entry= is relative to
}

// Class finds a class by its name, "" = Default. problems are the mistakes in
// musiconhold.conf. ErrClass: there is none, or it has no files; Default is then
// the built-in piece, and what was wrong with it a problem.
func (l Library) Class(name string) (c *Class, problems []string, err error) {
	name = cmp.Or(name, Default)
	s, problems, err := l.section(name)
	if err != nil {
		return nil, problems, err
	}
	switch {
	case s != nil:
		c, err = l.configured(s)
	default:
		c, err = l.directory(name)
	}
	if errors.Is(err, ErrClass) && name == Default {
		if s != nil {
			problems = append(problems, err.Error()+"; the built-in music is played")
		}
		return &Class{Name: Default}, problems, nil
	}
	return c, problems, err
}

// section reads the class's section of musiconhold.conf, nil if there is none.
func (l Library) section(name string) (*conf.Section, []string, error) {
	if l.ConfDir == "" {
		return nil, nil, nil
	}
	dir := conf.Dir(l.ConfDir)
	if _, err := fs.Stat(dir, "musiconhold.conf"); errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil // the file itself: one that it includes must be there
	}
	f, found, err := conf.Load(dir, "musiconhold.conf")
	if err != nil {
		return nil, nil, fmt.Errorf("music: %w", err)
	}
	var problems []string
	for _, p := range found {
		problems = append(problems, p.String())
	}
	if name == "general" {
		return nil, problems, nil
	}
	return f.Section(name), problems, nil
}

// configured makes the class of a section (Asterisk: musiconhold.conf.sample):
// mode=files with directory= and sort=alpha, random or randstart; or
// mode=playlist with entry=.
func (l Library) configured(s *conf.Section) (*Class, error) {
	get := func(key string) string { v, _ := s.Get(key); return strings.TrimSpace(v) }
	c := &Class{Name: s.Name, Random: strings.HasPrefix(get("sort"), "rand") || get("random") == "yes"}
	switch mode := get("mode"); mode {
	case "files":
		dir := get("directory")
		if dir != "" && !filepath.IsAbs(dir) {
			dir = filepath.Join(l.Data, dir)
		}
		return l.open(c, cmp.Or(dir, l.Dir))
	case "playlist":
		c.FS = os.DirFS("/") // whoever writes musiconhold.conf may name any file
		for _, line := range s.Lines {
			if !strings.EqualFold(line.Key, "entry") {
				continue
			}
			name := line.Value
			if !filepath.IsAbs(name) {
				name = filepath.Join(l.Sounds, name)
			}
			c.Files = append(c.Files, strings.TrimPrefix(filepath.Clean(name), "/"))
		}
		if len(c.Files) == 0 {
			return nil, fmt.Errorf("music %s: %w: no entry", s.Name, ErrClass)
		}
		return c, nil
	default:
		return nil, fmt.Errorf("music %s: %w: mode %q is not supported, only files and playlist", s.Name, ErrClass, mode)
	}
}

// directory makes the class of a directory below Dir.
func (l Library) directory(name string) (*Class, error) {
	if l.Dir == "" || !filepath.IsLocal(name) {
		return nil, fmt.Errorf("music %s: %w", name, ErrClass)
	}
	dir := filepath.Join(l.Dir, name)
	if name == Default {
		dir = l.Dir
	}
	return l.open(&Class{Name: name}, dir)
}

// open fills a class from a directory.
func (l Library) open(c *Class, dir string) (*Class, error) {
	if dir == "" {
		return nil, fmt.Errorf("music %s: %w: no directory", c.Name, ErrClass)
	}
	var err error
	c.FS = os.DirFS(dir)
	if c.Files, err = list(c.FS, "."); err != nil {
		return nil, fmt.Errorf("music %s: %w: %w", c.Name, ErrClass, err)
	}
	if c.Files = slices.Compact(c.Files); len(c.Files) == 0 {
		return nil, fmt.Errorf("music %s: %w: no sound files in %s", c.Name, ErrClass, dir)
	}
	return c, nil
}
