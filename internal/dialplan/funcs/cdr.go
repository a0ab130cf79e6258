package funcs

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/pbx"
)

// cdrs lists the functions of the call's record.
func cdrs() []run.Func {
	return []run.Func{
		{Name: "CDR", Read: readCDR, Write: writeCDR},
		{Name: "CDR_PROP", Write: writeCDRProp},
	}
}

// readCDR is CDR(field[,options]): u gives raw values, f fractions of seconds
// (spec: dialplan 6.1 CDR). A name that is no field is one of the call's own.
func readCDR(_ context.Context, x *run.Exec, args string) (string, error) {
	a := dialplan.SplitArgs(args)
	if len(a) == 0 {
		return "", errors.New("CDR needs the name of a field")
	}
	name := strings.ToLower(strings.TrimSpace(a[0]))
	options := ""
	if len(a) > 1 {
		options = a[1]
	}
	if v, ok := cdrMeasured(x, name, options); ok {
		return v, nil
	}
	r := x.CDR().Copy()
	switch name {
	case "userfield":
		return r.UserField, nil
	case "accountcode":
		return r.AccountCode, nil
	case "peeraccount":
		return r.PeerAccount, nil
	case "amaflags":
		if strings.Contains(options, "u") {
			return strconv.Itoa(amaNumber(r.AMAFlags)), nil
		}
		return amaName(amaNumber(r.AMAFlags)), nil
	}
	return r.Own[name], nil
}

// cdrMeasured gives the fields that the call itself decides; ok is false for
// other names.
func cdrMeasured(x *run.Exec, name, options string) (v string, ok bool) {
	c := x.Channel()
	sn := c.Snapshot()
	switch name {
	case "src":
		return sn.Caller.Number, true
	case "clid":
		return quoteParty(sn.Caller.Name, sn.Caller.Number), true
	// The snapshot stays where the channel was when it hung up: h does not count
	// (Asterisk: cdr.conf endbeforehexten).
	case "dst":
		return sn.Extension, true
	case "dcontext":
		return sn.Context, true
	case "lastapp":
		return sn.App, true
	case "lastdata":
		return sn.AppData, true
	case "channel":
		return sn.Name, true
	case "dstchannel":
		return cdrPartner(c), true
	case "uniqueid":
		return sn.ID, true
	case "linkedid":
		return sn.LinkedID, true
	case "sequence":
		return cdrSequence(sn.Name), true
	case "disposition":
		d := cdrDisposition(x)
		if strings.Contains(options, "u") {
			return strconv.Itoa(dispositionNumber(d)), true
		}
		return string(d), true
	}
	return cdrClock(c, name, options)
}

// cdrClock gives the times and durations.
func cdrClock(c *pbx.Channel, name, options string) (v string, ok bool) {
	sn := c.Snapshot()
	end := time.Now()
	r, over := c.Result()
	if over {
		end = r.EndedAt
	}
	switch name {
	case "start":
		return cdrTime(sn.CreatedAt, options), true
	case "answer":
		return cdrTime(sn.AnsweredAt, options), true
	case "end":
		return cdrTime(r.EndedAt, options), true
	case "duration":
		return cdrSpan(end.Sub(sn.CreatedAt), options), true
	case "billsec":
		if sn.AnsweredAt.IsZero() {
			return cdrSpan(0, options), true
		}
		return cdrSpan(end.Sub(sn.AnsweredAt), options), true
	}
	return "", false
}

// cdrTime writes a time as cdr does, or raw: seconds.microseconds.
func cdrTime(t time.Time, options string) string {
	switch {
	case strings.Contains(options, "u") && t.IsZero():
		return "0.000000"
	case strings.Contains(options, "u"):
		return fmt.Sprintf("%d.%06d", t.Unix(), t.Nanosecond()/1000)
	case t.IsZero():
		return ""
	}
	return t.Local().Format(time.DateTime)
}

func cdrSpan(d time.Duration, options string) string {
	if strings.Contains(options, "f") {
		return strconv.FormatFloat(d.Seconds(), 'f', 6, 64)
	}
	return strconv.Itoa(int(d.Seconds()))
}

// cdrPartner is the channel at the other end: of the bridge, or the one that was
// dialled last.
func cdrPartner(c *pbx.Channel) string {
	if v, ok := c.PlainVariable("BRIDGEPEER"); ok && v != "" {
		return v
	}
	if v, ok := c.PlainVariable("DIALEDPEERNAME"); ok {
		return v
	}
	if legs := c.DialledLegs(); len(legs) > 0 {
		return legs[len(legs)-1].Name
	}
	return ""
}

// cdrSequence is a number that no other channel of this process has: the one in
// the channel's name.
func cdrSequence(channel string) string {
	_, hex, ok := cutLast(strings.TrimSuffix(strings.TrimSuffix(channel, ";1"), ";2"), "-")
	n, err := strconv.ParseUint(hex, 16, 32)
	if !ok || err != nil {
		return "0"
	}
	return strconv.FormatUint(n, 10)
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// cdrDisposition is what the record would say if the call ended now.
func cdrDisposition(x *run.Exec) call.Disposition {
	c := x.Channel()
	if !c.Snapshot().AnsweredAt.IsZero() {
		return call.Answered
	}
	switch v, _ := c.PlainVariable("DIALSTATUS"); v {
	case "BUSY":
		return call.Busy
	case "CONGESTION":
		return call.Congestion
	case "CHANUNAVAIL":
		return call.Failed
	}
	if r, over := c.Result(); over && r.Cause != cause.NormalClearing {
		return call.Disposition(r.Cause.Disposition())
	}
	return call.NoAnswer
}

// dispositionNumber is Asterisk's number (Asterisk: cdr.h ast_cdr_disposition).
func dispositionNumber(d call.Disposition) int {
	switch d {
	case call.Failed:
		return 2
	case call.Busy:
		return 4
	case call.Answered:
		return 8
	case call.Congestion:
		return 16
	}
	return 0
}

// amaNames are the flags of automatic message accounting by number
// (Asterisk: channel.h ama_flags). 3 is the default.
var amaNames = [...]string{1: "OMIT", 2: "BILLING", 3: "DOCUMENTATION"}

func amaName(n int) string { return amaNames[n] }

// amaNumber reads a name or number; what is neither is the default.
func amaNumber(s string) int {
	for n, name := range amaNames {
		if n > 0 && (strings.EqualFold(s, name) || s == strconv.Itoa(n)) {
			return n
		}
	}
	return 3
}

// writeCDR is CDR(field)=value. What the call itself decides cannot be written.
func writeCDR(_ context.Context, x *run.Exec, args, value string) error {
	a := dialplan.SplitArgs(args)
	if len(a) == 0 {
		return errors.New("CDR needs the name of a field")
	}
	name := strings.ToLower(strings.TrimSpace(a[0]))
	if _, fixed := cdrMeasured(x, name, ""); fixed {
		return fmt.Errorf("attempt to set the %q read-only variable", name)
	}
	r := x.CDR()
	r.Lock()
	defer r.Unlock()
	switch name {
	case "userfield":
		r.UserField = value
	case "accountcode", "peeraccount", "amaflags":
		x.Machine().WarnOnce("CDR(" + name + ") is a name of the past for writing: use CHANNEL(" + name + ")")
		setAccounting(r, name, value)
	default:
		if r.Own == nil {
			r.Own = make(map[string]string)
		}
		r.Own[name] = value
	}
	return nil
}

// setAccounting writes a field that CHANNEL() and CDR() share; r is locked.
func setAccounting(r *run.CDR, name, value string) {
	switch name {
	case "accountcode":
		r.AccountCode = value
	case "peeraccount":
		r.PeerAccount = value
	case "amaflags":
		r.AMAFlags = amaName(amaNumber(value))
	case "userfield":
		r.UserField = value
	}
}

// writeCDRProp is CDR_PROP(disable)=1. party_a is accepted: leg A of a call
// is its party A here, whatever the dialplan prefers.
func writeCDRProp(_ context.Context, x *run.Exec, args, value string) error {
	switch name := strings.ToLower(strings.TrimSpace(args)); name {
	case "disable":
		r := x.CDR()
		r.Lock()
		defer r.Unlock()
		r.Disabled = dialplan.True(value)
	case "party_a":
	default:
		return fmt.Errorf("unknown property %q", name)
	}
	return nil
}
