// Package ami is the door of the Asterisk Manager Interface: TCP, TLS and HTTP
// (spec: ami).
//
//	listener ─► session: reads an action, runs it, writes its answer; strictly one after the other
//	switch ──Observe──► journal: every event, written once, read by each session with its own mask and filters
//
// A session that does not take its events falls behind the journal and is closed; nothing
// waits for it. What an action dials passes the guard and leaves a record, but is not
// queued (decision 12, 13).
package ami
