package harness

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
)

// FreePort gives a port of 127.0.0.1 that nobody has bound for UDP or TCP, and
// that no socket takes by itself: it lies below the ports that the kernel hands
// out, so that a connection made in between cannot have it. Foreign programs
// cannot report a port that they chose themselves.
func FreePort(t testing.TB) int {
	t.Helper()
	return FreePorts(t, 1)
}

// FreePorts gives the first of n such ports in a row.
func FreePorts(t testing.TB, n int) int {
	t.Helper()
	claim.Do(func() { block = claimBlock(t) })
next:
	for range 200 {
		last := int(taken.Add(int64(n))) % blockSize
		if last < n {
			continue // across the end of the block
		}
		first := block + last - n
		for i := range n {
			if !bindable(first + i) {
				continue next
			}
		}
		return first
	}
	t.Fatal("no free ports below the kernel's own range")
	return 0
}

// Each test process has a block of ports to itself, while it lives: several may run
// side by side.
const (
	firstBlock = 2000
	blockSize  = 400
	blocks     = 20
)

var (
	claim sync.Once // guards block
	block int
	taken atomic.Int64
)

// claimBlock locks a file that stands for a block of ports; the lock goes with the
// process.
func claimBlock(t testing.TB) int {
	t.Helper()
	for i := range blocks {
		name := filepath.Join(os.TempDir(), fmt.Sprintf("dialwright-test-ports-%d", i))
		fd, err := syscall.Open(name, syscall.O_CREAT|syscall.O_RDWR|syscall.O_CLOEXEC, 0o666) // no os.File, which would be closed when it is collected
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if syscall.Flock(fd, syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			return firstBlock + i*blockSize
		}
		syscall.Close(fd)
	}
	t.Fatalf("%d test processes have all ports; try again when one has ended", blocks)
	return 0
}

func bindable(port int) bool {
	at := net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}
	c, err := net.ListenUDP("udp4", &at)
	if err != nil {
		return false
	}
	defer c.Close()
	l, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: at.IP, Port: port})
	if err != nil {
		return false
	}
	l.Close()
	return true
}
