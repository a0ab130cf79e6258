package auth

import (
	"net/http"
	"net/netip"
	"strings"
)

// PassedOn says whether a proxy asks in the name of another machine. A proxy on this one that
// nobody has named as trusted, or that writes an address that cannot be read, looks as if it
// asked for itself.
func PassedOn(h http.Header) bool {
	if len(h.Values("Forwarded")) > 0 {
		return true
	}
	for _, name := range []string{"X-Forwarded-For", "X-Real-Ip"} {
		for _, v := range h.Values(name) {
			for s := range strings.SplitSeq(v, ",") {
				if a, err := netip.ParseAddr(strings.TrimSpace(s)); err != nil || !a.Unmap().IsLoopback() {
					return true
				}
			}
		}
	}
	return false
}
