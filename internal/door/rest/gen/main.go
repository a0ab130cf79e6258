// Command gen writes docs/openapi.json from the operations of package rest. It
// is run by go generate in that package's folder.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/dialwright/dialwright/internal/door/rest"
)

func main() {
	if err := write(filepath.Join("..", "..", "..", "docs", "openapi.json")); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func write(name string) error {
	s, err := rest.New(rest.Options{Version: "1"})
	if err != nil {
		return err
	}
	text, err := s.OpenAPI()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, text, 0o644)
}
