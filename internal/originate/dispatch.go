package originate

import (
	"context"
	"errors"
	"time"

	"github.com/dialwright/dialwright/internal/call"
)

// Times of the dispatcher and the keeper.
const (
	storeRetry = time.Second      // after a failure of the store
	pruneEvery = 10 * time.Minute // at most so often a round of pruning begins
	maxClaim   = 128              // attempts per claim
	longIdle   = 24 * time.Hour   // the dispatcher's timer when nothing waits for the clock
)

// dispatch claims work whenever something has changed (a call was admitted, an attempt
// has ended, a batch was resumed) or the clock has reached what waits for it.
func (o *Originator) dispatch(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-o.wakeup:
		case <-timer.C:
		}
		timer.Reset(o.round(ctx))
	}
}

// round claims until nothing more can start, and gives the time to wait for
// the clock.
func (o *Originator) round(ctx context.Context) time.Duration {
	for {
		room := o.room()
		if room == 0 {
			return longIdle // the end of an attempt or Stop is the sign
		}
		got, err := o.claim(ctx, min(room, maxClaim))
		switch {
		case ctx.Err() != nil:
			return longIdle
		case err != nil:
			return storeRetry
		case got.More:
			continue
		}
		wait := longIdle
		if o.o.Poll > 0 {
			wait = o.o.Poll
		}
		if !got.Next.IsZero() {
			wait = min(wait, time.Until(got.Next))
		}
		// Next may be a pace's microseconds away or, after a slow round, past.
		return max(wait, time.Millisecond)
	}
}

// room gives the attempts that this node may start now.
func (o *Originator) room() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.phase != phaseRunning {
		return 0
	}
	return max(o.o.MaxLive-len(o.running), 0)
}

// claim claims attempts and runs them.
func (o *Originator) claim(ctx context.Context, n int) (Claimed, error) {
	lease := o.currentLease()
	got, err := o.o.Store.Claim(ctx, Claim{Lease: lease, Now: time.Now(), Max: n, Limits: o.o.Policy().Limit})
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return got, err
	case errors.Is(err, ErrNoLease):
		o.o.Log.Warn("node has no lease: no new calls are started", "node", o.o.Node)
		return got, err
	default:
		o.storeFailed("claim", err)
		return got, err
	}
	for _, a := range got.Attempts {
		o.launch(ctx, lease, a)
	}
	return got, nil
}

// keep renews the lease, takes over what dead nodes left running, hangs up
// what was withdrawn on another node, and prunes.
func (o *Originator) keep(ctx context.Context) {
	tick := time.NewTicker(o.o.LeaseTTL * 3 / 10)
	defer tick.Stop()
	pruned := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := o.renew(ctx); err == nil {
			err = o.recover(ctx)
			if err != nil && ctx.Err() == nil {
				o.storeFailed("recover", err)
			}
		}
		if time.Since(pruned) >= pruneEvery {
			pruned = time.Now()
			o.prune(ctx)
		}
	}
}

// renew prolongs the lease. If it was lost (the process slept while another
// node took over), a new one is taken: what still runs ends under the old.
func (o *Originator) renew(ctx context.Context) error {
	lease := o.currentLease()
	withdrawn, err := o.o.Store.Renew(ctx, lease, time.Now(), o.o.LeaseTTL)
	if errors.Is(err, ErrNoLease) {
		o.o.Log.Warn("lease was lost", "node", lease.Node, "epoch", lease.Epoch)
		lease, err = o.o.Store.Acquire(ctx, o.o.Node, time.Now(), o.o.LeaseTTL)
		if err == nil {
			o.mu.Lock()
			o.lease = lease
			o.mu.Unlock()
			o.wake()
		}
	}
	if err != nil {
		if ctx.Err() == nil {
			o.storeFailed("renew lease", err)
		}
		return err
	}
	for _, id := range withdrawn {
		o.interrupt(id, ErrCancelled)
	}
	return nil
}

// recover ends attempts whose node has died.
func (o *Originator) recover(ctx context.Context) error {
	calls, err := o.o.Store.Recover(ctx, time.Now())
	for _, c := range calls {
		o.count.recovered.Add(1)
		o.count.ended(call.Interrupted)
		o.o.Log.Warn("attempt interrupted", "call", c.ID, "attempt", c.Attempts, "state", c.State)
	}
	if len(calls) > 0 {
		o.wake()
	}
	return err
}

// prune deletes what is older than it is kept.
func (o *Originator) prune(ctx context.Context) {
	now, k := time.Now(), o.o.Keep
	before := func(d time.Duration) time.Time {
		if d <= 0 {
			return time.Time{}
		}
		return now.Add(-d)
	}
	r := Retention{Calls: before(k.Calls), CDRs: before(k.CDRs), Events: before(k.Events), Audit: before(k.Audit)}
	for more := true; more && ctx.Err() == nil; {
		var err error
		if _, more, err = o.o.Store.Prune(ctx, r); err != nil {
			if ctx.Err() == nil {
				o.storeFailed("prune", err)
			}
			return
		}
	}
}
