package ami

import (
	"cmp"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	wire "github.com/dialwright/dialwright/internal/wire/ami"
)

// client is who speaks: on a connection, or in an HTTP session. The latter may carry out
// several actions at once, but only one that waits for events.
type client struct {
	s       *Server
	remote  string // host:port
	since   time.Time
	web     bool
	cut     func() // ends it at once; anybody may call it
	user    atomic.Pointer[User]
	asked   atomic.Uint32 // wire.Class: the mask that it asked for
	reader  *reader       // with no mask before login
	session *session      // nil in HTTP sessions

	mu      sync.Mutex    // guards what follows
	filters []wire.Filter // its own, beside those of the user; only appended to
	secret  string        // challenge, "" = not asked for
}

// maxFilters bounds what one session may have compared with every event.
const maxFilters = 128

// host gives the address of a client without its port.
func host(remote string) string {
	h, _, err := net.SplitHostPort(remote)
	if err != nil {
		return remote
	}
	return h
}

// ask asks for a mask of events.
func (c *client) ask(mask wire.Class) {
	c.asked.Store(uint32(mask))
	c.hear()
}

// hear puts in force what the client asked for, within the rights of its user. Anybody
// may call it.
func (c *client) hear() {
	if u := c.user.Load(); u != nil {
		c.reader.hear(wire.Class(c.asked.Load()) & u.Read)
	}
}

// passes says whether an event passes the filters of the user and the client's own.
func (c *client) passes(r *record) bool {
	u := c.user.Load()
	if u == nil {
		return false
	}
	c.mu.Lock()
	own := c.filters
	c.mu.Unlock()
	return wire.Pass(r.name, r.text, u.Filters, own)
}

// addFilter adds one of the client's own.
func (c *client) addFilter(f wire.Filter) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.filters) >= maxFilters {
		return false
	}
	c.filters = append(c.filters, f)
	return true
}

func sortSessions(list []Session) {
	slices.SortFunc(list, func(a, b Session) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Remote, b.Remote))
	})
}
