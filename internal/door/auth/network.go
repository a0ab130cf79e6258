package auth

import "net/netip"

// Permitted says whether an address may come in, by networks it may come from and
// networks it may not. The smallest network that it is in decides, deny before permit
// for the same one. An address in none is let in unless there is anything in permit.
func Permitted(a netip.Addr, permit, deny []netip.Prefix) bool {
	a = a.Unmap().WithZone("")
	allowed, denied := narrowest(a, permit), narrowest(a, deny)
	if allowed < 0 && denied < 0 {
		return len(permit) == 0
	}
	return allowed > denied
}

// narrowest gives the bits of the smallest network that an address is in, -1 if it
// is in none.
func narrowest(a netip.Addr, networks []netip.Prefix) int {
	bits := -1
	for _, n := range networks {
		if n.Contains(a) {
			bits = max(bits, n.Bits())
		}
	}
	return bits
}
