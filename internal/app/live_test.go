package app

import (
	"testing"

	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/pretend"
)

// All bridges of a creator go at once, and with hangup their channels; others stay
// (spec: ari 1 C4).
func TestLiveDestroysBridges(t *testing.T) {
	s := pbx.New(pbx.Options{})
	s.Register(pretend.New(pretend.Options{}))
	defer func() {
		if err := s.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	for _, o := range []pbx.BridgeOptions{{ID: "a", Creator: "Stasis"}, {ID: "b", Creator: "Stasis"}, {ID: "c", Creator: "Dial"}} {
		if _, err := s.NewBridge(o); err != nil {
			t.Fatal(err)
		}
	}
	member, err := s.Create(t.Context(), pbx.CreateOptions{Endpoint: "Pretend/1"})
	if err != nil {
		t.Fatal(err)
	}
	a, _ := s.Bridge("a")
	if err := a.Add(member, pbx.AddOptions{}); err != nil {
		t.Fatal(err)
	}
	if n, err := (live{s}).DestroyBridges(t.Context(), "Stasis", true); n != 2 || err != nil {
		t.Errorf("%d destroyed, %v", n, err)
	}
	<-member.Gone()
	left, err := live{s}.Bridges(t.Context())
	if err != nil || len(left) != 1 || left[0].ID != "c" || left[0].Creator != "Dial" {
		t.Errorf("left: %+v, %v", left, err)
	}
}
