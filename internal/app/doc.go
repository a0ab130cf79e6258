// Package app puts the server together. It is the only package that knows
// everybody: it turns the configuration into the configurations of the other
// packages, starts them in order and stops them in the reverse order.
//
//	New ──► Start: descriptors, data dir, store, media, switch, SIP, originator, doors, watcher
//	                 │ each step pushes its teardown onto a stack
//	        Run ─────┤ until a signal; HUP loads the configuration
//	        Stop ────┴► not ready ─► drain: no new work, calls may end ─► hang up ─► the stack, last first
//
// A step that fails undoes those before it. Stop has one deadline for all
// steps; a step that does not finish is named in the error, and the next is
// still run.
//
// What changes on a reload is behind atomic pointers (route table, policy) or
// is handed to its owner (SIP, API keys); everything else is reported as
// waiting for the next start. A configuration with mistakes changes nothing.
//
// The adapters between the doors' own interfaces and the originator are in
// backend.go; they only translate.
package app
