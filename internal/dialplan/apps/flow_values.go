package apps

import (
	"context"
	"errors"
	"strings"

	"github.com/dialwright/dialwright/internal/dialplan/run"
)

// set is Set(name=value): everything behind the first "=" is the value, as it
// is. A name with parentheses writes a function, one with _ or __ is inherited
// (spec: dialplan 5.1 Set, 3.4).
func set(ctx context.Context, x *run.Exec, args string) error {
	name, value, ok := strings.Cut(args, "=")
	if !ok {
		x.Warn("Set(%s): there is no \"=\"; nothing was set", args)
		return nil
	}
	if strings.Contains(name, " ") && !strings.HasSuffix(name, ")") {
		x.Warn("Set(%s): the blanks are part of the name %q", args, name)
	}
	x.Set(ctx, name, value)
	return nil
}

// mset is MSet(a=1,b=2,…): double quotes are taken away and a backslash protects
// the next character (spec: dialplan 5.1 MSet).
func mset(ctx context.Context, x *run.Exec, args string) error {
	for _, entry := range splitPlain(args) {
		name, value, ok := strings.Cut(entry, "=")
		if !ok {
			x.Warn("MSet: %q has no \"=\" and was ignored", entry)
			continue
		}
		x.Set(ctx, name, value)
	}
	return nil
}

// splitPlain splits at commas outside parentheses, brackets and quotes, and
// takes quotes and backslashes away (Asterisk: app.c AST_STANDARD_APP_ARGS).
func splitPlain(text string) []string {
	if text == "" {
		return nil
	}
	var out []string
	var cur strings.Builder
	parens, brackets, quoted := 0, 0, false
	for i := 0; i < len(text); i++ {
		switch b := text[i]; {
		case b == '\\' && i+1 < len(text):
			i++
			cur.WriteByte(text[i])
			continue
		case b == '"':
			quoted = !quoted
			continue
		case quoted:
		case b == '(':
			parens++
		case b == ')':
			parens = max(parens-1, 0)
		case b == '[':
			brackets++
		case b == ']':
			brackets = max(brackets-1, 0)
		case b == ',' && parens == 0 && brackets == 0:
			out = append(out, cur.String())
			cur.Reset()
			continue
		}
		cur.WriteByte(text[i])
	}
	return append(out, cur.String())
}

// hashPrefix begins the names of the channel variables in which HASH(h,k) keeps
// its values: ~HASH~h~k~ (Asterisk: func_strings.c HASH_PREFIX).
const hashPrefix = "~HASH~"

// clearHash is ClearHash(hash): all its keys are gone.
func clearHash(_ context.Context, x *run.Exec, args string) error {
	prefix := hashPrefix + strings.TrimSpace(args) + "~"
	c := x.Channel()
	for _, v := range c.Variables() {
		name := strings.TrimLeft(v.Name, "_")
		if !strings.HasPrefix(name, prefix) {
			continue
		}
		if err := c.UnsetVariable(name); err != nil {
			c.UnsetDeadVariable(name) // in h
		}
	}
	return nil
}

// errNoStore is what the applications of AstDB say in a server without one.
var errNoStore = errors.New("there is no database in this server")

// dbDel is DBdel(family/key).
func dbDel(ctx context.Context, x *run.Exec, args string) error {
	family, key, ok := strings.Cut(strings.TrimSpace(args), "/")
	if !ok || family == "" || key == "" {
		x.Warn("DBdel(%s): family/key is needed", args)
		return nil
	}
	return database(x, "DBdel", func(db run.Database) error {
		_, err := db.DBDel(ctx, family, key)
		return err
	})
}

// dbDelTree is DBdeltree(family[/keytree]): it and everything below it.
func dbDelTree(ctx context.Context, x *run.Exec, args string) error {
	tree := strings.Trim(strings.TrimSpace(args), "/")
	if tree == "" {
		x.Warn("DBdeltree: a family is needed")
		return nil
	}
	return database(x, "DBdeltree", func(db run.Database) error {
		_, err := db.DBDelTree(ctx, tree)
		return err
	})
}

// database does something with AstDB. Its failure is logged; the call goes on.
func database(x *run.Exec, app string, do func(run.Database) error) error {
	db := x.Machine().Options().DB
	err := errNoStore
	if db != nil {
		err = do(db)
	}
	if err != nil {
		x.Warn("%s: %v", app, err)
	}
	return nil
}
