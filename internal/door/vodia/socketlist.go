package vodia

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"

	"github.com/coder/websocket"

	"github.com/dialwright/dialwright/internal/directory"
	wire "github.com/dialwright/dialwright/internal/wire/vodia"
)

// Bounds of sockets.
const (
	maxSockets    = 1000 // at once, if Config.MaxSockets is 0
	socketsOfUser = 32   // that show the calls of one user
)

// stoppingText is why a socket is closed when the server stops.
const stoppingText = "the server is stopping"

// sockets are those that are open.
type sockets struct {
	running sync.WaitGroup // of reserve

	mu      sync.Mutex // guards what follows
	stopped bool
	total   int                    // places taken
	places  map[directory.Name]int // of them of one user
	open    map[directory.Name][]*socket
}

func newSockets() *sockets {
	return &sockets{places: map[directory.Name]int{}, open: map[directory.Name][]*socket{}}
}

// reserve takes a place for a socket of a user. most bounds all, 0 = maxSockets.
func (l *sockets) reserve(n directory.Name, most int) *failure {
	if most == 0 {
		most = maxSockets
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.stopped:
		return notReady()
	case l.total >= most:
		return deny(http.StatusServiceUnavailable, "sockets", "Too many WebSockets are open.")
	case l.places[n] >= socketsOfUser:
		return deny(http.StatusTooManyRequests, "sockets_of_user", "This extension has too many WebSockets open.")
	}
	l.total++
	l.places[n]++
	l.running.Add(1)
	return nil
}

// release gives a place back.
func (l *sockets) release(n directory.Name) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total--
	if l.places[n]--; l.places[n] == 0 {
		delete(l.places, n)
	}
	l.running.Done()
}

// add enters a socket; one that comes too late is ended at once.
func (l *sockets) add(k *socket) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open[k.name] = append(l.open[k.name], k)
	if l.stopped {
		k.end(websocket.StatusGoingAway, stoppingText)
	}
}

func (l *sockets) remove(k *socket) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open[k.name] = slices.DeleteFunc(l.open[k.name], func(o *socket) bool { return o == k })
	if len(l.open[k.name]) == 0 {
		delete(l.open, k.name)
	}
}

// tell leaves a message for all sockets of a user. It does not wait.
func (l *sockets) tell(n directory.Name, m wire.Message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, k := range l.open[n] {
		k.board.note(m)
	}
}

// all gives those that are open now.
func (l *sockets) all() (list []*socket) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, of := range l.open {
		list = append(list, of...)
	}
	return list
}

// stop ends all and waits until they are closed; when ctx ends it cuts what is left. None is
// opened any more.
func (l *sockets) stop(ctx context.Context) error {
	l.mu.Lock()
	l.stopped = true
	l.mu.Unlock()
	for _, k := range l.all() {
		k.end(websocket.StatusGoingAway, stoppingText)
	}
	over := make(chan struct{})
	go func() { // ends with the last socket, which is cut at the latest below
		l.running.Wait()
		close(over)
	}()
	select {
	case <-over:
		return nil
	case <-ctx.Done():
	}
	for _, k := range l.all() {
		_ = k.conn.CloseNow() // its goroutines end by that
	}
	return fmt.Errorf("close WebSockets: %w", context.Cause(ctx))
}
