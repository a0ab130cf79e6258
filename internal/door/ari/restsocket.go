package ari

import (
	"context"
	"net/http"
	"time"

	wire "github.com/dialwright/dialwright/internal/wire/ari"
)

// work carries out the requests of a socket, one after the other (spec: ari 3.5).
func (k *socket) work(ctx context.Context) {
	for frame := range k.frames {
		a := k.carryOut(ctx, frame)
		select {
		case k.answers <- a:
		case <-ctx.Done():
			return
		}
	}
}

// carryOut gives the answer to one request.
func (k *socket) carryOut(ctx context.Context, frame []byte) *wire.RESTResponse {
	begun := time.Now()
	c, refusal := wire.ParseRESTRequest(frame)
	if refusal != nil {
		k.s.log.Info("request refused", "door", "ari", "user", k.user.Name, "remote", k.remote, "refusal", refusal.ReasonPhrase)
		return refusal
	}
	a := k.s.dispatch(ctx, &ask{
		request: request{user: k.user, remote: k.remote, params: c.Params, overWS: true, app: k.apps[0]}, method: c.Method, path: "/" + c.URI,
	})
	if a.upgrade {
		a = answered{operation: a.operation, err: wire.Errorf(http.StatusBadRequest, "Can't upgrade to websocket from a websocket")}
	}
	k.s.record(k.user, k.remote, a, time.Since(begun))
	r := c.Response(a.code(), wire.TypeJSON, k.s.encode(a, false))
	if r.StatusCode == http.StatusBadRequest {
		r.ReasonPhrase = "Bad request" // as Asterisk spells it
	}
	return r
}
