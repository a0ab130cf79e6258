package vodia

import (
	"net/netip"
	"testing"
)

// loopback are the addresses of proxies on this machine.
func loopback(t testing.TB) []netip.Prefix {
	t.Helper()
	return []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
}
