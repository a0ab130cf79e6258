package app

import (
	"context"

	"github.com/dialwright/dialwright/internal/config"
	"github.com/dialwright/dialwright/internal/directory"
	"github.com/dialwright/dialwright/internal/seal"
)

// openDirectory opens the key of sealed secrets and puts the users of the configuration and
// of the store in force.
func (a *App) openDirectory(ctx context.Context) error {
	var err error
	if a.box, err = seal.OpenDir(a.Config().Server.DataDir); err != nil {
		return err
	}
	a.people = directory.New(directory.Options{
		Store: a.store, Open: a.box.Open, Seal: a.box.Seal,
		Fit: func(u directory.User) (directory.User, error) { return a.Config().Fit(u) },
	})
	if err := a.people.Load(ctx); err != nil {
		return err
	}
	a.configurePeople(ctx, a.Config())
	return nil
}

// configurePeople puts the users and tenants of a configuration in force, which has been
// checked and is in force otherwise. It says what keeps users from being used as they are
// written, those of the store too.
func (a *App) configurePeople(ctx context.Context, c *config.Config) (warnings []string) {
	a.people.Configure(c.People())
	for _, err := range a.people.Problems() {
		a.log.WarnContext(ctx, "user cannot be used as it is written", "problem", err.Error())
		warnings = append(warnings, err.Error())
	}
	return warnings
}
