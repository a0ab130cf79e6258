package pbx_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/pbx"
)

// arrivals is a dialplan that knows the extensions of one context and notes who came.
type arrivals struct {
	context string
	came    chan string
}

func (p *arrivals) Runner(t call.Then) (pbx.Handler, error) {
	if t.Kind != call.ThenDialplan || t.Context != p.context {
		return nil, pbx.ErrBuiltIn
	}
	return pbx.HandlerFunc(func(ctx context.Context, c *pbx.Channel) {
		p.came <- c.ID() + " at " + t.Extension
		<-ctx.Done()
	}), nil
}

// party is a channel of a remote application.
func (st *studio) party(id string) (*pbx.Channel, *talker) {
	st.t.Helper()
	c, l := st.up(id, func(o *pbx.CreateOptions) { o.ID, o.Context = id, "phones" })
	if err := c.Run(pbx.HandlerFunc(func(ctx context.Context, _ *pbx.Channel) { <-ctx.Done() })); err != nil {
		st.t.Fatal(err)
	}
	return c, l
}

func (st *studio) stasis(id string, members ...*pbx.Channel) *pbx.Bridge {
	st.t.Helper()
	br, err := st.s.NewBridge(pbx.BridgeOptions{ID: id, Class: "stasis", Creator: "Stasis"})
	if err != nil {
		st.t.Fatal(err)
	}
	for _, c := range members {
		if err := br.Add(c, pbx.AddOptions{}); err != nil {
			st.t.Fatal(err)
		}
	}
	return br
}

// A REFER in a remote application's bridge of two: the other party goes on in the
// dialplan, in the transferer's context, and the transferer is hung up.
func TestBlindTransferFromStasisBridge(t *testing.T) {
	p := &arrivals{context: "phones", came: make(chan string, 1)}
	inStudio(t, pbx.Options{Runner: p}, func(t *testing.T, st *studio) {
		events, end := st.s.Subscribe(pbx.EventFilter{Types: []pbx.EventType{pbx.BridgeBlindTransfer}}, 10)
		defer end()
		a, phone := st.party("a")
		b, _ := st.party("b")
		br := st.stasis("br", a, b)
		defer br.Destroy()
		phone.on(pbx.LegEvent{Kind: pbx.LegTransfer, Target: "200"})
		if got := <-p.came; got != "b at 200" {
			t.Errorf("came: %s", got)
		}
		<-a.Gone()
		e := <-events
		got, ok := e.Data.(*pbx.BlindTransfer)
		if !ok || e.Channel.ID != "a" || len(e.Bridge.Channels) != 2 {
			t.Fatalf("event: %+v", e)
		}
		if got.Transferee.ID != "b" || got.Extension != "200" || got.Context != "phones" || got.Result != pbx.TransferDone || !got.External {
			t.Errorf("transfer: %+v", got)
		}
		if v, _ := b.Variable("BLINDTRANSFER"); v != a.Name() {
			t.Errorf("BLINDTRANSFER = %q", v)
		}
		if n := len(br.Channels()); n != 0 {
			t.Errorf("%d members left", n)
		}
	})
}

// The party that is sent on is one whose handler ends with the bridge, as after Switch.Join:
// it goes on all the same, whatever comes first.
func TestBlindTransferOfOneThatLivesInTheBridge(t *testing.T) {
	inStudio(t, pbx.Options{Router: routes{"300": "Studio/c"}, Runner: slow{}}, func(t *testing.T, st *studio) {
		a, _ := st.up("a")
		b, heard := st.up("b")
		if err := st.s.Join(t.Context(), a, b); err != nil {
			t.Fatal(err)
		}
		if got := a.BlindTransfer("default", "300"); got != pbx.TransferDone {
			t.Fatalf("result %s", got)
		}
		<-a.Gone()
		synctest.Wait()
		c := st.phone("c")
		if c == nil || b.State() != pbx.Up {
			t.Fatal("who was sent on has been hung up")
		}
		c.says(900)
		c.does(pbx.LegAnswered)
		heard.expect("after the transfer", 900)
	})
}

// slow is a dialplan that knows nothing and takes its time to say so.
type slow struct{}

func (slow) Runner(call.Then) (pbx.Handler, error) {
	<-time.After(time.Second)
	return nil, pbx.ErrBuiltIn
}

// With nobody to send, the transfer is told as invalid and nothing else happens.
func TestBlindTransferOfNobody(t *testing.T) {
	inStudio(t, pbx.Options{}, func(t *testing.T, st *studio) {
		events, end := st.s.Subscribe(pbx.EventFilter{Types: []pbx.EventType{pbx.BridgeBlindTransfer}}, 10)
		defer end()
		a, phone := st.party("a")
		br := st.stasis("br", a)
		defer br.Destroy()
		phone.does(pbx.LegTransfer)
		if got := (<-events).Data.(*pbx.BlindTransfer); got.Result != pbx.TransferInvalid || got.Transferee != nil {
			t.Errorf("transfer: %+v", got)
		}
		if a.State() != pbx.Up || len(br.Channels()) != 1 {
			t.Error("the phone has left")
		}
	})
}

// A REFER that names the phone's second call joins the two others, and both calls
// of the phone end.
func TestAttendedTransferBetweenStasisBridges(t *testing.T) {
	inStudio(t, pbx.Options{}, func(t *testing.T, st *studio) {
		events, end := st.s.Subscribe(pbx.EventFilter{Types: []pbx.EventType{pbx.BridgeAttendedTransfer}}, 10)
		defer end()
		st.phoneName = "desk"
		a1, first := st.party("a1")
		st.callID = "second@phone"
		a2, _ := st.party("a2")
		st.callID, st.phoneName = "", ""
		x, heard := st.party("x")
		y, speaks := st.party("y")
		speaks.says(700)
		br1, br2 := st.stasis("br1", a1, x), st.stasis("br2", a2, y)
		defer br1.Destroy()
		defer br2.Destroy()
		first.on(pbx.LegEvent{Kind: pbx.LegTransfer, Target: "y", Text: "second@phone;to-tag=1;from-tag=2"})
		<-a1.Gone()
		<-a2.Gone()
		heard.expect("the other side of the second call", 700)
		e := <-events
		got, ok := e.Data.(*pbx.AttendedTransfer)
		if !ok || got.Result != pbx.TransferDone || got.Destination != "br2" || got.Transferee.ID != "x" || got.Target.ID != "y" ||
			got.First.ID != "a1" || got.Second.ID != "a2" || got.FirstBridge.ID != "br1" || got.SecondBridge.ID != "br2" {
			t.Errorf("event: %+v", e.Data)
		}
		if got := br2.Channels(); len(got) != 2 || x.State() != pbx.Up || y.State() != pbx.Up {
			t.Errorf("together: %v", got)
		}
	})
}

// A REFER that names somebody else's call takes nothing over: it is a blind one.
func TestAttendedTransferOfAStrangersCall(t *testing.T) {
	p := &arrivals{context: "phones", came: make(chan string, 1)}
	inStudio(t, pbx.Options{Runner: p}, func(t *testing.T, st *studio) {
		a, phone := st.party("a")
		b, _ := st.party("b")
		st.callID = "secret@other"
		other, _ := st.party("other")
		st.callID = ""
		br, theirs := st.stasis("br", a, b), st.stasis("theirs", other)
		defer br.Destroy()
		defer theirs.Destroy()
		phone.on(pbx.LegEvent{Kind: pbx.LegTransfer, Target: "200", Text: "secret@other;to-tag=1;from-tag=2"})
		if got := <-p.came; got != "b at 200" {
			t.Errorf("came: %s", got)
		}
		<-a.Gone()
		if got := theirs.Channels(); len(got) != 1 || other.State() != pbx.Up {
			t.Errorf("the stranger's bridge: %v", got)
		}
	})
}
