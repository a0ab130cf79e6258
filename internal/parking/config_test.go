package parking

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/wire/conf"
)

const sample = `[general]
parkeddynamic = yes
[default]
parkext => 700
parkpos => 701-703
parkingtime => 3
courtesytone = beep
parkedplay = both
parkedcalltransfers = caller
parkedcallhangup = callee
parkedcallrecording = no
[tpl](!)
context => twoctx
[two](tpl)
parkext => 800
parkext_exclusive = yes
parkpos => 801-802
findslot => next
comebacktoorigin = no
comebackdialtime = 90
comebackcontext = back
parkedmusicclass = soft
[wrong]
parkpos = 5-4
parkpos = a
parkpos = 1-99999
findslot = any
parkingtime = soon
context =
parkedplay = callee
parkinghints = yes
colour = red
[default]
parkext => 1
`

func TestLoad(t *testing.T) {
	c, problems, err := Load(fstest.MapFS{FileName: {Data: []byte(sample)}})
	if err != nil {
		t.Fatal(err)
	}
	first := NewLot("default")
	first.Exten, first.Last, first.Time, first.CourtesyTone = "700", 703, 3*time.Second, "beep"
	first.Plays, first.Transfers, first.Hangups = Side{true, true}, Side{Caller: true}, Side{Parked: true}
	want := map[string]Lot{
		"default": first,
		"two": {
			Name: "two", Exten: "800", Exclusive: true, First: 801, Last: 802, Context: "twoctx", FindNext: true, Time: 45 * time.Second,
			DialTime: 90 * time.Second, Comeback: "back", MusicClass: "soft", Plays: Side{Caller: true},
		},
		"wrong": NewLot("wrong"),
	}
	if d := cmp.Diff(want, c.Lots); d != "" {
		t.Errorf("lots (-want +got):\n%s", d)
	}
	var lines []int
	for _, p := range problems {
		lines = append(lines, p.Line)
	}
	if d := cmp.Diff([]int{2, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33}, lines); d != "" {
		t.Errorf("problems (-want +got):\n%s\n%v", d, problems)
	}
}

func TestLoadNothing(t *testing.T) {
	for name, files := range map[string]fstest.MapFS{"no file": {}, "empty": {FileName: {}}} {
		c, problems, err := Load(files)
		if err != nil || len(problems) > 0 {
			t.Errorf("%s: %v, %v", name, problems, err)
		}
		if d := cmp.Diff(map[string]Lot{"default": DefaultLot()}, c.Lots); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	told := ""
	c := LoadDir("testdata/broken", func(string, ...any) { told = "told" })
	if told == "" || len(c.Lots) != 1 {
		t.Errorf("a broken file gives %v, %q", c.Names(), told)
	}
}

func TestExtensions(t *testing.T) {
	c := NewConfig()
	set := func(name string, change func(*Lot)) {
		l := NewLot(name)
		change(&l)
		c.Lots[name] = l
		c.At[name] = conf.Origin{File: FileName, Line: len(c.Lots)}
	}
	set("default", func(l *Lot) { l.Exten, l.Last = "700", 702 })
	set("a", func(l *Lot) { l.Exten, l.First, l.Last = "700", 702, 703 }) // 700 serves both; 702 is default's
	set("b", func(l *Lot) { l.Exten, l.Exclusive, l.Context, l.First, l.Last = "x", true, "bb", 1, 1 })
	set("c", func(*Lot) {})
	list, problems := c.Extensions()
	var got []string
	for _, x := range list {
		got = append(got, x.Context+"/"+x.Exten+" "+x.App+"("+x.Args+")")
	}
	want := []string{
		"parkedcalls/700 Park()", "parkedcalls/701 ParkedCall(default,701)", "parkedcalls/702 ParkedCall(default,702)",
		"parkedcalls/703 ParkedCall(a,703)", "bb/x Park(b)", "bb/1 ParkedCall(b,1)", "park-dial/_[A-Z]. Dial(${PARKER},${COMEBACKDIALTIME})",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("extensions (-want +got):\n%s", d)
	}
	if len(problems) != 1 || !strings.Contains(problems[0].Text, "702") || problems[0].Line != 2 {
		t.Errorf("problems: %v", problems)
	}
}

func TestFreeSpace(t *testing.T) {
	for _, test := range []struct {
		name       string
		want, last int
		next       bool
		taken      []int
		space      int
	}{
		{"first", 0, 0, false, nil, 1},
		{"first that is free", 0, 3, false, []int{1, 2}, 3},
		{"next", 0, 2, true, nil, 3},
		{"next, from the beginning", 0, 4, true, []int{1}, 2},
		{"next, none yet", 0, 0, true, nil, 1},
		{"wanted", 3, 1, true, nil, 3},
		{"wanted, taken", 3, 0, false, []int{3}, 4},
		{"wanted, taken to the end", 3, 0, false, []int{3, 4}, 1},
		{"wanted, not there", 9, 0, false, nil, 1},
		{"full", 2, 0, false, []int{1, 2, 3, 4}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := Lot{First: 1, Last: 4, FindNext: test.next}
			taken := map[int]bool{}
			for _, n := range test.taken {
				taken[n] = true
			}
			if got := freeSpace(&l, test.want, test.last, func(n int) bool { return taken[n] }); got != test.space {
				t.Errorf("space %d, want %d", got, test.space)
			}
		})
	}
}
