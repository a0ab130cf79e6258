package pbx

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/media"
)

// soundFormats are the endings of sound files in the order in which they are
// looked for: the best first.
var soundFormats = [...]string{".wav", ".sln16", ".sln", ".g722", ".ulaw", ".alaw"}

// PromptPress1 is the media URI of the built-in press-1 prompt. A sound file
// dialwright/press-1 replaces it.
const PromptPress1 = "sound:dialwright/press-1"

// builtinSound gives the tone sequence (frequencies/milliseconds) of a sound
// that exists without any file, "" if there is none.
func builtinSound(name string) string {
	switch name {
	case "dialwright/press-1": // three rising notes and one long one: "your turn"
		return "523/150,0/60,659/150,0/60,784/150,0/200,1047/600,0/200"
	case "beep":
		return "1000/250"
	}
	return ""
}

// openMedia opens a media URI (spec: ari 5.5):
//
//	sound:NAME            file of the sounds directory, in the language
//	tone:NAME[;tonezone=ZZ]  ring, busy, congestion, dial …, or a list "440+480/2000,0/4000"
//	digits:12*#           digit by digit
//	number:1234           as a number, in English
//	characters:AB1        spelt
//	recording:NAME        a stored recording
//	silence:MS            nothing, for so long (ours)
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
		return s.openWords(digitWords(rest), lang)
	case "number":
		words, err := numberWords(rest)
		if err != nil {
			return nil, fmt.Errorf("media %q: %w", uri, err)
		}
		return s.openWords(words, lang)
	case "characters":
		return s.openWords(characterWords(rest), lang)
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
	}
	return nil, fmt.Errorf("media %q: %w", uri, ErrMediaURI)
}

// openSound looks for a sound in the language, its base language ("en" of
// "en_GB"), the default language and without language, then among the
// built-in ones (Asterisk: main/file.c fileexists_core).
func (s *Switch) openSound(name, lang string) (media.Source, error) {
	if s.o.Sounds != nil && fs.ValidPath(name) {
		base, _, _ := strings.Cut(lang, "_")
		tried := map[string]bool{}
		for _, l := range [...]string{lang, base, s.o.Language, ""} {
			if tried[l] || !fs.ValidPath(path.Join(".", l)) {
				continue
			}
			tried[l] = true
			src, err := openAny(s.o.Sounds, path.Join(l, name))
			if err == nil || !errors.Is(err, ErrNoSound) {
				return src, err
			}
		}
	}
	if spec := builtinSound(name); spec != "" {
		return finite(spec)
	}
	return nil, fmt.Errorf("sound %q: %w", name, ErrNoSound)
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

// openWords plays sounds one after the other.
func (s *Switch) openWords(names []string, lang string) (media.Source, error) {
	parts := make([]media.Source, 0, len(names))
	for _, n := range names {
		src, err := s.openSound(n, lang)
		if err != nil {
			return nil, err
		}
		parts = append(parts, src)
	}
	return media.Sequence(parts...), nil
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

func digitWords(digits string) []string {
	var out []string
	for _, d := range digits {
		switch {
		case d >= '0' && d <= '9':
			out = append(out, "digits/"+string(d))
		case d == '*':
			out = append(out, "digits/star")
		case d == '#':
			out = append(out, "digits/pound")
		case d == '-':
			out = append(out, "digits/minus")
		}
	}
	return out
}

func characterWords(text string) []string {
	var out []string
	for _, r := range strings.ToLower(text) {
		switch {
		case r >= '0' && r <= '9', r == '*', r == '#':
			out = append(out, digitWords(string(r))...)
		case r >= 'a' && r <= 'z':
			out = append(out, "letters/"+string(r))
		case r == '.':
			out = append(out, "letters/dot")
		case r == '@':
			out = append(out, "letters/at")
		case r == ' ':
			out = append(out, "letters/space")
		}
	}
	return out
}

// numberWords names the sounds of a number in English
// (Asterisk: main/say.c ast_say_number_full_en).
func numberWords(text string) ([]string, error) {
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil || n > 999_999_999 || n < -999_999_999 {
		return nil, fmt.Errorf("number %q: %w", text, ErrMediaURI)
	}
	var out []string
	if n < 0 {
		out, n = append(out, "digits/minus"), -n
	}
	if n == 0 {
		return append(out, "digits/0"), nil
	}
	for _, unit := range [...]struct {
		size int
		word string
	}{{1_000_000, "digits/million"}, {1_000, "digits/thousand"}, {1, ""}} {
		part := n / unit.size
		n %= unit.size
		if part == 0 {
			continue
		}
		out = append(out, belowThousand(part)...)
		if unit.word != "" {
			out = append(out, unit.word)
		}
	}
	return out, nil
}

func belowThousand(n int) []string {
	var out []string
	if n >= 100 {
		out = append(out, "digits/"+itoa(n/100), "digits/hundred")
		n %= 100
	}
	if n > 20 {
		out = append(out, "digits/"+itoa(n/10*10))
		n %= 10
	}
	if n > 0 {
		out = append(out, "digits/"+itoa(n))
	}
	return out
}
