package ami

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dialwright/dialwright/internal/pbx"
	wire "github.com/dialwright/dialwright/internal/wire/ami"
)

// newTestJournal translates UserEvents: the name is the text, and its first letter is the
// class.
func newTestJournal(c *Config) *journal {
	return newJournal(func(e *pbx.Event) []happened {
		class := wire.UserClass
		if strings.HasPrefix(e.Value, "c") {
			class = wire.Call
		}
		return []happened{{class, wire.Event(e.Value, "")}}
	}, func() *Config { return c })
}

func (j *journal) tell(names ...string) {
	for _, n := range names {
		j.observe(&pbx.Event{Value: n})
	}
	j.write()
}

func heard(t *testing.T, r *reader) string {
	t.Helper()
	var out []string
	for {
		records, err := r.take(nil, 1<<20)
		if err != nil {
			return strings.Join(append(out, err.Error()), " ")
		}
		if len(records) == 0 && r.idle() {
			return strings.Join(out, " ")
		}
		for _, rec := range records {
			if string(rec.text) != "Event: "+rec.name+"\r\n\r\n" {
				t.Errorf("%q of %s", rec.text, rec.name)
			}
			out = append(out, rec.name)
		}
	}
}

func TestJournal(t *testing.T) {
	j := newTestJournal(&Config{EventQueue: 4})
	j.tell("u0") // nobody listens
	behind := 0
	all := j.read(wire.All, func() { behind++ })
	calls := j.read(wire.Call, func() { behind += 10 })
	none := j.read(0, func() { behind += 100 })
	web := j.read(wire.All, nil)
	j.tell("u1", "c2")
	if len(all.bell) != 1 || len(calls.bell) != 1 || len(none.bell) != 0 {
		t.Error("bells")
	}
	if got := heard(t, all) + "|" + heard(t, calls) + "|" + heard(t, none); got != "u1 c2|c2|" {
		t.Error(got)
	}
	<-calls.bell
	j.tell("u3", "u4", "u5", "u6")
	if len(calls.bell) != 0 || behind != 0 {
		t.Error("one is woken for what it does not read")
	}
	j.tell("u7") // pushes out u3, which all has not taken
	if behind != 1 {
		t.Errorf("behind %d", behind)
	}
	if got := heard(t, all) + "|" + heard(t, calls); got != errBehind.Error()+"|" {
		t.Error(got)
	}
	if got := heard(t, web); got != errBehind.Error() {
		t.Error(got)
	}
	if missed := web.skip(); missed != 3 {
		t.Errorf("%d missed", missed)
	}
	if got := heard(t, web); got != "u4 u5 u6 u7" {
		t.Error(got)
	}
	none.hear(wire.UserClass)
	j.tell("c8", "u9")
	if got := heard(t, none) + "|" + heard(t, calls); got != "u9|c8" {
		t.Error(got)
	}
	for _, r := range []*reader{all, calls, none, web} {
		r.close()
		r.close()
		r.hear(wire.All)
	}
	if j.wanted.Load() != 0 || j.count() != 0 {
		t.Error("readers are left")
	}
}

// Many events and long ones go through blocks of memory, in order and whole.
func TestJournalBlocks(t *testing.T) {
	j := newTestJournal(&Config{EventQueue: 1 << 20, EventQueueSize: 1 << 30})
	r := j.read(wire.All, nil)
	var want []string
	for i := range 20_000 {
		n := fmt.Sprint("u", i)
		if i%1000 == 0 {
			n += strings.Repeat("x", 100*i)
		}
		want = append(want, n)
	}
	j.tell(want...)
	if got := heard(t, r); got != strings.Join(want, " ") {
		t.Error("other events")
	}
	if len(j.ring) != 32768 {
		t.Errorf("a ring of %d", len(j.ring))
	}
}

// When the journal itself cannot follow the switch, everybody who reads is told.
func TestJournalSpills(t *testing.T) {
	j := newTestJournal(&Config{})
	behind := 0
	r, none := j.read(wire.Call, func() { behind++ }), j.read(0, func() { behind += 10 })
	for range maxPending + 1 {
		j.observe(&pbx.Event{Value: "u"})
	}
	j.write()
	if got := heard(t, r); got != errBehind.Error() || behind != 1 || heard(t, none) != "" {
		t.Errorf("%s, behind %d", got, behind)
	}
	next := j.read(wire.Call, nil)
	j.tell("c")
	if got := heard(t, next); got != "c" {
		t.Error(got)
	}
}

func TestJoin(t *testing.T) {
	l := newLab(t, nil)
	j := newTestJournal(&Config{})
	r := j.read(wire.All, nil)
	j.tell("ua", "ub", "uc", "ud")
	records, err := r.take(nil, 1<<20)
	if err != nil || len(records) != 4 {
		t.Fatal(records, err)
	}
	s := &session{client: client{s: l.server}}
	s.user.Store(&User{Read: wire.All, Filters: []wire.Filter{mustFilter(t, "action(exclude),name(uc)", "")}})
	pieces, n := s.join(records)
	if n != 3 || len(pieces) != 2 || string(pieces[0]) != "Event: ua\r\n\r\nEvent: ub\r\n\r\n" || string(pieces[1]) != "Event: ud\r\n\r\n" {
		t.Errorf("%d: %q", n, pieces)
	}
}

// BenchmarkJournal is what 200 sessions that read everything cost beside the network.
func BenchmarkJournal(b *testing.B) {
	j := newTestJournal(&Config{EventQueue: 1 << 20, EventQueueSize: 1 << 30})
	readers := make([]*reader, 200)
	for i := range readers {
		readers[i] = j.read(wire.All, nil)
	}
	name := "u" + strings.Repeat("x", 500)
	var scratch []record
	for b.Loop() {
		for range 100 {
			j.observe(&pbx.Event{Value: name})
		}
		j.write()
		for _, r := range readers {
			for {
				records, _ := r.take(scratch[:0], batchBytes)
				if len(records) == 0 {
					break
				}
				scratch = records
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100/200, "ns/event-and-session")
}
