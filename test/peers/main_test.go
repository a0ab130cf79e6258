// Package peers tests the built binary against foreign SIP programs, SIPp and
// baresip, over loopback.
package peers

import (
	"os"
	"testing"

	"github.com/dialwright/dialwright/test/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }
