package ami

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/pbx"
	wire "github.com/dialwright/dialwright/internal/wire/ami"
)

// bridgeActions are those about bridges. In Asterisk the last two need no right at all,
// which is a defect (spec: ami 3.1).
func (s *Server) bridgeActions() []action {
	return []action{
		{"Bridge", "Join two channels.", wire.Call, s.bridge},
		{"BridgeList", "List bridges.", 0, s.bridgeList},
		{"BridgeInfo", "List the channels of a bridge.", 0, s.bridgeInfo},
		{"BridgeKick", "Take a channel out of its bridge.", wire.Call, s.bridgeKick},
		{"BridgeDestroy", "End a bridge.", wire.Call, s.bridgeDestroy},
	}
}

// bridge is the action Bridge: two channels are joined, whatever they do. Who is left when
// the other one goes continues in its dialplan, at the step behind (Asterisk: features.c
// action_bridge; observed: Asterisk 22.10, trace t4).
func (s *Server) bridge(ctx context.Context, q *request) answer {
	names := [...]string{q.get("Channel1"), q.get("Channel2")}
	if names[0] == "" || names[1] == "" {
		return q.fail("Missing channel parameter in request")
	}
	var both [2]*pbx.Channel
	for i, name := range names {
		c, ok := s.find(name)
		if !ok {
			return q.fail("Channel" + itoa(i+1) + " does not exist: " + name)
		}
		both[i] = c
	}
	if both[0] == both[1] {
		return q.fail("Unable to bridge a channel with itself")
	}
	b, err := s.sw.NewBridge(pbx.BridgeOptions{Creator: pbx.CreatorBridge, Class: "basic"})
	if err != nil {
		s.log.Info("channels not bridged", "door", "ami", "error", err)
		return q.fail("Unable to create a bridge")
	}
	j := &join{s: s, b: b}
	j.over, j.end = context.WithCancel(context.WithoutCancel(ctx)) // it outlives the action
	for _, c := range both {
		if err = j.take(c); err != nil {
			break
		}
	}
	if err != nil {
		j.end()
		b.Destroy()
		return q.fail("Unable to bridge the channels: one of them does something else, or has hung up")
	}
	s.beep(q.get("Tone"), both)
	return q.done("Channels have been bridged")
}

// join is a bridge of two channels that were doing something else. It is over when one of
// them leaves, or is taken out.
type join struct {
	s    *Server
	b    *pbx.Bridge
	over context.Context
	end  context.CancelFunc
	in   atomic.Int32 // how many are in it
}

// take brings a channel into the bridge, and returns when it is there.
func (j *join) take(c *pbx.Channel) error {
	after := j.after(c)
	if err := j.s.leaveBridge(c); err != nil {
		return err
	}
	added := make(chan error, 1)
	j.in.Add(1)
	sn := c.Snapshot()
	err := c.Run(pbx.HandlerFunc(func(ctx context.Context, c *pbx.Channel) {
		defer c.Watch(j.left)()
		err := error(nil)
		if after != nil {
			err = c.SetPosition(sn.Context, sn.Extension, sn.Priority+1, "", "")
		}
		if err == nil {
			err = j.b.Add(c, pbx.AddOptions{})
		}
		added <- err
		if err == nil {
			j.talk(ctx, c)
		}
		if after != nil && ctx.Err() == nil {
			after.Handle(ctx, c)
		}
	}))
	if err != nil {
		return err
	}
	patience := time.NewTimer(bridgePatience)
	defer patience.Stop()
	select {
	case err = <-added:
		return err
	case <-patience.C:
		return errBusyElsewhere
	case <-c.Context().Done():
		return pbx.ErrGone
	}
}

// bridgePatience is how long a channel may take to leave what it does; somebody else may
// have sent it elsewhere meanwhile, and then it never comes.
const bridgePatience = 10 * time.Second

var errBusyElsewhere = errors.New("the channel does something else")

// after is what a channel does when the bridge is over: the step behind the present one,
// nil if it is in no dialplan.
func (j *join) after(c *pbx.Channel) pbx.Handler {
	sn := c.Snapshot()
	if !c.Handled() {
		return nil
	}
	h, err := j.s.sw.Follow(sn.Account, call.Then{
		Kind: call.ThenDialplan, Context: sn.Context, Extension: sn.Extension, Priority: strconv.Itoa(sn.Priority + 1),
	})
	if err != nil {
		return nil
	}
	return h
}

// left hears of what happens to a member; it must not wait.
func (j *join) left(e *pbx.Event) {
	if e.Type == pbx.ChannelLeftBridge && e.Bridge.ID == j.b.ID() {
		j.end()
	}
}

// talk stays in the bridge until the other one has left or something takes the channel.
// Who leaves last ends the bridge.
func (j *join) talk(ctx context.Context, c *pbx.Channel) {
	select {
	case <-j.over.Done():
	case <-ctx.Done():
	}
	j.end()
	if err := j.b.Remove(c); err != nil && !errors.Is(err, pbx.ErrNotMember) && !errors.Is(err, pbx.ErrGone) {
		j.s.log.Info("channel not taken out of the bridge", "door", "ami", "channel", c.ID(), "error", err)
	}
	if j.in.Add(-1) == 0 {
		j.b.Destroy()
	}
}

// beep lets one of the channels, or both, hear a tone.
func (s *Server) beep(tone string, both [2]*pbx.Channel) {
	first, second := false, false
	switch {
	case strings.EqualFold(tone, "Channel1"):
		first = true
	case strings.EqualFold(tone, "Channel2"):
		second = true
	case strings.EqualFold(tone, "Both"), wire.Bool(tone):
		first, second = true, true
	}
	for i, wanted := range [...]bool{first, second} {
		if !wanted {
			continue
		}
		if _, err := both[i].Play(pbx.PlayOptions{Media: []string{"sound:beep"}}); err != nil {
			s.log.Info("tone not played", "door", "ami", "channel", both[i].ID(), "error", err)
		}
	}
}

// bridgeOf gives the bridge that a request names.
func (s *Server) bridgeOf(q *request) (*pbx.Bridge, answer) {
	id := q.get("BridgeUniqueid")
	if id == "" {
		return nil, q.fail("BridgeUniqueid must be provided")
	}
	b, ok := s.sw.Bridge(id)
	if !ok {
		return nil, q.fail("Specified BridgeUniqueid not found")
	}
	return b, nil
}

// bridgeList is the action BridgeList, with BridgeType of one type (Asterisk:
// manager_bridges.c manager_bridges_list).
func (s *Server) bridgeList(_ context.Context, q *request) answer {
	var items []*wire.Message
	for _, b := range s.sw.Bridges() {
		if kind := q.get("BridgeType"); kind != "" && !strings.EqualFold(kind, bridgeType(b)) {
			continue
		}
		m := q.item("BridgeListItem")
		s.bridgeBlock(m, "", b)
		items = append(items, m)
	}
	return q.list("Bridge listing will follow", "BridgeListComplete", items)
}

// bridgeInfo is the action BridgeInfo (Asterisk: manager_bridges.c manager_bridge_info).
func (s *Server) bridgeInfo(_ context.Context, q *request) answer {
	b, bad := s.bridgeOf(q)
	if bad != nil {
		return bad
	}
	var items []*wire.Message
	for _, c := range b.Channels() {
		m := q.item("BridgeInfoChannel")
		s.channelBlock(m, "", c.Snapshot())
		items = append(items, m)
	}
	var about wire.Message
	s.bridgeBlock(&about, "", b.Snapshot())
	return q.list("Bridge channel listing will follow", "BridgeInfoComplete", items, about.Headers...)
}

// bridgeDestroy is the action BridgeDestroy: all members leave (Asterisk:
// manager_bridges.c manager_bridge_destroy).
func (s *Server) bridgeDestroy(_ context.Context, q *request) answer {
	b, bad := s.bridgeOf(q)
	if bad != nil {
		return bad
	}
	b.Destroy()
	return q.done("Bridge has been destroyed")
}

// bridgeKick is the action BridgeKick: the channel is taken out of its bridge, which must be
// the one that is named if one is, and hung up if it has nothing else to do (Asterisk:
// manager_bridges.c manager_bridge_kick; observed: Asterisk 22.10).
func (s *Server) bridgeKick(_ context.Context, q *request) answer {
	if q.get("Channel") == "" {
		return q.fail("Channel must be provided")
	}
	c, ok := s.find(q.get("Channel"))
	if !ok {
		return q.fail("Channel does not exist")
	}
	in := c.Snapshot().Bridge
	if want := q.get("BridgeUniqueid"); want != "" {
		if _, ok := s.sw.Bridge(want); !ok {
			return q.fail("Bridge not found")
		}
		if want != in {
			return q.fail("Channel is not in the specified bridge")
		}
	}
	b, ok := s.sw.Bridge(in)
	if !ok {
		return q.fail("Channel is not in a bridge")
	}
	if b.Snapshot().Creator != pbx.CreatorBridge || b.Remove(c) != nil { // others hang up, or it has left
		c.Hangup(cause.NormalClearing)
	}
	return q.done("Channel has been kicked")
}
