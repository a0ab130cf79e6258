package pbx_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/pretend"
)

func TestDialledLegs(t *testing.T) {
	s := pbx.New(pbx.Options{Linger: -1})
	s.Register(pretend.New(pretend.Options{}))
	t.Cleanup(func() { _ = s.Stop(t.Context()) })
	caller, err := s.Create(t.Context(), pbx.CreateOptions{Endpoint: "Pretend/100"})
	if err != nil {
		t.Fatal(err)
	}
	dial := func(to string) *pbx.Channel {
		c, err := s.Create(t.Context(), pbx.CreateOptions{Endpoint: call.Endpoint("Pretend/" + to)})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Dial(pbx.DialOptions{Caller: caller}); err != nil {
			t.Fatal(err)
		}
		<-c.Gone()
		return c
	}
	first := dial("1486")
	legs := caller.DialledLegs()
	if len(legs) != 1 || legs[0].Name != first.Name() || legs[0].Result.Cause != cause.UserBusy || legs[0].Result.SIPStatus != 486 {
		t.Errorf("legs %+v, want one that was busy", legs)
	}
	var names []string
	for range 70 {
		names = append(names, dial("1486").Name())
	}
	var got []string
	for _, l := range caller.DialledLegs() {
		got = append(got, l.Name)
	}
	if d := cmp.Diff(names[len(names)-64:], got); d != "" {
		t.Errorf("the newest are kept (-want +got):\n%s", d)
	}
	caller.ForgetDialledLegs()
	if legs := caller.DialledLegs(); len(legs) != 0 {
		t.Errorf("still %d legs", len(legs))
	}
}
