package stasis_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"

	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/stasis"
)

// How long the bus is held for an event of one of 10,000 channels, by how many
// applications want it, and what an event costs until it is read.
func BenchmarkDelivery(b *testing.B) {
	for _, apps := range []int{0, 1, 2, 10} {
		for _, resume := range []bool{false, true} {
			if apps == 0 && resume {
				continue
			}
			b.Run(fmt.Sprintf("apps=%d/resume=%t", apps, resume), func(b *testing.B) { benchDelivery(b, apps, resume) })
		}
	}
}

func benchDelivery(b *testing.B, apps int, resume bool) {
	sw := pbx.New(pbx.Options{})
	hub := stasis.New(stasis.Options{Switch: sw, Journal: 1 << 16})
	defer hub.Stop()
	sessions := make([]*stasis.Session, apps)
	for i := range apps {
		s, err := hub.Attach(stasis.SessionOptions{Apps: []string{fmt.Sprint("app", i)}, SubscribeAll: true, Resume: resume})
		if err != nil {
			b.Fatal(err)
		}
		sessions[i] = s
	}
	const channels = 10_000
	snaps := make([]*pbx.Snapshot, channels)
	for i := range snaps {
		snaps[i] = &pbx.Snapshot{ID: fmt.Sprintf("1795320179.%d", i), Technology: "PJSIP", Phone: "callee"}
		br := &pbx.BridgeSnapshot{ID: fmt.Sprint("b", i/2)}
		sw.Tell(pbx.Event{Type: pbx.BridgeCreated, Bridge: br})
		sw.Tell(pbx.Event{Type: pbx.ChannelEnteredBridge, Bridge: br, Channel: snaps[i]})
	}
	read := func() {
		for _, s := range sessions {
			if _, err := s.Next(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	}
	read()
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		sw.Tell(pbx.Event{Type: pbx.ChannelVarset, Channel: snaps[n%channels], Variable: "X", Value: "1"})
		if n++; n%512 == 0 {
			read()
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// What a kept event costs: the journal of a client that is away.
func BenchmarkJournalMemory(b *testing.B) {
	sw := pbx.New(pbx.Options{})
	hub := stasis.New(stasis.Options{Switch: sw, Journal: max(b.N, 1)})
	defer hub.Stop()
	s, err := hub.Attach(stasis.SessionOptions{Apps: []string{"away"}, SubscribeAll: true, Resume: true})
	if err != nil {
		b.Fatal(err)
	}
	s.Close()
	snap := &pbx.Snapshot{ID: "1"}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for range b.N {
		sw.Tell(pbx.Event{Type: pbx.ChannelVarset, Channel: snap, Variable: "X", Value: "1"})
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(b.N), "bytes/event")
	if _, ok := hub.App("away"); !ok {
		b.Error("it is gone")
	}
}

// A client that comes back to a full journal.
func BenchmarkResume(b *testing.B) {
	sw := pbx.New(pbx.Options{})
	hub := stasis.New(stasis.Options{Switch: sw})
	defer hub.Stop()
	o := stasis.SessionOptions{Apps: []string{"lab"}, SubscribeAll: true, Resume: true}
	s, err := hub.Attach(o)
	if err != nil {
		b.Fatal(err)
	}
	o.Cursor = s.Begin()
	s.Close()
	for range 16384 {
		sw.Tell(pbx.Event{Type: pbx.ChannelVarset, Channel: &pbx.Snapshot{ID: "1"}})
	}
	b.ReportAllocs()
	for b.Loop() {
		s, err := hub.Attach(o)
		if err != nil {
			b.Fatal(err)
		}
		if items, err := s.Next(context.WithoutCancel(b.Context())); err != nil || len(items) != 16384 {
			b.Fatal(len(items), err)
		}
		s.Close()
	}
}
