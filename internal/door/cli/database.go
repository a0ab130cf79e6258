package cli

import (
	"context"
	"strings"

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
	path, n := treePath(q.args), 0
	if path != "" { // no name is not all of them
		var err error
		n, err = q.s.o.DB.DBDelTree(ctx, path)
		q.databaseBroke(ctx, err)
	}
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
	path, n := treePath(q.args), 0
	show := func(path, value string) {
		q.print(entryRow(path, value))
		n++
	}
	q.databaseBroke(ctx, q.s.o.DB.DBTree(ctx, path, show))
	if n == 0 && path != "" {
		q.databaseBroke(ctx, q.s.o.DB.DBTree(ctx, "", func(p, value string) {
			if hasPrefixFold(p+"/", path+"/") {
				show(p, value)
			}
		}))
	}
	q.printf("%d results found.\n", n)
	return Done
}

func databaseShowKey(ctx context.Context, q *ask) Outcome {
	if len(q.args) != 1 {
		return Usage
	}
	n := 0
	q.databaseBroke(ctx, q.s.o.DB.DBTree(ctx, "", func(path, value string) {
		if strings.HasSuffix(path, "/"+q.args[0]) {
			q.print(entryRow(path, value))
			n++
		}
	}))
	q.printf("%d results found.\n", n)
	return Done
}

// treePath joins what a command names: family and key, or both in one word.
func treePath(args []string) string {
	return strings.Trim(strings.Join(args, "/"), "/")
}

// entryRow prints a path, which has no slash in front in the store, and its value.
func entryRow(path, value string) string {
	return wire.Pad("/"+strings.TrimPrefix(path, "/"), 50) + ": " + wire.Pad(value, 25) + "\n"
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
