package ari

import (
	"context"
	"errors"
	"net/http"

	"github.com/dialwright/dialwright/internal/pbx"
	wire "github.com/dialwright/dialwright/internal/wire/ari"
)

// channelOperations are those of the resource channels (spec: ari 4 channels). What
// each demands of its channel is seen here: any is found by id or name and need
// not be in an application, inApp has to be in one (404, 409), talking has besides
// a state in which it can be heard (412; spec: ari 7).
func (s *Server) channelOperations() map[string]operation {
	return map[string]operation{
		"channels.list":               s.listChannels,
		"channels.get":                s.getChannel,
		"channels.originate":          s.originate,
		"channels.originateWithId":    s.originate,
		"channels.create":             s.create,
		"channels.dial":               s.inApp(s.dial),
		"channels.hangup":             s.hangup,
		"channels.continueInDialplan": s.talking(s.continueInDialplan),
		"channels.move":               s.inApp(s.move),
		"channels.redirect":           s.talking(s.redirect),
		"channels.transfer_progress":  s.inApp(s.transferProgress),

		"channels.answer":       s.talking(s.answerChannel),
		"channels.ring":         s.talking(s.ring),
		"channels.ringStop":     s.talking(s.ringStop),
		"channels.progress":     s.talking(s.progress),
		"channels.sendDTMF":     s.talking(s.sendDTMF),
		"channels.mute":         s.talking(s.mute),
		"channels.unmute":       s.talking(s.unmute),
		"channels.hold":         s.talking(s.hold),
		"channels.unhold":       s.talking(s.unhold),
		"channels.startMoh":     s.talking(s.startMoh),
		"channels.stopMoh":      s.talking(s.stopMoh),
		"channels.startSilence": s.talking(s.startSilence),
		"channels.stopSilence":  s.talking(s.stopSilence),

		"channels.play":       s.talking(s.play),
		"channels.playWithId": s.talking(s.play),
		"channels.record":     s.inApp(s.recordChannel),

		"channels.getChannelVar":  s.getChannelVar,
		"channels.setChannelVar":  s.inApp(s.setChannelVar),
		"channels.getChannelVars": s.getChannelVars,
		"channels.setChannelVars": s.inApp(s.setChannelVars),

		"channels.snoopChannel":       s.snoop,
		"channels.snoopChannelWithId": s.snoop,
		"channels.externalMedia":      s.externalMedia,
		"channels.rtpstatistics":      s.rtpStatistics,
	}
}

// channelOperation is an operation on a channel that has been found.
type channelOperation func(ctx context.Context, q *request, c *pbx.Channel) (response, error)

// inApp finds the channel of an operation that only its application may ask for.
func (s *Server) inApp(f channelOperation) operation {
	return func(ctx context.Context, q *request) (response, error) {
		c, err := s.stasisChannel(q.path["channelId"])
		if err != nil {
			return response{}, err
		}
		return channelAnswer(f(ctx, q, c))
	}
}

// talking is inApp for operations that make no sense before somebody could hear them: on
// a channel that we have made and that is not answered (spec: ari 7). A channel
// that came in and rings takes all of them.
func (s *Server) talking(f channelOperation) operation {
	return s.inApp(func(ctx context.Context, q *request, c *pbx.Channel) (response, error) {
		switch c.State() {
		case pbx.Down, pbx.Reserved, pbx.Ringing:
			return response{}, wire.ErrInvalidState
		}
		return f(ctx, q, c)
	})
}

// stasisChannel finds a channel that is in an application, by its id. One that has hung
// up is not found: whether it is still there is a matter of moments.
func (s *Server) stasisChannel(id string) (*pbx.Channel, error) {
	c, ok := s.sw.Channel(id)
	if !ok || c.Snapshot().HungUp {
		return nil, wire.ErrChannelNotFound
	}
	if _, ok := s.hub.In(id); !ok {
		return nil, wire.ErrNotInStasis
	}
	return c, nil
}

// anyChannel finds a channel by its id, or by its name, which some operations take
// as well (spec: ari 6.3 rule 4).
func (s *Server) anyChannel(id string) (*pbx.Channel, bool) {
	if c, ok := s.sw.Channel(id); ok {
		return c, true
	}
	if id == "" {
		return nil, false
	}
	return s.sw.ChannelByName(id)
}

// channelAnswer gives the refusals of the switch their statuses.
func channelAnswer(r response, err error) (response, error) {
	switch {
	case errors.Is(err, pbx.ErrGone):
		err = wire.ErrChannelNotFound
	case errors.Is(err, pbx.ErrOverloaded):
		err = wire.Errorf(http.StatusServiceUnavailable, "The channel has too many commands waiting")
	}
	return r, err
}

// listChannels lists every channel, in an application or not.
func (s *Server) listChannels(context.Context, *request) (response, error) {
	all := s.sw.Channels()
	list := make([]wire.Channel, len(all))
	for i, sn := range all {
		list[i] = s.channel(sn)
	}
	return ok(list), nil
}

// getChannel gives one channel, in an application or not.
func (s *Server) getChannel(_ context.Context, q *request) (response, error) {
	c, found := s.sw.Channel(q.path["channelId"])
	if !found {
		return response{}, wire.ErrChannelNotFound
	}
	return ok(s.channel(c.Snapshot())), nil
}
