package ari

import (
	"context"
	"net/http"
	"runtime"
	"sync/atomic"
	"time"

	wire "github.com/dialwright/dialwright/internal/wire/ari"
)

// makesCalls says whether an operation makes a channel or calls one. These pass a gate.
func makesCalls(key string) bool {
	switch key {
	case "channels.originate", "channels.originateWithId", "channels.create", "channels.dial",
		"channels.externalMedia", "channels.snoopChannel", "channels.snoopChannelWithId":
		return true
	}
	return false
}

// gate bounds how many operations that make calls are in progress, so that a server
// with too much to do refuses at once what it could not do in time, and what it has
// begun goes on quickly. Each of them takes less than a millisecond when the server is
// not saturated: then hardly anybody waits. A burst may wait for maxWait. When nobody
// has come in within soon for standing it is no burst: there is more to do than can be
// done, the queue would only make everybody late, and whoever comes waits no longer
// than shortWait (controlled delay: Nichols and Jacobson, ACM Queue 10(5), 2012).
type gate struct {
	inside  chan struct{}
	waiting chan struct{}
	easy    atomic.Int64 // when somebody last came in within soon, Unix ns
}

const (
	perCPU    = 4                      // operations in progress
	maxQueue  = 256                    // and waiting, for each CPU
	maxWait   = 250 * time.Millisecond // for a place
	soon      = 20 * time.Millisecond
	standing  = time.Second
	shortWait = 50 * time.Millisecond
)

func newGate() *gate {
	n := runtime.GOMAXPROCS(0)
	g := &gate{inside: make(chan struct{}, perCPU*n), waiting: make(chan struct{}, maxQueue*n)}
	g.easy.Store(time.Now().UnixNano())
	return g
}

var errSaturated = wire.Errorf(http.StatusServiceUnavailable, "The server has as many calls to make as it can; try again in a second")

// enter waits for a place and gives what leaves it again. It fails with errSaturated, or
// the cause of ctx.
func (g *gate) enter(ctx context.Context) (leave func(), err error) {
	now := time.Now()
	select {
	case g.inside <- struct{}{}:
		g.easy.Store(now.UnixNano())
		return g.leave, nil
	default:
	}
	select {
	case g.waiting <- struct{}{}:
		defer func() { <-g.waiting }()
	default:
		return nil, errSaturated
	}
	wait := maxWait
	if now.Sub(time.Unix(0, g.easy.Load())) > standing {
		wait = shortWait
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case g.inside <- struct{}{}:
		if time.Since(now) < soon {
			g.easy.Store(now.UnixNano())
		}
		return g.leave, nil
	case <-t.C:
		return nil, errSaturated
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (g *gate) leave() { <-g.inside }

// notImplemented answers for operations that nobody carries out.
func notImplemented(context.Context, *request) (response, error) {
	return response{}, wire.Errorf(http.StatusNotImplemented, "This server does not do that")
}
