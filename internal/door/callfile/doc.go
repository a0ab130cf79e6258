// Package callfile is the door for Asterisk's call files: a folder that is
// watched, where each file that appears is one call (spec: callfile; Asterisk:
// pbx/pbx_spool.c). Scripts written for Asterisk's spool/outgoing work with it
// unchanged.
//
// # Life of a file
//
//	arrive ─► complete? ─► due? ─► parse ─► Submit ─► attempts ─► end ─► deleted or archived
//	             │           │        │        │         │
//	        written or     its time   │        │         └ StartRetry, EndRetry and the time
//	        settling       lies ahead │        │           are mirrored into the file
//	                                  └────────┴─► invalid or refused: to the failed folder
//
// A file waits in the folder until its modification time; there it is as durable
// as the folder. When it is due it is read and becomes a durable call before
// anything is done to it. From then on the call counts and the file is its
// mirror: order, caps, pace and retries are the originator's. The file stays in
// the folder until the whole call has ended, because tools count files to know how
// much is going on.
//
// # What it promises
//
//   - One delivery is one call. A file is known by its inode and birth, which
//     give the call's idempotency key: kill -9 at any moment loses no file and
//     dials none twice. After a restart files find their calls again.
//   - Nothing is deleted in silence. What cannot be carried out is in the failed
//     folder with the reason beside it.
//   - Before a file is appended to, moved or removed, its name must still mean
//     the same file. Nothing outside the folder is ever opened (os.Root).
//
// A file that is removed from the folder before its call is dialled, or between
// two attempts, is a call withdrawn.
//
// # How it runs
//
// One goroutine owns all files (door.go). It is woken by the kernel's events
// about the folder, by the call events of the originator, by the clock and by a
// re-scan every few seconds, which finds whatever the events have missed. A file
// costs a map entry and a place in one heap, no goroutine. Files that are due
// together are submitted together.
//
// The spec's list of Asterisk's weaknesses is W1 to W20; each has a test named
// after it.
package callfile
