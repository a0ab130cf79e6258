//go:build !linux

package funcs

import "errors"

// sysinfo is there on Linux only, as in Asterisk.
func sysinfo() (memory, error) {
	return memory{}, errors.New("this operating system does not tell")
}
