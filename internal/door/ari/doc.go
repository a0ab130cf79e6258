// Package ari is the door of the Asterisk REST Interface: HTTP, WebSocket and REST
// over WebSocket under /ari (spec: ari).
package ari
