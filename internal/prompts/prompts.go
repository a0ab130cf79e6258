// Package prompts is what the server can say without any sound file: the
// prompts that ship in the binary, and how a language says numbers, letters and
// times with them.
//
// The names are Asterisk's ("digits/4", "letters/a", "conf-getpin"), so that
// dialplans made for its sounds work unchanged; the texts are ours
// (scripts/prompts.txt), spoken by espeak-ng as scripts/prompts says, stored as
// GSM 06.10. Sounds of one's own take their place: pbx looks into the sounds
// directory first.
//
// Saying is choosing words: each function here gives the names of sounds to be
// played one after the other, wherever these sounds come from. English is the
// only language so far; another one is a grammar beside english, and a folder
// beside en.
package prompts

import (
	"embed"
	"io/fs"
	"strings"
)

//go:embed en
var files embed.FS

// FS holds the built-in prompts as "en/digits/4.gsm". Files are Seekers.
func FS() fs.FS { return files }

// Language gives the language in which a prompt is to be looked for when lang
// ("de_AT", "en", "") has none of its own: the part before "_", if there are
// built-in prompts in it, else "en".
func Language(lang string) string {
	base, _, _ := strings.Cut(lang, "_")
	if base == "" || strings.ContainsAny(base, "/.\\") {
		return "en"
	}
	if _, err := fs.Stat(files, base); err != nil {
		return "en"
	}
	return base
}
