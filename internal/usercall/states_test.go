package usercall_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/usercall"
)

// A click in both pictures: of who clicked, and of the phone that is called.
func TestClick(t *testing.T) {
	bubble(t, func(h *house) {
		mine, theirs, all := h.watch("101180"), h.watch("102180"), h.watch("")
		c := h.click("101180?ring=2s", "102180?ring=3s&hold=5s&resume=5s&talk=20s")
		h.pass(time.Second)
		began := time.Now().Add(-time.Second)
		want := usercall.Call{
			ID: string(c.ID), Phone: "101180", State: usercall.Alerting, From: self("101180"), To: call.CallerID{Name: "Dr. B", Number: "102180"},
			Door: "test", Reference: "as typed: 102180?ring=3s&hold=5s&resume=5s&talk=20s", Account: "sales",
		}
		same(t, h.only("101180"), want)
		h.want("102180", "")

		h.pass(2 * time.Second)
		want.State, want.Codecs = usercall.Ringback, [2]string{"PCMU", ""}
		same(t, h.only("101180"), want)
		b := h.only("102180")
		same(t, b, usercall.Call{
			ID: b.ID, Phone: "102180", State: usercall.Alerting, Incoming: true, From: call.CallerID{Number: "101180"}, To: self("102180"),
			Account: "sales", Codecs: [2]string{"", "PCMU"},
		})
		if b.ID == want.ID {
			t.Error("the called phone's call has the ID of the click")
		}

		h.pass(3 * time.Second)
		a := h.only("101180")
		if a.State != usercall.Connected || a.Connected.Sub(began).Round(time.Second) != 5*time.Second || a.Codecs != [2]string{"PCMU", "PCMU"} {
			t.Errorf("connected: %+v", a)
		}
		if b := h.only("102180"); b.State != usercall.Connected || len(b.CallIDs) != len(a.CallIDs) || !b.Connected.Equal(a.Connected) {
			t.Errorf("connected: %+v", b)
		}
		h.pass(5 * time.Second)
		h.want("101180", "onhold")
		h.want("102180", "holding")
		h.pass(5 * time.Second)
		h.want("", "connected connected")
		if again := h.only("101180"); !again.Connected.Equal(a.Connected) {
			t.Errorf("a hold moved the time of the connection from %v to %v", a.Connected, again.Connected)
		}
		h.pass(time.Minute)
		h.want("", "")
		mine.want(t, "alerting", "ringback", "connected", "onhold", "connected", "")
		theirs.want(t, "alerting", "connected", "holding", "connected", "")
		for _, frame := range []string{"ringback alerting", "connected connected", "onhold holding", ""} {
			if !slices.Contains(all.frames, frame) {
				t.Errorf("of all phones %q was not seen: %q", frame, all.frames)
			}
		}
	})
}

// same compares two calls but for times and SIP Call-IDs.
func same(t *testing.T, got, want usercall.Call) {
	t.Helper()
	if d := cmp.Diff(want, got, cmpopts.IgnoreFields(usercall.Call{}, "Start", "Connected", "CallIDs")); d != "" {
		t.Errorf("call (-want +got):\n%s", d)
	}
	if got.Start.IsZero() {
		t.Error("the call has no start")
	}
}

// A click that comes to nothing goes away in whatever state it was.
func TestClickEnds(t *testing.T) {
	for _, c := range []struct {
		name, a, b string
		frames     []string
	}{
		{"phone is busy", "101486?ring=1s", "102", []string{"alerting", ""}},
		{"nobody answers", "101000", "102", []string{"alerting", ""}},
		{"other side is busy", "101", "102486?ring=1s", []string{"alerting", "ringback", ""}},
		{"hung up by the phone", "101180?ring=1s&talk=10s", "102180?ring=1s", []string{"alerting", "ringback", "connected", ""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(h *house) {
				phone, _, _ := strings.Cut(c.a, "?")
				film := h.watch(phone)
				h.click(c.a, c.b)
				h.pass(2 * time.Minute)
				h.want("", "")
				film.want(t, c.frames...)
			})
		})
	}
	bubble(t, func(h *house) { // it is over before anybody can see it
		h.click("101offline", "102")
		h.pass(time.Second)
		h.want("", "")
	})
}

// A second attempt is the same call again.
func TestRetry(t *testing.T) {
	bubble(t, func(h *house) {
		c := h.click("101486?ring=1s", "102", func(r *call.Request) { r.Retry = call.Retry{Max: 1, Wait: 10 * time.Second} })
		for range 2 {
			h.pass(500 * time.Millisecond)
			if got := h.only("101486"); got.ID != string(c.ID) || got.State != usercall.Alerting {
				t.Errorf("%+v", got)
			}
			h.pass(5 * time.Second)
			h.want("", "")
			h.pass(5 * time.Second)
		}
	})
}

// A phone that calls another one: one call of each.
func TestPhoneToPhone(t *testing.T) {
	bubble(t, func(h *house) {
		film := h.watch("201")
		a := h.dialled("201", "102180?ring=2s&hold=3s&resume=3s&talk=10s")
		h.pass(time.Second)
		same(t, h.only("201"), usercall.Call{
			ID: a.ID(), Phone: "201", State: usercall.Ringback, From: self("201"), Account: "sales",
			To: call.CallerID{Number: "102180?ring=2s&hold=3s&resume=3s&talk=10s"},
		})
		b := h.only("102180")
		if b.State != usercall.Alerting || !b.Incoming || b.From.Number != "201" || b.To != self("102180") {
			t.Errorf("%+v", b)
		}
		h.pass(2 * time.Second)
		h.want("201", "connected")
		h.want("102180", "connected")
		if ids := h.only("201").CallIDs; len(ids) != 2 || ids[0] != "set-201" {
			t.Errorf("Call-IDs %q", ids)
		}
		h.pass(3 * time.Second)
		h.want("201", "onhold")
		h.want("102180", "holding")
		a.Deliver(pbx.LegEvent{Kind: pbx.LegHeld}) // each holds the other
		h.want("201", "holding")
		h.pass(3 * time.Second)
		h.want("201", "holding")
		h.want("102180", "onhold")
		a.Deliver(pbx.LegEvent{Kind: pbx.LegResumed})
		h.want("", "connected connected")
		h.pass(time.Minute)
		film.want(t, "ringback", "connected", "onhold", "holding", "connected", "")
	})
}

// A call from outside shows its trunk.
func TestFromTrunk(t *testing.T) {
	bubble(t, func(h *house) {
		out := h.called("+4930111", "102180?ring=2s")
		h.pass(time.Second)
		got := h.only("102180")
		if !got.Incoming || got.State != usercall.Alerting || got.From.Number != "+4930111" || got.Trunk != "carrier" {
			t.Errorf("%+v", got)
		}
		h.pass(2 * time.Second)
		if got := h.only("102180"); got.State != usercall.Connected || got.Codecs != [2]string{"PCMU", "G722"} {
			t.Errorf("%+v", got)
		}
		out.Deliver(pbx.LegEvent{Kind: pbx.LegEnded, ByPeer: true, Cause: cause.NormalClearing})
		h.want("", "")
	})
}

// Who holds behind Local channels holds all the same.
func TestThroughLocal(t *testing.T) {
	bubble(t, func(h *house) {
		a := h.dialled("201", "Local/102180?ring=2s@default")
		h.pass(time.Second)
		h.want("201", "ringback")
		h.want("102180", "alerting")
		h.pass(2 * time.Second)
		h.want("", "connected connected")
		a.Deliver(pbx.LegEvent{Kind: pbx.LegHeld})
		h.want("201", "holding")
		h.want("102180", "onhold")
		a.Deliver(pbx.LegEvent{Kind: pbx.LegResumed})
		h.want("102180", "connected")
	})
}

// What doors place on the switch without the queue: a channel that is originated and given
// to something, and a conference.
func TestPlacedOnTheSwitch(t *testing.T) {
	bubble(t, func(h *house) {
		conference, err := h.sw.NewBridge(pbx.BridgeOptions{})
		h.must(err)
		for _, phone := range []string{"101180?ring=1s", "102180?ring=1s", "103180?ring=1s"} {
			_, err := h.sw.Originate(h.Context(), pbx.OriginateOptions{
				CreateOptions: pbx.CreateOptions{Endpoint: call.Endpoint("Pretend/" + phone), CallerID: call.CallerID{Name: "Room", Number: "8000"}, Account: "sales"},
				Handler: pbx.HandlerFunc(func(ctx ctx, c *pbx.Channel) {
					if err := conference.Add(c, pbx.AddOptions{}); err != nil {
						t.Error(err)
					}
					<-ctx.Done()
				}),
			})
			h.must(err)
		}
		h.pass(500 * time.Millisecond)
		same(t, h.only("102180"), usercall.Call{
			ID: h.only("102180").ID, Phone: "102180", State: usercall.Alerting, Incoming: true,
			From: call.CallerID{Name: "Room", Number: "8000"}, To: self("102180"), Account: "sales",
		})
		h.pass(2 * time.Second)
		h.want("", "connected connected connected")
		lot, err := h.sw.NewBridge(pbx.BridgeOptions{Type: pbx.Holding, Class: "parking"})
		h.must(err)
		c, _ := h.sw.Channel(h.only("101180").ID)
		h.must(lot.Add(c, pbx.AddOptions{}))
		h.want("101180", "onhold")
		if !h.only("101180").Parked || h.only("102180").Parked {
			t.Errorf("parked: %+v", h.table.Of(""))
		}
		h.must(conference.Add(c, pbx.AddOptions{}))
		h.want("101180", "connected")
		conference.Destroy()
		lot.Destroy()
	})
}

// The oldest call comes first, and a phone may have several.
func TestSeveralCalls(t *testing.T) {
	bubble(t, func(h *house) {
		first := h.dialled("201", "102")
		h.pass(time.Second)
		second := h.dialled("201", "103180?ring=1h")
		h.pass(time.Second)
		h.called("+4930111", "201") // to a pretended phone of that name
		h.want("201", "connected ringback connected")
		list := h.table.Of("201")
		if list[0].ID != first.ID() || list[1].ID != second.ID() || list[2].Trunk != "carrier" {
			t.Errorf("order: %+v", list)
		}
		if n := len(h.table.Of("")); n != 5 {
			t.Errorf("%d calls of all phones, want 5", n)
		}
		first.Hangup(cause.NormalClearing)
		h.want("201", "ringback connected")
	})
}

// What does not change a picture is not told, and after stop nothing is.
func TestWatchIsQuiet(t *testing.T) {
	bubble(t, func(h *house) {
		a := h.dialled("201", "102")
		h.pass(time.Second)
		film := h.watch("201")
		h.must(a.SetVariable("X", "1"))
		h.must(a.UserEvent("hello", "you"))
		h.must(a.SetCallerID(self("201")))
		h.click("105", "106")
		h.pass(time.Second)
		film.want(t)
		told := 0
		stop := h.table.Watch("201", func() { told++ })
		a.Deliver(pbx.LegEvent{Kind: pbx.LegHeld})
		h.pass(time.Second)
		stop()
		stop()
		a.Deliver(pbx.LegEvent{Kind: pbx.LegResumed})
		h.pass(time.Second)
		film.want(t, "holding", "connected")
		if told != 1 {
			t.Errorf("told %d times, want 1", told)
		}
	})
}

// A table that begins late sees what there is already.
func TestLateStart(t *testing.T) {
	bubble(t, func(h *house) {
		h.dialled("201", "102")
		h.pass(time.Second)
		late := usercall.New(usercall.Options{Switch: h.sw})
		h.must(late.Start(t.Context()))
		h.pass(0)
		if got := states(late.Of("")); got != "connected connected" {
			t.Errorf("%q", got)
		}
		h.must(late.Stop(t.Context()))
		h.must(late.Stop(t.Context()))
		h.must(usercall.New(usercall.Options{Switch: h.sw}).Stop(t.Context()))
	})
}
