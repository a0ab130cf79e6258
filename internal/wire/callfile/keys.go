package callfile

import (
	"slices"
	"strings"
)

// set takes the value of a key on line n; false if there is no such key (spec:
// callfile 3).
func (f *File) set(n int, key, v string) bool {
	switch strings.ToLower(key) {
	case "channel":
		f.setChannel(n, v)
	case "callerid":
		f.CallerID = new(SplitCallerID(v))
	case "waittime":
		f.WaitTime = f.seconds(n, "WaitTime", v, DefaultWaitTime)
	case "retrytime":
		f.RetryTime = f.seconds(n, "RetryTime", v, DefaultRetryTime)
	case "maxretries":
		f.setMaxRetries(n, v)
	case "account":
		f.Account = v
	case "context":
		f.Context = v
	case "extension":
		f.Extension = v
	case "priority":
		f.setPriority(n, v)
	case "application":
		f.Application = v
	case "data":
		f.Data = v
	case "set", "setvar":
		f.setVariable(n, v)
	case "codecs":
		f.setCodecs(v)
	case "early_media":
		f.EarlyMedia = truth(v)
	case "archive":
		f.Archive = truth(v)
	case "alwaysdelete":
		f.KeepFuture = !truth(v)
	default:
		return f.mark(key, v)
	}
	return true
}

// mark takes a line that a server has written (spec: callfile 5.2).
func (f *File) mark(key, v string) bool {
	switch strings.ToLower(key) {
	case "retry":
		f.Retries++
	case "endretry", "abortretry":
		f.Retries++
		f.Open = 0
	case "startretry":
		f.Open, _ = number(v)
		f.Starts++
	case "delayedretry":
	case "status":
		f.Ended++
		if !f.compat {
			f.Open = 0 // the attempt before it has ended
		}
		return false // Asterisk does not know it
	default:
		return false
	}
	return true
}

// Keys lists the keys of a call file as Asterisk's documentation writes them,
// those that the server writes itself left out.
func Keys() []string {
	return []string{
		"Channel", "CallerID", "WaitTime", "MaxRetries", "RetryTime", "Account", "Context", "Extension", "Priority",
		"Application", "Data", "Set", "Codecs", "Early_media", "Archive", "AlwaysDelete",
	}
}

func (f *File) setChannel(n int, v string) {
	tech, dest, ok := strings.Cut(v, "/")
	if !ok {
		f.warn(n, "Channel should be in the form Tech/Dest, not %.80q; the line is skipped", v)
		return
	}
	f.Tech, f.Dest = tech, dest
}

func (f *File) setMaxRetries(n int, v string) {
	var ok bool
	if f.MaxRetries, ok = number(v); !ok {
		f.warn(n, "MaxRetries %.40q is not a number; 0 is taken", v)
	}
}

// setPriority takes a number; in our own mode also a label, which whoever knows
// the dialplan looks up (spec: callfile 11, CF-030).
func (f *File) setPriority(n int, v string) {
	f.Label = ""
	p, ok := number(v)
	if ok && p >= 1 {
		f.Priority = p
		return
	}
	f.Priority = 1
	if !f.compat && !ok && v != "" {
		f.Label = v
		return
	}
	f.warn(n, "Priority %.40q is not a number from 1; 1 is taken", v)
}

func (f *File) setVariable(n int, v string) {
	name, value, ok := strings.Cut(v, "=")
	if !ok {
		f.warn(n, "Set needs the form name=value, not %.80q; the line is skipped", v)
		return
	}
	if len(f.Set) > MaxSet { // enough to know that there are too many
		return
	}
	f.Set = append(f.Set, Variable{name, value, n})
}

func (f *File) setCodecs(v string) {
	f.Codecs = nil
	for c := range strings.SplitSeq(v, ",") {
		if c = strings.TrimSpace(c); c != "" {
			f.Codecs = append(f.Codecs, c)
		}
	}
}

// Preferred gives the codecs of the Codecs line in order, with "!all" and
// "!name" carried out. Empty: the endpoint's own order.
func (f *File) Preferred() []string {
	var out []string
	for _, c := range f.Codecs {
		c = strings.ToLower(c)
		name, remove := strings.CutPrefix(c, "!")
		switch {
		case name == "all" && remove:
			out = nil
		case name == "all":
		case remove:
			out = slices.DeleteFunc(out, func(o string) bool { return o == name })
		case !slices.Contains(out, name):
			out = append(out, name)
		}
	}
	return out
}
