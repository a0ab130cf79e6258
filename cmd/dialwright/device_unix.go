//go:build unix

package main

import (
	"io/fs"
	"syscall"
)

// device gives the number of the file system that a file is on.
func device(st fs.FileInfo) uint64 {
	if sys, ok := st.Sys().(*syscall.Stat_t); ok {
		return uint64(sys.Dev)
	}
	return 0
}
