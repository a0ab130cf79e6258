//go:build unix

package app

import "syscall"

// raiseFiles raises RLIMIT_NOFILE's soft limit to the hard one and gives what
// is then in force. Go's runtime does so too where it can; doing it here tells.
func raiseFiles() (uint64, error) {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return 1024, err
	}
	if l.Cur < l.Max {
		raised := l
		raised.Cur = raised.Max
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &raised); err != nil {
			return uint64(l.Cur), err
		}
		l = raised
	}
	return uint64(l.Cur), nil
}
