package funcs

import (
	"context"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/pbx/pbxtest"
)

// heard is an event of a detector, and when it came after the listening began.
type heard struct {
	Type  pbx.EventType
	At    time.Duration
	Lasts time.Duration
}

// inEar runs f with a phone on a switch with a machine, and gives the events of
// detectors since then.
func inEar(t *testing.T, f func(t *testing.T, m *run.Machine, c *pbx.Channel, p *pbxtest.Phone, events func() []heard)) {
	pbxtest.InStudio(t, pbx.Options{}, func(t *testing.T, st *pbxtest.Studio) {
		m := run.New(run.Options{Switch: st.Switch, Funcs: All(), Apps: []run.App{{Name: "Stay", Run: func(ctx context.Context, _ *run.Exec, _ string) error {
			<-ctx.Done()
			return context.Cause(ctx)
		}}}})
		c, p := st.Up("a")
		start := time.Now()
		ch, stop := st.Switch.Subscribe(pbx.EventFilter{Types: []pbx.EventType{pbx.ChannelTalkStarted, pbx.ChannelTalkFinished, pbx.ChannelToneDetected}}, 100)
		defer stop()
		f(t, m, c, p, func() (out []heard) {
			synctest.Wait()
			for {
				select {
				case e := <-ch:
					out = append(out, heard{e.Type, e.At.Sub(start), e.Duration})
				default:
					return out
				}
			}
		})
	})
}

func write(t *testing.T, m *run.Machine, c *pbx.Channel, name, args, value string) {
	t.Helper()
	if ok, err := m.WriteFunction(t.Context(), c, name, args, value); !ok || err != nil {
		t.Errorf("%s(%s)=%s: %v, %v", name, args, value, ok, err)
	}
}

// near compares events whose times may be off by what buffers and frames take.
var near = cmp.Comparer(func(a, b time.Duration) bool { return (a - b).Abs() < 150*time.Millisecond })

// Somebody wants to be told when a party was silent for three seconds: set, talk for
// two seconds, pause for two, talk for one, silence (seed 004, C17).
func TestTalkDetect(t *testing.T) {
	inEar(t, func(t *testing.T, m *run.Machine, c *pbx.Channel, p *pbxtest.Phone, events func() []heard) {
		write(t, m, c, "TALK_DETECT", "set", "3000")
		at := func(hz int, d time.Duration) { p.Says(hz); <-time.After(d) }
		at(0, time.Second)
		at(500, 2*time.Second)
		at(0, 2*time.Second)
		at(500, time.Second)
		at(0, 2900*time.Millisecond)
		want := []heard{{pbx.ChannelTalkStarted, time.Second, 0}}
		if d := cmp.Diff(want, events(), near); d != "" {
			t.Fatalf("(-want +got):\n%s", d)
		}
		<-time.After(time.Second)
		want = []heard{{pbx.ChannelTalkFinished, 9 * time.Second, 5 * time.Second}}
		if d := cmp.Diff(want, events(), near); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
		write(t, m, c, "TALK_DETECT", "remove", "")
		at(500, time.Second)
		if got := events(); got != nil {
			t.Errorf("after remove: %v", got)
		}
	})
}

// The defaults, and a threshold above what is said.
func TestTalkDetectValues(t *testing.T) {
	inEar(t, func(t *testing.T, m *run.Machine, c *pbx.Channel, p *pbxtest.Phone, events func() []heard) {
		write(t, m, c, "TALK_DETECT", "SET", "")
		p.Says(500)
		<-time.After(time.Second)
		p.Says(0)
		<-time.After(3 * time.Second)
		want := []heard{{pbx.ChannelTalkStarted, 0, 0}, {pbx.ChannelTalkFinished, 3500 * time.Millisecond, time.Second}}
		if d := cmp.Diff(want, events(), near); d != "" {
			t.Errorf("defaults (-want +got):\n%s", d)
		}
		write(t, m, c, "TALK_DETECT", "set", " 500 , 20000 ")
		p.Says(500)
		<-time.After(time.Second)
		if got := events(); got != nil {
			t.Errorf("below the threshold: %v", got)
		}
		for _, bad := range [][2]string{{"set", "x"}, {"set", "0"}, {"set", "1,-2"}, {"set", "99999999999"}, {"", ""}, {"get", "1"}} {
			if _, err := m.WriteFunction(t.Context(), c, "TALK_DETECT", bad[0], bad[1]); err == nil {
				t.Errorf("TALK_DETECT(%s)=%s is taken", bad[0], bad[1])
			}
		}
	})
}

// A fax's calling tone: told once for each tone, counted, in the direction asked for.
func TestToneDetect(t *testing.T) {
	inEar(t, func(t *testing.T, m *run.Machine, c *pbx.Channel, p *pbxtest.Phone, events func() []heard) {
		read := func(what, want string) {
			t.Helper()
			if got, _, err := m.ReadFunction(t.Context(), c, "TONE_DETECT", what); got != want || err != nil {
				t.Errorf("TONE_DETECT(%s) = %q, %v, want %q", what, got, err, want)
			}
		}
		write(t, m, c, "TONE_DETECT", "1100,300,bd(10)", "")
		for range 2 {
			p.Says(1100)
			<-time.After(time.Second)
			p.Says(500)
			<-time.After(time.Second)
		}
		if got := events(); len(got) != 2 || got[0].Type != pbx.ChannelToneDetected {
			t.Errorf("%v", got)
		}
		read("rx", "2")
		read("TX", "0")
		if _, err := c.Play(pbx.PlayOptions{Media: []string{"tone:1100/1000,0/1"}}); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Second)
		read("tx", "1")
		write(t, m, c, "TONE_DETECT", "0,,x", "")
		p.Says(1100)
		<-time.After(time.Second)
		read("rx", "0")
		for _, bad := range []string{"", "0", "x", "4000", "1100,0", "1100,,q", "1100,,d(x)", "1100,,n(x)", "1100,,g(a,b,c,d)"} {
			if _, err := m.WriteFunction(t.Context(), c, "TONE_DETECT", bad, ""); err == nil {
				t.Errorf("TONE_DETECT(%s) is taken", bad)
			}
		}
	})
}

// The second tone that the party sends sends the channel elsewhere.
func TestToneDetectGoes(t *testing.T) {
	inEar(t, func(t *testing.T, m *run.Machine, c *pbx.Channel, p *pbxtest.Phone, _ func() []heard) {
		plan, problems, err := dialplan.Load(fstest.MapFS{"extensions.conf": {Data: []byte("[fax]\nexten => s,1,Stay()\n")}}, "extensions.conf", dialplan.LoadOptions{})
		if err != nil || len(problems) > 0 {
			t.Fatal(err, problems)
		}
		m.SetPlan(plan)
		write(t, m, c, "TONE_DETECT", "1100,300,rn(2)g(fax,s,1)", "")
		p.Says(1100)
		<-time.After(time.Second)
		if c.Context().Err() != nil || c.Snapshot().Context == "fax" {
			t.Error("it went at the first tone")
		}
		p.Says(500)
		<-time.After(time.Second)
		p.Says(1100)
		<-time.After(time.Second)
		if at := c.Snapshot(); at.Context != "fax" || at.Extension != "s" || at.App != "Stay" {
			t.Errorf("it is at %s %s in %s", at.Context, at.Extension, at.App)
		}
	})
}
