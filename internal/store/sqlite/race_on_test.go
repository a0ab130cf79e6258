//go:build race

package sqlite

// manyCopies of 100 calls: the race detector makes SQLite tenfold slow, and
// finds nothing more in 100,000 rows than in 10,000.
const manyCopies = 100

// LongTrail is how many calls the history of a long audit trail has.
const LongTrail = 4_000
