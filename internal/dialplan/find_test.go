package dialplan_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/dialplan"
)

// TestFind looks numbers up. In plan, "P: TEXT" stands for "exten => P,1,TEXT";
// everything else is as in a file. want is the TEXT, "" for nothing.
func TestFind(t *testing.T) {
	for _, tt := range []struct {
		name, plan string
		want       map[string]string // number, or number/caller
	}{
		{"the most specific position wins (DP-067)", "_X.: X.\n_XXXX: XXXX\n_NXXX: NXXX\n_ZXXX: ZXXX\n_1XXX: 1XXX\n_[12]XXX: [12]XXX\n_12XX: 12XX\n1234: 1234\n_123X: 123X\n_123[4-5]: 123[4-5]", map[string]string{
			"1234": "1234", "1235": "123[4-5]", "1236": "123X", "1299": "12XX", "1999": "1XXX", "2999": "[12]XXX", "3999": "NXXX", "0999": "XXXX", "12345": "X.",
		}},
		{"the smaller set wins (DP-068)", "_[13]00: [13]\n_[1-8]00: [1-8]\n_N00: N\n_X00: X\n_200: 200", map[string]string{
			"100": "[13]", "200": "200", "300": "[13]", "400": "[1-8]", "900": "N", "000": "X",
		}},
		{"dot before bang (DP-069)", "_9!: 9!\n_9.: 9.\n_8!: 8!\n_7.: 7.", map[string]string{
			"9": "9!", "91": "9.", "8": "8!", "81": "8!", "7": "", "71": "7.",
		}},
		{"earlier positions weigh more (DP-070)", "_1X3: 1X3\n_12X: 12X\n_X23: X23", map[string]string{"123": "12X", "113": "1X3", "223": "X23"}},
		{"longer literal prefix (DP-071)", "_1.: 1.\n_12.: 12.\n_1234.: 1234.\n123: 123", map[string]string{
			"123": "123", "1234": "12.", "12345": "1234.", "12": "1.", "13": "1.",
		}},
		{"dashes mean nothing (DP-072)", "_1-800-XXX: a\n18-00: b\n_[a-c]-X: c", map[string]string{
			"1800555": "a", "1-800-555": "a", "1800": "b", "a1": "c", "a-1": "c",
		}},
		{"x, n, z are wildcards, others are literal (DP-073)", "_sip: sip\n_bobby: bobby\nalice: alice\n_[n]o: [n]o\n_nxz: nxz", map[string]string{
			"sip": "sip", "bobby": "bobby", "alice": "alice", "Alice": "", "209": "nxz", "no": "[n]o", "nxz": "",
		}},
		{"star, hash, plus (DP-074)", "*72: *72\n_*9X: *9X\n#: #\n_#X.: #X.\n_+1NXX.: +1NXX.\n_+X!: +X!", map[string]string{
			"*72": "*72", "*95": "*9X", "#": "#", "#12": "#X.", "+12125": "+1NXX.", "+1": "+X!",
		}},
		{"sets of equal size", "_[ab]: ab\n_[ac]: ac\n_[bc]: bc\n_[13]: 13\n_[24]: 24", map[string]string{
			"a": "ab", "b": "ab", "c": "ac", "1": "13", "4": "24",
		}},
		{"sets", "_1[]2: empty\n_2[^1]: caret\n_3[a-c1-37]: ranges\n_4[9-1]5: backwards\n_5[--.]: dash\n_6[x]: x", map[string]string{
			"12": "empty", "21": "caret", "2^": "caret", "22": "", "3b": "ranges", "32": "ranges", "37": "ranges", "34": "", "45": "backwards", "5.": "dash", "6x": "x", "61": "",
		}},
		{"patterns that never match", "_1[2: open\n_3[4-]: dash\n_[: bare", map[string]string{"12": "", "1[2": "", "34": "", "[": ""}},
		{"what follows a dot counts for nothing but the order", "_1.5: a\n_2!: b\n_2!9: c", map[string]string{"12": "a", "2": "c"}},
		{"a pattern finds itself", "_1XX: a\n_x.: b", map[string]string{"_1XX": "a", "_1xx": "a", "_X.": "b", "_2XX": ""}},
		{"caller ID (DP-075)", "100: any\n100/5551: exact\n_1XX: pattern\n_1XX/_555X: by pattern\n200/: anonymous\n300/5-5: dash\n_1[0]0/5552: late", map[string]string{
			"100/5551": "exact", "100/555-1": "exact", "100/1": "any", "100": "any", "101/5551": "by pattern", "101/1": "pattern", "200": "anonymous", "200/1": "", "300/55": "dash",
		}},
		{"own patterns before includes (DP-076)", "include => in\n_X: own\n[in]\n5: included", map[string]string{"5": "own"}},
		{"includes in order, depth first (DP-077)", "include => a\ninclude => b\n[a]\ninclude => c\n[b]\n5: b\n6: b\n_7X: b\n[c]\n5: c\n_7.: c", map[string]string{"5": "c", "6": "b", "71": "c"}},
		{"loops and missing includes (DP-080)", "include => a\ninclude => nowhere\n[a]\ninclude => t\ninclude => a\n5: a", map[string]string{"5": "a", "99": ""}},
		{"included twice", "include => a\ninclude => b\n[a]\ninclude => c\n[b]\ninclude => c\n5: b\n[c]\n6: c", map[string]string{"5": "b", "6": "c"}},
		{"nothing", "", map[string]string{"": "", "s": ""}},
		{"bang takes nothing", "_!: bang", map[string]string{"": "bang", "s": "bang"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := load(t, "[t]\n"+shorthand(tt.plan))
			got := map[string]string{}
			for number := range tt.want {
				exten, caller, _ := strings.Cut(number, "/")
				got[number] = ""
				if s := p.Find("t", exten, 1, dialplan.Caller{Number: caller}); s != nil {
					got[number] = s.App
				}
				if p.Exists("t", exten, dialplan.Caller{Number: caller}) != (got[number] != "") {
					t.Errorf("Exists(%q) does not agree with Find", number)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// shorthand writes "P: TEXT" as "exten => P,1,TEXT".
func shorthand(plan string) string {
	var b strings.Builder
	for line := range strings.Lines(plan) {
		exten, app, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		if ok {
			fmt.Fprintf(&b, "exten => %s,1,%s\n", exten, app)
		} else {
			b.WriteString(exten + "\n")
		}
	}
	return b.String()
}

// TestFindPriorities: each priority is looked up anew (DP-078), labels and hints too.
func TestFindPriorities(t *testing.T) {
	p := load(t, `[t]
include => a
exten => _X,1,Pattern1
exten => 5,2(exact),Exact2
exten => _X,2(pattern),Pattern2
exten => _X,4(here),Pattern4
exten => 5,hint,PJSIP/5,Five
[a]
exten => 5,3(included),Include3
exten => _X,hint,PJSIP/${EXTEN}
`)
	for priority, want := range map[int]string{1: "Pattern1 t _X", 2: "Exact2 t 5", 3: "Include3 a 5", 4: "Pattern4 t _X"} {
		s := p.Find("t", "5", priority, dialplan.Caller{})
		if s == nil || s.App+" "+s.Context+" "+s.Exten != want || s.Priority != priority {
			t.Errorf("priority %d: %+v", priority, s)
		}
	}
	for _, priority := range []int{0, -1, 5} {
		if s := p.Find("t", "5", priority, dialplan.Caller{}); s != nil {
			t.Errorf("priority %d: %+v", priority, s)
		}
	}
	for label, want := range map[string]int{"exact": 2, "pattern": 2, "included": 3, "here": 4, "HERE": 0, "": 0} {
		if got := p.Label("t", "5", label, dialplan.Caller{}); got != want {
			t.Errorf("label %q: %d", label, got)
		}
	}
	for exten, want := range map[string]string{"5": "PJSIP/5 Five true", "6": "PJSIP/${EXTEN}  true", "66": "  false"} {
		devices, name, ok := p.Hint("t", exten, dialplan.Caller{})
		if got := fmt.Sprint(devices, " ", name, " ", ok); got != want {
			t.Errorf("hint of %s: %s", exten, got)
		}
	}
}

func TestFindTimedInclude(t *testing.T) {
	p := load(t, "[t]\ninclude => day,9:00-17:00,mon-fri\ninclude => night|17:01-8:59|*|*|*\n[day]\nexten => 1,1,Day\n[night]\nexten => 1,1,Night\nexten => 2,1,Night\n")
	for at, want := range map[string]string{"2026-12-25 12:30": "Day", "2026-12-25 08:59": "Night", "2026-12-26 12:30": ""} {
		when, err := time.Parse("2006-01-02 15:04", at)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if s := p.Find("t", "1", 1, dialplan.Caller{At: when}); s != nil {
			got = s.App
		}
		if got != want {
			t.Errorf("%s: %q, want %q", at, got, want)
		}
		if more := p.MatchMore("t", "", dialplan.Caller{At: when}); more != (want != "") {
			t.Errorf("%s: MatchMore = %v", at, more)
		}
	}
}

// TestMatchMore follows Asterisk: main/pbx.c ast_matchmore_extension, vectors DP-084 to DP-088.
func TestMatchMore(t *testing.T) {
	for _, tt := range []struct {
		name, plan string
		want       map[string]bool
	}{
		{"plain", "5: a\n512: b\nAbc: c", map[string]bool{"": true, "5": true, "51": true, "512": false, "6": false, "a": true, "ABC": false, "abcd": false}},
		{"pattern", "_5XX: a\n5: b", map[string]bool{"5": true, "51": true, "512": false, "52a": false, "6": false}},
		{"a dot always waits", "_9.: a", map[string]bool{"9": true, "91": true, "912345": true, "8": false}},
		{"a bang never does", "_9!: a\n_9XXXX: b", map[string]bool{"": true, "9": true, "91": true}},
		{"a bang is final once it is reached", "_9!: a\n_[89]!: b\n_X.: c", map[string]bool{"9": false, "8": false, "7": true}},
		{"a bang alone ends it all", "_!: a\ninclude => in\n[in]\n123: b", map[string]bool{"": false, "1": false}},
		{"but not for other includes", "include => bang\ninclude => in\n[bang]\n_!: a\n[in]\n123: b", map[string]bool{"": true, "1": true, "123": false}},
		{"plain ones come before the bang", "_1!: a\n123: b", map[string]bool{"1": true, "12": true, "123": false}},
		{"only priority 1 counts", "exten => 51,2,x\n_6X: a", map[string]bool{"5": false, "6": true}},
		{"caller ID", "51/9: a\n_6X/9: b", map[string]bool{"5": false, "5/9": true, "6": false, "6/9": true}},
		{"dashes", "5-1-2: a", map[string]bool{"5-": true, "51": true, "5-12": false}},
		{"include", "include => in\n[in]\n_5XX: a", map[string]bool{"5": true, "512": false}},
		{"unknown context", "include => x", map[string]bool{"": false, "1": false}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := load(t, "[t]\n"+shorthand(tt.plan))
			got := map[string]bool{}
			for number := range tt.want {
				exten, caller, _ := strings.Cut(number, "/")
				got[number] = p.MatchMore("t", exten, dialplan.Caller{Number: caller})
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestManyIncludes: includes that fork at every level, and a chain that is too long.
func TestManyIncludes(t *testing.T) {
	var fork, chain strings.Builder
	for i := range 200 {
		fmt.Fprintf(&fork, "[f%d]\ninclude => f%d\ninclude => f%d\ninclude => f%d\n", i, i+1, i+2, i)
		fmt.Fprintf(&chain, "[c%d]\ninclude => c%d\nexten => %d,1,App\n", i, i+1, i)
	}
	p := load(t, fork.String()+chain.String())
	if p.Exists("f0", "1", dialplan.Caller{}) {
		t.Error("found what is not there")
	}
	if !p.Exists("c0", "127", dialplan.Caller{}) || p.Exists("c0", "128", dialplan.Caller{}) {
		t.Error("includes are to be followed 128 levels deep")
	}
}

func ExamplePlan_Find() {
	p, _, err := dialplan.Load(fstest.MapFS{"extensions.conf": {Data: []byte(`
[internal]
include => closed,18:00-08:00
exten => _1XX,1,Dial(PJSIP/${EXTEN},20)
 same => n(gone),Hangup()
exten => 111,1,Playback(secret)
[closed]
exten => 9,1,Playback(closed)
`)}}, "extensions.conf", dialplan.LoadOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	by := dialplan.Caller{Number: "100", At: time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)}
	s := p.Find("internal", "111", 1, by)
	fmt.Println(s.At, s.Exten, s.App)
	s = p.Find("internal", "111", p.Label("internal", "111", "gone", by), by)
	fmt.Println(s.At, s.Exten, s.App)
	fmt.Println(p.Exists("internal", "9", by), p.MatchMore("internal", "1", by))
	// Output:
	// extensions.conf:6 111 Playback
	// extensions.conf:5 _1XX Hangup
	// false true
}

func BenchmarkFind(b *testing.B) {
	var plan strings.Builder
	plan.WriteString("[t]\n")
	for i := range 10_000 {
		fmt.Fprintf(&plan, "exten => %d,1,NoOp\nexten => _%dX.,1,NoOp\n", 10_000+i, 50_000+i)
	}
	p := load(b, plan.String())
	for name, number := range map[string]string{"plain": "15000", "pattern": "5999999"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if !p.Exists("t", number, dialplan.Caller{}) {
					b.Fatal("not found")
				}
			}
		})
	}
	b.Run("more", func(b *testing.B) {
		for b.Loop() {
			if !p.MatchMore("t", "1234", dialplan.Caller{}) {
				b.Fatal("no more")
			}
		}
	})
}
