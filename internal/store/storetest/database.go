package storetest

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/astdb"
)

// Database is what the dialplan asks of a store (run.Database, which this
// package does not import), with the import of entries from elsewhere.
type Database interface {
	DBGet(ctx context.Context, family, key string) (value string, ok bool, err error)
	DBPut(ctx context.Context, family, key, value string) error
	DBDel(ctx context.Context, family, key string) (existed bool, err error)
	DBTree(ctx context.Context, prefix string, each func(path, value string)) error
	DBDelTree(ctx context.Context, prefix string) (n int, err error)
	astdb.Importer
}

// RunDatabase runs the suite of the dialplan's database. newDatabase gives an
// empty one and closes it by t.Cleanup.
func RunDatabase(t *testing.T, newDatabase func(t *testing.T) Database) {
	for _, c := range []struct {
		name string
		f    func(*testing.T, Database)
	}{
		{"PutGetDel", databasePutGetDel},
		{"PathDecides", databasePathDecides},
		{"Tree", databaseTree},
		{"DelTree", databaseDelTree},
		{"Concurrently", databaseConcurrently},
		{"Cancelled", databaseCancelled},
		{"Import", databaseImport},
		{"ImportOnce", databaseImportOnce},
		{"ImportOfAllSorts", databaseImportOfAllSorts},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.f(t, newDatabase(t))
		})
	}
}

func put(t *testing.T, db Database, entries ...string) {
	t.Helper()
	for i := 0; i < len(entries); i += 3 {
		if err := db.DBPut(t.Context(), entries[i], entries[i+1], entries[i+2]); err != nil {
			t.Fatal(err)
		}
	}
}

func wantEntry(t *testing.T, db Database, family, key, want string, exists bool) {
	t.Helper()
	v, ok, err := db.DBGet(t.Context(), family, key)
	if err != nil || v != want || ok != exists {
		t.Errorf("get %q %q: %q, %v, %v; want %q, %v", family, key, v, ok, err, want, exists)
	}
}

func wantTree(t *testing.T, db Database, prefix string, want ...string) {
	t.Helper()
	var got []string
	if err := db.DBTree(t.Context(), prefix, func(path, value string) { got = append(got, path+"="+value) }); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("tree %q (-want +got):\n%s", prefix, d)
	}
}

func databasePutGetDel(t *testing.T, db Database) {
	wantEntry(t, db, "fam", "key", "", false)
	put(t, db, "fam", "key", "one", "fam", "empty", "", "fam", "Key", "Ä\x00b, '\"")
	wantEntry(t, db, "fam", "key", "one", true)
	wantEntry(t, db, "fam", "empty", "", true)
	wantEntry(t, db, "fam", "Key", "Ä\x00b, '\"", true) // case counts
	put(t, db, "fam", "key", "two")
	wantEntry(t, db, "fam", "key", "two", true)
	for _, want := range []bool{true, false} {
		if existed, err := db.DBDel(t.Context(), "fam", "key"); err != nil || existed != want {
			t.Errorf("del: %v, %v; want %v", existed, err, want)
		}
	}
	wantEntry(t, db, "fam", "key", "", false)
}

// A family may contain slashes, and so may a key: only the path counts.
func databasePathDecides(t *testing.T, db Database) {
	put(t, db, "a/b", "c", "1")
	wantEntry(t, db, "a", "b/c", "1", true)
	put(t, db, "a", "b/c", "2")
	wantTree(t, db, "", "a/b/c=2")
}

func databaseTree(t *testing.T, db Database) {
	wantTree(t, db, "")
	put(t, db, "fam", "sub/k", "3", "fam", "a", "1", "fam-2", "x", "0", "fam", "sub", "2", "famous", "y", "5", "FAM", "z", "9", "f%m", "w", "7", "fam", "sub-way", "4")
	wantTree(t, db, "fam", "fam/a=1", "fam/sub=2", "fam/sub-way=4", "fam/sub/k=3")
	wantTree(t, db, "fam/sub", "fam/sub=2", "fam/sub/k=3")
	wantTree(t, db, "f%m", "f%m/w=7")
	wantTree(t, db, "fa")
	wantTree(t, db, "", "FAM/z=9", "f%m/w=7", "fam-2/x=0", "fam/a=1", "fam/sub=2", "fam/sub-way=4", "fam/sub/k=3", "famous/y=5")
}

func databaseDelTree(t *testing.T, db Database) {
	put(t, db, "fam", "a", "1", "fam", "sub/k", "2", "fam", "sub", "3", "famous", "y", "4", "other", "z", "5")
	for _, c := range []struct {
		prefix string
		want   int
	}{{"none", 0}, {"fam/sub", 2}, {"fam", 1}, {"fam", 0}, {"", 2}} {
		if n, err := db.DBDelTree(t.Context(), c.prefix); err != nil || n != c.want {
			t.Errorf("deltree %q: %d, %v; want %d", c.prefix, n, err, c.want)
		}
	}
	wantTree(t, db, "")
}

// Many calls write at once; each reads back what it has written.
func databaseConcurrently(t *testing.T, db Database) {
	const calls, rounds = 8, 20
	failed := make(chan error, calls)
	for c := range calls {
		go func() {
			for i := range rounds {
				key, want := fmt.Sprint(c), fmt.Sprint(i)
				if err := db.DBPut(t.Context(), "call", key, want); err != nil {
					failed <- err
					return
				}
				if v, ok, err := db.DBGet(t.Context(), "call", key); err != nil || !ok || v != want {
					failed <- fmt.Errorf("call %d reads %q, %v, %w; want %q", c, v, ok, err, want)
					return
				}
			}
			failed <- nil
		}()
	}
	for range calls {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
}

func databaseCancelled(t *testing.T, db Database) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := db.DBGet(ctx, "a", "b"); err == nil {
		t.Error("a cancelled read gives no error")
	}
	if err := db.DBPut(ctx, "a", "b", "c"); err != nil {
		wantEntry(t, db, "a", "b", "", false) // it says that nothing was written
	}
}

func wantImport(t *testing.T, db Database, o astdb.Options, want astdb.Counts, list ...astdb.Entry) {
	t.Helper()
	if got, err := astdb.Import(t.Context(), db, list, o); err != nil || got != want {
		t.Errorf("import with %+v: %+v, %v; want %+v", o, got, err, want)
	}
}

// What is there stays, unless it is to be overwritten; a dry run changes nothing.
func databaseImport(t *testing.T, db Database) {
	put(t, db, "fam", "mine", "1", "fam", "same", "2")
	list := []astdb.Entry{{Path: "fam/mine", Value: "x"}, {Path: "fam/same", Value: "2"}, {Path: "fam/new", Value: "3"}, {Path: "fam/new", Value: "4"}}
	before := []string{"fam/mine=1", "fam/same=2"}
	wantImport(t, db, astdb.Options{DryRun: true}, astdb.Counts{Added: 1, Same: 1, Kept: 1}, list[:3]...)
	wantImport(t, db, astdb.Options{DryRun: true, Overwrite: true}, astdb.Counts{Added: 1, Same: 1, Replaced: 1}, list[:3]...)
	wantTree(t, db, "", before...)
	wantImport(t, db, astdb.Options{}, astdb.Counts{Added: 1, Same: 1, Kept: 2}, list...) // of two that are the same, the first
	wantTree(t, db, "", "fam/mine=1", "fam/new=3", "fam/same=2")
	wantImport(t, db, astdb.Options{Overwrite: true}, astdb.Counts{Same: 2, Replaced: 2}, list...)
	wantTree(t, db, "", "fam/mine=x", "fam/new=4", "fam/same=2")
	wantImport(t, db, astdb.Options{}, astdb.Counts{})
}

// What was imported and then changed or deleted does not come back.
func databaseImportOnce(t *testing.T, db Database) {
	once := astdb.Options{Once: true}
	list := []astdb.Entry{{Path: "a/1", Value: "x"}, {Path: "a/2", Value: "y"}, {Path: "a/3", Value: "z"}}
	put(t, db, "a", "3", "mine")
	wantImport(t, db, astdb.Options{Once: true, DryRun: true}, astdb.Counts{Added: 2, Kept: 1}, list...)
	wantImport(t, db, once, astdb.Counts{Added: 2, Kept: 1}, list...)
	if _, err := db.DBDel(t.Context(), "a", "1"); err != nil {
		t.Fatal(err)
	}
	put(t, db, "a", "2", "changed")
	wantImport(t, db, once, astdb.Counts{Before: 3, Added: 1}, append(list, astdb.Entry{Path: "a/4", Value: "new"})...)
	wantTree(t, db, "", "a/2=changed", "a/3=mine", "a/4=new")
	wantImport(t, db, astdb.Options{}, astdb.Counts{Added: 1, Kept: 2}, list...) // by hand they do
	wantTree(t, db, "a/1", "a/1=x")
}

// Keys and values of all sorts, more than one batch.
func databaseImportOfAllSorts(t *testing.T, db Database) {
	long, huge := strings.Repeat("k", 300), strings.Repeat("v", 3<<20)
	list := []astdb.Entry{
		{Path: "a/b/c/d", Value: "nested"}, {Path: "cidname/Jörg", Value: "Jörg Ö. 東京"}, {Path: "empty/value"}, {Path: "fam/" + long, Value: "1"},
		{Path: "huge/value", Value: huge}, {Path: "last/'\"%_", Value: "a\tb ~ <1>\x00"},
	}
	for i := range 1200 {
		list = append(list, astdb.Entry{Path: fmt.Sprintf("many/%04d", i), Value: "v"})
	}
	wantImport(t, db, astdb.Options{}, astdb.Counts{Added: 1206}, list...)
	var got []astdb.Entry
	if err := db.DBTree(t.Context(), "", func(path, value string) { got = append(got, astdb.Entry{Path: path, Value: value}) }); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(list, got); diff != "" {
		t.Errorf("(-want +got)\n%.2000s", diff)
	}
}
