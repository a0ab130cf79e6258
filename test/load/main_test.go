// Package load tests the built binary with many calls at once, on small
// system limits, and with kill -9 in the middle.
package load

import (
	"os"
	"testing"

	"github.com/dialwright/dialwright/test/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }
