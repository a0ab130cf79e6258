package ami

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/pbx"
	wire "github.com/dialwright/dialwright/internal/wire/ami"
)

// mediaActions are those about what a channel hears and says.
func (s *Server) mediaActions() []action {
	return []action{
		{"PlayDTMF", "Send a digit to a channel, or as if its party had pressed it.", wire.Call, s.playDTMF},
		{"SendText", "Send a text to a channel's phone.", wire.Call, s.sendText},
		{"MixMonitor", "Record both directions of a channel.", wire.System, s.mixMonitor},
		{"StopMixMonitor", "End recordings of a channel.", wire.System | wire.Call, s.stopMixMonitor},
		{"MixMonitorMute", "Leave a direction out of a recording, or not.", wire.System | wire.Call, s.mixMonitorMute},
		{"MuteAudio", "Mute what a channel says or hears, or not.", wire.System, s.muteAudio},
	}
}

// The length of a digit that is not given, and the longest (Asterisk: channel.c
// AST_DEFAULT_EMULATE_DTMF_DURATION).
const (
	digitTime    = 100 * time.Millisecond
	maxDigitTime = 10 * time.Second
)

// playDTMF is the action PlayDTMF (Asterisk: app_senddtmf.c manager_play_dtmf).
func (s *Server) playDTMF(_ context.Context, q *request) answer {
	c, ok := s.find(q.get("Channel"))
	if !ok {
		return q.fail("Channel not found")
	}
	digit := q.get("Digit")
	if digit == "" {
		return q.fail("No digit specified")
	}
	length := digitTime
	if text := q.get("Duration"); text != "" {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || n < 0 {
			return q.fail("Could not convert Duration parameter")
		}
		length = min(time.Duration(n)*time.Millisecond, maxDigitTime)
	}
	key := rune(strings.ToUpper(digit)[0])
	if !strings.ContainsRune("0123456789ABCD*#", key) {
		return q.fail("Digit must be one of 0-9, A-D, * and #")
	}
	if wire.Bool(q.get("Receive")) {
		c.Deliver(pbx.LegEvent{Kind: pbx.LegDTMF, Digit: key, Duration: length})
	} else if err := c.SendDTMF(string(key), pbx.DTMFOptions{Duration: length}); err != nil {
		s.log.Info("digit not sent", "door", "ami", "channel", c.ID(), "error", err)
		return q.fail("Channel not found")
	}
	return q.done("DTMF successfully queued")
}

// sendText is the action SendText. The text goes to the channel's phone beside the call
// (SIP MESSAGE); what becomes of it nobody waits for (Asterisk: app_sendtext.c
// action_sendtext; observed: Asterisk 22.10, trace t9).
func (s *Server) sendText(ctx context.Context, q *request) answer {
	if q.get("Channel") == "" {
		return q.fail(noChannel)
	}
	text := q.get("Message")
	if text == "" {
		return q.fail("No Message specified")
	}
	c, bad := s.channelOf(q)
	if bad != nil {
		return bad
	}
	sn := c.Snapshot()
	if s.o.Phones == nil || sn.Phone == "" && sn.Trunk == "" {
		return q.fail("Failure")
	}
	if err := s.o.Phones.Message(ctx, sn.Connected.Number, "pjsip:"+sn.Endpoint, text, nil); err != nil {
		s.log.Info("text not sent", "door", "ami", "channel", c.ID(), "error", err)
		return q.fail("Failure")
	}
	return q.done("Success")
}

// Applications runs applications of the dialplan on channels that go on with what they do.
type Applications interface {
	// Beside runs one that does not take the channel: MixMonitor, StopMixMonitor. Errors say
	// that it is not known, could not be done, or would run a program or write a file
	// elsewhere than among the recordings.
	Beside(ctx context.Context, c *pbx.Channel, name, data string) error
	// MuteRecordings leaves directions out of the recordings of a channel, or of one of
	// them ("" = all), or no longer; false if it has none.
	MuteRecordings(c *pbx.Channel, id string, in, out, on bool) bool
	// StopRecordings ends the recordings of a channel, or one of them; false if it has none.
	StopRecordings(c *pbx.Channel, id string) bool
}

// mixMonitor is the action MixMonitor. A command that would run afterwards is refused:
// remote control starts no programs (spec: ami 10.4; Asterisk: app_mixmonitor.c
// manager_mixmonitor).
func (s *Server) mixMonitor(ctx context.Context, q *request) answer {
	c, bad := s.channelOf(q)
	options := q.get("Options")
	switch {
	case bad != nil:
		return bad
	case q.get("Command") != "":
		s.log.Warn("recording refused: its command would run a program", "door", "ami", "remote", q.remote)
		return q.fail("Could not start monitoring channel")
	case s.o.Apps == nil:
		return q.fail("Could not start monitoring channel")
	}
	if err := s.o.Apps.Beside(ctx, c, "MixMonitor", q.get("File")+","+options); err != nil {
		s.log.Info("channel not recorded", "door", "ami", "channel", c.ID(), "error", err)
		return q.fail("Could not start monitoring channel")
	}
	m := wire.Response("Success", q.id)
	if _, rest, own := strings.Cut(options, "i("); own {
		name, _, _ := strings.Cut(rest, ")")
		id, _ := c.Variable(name)
		m.Add("MixMonitorID", id)
	}
	return answer{m}
}

// stopMixMonitor is the action StopMixMonitor.
func (s *Server) stopMixMonitor(_ context.Context, q *request) answer {
	c, bad := s.channelOf(q)
	if bad != nil {
		return bad
	}
	if s.o.Apps == nil || !s.o.Apps.StopRecordings(c, q.get("MixMonitorID")) {
		return q.fail("Could not stop monitoring channel")
	}
	return answer{wire.Response("Success", q.id)}
}

// mixMonitorMute is the action MixMonitorMute: Direction read, write or both (Asterisk:
// app_mixmonitor.c manager_mute_mixmonitor).
func (s *Server) mixMonitorMute(_ context.Context, q *request) answer {
	in, out := false, false
	switch strings.ToLower(q.get("Direction")) {
	case "read":
		in = true
	case "write":
		out = true
	case "both":
		in, out = true, true
	}
	state := q.get("State")
	switch {
	case q.get("Direction") == "":
		return q.fail("No direction specified. Must be read, write or both")
	case !in && !out:
		return q.fail("Invalid direction specified. Must be read, write or both")
	case state == "":
		return q.fail("No state specified")
	}
	c, bad := s.channelOf(q)
	if bad != nil {
		return bad
	}
	if s.o.Apps == nil || !s.o.Apps.MuteRecordings(c, q.get("MixMonitorID"), in, out, wire.Bool(state)) {
		return q.fail("Cannot set mute flag")
	}
	return answer{wire.Response("Success", q.id)}
}

// muteAudio is the action MuteAudio: Direction in, out or all (Asterisk: res_mutestream.c
// manager_mutestream; observed: Asterisk 22.10).
func (s *Server) muteAudio(_ context.Context, q *request) answer {
	state, direction := q.get("State"), strings.ToLower(q.get("Direction"))
	switch {
	case q.get("Channel") == "":
		return q.fail("Channel not specified")
	case state == "":
		return q.fail("State not specified")
	case direction == "":
		return q.fail("Direction not specified")
	}
	c, bad := s.channelOf(q)
	if bad != nil {
		return bad
	}
	in, out := direction == "in" || direction == "all", direction == "out" || direction == "all"
	if !in && !out || c.ChangeMute(wire.Bool(state), in, out) != nil {
		return q.fail("Failed to mute/unmute stream")
	}
	return answer{wire.Response("Success", q.id)}
}
