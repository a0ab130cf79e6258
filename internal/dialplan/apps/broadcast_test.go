package apps_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/pbx"
)

// A channel is offered, and handed to the one that claims it.
func TestStasisBroadcast(t *testing.T) {
	const log = "Log(NOTICE,${STASISSTATUS})"
	conf := steps(
		"StasisBroadcast()", log, // nobody wants it
		`StasisBroadcast(1000,"^sales|a,\\d",vip:de)`, log,
		"StasisBroadcast(0,gone)", log, // claimed by one that then went
		"StasisBroadcast(60001)", log, "StasisBroadcast(x)", log, "StasisBroadcast(,[)", log,
	)
	var asked, given []string
	change := func(ro *run.Options) {
		ro.Broadcast = func(ctx context.Context, c *pbx.Channel, pattern string, timeout time.Duration) (string, error) {
			if status, _ := c.PlainVariable("STASISSTATUS"); status != "" {
				t.Errorf("STASISSTATUS is %s meanwhile", status)
			}
			asked = append(asked, pattern+" "+timeout.String())
			if pattern == "" {
				<-time.After(timeout)
				return "", errors.New("nobody")
			}
			name, _, _ := strings.Cut(strings.TrimPrefix(pattern, "^"), "|")
			return name + "1", nil
		}
		ro.Stasis = func(app string, args []string) (pbx.Handler, bool) {
			given = append(given, app+" "+strings.Join(args, "+"))
			return pbx.HandlerFunc(func(_ context.Context, c *pbx.Channel) { _ = c.SetVariable("STASISSTATUS", "SUCCESS") }), app == "sales1"
		}
	}
	inOffice(t, conf, change, func(o *office) {
		o.at("answered", "")
		o.waitIdle(time.Hour)
		o.want(t, []string{"TIMEOUT", "SUCCESS", "FAILED", "FAILED", "FAILED", "FAILED"},
			"is not connected any more", `60001\" is not a time from 0 to 60000 ms`, `x\" is not a time`, "missing closing ]")
		if d := cmp.Diff([]string{" 500ms", `^sales|a,\d 1s`, "gone 0s"}, asked); d != "" {
			t.Errorf("asked (-want +got):\n%s", d)
		}
		if d := cmp.Diff([]string{"sales1 vip+de", "gone1 "}, given); d != "" {
			t.Errorf("given (-want +got):\n%s", d)
		}
	})
}

// A caller that hangs up while it is offered; a server without applications.
func TestStasisBroadcastEnds(t *testing.T) {
	conf := steps("StasisBroadcast(60000)", "Log(NOTICE,no)") + "exten => h,1,Log(NOTICE,h)"
	change := func(ro *run.Options) {
		ro.Broadcast = func(ctx context.Context, c *pbx.Channel, _ string, _ time.Duration) (string, error) {
			time.AfterFunc(time.Second, func() { c.Hangup(16) })
			<-ctx.Done()
			return "", context.Cause(ctx)
		}
		ro.Stasis = func(string, []string) (pbx.Handler, bool) { t.Error("handed over"); return nil, false }
	}
	inOffice(t, conf, change, func(o *office) {
		o.at("answered", "")
		o.waitIdle(time.Hour)
		o.want(t, []string{"h"})
	})
	inOffice(t, steps("StasisBroadcast()", "Log(NOTICE,${STASISSTATUS})"), nil, func(o *office) {
		o.at("answered", "")
		o.waitIdle(time.Hour)
		o.want(t, []string{"TIMEOUT"})
	})
}
