package stasis

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/dialwright/dialwright/internal/pbx"
)

// The events that the hub tells beside those of the switch. All are published on
// the bus of the switch with Data of the type in parentheses, unless they go to one
// application only.
const (
	Start        pbx.EventType = "StasisStart"           // (*Entry)
	End          pbx.EventType = "StasisEnd"             // (*Entry)
	MoveFailed   pbx.EventType = "ApplicationMoveFailed" // (*Entry: where it was to go), to the one that keeps the channel
	Replaced     pbx.EventType = "ApplicationReplaced"   // to the session that loses it
	Registered   pbx.EventType = "ApplicationRegistered" // to a session that we have opened
	Unregistered pbx.EventType = "ApplicationUnregistered"
	UserEvent    pbx.EventType = "ChannelUserevent"    // (*User)
	TextMessage  pbx.EventType = "TextMessageReceived" // (*Message)
	Broadcast    pbx.EventType = "CallBroadcast"       // to those that may claim the channel
	Claimed      pbx.EventType = "CallClaimed"         // (*Entry: who has it), to the same

	// Resync is ours: sent in the place of events that are no longer there (see
	// Session), with Data *State.
	Resync pbx.EventType = "ApplicationResync"
)

// Entry says which application a channel enters or leaves.
type Entry struct {
	App     string
	Args    []string
	Replace *pbx.Snapshot // channel whose place it takes, or nil
}

// User is a custom event.
type User struct {
	App      string // that it was sent to by REST, "" = to all that are interested in what it is about
	Name     string
	Body     json.RawMessage // an object
	Channel  *pbx.Snapshot
	Bridge   *pbx.BridgeSnapshot
	Endpoint *pbx.EndpointSnapshot
}

// Message is a text message from a phone (SIP MESSAGE).
type Message struct {
	From, To, Body string
	Variables      map[string]string
	Technology     string // of the endpoint that sent it
	Resource       string
}

// Item is one event for one application.
type Item struct {
	// Seq is the event's number in the hub: it rises over all applications, and each
	// application's copy of an event has one of its own. Replaced, Registered and
	// Resync are no events of the hub and have the number of the place where they are.
	Seq   uint64
	App   string
	Event *pbx.Event // immutable
}

// State is what an application has, for one that cannot be told what it missed.
type State struct {
	Reason   string
	Channels []*pbx.Snapshot       // in the application
	Bridges  []*pbx.BridgeSnapshot // of interest to it
}

// Position is where in the dialplan a channel goes on. The zero value is where it
// came from.
type Position struct {
	Context, Exten string
	Priority       int    // 0 = not given
	Label          string // "" = not given
}

// Refusals; the door turns them into statuses.
var (
	ErrNoApp         = errors.New("no such application")
	ErrNotIn         = errors.New("the channel is in no application")
	ErrSource        = errors.New("not an event source this server knows") // unknown scheme: 400
	ErrNoSource      = errors.New("the event source does not exist")       // 422
	ErrNotSubscribed = errors.New("the application is not subscribed to it")
	ErrLabel         = errors.New("there is no such label")
	ErrAppName       = errors.New("an application's name has 1 to 72 characters")
	ErrManyApps      = fmt.Errorf("there are %d applications, and no more are taken", maxApps)
	ErrClaimed       = errors.New("the channel has been claimed by another application")
	ErrUnclaimed     = errors.New("no application has claimed the channel in time")
)

// Options are what a hub is made of.
type Options struct {
	Switch *pbx.Switch
	Log    *slog.Logger
	// Resume gives the handler that runs a channel in the dialplan at a position whose
	// context, extension and priority or label are set; ErrLabel if there is no such label.
	Resume func(c *pbx.Channel, at Position) (pbx.Handler, error)
	// Exists says whether there is such an endpoint ("PJSIP", "101") or device; nil = all are.
	EndpointExists func(tech, resource string) bool
	// Endpoint gives an endpoint as it is now, for events about it; nil = one of unknown
	// state.
	Endpoint func(tech, resource string) (*pbx.EndpointSnapshot, bool)
	// Journal is how many events an application's journal holds, and how many may wait
	// for one session; 0 = 16384.
	Journal int
	// Grace is how long an application that has no session, no channel and no bridge is
	// kept for the sake of its journal and subscriptions; 0 = 2 min.
	Grace time.Duration
	// PerCall finds a way to reach an application that nobody has connected: an outbound
	// WebSocket per call. It gives the name of the application that the channel then
	// enters ("app:channel"), which is connected then, and done to call when the channel
	// has left it. nil = there is none.
	PerCall func(ctx context.Context, c *pbx.Channel, app string) (name string, done func(), ok bool)
	// HasPerCall says, without connecting, whether PerCall knows a way to an application; nil =
	// it may know one to each.
	HasPerCall func(app string) bool
}
