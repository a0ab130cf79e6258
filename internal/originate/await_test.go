package originate_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialwright/dialwright/internal/call"
)

func TestAwaitFirst(t *testing.T) {
	for _, c := range []struct {
		name     string
		engine   placer
		change   func(*call.Request)
		answered bool
		why      call.Disposition
		after    time.Duration
	}{
		{"answered, and still talking", answering(time.Hour), nil, true, "", 0},
		{"busy", always(call.Busy), nil, false, call.Busy, 0},
		{"busy, and again", always(call.Busy), func(r *call.Request) { r.Retry = call.Retry{Max: 1, Wait: time.Minute} }, false, call.Busy, time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := setup(t, c.engine, nil)
				began := time.Now()
				id := v.submit(c.change).ID
				for range 2 { // it may be asked again, and late
					answered, why, err := v.AwaitFirst(t.Context(), id)
					if answered != c.answered || err != nil || answered != (why == nil) || why != nil && why.Disposition != c.why {
						t.Errorf("answered %v, %v, %v", answered, why, err)
					}
					if took := time.Since(began); took < c.after || took > c.after+time.Second {
						t.Errorf("after %v, want %v", took, c.after)
					}
				}
				for range 2 {
					over, err := v.AwaitEnd(t.Context(), id)
					if err != nil || !over.State.Done() || over.Reason == "" || c.answered != (over.Last.Disposition == call.Answered) {
						t.Errorf("over: %+v, %v", over, err)
					}
				}
			})
		})
	}
}

// Who waits learns of a withdrawal, of the end of his patience, and of the server's end.
func TestAwaitFirstEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := setup(t, placer(ringing), nil)
		id := v.submit(nil).ID
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, _, err := v.AwaitFirst(ctx, id); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("at the end of patience: %v", err)
		}
		if err := v.Cancel(t.Context(), id, "alice"); err != nil {
			t.Fatal(err)
		}
		if answered, why, err := v.AwaitFirst(t.Context(), id); answered || why == nil || why.Disposition != call.Cancelled || err != nil {
			t.Errorf("withdrawn: %v, %v, %v", answered, why, err)
		}
		other := v.submit(func(r *call.Request) { r.NotBefore = time.Now().Add(time.Hour) }).ID
		stopped := make(chan error)
		go func() {
			_, _, err := v.AwaitFirst(t.Context(), other)
			stopped <- err
		}()
		go func() {
			_, err := v.AwaitEnd(t.Context(), other)
			stopped <- err
		}()
		synctest.Wait()
		if err := v.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		for range 2 {
			if err := <-stopped; err == nil {
				t.Error("the server's end is no answer")
			}
		}
	})
}
