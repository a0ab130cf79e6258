//go:build race

package sheet

// largeRows of a workbook: still more than is read in memory, and the race detector finds nothing
// more in ten times as many.
const largeRows = 20_000
