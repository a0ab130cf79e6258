package local_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/local"
	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/pbx/pbxtest"
)

// extensions is a dialplan of a few numbers.
type extensions struct{}

func (extensions) Handle(ctx context.Context, c *pbx.Channel) {
	switch c.Snapshot().Dialled {
	case "answers":
		_ = c.Answer()
		<-ctx.Done()
	case "rings":
		_ = c.Ring()
		<-ctx.Done()
	case "silent":
		<-ctx.Done()
	case "busy":
		c.Hangup(cause.UserBusy)
	case "hangsup":
		_ = c.Answer()
		_ = c.Wait(ctx, time.Millisecond)
	case "early":
		_ = c.Progress()
		_ = c.StartTone("tone:700")
		<-ctx.Done()
	}
}

func TestConformance(t *testing.T) {
	pbxtest.Run(t, func(*testing.T) pbxtest.Subject {
		s := pbx.New(pbx.Options{Inbound: extensions{}})
		return pbxtest.Subject{
			Technology: local.New(s), Switch: s,
			Answers: "answers@default", Rings: "rings@default/n", Silent: "silent@default", Busy: "busy@default", HangsUp: "hangsup", Unknown: "@default",
		}
	})
}

// An extension is in use while a dialled Local channel leads to it.
func TestDeviceState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := pbx.New(pbx.Options{Inbound: extensions{}})
		tech := local.NewWith(s, local.Options{Exists: func(_, exten, _ string) bool { return exten != "nobody" }})
		s.Register(tech)
		is := func(resource string, want pbx.DeviceState) {
			t.Helper()
			if got := tech.DeviceState(resource); got != want {
				t.Errorf("%s is %s, want %s", resource, got, want)
			}
		}
		is("nobody@ctx", pbx.DeviceInvalid)
		is("@ctx", pbx.DeviceInvalid)
		is("answers@ctx", pbx.DeviceNotInUse)
		c, err := s.Create(t.Context(), pbx.CreateOptions{Endpoint: "Local/answers@ctx-in"})
		if err != nil {
			t.Fatal(err)
		}
		is("answers@ctx-in", pbx.DeviceNotInUse) // not dialled
		if err := c.Dial(pbx.DialOptions{}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		is("answers@ctx-in", pbx.DeviceInUse)
		is("answers@ctx-in/n", pbx.DeviceInUse)
		is("answers@ctx", pbx.DeviceNotInUse)
		c.Hangup(cause.NormalClearing)
		synctest.Wait()
		is("answers@ctx-in", pbx.DeviceNotInUse)
	})
}

// The two halves: names, ids, shared variables, linked id, and who knows what.
func TestHalves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := pbx.New(pbx.Options{Inbound: extensions{}})
		s.Register(local.New(s))
		one, err := s.Create(t.Context(), pbx.CreateOptions{
			ID: "one", Endpoint: "Local/answers@ctx/n", CallerID: call.CallerID{Number: "4711"},
			Variables: []call.Variable{{Name: "A", Value: "1"}, {Name: "__B", Value: "2"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := s.Channel("one;2"); ok {
			t.Error("the second half exists before the dial")
		}
		if err := one.Dial(pbx.DialOptions{}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		two, ok := s.Channel("one;2")
		if !ok {
			t.Fatal("no second half")
		}
		sn := two.Snapshot()
		got := []string{one.Name(), sn.Name, sn.LinkedID, sn.Dialled, sn.Context, sn.Caller.Number, sn.State.String(), one.State().String()}
		want := []string{"Local/answers@ctx-00000000;1", "Local/answers@ctx-00000000;2", "one", "answers", "ctx", "4711", "Up", "Up"}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
		for name, want := range map[string]string{"A": "1", "B": "2"} {
			if v, _ := two.Variable(name); v != want {
				t.Errorf("%s = %q on the second half", name, v)
			}
		}
		two.Hangup(cause.UserBusy)
		<-one.Gone()
		<-two.Gone()
		if r, _ := one.Result(); !r.ByPeer || r.Cause != cause.UserBusy {
			t.Errorf("first half: %+v", r)
		}
		if err := s.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// What the second half signals, and what is not there, as whoever dials sees it.
func TestRefusals(t *testing.T) {
	signals := pbx.HandlerFunc(func(ctx context.Context, c *pbx.Channel) {
		if c.Snapshot().Dialled == "busy" {
			if err := c.Indicate(cause.UserBusy); err != nil {
				t.Error(err)
			}
		} else {
			c.Hangup(cause.UserBusy)
		}
		<-ctx.Done()
	})
	for exten, want := range map[string]call.Failure{
		"busy":   {Disposition: call.Busy, Cause: 17, Indicated: true},
		"hangup": {Disposition: call.Busy, Cause: 17},
		"nobody": {Disposition: call.Failed, Cause: 1, Permanent: true},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := pbx.New(pbx.Options{Inbound: signals})
			s.Register(local.NewWith(s, local.Options{Exists: func(context, exten, caller string) bool {
				return context == "ctx" && exten != "nobody" && caller == "4711"
			}}))
			c, err := s.Create(t.Context(), pbx.CreateOptions{Endpoint: call.Endpoint("Local/" + exten + "@ctx"), CallerID: call.CallerID{Number: "4711"}})
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Dial(pbx.DialOptions{}); (err != nil) != (exten == "nobody") {
				t.Errorf("Dial: %v", err)
			}
			<-c.Gone()
			r, _ := c.Result()
			got := *r.Failure
			got.Text = ""
			if d := cmp.Diff(want, got); d != "" || !r.ByPeer {
				t.Errorf("%s: %s", exten, d)
			}
			synctest.Wait()
			if n := s.Stats().Channels; n != 0 {
				t.Errorf("%d channels are left", n)
			}
			if err := s.Stop(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// An id that is taken refuses the dial and leaves nothing behind.
func TestSecondIDTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := pbx.New(pbx.Options{Inbound: extensions{}})
		s.Register(local.New(s))
		for _, id := range []string{"one", "two"} {
			c, err := s.Create(t.Context(), pbx.CreateOptions{ID: id, OtherID: "same", Endpoint: "Local/answers"})
			if err != nil {
				t.Fatal(err)
			}
			err = c.Dial(pbx.DialOptions{})
			if id == "one" && err != nil {
				t.Fatal(err)
			}
			if id == "two" {
				if !errors.Is(err, pbx.ErrIDInUse) {
					t.Errorf("Dial: %v", err)
				}
				<-c.Gone()
			}
		}
		if err := s.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		synctest.Wait()
	})
}

// Audio passes both halves, also before the answer.
func TestMediaThroughLocal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, err := media.New(media.Config{})
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		s := pbx.New(pbx.Options{Inbound: extensions{}, Media: e})
		s.Register(local.New(s))
		c, err := s.Originate(t.Context(), pbx.OriginateOptions{CreateOptions: pbx.CreateOptions{Endpoint: "Local/early"}})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		meter := media.NewToneMeter()
		remove := c.Port().Tap(meter, media.TapOptions{In: true})
		<-time.After(time.Second)
		remove()
		if hz, _, ok := meter.Dominant(); !ok || hz < 690 || hz > 710 {
			t.Errorf("heard %v Hz, %v; want 700", hz, ok)
		}
		if r, _ := c.Result(); c.State() != pbx.Down {
			t.Errorf("%s, %+v; want early media only", c.State(), r)
		}
		if err := s.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		if err := e.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
}
