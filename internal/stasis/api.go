package stasis

import (
	"context"
	"errors"

	"github.com/dialwright/dialwright/internal/pbx"
)

// Hub is the registry of applications. All methods are safe concurrently.
type Hub struct{ o Options }

// New makes a hub that observes the switch; Stop ends it.
func New(o Options) *Hub { return &Hub{o: o} }

// Stop ends all sessions.
func (h *Hub) Stop() {}

// Handler gives the handler that gives a channel to an application with arguments,
// false if the application has no session and PerCall can reach none. The handler
// sets STASISSTATUS, tells Start and End, and returns when the channel hangs up,
// goes on (Continue) or moves.
func (h *Hub) Handler(app string, args []string) (pbx.Handler, bool) { return nil, false }

// In gives the application that has a channel, false if none has.
func (h *Hub) In(channelID string) (app string, ok bool) { return "", false }

// Continue takes a channel out of its application, into the dialplan. Errors: ErrNotIn,
// ErrLabel (the channel then stays).
func (h *Hub) Continue(ctx context.Context, c *pbx.Channel, at Position) error { return ErrNotIn }

// Move gives a channel to another application. If that one is not connected the
// channel stays and its application is told MoveFailed. Errors: ErrNotIn.
func (h *Hub) Move(ctx context.Context, c *pbx.Channel, app string, args []string) error {
	return ErrNotIn
}

// Interest makes an application hear of a channel from now on, one count, as originate
// and create do. ErrNoApp is no error here: interest of an application that is not
// connected is nothing.
func (h *Hub) Interest(app, channelID string) {}

// BridgeInterest makes an application hear of a bridge until it is destroyed, without
// being counted: it has created it or put a channel into it (spec: ari 10 D6).
func (h *Hub) BridgeInterest(app, bridgeID string) {}

// App is an application as it is now; lists are sorted and never nil.
type App struct {
	Name                                  string
	Connected                             bool
	Channels, Bridges, Endpoints, Devices []string
	Allowed, Disallowed                   []string // event types
}

// Apps lists the applications by name.
func (h *Hub) Apps() []App { return nil }

// App finds an application.
func (h *Hub) App(name string) (App, bool) { return App{}, false }

// Subscribe adds event sources, left to right, until one is wrong; what came before it
// stays (spec: ari 4 applications). Errors: ErrNoApp, ErrSource, ErrNoSource.
func (h *Hub) Subscribe(app string, sources []string) (App, error) { return App{}, ErrNoApp }

// Unsubscribe takes one count from each source. Errors: ErrNoApp, ErrSource,
// ErrNotSubscribed.
func (h *Hub) Unsubscribe(app string, sources []string) (App, error) { return App{}, ErrNoApp }

// SetFilter sets the event filter; a nil list stays as it is, an empty one allows
// everything or forbids nothing.
func (h *Hub) SetFilter(app string, allowed, disallowed *[]string) (App, error) {
	return App{}, ErrNoApp
}

// Tell sends an event to one application only, whatever its subscriptions: e.Type and
// e.Data say what. ErrNoApp if there is none.
func (h *Hub) Tell(app string, e pbx.Event) error { return ErrNoApp }

// TellUser publishes a custom event to an application, after having looked that its
// sources ("channel:", "bridge:", "endpoint:") exist (ErrSource, ErrNoSource).
func (h *Hub) TellUser(app, name string, sources []string, body []byte) error { return ErrNoApp }

// Claim gives a broadcast channel (dialplan StasisBroadcast) to an application.
// Errors: ErrNoApp, ErrNotIn (not broadcast, 404), ErrClaimed (409).
func (h *Hub) Claim(channelID, app string) error { return ErrNotIn }

// ErrClaimed says that another application was faster.
var ErrClaimed = errors.New("the channel has been claimed by another application")

// SessionOptions say what a client wants.
type SessionOptions struct {
	Apps         []string
	SubscribeAll bool
	Outbound     bool   // we have opened it: the client is told Registered
	Resume       bool   // the client understands cursors
	Cursor       string // last one that it has seen, "" = from now on
}

// Session is one client's place: it owns applications until another session takes
// them over. Events wait in it up to a bound; beyond it the session ends with
// ErrTooSlow.
type Session struct{}

// ErrTooSlow ends a session whose reader did not keep up.
var ErrTooSlow = errors.New("the client does not read its events")

// Attach makes applications, or takes them over from their sessions, and with
// Resume replays what they have missed since Cursor, or tells Resync. Errors: ErrAppName.
func (h *Hub) Attach(o SessionOptions) (*Session, error) { return nil, ErrAppName }

// Next waits for events and gives all there are, in order. When ctx ends it gives its
// cause; after the end of the session what is left and then ErrTooSlow or ErrClosed.
func (s *Session) Next(ctx context.Context) ([]Item, error) { return nil, ErrClosed }

// ErrClosed says that the session has ended.
var ErrClosed = errors.New("the session has ended")

// Cursor gives the text that stands for an item, for SessionOptions.Cursor.
func (s *Session) Cursor(i Item) string { return "" }

// Close ends the session. Its applications stay while they have channels, bridges or
// subscriptions, for Options.Grace at least.
func (s *Session) Close() {}
