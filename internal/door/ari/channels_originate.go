package ari

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/pbx"
	wire "github.com/dialwright/dialwright/internal/wire/ari"
)

// originate makes a channel and dials it; when it is answered it goes to an
// application or into the dialplan (spec: ari 6.1). The application wins if both are
// given. It returns before any answer.
//
// What happens to the new channel, in this order (spec: ari 5.3, 3.3 rule 6):
//
//	ChannelCreated, ChannelDialplan, caller ID, variables   only those hear who hear all
//	the application's interest begins
//	Dial "" and all that follows
func (s *Server) originate(ctx context.Context, q *request) (response, error) {
	m, err := s.readMaking(q)
	if err != nil {
		return response{}, err
	}
	answered, err := s.destination(ctx, q, m)
	if err != nil {
		return response{}, err
	}
	if err := m.readFormats(q); err != nil {
		return response{}, err
	}
	if !s.readOriginator(q, m) {
		return response{}, wire.Errorf(http.StatusBadRequest, "Provided originator channel was not found")
	}
	m.ask.CallerID = pbx.ParseCallerID(q.params.String("callerId"))
	o, err := s.resolve(ctx, m)
	if err != nil {
		return response{}, err
	}
	m.ask.CallerID = s.o.Dial.Caller(o.Account, m.ask.CallerID)
	o.CallerID = m.ask.CallerID // caller and connected line (spec: ari 6.4)
	o.Variables, o.Report = s.allowed(m.vars)
	var c *pbx.Channel
	var before *pbx.Snapshot // the answer shows it undialled (observed: Asterisk 22.10, vectors 01)
	settle := func() {}
	_, err = s.sw.Originate(ctx, pbx.OriginateOptions{
		CreateOptions: o, Timeout: ringTime(q), Handler: answered,
		Created: func(made *pbx.Channel) {
			c, before = made, made.Snapshot()
			s.o.Dial.Record(c, m.ask) // it may end as soon as it is dialled
			settle = s.originated(c, m)
		},
	})
	settle()
	if c == nil {
		return response{}, s.notMade(err)
	}
	// One that could be made but not dialled ends by itself, and its events tell.
	return ok(s.channel(before)), nil
}

// originated begins the interest of the application in a channel that is about to be
// dialled. Of a Local channel it hears both halves (observed: Asterisk 22.10, vectors
// 01e); settle is to be called when the second one is there.
func (s *Server) originated(c *pbx.Channel, m *making) (settle func()) {
	if m.app == "" {
		return func() {}
	}
	s.hub.Interest(m.app, c.ID())
	if c.Snapshot().Technology != "Local" {
		return func() {}
	}
	return s.hub.InterestAhead(m.app, cmp.Or(m.otherID, c.ID()+";2"))
}

// destination gives what has the channel when it is answered.
func (s *Server) destination(ctx context.Context, q *request, m *making) (pbx.Handler, error) {
	if m.app != "" {
		h, _ := s.hub.Handler(m.app, m.args) // looks again when it runs whether that is connected
		return h, nil
	}
	exten := q.params.String("extension")
	if exten == "" {
		return nil, wire.Errorf(http.StatusBadRequest, "Application or extension must be specified")
	}
	in := cmp.Or(q.params.String("context"), "default")
	if err := s.o.Dial.Dialplan(ctx, m.ask, in); err != nil {
		return nil, s.notMade(err)
	}
	priority, label := position(q)
	to := call.Then{Kind: call.ThenDialplan, Context: in, Extension: exten, Priority: cmp.Or(label, strconv.Itoa(priority))}
	runner := s.sw.Runner()
	if runner == nil {
		return nil, &wire.Error{Status: http.StatusInternalServerError, Message: "Allocation failed: this server has no dialplan", Failed: true}
	}
	h, err := runner.Runner(to)
	switch {
	case errors.Is(err, pbx.ErrBuiltIn):
		return pbx.NewRouted(s.sw, in, exten), nil
	case err != nil && label != "":
		return nil, errLabel
	case h == nil: // as a place that does not exist: the channel is answered and ends
		s.log.Info("originate into a place that does not exist", "context", in, "extension", exten, "error", err)
		return pbx.HandlerFunc(func(context.Context, *pbx.Channel) {}), nil
	}
	return h, nil
}

// position reads priority and label. A label that is a number is a priority
// (Asterisk: resource_channels.c); 1 is the default.
func position(q *request) (priority int, label string) {
	label = strings.TrimSpace(q.params.String("label"))
	if label == "" {
		return max(q.params.Int("priority", 1), 1), ""
	}
	if n, err := strconv.Atoi(label); err == nil {
		return max(n, 1), ""
	}
	return 1, label
}

var errLabel = wire.Errorf(http.StatusNotFound, "Requested label can not be found")

// create makes a channel that is in its application at once, undialled (spec: ari
// 5.4, 6.1). The application hears of its variables.
func (s *Server) create(ctx context.Context, q *request) (response, error) {
	m, err := s.readMaking(q)
	if err != nil {
		return response{}, err
	}
	if m.app == "" { // spec: ari 10 D5
		return response{}, errNoAppGiven
	}
	if err := m.readFormats(q); err != nil {
		return response{}, err
	}
	s.readOriginator(q, m) // an unknown one is ignored (spec: ari 6.1)
	o, err := s.resolve(ctx, m)
	if err != nil {
		return response{}, err
	}
	c, err := s.sw.Create(ctx, o)
	if err != nil {
		return response{}, s.notMade(err)
	}
	s.hub.Interest(m.app, c.ID())
	if m.originator != nil {
		s.hub.Interest(m.app, m.originator.ID())
	}
	if err := s.writeVariables(ctx, c, m.vars); err != nil {
		s.log.Debug("variables of a new channel not set", "channel", c.ID(), "error", err)
	}
	sn := c.Snapshot() // before it is in the application, as Asterisk answers
	// The answer comes when it is: what the client asks next finds it there.
	if err := s.hub.Enter(ctx, c, m.app, m.args); err != nil {
		s.log.Info("created channel not given to its application", "channel", c.ID(), "application", m.app, "error", err)
	}
	return ok(s.channel(sn)), nil
}

var errNoAppGiven = wire.Errorf(http.StatusBadRequest, "Application must be specified")

// dial dials a channel that create has made (spec: ari 6.1). The phone sees the
// connected line, which caller's caller ID becomes, else the caller ID of the channel
// itself (spec: ari 6.4).
func (s *Server) dial(_ context.Context, q *request, c *pbx.Channel) (response, error) {
	switch c.State() {
	case pbx.Down, pbx.Reserved:
	default:
		return response{}, errDialled
	}
	var o pbx.DialOptions
	if caller, found := s.anyChannel(q.params.String("caller")); found && caller != c { // an unknown one is ignored
		o.Caller = caller
	}
	if o.Timeout = q.params.Seconds("timeout", 0); o.Timeout < 0 {
		o.Timeout = 0
	}
	sn := c.Snapshot()
	asked := seen(sn, o.Caller)
	shown := s.o.Dial.Caller(sn.Account, asked)
	if shown != asked {
		o.CallerID = shown
	}
	ask := Ask{User: q.user, Remote: q.remote, Endpoint: sn.Technology + "/" + sn.Endpoint, CallerID: shown}
	o.Began = func() { s.o.Dial.Record(c, ask) } // it may end as soon as it is dialled
	err := c.Dial(o)
	switch {
	case errors.Is(err, pbx.ErrDialled):
		return response{}, errDialled
	case errors.Is(err, pbx.ErrNotCreated):
		return response{}, wire.Errorf(http.StatusConflict, "Dialing a channel not created by ARI")
	case errors.Is(err, pbx.ErrGone), errors.Is(err, pbx.ErrOverloaded):
		return response{}, err
	}
	// A technology that refuses ends the channel, and its events tell (spec: ari 5.2).
	return noContent(), nil
}

// seen is what a phone sees that is dialled by a channel on behalf of caller, which
// may be nil (pbx.DialOptions.Caller).
func seen(sn *pbx.Snapshot, caller *pbx.Channel) call.CallerID {
	if caller != nil {
		if id := caller.Snapshot().Caller; id != (call.CallerID{}) {
			return id
		}
	}
	if sn.Connected != (call.CallerID{}) {
		return sn.Connected
	}
	return sn.Caller
}

var errDialled = wire.Errorf(http.StatusConflict, "Channel is not in the 'Down' state")
