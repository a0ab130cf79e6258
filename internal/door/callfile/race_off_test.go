//go:build !race

package callfile_test

// parallel is how many tests run at once.
const parallel = "16"

// raced: the race detector is on.
const raced = false
