package funcs

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/dialwright/dialwright/internal/dialplan/run"
)

// databases lists the functions of AstDB (spec: dialplan 6.1 DB).
func databases() []run.Func {
	return []run.Func{
		{Name: "DB", Common: true, Read: readDB, Write: writeDB},
		{Name: "DB_EXISTS", Read: readDBExists},
		{Name: "DB_DELETE", Read: readDBDelete, Write: func(ctx context.Context, x *run.Exec, args, _ string) error {
			_, err := readDBDelete(ctx, x, args)
			return err
		}},
		{Name: "DB_KEYS", Read: readDBKeys},
		{Name: "DB_KEYCOUNT", Read: readDBKeyCount},
	}
}

var (
	errNoDatabase = errors.New("this server keeps no database for the dialplan")
	errFamilyKey  = errors.New("DB functions need family/key")
)

// dbEntry finds the database and splits "family/key"; the key may hold slashes.
func dbEntry(x *run.Exec, args string) (db run.Database, family, key string, err error) {
	if db = x.Machine().Options().DB; db == nil {
		return nil, "", "", errNoDatabase
	}
	family, key, ok := strings.Cut(args, "/")
	if !ok || family == "" || key == "" {
		return nil, "", "", errFamilyKey
	}
	return db, family, key, nil
}

func readDB(ctx context.Context, x *run.Exec, args string) (string, error) {
	v, ok, err := lookDB(ctx, x, args)
	if ok {
		x.Set(ctx, "DB_RESULT", v)
	}
	return v, err
}

func lookDB(ctx context.Context, x *run.Exec, args string) (string, bool, error) {
	db, family, key, err := dbEntry(x, args)
	if err != nil {
		return "", false, err
	}
	return db.DBGet(ctx, family, key)
}

func writeDB(ctx context.Context, x *run.Exec, args, value string) error {
	db, family, key, err := dbEntry(x, args)
	if err != nil {
		return err
	}
	return db.DBPut(ctx, family, key, value)
}

func readDBExists(ctx context.Context, x *run.Exec, args string) (string, error) {
	v, ok, err := lookDB(ctx, x, args)
	if ok {
		x.Set(ctx, "DB_RESULT", v)
	}
	return oneOrZero(ok), err
}

// readDBDelete gives the value that it deletes. DB_RESULT is set also when
// there was none (Asterisk: func_db.c).
func readDBDelete(ctx context.Context, x *run.Exec, args string) (string, error) {
	db, family, key, err := dbEntry(x, args)
	if err != nil {
		return "", err
	}
	v, ok, err := db.DBGet(ctx, family, key)
	if err == nil && ok {
		_, err = db.DBDel(ctx, family, key)
	}
	if err != nil {
		return "", err
	}
	x.Set(ctx, "DB_RESULT", v)
	return v, nil
}

// readDBKeys is DB_KEYS([prefix]): the names one level below, comma-separated,
// sorted; without a prefix the families.
func readDBKeys(ctx context.Context, x *run.Exec, args string) (string, error) {
	var out []string
	seen := make(map[string]bool)
	err := belowDB(ctx, x, args, func(rest string) {
		name, _, _ := strings.Cut(rest, "/")
		if name != "" && !seen[name] {
			seen[name] = true
			out = append(out, strings.ReplaceAll(name, ",", `\,`))
		}
	})
	return strings.Join(out, ","), err
}

// readDBKeyCount is DB_KEYCOUNT(prefix): how many entries lie below.
func readDBKeyCount(ctx context.Context, x *run.Exec, args string) (string, error) {
	n := 0
	err := belowDB(ctx, x, args, func(rest string) {
		if rest != "" {
			n++
		}
	})
	return strconv.Itoa(n), err
}

// belowDB gives the paths below a prefix, relative to it.
func belowDB(ctx context.Context, x *run.Exec, prefix string, each func(rest string)) error {
	db := x.Machine().Options().DB
	if db == nil {
		return errNoDatabase
	}
	prefix = strings.Trim(prefix, "/")
	return db.DBTree(ctx, prefix, func(path, _ string) {
		each(strings.TrimPrefix(strings.TrimPrefix(path, prefix), "/"))
	})
}
