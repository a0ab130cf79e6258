package funcs

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/pbx"
)

// hangupCauses lists the functions that tell why dialled channels ended.
func hangupCauses() []run.Func {
	return []run.Func{
		{Name: "HANGUPCAUSE", Read: readHangupCause},
		{Name: "HANGUPCAUSE_KEYS", Read: readHangupCauseKeys},
	}
}

// endedLegs gives the channels that HANGUPCAUSE knows: those that this one has
// dialled and, once it has hung up, itself.
func endedLegs(c *pbx.Channel) []pbx.DialledLeg {
	legs := c.DialledLegs()
	if r, over := c.Result(); over {
		legs = append(legs, pbx.DialledLeg{Name: c.Name(), Result: r})
	}
	return legs
}

// readHangupCauseKeys is HANGUPCAUSE_KEYS(): channel names, comma-separated.
func readHangupCauseKeys(_ context.Context, x *run.Exec, _ string) (string, error) {
	var names []string
	for _, l := range endedLegs(x.Channel()) {
		names = append(names, l.Name)
	}
	return strings.Join(names, ","), nil
}

// readHangupCause is HANGUPCAUSE(channel[,tech|ast]): "SIP 486 Busy Here", or
// the text of the cause, "User busy".
func readHangupCause(_ context.Context, x *run.Exec, args string) (string, error) {
	a := dialplan.SplitArgs(args)
	if len(a) == 0 {
		return "", errors.New("HANGUPCAUSE needs a channel")
	}
	kind := "tech"
	if len(a) > 1 && a[1] != "" {
		kind = strings.ToLower(strings.TrimSpace(a[1]))
	}
	for _, l := range endedLegs(x.Channel()) {
		if !strings.EqualFold(l.Name, strings.TrimSpace(a[0])) {
			continue
		}
		switch kind {
		case "tech":
			return techText(l.Result), nil
		case "ast":
			return l.Result.Cause.String(), nil
		}
		return "", fmt.Errorf("HANGUPCAUSE knows tech and ast, not %q", kind)
	}
	return "", fmt.Errorf("nothing is known of the end of channel %q", a[0])
}

// techText is how the technology said it.
func techText(r pbx.Result) string {
	if r.SIPStatus == 0 {
		return r.Cause.String()
	}
	phrase := r.Peer
	if phrase == "" {
		_, phrase = cause.FromSIP(r.SIPStatus).SIPStatus()
	}
	return strings.TrimSpace(fmt.Sprintf("SIP %d %s", r.SIPStatus, phrase))
}
