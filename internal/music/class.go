package music

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"path"
	"slices"
	"strings"

	"github.com/dialwright/dialwright/internal/media"
)

// Default is the class of whoever asks for none.
const Default = "default"

// ErrClass says that there is no class of that name, or nothing to play in it.
var ErrClass = errors.New("no such class of music")

// Class is one class of music.
type Class struct {
	Name   string
	FS     fs.FS    // where its files are; nil = the built-in piece
	Files  []string // in the order in which they are played
	Random bool     // in any order, another one each time
}

// Open gives the class's music from its beginning, or from any file if it is
// Random. It does not end; the source is a Closer. ErrClass: none of the files
// can be played.
func (c *Class) Open() (media.Source, error) {
	if c.FS == nil {
		return Builtin(), nil
	}
	l := &playlist{class: c, order: slices.Clone(c.Files)}
	if c.Random {
		rand.Shuffle(len(l.order), func(i, j int) { l.order[i], l.order[j] = l.order[j], l.order[i] })
	}
	if err := l.next(); err != nil {
		return nil, err
	}
	return l, nil
}

// playlist plays the files of a class round and round, at the rate of its
// first: a file of another rate is resampled.
type playlist struct {
	class *Class
	order []string
	at    int
	rate  int
	now   media.Source
	got   bool // this file has given something
	empty int  // files in a row that gave nothing
}

// next opens the next file that can be opened.
func (l *playlist) next() error {
	var last error
	for range l.order {
		name := l.order[l.at]
		l.at = (l.at + 1) % len(l.order)
		src, err := media.OpenFile(l.class.FS, name)
		if err != nil {
			last = err
			continue
		}
		if l.rate == 0 {
			l.rate = src.Rate()
		}
		l.now, l.got = media.Resample(src, l.rate), false
		return nil
	}
	return fmt.Errorf("music %s: %w: %w", l.class.Name, ErrClass, errors.Join(last))
}

func (l *playlist) Rate() int { return l.rate }

func (l *playlist) ReadFrame(pcm []int16) (n int, err error) {
	for n < len(pcm) {
		k, err := l.now.ReadFrame(pcm[n:])
		n += k
		l.got = l.got || k > 0
		if err == nil {
			continue
		}
		if l.got {
			l.empty = 0
		} else if l.empty++; l.empty >= len(l.order) {
			return n, io.EOF // do not spin over empty files
		}
		_ = l.Close() // only read
		if err := l.next(); err != nil {
			return n, err
		}
	}
	return n, nil
}

// Close closes the file that plays.
func (l *playlist) Close() error {
	if c, ok := l.now.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// list gives the sound files of a directory, each sound once, sorted by name. A
// song that is there in several formats is played in the best.
func list(fsys fs.FS, dir string) ([]string, error) {
	entries, err := fs.ReadDir(fsys, dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		base := strings.TrimSuffix(e.Name(), path.Ext(e.Name()))
		if e.IsDir() || strings.HasPrefix(e.Name(), ".") || !media.IsSound(e.Name()) {
			continue
		}
		if name := path.Join(dir, base); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}
