// Package switchvox serves the call API of Switchvox: whatever was made for it places calls
// here when its host name is changed (spec: switchvox).
//
// There are two paths, /xml and /json, which mean the same. A request is let in by HTTP Digest
// or Basic, against the directory, and then does one method. The order in which it is looked
// at is the original's, because clients see the first thing that is wrong:
//
//	network, HTTP method, origin ─► login ─► envelope ─► method ─► right ─► parameters ─► account ─► call
//	         403, 405, 403         401, 403   90001       90003     90004    all faults      77427    41591
//
// switchvox.call rings the first number. Its answer is withheld until that phone has
// answered, or has not: minutes, if the client wants it so. The call is the queue's and not
// the connection's, so a client that goes away ends its waiting and nothing else. Waiting
// costs a connection and a goroutine; how many wait is bounded for each login.
//
// The door keeps no calls and no people: those are the originator's and the directory's. It
// has in memory which digests were used, who has presented wrong passwords, and who waits;
// each of them is bounded.
package switchvox
