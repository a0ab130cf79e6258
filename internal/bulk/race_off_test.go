//go:build !race

package bulk_test

const (
	largeRows  = 100_000
	cancelRows = 20_000
	resumeRows = 6000
	manyRows   = 1200
)
