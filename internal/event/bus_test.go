package event_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/event"
)

func TestBusDeliversInOrder(t *testing.T) {
	var b event.Bus[int]
	all := b.Subscribe(10, nil)
	even := b.Subscribe(10, func(i int) bool { return i%2 == 0 })
	b.Publish(1, 2)
	b.Publish(3, 4)
	for _, c := range []struct {
		s    *event.Subscription[int]
		want []int
	}{{all, []int{1, 2, 3, 4}}, {even, []int{2, 4}}} {
		got, missed, err := c.s.Next(t.Context())
		if err != nil || missed != 0 {
			t.Fatalf("Next: missed %d, %v", missed, err)
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Error(d)
		}
	}
}

func TestSlowSubscriberIsToldWhatItMissed(t *testing.T) {
	var b event.Bus[int]
	s := b.Subscribe(2, nil)
	b.Publish(1, 2, 3, 4, 5)
	got, missed, err := s.Next(t.Context())
	if err != nil || missed != 3 || !cmp.Equal(got, []int{1, 2}) {
		t.Fatalf("got %v, missed %d, %v; want [1 2], 3", got, missed, err)
	}
	b.Publish(6)
	if got, missed, _ := s.Next(t.Context()); missed != 0 || !cmp.Equal(got, []int{6}) {
		t.Errorf("after the gap: got %v, missed %d", got, missed)
	}
}

func TestNextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b event.Bus[string]
		reason := errors.New("had enough")
		ctx, cancel := context.WithCancelCause(t.Context())
		var wg sync.WaitGroup
		s1, s2 := b.Subscribe(1, nil), b.Subscribe(1, nil)
		wg.Go(func() {
			if _, _, err := s1.Next(ctx); !errors.Is(err, reason) {
				t.Errorf("cancelled Next: %v", err)
			}
		})
		wg.Go(func() {
			if _, _, err := s2.Next(t.Context()); !errors.Is(err, event.ErrClosed) {
				t.Errorf("closed Next: %v", err)
			}
		})
		synctest.Wait()
		cancel(reason)
		s2.Close()
		s2.Close()
		wg.Wait()
		if n := b.Subscribers(); n != 1 {
			t.Errorf("%d subscribers, want 1", n)
		}
	})
}

func TestBusCloseKeepsWhatIsBuffered(t *testing.T) {
	var b event.Bus[int]
	s := b.Subscribe(4, nil)
	b.Publish(7)
	b.Close()
	b.Close()
	if got, _, err := s.Next(t.Context()); err != nil || !cmp.Equal(got, []int{7}) {
		t.Errorf("got %v, %v", got, err)
	}
	if _, _, err := s.Next(t.Context()); !errors.Is(err, event.ErrClosed) {
		t.Errorf("got %v, want ErrClosed", err)
	}
	if _, _, err := b.Subscribe(1, nil).Next(t.Context()); !errors.Is(err, event.ErrClosed) {
		t.Errorf("late subscriber: %v", err)
	}
	s.Close()
}

// Every subscriber sees concurrent publishers in the same order, and counts
// what it missed: nothing is lost silently.
func TestConcurrentPublishersNothingLostSilently(t *testing.T) {
	var b event.Bus[int]
	const writers, each = 8, 500
	small, large := b.Subscribe(7, nil), b.Subscribe(writers*each, nil)
	count := func(s *event.Subscription[int]) (n int) {
		for n < writers*each {
			got, missed, err := s.Next(t.Context())
			if err != nil {
				t.Error(err)
				return n
			}
			n += len(got) + int(missed)
		}
		return n
	}
	var readers, pubs sync.WaitGroup
	for _, s := range []*event.Subscription[int]{small, large} {
		readers.Go(func() {
			if n := count(s); n != writers*each {
				t.Errorf("accounted for %d of %d", n, writers*each)
			}
		})
	}
	for w := range writers {
		pubs.Go(func() {
			for i := range each {
				b.Publish(w*each + i)
			}
		})
	}
	pubs.Wait()
	readers.Wait()
}
