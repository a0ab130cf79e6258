//go:build race

package callfile_test

// parallel is how many tests run at once: the race detector leaves the vectors
// less time for their seconds.
const parallel = "6"

// raced: the race detector is on.
const raced = true
