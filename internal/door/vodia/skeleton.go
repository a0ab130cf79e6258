package vodia

import (
	"context"
	"net/http"

	"github.com/dialwright/dialwright/internal/directory"
	wire "github.com/dialwright/dialwright/internal/wire/vodia"
)

// serveSocket answers GET /websocket. socket.go's author replaces it.
func (d *Door) serveSocket(x *exchange) { http.NotFound(x.w, x.r) }

// stopSockets closes the sockets. socket.go's author replaces it.
func (d *Door) stopSockets(context.Context) error { return nil }

// callObjects gives the calls of a user's phone as its clients see them, without Now; none for
// a user without a phone. callobject.go's author replaces it; /rest/user/…/calls uses it too.
func (d *Door) callObjects(u *directory.User) []wire.Call { return nil }

// link answers /remote_call.htm; link.go is about to.
func (x *exchange) link() { http.NotFound(x.w, x.r) }

// calls answers /rest/user/ACCOUNT/calls; calls.go is about to.
func (x *exchange) calls(account, id string) { http.NotFound(x.w, x.r) }
