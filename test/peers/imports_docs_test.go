package peers

import (
	"fmt"
	"testing"

	"github.com/dialwright/dialwright/internal/door/auth"
	"github.com/dialwright/dialwright/test/harness"
)

// Every command of docs/imports.md does what the page says.
func TestImportsAsDocumented(t *testing.T) {
	t.Parallel()
	harness.RequirePeer(t, "curl", "curl")
	key := auth.NewKey("crm")
	srv := harness.StartWith(t, harness.Limits{HTTP: true}, harness.Phone("101", ""), harness.Phone("102", ""), harness.Phone("103", ""),
		fmt.Sprintf("[keys.crm]\nhash = %q\nscopes = [\"calls:read\", \"calls:write\"]\n", auth.CheapHash(key)))
	follow(t, "imports.md", t.TempDir(), "http://127.0.0.1:8088", key, srv)
}
