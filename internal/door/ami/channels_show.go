package ami

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/pbx"
	wire "github.com/dialwright/dialwright/internal/wire/ami"
)

// status is the action Status (Asterisk: manager.c action_status; observed: Asterisk
// 22.10, trace s3).
func (s *Server) status(ctx context.Context, q *request) answer {
	names := splitList(q.get("Variables"))
	for _, name := range names {
		if forbiddenVariable(q, name) {
			return q.fail("Status Access Forbidden: Variables")
		}
	}
	var list []*pbx.Channel
	if q.get("Channel") != "" {
		c, bad := s.channelOf(q)
		if bad != nil {
			return bad
		}
		list = []*pbx.Channel{c}
	} else {
		list = s.live()
	}
	items := make([]*wire.Message, 0, len(list))
	for _, c := range list {
		m := s.statusOf(ctx, c)
		if wire.Bool(q.get("AllVariables")) {
			for _, v := range c.Variables() {
				m.Add("Variable", strings.TrimLeft(v.Name, "_")+"="+v.Value)
			}
		}
		for _, name := range names {
			v, ok := "", false
			if s.readable(q, name) {
				v, ok = s.readVariable(ctx, c, name)
			}
			if !ok {
				v = "(null)"
			}
			m.Add("Variable", name+"="+v)
		}
		items = append(items, q.last(m))
	}
	return q.list("Channel status will follow", "StatusComplete", items, wire.Header{Name: "Items", Value: itoa(len(items))})
}

// live lists the channels that have not hung up, in the order in which they were made.
func (s *Server) live() []*pbx.Channel {
	var out []*pbx.Channel
	for _, sn := range s.sw.Channels() {
		if c, ok := s.sw.Channel(sn.ID); ok && !sn.HungUp {
			out = append(out, c)
		}
	}
	return out
}

// statusOf writes what Status tells of a channel, up to its variables.
func (s *Server) statusOf(ctx context.Context, c *pbx.Channel) *wire.Message {
	sn := c.Snapshot()
	m := wire.Event("Status", "Call")
	s.channelBlock(m, "", sn)
	end := "0"
	left, _ := c.ReadVariable(ctx, absoluteTimeout)
	if seconds, err := strconv.ParseFloat(left, 64); err == nil && seconds > 0 {
		end = strconv.FormatInt(time.Now().Add(time.Duration(seconds*float64(time.Second))).Unix(), 10)
	}
	formats, one := codecsOf(c)
	m.Add("Type", sn.Technology).Add("DNID", sn.Dialled)
	m.Add("EffectiveConnectedLineNum", orUnknown(sn.Connected.Number)).Add("EffectiveConnectedLineName", orUnknown(sn.Connected.Name))
	m.Add("TimeToHangup", end).Add("BridgeID", sn.Bridge).Add("Application", sn.App).Add("Data", sn.AppData)
	m.Add("Nativeformats", formats).Add("Readformat", one).Add("Readtrans", "").Add("Writeformat", one).Add("Writetrans", "")
	m.Add("Callgroup", "0").Add("Pickupgroup", "0").Add("Seconds", itoa(int(time.Since(sn.CreatedAt)/time.Second)))
	return m
}

// codecsOf gives what a channel speaks as Asterisk writes it, "(ulaw)" and "ulaw"; "(nothing)"
// and "" before that is known.
func codecsOf(c *pbx.Channel) (list, one string) {
	if c.Port() == nil {
		return "(nothing)", ""
	}
	f, ok := c.Port().Format()
	if !ok {
		return "(nothing)", ""
	}
	one = asteriskCodec(f.Codec)
	return "(" + one + ")", one
}

// asteriskCodec gives Asterisk's name of a codec.
func asteriskCodec(name string) string {
	switch name {
	case "PCMU":
		return "ulaw"
	case "PCMA":
		return "alaw"
	}
	return strings.ToLower(name)
}

// coreShowChannels is the action CoreShowChannels (observed: Asterisk 22.10, trace s3).
func (s *Server) coreShowChannels(_ context.Context, q *request) answer {
	var items []*wire.Message
	for _, sn := range s.sw.Channels() {
		m := q.item("CoreShowChannel")
		s.channelBlock(m, "", sn)
		m.Add("Application", sn.App).Add("ApplicationData", sn.AppData).Add("Duration", clock(time.Since(sn.CreatedAt))).Add("BridgeId", sn.Bridge)
		items = append(items, m)
	}
	return q.list("Channels will follow", "CoreShowChannelsComplete", items)
}

// clock writes HH:MM:SS; hours are as many as there are.
func clock(d time.Duration) string {
	n := int(d / time.Second)
	return fmt.Sprintf("%02d:%02d:%02d", n/3600, n/60%60, n%60)
}

// coreShowChannelMap is the action CoreShowChannelMap: every channel that is connected
// with one, by a bridge or as the other half of a Local channel, and with those in turn
// (Asterisk: manager.c action_coreshowchannelmap; observed: Asterisk 22.10).
func (s *Server) coreShowChannelMap(_ context.Context, q *request) answer {
	name := q.get("Channel")
	if name == "" {
		return q.fail("CoreShowChannelMap requires a channel.")
	}
	c, ok := s.find(name)
	if !ok {
		return q.fail("Could not get channel snapshot")
	}
	all := s.sw.Channels()
	seen := map[string]bool{c.ID(): true}
	var found []*pbx.Snapshot
	for todo := []*pbx.Snapshot{c.Snapshot()}; len(todo) > 0; {
		at := todo[0]
		todo = todo[1:]
		for _, sn := range all {
			if !seen[sn.ID] && connected(at, sn) {
				seen[sn.ID] = true
				found, todo = append(found, sn), append(todo, sn)
			}
		}
	}
	slices.SortFunc(found, func(a, b *pbx.Snapshot) int { return cmp.Compare(a.Name, b.Name) })
	items := make([]*wire.Message, 0, len(found))
	for _, sn := range found {
		m := q.item("CoreShowChannelMap")
		s.channelBlock(m, "", sn)
		items = append(items, m)
	}
	return q.list("Channel map will follow", "CoreShowChannelMapComplete", items)
}

// connected says whether two channels hear each other directly.
func connected(a, b *pbx.Snapshot) bool {
	if a.Bridge != "" && a.Bridge == b.Bridge {
		return true
	}
	pair, first := strings.CutSuffix(a.Name, ";1")
	if !first {
		pair, first = strings.CutSuffix(a.Name, ";2")
	}
	return first && a.Name != b.Name && (b.Name == pair+";1" || b.Name == pair+";2")
}

// splitList takes a comma list apart; commas in brackets are part of a name.
func splitList(s string) []string {
	var out []string
	for _, word := range wire.SplitArgs(s) {
		if word = strings.TrimSpace(word); word != "" {
			out = append(out, word)
		}
	}
	return out
}
