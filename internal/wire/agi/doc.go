// Package agi is the grammar of the Asterisk Gateway Interface, without pipes
// and sockets: how a script's command line is read, what it is told first, and
// how it is answered (spec: dialplan 5.3).
//
//	server                                   script
//	agi_request: agi://host/path ──►
//	agi_channel: PJSIP/101-0000001a
//	(empty line)
//	                             ◄── GET VARIABLE "X"
//	200 result=1 (value)         ──►
//	HANGUP                       ──►          the party has hung up (FastAGI)
//	                             ◄── STREAM FILE beep ""
//	511 Command Not Permitted …  ──►
//
// Everything is lines of text that end in a line feed.
package agi
