package ami

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/pbx"
	wire "github.com/dialwright/dialwright/internal/wire/ami"
)

// Texts that several actions share (spec: ami 8).
const (
	noSuchChannel = "No such channel"
	noChannel     = "No channel specified"
)

// channelActions are those that look at live channels and bridges, and change them.
func (s *Server) channelActions() []action {
	return slices.Concat([]action{
		{"Hangup", "Hang up a channel, or all whose name a /regex/ matches.", wire.System | wire.Call, s.hangup},
		{"Status", "List channels with what they do and their media.", wire.System | wire.Call | wire.Reporting, s.status},
		{"CoreShowChannels", "List channels.", wire.System | wire.Reporting, s.coreShowChannels},
		{"CoreShowChannelMap", "List the channels that a channel is connected to.", wire.System | wire.Reporting, s.coreShowChannelMap},
		{"Getvar", "Read a variable or function of a channel, or a global one.", wire.Call | wire.Reporting, s.getvar},
		{"Setvar", "Write a variable or function of a channel, or a global one.", wire.Call, s.setvar},
		{"Redirect", "Send a channel, or two, elsewhere in the dialplan.", wire.Call, s.redirect},
		{"BlindTransfer", "Let a channel leave its bridge and send the other party elsewhere.", wire.Call, s.blindTransfer},
		{"Atxfer", "Let a channel begin an attended transfer.", wire.Call, s.atxfer},
		{"CancelAtxfer", "Take an attended transfer back.", wire.Call, s.cancelAtxfer},
		{"AbsoluteTimeout", "Hang up a channel after a time.", wire.System | wire.Call, s.absoluteTimeout},
	}, s.bridgeActions(), s.parkActions(), s.mediaActions())
}

// find gives a live channel by its name, whose case does not count, or its unique id.
func (s *Server) find(name string) (*pbx.Channel, bool) {
	if c, ok := s.sw.Channel(name); ok {
		return c, !c.Snapshot().HungUp
	}
	for _, sn := range s.sw.Channels() {
		if !sn.HungUp && strings.EqualFold(sn.Name, name) {
			return s.sw.Channel(sn.ID)
		}
	}
	return nil, false
}

// channelOf gives the channel that a request names in the header Channel, or the answer
// that says what is wrong.
func (s *Server) channelOf(q *request) (*pbx.Channel, answer) {
	name := q.get("Channel")
	if name == "" {
		return nil, q.fail(noChannel)
	}
	c, ok := s.find(name)
	if !ok {
		return nil, q.fail(noSuchChannel)
	}
	return c, nil
}

// hangup is the action Hangup (Asterisk: manager.c action_hangup).
func (s *Server) hangup(_ context.Context, q *request) answer {
	name := q.get("Channel")
	if name == "" {
		return q.fail(noChannel)
	}
	code := cause.Unknown // none given, or one that is out of range
	if n, err := strconv.Atoi(strings.TrimSpace(q.get("Cause"))); err == nil && n > 0 && n <= 127 {
		code = cause.Code(n)
	}
	if strings.HasPrefix(name, "/") {
		return s.hangupMatching(q, name, code)
	}
	c, bad := s.channelOf(q)
	if bad != nil {
		return bad
	}
	c.HangupByManager(code)
	return q.done("Channel Hungup")
}

// hangupMatching hangs up all channels whose names a POSIX extended expression matches
// anywhere, and lists them.
func (s *Server) hangupMatching(q *request, expression string, code cause.Code) answer {
	inner, closed := strings.CutSuffix(expression[1:], "/")
	if !closed {
		return q.fail("Regex format invalid, Channel param should be /regex/")
	}
	re, err := regexp.CompilePOSIX(inner)
	if err != nil {
		return q.fail("Regex compile failed on: " + expression)
	}
	var items []*wire.Message
	for _, sn := range s.sw.Channels() {
		c, ok := s.sw.Channel(sn.ID)
		if !ok || sn.HungUp || !re.MatchString(sn.Name) {
			continue
		}
		c.HangupByManager(code)
		items = append(items, q.last(wire.Event("ChannelHungup", "").Add("Channel", sn.Name)))
	}
	return q.list("Channels hung up will follow", "ChannelsHungupListComplete", items)
}

// last adds the request's ActionID as the last header of a list's item, if it has one.
func (q *request) last(m *wire.Message) *wire.Message {
	if q.id != "" {
		m.Add("ActionID", q.id)
	}
	return m
}

// item begins an item of a list that has the ActionID as its second header.
func (q *request) item(event string) *wire.Message { return q.last(wire.Event(event, "")) }
