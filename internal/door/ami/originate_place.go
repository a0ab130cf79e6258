package ami

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/pbx"
)

// place asks the guard and places the call. What it gives is never nil.
func (g *origination) place(ctx context.Context) *pbx.Outgoing {
	o, err := g.options(ctx)
	o.Told = g.told
	if err != nil {
		return g.s.sw.NotPlaced(o, err)
	}
	return g.s.sw.Outgoing(ctx, o)
}

// options says what the switch is to do, or why the call may not be.
func (g *origination) options(ctx context.Context) (pbx.OutgoingOptions, error) {
	s, o := g.s, g.o
	out := pbx.OutgoingOptions{Then: g.then, EarlyMedia: o.EarlyMedia, Next: g.next()}
	if s.o.Busy != nil {
		if why := s.o.Busy(); why != "" {
			return out, errors.New(why)
		}
	}
	if g.then.Context != "" {
		if err := s.o.Dial.Dialplan(ctx, g.ask, g.then.Context); err != nil {
			return out, err
		}
	}
	endpoint, account, err := s.o.Dial.Dial(ctx, g.ask)
	if err != nil {
		return out, err
	}
	if id := o.OtherChannelID; id != "" && (s.sw.HasChannel(id) || id == o.ChannelID) {
		return out, pbx.ErrIDInUse
	}
	shown := g.ask
	shown.CallerID = s.o.Dial.Caller(account, shown.CallerID)
	out.CreateOptions = pbx.CreateOptions{
		ID: o.ChannelID, OtherID: o.OtherChannelID, Endpoint: endpoint, CallerID: shown.CallerID, Account: account,
		AccountCode: o.Account, Codecs: codecs(o.Codecs), Variables: g.variables(), LastFirst: true, Watch: g.watch,
	}
	out.Timeout = o.Timeout
	out.Created = func(c *pbx.Channel) { s.o.Dial.Record(c, shown) } // it may end as soon as it is dialled
	if o.PreDialGoSub != "" && !o.Async && o.Application == "" {     // only then (spec: ami 4.1)
		out.PreDial = o.PreDialGoSub
	}
	return out, nil
}

// watch sees the channel's events.
func (g *origination) watch(e *pbx.Event) {
	if e.Type == pbx.ChannelDestroyed {
		g.s.pace.leave(g.q.user)
	}
}

// variables are those of the request and then the user's: the switch sets them from the
// last to the first, so that the user's come first and the request's override them (spec:
// ami 4.3).
func (g *origination) variables() []call.Variable {
	var out []call.Variable
	if g.q.user != nil {
		out = append(out, g.q.user.SetVar...)
	}
	for _, v := range g.o.Variables {
		out = append(out, call.Variable{Name: v.Name, Value: v.Value})
	}
	slices.Reverse(out)
	return out
}

// next gives what has the channel in the place of Then, nil = that. An application that
// the user may not run is as one that does not exist: the call is answered and hung up
// (spec: ami 10.4). Where the endpoint's own context is what follows, the user must have a
// right to that.
func (g *origination) next() pbx.Handler {
	switch {
	case g.then.Kind == call.ThenApplication && !g.s.mayRunApp(g.then.Name):
		return pbx.HandlerFunc(func(_ context.Context, c *pbx.Channel) {
			g.s.log.Info("application not run", "door", "ami", "user", g.user(), "channel", c.Name(), "application", g.then.Name)
		})
	case g.then.Kind == call.ThenDialplan && g.then.Context == "":
		return pbx.HandlerFunc(g.inOwnContext)
	}
	return nil
}

// inOwnContext goes on in the context of the endpoint that was called.
func (g *origination) inOwnContext(ctx context.Context, c *pbx.Channel) {
	sn := c.Snapshot()
	if err := g.s.o.Dial.Dialplan(ctx, g.ask, sn.Context); err != nil {
		g.s.log.Warn("originate denied", "door", "ami", "user", g.user(), "context", sn.Context, "error", err)
		return
	}
	h, err := g.s.sw.Follow(sn.Account, g.then)
	if err != nil {
		g.s.log.Info("answered, and there is nothing that follows", "door", "ami", "channel", c.Name(), "error", err)
	}
	h.Handle(ctx, c)
}

// told is called once with what became of the call: an asynchronous request tells it as an
// event (spec: ami 4.6).
func (g *origination) told(r pbx.OutgoingResult) {
	if r.Channel == nil { // there was none
		g.s.pace.leave(g.q.user)
	}
	if r.Failure != nil {
		g.s.log.Info("originate failed", "door", "ami", "user", g.user(), "remote", g.q.remote, "endpoint", g.o.Channel,
			"reason", r.Reason, "error", r.Failure)
	}
	if g.o.Async {
		g.s.sw.Tell(pbx.Event{Type: eventOriginateResponse, Data: g.response(r)})
	}
}

// response is the event OriginateResponse.
func (g *origination) response(r pbx.OutgoingResult) *OriginateResponse {
	d := &OriginateResponse{
		ActionID: g.o.ActionID, Success: r.Answered, Channel: g.o.Channel, Reason: r.Reason,
		Uniqueid: g.o.ChannelID, CallerID: g.ask.CallerID,
	}
	if g.o.Application != "" {
		d.Application, d.Data = g.o.Application, g.o.Data
	} else {
		d.Context, d.Exten = g.o.Context, g.o.Exten
	}
	if r.Answered {
		d.Channel, d.Uniqueid, d.Snapshot = r.Channel.Name, r.Channel.ID, r.Channel
	}
	return d
}

// harmless are the applications that Originate may run for everybody: they talk to the
// party, and what they dial passes the guard (spec: ami 10.4).
var harmless = [...]string{
	"Answer", "BackGround", "Bridge", "BridgeWait", "Busy", "ConfBridge", "Congestion", "Dial", "Echo", "Hangup", "MeetMe",
	"Milliwatt", "MusicOnHold", "NoOp", "Page", "Park", "ParkedCall", "Playback", "Playtones", "Progress", "Queue", "Read",
	"Record", "Ringing", "SayAlpha", "SayDigits", "SayNumber", "SayPhonetic", "SayUnixTime", "SendDTMF", "Stasis",
	"UserEvent", "Verbose", "Wait", "WaitExten", "WaitForNoise", "WaitForSilence", "WaitMusicOnHold",
}

// mayRunApp says whether an application is one of those that Originate may run. Dangerous
// ones have been refused before.
func (s *Server) mayRunApp(name string) bool {
	same := func(other string) bool { return strings.EqualFold(strings.TrimSpace(name), other) }
	return slices.ContainsFunc(harmless[:], same) || slices.ContainsFunc(s.o.Config().Applications, same)
}

// codecs gives the codecs that SDP names for formats of Asterisk (Asterisk:
// main/codec_builtin.c); others do not count (observed: Asterisk 22.10, trace s6).
func codecs(formats []string) []string {
	var out []string
	for _, f := range formats {
		switch strings.ToLower(f) {
		case "ulaw", "pcmu":
			out = append(out, "PCMU")
		case "alaw", "pcma":
			out = append(out, "PCMA")
		case "g722":
			out = append(out, "G722")
		case "opus":
			out = append(out, "opus")
		}
	}
	return out
}
