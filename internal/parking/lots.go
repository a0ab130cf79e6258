package parking

import (
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/dialwright/dialwright/internal/pbx"
)

// ErrFull says that no space of a lot is free.
var ErrFull = errors.New("all spaces of the parking lot are taken")

// Options of Lots.
type Options struct {
	Switch *pbx.Switch
	Log    *slog.Logger // nil: nothing is logged
}

// Lots is the register of the parked channels of one switch. It is safe
// concurrently.
type Lots struct {
	o   Options
	log *slog.Logger

	mu   sync.Mutex // guards lots and what is in them; no actor is waited for under it
	lots map[string]*ground
}

// ground is the state of a lot.
type ground struct {
	bridge *pbx.Bridge // nil while nobody is in
	in     int         // who is in the bridge, or on the way in or out
	spaces map[int]*Stay
	last   int // the space used last, 0 = none yet
}

// New makes an empty register.
func New(o Options) *Lots {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Lots{o: o, log: o.Log, lots: make(map[string]*ground)}
}

// Wish is what a channel wants when it is parked.
type Wish struct {
	Space  int           // 0 = any
	Time   time.Duration // how long it may wait; 0 = for ever
	Parker string        // who has parked it, as a dial string: "PJSIP/101"
}

// Park puts c into a free space of a lot and into its bridge. Who calls it must
// call Leave of the stay. Errors: ErrFull; pbx.ErrGone when c has hung up; what
// making a bridge gives.
func (l *Lots) Park(c *pbx.Channel, lot *Lot, w Wish) (*Stay, error) {
	s := &Stay{
		Lot: lot.Name, Parker: w.Parker, Since: time.Now(), limit: w.Time, lots: l, c: c,
		taken: make(chan struct{}), ready: make(chan struct{}), lost: make(chan struct{}), over: make(chan struct{}), out: make(chan struct{}, 1),
	}
	if err := l.enter(s, lot, w.Space); err != nil {
		return nil, err
	}
	s.tell(Parked, nil) // before it is (observed: Asterisk 22.10, AMI trace t5)
	err := s.bridge.Add(c, pbx.AddOptions{InhibitConnected: true})
	if errors.Is(err, pbx.ErrGone) && c.Context().Err() == nil { // somebody has destroyed the bridge
		if err = l.replace(s); err == nil {
			err = s.bridge.Add(c, pbx.AddOptions{InhibitConnected: true})
		}
	}
	if err != nil {
		s.giveUp()
		s.Leave()
		return nil, err
	}
	s.unwatch = c.Watch(s.watch)
	if c.Snapshot().Bridge != s.bridge.ID() { // it has left already, before anybody watched
		s.watch(&pbx.Event{Type: pbx.ChannelLeftBridge})
	}
	return s, nil
}

// enter gives a stay its space and its bridge.
func (l *Lots) enter(s *Stay, lot *Lot, want int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	g, ok := l.lots[lot.Name]
	if !ok {
		g = &ground{spaces: map[int]*Stay{}}
		l.lots[lot.Name] = g
	}
	s.Space = freeSpace(lot, want, g.last, func(space int) bool { return g.spaces[space] != nil })
	if s.Space == 0 {
		return ErrFull
	}
	if g.bridge == nil {
		b, err := l.newBridge(lot.Name)
		if err != nil {
			return err
		}
		g.bridge = b
	}
	g.last, g.spaces[s.Space] = s.Space, s
	s.bridge = g.bridge
	g.in++
	return nil
}

func (l *Lots) newBridge(name string) (*pbx.Bridge, error) {
	return l.o.Switch.NewBridge(pbx.BridgeOptions{Name: name, Type: pbx.Holding, Creator: "Parking", Class: "parking"})
}

// replace gives a stay another bridge than the one that it has, which has been
// destroyed from outside.
func (l *Lots) replace(s *Stay) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	g := l.lots[s.Lot]
	if g.bridge == s.bridge {
		b, err := l.newBridge(s.Lot)
		if err != nil {
			return err
		}
		g.bridge = b
	}
	s.bridge = g.bridge
	return nil
}

// Take takes the channel out of a space of a lot, 0 = the first space that is not
// free, for whoever calls it: nobody else gets it. That one waits for Ready, does
// with the channel what it wants, and calls Release. False if nobody is there.
func (l *Lots) Take(lot string, space int) (*Stay, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	g, ok := l.lots[lot]
	if !ok {
		return nil, false
	}
	if space == 0 {
		for n := range g.spaces {
			if space == 0 || n < space {
				space = n
			}
		}
	}
	s, ok := g.spaces[space]
	if !ok {
		return nil, false
	}
	delete(g.spaces, space)
	close(s.taken)
	return s, true
}

// vacate frees the space of a stay; false if it has lost it before.
func (l *Lots) vacate(s *Stay) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	g := l.lots[s.Lot]
	if g.spaces[s.Space] != s {
		return false
	}
	delete(g.spaces, s.Space)
	return true
}

// leaveBridge counts one out of a lot's bridge, which ends with the last one.
func (l *Lots) leaveBridge(s *Stay) {
	l.mu.Lock()
	g := l.lots[s.Lot]
	g.in--
	var last *pbx.Bridge
	if g.in == 0 {
		last, g.bridge = g.bridge, nil
	}
	l.mu.Unlock()
	if last != nil {
		last.Destroy()
	}
}

// Info is who is parked in a space at one moment.
type Info struct {
	Lot     string
	Space   int
	Channel string // its id
	Parker  string // dial string
	Since   time.Time
	Limit   time.Duration // how long it may wait, 0 = for ever
}

// List gives who is parked in a lot, by space; a lot that nobody was ever in is empty.
func (l *Lots) List(lot string) []Info {
	l.mu.Lock()
	defer l.mu.Unlock()
	g, ok := l.lots[lot]
	if !ok {
		return nil
	}
	var out []Info
	for _, s := range g.spaces {
		out = append(out, Info{Lot: s.Lot, Space: s.Space, Channel: s.c.ID(), Parker: s.Parker, Since: s.Since, Limit: s.limit})
	}
	slices.SortFunc(out, func(a, b Info) int { return a.Space - b.Space })
	return out
}
