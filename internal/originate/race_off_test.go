//go:build !race

package originate_test

const underRace = false
