package ari

import (
	"net"
	"testing"
	"time"
)

// discard is a connection whose peer reads everything.
type discard struct {
	net.Conn
	got int
}

func (d *discard) Write(p []byte) (int, error)      { d.got += len(p); return len(p), nil }
func (d *discard) SetWriteDeadline(time.Time) error { return nil }

// A batch costs no new buffer in each round, not even after one that had nothing to
// send: a stream ends every burst with such a one.
func TestBatchKeepsItsBuffer(t *testing.T) {
	to := &discard{}
	b := newBatch()
	b.Conn = to
	event := make([]byte, 500)
	rounds := 0
	allocations := testing.AllocsPerRun(100, func() {
		rounds++
		for range 20 {
			if _, err := b.Write(event); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			if err := b.flush(time.Second); err != nil {
				t.Fatal(err)
			}
		}
	})
	if allocations > 0 {
		t.Errorf("%g allocations in each round", allocations)
	}
	if to.got != rounds*20*len(event) {
		t.Errorf("%d bytes sent, want %d", to.got, rounds*20*len(event))
	}
}
