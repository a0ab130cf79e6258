package run_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/dialwright/dialwright/internal/dialplan/run"
)

// What hangs after the hangup is cut by Hurry, is told with its place, and keeps
// nothing else from ending; what comes afterwards runs no h at all.
func TestHurry(t *testing.T) {
	hangs := func(o *run.Options) {
		o.Apps = append(o.Apps, run.App{Name: "Hang", Run: func(ctx context.Context, _ *run.Exec, _ string) error {
			<-ctx.Done()
			return context.Cause(ctx)
		}})
	}
	onStage(t, `[t]
exten => s,1,Set(CHANNEL(hangup_handler_push)=handler,s,1)
 same => n,Log(NOTICE,s)
exten => h,1,Log(NOTICE,h)
 same => n,Hang()
 same => n,Log(NOTICE,not reached)
[handler]
exten => s,1,Log(NOTICE,not reached either)
 same => n,Return()
`, hangs, func(s *stage) {
		c := s.up()
		synctest.Wait()
		select {
		case <-c.Gone():
			t.Error("the channel is gone although h hangs")
		default:
		}
		s.m.Hurry()
		<-c.Gone()
		s.want([]string{"s", "h"}, "application Hang: the server stops and waits no longer", "at=extensions.conf:5")
		s.m.Hurry() // again: nothing
		<-s.up().Gone()
		s.want([]string{"s", "h", "s"})
	})
}
