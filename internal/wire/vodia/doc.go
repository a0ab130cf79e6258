// Package vodia is the grammar of Vodia's click-to-dial interfaces, without sockets: links
// and their signatures, the JSON of calls, and the messages of the WebSocket (spec: vodia).
//
//	vodia://HOST?dial=D        ── ParseAppLink ──► AppLink
//	query of /remote_call.htm  ── ParseQuery ────► Link ── Link.Verify, ParseCredentials
//	body of …/calls            ── ParseCallRequest ──► CallRequest
//	text of a WebSocket        ── ParseFrame ────► Frame        Encode ──► text
//
// What the parsers refuse they refuse with an *Error, whose Code is a word of the
// specification and whose Text is fit for a message box: it repeats nothing of what was
// sent. The parsers take what a server has already bounded; what they give is never more
// than three times as long. All functions are pure and may be called at once.
package vodia
