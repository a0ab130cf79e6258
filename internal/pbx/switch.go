package pbx

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/media"
)

// Options configure a Switch. The zero value gives a switch without media,
// sounds and routing, which can still make and bridge channels.
type Options struct {
	Media *media.Engine // nil: channels carry no media; prompts are silent and Play gives ErrNoMedia
	Log   *slog.Logger  // nil: nothing is logged

	Inbound   Handler                                // controls channels that come in; nil = the built-in routing by Router
	Router    Router                                 // nil: every incoming call is refused with cause 3
	Runner    Runner                                 // dialplan and remote applications; nil = none
	Functions Functions                              // functions of the dialplan, CDR(userfield); nil = those that channels know
	Admit     func(context.Context, Admission) error // guard for calls that phones and trunks make; nil = all are allowed

	Sounds   fs.FS      // sound files as lang/name.ext or name.ext; nil = none
	Files    []FileRoot // directories whose files may be named by their path; nil = none
	Language string     // default language of channels, "" = "en"
	MusicOn  string     // media URI that is played to a held party, "" = silence; "music:" = music on hold
	Country  string     // tone zone, "" = "us"
	// Music opens music on hold by its class, "" = the default one; nil = the
	// built-in piece, whatever the class.
	Music      func(class string) (media.Source, error)
	Recordings *os.Root // where live recordings go; nil = Record gives ErrNotSupported
	// Recorded is told of every file that is recorded, when it begins and when it is
	// complete. It must not block, nor call the switch, a channel or a bridge.
	Recorded func(RecordedFile)

	// RTPTimeout ends an answered channel that has sent no media for so long,
	// ten times as long on hold (M11), with cause 102. 0 = never.
	RTPTimeout time.Duration

	SystemName string        // put before generated ids ("node1-1795320179.0"), "" = none
	RingTime   time.Duration // how long leg B and calls from phones ring when nothing else is said; 0 = 45 s
	Linger     time.Duration // how long the engine waits for a peer to confirm our hangup; 0 = 2 s, negative = not at all
}

// Switch is the live switch: a registry of channels and bridges, the
// technologies that make channels, and the stream of events. All methods are
// safe concurrently.
type Switch struct {
	o    Options
	log  *slog.Logger
	bus  bus
	base context.Context // ends in Stop; parent of every channel's context
	kill context.CancelCauseFunc

	names   atomic.Uint32 // the number in channel names
	ids     atomic.Uint64 // the counter in channel ids
	panics  atomic.Uint64
	created atomic.Uint64
	calls   atomic.Int64 // see BeginCall

	callsBegun atomic.Uint64

	shown   atomic.Pointer[[]string] // see ShowVariables
	managed atomic.Pointer[[]string] // see ShowToManagers

	mu         sync.Mutex // guards the fields below; taken before bus.mu, never while a bridge's mutex is wanted
	techs      []Technology
	channels   map[string]*Channel // nil value: the id is reserved
	bridges    map[string]*Bridge
	playbacks  map[string]*Playback
	recordings map[string]*Recording
	draining   bool          // no new channels
	stopping   bool          // and those that there are end
	idle       chan struct{} // not nil while somebody waits for the last channel; closed by it
	live       int           // channels whose actor has not gone yet
}

// New makes a switch. Nothing runs until there are channels; Stop ends it.
func New(o Options) *Switch {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Language == "" {
		o.Language = "en"
	}
	if o.RingTime <= 0 {
		o.RingTime = 45 * time.Second
	}
	if o.Linger == 0 {
		o.Linger = 2 * time.Second
	}
	s := &Switch{
		o: o, log: o.Log,
		channels: make(map[string]*Channel), bridges: make(map[string]*Bridge),
		playbacks: make(map[string]*Playback), recordings: make(map[string]*Recording),
	}
	// Channels outlive the request that makes them: they end with the switch.
	s.base, s.kill = context.WithCancelCause(context.Background())
	if s.o.Inbound == nil {
		s.o.Inbound = NewInbound(s)
	}
	return s
}

// Register adds a technology. All are registered before the first call; a
// second one of the same name replaces the first.
func (s *Switch) Register(t Technology) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.techs = slices.DeleteFunc(s.techs, func(o Technology) bool { return strings.EqualFold(o.Name(), t.Name()) })
	s.techs = append(s.techs, t)
}

// Technologies lists the registered technologies.
func (s *Switch) Technologies() []Technology {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.techs)
}

// technology finds the technology and the resource of an endpoint.
func (s *Switch) technology(e call.Endpoint) (Technology, string, error) {
	tech, res := e.Tech(), e.Resource()
	if tech == "" || res == "" {
		return nil, "", fmt.Errorf("endpoint %q: %w", e, ErrEndpoint)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.techs {
		if strings.EqualFold(t.Name(), tech) {
			return t, res, nil
		}
	}
	return nil, "", &call.Failure{
		Disposition: call.Failed, Cause: int(cause.ChannelNotAvail), Permanent: true,
		Text: fmt.Sprintf("no technology %s: endpoint %s cannot be dialled", tech, e),
	}
}

// Inbound gives the handler of calls that come in: Options.Inbound, or the
// built-in routing. Technologies that route into the server use it.
func (s *Switch) Inbound() Handler { return s.o.Inbound }

// Dialplan is what a dialplan brings to a switch. It is made on a switch, so it
// comes after New, by SetDialplan.
type Dialplan struct {
	Inbound   Handler   // as Options.Inbound
	Runner    Runner    // as Options.Runner
	Functions Functions // as Options.Functions
}

// SetDialplan puts a dialplan in the place of what Options said; nil fields
// leave that. It is called once, before the first channel: later ones would see
// half of it.
func (s *Switch) SetDialplan(d Dialplan) {
	if d.Inbound != nil {
		s.o.Inbound = d.Inbound
	}
	if d.Runner != nil {
		s.o.Runner = d.Runner
	}
	if d.Functions != nil {
		s.o.Functions = d.Functions
	}
}

// Start exists so that the switch has the same life as other components; it
// checks that there is something to switch with.
func (s *Switch) Start(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.techs) == 0 {
		return errors.New("start switch: no technology is registered")
	}
	return nil
}

// Drain takes no more new channels and waits until the last has ended or ctx
// ends, whose error it then returns. Calls in progress go on.
func (s *Switch) Drain(ctx context.Context) error {
	s.mu.Lock()
	s.draining = true
	if s.live == 0 {
		s.mu.Unlock()
		return nil
	}
	if s.idle == nil {
		s.idle = make(chan struct{})
	}
	idle := s.idle
	s.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Stop hangs up every channel, waits until all are gone or ctx ends, and ends
// all subscriptions. It may be called twice, and without Start.
func (s *Switch) Stop(ctx context.Context) error {
	s.mu.Lock()
	s.draining, s.stopping = true, true
	all := s.list()
	s.mu.Unlock()
	for _, c := range all {
		c.end(hangup{cause: cause.NormalClearing, soft: true, by: byServer})
	}
	err := s.Drain(ctx)
	s.mu.Lock()
	bridges := make([]*Bridge, 0, len(s.bridges))
	for _, b := range s.bridges {
		bridges = append(bridges, b)
	}
	s.mu.Unlock()
	for _, b := range bridges {
		b.Destroy()
	}
	s.kill(ErrStopping)
	s.bus.close()
	return err
}

// list gives the complete channels; s.mu is held.
func (s *Switch) list() []*Channel {
	out := make([]*Channel, 0, len(s.channels))
	for _, c := range s.channels {
		if c != nil {
			out = append(out, c)
		}
	}
	return out
}

// Channel finds a live channel by its id.
func (s *Switch) Channel(id string) (*Channel, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.channels[id]
	return c, c != nil
}

// ChannelByName finds a live channel by its name, as some doors allow
// (spec: ari 6.3). It looks at every channel.
func (s *Switch) ChannelByName(name string) (*Channel, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.channels {
		if c != nil && c.snap.Load().Name == name {
			return c, true
		}
	}
	return nil, false
}

// Channels gives a snapshot of every live channel, oldest first.
func (s *Switch) Channels() []*Snapshot {
	s.mu.Lock()
	all := s.list()
	s.mu.Unlock()
	slices.SortFunc(all, func(a, b *Channel) int { return cmp.Compare(a.order, b.order) })
	out := make([]*Snapshot, len(all))
	for i, c := range all {
		out[i] = c.Snapshot()
	}
	return out
}

// Subscribe gives the events that f selects. The channel holds up to buf of
// them; a reader that is slower gets EventsLost and, with the next event, the
// number it missed. The function ends the subscription and closes the channel.
func (s *Switch) Subscribe(f EventFilter, buf int) (<-chan Event, func()) {
	return s.bus.subscribe(f, buf)
}

// Stats counts what the switch has done and holds.
type Stats struct {
	Channels, Bridges int    // now
	Calls             int    // channels that run a dialplan now, see Channel.BeginCall
	CallsBegun        uint64 // and those that have begun to since the start
	Created           uint64 // channels since the start
	Panics            uint64 // commands that broke an invariant; each has ended its channel
}

// Stats gives the counters.
func (s *Switch) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Stats{
		Channels: s.live, Bridges: len(s.bridges), Calls: int(s.calls.Load()), CallsBegun: s.callsBegun.Load(),
		Created: s.created.Load(), Panics: s.panics.Load(),
	}
}

// Endpoints lists phones and trunks of all technologies, with the number of
// channels that each has.
func (s *Switch) Endpoints() []call.EndpointState {
	var out []call.EndpointState
	used := map[string]int{}
	for _, sn := range s.Channels() {
		if n := cmp.Or(sn.Phone, sn.Trunk); n != "" {
			used[strings.ToUpper(sn.Technology)+"/"+n]++
		}
	}
	for _, t := range s.Technologies() {
		for _, e := range t.Endpoints() {
			e.Channels = max(e.Channels, used[strings.ToUpper(t.Name())+"/"+e.Name])
			out = append(out, e)
		}
	}
	return out
}

// DeviceState says what an endpoint is doing, DeviceInvalid if no technology knows it.
func (s *Switch) DeviceState(e call.Endpoint) DeviceState {
	t, res, err := s.technology(e)
	if err != nil {
		return DeviceInvalid
	}
	return t.DeviceState(res)
}

// reserve takes an id for a new channel, or makes one.
func (s *Switch) reserve(id string) (string, error) {
	if len(id) > 149 { // spec: ari 4.1
		return "", ErrIDTooLong
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining {
		return "", ErrStopping
	}
	if id == "" {
		id = s.newID()
	} else if _, used := s.channels[id]; used {
		return "", fmt.Errorf("channel id %q: %w", id, ErrIDInUse)
	}
	s.channels[id] = nil
	s.live++
	return id, nil
}

// newID makes an id "<unix seconds>.<counter>" (spec: ari 6.3); s.mu is held.
func (s *Switch) newID() string {
	for {
		id := fmt.Sprintf("%d.%d", time.Now().Unix(), s.ids.Add(1)-1)
		if s.o.SystemName != "" {
			id = s.o.SystemName + "-" + id
		}
		if _, used := s.channels[id]; !used {
			return id
		}
	}
}

// enter puts a complete channel into the registry.
func (s *Switch) enter(c *Channel) {
	c.order = s.created.Add(1)
	s.mu.Lock()
	s.channels[c.id] = c
	stopping := s.stopping
	s.mu.Unlock()
	if stopping { // Stop came between reserve and here, and has not seen us
		c.end(hangup{cause: cause.NormalClearing, soft: true, by: byServer})
	}
}

// forget frees an id. The channel's actor may still be finishing.
func (s *Switch) forget(id string) {
	s.mu.Lock()
	delete(s.channels, id)
	s.mu.Unlock()
}

// channelGone is the last act of a channel's actor.
func (s *Switch) channelGone() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.live--
	if s.live == 0 && s.idle != nil {
		close(s.idle)
		s.idle = nil
	}
}

// newObjectID makes the id of a bridge or playback (spec: ari 6.3: UUIDs).
func newObjectID() string { return uuid.NewString() }
