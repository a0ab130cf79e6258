// Package cli is the CLI dialect of Asterisk: the commands that scripts send by
// `asterisk -rx`, AMI's Command, and the interactive prompt (spec: cli).
//
// # The main object
//
// A Shell has one table of commands (table.go). Run splits a line, finds the command
// with the most words, and lets it print; Complete proposes how a line may go on:
//
//	AMI Command ───┐
//	POST /v1/rx ───┼──► Shell.Run(by, line) ──► Result: what it prints, how it ended
//	Socket ────────┘         │
//	                         └──► switch, AstDB, dialplan, Originator, Server …
//
// What a command needs and the server does not have is not in the table: the command is
// then unknown, as one of an Asterisk without that module.
//
// # What it promises
//
// Texts and columns that programs read are those of Asterisk 22; the usage texts and
// help are our own words. A command that changes something is logged with who gave it. A
// command works on snapshots: it holds no lock while it prints and waits for no call.
//
// # The control socket
//
// Socket speaks the protocol of asterisk.ctl, so that a real Asterisk's own `asterisk
// -rx` and `asterisk -r` work with this server (spec: cli 2).
//
// # What it does not do
//
// It asks for no passwords: who can reach it may do everything. It has no abbreviations,
// nor `database query` and `dialplan eval`.
package cli
