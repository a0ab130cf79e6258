package callfile_test

import (
	"flag"
	"fmt"
	"os"
	"testing"
)

// TestMain lets this binary be a server of its own for the tests that kill one,
// and many tests run at once: what they do is wait.
func TestMain(m *testing.M) {
	if dir := os.Getenv(houseVar); dir != "" {
		if err := keepHouse(dir); err != nil {
			fmt.Fprintln(os.Stderr, "house:", err)
			os.Exit(1)
		}
	}
	if dir := os.Getenv(spoolVar); dir != "" {
		if err := serveSpool(dir); err != nil {
			fmt.Fprintln(os.Stderr, "spool:", err)
			os.Exit(1)
		}
	}
	flag.Parse()
	if f := flag.Lookup("test.parallel"); f.Value.String() == f.DefValue {
		_ = f.Value.Set(parallel)
	}
	os.Exit(m.Run())
}
