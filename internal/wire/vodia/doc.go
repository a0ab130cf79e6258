// Package vodia is the grammar of Vodia's click-to-dial interfaces, without sockets: links
// and their signatures, the JSON of calls and sessions, and the messages of the WebSocket
// (spec: vodia).
package vodia
