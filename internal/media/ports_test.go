package media

import (
	"errors"
	"net/netip"
	"syscall"
	"testing"
	"time"
)

func TestM1_PortPool(t *testing.T) {
	now := time.Unix(1000, 0)
	pp := newPortPool(10001, 10008) // pairs 10002, 10004, 10006
	seen := map[int]bool{}
	for range 3 {
		port, ok := pp.take(now)
		if !ok || port%2 != 0 || port < 10002 || port > 10006 || seen[port] {
			t.Fatalf("take = %d, %v after %v", port, ok, seen)
		}
		seen[port] = true
	}
	if port, ok := pp.take(now); ok {
		t.Fatalf("fourth of three pairs: %d", port)
	}
	if port, ok := pp.takeTired(); ok {
		t.Fatalf("nobody rests, and yet %d", port)
	}
	pp.release(10004, now, false)
	if _, ok := pp.take(now.Add(portRest - 1)); ok {
		t.Error("a pair was reused before its rest")
	}
	if free, used, resting := pp.counts(now); free != 0 || used != 2 || resting != 1 {
		t.Errorf("counts = %d free, %d used, %d resting", free, used, resting)
	}
	if port, ok := pp.take(now.Add(portRest)); !ok || port != 10004 {
		t.Errorf("after the rest: %d, %v", port, ok)
	}
	pp.release(10002, now, true)
	pp.release(10006, now, false)
	if port, ok := pp.takeTired(); !ok || port != 10006 {
		t.Errorf("rather than refuse a call: %d, %v; want 10006", port, ok)
	}
	if port, ok := pp.takeTired(); ok {
		t.Errorf("somebody else's port was given: %d", port)
	}
}

func TestM1_EngineRefuses(t *testing.T) {
	at := func(port uint16) netip.AddrPort {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port)
	}
	tests := []struct {
		name  string
		taken map[uint16]error
		want  int // sessions before the refusal
	}{
		{"range used up", nil, 3},
		{"somebody else's port is skipped", map[uint16]error{20002: syscall.EADDRINUSE}, 2},
		{"RTCP port taken", map[uint16]error{20005: syscall.EADDRINUSE}, 2},
		{"no file descriptors", map[uint16]error{20000: syscall.EMFILE, 20002: syscall.EMFILE, 20004: syscall.EMFILE}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n := newFakeNet()
			for port, err := range tt.taken {
				n.taken[at(port)] = err
			}
			e, err := New(Config{PortMin: 20000, PortMax: 20005, ListenPacket: n.listen})
			if err != nil {
				t.Fatal(err)
			}
			for i := range tt.want {
				r, err := e.OpenRTP(RTPOptions{})
				if err != nil {
					t.Fatalf("session %d: %v", i, err)
				}
				defer r.Close()
			}
			if _, err := e.OpenRTP(RTPOptions{}); !errors.Is(err, ErrNoPorts) {
				t.Errorf("error = %v, want ErrNoPorts", err)
			}
			if s := e.Stats(); s.Refused != 1 || s.Sessions != tt.want || s.PairsUsed != tt.want {
				t.Errorf("stats %+v", s)
			}
		})
	}
}

// TestM1_AnotherServerOnTheSameRange: all pairs but one belong to somebody
// else. That one is found; the next session is refused.
func TestM1_AnotherServerOnTheSameRange(t *testing.T) {
	const first, pairs, free = 20000, 1000, 777
	n := newFakeNet()
	for i := range pairs {
		if i != free {
			n.taken[netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(first+2*i))] = syscall.EADDRINUSE
		}
	}
	e, err := New(Config{PortMin: first, PortMax: first + 2*pairs - 1, ListenPacket: n.listen})
	if err != nil {
		t.Fatal(err)
	}
	r, err := e.OpenRTP(RTPOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got := r.LocalAddr().Port(); got != first+2*free {
		t.Errorf("port %d", got)
	}
	if _, err := e.OpenRTP(RTPOptions{}); !errors.Is(err, ErrNoPorts) {
		t.Errorf("error = %v, want ErrNoPorts", err)
	}
}

// TestM1_RunsOfAnotherServerAreLeft: where half the range is one run of
// somebody else's ports, a session does not have to try all of them.
func TestM1_RunsOfAnotherServerAreLeft(t *testing.T) {
	const first, pairs = 20000, 1000
	n := newFakeNet()
	for i := range pairs / 2 {
		n.taken[netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(first+2*i))] = syscall.EADDRINUSE
	}
	e, err := New(Config{PortMin: first, PortMax: first + 2*pairs - 1, ListenPacket: n.listen})
	if err != nil {
		t.Fatal(err)
	}
	e.pool.next = 0
	r, err := e.OpenRTP(RTPOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, _, resting := e.pool.counts(time.Now()); resting > 100 { // each further try has an even chance
		t.Errorf("%d foreign pairs were tried", resting)
	}
}

func TestM1_BadRange(t *testing.T) {
	for _, c := range []Config{{PortMin: 5, PortMax: 4}, {PortMin: 10, PortMax: 10}, {PortMin: 70000, PortMax: 70010}, {PortMin: 11, PortMax: 12}} {
		if _, err := New(c); err == nil {
			t.Errorf("range %d-%d was accepted", c.PortMin, c.PortMax)
		}
	}
}

func TestEngineStopsTwiceAndBeforeStart(t *testing.T) {
	e, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := e.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if err := e.Start(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("Start after Stop: %v", err)
	}
	if _, err := e.OpenRTP(RTPOptions{}); !errors.Is(err, ErrClosed) {
		t.Errorf("OpenRTP after Stop: %v", err)
	}
}
