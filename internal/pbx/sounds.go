package pbx

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/music"
	"github.com/dialwright/dialwright/internal/prompts"
)

// soundFormats are the endings of sound files in the order in which they are
// looked for: the best first.
var soundFormats = [...]string{".wav", ".sln16", ".sln", ".g722", ".ulaw", ".alaw", ".gsm", ".wav49", ".WAV"}

// PromptPress1 is the media URI of the built-in press-1 prompt. A sound file
// dialwright/press-1 replaces it.
const PromptPress1 = "sound:dialwright/press-1"

// builtinTones are the sounds that exist without any file, as tone sequences
// (frequencies/milliseconds).
var builtinTones = [...]struct{ name, spec string }{
	{"beep", "1000/250"},
	{"beeperr", "400/120,0/60,400/120,0/60,400/240"}, // three short low notes
	{"confbridge-join", "440/90,660/140"},            // up
	{"confbridge-leave", "660/90,440/140"},           // down
}

// builtinTone gives the tone sequence of a sound, "" if there is none.
func builtinTone(name string) string {
	for _, t := range builtinTones {
		if t.name == name {
			return t.spec
		}
	}
	return ""
}

// BuiltinSounds gives the names of the sounds that can be played though there is
// no file of them, for who lists sounds.
func BuiltinSounds() []string {
	names := make([]string, len(builtinTones))
	for i, t := range builtinTones {
		names[i] = t.name
	}
	return names
}

// openMedia opens a media URI (spec: ari 5.5):
//
//	sound:NAME            file of the sounds directory, in the language; or /path/of/a/file
//	tone:NAME[;tonezone=ZZ]  ring, busy, congestion, dial …, or a list "440+480/2000,0/4000"
//	digits:12*#           digit by digit
//	number:1234           as a number; ordinal:21 as "twenty first" (ours)
//	characters:AB1        spelt; phonetic:AB1 by the NATO alphabet (ours)
//	recording:NAME        a stored recording
//	silence:MS            nothing, for so long (ours)
//	music:CLASS           music on hold of Options.Music, without end (ours)
//
// Without a scheme a URI is a sound.
func (s *Switch) openMedia(uri, lang string) (media.Source, error) {
	scheme, rest, ok := strings.Cut(uri, ":")
	if !ok {
		scheme, rest = "sound", uri
	}
	switch scheme {
	case "sound":
		return s.openSound(rest, lang)
	case "tone":
		return s.openTone(rest)
	case "digits":
		return s.openWords(prompts.Digits(rest), lang)
	case "number", "ordinal":
		return s.openNumber(scheme, rest, lang)
	case "characters":
		return s.openWords(prompts.Characters(rest), lang)
	case "phonetic":
		return s.openWords(prompts.Phonetic(rest), lang)
	case "recording":
		if s.o.Recordings == nil {
			return nil, fmt.Errorf("media %q: %w", uri, ErrNoSound)
		}
		return openAny(s.o.Recordings.FS(), rest)
	case "silence":
		ms, err := strconv.Atoi(rest)
		if err != nil || ms < 0 || ms > 3_600_000 {
			return nil, fmt.Errorf("media %q: %w", uri, ErrMediaURI)
		}
		return media.Silence(time.Duration(ms) * time.Millisecond), nil
	case "music":
		if s.o.Music != nil {
			return s.o.Music(rest)
		}
		return music.Builtin(), nil
	}
	return nil, fmt.Errorf("media %q: %w", uri, ErrMediaURI)
}

// openSound looks for a sound in the language, its base language ("en" of
// "en_GB"), the default language and without language, then among the
// built-in ones (Asterisk: main/file.c fileexists_core). A name with a slash in
// front is a path, which Options.Files must allow.
func (s *Switch) openSound(name, lang string) (media.Source, error) {
	langs := s.languages(lang)
	if strings.HasPrefix(name, "/") {
		fsys, rel, err := s.readable(name)
		if err != nil {
			return nil, fmt.Errorf("sound %q: %w", name, err)
		}
		dir, base := path.Split(rel)
		return openInLanguage(fsys, dir, base, langs)
	}
	name = path.Clean(name)
	if !fs.ValidPath(name) {
		return nil, fmt.Errorf("sound %q: %w", name, ErrNoSound)
	}
	if s.o.Sounds != nil {
		src, err := openInLanguage(s.o.Sounds, "", name, langs)
		if err == nil || !errors.Is(err, ErrNoSound) {
			return src, err
		}
	}
	return s.openBuiltin(name, langs)
}

// languages lists where to look for a sound of that language: "en_GB", "en",
// the default language, and at the top.
func (s *Switch) languages(lang string) []string {
	base, _, _ := strings.Cut(lang, "_")
	var out []string
	for _, l := range [...]string{lang, base, s.o.Language, ""} {
		if (l == "" || fs.ValidPath(l)) && !slices.Contains(out, l) {
			out = append(out, l)
		}
	}
	return out
}

// openInLanguage opens dir/LANGUAGE/name in the first language that has it.
func openInLanguage(fsys fs.FS, dir, name string, langs []string) (media.Source, error) {
	for _, l := range langs {
		src, err := openAny(fsys, path.Join(dir, l, name))
		if err == nil || !errors.Is(err, ErrNoSound) {
			return src, err
		}
	}
	return nil, fmt.Errorf("sound %q: %w", name, ErrNoSound)
}

// openBuiltin opens what needs no file: a tone, silence/N of N seconds, or a
// prompt from the binary.
func (s *Switch) openBuiltin(name string, langs []string) (media.Source, error) {
	if spec := builtinTone(name); spec != "" {
		return finite(spec)
	}
	if n, ok := strings.CutPrefix(name, "silence/"); ok {
		if sec, err := strconv.Atoi(n); err == nil && sec > 0 && sec <= 3600 {
			return media.Silence(time.Duration(sec) * time.Second), nil
		}
	}
	src, err := openInLanguage(prompts.FS(), "", name, langs)
	if errors.Is(err, ErrNoSound) {
		return openInLanguage(prompts.FS(), "", name, []string{prompts.Language("")})
	}
	return src, err
}

// openAny opens name, or name with one of the known endings.
func openAny(fsys fs.FS, name string) (media.Source, error) {
	if !fs.ValidPath(name) {
		return nil, fmt.Errorf("sound %q: %w", name, ErrNoSound)
	}
	if path.Ext(name) != "" {
		if src, err := media.OpenFile(fsys, name); err == nil || !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, media.ErrFormat) {
			return src, err
		}
	}
	for _, ext := range soundFormats {
		src, err := media.OpenFile(fsys, name+ext)
		if err == nil {
			return src, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("sound %q: %w", name+ext, err)
		}
	}
	return nil, fmt.Errorf("sound %q: %w", name, ErrNoSound)
}

// maxWords bounds what one URI says: its sounds are open all at once.
const maxWords = 256

// openWords plays sounds one after the other.
func (s *Switch) openWords(names []string, lang string) (media.Source, error) {
	if len(names) > maxWords {
		return nil, fmt.Errorf("%d words: %w", len(names), ErrMediaURI)
	}
	parts := make([]media.Source, 0, len(names))
	for _, n := range names {
		src, err := s.openSound(n, lang)
		if err != nil {
			_ = media.Sequence(parts...).(io.Closer).Close() // never played
			return nil, err
		}
		parts = append(parts, src)
	}
	return media.Sequence(parts...), nil
}

// openNumber says a number.
func (s *Switch) openNumber(scheme, text, lang string) (media.Source, error) {
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("media %s:%q: %w", scheme, text, ErrMediaURI)
	}
	say := prompts.Number
	if scheme == "ordinal" {
		say = prompts.Ordinal
	}
	words, err := say(lang, n)
	if err != nil {
		return nil, fmt.Errorf("media %s:%q: %w: %w", scheme, text, ErrMediaURI, err)
	}
	return s.openWords(words, lang)
}

// openTone opens an indication by its Asterisk name, or a tone list.
func (s *Switch) openTone(spec string) (media.Source, error) {
	spec, options, _ := strings.Cut(spec, ";")
	zone := s.o.Country
	if z, ok := strings.CutPrefix(options, "tonezone="); ok {
		zone = z
	}
	switch spec { // Asterisk: indications.conf
	case "ring", "ringing":
		spec = "ringback"
	}
	if zone != "" && strings.Trim(spec, "abcdefghijklmnopqrstuvwxyz-_") == "" {
		if src, err := media.Tone(zone + ":" + spec); err == nil {
			return src, nil
		}
	}
	src, err := media.Tone(spec)
	if err != nil {
		return nil, fmt.Errorf("tone %q: %w", spec, err)
	}
	return src, nil
}

// finite makes a source that plays each step of a tone list once.
func finite(list string) (media.Source, error) {
	var parts []media.Source
	for step := range strings.SplitSeq(list, ",") {
		freq, ms, _ := strings.Cut(step, "/")
		n, err := strconv.Atoi(ms)
		if err != nil {
			return nil, fmt.Errorf("tone list %q: %w", list, ErrMediaURI)
		}
		long := time.Duration(n) * time.Millisecond
		if freq == "0" {
			parts = append(parts, media.Silence(long))
			continue
		}
		src, err := media.Tone(freq + "/" + ms)
		if err != nil {
			return nil, err
		}
		parts = append(parts, &limited{src: src, left: long})
	}
	return media.Sequence(parts...), nil
}
