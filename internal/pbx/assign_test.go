package pbx_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/pbx"
)

// functions is a dialplan's function UP that waits for the channel's actor, and
// BROKEN that fails.
type functions struct{ wrote []string }

func (f *functions) WriteFunction(_ context.Context, c *pbx.Channel, name, args, value string) (bool, error) {
	switch name {
	case "UP":
		v, _ := c.Variable("A")
		f.wrote = append(f.wrote, fmt.Sprintf("%s=%s after A=%s", args, value, v))
		return true, c.SetVariable("UP_"+args, value)
	case "BROKEN":
		return true, errors.New("broken")
	}
	return false, nil
}

func (f *functions) ReadFunction(_ context.Context, c *pbx.Channel, name, args string) (string, bool, error) {
	if name != "UP" {
		return "", name == "BROKEN", errors.New("broken")
	}
	v, _ := c.Variable("UP_" + args)
	return v, true, nil
}

// Functions among the variables of a new channel are written in order, before
// the dial; what nobody knows is skipped (spec: callfile 6.5).
func TestCreateWritesFunctions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &functions{}
		s, _ := setup(t, pbx.Options{})
		s.SetDialplan(pbx.Dialplan{Functions: f})
		defer stop(t, s)
		c, err := s.Create(t.Context(), pbx.CreateOptions{Endpoint: "Pretend/100", Variables: []call.Variable{
			{Name: "A", Value: "1"}, {Name: "UP(x)", Value: "one"}, {Name: "_A", Value: "2"}, {Name: "UP(y)", Value: "two"},
			{Name: "NOFUNC(x)", Value: "no"}, {Name: "BROKEN(x)", Value: "no"}, {Name: "CALLERID(num)", Value: "42"}, {Name: "B", Value: "3"},
		}})
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff([]string{"x=one after A=1", "y=two after A=2"}, f.wrote); d != "" {
			t.Error(d)
		}
		want := []call.Variable{{Name: "_A", Value: "2"}, {Name: "B", Value: "3"}, {Name: "UP_x", Value: "one"}, {Name: "UP_y", Value: "two"}}
		if d := cmp.Diff(want, c.Variables()); d != "" {
			t.Error(d)
		}
		if n := c.Snapshot().Caller.Number; n != "42" {
			t.Errorf("caller %q", n)
		}
		if v, ok := c.ReadVariable(t.Context(), "UP(y)"); v != "two" || !ok {
			t.Errorf("UP(y) reads %q, %v", v, ok)
		}
		if v, ok := c.ReadVariable(t.Context(), "BROKEN(y)"); ok {
			t.Errorf("BROKEN reads %q", v)
		}
		if v, _ := c.ReadVariable(t.Context(), "CALLERID(num)"); v != "42" {
			t.Errorf("CALLERID(num) reads %q", v)
		}
		c.Hangup(cause.NormalClearing)
		<-c.Gone()
		if err := c.WriteVariable(t.Context(), "CHANNEL(language)", "de"); !errors.Is(err, pbx.ErrGone) {
			t.Errorf("after the end: %v", err)
		}
	})
}

// A pseudo channel runs a handler and can do nothing else.
func TestPseudo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := setup(t, pbx.Options{Language: "de"})
		ran := make(chan *pbx.Snapshot, 1)
		h := pbx.HandlerFunc(func(_ context.Context, c *pbx.Channel) {
			if v, _ := c.Variable("A"); v != "1" {
				t.Errorf("A = %q", v)
			}
			for what, err := range map[string]error{"answer": c.Answer(), "dial": c.Dial(pbx.DialOptions{}), "indicate": c.Indicate(17)} {
				if err == nil {
					t.Errorf("%s is possible", what)
				}
			}
			ran <- c.Snapshot()
		})
		c, err := s.Pseudo(t.Context(), pbx.PseudoOptions{Name: "Nobody", Context: "ctx", Variables: []call.Variable{{Name: "A", Value: "1"}}, Handler: h})
		if err != nil {
			t.Fatal(err)
		}
		<-c.Gone()
		if sn := <-ran; sn.Name != "Nobody" || sn.State != pbx.Down || sn.Context != "ctx" || sn.Language != "de" {
			t.Errorf("%+v", sn)
		}
		stop(t, s)
		if _, err := s.Pseudo(t.Context(), pbx.PseudoOptions{Name: "Nobody", Handler: h}); !errors.Is(err, pbx.ErrStopping) {
			t.Errorf("after Stop: %v", err)
		}
	})
}

// Indicate is a final refusal for a leg that knows nothing better.
func TestIndicate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := setup(t, pbx.Options{})
		defer stop(t, s)
		for code, want := range map[cause.Code]string{cause.UserBusy: "reject User busy", cause.CircuitCongestion: "reject Circuit/channel congestion", 99: "reject Circuit/channel congestion"} {
			l := &scripted{info: pbx.LegInfo{Technology: "Test", Name: "x"}}
			c, err := s.Incoming(l, pbx.IncomingOptions{Handler: pbx.HandlerFunc(func(_ context.Context, c *pbx.Channel) {
				if err := c.Indicate(code); err != nil {
					t.Error(err)
				}
			})})
			if err != nil {
				t.Fatal(err)
			}
			<-c.Gone()
			if got := l.heard(); len(got) != 1 || got[0] != want {
				t.Errorf("told %q, want %s", got, want)
			}
		}
		c, err := s.Originate(t.Context(), pbx.OriginateOptions{CreateOptions: pbx.CreateOptions{Endpoint: "Pretend/100"}})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Indicate(cause.UserBusy); !errors.Is(err, pbx.ErrState) {
			t.Errorf("on a channel that we dialled: %v", err)
		}
	})
}
