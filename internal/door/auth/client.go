package auth

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Client gives the address of who asks: the peer's, or what a trusted proxy says of it. Of
// several addresses in X-Forwarded-For the last one that is no trusted proxy counts; what
// stands before it anybody can have written (spec: dialproxy 11, W10). It is unmapped and
// without a zone; the zero value if the peer has no address.
func Client(r *http.Request, trusted []netip.Prefix) netip.Addr {
	at := Peer(r)
	list := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(list) - 1; i >= 0 && Among(at, trusted); i-- {
		a, err := netip.ParseAddr(strings.TrimSpace(list[i]))
		if err != nil {
			break
		}
		at = a.Unmap().WithZone("")
	}
	return at
}

// Peer gives the address at the other end of the connection, as Client gives addresses.
func Peer(r *http.Request) netip.Addr {
	a, _ := netip.ParseAddrPort(r.RemoteAddr)
	return a.Addr().Unmap().WithZone("")
}

// Among says whether an address is in one of some networks.
func Among(a netip.Addr, list []netip.Prefix) bool {
	return slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(a) })
}
