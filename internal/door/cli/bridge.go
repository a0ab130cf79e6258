package cli

import (
	"context"
	"time"

	"github.com/dialwright/dialwright/internal/parking"
	"github.com/dialwright/dialwright/internal/pbx"
	wire "github.com/dialwright/dialwright/internal/wire/cli"
)

// bridgeCommands are those about bridges and parked calls.
func (s *Shell) bridgeCommands() []command {
	return []command{
		{
			words: "bridge show all", summary: "List bridges", usage: "Usage: bridge show all\n       Lists the bridges that there are.\n",
			there: true, run: showBridges,
		},
		{
			words: "bridge show", summary: "Tell about a bridge", usage: "Usage: bridge show <bridge-id>\n       Tells what is known about a bridge and who is in it.\n",
			there: true, run: showBridge, complete: first(bridgeIDs),
		},
		{
			words: "parking show", summary: "Show parking lots and who is parked", usage: "Usage: parking show [name]\n       Shows all parking lots, or one with the calls that are parked in it.\n",
			there: s.o.Parking != nil, run: showParking, complete: first(func(q *ask) []string {
				c, _ := q.s.o.Parking()
				return c.Names()
			}),
		},
	}
}

func bridgeIDs(q *ask) []string {
	var out []string
	for _, b := range q.s.o.Switch.Bridges() {
		out = append(out, b.ID)
	}
	return out
}

// showBridges lists bridges (Asterisk: main/bridge.c handle_bridge_show_all).
func showBridges(_ context.Context, q *ask) Outcome {
	if len(q.args) > 0 {
		return Usage
	}
	row := func(id, name, chans, kind, technology, duration string) {
		q.print(wire.Pad(id, 36) + " " + wire.Pad(name, 36) + " " + wire.Right(chans, 5) + " " + wire.Pad(kind, 15) + " " + wire.Pad(technology, 15) + " " + duration + "\n")
	}
	row("Bridge-ID", "Name", "Chans", "Type", "Technology", "Duration")
	for _, b := range q.s.o.Switch.Bridges() {
		row(b.ID, orUnknown(b.Name), itoa(len(b.Channels)), bridgeClass(b), orUnknown(b.Technology), wire.Clock(time.Since(b.CreatedAt)))
	}
	return Done
}

// bridgeClass is what Asterisk shows as a bridge's type: its class.
func bridgeClass(b *pbx.BridgeSnapshot) string { return orUnknown(b.Class) }

func orUnknown(s string) string {
	if s == "" {
		return "<unknown>"
	}
	return s
}

// showBridge tells about one bridge (Asterisk: main/bridge.c handle_bridge_show_specific).
func showBridge(_ context.Context, q *ask) Outcome {
	if len(q.args) != 1 {
		return Usage
	}
	b, ok := q.s.o.Switch.Bridge(q.args[0])
	if !ok {
		q.printf("Bridge '%s' not found\n", q.args[0])
		return Done
	}
	s := b.Snapshot()
	q.printf("Id: %s\nType: %s\nTechnology: %s\nSubclass: %s\nCreator: %s\nName: %s\nVideo-Mode: %s\nVideo-Source-Id: %s\nNum-Channels: %d\nNum-Active: %d\nDuration: %s\n",
		s.ID, bridgeClass(s), orUnknown(s.Technology), s.Class, s.Creator, s.Name, s.VideoMode, s.VideoSource, len(s.Channels), len(s.Channels),
		wire.Clock(time.Since(s.CreatedAt)))
	for _, id := range s.Channels {
		if c, ok := q.s.o.Switch.Channel(id); ok {
			q.printf("Channel: %s\n", c.Name())
		}
	}
	return Done
}

// showParking shows parking lots, and who is in one (Asterisk: res/parking/parking_ui.c).
func showParking(_ context.Context, q *ask) Outcome {
	if len(q.args) > 1 {
		return Usage
	}
	config, lots := q.s.o.Parking()
	if len(q.args) == 0 {
		q.print("\nParking General Options\n-----------------------\nDynamic Parking     :  no\n")
		for _, name := range config.Names() {
			lot := config.Lots[name]
			q.showLot(&lot)
		}
		q.print("\n")
		return Done
	}
	lot, ok := config.Lots[q.args[0]]
	if !ok {
		q.printf("\nCould not find parking lot '%s'\n\n", q.args[0])
		return Done
	}
	q.showLot(&lot)
	q.print("\nParked Calls\n------------\n")
	parked := lots.List(lot.Name)
	for _, p := range parked {
		name := p.Channel
		if c, ok := q.s.o.Switch.Channel(p.Channel); ok {
			name = c.Name()
		}
		q.printf("  Space               :  %d\n  Channel             :  %s\n  Parker Dial String  :  %s\n\n", p.Space, name, p.Parker)
	}
	if len(parked) == 0 {
		q.print("  (none)\n\n")
	}
	q.print("\n")
	return Done
}

func (q *ask) showLot(l *parking.Lot) {
	toOrigin, note := "no", ""
	if l.ToOrigin {
		toOrigin, note = "yes", " (comebacktoorigin=yes, not used)"
	}
	q.printf("\nParking Lot: %s\n--------------------------------------------------------------------------\n", l.Name)
	q.printf("Parking Extension   :  %s\nParking Context     :  %s\nParking Spaces      :  %d-%d\nParking Time        :  %d sec\n",
		l.Exten, l.Context, l.First, l.Last, int(l.Time.Seconds()))
	q.printf("Comeback to Origin  :  %s\nComeback Context    :  %s%s\nComeback Dial Time  :  %d sec\nMusicOnHold Class   :  %s\nEnabled             :  yes\nDynamic             :  no\n",
		toOrigin, l.Comeback, note, int(l.DialTime.Seconds()), l.MusicClass)
}
