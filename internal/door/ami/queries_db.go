package ami

import (
	"context"

	"github.com/dialwright/dialwright/internal/astdb"
	wire "github.com/dialwright/dialwright/internal/wire/ami"
)

// Texts of the actions of AstDB. Those of DBPut have no full stop (observed: Asterisk
// 22.10, trace s5).
const (
	noFamily   = "No family specified."
	noKey      = "No key specified."
	noEntry    = "Database entry not found"
	noDatabase = "Database unavailable"
)

// databaseActions are about AstDB (spec: ami 9, cli 5): names are compared exactly, and
// only DBGetTree takes one in another case if nothing has it.
func (s *Server) databaseActions() []action {
	return []action{
		{"DBGet", "Read an entry of AstDB.", wire.System | wire.Reporting, s.database(s.dbGet)},
		{"DBGetTree", "List entries of AstDB.", wire.System | wire.Reporting, s.database(s.dbGetTree)},
		{"DBPut", "Write an entry of AstDB.", wire.System, s.database(s.dbPut)},
		{"DBDel", "Remove an entry of AstDB.", wire.System, s.database(s.dbDel)},
		{"DBDelTree", "Remove a family of AstDB, or what is below a key.", wire.System, s.database(s.dbDelTree)},
	}
}

// database gives an action that needs AstDB.
func (s *Server) database(run func(ctx context.Context, q *request, family, key string) answer) func(context.Context, *request) answer {
	return func(ctx context.Context, q *request) answer {
		if s.o.DB == nil {
			return q.fail(noDatabase)
		}
		return run(ctx, q, q.get("Family"), q.get("Key"))
	}
}

func (s *Server) dbGet(ctx context.Context, q *request, family, key string) answer {
	switch {
	case family == "":
		return q.fail(noFamily)
	case key == "":
		return q.fail(noKey)
	}
	value, ok, err := s.o.DB.DBGet(ctx, family, key)
	if err != nil {
		s.broke(ctx, q, err)
	}
	if !ok {
		return q.fail(noEntry)
	}
	item := q.last(wire.Event("DBGetResponse", "").Add("Family", family).Add("Key", key).Add("Val", value))
	return q.list("Result will follow", "DBGetComplete", []*wire.Message{item})
}

// dbGetTree lists what is below a family and key, or everything. Without a family the key
// does not count (Asterisk: db.c ast_db_gettree).
func (s *Server) dbGetTree(ctx context.Context, q *request, family, key string) answer {
	path := ""
	if family != "" {
		path = astdb.Path(family, key)
	}
	entries, err := astdb.Show(ctx, s.o.DB, path)
	if err != nil {
		s.broke(ctx, q, err)
		return q.fail(noDatabase)
	}
	items := make([]*wire.Message, len(entries))
	for i, e := range entries {
		items[i] = q.last(wire.Event("DBGetTreeResponse", "").Add("Key", e.Name()).Add("Val", e.Value))
	}
	return q.list("Result will follow", "DBGetTreeComplete", items)
}

func (s *Server) dbPut(ctx context.Context, q *request, family, key string) answer {
	switch {
	case family == "":
		return q.fail("No family specified")
	case key == "":
		return q.fail("No key specified")
	}
	if err := s.o.DB.DBPut(ctx, family, key, q.get("Val")); err != nil {
		s.broke(ctx, q, err)
		return q.fail("Failed to update entry")
	}
	return q.done("Updated database successfully")
}

func (s *Server) dbDel(ctx context.Context, q *request, family, key string) answer {
	switch {
	case family == "":
		return q.fail(noFamily)
	case key == "":
		return q.fail(noKey)
	}
	existed, err := s.o.DB.DBDel(ctx, family, key)
	if err != nil {
		s.broke(ctx, q, err)
	}
	if !existed {
		return q.fail("Database entry could not be deleted")
	}
	return q.done("Key deleted successfully")
}

func (s *Server) dbDelTree(ctx context.Context, q *request, family, key string) answer {
	if family == "" {
		return q.fail(noFamily)
	}
	n, err := astdb.DelTree(ctx, s.o.DB, astdb.Path(family, key))
	switch {
	case err != nil:
		s.broke(ctx, q, err)
		return q.fail(noDatabase)
	case n == 0:
		return q.fail(noEntry)
	}
	return q.done("Key tree deleted successfully")
}
