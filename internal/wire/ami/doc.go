// Package ami is the grammar of the Asterisk Manager Interface without sockets: packets
// in and out, classes of rights and events, event masks and filters, the checks of
// Originate that need no switch, and the XML form of AMI over HTTP (spec: ami).
//
//	Key: Value CRLF …          a packet is its lines, ended by an empty one
//	Response: …                an answer to an action
//	Event: …                   something has happened, or an item of a list
package ami
