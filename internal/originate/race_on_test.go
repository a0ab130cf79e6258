//go:build race

package originate_test

// underRace: the race detector makes the store many times slower.
const underRace = true
