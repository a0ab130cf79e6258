// Package link serves /link/…, the signed links of our own (package internal/link).
//
//	GET /link/ID.SIGNATURE      a page that names the destination and the phone, and has one button
//	POST /link/ID.SIGNATURE     the call
//	     │
//	     ├─ is there room for its address?                        limit.go
//	     ├─ is the link known, and the signature right?           door.go
//	     ├─ may the page that asks?                               origin.go
//	     ├─ the same click again within 3 s: the same answer      again.go
//	     ├─ the use is counted, or the link is over               dial.go
//	     └─ the call goes to the queue; a refusal gives the use back
//
// Opening a link calls nobody. Mail scanners, chat programs that show previews, crawlers and
// prefetching browsers fetch every address that they see, by GET or HEAD: they get the
// page, or nothing (spec: vodia 4.8, 12). A link that was made to dial directly does so on a
// navigation of a browser's window that a person has begun, as Sec-Fetch-User says, and
// that no other page has sent it on; in every other case it shows the page too.
//
// The link itself is the right to use it; there are no cookies. So a page of another origin
// could gain nothing by a forged request that it could not have by sending the link to
// itself. What is checked all the same: a browser that says that such a page asks is refused, unless the
// link names the page's origin; and a link that names origins works from their pages only. That
// lock binds browsers, which tell the truth about origins, and nobody else.
//
// The page has no script and loads nothing. Who is told what a link leads to is who has it:
// an unknown and a forged one get the same answer. No signature is logged.
package link
