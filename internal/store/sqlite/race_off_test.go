//go:build !race

package sqlite

// manyCopies of 100 calls make the 100,000 that the design speaks of.
const manyCopies = 1000

// LongTrail is how many calls the history of a long audit trail has.
const LongTrail = 100_000
