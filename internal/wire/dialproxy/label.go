package dialproxy

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// Family is the family of AstDB that holds labels, KeyPrefix what comes before a label
// in its key: actionlist/DIALPROXY-office.
const (
	Family    = "actionlist"
	KeyPrefix = "DIALPROXY-"
)

// Defaults of a label without the option (spec: dialproxy 6).
const (
	defaultContext = "default"
	defaultTimeout = "30"
)

// Label is what the entry of a label says.
type Label struct {
	Channel       string // dial string of the phone that rings first, "" if the entry begins with ~
	Context       string // dialplan context of the number
	Timeout       string // seconds to ring, as written
	CallerID      string // "" = none
	LocalCallerID string // for numbers of 2 to 4 bytes, "" = none
	DialPrefix    *string
	Allow         string   // addresses that may use it, as written
	Unknown       []string // names of options that mean nothing
}

// ParseLabel reads the value of a label's key: a channel and options, with "~"
// between them. Names of options are case-sensitive, the last of the same name
// wins. Of several lines the first one counts (spec: dialproxy 6).
func ParseLabel(value string) Label {
	value, _, _ = strings.Cut(value, "\n")
	channel, rest, more := strings.Cut(strings.Trim(value, blanks), "~")
	l := Label{Channel: channel, Context: defaultContext, Timeout: defaultTimeout, Allow: allowAll}
	for more {
		var option string
		option, rest, more = strings.Cut(rest, "~")
		l.set(option)
	}
	return l
}

func (l *Label) set(option string) {
	name, text, ok := strings.Cut(option, "=")
	switch {
	case !ok:
		l.Unknown = append(l.Unknown, option)
	case name == "context":
		l.Context = text
	case name == "timeout":
		l.Timeout = text
	case name == "callerid":
		l.CallerID = text
	case name == "localcallerid":
		l.LocalCallerID = text
	case name == "dialprefix":
		l.DialPrefix = &text
	case name == "allow":
		l.Allow = text
	default:
		l.Unknown = append(l.Unknown, name)
	}
}

// Originate is the action of the original, with the values of its fields as it
// writes them (spec: dialproxy 7).
type Originate struct {
	Channel  string
	Exten    string // dial prefix and number
	Context  string
	Timeout  string // the label's seconds with "000" behind them
	CallerID string // as AMI writes it
	Priority string // "1"
}

// Originate gives the action that calls n by the label. An empty dialprefix= takes
// the configured prefix away (spec: dialproxy 6, R6).
func (l *Label) Originate(n Number) Originate {
	o := Originate{Channel: l.Channel, Context: l.Context, Timeout: l.Timeout + "000", Priority: "1"}
	prefix := n.Prefix
	if l.DialPrefix != nil {
		prefix = *l.DialPrefix
	}
	o.Exten = prefix + n.Digits
	switch local := len(n.Digits) >= 2 && len(n.Digits) <= 4; {
	case local && l.LocalCallerID != "":
		o.CallerID = l.LocalCallerID
	case l.CallerID != "":
		o.CallerID = l.CallerID
	default:
		o.CallerID = "DialProxy <" + o.Exten + ">"
	}
	return o
}

// Explain tells in words how the extension comes from the number, and what else the
// label decides.
func (l *Label) Explain(n Number) []Step {
	o := l.Originate(n)
	var steps []Step
	switch {
	case l.DialPrefix != nil && o.Exten != n.Digits:
		steps = append(steps, Step{"dial prefix", n.Digits, o.Exten, "dialprefix= of the label"})
	case l.DialPrefix != nil && n.Prefix != "":
		steps = append(steps, Step{"dial prefix", n.Digits, o.Exten, "an empty dialprefix= of the label takes " + n.Prefix + " away"})
	case o.Exten != n.Digits:
		steps = append(steps, Step{"dial prefix", n.Digits, o.Exten, "fourth field of the dialling prefixes"})
	}
	id := o.CallerID
	return append(steps, Step{"label", o.Exten, o.Exten + "@" + o.Context, "when " + l.Channel + " has answered; caller ID " + id})
}

// ErrTimeout says that a label's timeout is no number of seconds. The original's
// Originate is refused then, or rings for ever.
var ErrTimeout = errors.New("timeout= of the label is not a number of seconds")

// maxRing bounds what Wait gives.
const maxRing = time.Hour

// Wait gives how long the phone may ring, 0 if the option is empty: the server's
// default. Text behind the number is left alone, as Asterisk does. We differ with
// fractions: "2.5" is 2.5 s; Asterisk reads 2 ms out of "2.5000".
func (l *Label) Wait() (time.Duration, error) {
	s := strings.TrimLeft(l.Timeout, blanks)
	if s == "" {
		return 0, nil
	}
	end := 0
	for end < len(s) && (s[end] >= '0' && s[end] <= '9' || s[end] == '.' && strings.IndexByte(s[:end], '.') < 0) {
		end++
	}
	seconds, err := strconv.ParseFloat(s[:end], 64)
	if err != nil {
		return 0, ErrTimeout
	}
	return time.Duration(min(seconds, maxRing.Seconds()) * float64(time.Second)), nil
}

// ValidLabel says whether a text may name a label: ^[A-Za-z0-9_.-]{1,64}$. The original
// takes any, and writes it into AMI as it is (spec: dialproxy 11, W3).
func ValidLabel(s string) bool {
	if len(s) < 1 || len(s) > 64 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '.' || c == '-') {
			return false
		}
	}
	return true
}
