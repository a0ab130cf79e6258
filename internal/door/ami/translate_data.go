package ami

import (
	"net"
	"strconv"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/hint"
	"github.com/dialwright/dialwright/internal/local"
	"github.com/dialwright/dialwright/internal/mixmonitor"
	"github.com/dialwright/dialwright/internal/parking"
	"github.com/dialwright/dialwright/internal/pbx"
	wire "github.com/dialwright/dialwright/internal/wire/ami"
)

// The events of our own, told to the switch (Switch.Tell), so that they are in one order
// with what happens in it.
const (
	EventCDR      pbx.EventType = "Cdr"      // Data: *CDR; told by whoever keeps records
	EventReload   pbx.EventType = "Reload"   // Data: *Reload
	EventShutdown pbx.EventType = "Shutdown" // Data: *Shutdown

	eventOriginateResponse pbx.EventType = "OriginateResponse" // Data: *OriginateResponse
	eventUser              pbx.EventType = "UserEvent"         // Data: *UserEvent
)

// OriginateResponse is the outcome of an asynchronous Originate (spec: ami 4.6).
type OriginateResponse struct {
	ActionID          string // "" = it had none
	Success           bool
	Channel           string // its name, or the dial string of one that was not answered
	Context, Exten    string // as asked for
	Application, Data string // in their place; "" = there was none
	Reason            int
	Uniqueid          string // "" = <unknown>
	CallerID          call.CallerID
	Snapshot          *pbx.Snapshot // of the channel, nil if it failed: its variables are shown
}

// UserEvent is an event of a client's own (action UserEvent).
type UserEvent struct {
	Name    string
	Headers []wire.Header
}

// Reload says that a part of the configuration was loaded again.
type Reload struct {
	Module  string // "All", or its name
	Status  int    // 0 = done
	Message string
}

// Shutdown says that the server stops.
type Shutdown struct {
	Cleanly bool // after the last call
	Restart bool
}

// CDR is a call record as AMI tells it, if Config.CDREvents is set (spec: ami 5.5).
type CDR struct {
	AccountCode, Source, Destination, Context string
	CallerID                                  string // `"Name" <number>`
	Channel, DestChannel, LastApp, LastData   string
	StartedAt, AnsweredAt, EndedAt            time.Time // in the time zone to be shown; zero = never
	Duration, Billable                        int       // seconds
	Disposition, AMAFlags                     string    // "" flags = DOCUMENTATION
	UniqueID, UserField                       string
}

// writeData writes the events that say more by their data; false if it is not known.
func (s *Server) writeData(m *wire.Message, e *pbx.Event) bool {
	switch d := e.Data.(type) {
	case *OriginateResponse:
		s.writeOriginateResponse(m, d)
	case *UserEvent:
		m.Add("UserEvent", d.Name)
		m.Headers = append(m.Headers, d.Headers...)
	case *CDR:
		writeCDR(m, d)
	case *Reload:
		m.Add("Module", d.Module).Add("Status", itoa(d.Status)).Add("Message", d.Message)
	case *Shutdown:
		writeShutdown(m, d)
	case *hint.State:
		addState(m, *d)
	case *pbx.BlindTransfer:
		s.writeBlindTransfer(m, e, d)
	case *pbx.AttendedTransfer:
		s.writeAttendedTransfer(m, e, d)
	case *local.Pair:
		s.writeLocal(m, e, d)
	case *parking.Told:
		s.writeParked(m, d)
	case *mixmonitor.Mute:
		s.channelBlock(m, "", e.Channel)
		m.Add("Direction", d.Direction).Add("State", oneOrZero(d.On))
	default:
		return false
	}
	return true
}

func (s *Server) writeOriginateResponse(m *wire.Message, d *OriginateResponse) {
	if d.ActionID != "" {
		m.Add("ActionID", d.ActionID)
	}
	response := "Failure"
	if d.Success {
		response = "Success"
	}
	m.Add("Response", response).Add("Channel", d.Channel)
	if d.Application != "" {
		m.Add("Application", d.Application).Add("Data", d.Data)
	} else {
		m.Add("Context", d.Context).Add("Exten", d.Exten)
	}
	m.Add("Reason", itoa(d.Reason)).Add("Uniqueid", orUnknown(d.Uniqueid))
	m.Add("CallerIDNum", orUnknown(d.CallerID.Number)).Add("CallerIDName", orUnknown(d.CallerID.Name))
	if d.Snapshot == nil {
		return
	}
	for _, name := range s.o.Config().ChannelVars { // observed: Asterisk 22.10, trace r2
		m.Add("ChanVariable("+d.Snapshot.Name+")", name+"="+s.channelVariable(d.Snapshot, name))
	}
}

// writeCDR writes a record (observed: Asterisk 22.10, trace r1).
func writeCDR(m *wire.Message, d *CDR) {
	when := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.Format(time.DateTime)
	}
	flags := d.AMAFlags
	if flags == "" {
		flags = "DOCUMENTATION"
	}
	m.Add("AccountCode", d.AccountCode).Add("Source", d.Source).Add("Destination", d.Destination)
	m.Add("DestinationContext", d.Context).Add("CallerID", d.CallerID).Add("Channel", d.Channel)
	m.Add("DestinationChannel", d.DestChannel).Add("LastApplication", d.LastApp).Add("LastData", d.LastData)
	m.Add("StartTime", when(d.StartedAt)).Add("AnswerTime", when(d.AnsweredAt)).Add("EndTime", when(d.EndedAt))
	m.Add("Duration", itoa(d.Duration)).Add("BillableSeconds", itoa(d.Billable)).Add("Disposition", d.Disposition)
	m.Add("AMAFlags", flags).Add("UniqueID", d.UniqueID).Add("UserField", d.UserField)
}

// writeShutdown says how it ends (Asterisk: asterisk.c really_quit).
func writeShutdown(m *wire.Message, d *Shutdown) {
	how, restart := "Uncleanly", "False"
	if d.Cleanly {
		how = "Cleanly"
	}
	if d.Restart {
		restart = "True"
	}
	m.Add("Shutdown", how).Add("Restart", restart)
}

// writeBlindTransfer writes who sent whom where (observed: Asterisk 22.10, trace t1).
func (s *Server) writeBlindTransfer(m *wire.Message, e *pbx.Event, d *pbx.BlindTransfer) {
	m.Add("Result", string(d.Result))
	s.channelBlock(m, "Transferer", e.Channel)
	s.channelBlock(m, "Transferee", d.Transferee)
	s.bridgeBlock(m, "", e.Bridge)
	m.Add("IsExternal", yesOrNo(d.External)).Add("Context", d.Context).Add("Extension", d.Extension)
}

// writeAttendedTransfer writes whose two calls were joined (Asterisk: stasis_bridges.c
// attended_transfer_to_ami).
func (s *Server) writeAttendedTransfer(m *wire.Message, e *pbx.Event, d *pbx.AttendedTransfer) {
	first := d.First
	if first == nil {
		first = e.Channel
	}
	m.Add("Result", string(d.Result))
	s.channelBlock(m, "OrigTransferer", first)
	s.bridgeBlock(m, "Orig", d.FirstBridge)
	s.channelBlock(m, "SecondTransferer", d.Second)
	s.bridgeBlock(m, "Second", d.SecondBridge)
	s.channelBlock(m, "Transferee", d.Transferee)
	s.channelBlock(m, "TransferTarget", d.Target)
	m.Add("IsExternal", yesOrNo(d.External))
	if d.Destination == "" {
		m.Add("DestType", "Fail")
		return
	}
	m.Add("DestType", "Bridge").Add("DestBridgeUniqueid", d.Destination)
}

// writeLocal writes the two halves of a Local channel (observed: Asterisk 22.10, traces
// a3 and a5).
func (s *Server) writeLocal(m *wire.Message, e *pbx.Event, d *local.Pair) {
	s.channelBlock(m, "LocalOne", d.One)
	s.channelBlock(m, "LocalTwo", d.Two)
	switch e.Type {
	case local.OptimizationBegun:
		s.channelBlock(m, "Source", d.Source)
		m.Add("DestUniqueId", d.Dest).Add("Id", strconv.FormatUint(d.ID, 10))
	case local.OptimizationEnded:
		m.Add("Success", yesOrNo(d.Success)).Add("Id", strconv.FormatUint(d.ID, 10))
	default:
		m.Add("Context", d.Context).Add("Exten", d.Exten).Add("LocalOptimization", yesOrNo(d.Optimizes))
	}
}

// writeParked writes who waits where, and who has fetched it (observed: Asterisk 22.10,
// trace t5; Asterisk: parking_manager.c).
func (s *Server) writeParked(m *wire.Message, d *parking.Told) {
	s.channelBlock(m, "Parkee", d.Parkee)
	m.Add("ParkerDialString", d.Parker).Add("Parkinglot", d.Lot).Add("ParkingSpace", itoa(d.Space))
	m.Add("ParkingTimeout", itoa(int(d.Left/time.Second))).Add("ParkingDuration", itoa(int(d.Since/time.Second)))
	s.channelBlock(m, "Retriever", d.Retriever)
}

// writeEndpoint writes what happens to phones and trunks (Asterisk: stasis_endpoints.c,
// peerstatus_to_ami, contactstatus_to_ami).
func writeEndpoint(m *wire.Message, e *pbx.Event) bool {
	p := e.Endpoint
	switch e.Type {
	case pbx.PeerStatusChange:
		m.Add("ChannelType", p.Technology).Add("Peer", p.Technology+"/"+p.Resource).Add("PeerStatus", p.Status)
		if p.Cause != "" {
			m.Add("Cause", p.Cause)
		}
		if p.Address != "" {
			host, port, err := net.SplitHostPort(p.Address)
			if err != nil {
				host = p.Address
			}
			m.Add("Address", host)
			if port != "" {
				m.Add("Port", port)
			}
		}
		return true
	case pbx.ContactStatusChange:
		m.Add("URI", p.Contact).Add("ContactStatus", p.Status).Add("AOR", p.Resource).Add("EndpointName", p.Resource)
		if p.RTT > 0 {
			m.Add("RoundtripUsec", strconv.FormatInt(int64(p.RTT/time.Microsecond), 10))
		}
		return true
	}
	return false
}

func yesOrNo(b bool) string {
	if b {
		return "Yes"
	}
	return "No"
}

func oneOrZero(b bool) string {
	if b {
		return "1"
	}
	return "0"
}
