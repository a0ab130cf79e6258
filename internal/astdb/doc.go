// Package astdb is what AstDB, Asterisk's small database, means beside single entries:
// the trees that commands list and delete, and the import of entries from elsewhere.
//
// An entry is known by its path, "family/key", and both may contain slashes: family a/b
// with key c is the entry a/b/c, and so is family a with key b/c (Asterisk: db.c). The store
// keeps paths without a slash in front; Asterisk shows them with one.
//
//	store (package store/sqlite)   Get, Put, Del, Tree, DelTree, Import: exact, by whole elements
//	         ▲
//	package astdb                  Show, ShowKey, DelTree: what the CLI and AMI mean by a name
//	         ▲
//	doors ami, cli, rest           their own words and formats
//
// Asterisk matches trees by SQL LIKE, so that case does not count and _ and % stand for
// anything: `database deltree FAM` deletes fam. Here names are compared exactly; only
// listing falls back to comparing without case, when nothing has the name (spec: cli 5).
//
// # Import
//
// Import adds entries of another database in batches, each of which is a transaction of
// its own: one that is interrupted can be repeated. What the store has itself stays, unless
// it is to be overwritten. With Once an entry is taken one time only: what was imported and
// has been changed or deleted since does not come back with the next import. That is how
// the server takes over the astdb.sqlite3 of --asterisk-dir at each start.
package astdb
