package rest

import (
	"context"
	"unicode/utf8"

	"github.com/dialwright/dialwright/internal/astdb"
)

// Database is AstDB, the database of the dialplan, of labels and of states set by hand.
type Database interface {
	DBGet(ctx context.Context, family, key string) (value string, ok bool, err error)
	DBPut(ctx context.Context, family, key, value string) error
	DBDel(ctx context.Context, family, key string) (existed bool, err error)
	DBDelTree(ctx context.Context, prefix string) (n int, err error)
	astdb.Tree
	astdb.Importer
}

// Entry is an entry of AstDB.
type Entry struct {
	Path  string `json:"path" minLength:"3" maxLength:"4096" example:"actionlist/DIALPROXY-office" doc:"Family and key, which may both contain slashes, without a slash in front"`
	Value string `json:"value" example:"PJSIP/101~context=default"`
}

// entry checks an entry from outside.
func (n Entry) entry(field string) (astdb.Entry, error) {
	path, err := entryPath(field, n.Path)
	if err == nil && !utf8.ValidString(n.Value) {
		err = &Refusal{Code: "invalid", Field: field, Text: "The value is not UTF-8."}
	}
	return astdb.Entry{Path: path, Value: n.Value}, err
}

// entryPath checks a path that names one entry.
func entryPath(field, given string) (string, error) {
	e := astdb.Entry{Path: astdb.Path(given)}
	if family, key := e.Split(); family == "" || key == "" || !utf8.ValidString(given) {
		return "", &Refusal{Code: "invalid", Field: field, Text: "The path names no entry; write it as family/key."}
	}
	return e.Path, nil
}

// database gives AstDB, or says that there is none.
func (s *Server) database() (Database, error) {
	if s.o.DB == nil {
		return nil, &Refusal{Code: "not-found", Text: "This server has no database of the dialplan."}
	}
	return s.o.DB, nil
}

type entriesInput struct {
	Prefix string `query:"prefix" maxLength:"4096" doc:"Only this entry and those below it, by whole elements: actionlist; absent = all. Only if nothing is called so, names in another case count too"`
	Key    string `query:"key" maxLength:"4096" doc:"Only entries that end with this key, of all families; not together with prefix"`
	Cursor string `query:"cursor" maxLength:"8192" doc:"next of the previous page"`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
}

type entriesOutput struct {
	Body struct {
		Entries []Entry `json:"entries" nullable:"false"`
		Next    string  `json:"next,omitempty" doc:"Cursor of the next page; absent on the last"`
	}
}

// listEntries pages through AstDB in the order of paths. The cursor is the last path.
func (s *Server) listEntries(ctx context.Context, in *entriesInput) (*entriesOutput, error) {
	db, err := s.database()
	if err != nil {
		return nil, err
	}
	var list []astdb.Entry
	switch {
	case in.Key != "" && in.Prefix != "":
		return nil, &Refusal{Code: "invalid", Field: "key", Text: "Only one of prefix, key can be given."}
	case in.Key != "":
		list, err = astdb.ShowKey(ctx, db, in.Key)
	default:
		list, err = astdb.Show(ctx, db, astdb.Path(in.Prefix))
	}
	if err != nil {
		return nil, err
	}
	out := &entriesOutput{}
	out.Body.Entries = []Entry{}
	for _, e := range list {
		if e.Path <= in.Cursor {
			continue
		}
		if n := len(out.Body.Entries); n == in.Limit {
			out.Body.Next = out.Body.Entries[n-1].Path
			break
		}
		out.Body.Entries = append(out.Body.Entries, Entry(e))
	}
	return out, nil
}

type entryInput struct {
	Path string `query:"path" required:"true" maxLength:"4096" doc:"family/key"`
}

type entryOutput struct{ Body Entry }

func (s *Server) getEntry(ctx context.Context, in *entryInput) (*entryOutput, error) {
	db, err := s.database()
	if err != nil {
		return nil, err
	}
	path, err := entryPath("path", in.Path)
	if err != nil {
		return nil, err
	}
	e := astdb.Entry{Path: path}
	family, key := e.Split()
	value, ok, err := db.DBGet(ctx, family, key)
	if err == nil && !ok {
		err = noEntry(path)
	}
	return &entryOutput{Entry{path, value}}, err
}

func noEntry(path string) error {
	return &Refusal{Code: "not-found", Text: "There is no entry " + path + "."}
}

type putEntryInput struct{ Body Entry }

// putEntry makes or replaces one entry.
func (s *Server) putEntry(ctx context.Context, in *putEntryInput) (*entryOutput, error) {
	db, err := s.database()
	if err != nil {
		return nil, err
	}
	e, err := in.Body.entry("path")
	if err != nil {
		return nil, err
	}
	family, key := e.Split()
	return &entryOutput{Entry(e)}, db.DBPut(ctx, family, key, e.Value)
}

type deleteEntriesInput struct {
	Path string `query:"path" required:"true" minLength:"1" maxLength:"4096" doc:"family/key, or with tree a family"`
	Tree bool   `query:"tree" doc:"With everything below it"`
}

type deletedOutput struct {
	Body struct {
		Deleted int `json:"deleted"`
	}
}

// deleteEntries removes an entry, which must be there, or a tree, of which nothing need be.
func (s *Server) deleteEntries(ctx context.Context, in *deleteEntriesInput) (*deletedOutput, error) {
	db, err := s.database()
	if err != nil {
		return nil, err
	}
	out := &deletedOutput{}
	if in.Tree {
		out.Body.Deleted, err = astdb.DelTree(ctx, db, in.Path)
		return out, err
	}
	path, err := entryPath("path", in.Path)
	if err != nil {
		return nil, err
	}
	e := astdb.Entry{Path: path}
	family, key := e.Split()
	existed, err := db.DBDel(ctx, family, key)
	if err == nil && !existed {
		err = noEntry(path)
	}
	out.Body.Deleted = 1
	return out, err
}

type importInput struct {
	Body struct {
		Entries   []Entry `json:"entries" minItems:"1" maxItems:"10000" nullable:"false"`
		Overwrite bool    `json:"overwrite,omitempty" doc:"Replace the values of entries that are there; else they stay"`
		DryRun    bool    `json:"dry_run,omitempty" doc:"Count, but change nothing"`
	}
}

type importOutput struct {
	Body struct {
		Added    int `json:"added" doc:"Were not there"`
		Replaced int `json:"replaced" doc:"Had another value"`
		Same     int `json:"same" doc:"Had the same value"`
		Kept     int `json:"kept" doc:"Had another value, which stays"`
	}
}

// importEntries takes many entries over. All are checked before the first is stored; an
// import that is cut short can be repeated.
func (s *Server) importEntries(ctx context.Context, in *importInput) (*importOutput, error) {
	db, err := s.database()
	if err != nil {
		return nil, err
	}
	list := make([]astdb.Entry, len(in.Body.Entries))
	for i, n := range in.Body.Entries {
		if list[i], err = n.entry("entries"); err != nil {
			return nil, err
		}
	}
	n, err := astdb.Import(ctx, db, list, astdb.Options{Overwrite: in.Body.Overwrite, DryRun: in.Body.DryRun})
	out := &importOutput{}
	out.Body.Added, out.Body.Replaced, out.Body.Same, out.Body.Kept = n.Added, n.Replaced, n.Same, n.Kept
	return out, err
}
