package pbx

import (
	"errors"
	"testing"
	"testing/synctest"
)

// A bridge that is asked for too much at once refuses, and goes on when it has room.
func TestOverloadedBridgeRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, err := New(Options{}).NewBridge(BridgeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		hold := make(chan struct{})
		b.box.post(func() { <-hold })
		synctest.Wait()
		for range mailboxBound {
			if !b.box.post(func() {}) {
				t.Fatal("refused with room left")
			}
		}
		if err := b.do(func() error { return nil }); !errors.Is(err, ErrOverloaded) {
			t.Errorf("error %v, want ErrOverloaded", err)
		}
		close(hold)
		synctest.Wait()
		if err := b.do(func() error { return nil }); err != nil {
			t.Errorf("with room again: %v", err)
		}
		b.Destroy()
		if err := b.do(func() error { return nil }); !errors.Is(err, ErrGone) {
			t.Errorf("after the end: error %v, want ErrGone", err)
		}
	})
}
