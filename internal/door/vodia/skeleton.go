package vodia

import (
	"context"
	"net/http"
)

// serveSocket answers GET /websocket. socket.go's author replaces it.
func (d *Door) serveSocket(x *exchange) { http.NotFound(x.w, x.r) }

// stopSockets closes the sockets. socket.go's author replaces it.
func (d *Door) stopSockets(context.Context) error { return nil }

// calls answers /rest/user/ACCOUNT/calls; calls.go is about to.
func (x *exchange) calls(account, id string) { http.NotFound(x.w, x.r) }
