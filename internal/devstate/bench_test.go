package devstate

import (
	"fmt"
	"testing"

	"github.com/dialwright/dialwright/internal/pbx"
)

// crowd is a table of n phones that nobody starts: its queue is emptied by hand.
func crowd(n int) *Table {
	t := New(Options{Switch: pbx.New(pbx.Options{})})
	for i := range n {
		t.Endpoint(pbx.EndpointStateChange, pbx.EndpointSnapshot{Technology: "PJSIP", Resource: fmt.Sprint(1000 + i), State: online})
	}
	t.queue.take()
	return t
}

// ofACall are the events of one call of a phone that the table looks at.
func ofACall(i int) []*pbx.Event {
	at := func(typ pbx.EventType, s pbx.State) *pbx.Event {
		phone := fmt.Sprint(1000 + i%5000)
		return &pbx.Event{Type: typ, Seq: uint64(i), Channel: &pbx.Snapshot{ID: fmt.Sprint("c", i), Name: "PJSIP/" + phone + "-00000001", Technology: "PJSIP", Phone: phone, State: s}}
	}
	return []*pbx.Event{at(pbx.ChannelCreated, pbx.Down), at(pbx.ChannelStateChange, pbx.Ringing), at(pbx.ChannelStateChange, pbx.Up), at(pbx.ChannelDestroyed, pbx.Up)}
}

// BenchmarkCall is what one call costs while the bus is locked: four events of
// one channel, among 5,000 phones. Another event costs BenchmarkOtherEvent.
func BenchmarkCall(b *testing.B) {
	t := crowd(5000)
	calls := make([][]*pbx.Event, 5000)
	for i := range calls {
		calls[i] = ofACall(i)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		for _, e := range calls[i%len(calls)] {
			t.observe(e)
		}
		if i++; i%1000 == 0 {
			t.queue.take()
		}
	}
}

func BenchmarkOtherEvent(b *testing.B) {
	t, e := crowd(1), &pbx.Event{Type: pbx.ChannelVarset, Channel: &pbx.Snapshot{}}
	for b.Loop() {
		t.observe(e)
	}
}

func BenchmarkEndpointsOf5000Phones(b *testing.B) {
	t := crowd(5000)
	for b.Loop() {
		if len(t.Endpoints()) != 5000 {
			b.Fatal("endpoints are missing")
		}
	}
}

// TestCostOfACall keeps what a call costs small, in allocations, which do not
// depend on the machine: the record, its places in two maps, and one notice per change.
func TestCostOfACall(t *testing.T) {
	table := crowd(5000)
	events := ofACall(17)
	got := testing.AllocsPerRun(1000, func() {
		for _, e := range events {
			table.observe(e)
		}
		table.queue.take()
	})
	if got > 16 {
		t.Errorf("a call costs %.0f allocations", got)
	}
	if n := len(table.channels) + len(table.devices[key("PJSIP/1017")].channels); n != 0 {
		t.Errorf("%d channels left", n)
	}
}
