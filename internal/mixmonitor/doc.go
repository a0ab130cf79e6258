// Package mixmonitor records calls into files below one directory, as Asterisk's
// MixMonitor does: the format by the file's suffix, both directions in one
// file or each in its own.
//
//	          ┌─ what the party says ──► file "in"
//	channel ──┤              └────mix──► file
//	          └─ what it hears ────┴───► file "out"
//
// A Recording listens at the channel's own port. It therefore goes on through
// Dial, bridges and conferences, whoever plays or mixes, until it is stopped or
// the channel ends. Its files are complete when Done is closed.
//
// A disk that is slow or full stops no call: what could not be written is left
// out, and Stop and Err say so.
package mixmonitor
