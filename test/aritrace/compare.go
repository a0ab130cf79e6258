package aritrace

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/dialwright/dialwright/test/order"
)

// Token says what an event is and whom it is about, without its fields: what is put in
// order.
func Token(e map[string]any) string {
	var b strings.Builder
	fmt.Fprint(&b, e["type"])
	for _, k := range []string{"channel", "peer", "bridge", "playback", "recording", "device_state", "endpoint"} {
		o, ok := e[k].(map[string]any)
		if !ok {
			continue
		}
		if k == "bridge" && e["channel"] != nil {
			continue
		}
		for _, id := range []string{"id", "name", "resource"} {
			if v, ok := o[id].(string); ok {
				fmt.Fprintf(&b, " %s", clean(id, v))
				break
			}
		}
		if k == "device_state" || k == "playback" {
			fmt.Fprintf(&b, " %v", o["state"])
		}
	}
	for _, k := range []string{"variable", "dialstatus", "digit", "eventname", "request_id", "status_code", "dialplan_app", "destination"} {
		if v, ok := e[k]; ok {
			fmt.Fprintf(&b, " %v", v)
		}
	}
	return b.String()
}

var (
	channelName = regexp.MustCompile(`\b(PJSIP|Local|Snoop|UnicastRTP|WebSocket|AudioSocket)/(\S+?)-(0x)?[0-9a-f]{8,12}\b`)
	generated   = regexp.MustCompile(`\b\d{10}\.\d+\b`)
	uuid        = regexp.MustCompile(`\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b`)
	announcer   = regexp.MustCompile(`\b(Announcer|Recorder)/ARI(?:_MOH)?-[0-9a-f]{8}\b`)
	port        = regexp.MustCompile(`127\.0\.0\.1:\d+`)
)

// counted are the statistics of a channel, and ports.
var counted = map[string]bool{
	"txcount": true, "rxcount": true, "txjitter": true, "rxjitter": true, "txploss": true, "rxploss": true,
	"txoctetcount": true, "rxoctetcount": true, "UNICASTRTP_LOCAL_PORT": true,
	"rtt": true, "maxrtt": true, "minrtt": true, "normdevrtt": true, "stdevrtt": true, "txmes": true, "rxmes": true,
}

// clean takes out of a text what is different each time.
func clean(key, s string) string {
	switch key {
	case "timestamp", "creationtime", "asterisk_id", "startup_time", "last_reload_time":
		return "…"
	case "protocol_id", "entity_id", "ssrc":
		if s != "" {
			return "…"
		}
	}
	s = channelName.ReplaceAllString(s, "$1/$2-#")
	s = announcer.ReplaceAllString(s, "$1/ARI-#")
	s = generated.ReplaceAllString(s, "generated")
	s = uuid.ReplaceAllString(s, "uuid")
	return port.ReplaceAllString(s, "127.0.0.1:port")
}

// normal gives a copy of a JSON value without what is different each time. The values
// of the statistics variables are numbers of packets and times.
func normal(key string, v any) any {
	switch v := v.(type) {
	case string:
		if key == "message_body" {
			var inner any
			if json.Unmarshal([]byte(v), &inner) == nil {
				return normal("", inner)
			}
		}
		return clean(key, v)
	case map[string]any:
		out := make(map[string]any, len(v))
		name, _ := v["variable"].(string)
		for k, x := range v {
			out[k] = normal(k, x)
			if counted[k] || strings.HasPrefix(k, "remote_") || strings.HasPrefix(k, "local_") {
				out[k] = "a number"
			}
			if k == "duration" && v["type"] == "ChannelTalkingFinished" {
				out[k] = "about two seconds"
				if ms, _ := x.(float64); ms < 1500 || ms > 2500 {
					out[k] = x
				}
			}
			if k == "value" && (strings.HasPrefix(name, "RTPAUDIOQOS") || name == "BRIDGEPVTCALLID" && x != "") {
				out[k] = "…"
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = normal(key, x)
		}
		slices.SortStableFunc(out, func(a, b any) int { return strings.Compare(identity(a), identity(b)) }) // Asterisk's lists are in no order
		return out
	}
	return v
}

// identity is what an object is known by, "" for what is no object.
func identity(v any) string {
	o, _ := v.(map[string]any)
	for _, k := range []string{"id", "name", "resource"} {
		if s, ok := o[k].(string); ok {
			return s
		}
	}
	return ""
}

// Compare gives every difference between what a trace has and what was got, one line each,
// sorted: events missing and extra, events in another order, fields, answers.
func Compare(t *Trace, p *Played) []string {
	out := compareEvents("", t.Events(), p.Events)
	if t.Second != nil {
		out = append(out, compareEvents("second application: ", t.Second.Events(), p.Second)...)
	}
	i := 0
	for _, s := range t.Steps {
		if s.Dir != "request" || i >= len(p.Responses) {
			continue
		}
		what := s.Request.Method + " " + clean("path", s.Request.Path)
		if s.Request.Query != nil {
			b, _ := json.Marshal(s.Request.Query) // it came from JSON
			what += " " + string(b)
		}
		if got := p.Responses[i]; got.Status != s.Response.Status {
			out = append(out, fmt.Sprintf("%s: status %d, want %d (%v)", what, got.Status, s.Response.Status, got.Body))
		} else {
			for _, d := range diff("body", normal("", s.Response.Body), normal("", got.Body)) {
				out = append(out, what+": "+d)
			}
		}
		i++
	}
	slices.Sort(out)
	return out
}

func compareEvents(prefix string, want, got []map[string]any) []string {
	w, g := tokens(want), tokens(got)
	var out []string
	wi, gi := order.Pairs(w, g)
	for i := range w {
		if !slices.Contains(wi, i) {
			out = append(out, prefix+"missing "+w[i])
		}
	}
	for i := range g {
		if !slices.Contains(gi, i) {
			out = append(out, prefix+"extra "+g[i])
		}
	}
	// The pairs in the order of the trace; where the indices of what was got fall, an
	// event came earlier than one that should precede it.
	keep, own := order.Rising(gi), order.RisingBySubject(wi, gi, func(i int) []string { return []string{subject(want[i])} })
	for k := range wi {
		switch {
		case !own[k]:
			out = append(out, prefix+"order: "+w[wi[k]]+order.After(w, wi, keep, k))
		case !keep[k]:
			out = append(out, prefix+"order among channels: "+w[wi[k]]+order.After(w, wi, keep, k))
		}
		for _, d := range diff("", normal("", want[wi[k]]), normal("", got[gi[k]])) {
			out = append(out, prefix+w[wi[k]]+": "+d)
		}
	}
	return out
}

// subject is what an event is about: of a playback or recording what it is played to or
// made of.
func subject(e map[string]any) string {
	for _, k := range []string{"playback", "recording"} {
		if o, ok := e[k].(map[string]any); ok {
			target, _ := o["target_uri"].(string)
			_, id, _ := strings.Cut(target, ":")
			return id
		}
	}
	for _, k := range []string{"channel", "peer", "bridge", "device_state", "endpoint"} {
		if o, ok := e[k].(map[string]any); ok {
			return identity(o)
		}
	}
	return ""
}

// Diff lists the places at which two JSON values differ, apart from what differs each
// time.
func Diff(want, got any) []string { return diff("", normal("", want), normal("", got)) }

// diff lists the places at which two JSON values differ.
func diff(at string, want, got any) []string {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			return []string{fmt.Sprintf("%s is %s, want an object", at, show(got))}
		}
		var out []string
		keys := slices.Sorted(maps.Keys(w))
		for k := range g {
			if _, ok := w[k]; !ok {
				keys = append(keys, k)
			}
		}
		for _, k := range keys {
			wv, inWant := w[k]
			gv, inGot := g[k]
			path := strings.TrimPrefix(at+"."+k, ".")
			switch {
			case !inGot:
				out = append(out, fmt.Sprintf("%s is missing, want %s", path, show(wv)))
			case !inWant:
				out = append(out, fmt.Sprintf("%s = %s is extra", path, show(gv)))
			default:
				out = append(out, diff(path, wv, gv)...)
			}
		}
		return out
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			return []string{fmt.Sprintf("%s = %s, want %s", at, show(got), show(want))}
		}
		var out []string
		for i := range w {
			out = append(out, diff(fmt.Sprintf("%s[%d]", at, i), w[i], g[i])...)
		}
		return out
	}
	if want != got {
		return []string{fmt.Sprintf("%s = %s, want %s", at, show(got), show(want))}
	}
	return nil
}

func show(v any) string {
	b, _ := json.Marshal(v) // it came from JSON
	if len(b) > 200 {
		b = append(b[:200], "…"...)
	}
	return string(b)
}
