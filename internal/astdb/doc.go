// Package astdb is what AstDB means beside single entries: trees, the CLI's rules of
// what a family matches, and the import of an Asterisk's astdb.sqlite3 (spec: cli 5).
package astdb
