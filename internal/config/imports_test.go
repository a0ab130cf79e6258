package config

import "testing"

func TestImportsMistakes(t *testing.T) {
	mistakesAre(t, `[imports]
max_size = 10
max_rows = 0
max_files = 5000
keep = "-1s"
`, "a.toml:2: imports.max_size:", "a.toml:3: imports.max_rows:", "a.toml:4: imports.max_files:", "a.toml:5: imports.keep:")
}
