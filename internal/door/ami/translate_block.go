package ami

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/dialwright/dialwright/internal/pbx"
	wire "github.com/dialwright/dialwright/internal/wire/ami"
)

// unknown stands for caller data and names that are not there (spec: ami 5.4).
const unknown = "<unknown>"

func orUnknown(s string) string {
	if s == "" {
		return unknown
	}
	return s
}

// blockNames are the names of a channel's fourteen headers under one prefix.
type blockNames [14]string

// namesOf gives the names under a prefix. The usual prefixes cost nothing.
func namesOf(prefix string) *blockNames {
	switch prefix {
	case "":
		return &plainNames
	case "Dest":
		return &destNames
	}
	n := withPrefix(prefix)
	return &n
}

// The names of the blocks that nearly every event has. Nobody changes them.
var (
	plainNames = withPrefix("")
	destNames  = withPrefix("Dest")
)

func withPrefix(p string) blockNames {
	return blockNames{
		p + "Channel", p + "ChannelState", p + "ChannelStateDesc", p + "CallerIDNum", p + "CallerIDName",
		p + "ConnectedLineNum", p + "ConnectedLineName", p + "Language", p + "AccountCode", p + "Context", p + "Exten",
		p + "Priority", p + "Uniqueid", p + "Linkedid",
	}
}

// channelBlock adds the fourteen headers of a channel, and the variables of Config.ChannelVars,
// all with a prefix: "" or "Dest" (spec: ami 5.4; observed: Asterisk 22.10, trace r2).
// Without a channel it adds nothing.
func (s *Server) channelBlock(m *wire.Message, prefix string, sn *pbx.Snapshot) {
	if sn == nil {
		return
	}
	n := namesOf(prefix)
	m.Headers = append(m.Headers,
		wire.Header{Name: n[0], Value: sn.Name},
		wire.Header{Name: n[1], Value: itoa(int(sn.State))},
		wire.Header{Name: n[2], Value: sn.State.String()},
		wire.Header{Name: n[3], Value: orUnknown(sn.Caller.Number)},
		wire.Header{Name: n[4], Value: orUnknown(sn.Caller.Name)},
		wire.Header{Name: n[5], Value: orUnknown(sn.Connected.Number)},
		wire.Header{Name: n[6], Value: orUnknown(sn.Connected.Name)},
		wire.Header{Name: n[7], Value: sn.Language},
		wire.Header{Name: n[8], Value: sn.AccountCode},
		wire.Header{Name: n[9], Value: sn.Context},
		wire.Header{Name: n[10], Value: sn.Extension},
		wire.Header{Name: n[11], Value: itoa(sn.Priority)},
		wire.Header{Name: n[12], Value: sn.ID},
		wire.Header{Name: n[13], Value: sn.LinkedID},
	)
	for _, name := range s.o.Config().ChannelVars {
		m.Add(prefix+"ChanVariable", name+"="+s.channelVariable(sn, name))
	}
}

// channelVariable gives a variable that events show. What the snapshot tells is as it
// was when the event happened, the rest as it is now; of a channel that has gone it is "".
func (s *Server) channelVariable(sn *pbx.Snapshot, name string) string {
	switch strings.ToUpper(name) {
	case "CALLERID(NUM)", "CALLERID(NUMBER)":
		return sn.Caller.Number
	case "CALLERID(NAME)":
		return sn.Caller.Name
	case "CONNECTEDLINE(NUM)", "CONNECTEDLINE(NUMBER)":
		return sn.Connected.Number
	case "CONNECTEDLINE(NAME)":
		return sn.Connected.Name
	}
	for _, v := range sn.ManagerVars {
		if v.Name == name {
			return v.Value
		}
	}
	if c, ok := s.sw.Channel(sn.ID); ok {
		v, _ := c.Variable(name)
		return v
	}
	return ""
}

// bridgeBlock adds the headers of a bridge with a prefix, "" for nearly all
// (spec: ami 5.4; Asterisk: manager_bridges.c ast_manager_build_bridge_state_string_prefix).
// Without a bridge it adds nothing.
func (s *Server) bridgeBlock(m *wire.Message, prefix string, b *pbx.BridgeSnapshot) {
	if b == nil {
		return
	}
	creator := b.Creator
	if b.Class == "basic" { // nobody's (observed: Asterisk 22.10, trace a1)
		creator = ""
	}
	video := cmp.Or(b.VideoMode, "none")
	if b.Class != "stasis" && b.VideoSource == "" { // others show none (observed: traces a1, t5)
		video = "none"
	}
	m.Headers = append(m.Headers,
		wire.Header{Name: prefix + "BridgeUniqueid", Value: b.ID},
		wire.Header{Name: prefix + "BridgeType", Value: bridgeType(b)},
		wire.Header{Name: prefix + "BridgeTechnology", Value: b.Technology},
		wire.Header{Name: prefix + "BridgeCreator", Value: orUnknown(creator)},
		wire.Header{Name: prefix + "BridgeName", Value: orUnknown(b.Name)},
		wire.Header{Name: prefix + "BridgeNumChannels", Value: itoa(len(b.Channels))},
		wire.Header{Name: prefix + "BridgeVideoSourceMode", Value: video},
	)
	if b.VideoSource != "" {
		m.Add(prefix+"BridgeVideoSource", b.VideoSource)
	}
}

// bridgeType is what AMI calls the type: the class of the bridge, that of two parties
// who were connected by Dial or without any, is "basic".
func bridgeType(b *pbx.BridgeSnapshot) string {
	if b.Class == "" {
		return "basic"
	}
	return b.Class
}

func itoa(n int) string { return strconv.Itoa(n) }
