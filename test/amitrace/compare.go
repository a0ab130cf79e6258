package amitrace

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dialwright/dialwright/test/order"
)

// Compare gives every difference between what a session of a trace has and what was got,
// one line each, sorted: answers, events missing and extra, events in another order,
// headers.
func Compare(s *Session, p *Played) []string {
	want, got := s.Received(), p.Packets
	wn, gn := newNormal(want), newNormal(got)
	wantAnswers, wantEvents := Split(want)
	gotAnswers, gotEvents := Split(got)
	out := slices.Clone(p.Faults)
	if s.Excerpt {
		return append(out, compareExcerpt(wn, gn, wantEvents, gotEvents)...)
	}
	asked := s.asked()
	for i, w := range wantAnswers {
		what := fmt.Sprintf("answer %d", i+1)
		if i < len(asked) {
			what = asked[i]
		}
		if i >= len(gotAnswers) {
			out = append(out, what+": no answer")
			continue
		}
		for _, d := range diffLists(wn, gn, w, gotAnswers[i]) {
			out = append(out, what+": "+d)
		}
	}
	for _, g := range gotAnswers[min(len(wantAnswers), len(gotAnswers)):] {
		out = append(out, fmt.Sprintf("an answer that nobody asked for: %v", g[0]))
	}
	out = append(out, compareEvents(wn, gn, wantEvents, gotEvents)...)
	if w, g := beforeAnswer(want), beforeAnswer(got); w == 0 && g > 0 {
		out = append(out, fmt.Sprintf("%d events before the first answer: they wait while an action runs", g))
	}
	slices.Sort(out)
	return out
}

// asked names the actions of a session: "Originate orig-1".
func (s *Session) asked() []string {
	var out []string
	for i := range s.Steps {
		st := &s.Steps[i]
		if st.Kind != Send || st.Raw == "" {
			continue
		}
		if st.Packet == nil { // raw text: as many actions as it ends
			for range strings.Count(st.Raw, "\n\r\n") + strings.Count(st.Raw, "\n\n") {
				out = append(out, fmt.Sprintf("%q", st.Raw))
			}
			if len(out) == 0 || st.Raw == "\n" || st.Raw == "\r\n" {
				out = append(out, fmt.Sprintf("%q", st.Raw))
			}
			continue
		}
		out = append(out, strings.TrimSpace(field(st.Packet, "Action")+" "+field(st.Packet, "ActionID")))
	}
	return out
}

// field gives a header of an action, whatever the case of its name.
func field(p Packet, name string) string {
	for _, h := range p {
		if strings.EqualFold(h.Key, name) {
			return h.Value
		}
	}
	return ""
}

// beforeAnswer counts the packets before the first answer, FullyBooted left out.
func beforeAnswer(packets []Packet) int {
	n := 0
	for _, p := range packets {
		if p[0].Key == "Response" {
			return n
		}
		n++
	}
	return 0
}

// diffLists compares an answer with all that belongs to it. The items of a list are in no
// order in Asterisk: they are put in the order of their text.
func diffLists(wn, gn *normal, want, got []Packet) []string {
	if len(want) > 2 && want[0].Get("EventList") == "start" && len(want) == len(got) {
		want, got = sorted(wn, want), sorted(gn, got)
	}
	if len(want) != len(got) {
		return []string{fmt.Sprintf("%d packets, want %d:\n%s\nwant:\n%s", len(got), len(want), shown(gn, got), shown(wn, want))}
	}
	var out []string
	for i := range want {
		for _, d := range diffPackets(wn, gn, want[i], got[i]) {
			if len(want) > 1 {
				d = wn.token(want[i]) + ": " + d
			}
			out = append(out, d)
		}
	}
	return out
}

// sorted sorts the items of a list, which stand between its first and its last packet.
func sorted(n *normal, list []Packet) []Packet {
	list = slices.Clone(list)
	slices.SortStableFunc(list[1:len(list)-1], func(a, b Packet) int {
		return strings.Compare(shown(n, []Packet{a}), shown(n, []Packet{b}))
	})
	return list
}

func shown(n *normal, list []Packet) string {
	var b strings.Builder
	for _, p := range list {
		for _, h := range p {
			fmt.Fprintf(&b, "%s: %s\n", h.Key, n.value(p, h))
		}
		b.WriteString("\n")
	}
	return b.String()
}

// diffPackets compares the headers of two packets, in their order.
func diffPackets(wn, gn *normal, want, got Packet) []string {
	w, g := keys(want), keys(got)
	if slices.Equal(w, g) {
		var out []string
		for i := range want {
			if a, b := wn.value(want, want[i]), gn.value(got, got[i]); a != b {
				out = append(out, fmt.Sprintf("%s = %q, want %q", w[i], b, a))
			}
		}
		return out
	}
	var out []string
	wi, gi := order.Pairs(w, g)
	for i, k := range w {
		if !slices.Contains(wi, i) {
			out = append(out, fmt.Sprintf("%s is missing, want %q", k, wn.value(want, want[i])))
		}
	}
	for i, k := range g {
		if !slices.Contains(gi, i) {
			out = append(out, fmt.Sprintf("%s = %q is extra", k, gn.value(got, got[i])))
		}
	}
	for k := range wi {
		if a, b := wn.value(want, want[wi[k]]), gn.value(got, got[gi[k]]); a != b {
			out = append(out, fmt.Sprintf("%s = %q, want %q", w[wi[k]], b, a))
		}
	}
	for k, ok := range order.Rising(gi) {
		if !ok {
			out = append(out, "header "+w[wi[k]]+" stands elsewhere")
		}
	}
	return out
}

func keys(p Packet) []string {
	out := make([]string, len(p))
	for i, h := range p {
		out[i] = h.Key
	}
	return out
}

func compareEvents(wn, gn *normal, want, got []Packet) []string {
	want, got = changes(want), changes(got)
	w, g := tokens(wn, want), tokens(gn, got)
	var out []string
	wi, gi := order.Pairs(w, g)
	for i := range w {
		if !slices.Contains(wi, i) {
			out = append(out, "missing "+w[i])
		}
	}
	for i := range g {
		if !slices.Contains(gi, i) {
			out = append(out, "extra "+g[i])
		}
	}
	keep := order.Rising(gi)
	own := order.RisingBySubject(wi, gi, func(i int) []string { return wn.subjects(want[i]) })
	for k := range wi {
		switch {
		case !own[k]:
			out = append(out, "order: "+w[wi[k]]+order.After(w, wi, keep, k))
		case !keep[k]:
			out = append(out, "order among channels: "+w[wi[k]]+order.After(w, wi, keep, k))
		}
		for _, d := range diffPackets(wn, gn, want[wi[k]], got[gi[k]]) {
			out = append(out, w[wi[k]]+": "+d)
		}
	}
	return out
}

// compareExcerpt compares the events that a capture shows; others may have come.
func compareExcerpt(wn, gn *normal, want, got []Packet) []string {
	return slices.DeleteFunc(compareEvents(wn, gn, want, got), func(d string) bool { return strings.HasPrefix(d, "extra ") })
}

// changes leaves out the events that set BRIDGEPEER or BRIDGEPVTCALLID to what it was: Asterisk
// sets them whenever a bridge looks at its members, ours when one came or went.
func changes(events []Packet) []Packet {
	last := map[string]string{}
	var out []Packet
	for _, e := range events {
		if name := e.Get("Variable"); e.Get("Event") == "VarSet" && (name == "BRIDGEPEER" || name == "BRIDGEPVTCALLID") {
			key := name + e.Get("Channel")
			if before, ok := last[key]; ok && before == e.Get("Value") {
				continue
			}
			last[key] = e.Get("Value")
		}
		out = append(out, e)
	}
	return out
}

func tokens(n *normal, events []Packet) []string {
	out := make([]string, len(events))
	for i, e := range events {
		out[i] = n.token(e)
	}
	return out
}
