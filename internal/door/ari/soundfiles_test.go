package ari

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/prompts"
	wire "github.com/dialwright/dialwright/internal/wire/ari"
)

func TestSoundFilesAreListedByLanguageAndFormat(t *testing.T) {
	files := fstest.MapFS{}
	for _, name := range []string{
		"en/digits/4.gsm", "en/digits/4.ulaw", "en_GB/digits/4.wav", "en_US_f_Allison/digits/4.sln16", // one sound
		"digits/5.alaw",                // no language, in a folder
		"hello.WAV",                    // no language
		"fr/hello.wav", "fr/hello.sln", // the same format twice
		"en/LICENSE.txt", "en/.gsm", "en/readme", // none
	} {
		files[name] = &fstest.MapFile{}
	}
	got := NewSounds(SoundOptions{Files: files, Tones: []string{"beep"}, Language: "de"}).List()
	want := []wire.Sound{
		{ID: "beep", Formats: []wire.FormatLangPair{{Language: "de", Format: "slin"}}},
		{ID: "digits/4", Formats: []wire.FormatLangPair{
			{Language: "en", Format: "gsm"}, {Language: "en", Format: "ulaw"},
			{Language: "en_GB", Format: "slin"}, {Language: "en_US_f_Allison", Format: "slin16"},
		}},
		{ID: "digits/5", Formats: []wire.FormatLangPair{{Language: "de", Format: "alaw"}}},
		{ID: "hello", Formats: []wire.FormatLangPair{{Language: "de", Format: "gsm"}, {Language: "fr", Format: "slin"}}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// Everything that the server can play without a file of its own is listed, and what
// is listed it can play.
func TestBuiltinSoundsAreListed(t *testing.T) {
	list := NewSounds(SoundOptions{Builtin: prompts.FS(), Tones: pbx.BuiltinSounds()}).List()
	for _, id := range []string{"beep", "beeperr", "digits/4", "letters/a", "conf-getpin"} {
		if !slices.ContainsFunc(list, func(s wire.Sound) bool { return s.ID == id && s.Formats[0].Language == "en" }) {
			t.Errorf("%s is not listed", id)
		}
	}
}

func TestSoundsAreReadAgainOnlyAfterAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		files := fstest.MapFS{"en/a.wav": {}}
		sounds := NewSounds(SoundOptions{Files: files})
		count := func() int { return len(sounds.List()) }
		if n := count(); n != 1 {
			t.Fatalf("%d sounds, want 1", n)
		}
		files["en/b.wav"] = &fstest.MapFile{}
		time.Sleep(soundsFresh - time.Millisecond) // of the bubble
		if n := count(); n != 1 {
			t.Errorf("%d sounds within %s, want the 1 of before", n, soundsFresh)
		}
		time.Sleep(time.Millisecond)
		if n := count(); n != 2 {
			t.Errorf("%d sounds after %s, want 2", n, soundsFresh)
		}
	})
}

// A sounds directory that is not there leaves the built-in sounds.
func TestSoundsWithoutADirectory(t *testing.T) {
	list := NewSounds(SoundOptions{Files: os.DirFS(filepath.Join(t.TempDir(), "none")), Tones: []string{"beep"}}).List()
	if len(list) != 1 || list[0].ID != "beep" {
		t.Errorf("sounds %v, want beep alone", list)
	}
	if none := NewSounds(SoundOptions{}).List(); none == nil || len(none) != 0 {
		t.Errorf("sounds %#v, want an empty list", none)
	}
}
