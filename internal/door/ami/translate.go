package ami

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dialwright/dialwright/internal/hint"
	"github.com/dialwright/dialwright/internal/local"
	"github.com/dialwright/dialwright/internal/mixmonitor"
	"github.com/dialwright/dialwright/internal/parking"
	"github.com/dialwright/dialwright/internal/pbx"
	wire "github.com/dialwright/dialwright/internal/wire/ami"
)

// translate writes what has happened in the switch as the events of AMI (spec: ami 5.5),
// nothing for what AMI does not tell. It is called by one goroutine, in the order of the
// events; it does not wait.
func (s *Server) translate(e *pbx.Event) []happened {
	c := s.o.Config()
	name, class := s.nameOf(e, c)
	if name == "" || slices.ContainsFunc(c.DisabledEvents, func(d string) bool { return strings.EqualFold(d, name) }) {
		return nil
	}
	m := s.begin(e, c, name, class)
	if !s.write(m, e) {
		return nil
	}
	return []happened{{class, m}}
}

// nameOf gives what AMI calls an event and its class, "" if it does not tell it.
func (s *Server) nameOf(e *pbx.Event, c *Config) (string, wire.Class) {
	switch e.Type {
	case pbx.Dial:
		return dialName(e.DialStatus), wire.Call
	case pbx.ChannelHangupRequest:
		if e.Soft && runsNothing(e.Channel) {
			return "", 0
		}
		if e.Soft {
			return eventSoftHangup, wire.Call
		}
		return eventHangupRequest, wire.Call
	case pbx.ChannelDialplan:
		if e.Channel == nil || e.Channel.App == "" {
			return "", 0
		}
	case pbx.ChannelVarset:
		if e.Variable == "HANGUPCAUSE" { // a channel's cause, which Asterisk keeps in no variable
			return "", 0
		}
	case EventCDR:
		if !c.CDREvents {
			return "", 0
		}
	}
	n := eventNames[e.Type]
	return n.name, n.class
}

// runsNothing says that no program of ours runs a channel: it was dialled and not yet
// answered, or is the called party of a Dial. Its end is only told by Hangup (observed:
// Asterisk 22.10, traces c3, t7).
func runsNothing(sn *pbx.Snapshot) bool {
	return sn == nil || sn.App == "" || sn.App == "AppDial" || sn.App == "AppDial2"
}

// dialName tells the beginning, the course and the end of a dial apart.
func dialName(status string) string {
	switch status {
	case "":
		return eventDialBegin
	case "RINGING", "PROGRESS", "PROCEEDING":
		return eventDialState
	}
	return eventDialEnd
}

// Names of events that hang on more than what has happened in the switch.
const (
	eventHangupRequest = "HangupRequest"
	eventSoftHangup    = "SoftHangupRequest"
	eventDialBegin     = "DialBegin"
	eventDialState     = "DialState"
	eventDialEnd       = "DialEnd"
)

// eventNames are AMI's names and classes of the switch's events.
var eventNames = map[pbx.EventType]struct {
	name  string
	class wire.Class
}{
	pbx.ChannelCreated:         {"Newchannel", wire.Call},
	pbx.ChannelStateChange:     {"Newstate", wire.Call},
	pbx.ChannelDestroyed:       {"Hangup", wire.Call},
	pbx.ChannelProgramEnded:    {eventSoftHangup, wire.Call},
	pbx.ChannelVarset:          {"VarSet", wire.Dialplan},
	pbx.ChannelCallerID:        {"NewCallerid", wire.Call},
	pbx.ChannelConnectedLine:   {"NewConnectedLine", wire.Call},
	pbx.ChannelAccountCode:     {"NewAccountCode", wire.Call},
	pbx.ChannelDialplan:        {"Newexten", wire.Dialplan},
	pbx.ChannelEnteredBridge:   {"BridgeEnter", wire.Call},
	pbx.ChannelLeftBridge:      {"BridgeLeave", wire.Call},
	pbx.BridgeCreated:          {"BridgeCreate", wire.Call},
	pbx.BridgeDestroyed:        {"BridgeDestroy", wire.Call},
	pbx.BridgeBlindTransfer:    {"BlindTransfer", wire.Call},
	pbx.BridgeAttendedTransfer: {"AttendedTransfer", wire.Call},
	pbx.ChannelDTMFBegun:       {"DTMFBegin", wire.DTMF},
	pbx.ChannelDTMF:            {"DTMFEnd", wire.DTMF},
	pbx.ChannelDTMFSent:        {"DTMFEnd", wire.DTMF},
	pbx.ChannelHold:            {"Hold", wire.Call},
	pbx.ChannelUnhold:          {"Unhold", wire.Call},
	pbx.ChannelMusicStarted:    {"MusicOnHoldStart", wire.Call},
	pbx.ChannelMusicStopped:    {"MusicOnHoldStop", wire.Call},
	pbx.ChannelTalkStarted:     {"ChannelTalkingStart", wire.Call},
	pbx.ChannelTalkFinished:    {"ChannelTalkingStop", wire.Call},
	pbx.ChannelUserEvent:       {"UserEvent", wire.UserClass},
	pbx.DeviceStateChanged:     {"DeviceStateChange", wire.Call},
	pbx.PeerStatusChange:       {"PeerStatus", wire.System},
	pbx.ContactStatusChange:    {"ContactStatus", wire.System},
	hint.ExtensionStatus:       {"ExtensionStatus", wire.Call},
	local.Bridged:              {"LocalBridge", wire.Call},
	local.OptimizationBegun:    {"LocalOptimizationBegin", wire.Call},
	local.OptimizationEnded:    {"LocalOptimizationEnd", wire.Call},
	mixmonitor.Started:         {"MixMonitorStart", wire.Call},
	mixmonitor.Stopped:         {"MixMonitorStop", wire.Call},
	mixmonitor.Muted:           {"MixMonitorMute", wire.Call},
	parking.Parked:             {"ParkedCall", wire.Call},
	parking.Unparked:           {"UnParkedCall", wire.Call},
	parking.GaveUp:             {"ParkedCallGiveUp", wire.Call},
	parking.WaitedTooLong:      {"ParkedCallTimeOut", wire.Call},
	parking.Swapped:            {"ParkedCallSwap", wire.Call},
	eventOriginateResponse:     {"OriginateResponse", wire.Call},
	eventUser:                  {"UserEvent", wire.UserClass},
	EventCDR:                   {"Cdr", wire.CDR},
	EventReload:                {"Reload", wire.System},
	EventShutdown:              {"Shutdown", wire.System},
}

// begin writes what every event has (observed: Asterisk 22.10, trace r2).
func (s *Server) begin(e *pbx.Event, c *Config, name string, class wire.Class) *wire.Message {
	room := 24
	if e.Peer != nil || e.Data != nil {
		room = 40
	}
	m := &wire.Message{Headers: make([]wire.Header, 0, room+2*len(c.ChannelVars))}
	m.Add("Event", name).Add("Privilege", privilege(class))
	if c.TimestampEvents {
		m.Add("Timestamp", fmt.Sprintf("%d.%06d", e.At.Unix(), e.At.Nanosecond()/1000))
	}
	if s.o.SystemName != "" {
		m.Add("SystemName", s.o.SystemName)
	}
	return m
}

// privilege is class.String for the classes of events, without making the text anew.
func privilege(class wire.Class) string {
	switch class {
	case wire.Call:
		return "call,all"
	case wire.Dialplan:
		return "dialplan,all"
	case wire.DTMF:
		return "dtmf,all"
	}
	return class.String()
}

// write adds the body of an event; false if it has nothing to be written of.
func (s *Server) write(m *wire.Message, e *pbx.Event) bool {
	if e.Data != nil && s.writeData(m, e) {
		return true
	}
	switch {
	case e.Type == pbx.Dial:
		return s.writeDial(m, e)
	case e.Device != nil:
		m.Add("Device", e.Device.Name).Add("State", string(e.Device.State))
		return true
	case e.Endpoint != nil:
		return writeEndpoint(m, e)
	case e.Bridge != nil:
		return s.writeBridge(m, e)
	case e.Channel != nil:
		return s.writeChannel(m, e)
	case e.Type == pbx.ChannelVarset: // of a global variable (Asterisk: manager_channels.c varset_to_ami)
		m.Add("Channel", "none").Add("Uniqueid", "none").Add("Variable", e.Variable).Add("Value", e.Value)
		return true
	}
	return false
}

// writeDial writes who dials, if somebody does, who is dialled, and how it goes.
func (s *Server) writeDial(m *wire.Message, e *pbx.Event) bool {
	if e.Peer == nil {
		return false
	}
	s.channelBlock(m, "", e.Channel)
	s.channelBlock(m, "Dest", e.Peer)
	switch {
	case e.DialStatus == "":
		m.Add("DialString", e.DialString)
	default:
		m.Add("DialStatus", e.DialStatus)
		if e.Target != "" {
			m.Add("Forward", e.Target)
		}
	}
	return true
}

// writeBridge writes what happens to a bridge or to its members.
func (s *Server) writeBridge(m *wire.Message, e *pbx.Event) bool {
	s.bridgeBlock(m, "", e.Bridge)
	if e.Type == pbx.BridgeCreated || e.Type == pbx.BridgeDestroyed {
		return true
	}
	s.channelBlock(m, "", e.Channel)
	return e.Channel != nil
}

// writeChannel writes a channel and what has happened to it.
func (s *Server) writeChannel(m *wire.Message, e *pbx.Event) bool {
	sn := e.Channel
	s.channelBlock(m, "", sn)
	switch e.Type {
	case pbx.ChannelDestroyed:
		m.Add("Cause", itoa(int(e.Cause))).Add("Cause-txt", e.Cause.String())
		addTechCause(m, e)
	case pbx.ChannelProgramEnded:
		m.Add("Cause", programEnded)
	case pbx.ChannelHangupRequest:
		m.Add("Cause", requestCause(e))
		addTechCause(m, e)
	case pbx.ChannelVarset:
		m.Add("Variable", e.Variable).Add("Value", e.Value)
	case pbx.ChannelCallerID:
		m.Add("CID-CallingPres", presentation(sn.Caller.Private))
	case pbx.ChannelAccountCode:
		m.Add("OldAccountCode", e.Value)
	case pbx.ChannelDialplan:
		m.Add("Extension", sn.Extension).Add("Application", sn.App).Add("AppData", sn.AppData)
	case pbx.ChannelUserEvent:
		m.Add("UserEvent", e.Variable)
		addLines(m, e.Value)
	case pbx.ChannelHold:
		if e.Value != "" {
			m.Add("MusicClass", e.Value)
		}
	case pbx.ChannelMusicStarted:
		m.Add("Class", e.Value)
	case pbx.ChannelTalkFinished:
		m.Add("Duration", itoa(int(e.Duration.Milliseconds())))
	case pbx.ChannelDTMFBegun, pbx.ChannelDTMF, pbx.ChannelDTMFSent:
		addDigit(m, e)
	}
	return true
}

// addDigit writes a digit; its length only at its end.
func addDigit(m *wire.Message, e *pbx.Event) {
	direction := "Received"
	if e.Type == pbx.ChannelDTMFSent || e.Value == pbx.DigitSent {
		direction = "Sent"
	}
	m.Add("Digit", string(e.Digit))
	if e.Type != pbx.ChannelDTMFBegun {
		m.Add("DurationMs", itoa(int(e.Duration.Milliseconds())))
	}
	m.Add("Direction", direction)
}

func addTechCause(m *wire.Message, e *pbx.Event) {
	if e.TechCause != 0 {
		m.Add("TechCause", itoa(e.TechCause))
	}
}

// requestCause is the cause of HangupRequest and SoftHangupRequest. The latter tells no
// cause but that the program which ran the channel has ended, 16 (Asterisk: channel.h
// AST_SOFTHANGUP_APPUNLOAD; observed: Asterisk 22.10, all traces).
func requestCause(e *pbx.Event) string {
	switch {
	case e.Soft:
		return programEnded
	case e.Cause == 0 && e.Channel.Technology != "Local": // a plain BYE
		return itoa(e.Channel.HangupCause)
	}
	return itoa(int(e.Cause))
}

const programEnded = "16"

// presentation says whether the caller may be shown (Asterisk: callerid.c pres_types).
func presentation(private bool) string {
	if private {
		return "32 (Presentation Prohibited, Not Screened)"
	}
	return "0 (Presentation Allowed, Not Screened)"
}

// addLines adds "Key: value" lines as they were given.
func addLines(m *wire.Message, text string) {
	for line := range strings.SplitSeq(text, "\n") {
		if key, value, ok := strings.Cut(line, ":"); ok {
			m.Add(strings.TrimSpace(key), strings.TrimSpace(value))
		}
	}
}
