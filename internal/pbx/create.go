package pbx

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/media"
)

// CreateOptions says what channel to make.
type CreateOptions struct {
	ID          string          // "" = made by the switch; at most 149 characters, unique among live channels
	OtherID     string          // id of the second half of a Local channel, "" = ID + ";2"
	Endpoint    call.Endpoint   // TECH/resource
	CallerID    call.CallerID   // sets caller and connected of the channel (spec: ari 6.4)
	Called      string          // extension of a dialplan that dials it: the channel shows the party's own caller ID, else this number, and CallerID only to the party; "" = CallerID is the channel's
	Variables   []call.Variable // set in this order before anything is sent, functions as WriteVariable does
	LastFirst   bool            // Variables from the last to the first, and before the caller ID: as AMI's Originate (observed: Asterisk 22.10, AMI trace a1)
	Report      []string        // names of Variables that every event of the channel shows (spec: ari 8.1)
	Codecs      []string        // in order of preference; empty = the endpoint's, or the originator's
	AutoAnswer  bool
	NoForward   bool // a 302 is not followed
	Headers     []Header
	Originator  *Channel // gives its linked id; nil = none
	Account     call.AccountID
	AccountCode string       // text for the record only, "" = the originator's
	Call        call.ID      // call of the queue whose leg it is, "" = none
	CallLeg     string       // which: "a" or "b"
	Context     string       // dialplan context of the channel, "" = the endpoint's
	Language    string       // "" = the originator's, or the switch's
	Watch       func(*Event) // sees the channel's events from its creation on, as Channel.Watch does
}

// OriginateOptions says what channel to make and dial.
type OriginateOptions struct {
	CreateOptions
	Timeout time.Duration  // how long it may ring, 0 = no limit
	Handler Handler        // takes the channel when it is answered; nil = somebody else controls it
	Created func(*Channel) // called when the channel is there and before it is dialled; nil = nothing
}

// IncomingOptions describes a channel that a technology brings.
type IncomingOptions struct {
	ID          string        // as in CreateOptions
	Name        string        // full channel name; "" = made from Leg.Describe
	Port        *media.Port   // "" = made by the switch
	Endpoint    string        // phone or trunk that calls, as the technology names it
	CallerID    call.CallerID // of the calling party
	Connected   call.CallerID // who it talks to already; not zero = this and CallerID are told one after the other, behind ChannelCreated
	Dialled     string        // number or extension as dialled
	Context     string        // where it shall be routed
	Account     call.AccountID
	AccountCode string // text for the record only
	Language    string
	LinkedID    string          // "" = its own id
	RDNIS       string          // number that sent the call here, "" = nobody did
	TenantID    string          // of the endpoint, for people alone
	Variables   []call.Variable // set as they are: names with prefixes keep them
	Answered    bool            // the leg is up already
	Handler     Handler         // nil = Options.Inbound
}

// Create makes an undialled channel in state Down: nothing has been sent. It
// can take variables, a caller ID, a bridge; Channel.Dial dials it. When Create
// returns, ChannelCreated and what tells of its variables are out. Errors:
// ErrIDInUse, ErrIDTooLong, ErrEndpoint, ErrStopping, or the *call.Failure
// with which the technology refused the endpoint.
func (s *Switch) Create(ctx context.Context, o CreateOptions) (*Channel, error) {
	return s.create(ctx, o, false)
}

// create makes a channel; originated ones show how they got their caller ID.
func (s *Switch) create(ctx context.Context, o CreateOptions, originated bool) (*Channel, error) {
	tech, resource, err := s.technology(o.Endpoint)
	if err != nil {
		return nil, err
	}
	id, err := s.reserve(o.ID)
	if err != nil {
		return nil, err
	}
	c := s.newChannel(id)
	c.created, c.originated = true, originated
	c.dialString = resource
	c.headers = o.Headers
	if o.Watch != nil {
		c.Watch(o.Watch)
	}
	if s.o.Media != nil {
		c.port = s.o.Media.NewPort(id)
	}
	seq := s.names.Add(1) - 1
	leg, err := tech.Request(ctx, resource, RequestOptions{
		ChannelID: id, OtherID: o.OtherID, Sequence: seq, Port: c.port, CallerID: o.CallerID, AutoAnswer: o.AutoAnswer, NoForward: o.NoForward,
		Codecs: o.Codecs, Originator: o.Originator, OnEvent: c.Deliver,
	})
	if err != nil {
		s.abandon(c)
		return nil, fmt.Errorf("request %s: %w", o.Endpoint, err)
	}
	c.leg = leg
	d := leg.Describe()
	sn := &Snapshot{
		ID: id, Name: channelName(tech.Name(), d, resource, seq), ProtocolID: d.CallID, State: Down,
		Caller: o.CallerID, Connected: o.CallerID, Account: o.Account,
		Context: cmp.Or(o.Context, d.Context, "default"), Extension: cmp.Or(d.Extension, "s"), Priority: 1, Language: o.Language,
		CreatedAt: c.timeline.started, LinkedID: id, Technology: tech.Name(), Endpoint: resource, Phone: d.Phone, Trunk: d.Trunk,
		Call: o.Call, CallLeg: o.CallLeg,
	}
	if from := o.Originator; from != nil {
		sn.LinkedID = from.Snapshot().LinkedID
		sn.Language = cmp.Or(sn.Language, from.Snapshot().Language)
		if o.Called == "" { // else CalledBy follows
			o.AccountCode = cmp.Or(o.AccountCode, from.Snapshot().AccountCode)
		}
	}
	sn.Language = cmp.Or(sn.Language, s.o.Language)
	plain, rest := s.splitAtFunction(o.inTurn())
	if o.LastFirst { // as beginWith takes them
		plain = reversed(plain)
	}
	switch {
	case originated:
		sn.Caller, sn.Connected = d.CallerID, call.CallerID{} // the others follow in begin
		c.own = d.CallerID
	case o.Called != "":
		c.called = true
		sn.Caller, sn.Connected = d.CallerID, call.CallerID{}
		sn.Caller.Number = cmp.Or(sn.Caller.Number, o.Called)
		c.own = sn.Caller
	}
	s.beginWith(c, sn, slices.Concat(d.Variables, plain), o)
	_ = c.do(func() error { return nil }) // until that is out; ErrGone: it is
	c.writeAll(ctx, rest)
	return c, nil
}

// Originate makes a channel and dials it. It returns before any answer. A
// channel that could be made but not dialled ends by itself; the error says so too.
func (s *Switch) Originate(ctx context.Context, o OriginateOptions) (*Channel, error) {
	c, err := s.create(ctx, o.CreateOptions, true)
	if err != nil {
		return nil, err
	}
	if o.Created != nil {
		o.Created(c)
	}
	err = c.do(func() error {
		c.onAnswer = o.Handler
		return c.dial(DialOptions{Timeout: o.Timeout})
	})
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", o.Endpoint, err)
	}
	return c, nil
}

// Incoming makes the channel of a call that came in and gives it to its
// handler. Technologies call it; the channel is in state Ring until somebody
// answers it. If the switch is stopping, or the id is taken, the leg is
// rejected and the error says why.
func (s *Switch) Incoming(leg Leg, o IncomingOptions) (*Channel, error) {
	id, err := s.reserve(o.ID)
	if err != nil {
		if rerr := leg.Reject(cause.SwitchCongestion); rerr != nil {
			s.log.Debug("refusal not sent", "error", rerr)
		}
		return nil, fmt.Errorf("incoming call: %w", err)
	}
	c := s.newChannel(id)
	c.incoming = true
	c.leg = leg
	c.port = o.Port
	if c.port == nil && s.o.Media != nil {
		c.port = s.o.Media.NewPort(id)
	}
	d := leg.Describe()
	if o.Name == "" {
		o.Name = channelName(d.Technology, d, o.Endpoint, s.names.Add(1)-1)
	}
	sn := &Snapshot{
		ID: id, Name: o.Name, ProtocolID: d.CallID, State: Ring, Caller: o.CallerID, Dialled: o.Dialled, Account: o.Account, AccountCode: o.AccountCode,
		Context: cmp.Or(o.Context, d.Context, "default"), Extension: cmp.Or(o.Dialled, "s"), Priority: 1,
		Language: cmp.Or(o.Language, s.o.Language), CreatedAt: c.timeline.started, LinkedID: cmp.Or(o.LinkedID, id),
		Technology: d.Technology, Endpoint: o.Endpoint, Phone: d.Phone, Trunk: d.Trunk, Incoming: true,
		RDNIS: o.RDNIS, TenantID: o.TenantID,
	}
	if o.Connected != (call.CallerID{}) {
		sn.Caller = call.CallerID{} // follows
	}
	if o.Answered {
		sn.State, sn.AnsweredAt = Up, c.timeline.started
		c.timeline.answered = c.timeline.started
	}
	s.begin(c, sn, o.Variables)
	if o.Connected != (call.CallerID{}) {
		c.box.post(func() {
			c.update(func(s *Snapshot) { s.Caller, s.Connected = o.CallerID, o.Connected })
			c.emit(Event{Type: ChannelCallerID})
			c.emit(Event{Type: ChannelConnectedLine})
		})
	}
	h := o.Handler
	if h == nil {
		h = s.o.Inbound
	}
	c.box.post(func() {
		if !c.hungUp {
			c.startHandler(h)
		}
	})
	return c, nil
}

// newChannel makes the struct of a channel whose id is reserved.
func (s *Switch) newChannel(id string) *Channel {
	c := &Channel{sw: s, id: id, gone: make(chan struct{}), legEnded: make(chan struct{})}
	c.ctx, c.cancel = context.WithCancelCause(s.base)
	c.destroyedCtx, c.destroyedEnd = context.WithCancel(context.Background()) // of the channel's own life, whoever made it
	c.timeline.started = now()
	c.box.onPanic = c.panicked
	c.box.onOverflow = c.overflowed
	c.box.onGone = c.left
	return c
}

// begin enters a channel into the registry; its first commands announce it.
func (s *Switch) begin(c *Channel, sn *Snapshot, vars []call.Variable) {
	s.beginWith(c, sn, vars, CreateOptions{AccountCode: sn.AccountCode})
}

// beginWith is begin for a channel that is made to be dialled. An originated one
// gets its caller ID and account code step by step (spec: ari 5.3; observed: Asterisk
// 22.10, ARI vector 01c, AMI trace a1).
func (s *Switch) beginWith(c *Channel, sn *Snapshot, vars []call.Variable, o CreateOptions) {
	c.snap.Store(sn)
	if c.port != nil {
		c.port.OnDTMF(func(d media.Digit) {
			c.box.post(func() { c.digitReceived(d.Rune, d.Duration, false) })
		})
	}
	c.box.post(func() {
		c.emit(Event{Type: ChannelCreated})
		if c.originated {
			c.setPosition("", "", 0, outgoingApp, outgoingData)
		}
		for _, name := range o.Report {
			c.vars.report(name)
		}
		if o.LastFirst {
			slices.Reverse(vars)
			c.setAll(vars)
		}
		c.setAccountCode(o.AccountCode)
		if c.originated {
			c.setCallerID(given(o.CallerID, sn.Caller))
			c.setConnected(o.CallerID)
		}
		if !o.LastFirst {
			c.setAll(vars)
		}
	})
	s.enter(c)
}

// given is the caller ID that an originated channel gets: what is asked for, and the party's
// own where nothing is. Of none Asterisk tells nothing (Asterisk: channel.c ast_set_callerid;
// observed: Asterisk 22.10, AMI trace r2, and an Originate with a number only).
func given(asked, own call.CallerID) call.CallerID {
	asked.Name, asked.Number = cmp.Or(asked.Name, own.Name), cmp.Or(asked.Number, own.Number)
	return asked
}

// inTurn gives the variables in the order in which they are set.
func (o *CreateOptions) inTurn() []call.Variable {
	if o.LastFirst {
		return reversed(o.Variables)
	}
	return o.Variables
}

func reversed(vars []call.Variable) []call.Variable {
	vars = slices.Clone(vars)
	slices.Reverse(vars)
	return vars
}

func (c *Channel) setAll(vars []call.Variable) {
	for _, v := range vars {
		c.setVariable(v.Name, v.Value)
	}
}

// abandon frees what a channel that never was had reserved.
func (s *Switch) abandon(c *Channel) {
	c.cancel(ErrGone)
	c.destroyedEnd()
	if c.port != nil {
		c.port.Close()
	}
	s.forget(c.id)
	s.channelGone()
}

// channelName makes "PJSIP/101-0000001a" (spec: ari 6.3).
func channelName(tech string, d LegInfo, resource string, seq uint32) string {
	if d.Channel != "" {
		return d.Channel
	}
	return fmt.Sprintf("%s/%s-%08x%s", tech, cmp.Or(d.Name, d.Phone, d.Trunk, resource), seq, d.Suffix)
}

func itoa(n int) string { return strconv.Itoa(n) }
