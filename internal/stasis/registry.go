package stasis

import (
	"crypto/rand"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/dialwright/dialwright/internal/pbx"
)

// Hub is the registry of applications. All methods are safe concurrently.
//
// Its mutex is the innermost of the switch: the order is bridge, switch, bus, hub.
// Whoever holds it calls nothing that locks, and publishes nothing: events that the
// hub tells go out first, and what they change is done when the bus shows them
// (observe), so that there is one order of things for everybody.
type Hub struct {
	o    Options
	log  *slog.Logger
	sw   *pbx.Switch
	boot string // of this run of the server, in cursors

	unobserve func()

	mu       sync.Mutex // guards what follows
	seq      uint64     // number of the last event given to an application
	round    uint64     // number of the last event routed
	stopped  bool
	apps     map[string]*application
	sessions map[*Session]struct{}
	topics   topics
	stays    map[string]*stay  // by channel id
	offers   map[string]*offer // by channel id

	slow      []*Session     // ended, and not yet taken out: see tidyUp
	unsettled []*application // about which something has changed
}

// application is one that is connected, or was and is kept. Its fields belong to
// the hub's mutex.
//
//	                 ┌──────── session attaches ────────┐
//	                 ▼                                  │
//	─ attach ─► connected ─ session goes ─► held ─ last object goes ─► lingering ─ Grace ─► gone
//	                                      by channels                 for journal or
//	                                      and bridges                 subscriptions
//
// Without objects, journal and lasting subscriptions it is gone at once (spec: ari 3.4).
type application struct {
	name    string
	session *Session // nil = not connected
	filter  filter
	journal *journal // nil = nobody ever wanted to resume
	topics  map[*topic]struct{}

	objects  int // channels and bridges that it is interested in
	lasting  int // other subscriptions
	arriving int // channels that are about to enter it

	awaited time.Time   // a client that resumes is expected back until then
	linger  *time.Timer // not nil while nothing but Grace keeps it
	left    time.Time   // when linger began
	round   uint64      // of the last event that it was given
}

const (
	defaultJournal = 16384
	defaultGrace   = 2 * time.Minute
	maxName        = 72   // spec: ari 3.1: 79 minus 7
	maxApps        = 2000 // each may have a journal, and be told everything

	// absence is how long calls still enter an application whose client knows cursors
	// and has lost its connection.
	absence = 10 * time.Second
)

// New makes a hub that observes the switch; Stop ends it. A bridge that is older
// than the hub is not known to it.
func New(o Options) *Hub {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Journal <= 0 {
		o.Journal = defaultJournal
	}
	if o.Grace <= 0 {
		o.Grace = defaultGrace
	}
	h := &Hub{
		o: o, log: o.Log, sw: o.Switch, boot: rand.Text()[:13],
		apps: make(map[string]*application), sessions: make(map[*Session]struct{}), topics: newTopics(),
		stays: make(map[string]*stay), offers: make(map[string]*offer),
	}
	h.unobserve = o.Switch.Observe(h.observe)
	return h
}

// Stop ends all sessions with ErrClosed and forgets the applications. Channels that
// are in one stay there until they hang up. It may be called twice.
func (h *Hub) Stop() {
	h.unobserve()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stopped = true
	for s := range h.sessions {
		h.endSession(s, ErrClosed)
	}
	for _, a := range h.apps {
		h.remove(a)
	}
}

// room makes room for applications, of which some may be there: others that nothing but
// their grace keeps go, the one that has been so for longest first. It says whether there
// is enough; h.mu is held.
func (h *Hub) room(names []string) bool {
	more, wanted := 0, make(map[string]bool, len(names))
	for _, n := range names {
		wanted[n] = true
		if h.apps[n] == nil {
			more++
		}
	}
	over := len(h.apps) + more - maxApps
	if over <= 0 {
		return true
	}
	var idle []*application
	for _, a := range h.apps {
		if a.linger != nil && !wanted[a.name] {
			idle = append(idle, a)
		}
	}
	if len(idle) < over {
		return false
	}
	slices.SortFunc(idle, func(a, b *application) int { return a.left.Compare(b.left) })
	for _, a := range idle[:over] {
		h.remove(a)
	}
	return true
}

// make enters a new application; h.mu is held.
func (h *Hub) make(name string) *application {
	a := &application{name: name, topics: make(map[*topic]struct{})}
	h.apps[name] = a
	return a
}

// settle lets go of an application that nothing keeps any more, and begins or ends
// its grace (spec: ari 3.4 rules 2, 3 and 6). It is called whenever something that
// keeps one has changed; h.mu is held.
func (h *Hub) settle(a *application) {
	switch {
	case a.session != nil, a.arriving > 0, a.objects > 0:
		if a.linger != nil {
			a.linger.Stop()
			a.linger = nil
		}
	case a.journal == nil && a.lasting == 0:
		h.remove(a)
	case a.linger == nil:
		var t *time.Timer
		t = time.AfterFunc(h.o.Grace, func() { h.expire(a, &t) })
		a.linger, a.left = t, time.Now()
	}
}

// expire ends the grace of an application. A timer that was stopped too late is
// not that of the application any more.
func (h *Hub) expire(a *application, t **time.Timer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if a.linger == *t && h.apps[a.name] == a {
		h.remove(a)
	}
}

// remove forgets an application; h.mu is held.
func (h *Hub) remove(a *application) {
	if a.linger != nil {
		a.linger.Stop()
		a.linger = nil
	}
	for t := range a.topics {
		t.drop(a)
		h.topics.tidy(t)
	}
	clear(a.topics)
	if h.apps[a.name] == a {
		delete(h.apps, a.name)
	}
}

// active finds an application that has a session, or whose client has just lost its
// connection and will hear of everything when it resumes; h.mu is held.
func (h *Hub) active(name string) (*application, bool) {
	a, ok := h.apps[name]
	return a, ok && (a.session != nil || time.Now().Before(a.awaited))
}

// App is an application as it is now; lists are sorted and never nil.
type App struct {
	Name                                  string
	Connected                             bool
	Channels, Bridges, Endpoints, Devices []string // ids and names; for all of a kind "__AST_CHANNEL_ALL_TOPIC" and the like
	Allowed, Disallowed                   []string // event types
}

// Apps lists the applications by name.
func (h *Hub) Apps() []App {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := make([]App, 0, len(h.apps))
	for _, name := range slices.Sorted(maps.Keys(h.apps)) {
		out = append(out, h.apps[name].view())
	}
	return out
}

// App finds an application.
func (h *Hub) App(name string) (App, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	a, ok := h.apps[name]
	if !ok {
		return App{}, false
	}
	return a.view(), true
}

// view copies what an application is; the hub's mutex is held.
func (a *application) view() App {
	v := App{
		Name: a.name, Connected: a.session != nil, Allowed: a.filter.allowed.list(), Disallowed: a.filter.disallowed.list(),
		Channels: []string{}, Bridges: []string{}, Endpoints: []string{}, Devices: []string{},
	}
	for t := range a.topics {
		if !t.of(a).holds() {
			continue
		}
		list := [kinds]*[]string{&v.Channels, &v.Bridges, &v.Endpoints, &v.Devices}[t.kind]
		*list = append(*list, t.name)
	}
	for _, l := range [][]string{v.Channels, v.Bridges, v.Endpoints, v.Devices} {
		slices.Sort(l)
	}
	return v
}
