package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/pbx"
)

// showChannel tells everything about one channel (spec: cli 4.2; Asterisk: main/cli.c
// handle_showchan; vectors/ami/c1_cli.txt).
func showChannel(_ context.Context, q *ask) Outcome {
	if len(q.args) != 1 {
		return Usage
	}
	c, ok := q.s.findChannel(q.args[0])
	if !ok {
		q.printf("%s is not a known channel\n", q.args[0])
		return Done
	}
	snap := c.Snapshot()
	q.showGeneral(c, snap)
	q.showPBX(snap)
	q.print("      Variables:\n")
	for _, v := range c.Variables() {
		q.printf("%s=%s\n", v.Name, v.Value)
	}
	q.showCDR(snap)
	q.showStreams(c, snap)
	return Done
}

// field prints one line; names end in the column of "Eff. Connected Line ID"'s own line
// only when they are short, as Asterisk has it.
func (q *ask) field(name string, value any) { q.printf("%15s: %v\n", name, value) }

func (q *ask) showGeneral(c *pbx.Channel, snap *pbx.Snapshot) {
	codec := "none"
	if leg := c.Leg(); leg != nil {
		if used := leg.Describe().Codec; used != "" {
			codec = asteriskCodec(used)
		}
	}
	q.print(" -- General --\n")
	q.field("Name", snap.Name)
	q.field("Type", snap.Technology)
	q.field("UniqueID", snap.ID)
	q.field("LinkedID", snap.LinkedID)
	q.field("Caller ID", orNA(snap.Caller.Number))
	q.field("Caller ID Name", orNA(snap.Caller.Name))
	q.field("Connected Line ID", orNA(snap.Connected.Number))
	q.field("Connected Line ID Name", orNA(snap.Connected.Name))
	q.field("Eff. Connected Line ID", orNA(snap.Connected.Number))
	q.field("Eff. Connected Line ID Name", orNA(snap.Connected.Name))
	q.field("DNID Digits", orNA(snap.Dialled))
	q.field("Language", snap.Language)
	q.field("State", fmt.Sprintf("%s (%d)", snap.State, snap.State))
	q.field("NativeFormats", "("+codec+")")
	q.field("WriteFormat", codec)
	q.field("ReadFormat", codec)
	q.field("WriteTranscode", "No ")
	q.field("ReadTranscode", "No ")
	q.field("Time to Hangup", 0)
	age := int(time.Since(snap.CreatedAt).Seconds())
	q.field("Elapsed Time", fmt.Sprintf("%dh%dm%ds", age/3600, age/60%60, age%60))
	bridge := "(Not bridged)"
	if snap.Bridge != "" {
		bridge = snap.Bridge
	}
	q.field("Bridge ID", bridge)
}

// showPBX tells where the channel is. Groups are none and calls have no identifier of
// their own here.
func (q *ask) showPBX(snap *pbx.Snapshot) {
	q.print(" --   PBX   --\n")
	q.field("Context", snap.Context)
	q.field("Extension", snap.Extension)
	q.field("Priority", snap.Priority)
	q.field("Call Group", 0)
	q.field("Pickup Group", 0)
	q.field("Application", orNA(snap.App))
	q.field("Data", orEmpty(snap.AppData))
	q.printf(" Call Identifier: %s\n", none) // one column off, as there
}

// showCDR prints what a record of the call says so far. sequence is the number in the
// channel's id: records have none of their own here.
func (q *ask) showCDR(snap *pbx.Snapshot) {
	q.print("  CDR Variables:\n")
	level := func(name string, value any) {
		if value != "" {
			q.printf("level 1: %s=%v\n", name, value)
		}
	}
	level("clid", clid(snap.Caller))
	level("src", snap.Caller.Number)
	level("dst", snap.Extension)
	level("dcontext", snap.Context)
	level("channel", snap.Name)
	level("lastapp", snap.App)
	level("lastdata", snap.AppData)
	level("start", epoch(snap.CreatedAt))
	level("answer", epoch(snap.AnsweredAt))
	level("end", epoch(time.Time{}))
	level("duration", int(time.Since(snap.CreatedAt).Seconds()))
	billed, disposition := 0, dispositionNoAnswer
	if !snap.AnsweredAt.IsZero() {
		billed, disposition = int(time.Since(snap.AnsweredAt).Seconds()), dispositionAnswered
	}
	level("billsec", billed)
	level("disposition", disposition)
	level("amaflags", amaDocumentation)
	level("accountcode", snap.AccountCode)
	level("uniqueid", snap.ID)
	level("linkedid", snap.LinkedID)
	if i := strings.LastIndexByte(snap.ID, '.'); i >= 0 {
		level("sequence", snap.ID[i+1:])
	}
	q.print("\n")
}

// clid writes a caller ID as records do: "Name" <number>.
func clid(c call.CallerID) string {
	switch {
	case c.Name != "" && c.Number != "":
		return `"` + c.Name + `" <` + c.Number + ">"
	case c.Name != "":
		return `"` + c.Name + `"`
	}
	return c.Number
}

// Dispositions as numbers (Asterisk: cdr.h ast_cdr_disposition).
const (
	dispositionNoAnswer = 0
	dispositionAnswered = 8
)

// epoch writes seconds and microseconds, 0.000000 for never.
func epoch(t time.Time) string {
	if t.IsZero() {
		return "0.000000"
	}
	return fmt.Sprintf("%d.%06d", t.Unix(), t.Nanosecond()/1000)
}

func (q *ask) showStreams(c *pbx.Channel, snap *pbx.Snapshot) {
	q.print(" -- Streams --\n")
	leg := c.Leg()
	if leg == nil || leg.Describe().Codec == "" {
		return
	}
	state := "sendrecv"
	if snap.Held {
		state = "recvonly"
	}
	q.printf("Name: audio-0\n    Type: audio\n    State: %s\n    Group: -1\n    Formats: (%s)\n    Metadata:\n", state, asteriskCodec(leg.Describe().Codec))
}

// asteriskCodec gives a codec's name in Asterisk.
func asteriskCodec(name string) string {
	switch strings.ToUpper(name) {
	case "PCMU":
		return "ulaw"
	case "PCMA":
		return "alaw"
	}
	return strings.ToLower(name)
}
