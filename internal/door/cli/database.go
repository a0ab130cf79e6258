package cli

import (
	"context"
	"strings"

	"github.com/dialwright/dialwright/internal/astdb"
	wire "github.com/dialwright/dialwright/internal/wire/cli"
)

// databaseCommands are those about AstDB (spec: cli 5). Families and keys are compared
// exactly; only `database show` falls back to comparing them without case.
func (s *Shell) databaseCommands() []command {
	there := s.o.DB != nil
	return []command{
		{
			words: "database put", summary: "Write an entry of AstDB", usage: "Usage: database put <family> <key> <value>\n       Makes or changes one entry.\n",
			there: there, changes: true, run: databasePut, complete: completeFamily,
		},
		{
			words: "database get", summary: "Read an entry of AstDB", usage: "Usage: database get <family> <key>\n       Prints the value of one entry.\n",
			there: there, run: databaseGet, complete: completeFamily,
		},
		{
			words: "database del", summary: "Remove an entry of AstDB", usage: "Usage: database del <family> <key>\n       Removes one entry.\n",
			there: there, changes: true, run: databaseDel, complete: completeFamily,
		},
		{
			words: "database deltree", summary: "Remove a family of AstDB",
			usage: "Usage: database deltree <family> [keytree]\n   or: database deltree <family>[/keytree]\n       Removes a family, or what is below a key of it.\n",
			there: there, changes: true, run: databaseDelTree, complete: completeFamily,
		},
		{
			words: "database show", summary: "List AstDB",
			usage: "Usage: database show [family [keytree]]\n   or: database show [family[/keytree]]\n       Lists all entries, or those of a family or below a key of it.\n",
			there: there, run: databaseShow, complete: completeFamily,
		},
		{
			words: "database showkey", summary: "List the entries of AstDB that have a key",
			usage: "Usage: database showkey <key>\n       Lists the entries of all families that have this key.\n",
			there: there, run: databaseShowKey,
		},
	}
}

func databasePut(ctx context.Context, q *ask) Outcome {
	if len(q.args) != 3 {
		return Usage
	}
	if err := q.s.o.DB.DBPut(ctx, q.args[0], q.args[1], q.args[2]); err != nil {
		q.databaseBroke(ctx, err)
		q.print("Failed to update entry\n")
		return Done
	}
	q.print("Updated database successfully\n")
	return Done
}

func databaseGet(ctx context.Context, q *ask) Outcome {
	if len(q.args) != 2 {
		return Usage
	}
	value, ok, err := q.s.o.DB.DBGet(ctx, q.args[0], q.args[1])
	q.databaseBroke(ctx, err)
	if !ok {
		q.print("Database entry not found.\n")
		return Done
	}
	q.printf("Value: %s\n", value)
	return Done
}

func databaseDel(ctx context.Context, q *ask) Outcome {
	if len(q.args) != 2 {
		return Usage
	}
	existed, err := q.s.o.DB.DBDel(ctx, q.args[0], q.args[1])
	q.databaseBroke(ctx, err)
	if !existed {
		q.print("Database entry could not be removed.\n")
		return Done
	}
	q.print("Database entry removed.\n")
	return Done
}

func databaseDelTree(ctx context.Context, q *ask) Outcome {
	if len(q.args) < 1 || len(q.args) > 2 {
		return Usage
	}
	n, err := astdb.DelTree(ctx, q.s.o.DB, astdb.Path(q.args...))
	q.databaseBroke(ctx, err)
	if n == 0 {
		q.print("Database entries do not exist.\n")
		return Done
	}
	q.printf("%d database entries removed.\n", n)
	return Done
}

func databaseShow(ctx context.Context, q *ask) Outcome {
	if len(q.args) > 2 {
		return Usage
	}
	list, err := astdb.Show(ctx, q.s.o.DB, astdb.Path(q.args...))
	return q.entries(ctx, list, err)
}

func databaseShowKey(ctx context.Context, q *ask) Outcome {
	if len(q.args) != 1 {
		return Usage
	}
	list, err := astdb.ShowKey(ctx, q.s.o.DB, q.args[0])
	return q.entries(ctx, list, err)
}

// entries prints entries and counts them.
func (q *ask) entries(ctx context.Context, list []astdb.Entry, err error) Outcome {
	q.databaseBroke(ctx, err)
	for _, e := range list {
		q.print(entryRow(e.Name(), e.Value))
	}
	q.printf("%d results found.\n", len(list))
	return Done
}

// entryRow prints the name of an entry and its value.
func entryRow(name, value string) string {
	return wire.Pad(name, 50) + ": " + wire.Pad(value, 25) + "\n"
}

// databaseBroke logs an error of the database; who asks sees that nothing is there, as
// in Asterisk.
func (q *ask) databaseBroke(ctx context.Context, err error) {
	if err != nil {
		q.s.log.ErrorContext(ctx, "AstDB", "door", "cli", "error", err)
	}
}

// maxCompleted is how many entries completion looks at.
const maxCompleted = 10000

// completeFamily proposes families, and as the second argument keys of the first.
func completeFamily(ctx context.Context, q *ask, n int) []string {
	var out []string
	seen := 0
	prefix := ""
	if n == 1 {
		prefix = strings.Trim(q.args[0], "/")
	}
	if n > 1 {
		return nil
	}
	err := q.s.o.DB.DBTree(ctx, prefix, func(path, _ string) {
		if seen++; seen > maxCompleted {
			return
		}
		path = strings.TrimPrefix(path, "/")
		if n == 0 {
			path, _, _ = strings.Cut(path, "/")
			out = append(out, path)
		} else if key, ok := strings.CutPrefix(path, prefix+"/"); ok {
			out = append(out, key)
		}
	})
	q.databaseBroke(ctx, err)
	return out
}
