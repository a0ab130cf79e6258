package amitrace

import (
	"fmt"
	"path"
	"regexp"
	"strings"
)

// normal takes out of the packets of one run what is different each time. What names
// something of the run (channels, bridges, unique ids) is named by what it is.
type normal struct {
	ids     map[string]string // unique id → its channel
	bridges map[string]string // UUID → "bridge 1"
}

var (
	counter   = regexp.MustCompile(`\b([A-Z][A-Za-z]*/[^\s!-]+)-([0-9a-f]{8})\b`)
	generated = regexp.MustCompile(`\b(?:lab1-)?\d{10}\.\d+(?:;2\b)?`)
	uuid      = regexp.MustCompile(`\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b`)
	port      = regexp.MustCompile(`127\.0\.0\.1:\d+`)
	counts    = regexp.MustCompile(`\d+ calls? processed|(System uptime|Last reload): .*|(level 1: (start|answer|end|sequence|duration|billsec)|\s+Elapsed Time:? ?)=?.*|Asterisk .* built by .*|\[C-[0-9a-f]{8}\]`)
	clock     = regexp.MustCompile(`^\d\d:\d\d:\d\d$`)
)

// sealed are headers whose value is another each time.
var sealed = map[string]bool{
	"Timestamp": true, "Uptime": true, "LastReload": true, "Challenge": true, "Seconds": true, "LoginTime": true, "StartTime": true,
	"AnswerTime": true, "EndTime": true, "CoreStartupDate": true, "CoreStartupTime": true, "CoreReloadDate": true, "CoreReloadTime": true,
	"CoreProcessedCalls": true, "AsteriskVersion": true,
}

// newNormal learns the names of a run from all of its packets.
func newNormal(packets []Packet) *normal {
	n := &normal{ids: map[string]string{}, bridges: map[string]string{}}
	for _, p := range packets {
		last := map[string]string{} // prefix of a channel block → the channel
		for _, h := range p {
			if prefix, ok := strings.CutSuffix(strings.ToLower(h.Key), "channel"); ok {
				last[prefix] = h.Value
			}
			if prefix, ok := strings.CutSuffix(strings.ToLower(h.Key), "uniqueid"); ok && generated.MatchString(h.Value) && last[prefix] != "" {
				n.ids[h.Value] = channelName(last[prefix])
			}
			if strings.HasSuffix(h.Key, "BridgeUniqueid") && n.bridges[h.Value] == "" {
				n.bridges[h.Value] = fmt.Sprintf("bridge %d", len(n.bridges)+1)
			}
			if h.Key == "Output" { // … of core show channels concise: the name first, the id last
				fields := strings.Split(h.Value, "!")
				if id := fields[len(fields)-1]; len(fields) > 3 && generated.MatchString(id) {
					n.ids[id] = channelName(fields[0])
				}
			}
		}
	}
	return n
}

// channelName leaves the counter out of a channel's name, which stays as long as it was.
func channelName(s string) string { return counter.ReplaceAllString(s, "$1-########") }

// value gives the value of a header without what is different each time.
func (n *normal) value(p Packet, h Header) string {
	v := h.Value
	switch {
	case sealed[h.Key]:
		if v == "" {
			return ""
		}
		return "…"
	case h.Key == "TimeToHangup" && v != "0":
		return "a time"
	case h.Key == "Duration" && (clock.MatchString(v) || p.Get("Event") == "Cdr"), h.Key == "BillableSeconds":
		return "…"
	case h.Key == "DurationMs" && v != "0":
		return "some"
	case h.Key == "Value" && p.Has("Variable") && v != "":
		if s, ok := measured(p.Get("Variable"), v); ok {
			return s
		}
	case h.Key == "Val" && p.Get("Key") == "/pbx/UUID":
		return "a UUID"
	}
	return n.text(v)
}

// measured gives the value of a variable that holds times, statistics or a path.
func measured(name, v string) (string, bool) {
	switch {
	case strings.HasPrefix(name, "RTPAUDIOQOS"), name == "BRIDGEPVTCALLID":
		return "…", true
	case strings.HasSuffix(name, "TIME"), strings.HasSuffix(name, "TIME_MS"):
		return "some", true
	case name == "MIXMONITOR_FILENAME":
		return path.Base(v), true
	}
	return "", false
}

// text gives a text without what is different each time.
func (n *normal) text(s string) string {
	s = channelName(s)
	s = generated.ReplaceAllStringFunc(s, func(id string) string {
		prefix := ""
		if strings.HasPrefix(id, "lab1-") {
			prefix = "lab1-"
		}
		if c := n.ids[id]; c != "" {
			return prefix + "id of " + c
		}
		return prefix + "id"
	})
	s = uuid.ReplaceAllStringFunc(s, func(u string) string {
		if b := n.bridges[u]; b != "" {
			return b
		}
		return "UUID"
	})
	s = counts.ReplaceAllString(s, "…")
	return port.ReplaceAllString(s, "127.0.0.1:port")
}

// Token says what an event is and whom it is about, without the rest of its headers: what is
// put in order.
func (n *normal) token(p Packet) string {
	words := []string{p.Get("Event")}
	for _, h := range p {
		switch h.Key {
		case "Channel", "DestChannel", "TransfererChannel", "TransfereeChannel", "ParkeeChannel", "LocalOneChannel", "BridgeUniqueid",
			"DialStatus", "Variable", "Application", "AppData", "Device", "State", "Exten", "Hint", "StatusText", "Digit", "Direction", "Response", "UserEvent":
			if h.Key == "Exten" && p.Get("Event") != "ExtensionStatus" {
				continue
			}
			if h.Key == "BridgeUniqueid" && p.Has("Channel") && p.Get("Event") != "BridgeEnter" && p.Get("Event") != "BridgeLeave" {
				continue
			}
			words = append(words, n.text(h.Value))
		case "ChannelStateDesc":
			if p.Get("Event") == "Newstate" {
				words = append(words, h.Value)
			}
		}
	}
	return strings.Join(words, " ")
}

// subjects says what an event is about: the order of the events about each of them is kept.
// What Asterisk tells beside the queue of the channels (spec: ami 5.2) is a subject of its own.
func (n *normal) subjects(p Packet) []string {
	switch p.Get("Event") {
	case "OriginateResponse", "UserEvent", "Cdr", "FullyBooted":
		return []string{p.Get("Event")}
	case "DeviceStateChange":
		return []string{"device " + n.text(p.Get("Device"))}
	case "ExtensionStatus":
		return []string{"hint " + p.Get("Exten")}
	case "DialBegin", "DialState", "DialEnd":
		return []string{n.text(p.Get("DestChannel"))}
	}
	var out []string
	for _, h := range p {
		switch h.Key {
		case "Channel", "TransfereeChannel", "ParkeeChannel", "BridgeUniqueid":
			out = append(out, n.text(h.Value))
		}
	}
	if len(out) == 0 {
		out = []string{""}
	}
	return out
}
