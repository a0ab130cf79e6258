//go:build race

package bulk_test

// The race detector makes SQLite tenfold slow, and finds nothing more in many pieces of rows
// than in a few. A piece has 500.
const (
	largeRows  = 1000
	cancelRows = 3000
	resumeRows = 1010
	manyRows   = 520
)
