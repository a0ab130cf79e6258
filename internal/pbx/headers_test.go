package pbx_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/pretend"
)

func TestEditHeaders(t *testing.T) {
	s := pbx.New(pbx.Options{Linger: -1})
	s.Register(pretend.New(pretend.Options{}))
	t.Cleanup(func() { _ = s.Stop(t.Context()) })
	c, err := s.Create(t.Context(), pbx.CreateOptions{Endpoint: "Pretend/100", Headers: []pbx.Header{{Name: "X-A", Value: "1"}}})
	if err != nil {
		t.Fatal(err)
	}
	add := func(h []pbx.Header) []pbx.Header {
		return append(h, pbx.Header{Name: "X-B", Value: fmt.Sprint(len(h))})
	}
	if err := c.EditHeaders(add); err != nil {
		t.Fatal(err)
	}
	got, err := c.Headers()
	if d := cmp.Diff([]pbx.Header{{Name: "X-A", Value: "1"}, {Name: "X-B", Value: "1"}}, got); err != nil || d != "" {
		t.Errorf("headers: %v (-want +got):\n%s", err, d)
	}
	if err := c.Dial(pbx.DialOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := c.EditHeaders(add); err != pbx.ErrDialled {
		t.Errorf("after Dial: %v, want ErrDialled", err)
	}
	c.Hangup(cause.NormalClearing)
	<-c.Gone()
	if _, err := c.Headers(); err != pbx.ErrGone {
		t.Errorf("after the hangup: %v, want ErrGone", err)
	}
}

// noting is a technology that notes the headers with which its legs are dialled.
type noting struct{ dialled chan []pbx.Header }

type notingLeg struct {
	scripted
	to noting
}

func (noting) Name() string                       { return "Noting" }
func (noting) DeviceState(string) pbx.DeviceState { return pbx.DeviceUnknown }
func (noting) Endpoints() []call.EndpointState    { return nil }
func (n noting) Request(_ context.Context, _ string, o pbx.RequestOptions) (pbx.Leg, error) {
	return &notingLeg{scripted{on: o.OnEvent}, n}, nil
}

func (l *notingLeg) Dial(o pbx.DialOptions) error {
	l.to.dialled <- o.Headers
	return nil
}

// Each header goes out once: those of the channel, then those of the caller
// that came in, then those of the dial.
func TestHeadersAreDialledOnce(t *testing.T) {
	tech := noting{make(chan []pbx.Header, 1)}
	s := pbx.New(pbx.Options{Linger: -1})
	s.Register(tech)
	t.Cleanup(func() { _ = s.Stop(t.Context()) })
	caller, err := s.Incoming(&scripted{}, pbx.IncomingOptions{
		Endpoint: "bob", Handler: pbx.HandlerFunc(func(ctx context.Context, _ *pbx.Channel) { <-ctx.Done() }),
	})
	if err != nil {
		t.Fatal(err)
	}
	header := func(name string) []pbx.Header { return []pbx.Header{{Name: name, Value: "1"}} }
	if err := caller.EditHeaders(func([]pbx.Header) []pbx.Header { return header("X-Lent") }); err != nil {
		t.Fatal(err)
	}
	c, err := s.Create(t.Context(), pbx.CreateOptions{Endpoint: "Noting/1", Headers: header("X-Own")})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Dial(pbx.DialOptions{Caller: caller, Headers: header("X-Dial")}); err != nil {
		t.Fatal(err)
	}
	want := []pbx.Header{{Name: "X-Own", Value: "1"}, {Name: "X-Lent", Value: "1"}, {Name: "X-Dial", Value: "1"}}
	if d := cmp.Diff(want, <-tech.dialled); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	c.Hangup(cause.NormalClearing)
	caller.Hangup(cause.NormalClearing)
}
