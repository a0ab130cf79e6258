// Package ami is the door of the Asterisk Manager Interface: TCP, TLS and HTTP
// (spec: ami).
//
//	listener ─► session: reads an action, runs it, writes its answer; strictly one after the other
//	switch ──Observe──► journal: every event, written once, read by each session with its own mask and filters
//
// A connection lives like this:
//
//	banner ─► stranger ─ Login ─► user: actions, events ─ Logoff, end of its input ─► last answer read, closed
//	             └─ authtimeout, wrong secret (after a second) ─► closed
//
// A session that does not take its events falls behind the journal and is closed; nothing
// waits for it. The journal is bounded, and sessions have no queues of their own. Over HTTP
// a session is a cookie, or each request logs in by itself (digest); who never waits for
// events there is not closed, and gets those that are left when it does.
//
// What an action dials passes the guard and leaves a record, but is not queued (decision
// 12, 13). An action goes on when its client has gone. A fault of ours in an action ends
// its session only.
package ami
