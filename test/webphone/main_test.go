// Package webphone tests phones in browsers against the built binary: a real Chromium with
// JsSIP in a page, and telephones at the other end. What one side plays is measured at the other.
package webphone

import (
	"os"
	"testing"

	"github.com/dialwright/dialwright/test/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }
