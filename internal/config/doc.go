// Package config reads what the operator wrote: dialwright.toml and, in the
// order of their names, the files of conf.d beside it.
//
// A configuration is one struct tree (schema.go) with a comment on every key;
// the reference in docs/configuration.md and the commented example file are
// made from those comments (reference.go), so they cannot drift. Defaults are
// in one function (Default). Reading is strict: an unknown key, a wrong type, a
// key set twice and every value that cannot work are mistakes.
//
//	files ──► decode (strict) ──► merge ──► Default underneath ──► validate ──► Config
//	             │                  │                                  │
//	             └──────────────────┴──── Mistakes, all at once ───────┘
//
// Load reports every mistake of every file at once, each with file, line, key
// and what to do. It never gives half a configuration: the error is not nil, or
// the Config can be used as it is. A Config is not changed after Load; a reload
// makes another one.
//
// Watcher notices changed files (by the kernel where it can, by looking every
// few seconds where it cannot) and loads them. A file with mistakes leaves the
// old configuration in force; the caller is told why. Which keys take effect
// without a restart is part of each key's comment.
//
// The package does not know what the values are for: app turns them into the
// configurations of the other packages.
package config
