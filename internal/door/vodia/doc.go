// Package vodia serves the click-to-dial interfaces of the Vodia PBX (spec: vodia): links,
// calls by REST, sessions, the WebSocket, and the pages and scripts that use them. All of them
// mean the same: ring a user's phone, and dial when it is answered. The grammar is in
// wire/vodia; the call is placed by a click.Placer.
//
//	/remote_call.htm            link.go, click.go     ┐
//	/rest/user/ACCOUNT/calls    calls.go              ├─► place.go ─► click.Placer
//	/websocket                  socket….go            ┘
//	/rest/system/session        session.go, token.go
//	/rest/pbxlogin, /click-to-dial, /js/…             session.go, login.go, web.go
//
// Who asks is an asker (prove.go): by a password, a session, or a signature or password in
// the link itself. Its rights are looked up at each use. A name that nobody has, a user
// that may not log in and a wrong secret look alike: in the answer, in the work they cost and
// in how they count towards a lock. What browsers send by themselves is believed only when the
// browser says that no other page makes it ask; else there is a page with a button.
//
// A signed link that may be used n times has its uses numbered (limit.go). A use that places
// no call gives its number back, so that a refusal does not use a link up.
//
// Of all that is in memory a restart leaves nothing. That is safe, because
//
//   - sessions, tokens and buttons are known by what is in memory alone: who has one logs in
//     again, or opens the link again;
//   - uses of links are known to the queue as well: the call of each use has an idempotency
//     key, made of account, nonce or signature, time, duration and number, which the queue
//     admits once for as long as it keeps the call ([retention] calls, 90 days; a link is
//     valid for a day). A link that was used up is refused after a restart too. Two links into which their signer
//     has put one nonce count as one in memory, and as two after a restart;
//   - failures are counted anew: who can restart the server has other ways;
//   - a second click in the three seconds after a restart is a second call, unless the link
//     may be used only once.
package vodia
