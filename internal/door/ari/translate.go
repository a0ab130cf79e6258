package ari

import (
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/pbx"
	wire "github.com/dialwright/dialwright/internal/wire/ari"
)

// channel writes a channel as ARI does (spec: ari 8).
func (s *Server) channel(sn *pbx.Snapshot) wire.Channel {
	return wire.Channel{
		ID: sn.ID, Name: sn.Name, State: sn.State.String(), ProtocolID: sn.ProtocolID,
		Caller: callerID(sn.Caller), Connected: callerID(sn.Connected), AccountCode: sn.AccountCode,
		Dialplan: wire.DialplanCEP{
			Context: sn.Context, Exten: sn.Extension, Priority: sn.Priority, AppName: sn.App, AppData: sn.AppData,
		},
		CreationTime: wire.Date(sn.CreatedAt), Language: sn.Language, ChannelVars: s.channelVars(sn),
		CallerRDNIS: sn.RDNIS, TenantID: sn.TenantID,
	}
}

// channelPointer writes one that may not be there: nil stays nil.
func (s *Server) channelPointer(sn *pbx.Snapshot) *wire.Channel {
	if sn == nil {
		return nil
	}
	return new(s.channel(sn))
}

// channelVars gives the variables that are to be shown: those that somebody has asked
// for, and those of the configuration, "" if they are not set. Of functions among the
// latter it is what they are now.
func (s *Server) channelVars(sn *pbx.Snapshot) map[string]string {
	m := reported(sn.Variables)
	for _, name := range s.o.Config().ChannelVars {
		if _, ok := m[name]; ok {
			continue
		}
		if m == nil {
			m = make(map[string]string)
		}
		m[name] = ""
		if !strings.HasSuffix(name, ")") {
			continue
		}
		if c, ok := s.sw.Channel(sn.ID); ok {
			m[name], _ = c.Variable(name)
		}
	}
	return m
}

func callerID(c call.CallerID) wire.CallerID { return wire.CallerID{Name: c.Name, Number: c.Number} }

func reported(list []pbx.Reported) map[string]string {
	if len(list) == 0 {
		return nil
	}
	m := make(map[string]string, len(list))
	for _, v := range list {
		m[v.Name] = v.Value
	}
	return m
}

// bridge writes a bridge as ARI does.
func (s *Server) bridge(sn *pbx.BridgeSnapshot) wire.Bridge {
	return wire.Bridge{
		ID: sn.ID, Technology: sn.Technology, BridgeType: string(sn.Type), BridgeClass: sn.Class, Creator: sn.Creator,
		Name: sn.Name, Channels: sn.Channels, CreationTime: wire.Date(sn.CreatedAt),
		VideoMode: sn.VideoMode, VideoSourceID: sn.VideoSource, BridgeVars: reported(sn.Variables),
	}
}

// bridgePointer writes one that may not be there: nil stays nil.
func (s *Server) bridgePointer(sn *pbx.BridgeSnapshot) *wire.Bridge {
	if sn == nil {
		return nil
	}
	return new(s.bridge(sn))
}

// playback writes a playback as ARI does.
func (s *Server) playback(sn pbx.PlaybackSnapshot) wire.Playback {
	return wire.Playback{
		ID: sn.ID, MediaURI: sn.MediaURI, NextMediaURI: sn.NextURI, TargetURI: sn.Target,
		Language: sn.Language, State: string(sn.State),
	}
}

// recording writes a live recording as ARI does. Its times are in whole seconds, cut
// off, and what was not silence was talking: 3.2 s with 1.1 s of silence are 3, 2 and 1
// (observed: Asterisk 22.10, vectors 06c). They are there when it is over and did not
// fail, the latter two only if it was to end by silence.
func (s *Server) recording(sn pbx.RecordingSnapshot) wire.LiveRecording {
	r := wire.LiveRecording{Name: sn.Name, Format: sn.Format, TargetURI: sn.Target, State: string(sn.State), Cause: sn.Cause}
	if sn.State != pbx.RecordingDone {
		return r
	}
	total := int(sn.Duration / time.Second)
	r.Duration = &total
	if sn.Talking != 0 || sn.Silence != 0 {
		silent := min(int(sn.Silence/time.Second), total)
		r.SilenceDuration, r.TalkingDuration = &silent, new(total-silent)
	}
	return r
}
