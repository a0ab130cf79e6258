// Package ari is the grammar of the Asterisk REST Interface without sockets: its
// models, events, errors, parameters, the envelopes of REST over WebSocket, the
// event filter, and the table of operations from which routes and the API
// description are made (spec: ari).
package ari
