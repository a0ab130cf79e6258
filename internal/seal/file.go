package seal

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// FileName is the name of the key file in a data directory.
const FileName = "seal.key"

// OpenDir makes a box with the key of a data directory, which must be there. A key is made
// if there is none. A key that others may read is refused.
func OpenDir(dir string) (*Box, error) {
	file := filepath.Join(dir, FileName)
	key, err := readKey(file)
	if errors.Is(err, fs.ErrNotExist) {
		if err := makeKey(dir, file); err != nil {
			return nil, fmt.Errorf("make the key of sealed secrets: %w", err)
		}
		key, err = readKey(file) // somebody else's, if two make it at once
	}
	if err != nil {
		return nil, fmt.Errorf("key of sealed secrets: %w", err)
	}
	return New(key), nil
}

// readKey reads a key file.
func readKey(file string) (key [KeySize]byte, err error) {
	f, err := os.Open(file)
	if err != nil {
		return key, err
	}
	defer func() { _ = f.Close() }() // it was only read
	i, err := f.Stat()
	if err != nil {
		return key, err
	}
	switch {
	case !i.Mode().IsRegular() || i.Size() != KeySize:
		return key, fmt.Errorf("%s is not a key: %d bytes were expected. Put back a copy of it, or remove it and set the sealed secrets again", file, KeySize)
	case i.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows": // Windows has lists instead of these bits
		return key, fmt.Errorf("%s may be read by others (mode %04o). Run: chmod 600 %s. If somebody may have copied it, remove it and set the sealed secrets again",
			file, i.Mode().Perm(), file)
	}
	n, err := f.Read(key[:])
	if err == nil && n != KeySize {
		err = fmt.Errorf("%s ended early", file)
	}
	return key, err
}

// makeKey writes a new key under another name first, so that nobody ever sees half of one
// and the key of who was faster stays.
func makeKey(dir, file string) (err error) {
	f, err := os.CreateTemp(dir, FileName+".*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(f.Name())) }()
	var key [KeySize]byte
	rand.Read(key[:]) // never fails (crypto/rand)
	_, err = f.Write(key[:])
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), file); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}
