// Package ctl is the door behind the command line: a unix socket in the data
// directory that serves the same API as the HTTP door, without keys.
//
// Who may open the socket is the owner of the server, because the file's mode
// is 0600 from the moment it has its name: it is made under another name, its
// mode is set, then it is renamed. Requests over it carry the principal
// auth.Local. A socket left by a server that died is replaced; one that a
// running server listens on is not.
//
// The package holds no operations of its own. Listen and Dial are all that a
// server and a client need.
package ctl

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/dialwright/dialwright/internal/door/auth"
)

// Name is the socket's name in the data directory.
const Name = "ctl.sock"

// maxPath is the longest path of a unix socket on every system we know
// (sun_path: 104 bytes on BSD and macOS, 108 on Linux, with the final NUL).
const maxPath = 103

// Errors of Listen and Dial.
var (
	ErrInUse    = errors.New("another server is running with this data directory")
	ErrNoServer = errors.New("no server is running with this data directory")
	ErrTooLong  = errors.New("path is too long for a unix socket; choose a shorter server.data_dir")
)

// Path gives the socket's path in a data directory.
func Path(dataDir string) string { return filepath.Join(dataDir, Name) }

// Listen opens the socket. Closing the listener removes it.
func Listen(dataDir string) (net.Listener, error) {
	path := Path(dataDir)
	// The name while it is being made is as long as the final one.
	making := filepath.Join(dataDir, "."+rand.Text()[:len(Name)-1])
	if len(path) > maxPath {
		return nil, fmt.Errorf("%s: %w", path, ErrTooLong)
	}
	if c, err := net.DialTimeout("unix", path, time.Second); err == nil {
		_ = c.Close() // it only had to open
		return nil, fmt.Errorf("%s: %w", path, ErrInUse)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: making, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	l.SetUnlinkOnClose(false) // it will have another name
	if err := errors.Join(os.Chmod(making, 0o600), os.Rename(making, path)); err != nil {
		return nil, errors.Join(fmt.Errorf("control socket: %w", err), l.Close(), ignoreMissing(os.Remove(making)))
	}
	return &listener{UnixListener: l, path: path}, nil
}

type listener struct {
	*net.UnixListener
	path string
}

// Close closes the socket and removes it.
func (l *listener) Close() error {
	return errors.Join(l.UnixListener.Close(), ignoreMissing(os.Remove(l.path)))
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Handler gives next's requests the local principal.
func Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(auth.NewContext(r.Context(), auth.Local())))
	})
}

// Dial opens a connection to the server of a data directory.
func Dial(ctx context.Context, dataDir string) (net.Conn, error) {
	path := Path(dataDir)
	c, err := new(net.Dialer).DialContext(ctx, "unix", path)
	switch {
	case err == nil:
		return c, nil
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("%s: not allowed; run this as the user who runs the server: %w", path, err)
	case ctx.Err() != nil:
		return nil, ctx.Err()
	}
	return nil, fmt.Errorf("%s: %w; start one with `dialwright serve`, or name another with --data-dir or --server", path, ErrNoServer)
}
