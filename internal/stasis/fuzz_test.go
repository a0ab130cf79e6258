package stasis

import (
	"slices"
	"strings"
	"testing"

	"github.com/dialwright/dialwright/internal/pbx"
)

func FuzzSource(f *testing.F) {
	for _, s := range []string{"channel:", "channel:1795320179.0", "bridge:a:b", "endpoint:PJSIP/callee", "endpoint:pjsip", "endpoint:/", "deviceState:Stasis:foo", "bogus:x", "channel", ":", "endpoint:ſ/ı"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, ok := parseSource(text)
		scheme, name, _ := strings.Cut(text, ":")
		if !ok {
			if strings.Contains(text, ":") && slices.Contains(schemes[:], scheme) {
				t.Errorf("%q is a source", text)
			}
			return
		}
		if schemes[s.kind]+":"+s.name != text || s.name != name {
			t.Errorf("%q read as %+v", text, s)
		}
		if s.kind == endpoints && s.written != name && s.written+"/"+s.id != name {
			t.Errorf("%q: endpoint %q %q", text, s.written, s.id)
		}
	})
}

func FuzzCursor(f *testing.F) {
	for _, s := range []string{"", "-", "ABC-1", "ABC-01", "ABC--1", "ABC-18446744073709551616", "ABC-5", "ABC-11"} {
		f.Add(s)
	}
	h := &Hub{boot: "ABC", seq: 10}
	f.Fuzz(func(t *testing.T, text string) {
		seq, why := h.place(text)
		if good := why == ""; good != (seq <= 10 && h.cursor(seq) == text) {
			t.Errorf("%q: place %d, %q", text, seq, why)
		}
	})
}

// The ring gives what it has from any place on, whole and in order.
func TestJournal(t *testing.T) {
	for _, n := range []int{0, 1, 4, 5, 6, 9, 10, 11, 23} {
		j := &journal{since: 100, max: 5}
		for i := range n {
			j.add(uint64(101+2*i), &pbx.Event{Seq: uint64(101 + 2*i)})
		}
		if want := uint64(100); n > 5 {
			want = uint64(101 + 2*(n-6)) // the last one that is gone
			if j.since != want {
				t.Errorf("%d: since %d, want %d", n, j.since, want)
			}
		} else if j.since != want {
			t.Errorf("%d: since %d, want %d", n, j.since, want)
		}
		for seq := j.since; seq <= uint64(102+2*n); seq++ {
			var want []uint64
			for i := max(n-5, 0); i < n; i++ {
				if s := uint64(101 + 2*i); s > seq {
					want = append(want, s)
				}
			}
			var got []uint64
			for _, i := range j.appendAfter(nil, "a", seq) {
				if i.Seq != i.Event.Seq || i.App != "a" {
					t.Errorf("item %+v", i)
				}
				got = append(got, i.Seq)
			}
			if !slices.Equal(want, got) {
				t.Errorf("%d events, after %d: %v, want %v", n, seq, got, want)
			}
		}
	}
}

// Technologies are written in capitals once; odd ones do not fill the memory.
func TestTech(t *testing.T) {
	ts := newTopics()
	for i := range 1000 {
		if got := ts.tech("x" + strings.Repeat("y", i)); got != "X"+strings.Repeat("Y", i) {
			t.Fatal(got)
		}
	}
	if len(ts.techs) > 64 {
		t.Errorf("%d remembered", len(ts.techs))
	}
}
