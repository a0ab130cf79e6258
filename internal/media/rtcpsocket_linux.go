package media

import (
	"encoding/binary"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// rtcpSocket reads an RTCP socket without a goroutine: reports are few and not
// urgent, so the slow clock collects them twice a second. The kernel's receive
// time keeps the round trip exact that is computed from them.
type rtcpSocket struct {
	raw syscall.RawConn
	buf [1500]byte
	oob [64]byte
}

// maxDrain bounds what one visit reads, so that a flood stops nobody else.
const maxDrain = 16

// newRTCPSocket gives nil for a socket that has to be read by a goroutine.
func newRTCPSocket(c Socket) *rtcpSocket {
	u, ok := c.(*net.UDPConn)
	if !ok {
		return nil
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return nil
	}
	var opt error
	err = raw.Control(func(fd uintptr) {
		opt = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_TIMESTAMP, 1)
	})
	if err != nil || opt != nil {
		return nil
	}
	return &rtcpSocket{raw: raw}
}

// drain gives each waiting datagram to f. It does not wait.
func (s *rtcpSocket) drain(now time.Time, f func(b []byte, from netip.AddrPort, at time.Time)) {
	s.raw.Read(func(fd uintptr) bool { //nolint:errcheck // a closed socket has nothing for us
		for range maxDrain {
			n, oobn, _, from, err := syscall.Recvmsg(int(fd), s.buf[:], s.oob[:], syscall.MSG_DONTWAIT)
			if err != nil {
				break
			}
			f(s.buf[:n], sockaddr(from), receiveTime(s.oob[:oobn], now))
		}
		return true // do not wait for more
	})
}

// receiveTime reads the SO_TIMESTAMP message (socket(7)): a timeval of two
// words of the machine.
func receiveTime(oob []byte, now time.Time) time.Time {
	list, err := syscall.ParseSocketControlMessage(oob)
	if err != nil {
		return now
	}
	for _, m := range list {
		if m.Header.Level != syscall.SOL_SOCKET || m.Header.Type != syscall.SCM_TIMESTAMP {
			continue
		}
		switch len(m.Data) {
		case 16:
			return time.Unix(int64(binary.NativeEndian.Uint64(m.Data)), 1000*int64(binary.NativeEndian.Uint64(m.Data[8:])))
		case 8:
			return time.Unix(int64(binary.NativeEndian.Uint32(m.Data)), 1000*int64(binary.NativeEndian.Uint32(m.Data[4:])))
		}
	}
	return now
}

func sockaddr(a syscall.Sockaddr) netip.AddrPort {
	switch a := a.(type) {
	case *syscall.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port))
	case *syscall.SockaddrInet6:
		return unmap(netip.AddrPortFrom(netip.AddrFrom16(a.Addr), uint16(a.Port)))
	}
	return netip.AddrPort{}
}
