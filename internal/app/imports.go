package app

import (
	"context"
	"path/filepath"
	"time"

	"github.com/dialwright/dialwright/internal/bulk"
	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/number"
)

// importsPrunedEvery is how often old lists are deleted.
const importsPrunedEvery = time.Hour

// startImports opens the lists that are uploaded to be called, and goes on with those that a
// server left half submitted.
func (a *App) startImports(ctx context.Context) error {
	a.imports = bulk.New(bulk.Options{
		Dir: filepath.Join(a.Config().Server.DataDir, "imports"), Store: a.store, Queue: a.originator, Left: a.leftToday, Same: a.sameParty, Log: a.log,
		Config: func() bulk.Config {
			c := a.Config().Imports
			return bulk.Config{MaxSize: c.MaxSize, MaxRows: c.MaxRows, MaxFiles: c.MaxFiles, Keep: c.Keep.Duration}
		},
	})
	if err := a.imports.Start(ctx); err != nil {
		return err
	}
	run, cancel := context.WithCancel(context.WithoutCancel(ctx)) // until it is torn down
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.pruneImports(run)
	}()
	a.stack.push("imports", func(ctx context.Context) error {
		cancel()
		<-done
		return a.imports.Stop(ctx)
	})
	return nil
}

// pruneImports deletes lists that are older than they are kept, now and then, until ctx ends.
func (a *App) pruneImports(ctx context.Context) {
	t := time.NewTicker(importsPrunedEvery)
	defer t.Stop()
	for {
		if err := a.imports.Prune(ctx, time.Now()); err != nil && ctx.Err() == nil {
			a.log.ErrorContext(ctx, "old lists cannot be deleted", "error", err)
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
	}
}

// leftToday is bulk.Options.Left: how many calls an account's daily cap leaves, -1 without one.
func (a *App) leftToday(ctx context.Context, account call.AccountID) (int, error) {
	p := a.policy.Load()
	daily := p.Accounts[account].Daily
	if daily <= 0 {
		return -1, nil
	}
	zone := p.DayIn
	if zone == nil {
		zone = time.UTC
	}
	y, m, d := time.Now().In(zone).Date()
	n, err := a.store.AcceptedSince(ctx, account, time.Date(y, m, d, 0, 0, 0, 0, zone), daily)
	return max(0, daily-n), err
}

// sameParty is bulk.Options.Same: however a number is written, it rings the same party.
func (a *App) sameParty(account call.AccountID, r call.Route) string {
	if r.Number == "" || r.Trunk == "" {
		return string(r.Endpoint)
	}
	p := a.policy.Load()
	home := p.Accounts[account].Country
	if home == "" {
		home = p.Country
	}
	if info := number.Readings(r.Number, home)[0]; info.E164 != "" {
		return info.E164
	}
	return string(r.Endpoint)
}
