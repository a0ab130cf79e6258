package app

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/door/ami"
	"github.com/dialwright/dialwright/internal/pbx"
)

// What the server tells managers beside what happens in the switch: records, reloads,
// its stop.

// tellRecord tells of a call record that was stored, if ami.cdr_events is set. channelID is
// that of the leg that was dialled first. The door asks for the setting too; asking here keeps
// records off the bus that nobody is to hear.
func (a *App) tellRecord(d call.CDR, channelID string) {
	if a.amiConfig.Load().CDREvents {
		a.pbx.Tell(pbx.Event{Type: ami.EventCDR, Data: amiRecord(d, channelID)})
	}
}

// amiRecord writes a record as Asterisk's would be: times are the machine's own, and what
// it has no word for is FAILED (observed: Asterisk 22.10, AMI trace r1).
func amiRecord(d call.CDR, channelID string) *ami.CDR {
	out := &ami.CDR{
		AccountCode: d.AccountCode, Source: d.Source.Number, Destination: d.Extension, Context: d.Context,
		Channel: d.Channel, DestChannel: d.DestChannel, LastApp: d.LastApp, LastData: d.LastData,
		StartedAt: d.StartedAt.Local(), EndedAt: d.EndedAt.Local(), Duration: d.Duration, Billable: d.Billable,
		Disposition: amiDisposition(d.Disposition), UniqueID: channelID, UserField: d.UserField,
	}
	if !d.AnsweredAt.IsZero() {
		out.AnsweredAt = d.AnsweredAt.Local()
	}
	if out.Destination == "" {
		out.Destination, _, _ = strings.Cut(cmp.Or(d.Destination, d.Dialled), "@")
	}
	switch {
	case d.Source.Name != "":
		out.CallerID = fmt.Sprintf("%q <%s>", d.Source.Name, d.Source.Number)
	default:
		out.CallerID = d.Source.Number
	}
	return out
}

func amiDisposition(d call.Disposition) string {
	switch d {
	case call.Answered, call.NoAnswer, call.Busy, call.Congestion:
		return string(d)
	case call.Cancelled:
		return string(call.NoAnswer)
	}
	return string(call.Failed)
}

// recordAndTell stores a record of the ledger and tells of it.
func (a *App) recordAndTell(ctx context.Context, d call.CDR) error {
	err := a.originator.Record(ctx, d)
	if err == nil {
		a.tellRecord(d, d.Reference)
	}
	return err
}

// tellReload tells that the configuration was loaded.
func (a *App) tellReload() {
	a.pbx.Tell(pbx.Event{Type: ami.EventReload, Data: &ami.Reload{Module: "All", Message: "Module Reloaded"}})
}

// tellShutdown tells that the server stops, after the last call.
func (a *App) tellShutdown() {
	if a.pbx != nil {
		a.pbx.Tell(pbx.Event{Type: ami.EventShutdown, Data: &ami.Shutdown{Cleanly: true, Restart: a.restarting.Load()}})
	}
}
