// Package auth knows who speaks to a door. It is shared by the doors and
// imports none of them.
//
// A Principal is a name with rights (Scopes) on behalf of an account. It comes
// from an API key (Keys), or from a place that only its owner can reach, such
// as the control socket (Local). A key is text of the form
//
//	dw_NAME_SECRET
//
// where NAME finds the entry and SECRET has 128 bits of randomness. The
// configuration holds an argon2id hash of the whole key, never the key. Because
// a hash costs tens of milliseconds by design, a key that was once found right
// is remembered for a while under a keyed digest of itself, which says nothing
// to who reads the memory of another process. Wrong keys are never remembered;
// they cost a hash each, of which only a few run at once, and an address that
// presents many wrong keys is refused for a while before any hash is computed.
//
// Comparisons take constant time. An unknown NAME costs as much as a wrong
// SECRET.
package auth
