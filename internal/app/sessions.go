package app

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/dialwright/dialwright/internal/door/console"
)

// keptSessions carries the console's sessions over an orderly restart in a sealed file of the
// data directory, which is there only while the server is not.
func (a *App) keptSessions() console.Keep {
	file := filepath.Join(a.Config().Server.DataDir, "sessions")
	return console.Keep{
		Key: a.box.Key("console sessions"),
		Save: func(text string) error {
			next := file + ".new"
			if err := os.WriteFile(next, []byte(a.box.Seal(text)), 0o600); err != nil {
				return err
			}
			return os.Rename(next, file)
		},
		Take: func() (string, error) {
			sealed, err := os.ReadFile(file)
			if errors.Is(err, fs.ErrNotExist) {
				return "", nil
			}
			if err != nil {
				return "", err
			}
			if err := os.Remove(file); err != nil { // it counts once: a session that ends later must not come back
				return "", err
			}
			return a.box.Open(string(sealed))
		},
	}
}
