//go:build !linux

package media

import (
	"net/netip"
	"time"
)

// rtcpSocket exists on Linux only; elsewhere a goroutine reads RTCP.
type rtcpSocket struct{}

func newRTCPSocket(Socket) *rtcpSocket { return nil }

func (*rtcpSocket) drain(time.Time, func([]byte, netip.AddrPort, time.Time)) {}
