package ari

import (
	"cmp"
	"encoding/json"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/stasis"
	wire "github.com/dialwright/dialwright/internal/wire/ari"
)

// event writes an event for the application that it is for, with its envelope but
// for the cursor. ok is false for one that ARI does not have: it is not sent, since
// npm ari-client fails on types that it does not know (spec: ari 2.6 rule 4).
func (s *Server) event(i stasis.Item) (e wire.Event, ok bool) {
	for _, translate := range [...]func(*pbx.Event) wire.Event{s.channelEvent, s.callEvent, s.bridgeEvent, s.mediaEvent, s.serverEvent} {
		if e = translate(i.Event); e != nil {
			*e.Head() = wire.Envelope{
				Type: string(i.Event.Type), Timestamp: wire.Date(i.Event.At), Application: i.App, AsteriskID: s.o.EntityID,
			}
			return e, true
		}
	}
	return nil, false
}

// channelEvent writes what happens to one channel, nil for others.
func (s *Server) channelEvent(e *pbx.Event) wire.Event {
	if e.Channel == nil {
		if e.Type == pbx.ChannelVarset { // a global variable
			return &wire.ChannelVarset{Variable: e.Variable, Value: e.Value}
		}
		return nil
	}
	switch e.Type {
	case pbx.ChannelCreated:
		return &wire.ChannelCreated{Channel: s.channel(e.Channel)}
	case pbx.ChannelStateChange:
		return &wire.ChannelStateChange{Channel: s.channel(e.Channel)}
	case pbx.ChannelDestroyed:
		return &wire.ChannelDestroyed{
			Cause: int(e.Cause), CauseTxt: e.Cause.String(), TechCause: e.TechCause, Channel: s.channel(e.Channel),
		}
	case pbx.ChannelHangupRequest:
		return &wire.ChannelHangupRequest{Cause: int(e.Cause), TechCause: e.TechCause, Soft: e.Soft, Channel: s.channel(e.Channel)}
	case pbx.ChannelVarset:
		return &wire.ChannelVarset{Variable: e.Variable, Value: e.Value, Channel: s.channelPointer(e.Channel)}
	case pbx.ChannelDialplan:
		return &wire.ChannelDialplan{DialplanApp: e.Channel.App, DialplanAppData: e.Channel.AppData, Channel: s.channel(e.Channel)}
	case pbx.ChannelCallerID:
		shown := presentation(e.Channel)
		return &wire.ChannelCallerId{
			CallerPresentation: shown, CallerPresentationTxt: wire.Presentation(shown), Channel: s.channel(e.Channel),
		}
	case pbx.ChannelConnectedLine:
		return &wire.ChannelConnectedLine{Channel: s.channel(e.Channel)}
	}
	return nil
}

// presentation gives the caller's presentation as Q.931 counts it.
func presentation(sn *pbx.Snapshot) int {
	if sn.Caller.Private {
		return 0x20
	}
	return 0
}

// callEvent writes what the party of a channel does, and what applications do with it.
func (s *Server) callEvent(e *pbx.Event) wire.Event {
	if e.Type == pbx.Dial && e.Peer != nil {
		return &wire.Dial{
			Caller: s.channelPointer(e.Channel), Peer: s.channel(e.Peer),
			Forward: e.Target, DialString: e.DialString, DialStatus: e.DialStatus,
		}
	}
	if e.Channel == nil {
		return nil
	}
	switch e.Type {
	case pbx.ChannelDTMF:
		return &wire.ChannelDtmfReceived{Digit: string(e.Digit), DurationMS: int(e.Duration.Milliseconds()), Channel: s.channel(e.Channel)}
	case pbx.ChannelHold:
		return &wire.ChannelHold{MusicClass: cmp.Or(e.Value, "default"), Channel: s.channel(e.Channel)}
	case pbx.ChannelUnhold:
		return &wire.ChannelUnhold{Channel: s.channel(e.Channel)}
	case pbx.ChannelTalkStarted:
		return &wire.ChannelTalkingStarted{Channel: s.channel(e.Channel)}
	case pbx.ChannelTalkFinished:
		return &wire.ChannelTalkingFinished{Duration: int(e.Duration.Milliseconds()), Channel: s.channel(e.Channel)}
	case pbx.ChannelToneDetected:
		return &wire.ChannelToneDetected{Channel: s.channel(e.Channel)}
	case pbx.ChannelTransfer:
		return &wire.ChannelTransfer{
			ReferTo:    wire.ReferTo{RequestedDestination: wire.RequiredDestination{Destination: e.Target}},
			ReferredBy: wire.ReferredBy{SourceChannel: s.channel(e.Channel)},
		}
	}
	return s.visitEvent(e)
}

// visitEvent writes how a channel comes to applications.
func (s *Server) visitEvent(e *pbx.Event) wire.Event {
	entry, _ := e.Data.(*stasis.Entry)
	switch {
	case e.Type == stasis.End:
		return &wire.StasisEnd{Channel: s.channel(e.Channel)}
	case e.Type == stasis.Broadcast:
		return &wire.CallBroadcast{Channel: s.channel(e.Channel), Caller: e.Channel.Caller.Number, Called: e.Channel.Extension}
	case entry == nil:
		return nil
	case e.Type == stasis.Start:
		return &wire.StasisStart{Args: entry.Args, Channel: s.channel(e.Channel), ReplaceChannel: s.channelPointer(entry.Replace)}
	case e.Type == stasis.MoveFailed:
		return &wire.ApplicationMoveFailed{Channel: s.channel(e.Channel), Destination: entry.App, Args: entry.Args}
	case e.Type == stasis.Claimed:
		return &wire.CallClaimed{Channel: s.channel(e.Channel), WinnerApp: entry.App}
	}
	return nil
}

// bridgeEvent writes what happens to bridges.
func (s *Server) bridgeEvent(e *pbx.Event) wire.Event {
	if e.Bridge == nil {
		return nil
	}
	switch e.Type {
	case pbx.BridgeCreated:
		return &wire.BridgeCreated{Bridge: s.bridge(e.Bridge)}
	case pbx.BridgeDestroyed:
		return &wire.BridgeDestroyed{Bridge: s.bridge(e.Bridge)}
	case pbx.BridgeVideoSourceChanged:
		source, _ := e.Data.(pbx.VideoSource)
		return &wire.BridgeVideoSourceChanged{Bridge: s.bridge(e.Bridge), OldVideoSourceID: source.Old}
	}
	if e.Channel == nil {
		return nil
	}
	switch e.Type {
	case pbx.ChannelEnteredBridge:
		return &wire.ChannelEnteredBridge{Bridge: s.bridge(e.Bridge), Channel: s.channelPointer(e.Channel)}
	case pbx.ChannelLeftBridge:
		return &wire.ChannelLeftBridge{Bridge: s.bridge(e.Bridge), Channel: s.channel(e.Channel)}
	}
	switch t := e.Data.(type) {
	case *pbx.BlindTransfer:
		return s.blindTransfer(e, t)
	case *pbx.AttendedTransfer:
		return s.attendedTransfer(e, t)
	}
	return nil
}

func (s *Server) blindTransfer(e *pbx.Event, t *pbx.BlindTransfer) wire.Event {
	return &wire.BridgeBlindTransfer{
		Channel: s.channel(e.Channel), ReplaceChannel: s.channelPointer(t.Replace), Transferee: s.channelPointer(t.Transferee),
		Exten: t.Extension, Context: t.Context, Result: string(t.Result), IsExternal: t.External, Bridge: s.bridgePointer(e.Bridge),
	}
}

func (s *Server) attendedTransfer(e *pbx.Event, t *pbx.AttendedTransfer) wire.Event {
	w := &wire.BridgeAttendedTransfer{
		TransfererFirstLeg: s.channel(cmp.Or(t.First, e.Channel)),
		Transferee:         s.channelPointer(t.Transferee), TransferTarget: s.channelPointer(t.Target),
		Result: string(t.Result), IsExternal: t.External,
		TransfererFirstLegBridge: s.bridgePointer(t.FirstBridge), TransfererSecondLegBridge: s.bridgePointer(t.SecondBridge),
		DestinationType: "fail",
	}
	if t.Second != nil {
		w.TransfererSecondLeg = s.channel(t.Second)
	}
	if t.Destination != "" {
		w.DestinationType, w.DestinationBridge = "bridge", t.Destination
	}
	return w
}

// mediaEvent writes what is played and recorded.
func (s *Server) mediaEvent(e *pbx.Event) wire.Event {
	switch {
	case e.Playback != nil && e.Type == pbx.PlaybackStarted:
		return &wire.PlaybackStarted{Playback: s.playback(*e.Playback)}
	case e.Playback != nil && e.Type == pbx.PlaybackContinues:
		return &wire.PlaybackContinuing{Playback: s.playback(*e.Playback)}
	case e.Playback != nil && e.Type == pbx.PlaybackFinished:
		return &wire.PlaybackFinished{Playback: s.playback(*e.Playback)}
	case e.Recording != nil && e.Type == pbx.RecordingStarted:
		return &wire.RecordingStarted{Recording: s.recording(*e.Recording)}
	case e.Recording != nil && e.Type == pbx.RecordingFinished:
		return &wire.RecordingFinished{Recording: s.recording(*e.Recording)}
	case e.Recording != nil && e.Type == pbx.RecordingFailed:
		return &wire.RecordingFailed{Recording: s.recording(*e.Recording)}
	}
	return nil
}

// serverEvent writes what concerns devices, endpoints and the application itself.
func (s *Server) serverEvent(e *pbx.Event) wire.Event {
	switch e.Type {
	case stasis.Replaced:
		return &wire.ApplicationReplaced{}
	case stasis.Registered:
		return &wire.ApplicationRegistered{}
	case stasis.Unregistered:
		return &wire.ApplicationUnregistered{}
	case stasis.UserEvent: // pbx.ChannelUserEvent has the same name
		return s.userEventOf(e)
	}
	switch d := e.Data.(type) {
	case *stasis.State:
		return s.resync(d)
	case *stasis.Message:
		return s.textMessage(e, d)
	}
	if e.Device != nil && e.Type == pbx.DeviceStateChanged {
		return &wire.DeviceStateChanged{DeviceState: wire.DeviceState{Name: e.Device.Name, State: string(e.Device.State)}}
	}
	if e.Endpoint != nil {
		return endpointEvent(e)
	}
	return nil
}

// resync writes what an application has, for a client that cannot resume.
func (s *Server) resync(d *stasis.State) wire.Event {
	w := &wire.ApplicationResync{Reason: d.Reason}
	for _, c := range d.Channels {
		w.Channels = append(w.Channels, s.channel(c))
	}
	for _, b := range d.Bridges {
		w.Bridges = append(w.Bridges, s.bridge(b))
	}
	return w
}

func (s *Server) textMessage(e *pbx.Event, d *stasis.Message) wire.Event {
	w := &wire.TextMessageReceived{Message: wire.TextMessage{From: d.From, To: d.To, Body: d.Body, Variables: d.Variables}}
	if e.Endpoint != nil {
		w.Endpoint = new(endpointModel(*e.Endpoint))
	}
	return w
}

// userEventOf writes an event of somebody's own: a client's, or that of the dialplan,
// whose value has a "Key: value" on each line.
func (s *Server) userEventOf(e *pbx.Event) wire.Event {
	w := &wire.ChannelUserevent{EventName: e.Variable, Channel: s.channelPointer(e.Channel), Bridge: s.bridgePointer(e.Bridge)}
	if e.Endpoint != nil {
		w.Endpoint = new(endpointModel(*e.Endpoint))
	}
	if u, ok := e.Data.(*stasis.User); ok && u.Body != nil {
		w.EventName, w.UserEvent = u.Name, u.Body
		return w
	} else if ok {
		w.EventName = u.Name
	}
	members := map[string]string{"eventname": w.EventName}
	for line := range strings.SplitSeq(e.Value, "\n") {
		if key, value, ok := strings.Cut(line, ":"); ok {
			members[strings.TrimSpace(key)] = strings.TrimSpace(value)
		}
	}
	w.UserEvent, _ = json.Marshal(members) // of strings: cannot fail
	return w
}

// endpointEvent writes what happens to phones and trunks.
func endpointEvent(e *pbx.Event) wire.Event {
	p := e.Endpoint
	switch e.Type {
	case pbx.EndpointStateChange:
		return &wire.EndpointStateChange{Endpoint: endpointModel(*p)}
	case pbx.PeerStatusChange:
		host, port, err := net.SplitHostPort(p.Address)
		if err != nil {
			host, port = p.Address, ""
		}
		return &wire.PeerStatusChange{
			Endpoint: endpointModel(*p),
			Peer:     wire.Peer{PeerStatus: p.Status, Cause: p.Cause, Address: host, Port: port},
		}
	case pbx.ContactStatusChange:
		c := wire.ContactInfo{URI: p.Contact, ContactStatus: p.Status, AOR: p.Resource}
		if p.RTT > 0 {
			c.RoundtripUsec = strconv.FormatInt(int64(p.RTT/time.Microsecond), 10)
		}
		return &wire.ContactStatusChange{Endpoint: endpointModel(*p), ContactInfo: c}
	}
	return nil
}
