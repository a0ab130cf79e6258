package app

import (
	"context"
	"time"

	"github.com/dialwright/dialwright/internal/apikey"
	"github.com/dialwright/dialwright/internal/call"
)

// keyUsesEvery is how often the uses of API keys are stored.
const keyUsesEvery = 30 * time.Second

// openKeys puts the API keys of the configuration and of the store in force.
func (a *App) openKeys(ctx context.Context) error {
	var err error
	a.keyBook, err = apikey.Open(ctx, apikey.Options{Store: a.store, Keys: a.keys, Account: func(id call.AccountID) bool {
		_, ok := a.Config().Accounts[string(id)]
		return ok
	}})
	if err != nil {
		return err
	}
	if err := a.keyBook.Configure(keys(a.Config())); err != nil {
		return err
	}
	run, cancel := context.WithCancel(context.WithoutCancel(ctx)) // until it is torn down
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.keyBook.Keep(run, keyUsesEvery, func(err error) { a.log.ErrorContext(run, "uses of API keys not stored", "error", err) })
	}()
	a.stack.push("API keys", func(context.Context) error {
		cancel()
		<-done
		return nil
	})
	return nil
}
