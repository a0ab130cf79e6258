//go:build !race

package sheet

const largeRows = 100_000
