package pbx

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/media"
)

// Every move of a channel's state.
func TestStateTable(t *testing.T) {
	all := []LegEventKind{LegProceeding, LegRinging, LegProgress, LegAnswered, LegEnded, LegDTMF, LegHeld, LegResumed, LegForwarded, LegTransfer, LegMedia}
	moves := map[string]State{
		"out Down ringing": Ringing, "out Down answered": Up, "out Ringing ringing": Ringing, "out Ringing answered": Up, "in Ring answered": Up,
		"out Down proceeding": Down, "out Down progress": Down, "out Down forwarded": Down,
		"out Ringing proceeding": Ringing, "out Ringing progress": Ringing, "out Ringing forwarded": Ringing,
	}
	for _, k := range []LegEventKind{LegEnded, LegDTMF, LegHeld, LegResumed, LegTransfer, LegMedia} { // never move
		for dir, states := range map[string][]State{"out": {Down, Ringing, Up}, "in": {Ring, Up}} {
			for _, s := range states {
				moves[fmt.Sprintf("%s %s %s", dir, s, k)] = s
			}
		}
	}
	for _, incoming := range []bool{false, true} {
		states := []State{Down, Ringing, Up}
		dir := "out"
		if incoming {
			states, dir = []State{Ring, Up}, "in"
		}
		for _, s := range states {
			for _, k := range all {
				key := fmt.Sprintf("%s %s %s", dir, s, k)
				want, allowed := moves[key]
				got, err := nextState(s, incoming, k)
				if (err == nil) != allowed || allowed && got != want || !allowed && got != s {
					t.Errorf("%s: %s, %v; want %s, allowed %v", key, got, err, want, allowed)
				}
			}
		}
	}
	if State(99).String() != "Unknown" || LegEventKind(99).String() != "unknown" || Reserved.String() != "Rsrvd" {
		t.Error("names of states")
	}
}

// What is posted runs in order, one at a time, without a goroutine in between.
func TestMailboxOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone := 0
		m := &mailbox{onGone: func() { gone++ }}
		var got []int
		var wg sync.WaitGroup
		for g := range 10 {
			wg.Go(func() {
				for i := range 20 {
					if !m.postFinal(func() { got = append(got, g*100+i) }) {
						t.Error("not taken")
					}
				}
			})
		}
		wg.Wait()
		synctest.Wait()
		if m.running || len(got) != 200 {
			t.Fatalf("running %v, %d commands ran", m.running, len(got))
		}
		for g := range 10 {
			mine := slices.DeleteFunc(slices.Clone(got), func(n int) bool { return n/100 != g })
			if !slices.IsSorted(mine) {
				t.Errorf("out of order: %v", mine)
			}
		}
		ran := false
		m.post(func() { m.close(); m.post(func() { ran = true }) })
		m.post(func() { ran = true })
		synctest.Wait()
		if ran || gone != 1 || m.post(func() {}) || m.postFinal(func() {}) {
			t.Errorf("after close: ran %v, gone %d times", ran, gone)
		}
	})
}

func TestMailboxOverflowAndPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		over, panics, ran := 0, 0, 0
		m := &mailbox{onOverflow: func() { over++ }, onPanic: func(any, []byte) { panics++ }}
		release := make(chan struct{})
		m.post(func() { <-release })
		synctest.Wait()
		taken := 0
		for range mailboxBound + 10 {
			if m.post(func() { ran++; panic("x") }) {
				taken++
			}
		}
		if taken != mailboxBound {
			t.Errorf("%d commands were taken, want %d", taken, mailboxBound)
		}
		if !m.postFinal(func() { ran++ }) {
			t.Error("a final command was refused")
		}
		close(release)
		synctest.Wait()
		if over != 1 || panics != mailboxBound || ran != mailboxBound+1 {
			t.Errorf("overflow %d, panics %d, ran %d", over, panics, ran)
		}
	})
}

// Sounds are looked for in the language, its base, the default, and without.
func TestSoundSearch(t *testing.T) {
	file := &fstest.MapFile{Data: make([]byte, 1600)}
	s := New(Options{Sounds: fstest.MapFS{
		"en/hello.ulaw": file, "de/hello.ulaw": file, "de/nur.alaw": file, "plain.sln": file, "en/digits/1.ulaw": file, "en/beep.ulaw": file,
		"en/broken.wav": {Data: []byte("RIFF")},
	}})
	for _, tt := range []struct {
		uri, lang string
		ok        bool
	}{
		{"sound:hello", "de_AT", true}, {"hello", "fr", true}, {"sound:nur", "en", false}, {"sound:nur", "de", true}, {"sound:plain", "xx", true},
		{"sound:beep", "en", true}, {"digits:11", "en", true}, {"digits:12", "en", true}, {"number:1", "de", true}, {"sound:../x", "en", false},
		{"sound:/etc/passwd", "en", false}, {"sound:hello", "../..", true}, {"sound:broken", "en", false}, {"tone:ring;tonezone=de", "en", true},
		{"tone:440+480/200,0/400", "en", true}, {"tone:rubbish", "en", false}, {"silence:100", "en", true}, {"silence:-1", "en", false},
		{"http://x/y", "en", false}, {"recording:x", "en", false}, {"sound:dialwright/press-1", "en", true}, {"", "en", false}, {"number:x", "en", false},
		{"number:999999999999", "de", true}, {"number:-21", "en_GB", true}, {"number:1000000000000", "en", false}, {"ordinal:31", "en", true},
		{"ordinal:", "en", false}, {"phonetic:a9", "en", true}, {"characters:!$+-./=@_", "en", true}, {"digits:" + strings.Repeat("1", 300), "en", false},
		{"silence/3", "en", true}, {"silence/0", "en", false}, {"beeperr", "en", true}, {"conf-getpin", "fr_CA", true}, {"hello.ulaw", "de", true},
		{"digits//1", "en", true}, {"a/../hello", "en", true},
	} {
		src, err := s.openMedia(tt.uri, tt.lang)
		if (err == nil) != tt.ok {
			t.Errorf("%s in %s: %v, want ok %v", tt.uri, tt.lang, err, tt.ok)
		}
		if c, ok := src.(io.Closer); ok {
			c.Close()
		}
	}
}

// A path is played when a directory is open for it, in the language's folder
// first; nothing leads out of a directory that was opened.
func TestSoundPaths(t *testing.T) {
	dir := t.TempDir()
	for name, size := range map[string]int{"in/a.ulaw": 8000, "in/de/a.ulaw": 16000, "out/b.ulaw": 8000} {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(dir, "out/b.ulaw"), filepath.Join(dir, "in/link.ulaw")); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(filepath.Join(dir, "in"))
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	closed := New(Options{})
	s := New(Options{Files: []FileRoot{{Path: filepath.Join(dir, "in"), Root: root}}})
	wide := New(Options{Files: []FileRoot{{Path: "/", Write: true}}})
	for _, tt := range []struct {
		name, lang           string
		closed, inside, wide bool
	}{
		{"in/a", "en", false, true, true},
		{"in/a.ulaw", "de", false, true, true},
		{"out/b", "en", false, false, true},
		{"in/link", "en", false, false, true},
		{"in/../out/b", "en", false, false, true},
		{"in/none", "en", false, false, false},
	} {
		for sw, want := range map[*Switch]bool{closed: tt.closed, s: tt.inside, wide: tt.wide} {
			src, err := sw.openMedia("sound:"+dir+"/"+tt.name, tt.lang)
			if (err == nil) != want {
				t.Errorf("%s: %v, want ok %v", tt.name, err, want)
			}
			if err == nil {
				if got, want := length(t, src), map[string]time.Duration{"en": time.Second, "de": 2 * time.Second}[tt.lang]; got != want {
					t.Errorf("%s in %s lasts %v", tt.name, tt.lang, got)
				}
				src.(io.Closer).Close()
			}
		}
	}
	if _, err := s.WriteFile(filepath.Join(dir, "in/new"), false); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("written where only reading is allowed: %v", err)
	}
	f, err := wide.WriteFile(filepath.Join(dir, "in/deep/new"), false)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	if !s.FileExists(filepath.Join(dir, "in/deep/new")) || s.FileExists(filepath.Join(dir, "out/b.ulaw")) {
		t.Error("FileExists is wrong")
	}
	if err := errors.Join(wide.RemoveFile(f.Name()), wide.RemoveFile(f.Name())); err != nil {
		t.Error(err)
	}
}

// A built-in tone has an end, and lasts as long as its list says.
func TestBuiltinTonesEnd(t *testing.T) {
	for name, want := range map[string]time.Duration{"beep": 250 * time.Millisecond, "confbridge-join": 230 * time.Millisecond} {
		src, err := finite(builtinTone(name))
		if err != nil {
			t.Fatal(err)
		}
		if got := length(t, src); got != want {
			t.Errorf("%s lasts %v, want %v", name, got, want)
		}
	}
}

func length(t *testing.T, src media.Source) time.Duration {
	t.Helper()
	pcm := make([]int16, src.Rate()/50)
	total := 0
	for range 1000 {
		n, err := src.ReadFrame(pcm)
		total += n
		if err == io.EOF {
			return time.Duration(total) * time.Second / time.Duration(src.Rate())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("no end")
	return 0
}

// The table of spec ami 4.2, observed on Asterisk 22.10, and more.
func TestParseCallerID(t *testing.T) {
	for in, want := range map[string]call.CallerID{
		`"Alice" <1001>`: {Name: "Alice", Number: "1001"}, "Alice B <+49 (30) 12-34.5>": {Name: "Alice B", Number: "+493012345"},
		"(555) 123-4567": {Number: "5551234567"}, "1001": {Number: "1001"}, "Alice": {Name: "Alice"}, "": {}, "<7>": {Number: "7"},
		`"Web Call" <5551234>`: {Name: "Web Call", Number: "5551234"}, "Bob<5>": {Name: "Bob", Number: "5"}, `"Web Call"`: {Name: "Web Call"},
		`"A, B" <(800) 555-1212>`: {Name: "A, B", Number: "8005551212"}, "+49 89 123": {Number: "+4989123"},
		`"X" <+49(89)12-3>`: {Name: "X", Number: "+4989123"}, "sip:101@host": {Name: "sip:101@host"}, "1-800-FLOWERS": {Name: "1-800-FLOWERS"},
		`"N" <abc>`: {Name: "N", Number: "abc"}, "x>y<1": {Name: "x>y<1"}, `"`: {Name: `"`}, "1.2.": {Name: "1.2."},
		strings.Repeat("x", 300): {Name: strings.Repeat("x", 255)},
	} {
		if got := ParseCallerID(in); got != want {
			t.Errorf("%q: %+v, want %+v", in, got, want)
		}
	}
}

// FuzzParseCallerID: nothing that a door passes on breaks it.
func FuzzParseCallerID(f *testing.F) {
	for _, s := range []string{`"A" <1>`, "<", ">", "(555)", `"`, ""} {
		f.Add(s)
	}
	f.Fuzz(func(_ *testing.T, s string) { ParseCallerID(s) })
}

// FuzzOpenMedia: no URI breaks the switch or leaves the sounds directory.
func FuzzOpenMedia(f *testing.F) {
	for _, s := range []string{"sound:a", "tone:1+2/3,!4", "digits:1", "number:9", "characters:a", "silence:1", "x:y", ":", "tone:;tonezone=../de"} {
		f.Add(s, "en")
	}
	s := New(Options{Sounds: fstest.MapFS{"a.ulaw": {Data: []byte{1}}}})
	f.Fuzz(func(_ *testing.T, uri, lang string) {
		if len(uri) > 200 {
			return
		}
		if src, err := s.openMedia(uri, lang); err == nil {
			if c, ok := src.(io.Closer); ok {
				c.Close()
			}
		}
	})
}

func TestSeconds(t *testing.T) {
	for in, want := range map[string]time.Duration{"2.5": 2500 * time.Millisecond, "": 0, "-1": 0, "x": 0, "NaN": 0, "1e99": 0, "3,m": 3 * time.Second} {
		if got := seconds(in); got != want {
			t.Errorf("%q: %v, want %v", in, got, want)
		}
	}
}
