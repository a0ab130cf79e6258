package vodia

import (
	"context"
	"net/http"
)

// serveSocket answers GET /websocket. socket.go's author replaces it.
func (d *Door) serveSocket(x *exchange) { http.NotFound(x.w, x.r) }

// stopSockets closes the sockets. socket.go's author replaces it.
func (d *Door) stopSockets(context.Context) error { return nil }

// link answers /remote_call.htm; the wire grammar is not there yet.
func (x *exchange) link() { http.NotFound(x.w, x.r) }

// calls answers /rest/user/ACCOUNT/calls; the wire grammar is not there yet.
func (x *exchange) calls(account, id string) { http.NotFound(x.w, x.r) }
