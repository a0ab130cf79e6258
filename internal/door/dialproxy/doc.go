// Package dialproxy serves AstLinux's dialproxy.php: a request with a number and a label
// rings the label's phone and, when it has answered, sends it to the number in the
// dialplan (spec: dialproxy).
//
//	GET /dialproxy.php?num=%2B49+89-12&ext=office
//	     │
//	     ├─ may the web page that asks? is there room for its address?      origin.go, limit.go
//	     ├─ num: made dialable by the prefixes                              wire/dialproxy
//	     ├─ ext: actionlist/DIALPROXY-office in AstDB; allow=, token        label.go, token.go
//	     └─ a request to the queue, one attempt; the answer waits until
//	        the phone has answered, or has not                              dial.go
//
// What differs from the original is what made it unsafe, and is marked with the row of
// the specification's list (spec: dialproxy 11). Above all a web page of another origin
// can make nobody's phone ring: browsers say which page asks, and one that does not say
// it is refused, unless the request carries the label's token itself.
//
// A failed request is answered after a pause, as by the original; a request that waits
// or pauses holds no more than its own goroutine, and of those there is a bounded number,
// also for each address. A client that goes away does not end its call.
//
// The door keeps nothing that must survive it. It dials nobody by itself: the queue does,
// behind the guard, and leaves the records.
package dialproxy
