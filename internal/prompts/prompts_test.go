package prompts_test

import (
	"bufio"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/prompts"
)

// listed reads the names of scripts/prompts.txt.
func listed(t *testing.T) []string {
	t.Helper()
	f, err := os.Open("../../scripts/prompts.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var names []string
	for s := bufio.NewScanner(f); s.Scan(); {
		name, text, _ := strings.Cut(s.Text(), "\t")
		if strings.HasPrefix(name, "#") || name == "" {
			continue
		}
		if strings.TrimSpace(text) == "" {
			t.Errorf("%s has no text", name)
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// List and files belong together; each file is GSM, is heard, and is no longer
// than a prompt is. All of them together are small.
func TestEveryPromptIsThere(t *testing.T) {
	var there []string
	total := 0
	err := fs.WalkDir(prompts.FS(), "en", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		there = append(there, strings.TrimSuffix(strings.TrimPrefix(p, "en/"), ".gsm"))
		pcm, rate := decode(t, p)
		total += len(pcm) / 160 * 33
		if long := time.Duration(len(pcm)) * time.Second / time.Duration(rate); long < 150*time.Millisecond || long > 15*time.Second {
			t.Errorf("%s lasts %v", p, long)
		}
		if loud := mean(pcm); loud < 300 {
			t.Errorf("%s is silent: mean amplitude %d", p, loud)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(there)
	if d := cmp.Diff(listed(t), there); d != "" {
		t.Errorf("scripts/prompts.txt and internal/prompts/en differ; run make prompts (-list +files):\n%s", d)
	}
	if total > 1500_000 {
		t.Errorf("%d octets of prompts make the binary fat", total)
	}
}

func decode(t *testing.T, name string) (pcm []int16, rate int) {
	t.Helper()
	src, err := media.OpenFile(prompts.FS(), name)
	if err != nil {
		t.Fatal(err)
	}
	frame := make([]int16, 160)
	for {
		n, err := src.ReadFrame(frame)
		pcm = append(pcm, frame[:n]...)
		if err == io.EOF {
			return pcm, src.Rate()
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
}

func mean(pcm []int16) int {
	sum := 0
	for _, s := range pcm {
		sum += max(int(s), -int(s))
	}
	return sum / max(len(pcm), 1)
}

// say joins words without their folders' names, for reading.
func say(words []string) string {
	return strings.ReplaceAll(strings.Join(words, " "), "digits/", "")
}

func TestNumber(t *testing.T) {
	for _, tt := range []struct {
		n             int64
		want, ordinal string
	}{
		{0, "0", "0"},
		{1, "1", "h-1"},
		{20, "20", "h-20"},
		{21, "20 1", "20 h-1"},
		{40, "40", "h-40"},
		{100, "1 hundred", "1 h-hundred"},
		{115, "1 hundred 15", "1 hundred h-15"},
		{-104, "minus 1 hundred 4", "minus 1 hundred h-4"},
		{1000, "1 thousand", "1 h-thousand"},
		{2026, "2 thousand 20 6", "2 thousand 20 h-6"},
		{1_000_000, "1 million", "1 h-million"},
		{12_345_678, "12 million 3 hundred 40 5 thousand 6 hundred 70 8", "12 million 3 hundred 40 5 thousand 6 hundred 70 h-8"},
		{prompts.Max, "9 hundred 90 9 billion 9 hundred 90 9 million 9 hundred 90 9 thousand 9 hundred 90 9", "9 hundred 90 9 billion 9 hundred 90 9 million 9 hundred 90 9 thousand 9 hundred 90 h-9"},
	} {
		for _, lang := range []string{"en", "en_GB", "xx", ""} {
			got, err := prompts.Number(lang, tt.n)
			if err != nil || say(got) != tt.want {
				t.Errorf("Number(%d) = %q, %v, want %q", tt.n, say(got), err, tt.want)
			}
		}
		if got, err := prompts.Ordinal("en", tt.n); err != nil || say(got) != tt.ordinal {
			t.Errorf("Ordinal(%d) = %q, %v, want %q", tt.n, say(got), err, tt.ordinal)
		}
	}
	for _, n := range []int64{prompts.Max + 1, -prompts.Max - 1, -1 << 63} {
		if _, err := prompts.Number("en", n); err == nil {
			t.Errorf("Number(%d) was said", n)
		}
	}
}

func TestSpell(t *testing.T) {
	for _, tt := range []struct{ text, digits, letters, phonetic string }{
		{"", "", "", ""},
		{"1*#-a", "1 star pound minus", "1 star pound letters/dash letters/a", "1 star pound letters/dash phonetic/a_p"},
		{"Zé @", "", "letters/z letters/space letters/at", "phonetic/z_p letters/space letters/at"},
	} {
		if got := say(prompts.Digits(tt.text)); got != tt.digits {
			t.Errorf("Digits(%q) = %q", tt.text, got)
		}
		if got := say(prompts.Characters(tt.text)); got != tt.letters {
			t.Errorf("Characters(%q) = %q", tt.text, got)
		}
		if got := say(prompts.Phonetic(tt.text)); got != tt.phonetic {
			t.Errorf("Phonetic(%q) = %q", tt.text, got)
		}
	}
}

func TestTime(t *testing.T) {
	now := time.Date(2026, 12, 25, 18, 30, 5, 0, time.UTC)
	for _, tt := range []struct {
		at           time.Time
		format, want string
	}{
		{now, "", "day-5 mon-11 20 h-5 2 thousand 20 6 at 6 30 p-m"},
		{now, "aHM", "day-5 18 30"},
		{now, "R", "18 30"},
		{now, "T", "18 30 5"},
		{now, "Q", "today"},
		{now, "qIMp", "6 30 p-m"},
		{now.AddDate(0, 0, -1), "q", "yesterday"},
		{now.AddDate(0, 0, 1), "Q", "tomorrow"},
		{now.AddDate(0, 0, -3), "Q", "day-2"},
		{now.AddDate(0, 0, -8), "Q", "day-4 mon-11 h-17 2 thousand 20 6"},
		{time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC), "YIMp", "19 90 9 12 a-m"},
		{time.Date(1907, 1, 1, 9, 5, 0, 0, time.UTC), "YHM", "19 oh 7 oh 9 oh 5"},
		{time.Date(1900, 1, 1, 9, 0, 0, 0, time.UTC), "m Y k M", "h-1 1 thousand 9 hundred 9 oclock"},
		{now, "'a''b'z?'", "a b"},
	} {
		if got := say(prompts.Time("en", tt.at, now, tt.format)); got != tt.want {
			t.Errorf("Time(%v, %q) = %q, want %q", tt.at, tt.format, got, tt.want)
		}
	}
}

// Whatever can be said is there to be heard.
func TestEveryWordIsThere(t *testing.T) {
	var words []string
	for _, n := range []int64{0, 101, 123_456_789_012, -19_018_017_016, 11_012_013_014, 15_030_040_050, 60_070_080_090, 5_000_000} {
		for _, f := range []func(string, int64) ([]string, error){prompts.Number, prompts.Ordinal} {
			w, err := f("en", n)
			if err != nil {
				t.Fatal(err)
			}
			words = append(words, w...)
		}
	}
	for n := range int64(100) {
		w, _ := prompts.Ordinal("en", n)
		words = append(words, w...)
	}
	signs := "abcdefghijklmnopqrstuvwxyz0123456789 !$+-./=@_*#"
	words = append(words, prompts.Characters(signs)...)
	words = append(words, prompts.Phonetic(signs)...)
	words = append(words, prompts.Digits(signs)...)
	at := time.Date(1905, 1, 1, 0, 0, 0, 0, time.UTC)
	for range 400 {
		words = append(words, prompts.Time("en", at, at, "ABdYHMISPQ 'digits/at'mTR")...)
		at = at.Add(25*time.Hour + 61*time.Second)
	}
	slices.Sort(words)
	for _, w := range slices.Compact(words) {
		if _, err := fs.Stat(prompts.FS(), "en/"+w+".gsm"); err != nil {
			t.Errorf("%s can be said but not heard", w)
		}
	}
}
