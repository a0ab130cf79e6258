// Package link is the signed links of our own: an address that, opened by whoever has it,
// rings one user's phone and connects it with one destination, within bounds that its
// maker has set.
//
//	https://dial.example.com/link/ID.SIGNATURE
//
// The ID finds it in the store, which has everything else. The signature, made with a key
// of this server that is not in the store, proves that the store's row is what was signed
// and that nobody has guessed the ID. It is kept nowhere: whoever reads the database, the
// log or the audit trail cannot use a link, and whoever can write the database cannot make one
// or change its destination.
//
//	            now < NotBefore        NotBefore ≤ now < Expires
//	created ──────► early ──────────────► active ──────────► expired
//	                  │                  │   ▲  │
//	                  │        last use  ▼   │  │ Revoke
//	                  │                used ─┘  │    a use that placed no call is given back
//	                  └──── Revoke ──► revoked ◄┘
//
// A use is counted, checked and written down in one transaction before the call is asked
// for, and settled after. If the server dies in between, the use is still open at the next start, and Recover
// settles it by what became of its request: a link that may be used once never places two
// calls, and does not lose its use to a crash.
//
// Who opens a link, by which method and from which page, is the door's to judge (door/link).
package link
