package ami

import (
	"strings"
	"time"
)

// Refusals of Originate. The texts are those of the answer, in the order in which they are
// looked for (spec: ami 4.4; the texts of 7 and 8 need the dialplan and stand in the door).
const (
	ErrUniqueid    = Refusal("Uniqueid length exceeds maximum of 149")
	ErrNoChannel   = Refusal("Channel not specified")
	ErrPriority    = Refusal("Invalid priority")
	ErrTimeout     = Refusal("Invalid timeout")
	ErrChannel     = Refusal("Invalid channel")
	ErrApplication = Refusal("Originate Access Forbidden: app or data blacklisted")
)

const (
	maxUniqueID     = 149 // bytes
	defaultRing     = 30 * time.Second
	maxMilliseconds = 1<<31 - 1
)

// Originate is a request to originate, as far as it can be read without a switch (spec:
// ami 4.1).
type Originate struct {
	ActionID       string
	Channel        string // as given, TECH/resource
	Tech, Resource string // its two parts
	Context, Exten string
	Priority       int    // 0 = not given
	Application    string // wins over Context and Exten
	Data           string
	Timeout        time.Duration // how long it may ring, 0 = for ever
	CallerID       string        // as given, for pbx.ParseCallerID
	Account        string
	Variables      []Variable // in the order in which they are set
	Async          bool
	EarlyMedia     bool // early media counts as the answer
	Codecs         []string
	ChannelID      string // unique id of the new channel, "" = a new one
	OtherChannelID string // of the ;2 half of a Local channel
	PreDialGoSub   string // context,exten,priority(args)
}

// Variable is a channel variable, whose name may begin with underscores.
type Variable struct{ Name, Value string }

// ParseOriginate reads an Originate of somebody with the rights of a user. label finds the
// priority of a label in the dialplan; nil knows none. Errors are those above, the first
// that applies.
func ParseOriginate(p Packet, rights Class, label func(context, exten, label string) (int, bool)) (*Originate, error) {
	o := &Originate{
		ActionID: p.ActionID(), Channel: p.Get("Channel"), Context: p.Get("Context"), Exten: p.Get("Exten"),
		Application: p.Get("Application"), Data: p.Get("Data"), CallerID: p.Get("CallerID"), Account: p.Get("Account"),
		Async: Bool(p.Get("Async")), EarlyMedia: Bool(p.Get("EarlyMedia")), Codecs: list(p.Get("Codecs")),
		ChannelID: p.Get("ChannelId"), OtherChannelID: p.Get("OtherChannelId"), PreDialGoSub: p.Get("PreDialGoSub"),
		Variables: ParseVariables(p.All("Variable")),
	}
	var slash, ok bool
	switch {
	case len(o.ChannelID) > maxUniqueID || len(o.OtherChannelID) > maxUniqueID:
		return nil, ErrUniqueid
	case o.Channel == "":
		return nil, ErrNoChannel
	}
	if o.Priority, ok = o.priority(p.Get("Priority"), label); !ok {
		return nil, ErrPriority
	}
	if o.Timeout, ok = ringTime(p.Get("Timeout")); !ok {
		return nil, ErrTimeout
	}
	if o.Tech, o.Resource, slash = strings.Cut(o.Channel, "/"); !slash {
		return nil, ErrChannel
	}
	if o.Application != "" && Dangerous(o.Application, o.Data, rights) {
		return nil, ErrApplication
	}
	return o, nil
}

// priority reads a number, of which what follows the digits does not matter, or a label.
func (o *Originate) priority(s string, label func(context, exten, label string) (int, bool)) (int, bool) {
	if s == "" {
		return 0, true
	}
	if n, ok := leadingInt(s); ok {
		return n, true
	}
	if label == nil {
		return 0, false
	}
	return label(o.Context, o.Exten, s)
}

// ringTime reads milliseconds, of which what follows the digits does not matter; nothing
// is 30 seconds, and 0 and less is for ever (spec: ami 4.1).
func ringTime(s string) (time.Duration, bool) {
	if s == "" {
		return defaultRing, true
	}
	n, ok := leadingInt(s)
	return time.Duration(max(n, 0)) * time.Millisecond, ok
}

// leadingInt reads the number at the beginning of a text as sscanf's %d does, within 31
// bits.
func leadingInt(s string) (n int, ok bool) {
	s = strings.TrimLeft(s, " \t\r\n\v\f")
	digits := strings.TrimPrefix(s, "-")
	if digits == s {
		digits = strings.TrimPrefix(s, "+")
	}
	for i := 0; i < len(digits) && digits[i] >= '0' && digits[i] <= '9'; i++ {
		n, ok = min(n*10+int(digits[i]-'0'), maxMilliseconds), true
	}
	if strings.HasPrefix(s, "-") {
		n = -n
	}
	return n, ok
}

func list(s string) []string {
	var out []string
	for word := range strings.SplitSeq(s, ",") {
		if word = strings.TrimSpace(word); word != "" {
			out = append(out, word)
		}
	}
	return out
}

// forbidden are the names of applications, or parts of them, that start programs or reach
// past the call (spec: ami 3.2).
var forbidden = [...]string{"agi", "dbdeltree", "exec", "externalivr", "mixmonitor", "originate", "reload", "system"}

// forbiddenData are parts of an application's data that are functions with such powers.
var forbiddenData = [...]string{"CURL", "DB", "EVAL", "FILE", "ODBC", "REALTIME", "SHELL"}

// Dangerous says whether an application with its data is one of those that Originate may
// not run (spec: ami 3.2). Names are refused whatever the rights are (spec: ami 10.4; in
// Asterisk the class system may); data is not for those who have the class system.
func Dangerous(app, data string, rights Class) bool {
	lower := strings.ToLower(app)
	for _, word := range forbidden {
		if strings.Contains(lower, word) {
			return true
		}
	}
	if strings.Contains(lower, "queue") && rights&(AGI|System) == 0 {
		if args := SplitArgs(data); len(args) > 5 && args[5] != "" {
			return true
		}
	}
	if rights&System != 0 {
		return false
	}
	for _, word := range forbiddenData {
		if strings.Contains(data, word) {
			return true
		}
	}
	return false
}
