// Command gen writes docs/configuration.md and dialwright.example.toml from
// the comments of package config. It is run by go generate in that package's
// folder.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/dialwright/dialwright/internal/config"
)

func main() {
	root := filepath.Join("..", "..")
	for name, text := range map[string]string{
		filepath.Join(root, "docs", "configuration.md"): config.Reference(),
		filepath.Join(root, "dialwright.example.toml"):  config.Example(),
	} {
		if err := write(name, text); err != nil {
			fmt.Fprintln(os.Stderr, "gen:", err)
			os.Exit(1)
		}
	}
}

func write(name, text string) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, []byte(text), 0o644)
}
