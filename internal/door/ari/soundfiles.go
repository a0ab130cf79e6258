package ari

import (
	"cmp"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	wire "github.com/dialwright/dialwright/internal/wire/ari"
)

// SoundOptions say where sounds lie. All file systems are laid out as
// pbx.Options.Sounds is: LANGUAGE/name.ext or name.ext.
type SoundOptions struct {
	Files    fs.FS    // sound files; nil = none
	Builtin  fs.FS    // those of the binary; nil = none
	Tones    []string // names of sounds that are there without any file, as pbx.BuiltinSounds gives them
	Language string   // of Tones and of files outside of a language's directory, "" = "en"
	Log      *slog.Logger
}

const (
	soundsFresh = 10 * time.Second // how long a list is good
	soundsMost  = 200_000          // files that are listed; further ones are left out, with a warning
)

// SoundFiles lists sound files; it implements Sounds and is safe concurrently. Its
// list is read again at most every ten seconds, and only when somebody asks.
type SoundFiles struct {
	o SoundOptions

	mu     sync.Mutex // guards what follows; held while the files are read, so that it is done once
	list   []wire.Sound
	readAt time.Time
}

// NewSounds makes a list of the sounds. Nothing is read yet.
func NewSounds(o SoundOptions) *SoundFiles {
	o.Language = cmp.Or(o.Language, "en")
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &SoundFiles{o: o}
}

// List gives all sounds by id, with their files by language and format. It must not
// be changed.
func (f *SoundFiles) List() []wire.Sound {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.list == nil || time.Since(f.readAt) >= soundsFresh {
		f.list, f.readAt = f.read(), time.Now()
	}
	return f.list
}

func (f *SoundFiles) read() []wire.Sound {
	found := soundIndex{}
	for _, fsys := range []fs.FS{f.o.Files, f.o.Builtin} {
		if fsys == nil {
			continue
		}
		if err := found.add(fsys, f.o.Language); err != nil {
			f.o.Log.Warn("sounds not listed", "error", err)
		}
	}
	for _, name := range f.o.Tones {
		if found[name] == nil {
			found.put(name, wire.FormatLangPair{Language: f.o.Language, Format: "slin"})
		}
	}
	return found.list()
}

// soundIndex collects sounds by id.
type soundIndex map[string]map[wire.FormatLangPair]struct{}

func (x soundIndex) put(id string, p wire.FormatLangPair) {
	if x[id] == nil {
		x[id] = make(map[wire.FormatLangPair]struct{}, 1)
	}
	x[id][p] = struct{}{}
}

// add puts in the files of a file system. What cannot be read is passed over.
func (x soundIndex) add(fsys fs.FS, language string) error {
	left := soundsMost
	return fs.WalkDir(fsys, ".", func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil && name == ".":
			return err
		case err != nil || e.IsDir():
			return nil
		}
		ext := path.Ext(name)
		format := soundFormat(ext)
		id := strings.TrimSuffix(name, ext)
		if format == "" || path.Base(name) == ext {
			return nil
		}
		if left--; left < 0 {
			return errTooManySounds
		}
		p := wire.FormatLangPair{Language: language, Format: format}
		if lang, rest, below := strings.Cut(id, "/"); below && isLanguage.MatchString(lang) {
			p.Language, id = lang, rest
		}
		x.put(id, p)
		return nil
	})
}

var errTooManySounds = fmt.Errorf("more than %d files", soundsMost)

// isLanguage tells the directory of a language ("en", "en_GB", "en_US_f_Allison")
// from one of sounds ("digits").
var isLanguage = regexp.MustCompile(`^[a-z]{2,3}([_-][A-Za-z0-9]+)*$`)

// soundFormat gives the format of a file by its ending, "" if it is no sound.
// Asterisk names what is in a file, and not the file: a .wav holds slin, a .WAV gsm
// (Asterisk: main/media_index.c, formats/).
func soundFormat(ext string) string {
	switch ext {
	case ".gsm", ".wav49", ".WAV":
		return "gsm"
	case ".wav", ".sln", ".raw":
		return "slin"
	case ".sln16":
		return "slin16"
	case ".ulaw", ".ul", ".pcm", ".mu":
		return "ulaw"
	case ".alaw", ".al":
		return "alaw"
	case ".g722":
		return "g722"
	}
	return ""
}

// list gives what was collected, in order; it is never nil.
func (x soundIndex) list() []wire.Sound {
	list := make([]wire.Sound, 0, len(x))
	for _, id := range slices.Sorted(maps.Keys(x)) {
		pairs := slices.SortedFunc(maps.Keys(x[id]), func(a, b wire.FormatLangPair) int {
			return cmp.Or(strings.Compare(a.Language, b.Language), strings.Compare(a.Format, b.Format))
		})
		list = append(list, wire.Sound{ID: id, Formats: pairs})
	}
	return list
}
