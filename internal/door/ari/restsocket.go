package ari

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/coder/websocket"

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
	var a answered
	if user, err := k.rights(); err != nil {
		a.err = err
	} else {
		a = k.s.dispatch(ctx, &ask{
			request: request{user: user, remote: k.remote, params: c.Params, overWS: true, app: k.apps[0]}, method: c.Method, path: "/" + c.URI,
		})
	}
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

// rights gives the user of a socket as he is configured now, with what he may do. A
// client whose login would not be taken any more gets the refusal of that; of those that
// we have opened, the name alone counts.
func (k *socket) rights() (*User, error) {
	users := k.s.o.Config().Users
	i := slices.IndexFunc(users, func(u User) bool {
		return u.Name == k.user.Name && (k.out == nil || u.Password == k.user.Password && u.Format == k.user.Format)
	})
	switch {
	case i < 0:
		return nil, errLogin
	case k.out != nil && !permitted(&users[i], k.remote):
		return nil, errACL
	}
	return &users[i], nil
}

// recheck ends the sockets whose clients could not log in any more.
func (l *sockets) recheck() {
	for _, k := range l.all() {
		if _, err := k.rights(); err != nil {
			k.end(websocket.StatusPolicyViolation, "the login is not valid any more")
		}
	}
}
