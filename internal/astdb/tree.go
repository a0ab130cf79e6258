package astdb

import (
	"context"
	"strings"
)

// Entry is one entry.
type Entry struct {
	Path  string // "family/key", without a slash in front
	Value string
}

// Name gives the path as Asterisk shows it: "/family/key".
func (e Entry) Name() string { return "/" + e.Path }

// Split gives the first element of the path as the family and the rest as the key. A path
// of one element has no key.
func (e Entry) Split() (family, key string) {
	family, key, _ = strings.Cut(e.Path, "/")
	return family, key
}

// Path joins what a command names, family and key or both in one, to the path of an entry
// or tree: "family/key". Slashes at both ends do not count; nothing is "".
func Path(parts ...string) string { return strings.Trim(strings.Join(parts, "/"), "/") }

// Tree lists the entry at a path and all below it, by whole elements, in the order of
// their bytes; "" = all. Stores implement it.
type Tree interface {
	DBTree(ctx context.Context, prefix string, each func(path, value string)) error
}

// Show lists what `database show` and DBGetTree mean by a path: the entry and all below
// it, or if there is none, those whose names differ in the case of ASCII letters only.
// "" = all. The order is that of the bytes of their paths.
func Show(ctx context.Context, db Tree, path string) ([]Entry, error) {
	list, err := collect(ctx, db, path, func(string) bool { return true })
	if err != nil || len(list) > 0 || path == "" {
		return list, err
	}
	return collect(ctx, db, "", func(p string) bool { return within(lower(p), lower(path)) })
}

// ShowKey lists what `database showkey` means: the entries of all families that end with
// the key, which is one element of their path or several.
func ShowKey(ctx context.Context, db Tree, key string) ([]Entry, error) {
	if key = Path(key); key == "" {
		return nil, nil
	}
	return collect(ctx, db, "", func(p string) bool { return strings.HasSuffix(p, "/"+key) })
}

// DelTree removes the entry at a path and all below it and says how many those were. No
// path is not all of them: it removes nothing.
func DelTree(ctx context.Context, db interface {
	DBDelTree(ctx context.Context, prefix string) (n int, err error)
}, path string) (int, error) {
	if path = Path(path); path == "" {
		return 0, nil
	}
	return db.DBDelTree(ctx, path)
}

func collect(ctx context.Context, db Tree, prefix string, fits func(path string) bool) ([]Entry, error) {
	var list []Entry
	err := db.DBTree(ctx, prefix, func(path, value string) {
		if fits(path) {
			list = append(list, Entry{path, value})
		}
	})
	return list, err
}

// within says whether a path is that of a tree or below it.
func within(path, tree string) bool {
	rest, ok := strings.CutPrefix(path, tree)
	return ok && (rest == "" || rest[0] == '/')
}

// lower folds ASCII letters, as SQLite's LIKE does.
func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
