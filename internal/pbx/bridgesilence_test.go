package pbx

import (
	"slices"
	"testing"
	"testing/synctest"
)

// BridgeDestroyed is the last that is heard of a bridge: it waits for what the
// bridge's actor has still to say.
func TestBridgeDestroyedIsLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{})
		var heard []EventType
		defer s.Observe(func(e *Event) { heard = append(heard, e.Type) })()
		b, err := s.NewBridge(BridgeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		hold := make(chan struct{})
		b.box.post(func() {
			<-hold
			b.emitPlayback(Event{Type: PlaybackFinished})
		})
		go b.Destroy()
		synctest.Wait()
		if want := []EventType{BridgeCreated}; !slices.Equal(want, heard) {
			t.Errorf("before: %v", heard)
		}
		close(hold)
		synctest.Wait()
		if want := []EventType{BridgeCreated, PlaybackFinished, BridgeDestroyed}; !slices.Equal(want, heard) {
			t.Errorf("events %v", heard)
		}
	})
}
