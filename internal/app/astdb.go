package app

import (
	"context"

	"github.com/dialwright/dialwright/internal/astdb"
	"github.com/dialwright/dialwright/internal/store/sqlite"
)

// ReadAstDB reads an Asterisk's astdb.sqlite3. problems are entries that were left out or
// not taken as they are written, each with its key.
func ReadAstDB(ctx context.Context, file string) (list []astdb.Entry, problems []string, err error) {
	list, found, err := sqlite.ReadAstDB(ctx, file)
	for _, p := range found {
		problems = append(problems, p.String())
	}
	return list, problems, err
}

// importAstDB adds the entries of the Asterisk's AstDB that is to be taken over, each key
// once. That it cannot be read keeps no server from starting: its calls go on without it.
func (a *App) importAstDB(ctx context.Context) {
	file := a.Config().Dialplan.ImportAstDB
	if file == "" {
		return
	}
	list, problems, err := ReadAstDB(ctx, file)
	if err != nil {
		a.log.WarnContext(ctx, "AstDB not imported", "error", err)
		return
	}
	for _, p := range problems {
		a.log.WarnContext(ctx, "entry of AstDB", "file", file, "problem", p)
	}
	n, err := astdb.Import(ctx, a.store, list, astdb.Options{Once: true})
	if err != nil {
		a.log.WarnContext(ctx, "AstDB not imported whole", "file", file, "error", err)
	}
	level := a.log.InfoContext
	if n.Kept > 0 { // somebody should know that two differ
		level = a.log.WarnContext
	}
	if n.Added+n.Kept > 0 {
		level(ctx, "AstDB imported", "file", file, "added", n.Added, "same", n.Same, "kept ours", n.Kept, "imported before", n.Before)
		a.tellLabels(ctx, list)
	}
}
