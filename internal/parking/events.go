package parking

import (
	"time"

	"github.com/dialwright/dialwright/internal/pbx"
)

// The events about parked channels, for AMI (spec: ami 5.5; Asterisk:
// parking_manager.c). Event.Data is a *Told.
const (
	Parked        pbx.EventType = "ParkedCall"
	Unparked      pbx.EventType = "UnParkedCall"
	GaveUp        pbx.EventType = "ParkedCallGiveUp" // it has hung up, or was taken out
	WaitedTooLong pbx.EventType = "ParkedCallTimeOut"
	Swapped       pbx.EventType = "ParkedCallSwap" // another channel waits in its place
)

// Told is a stay at one moment. It is immutable.
type Told struct {
	Parkee    *pbx.Snapshot
	Retriever *pbx.Snapshot // Unparked: who has fetched it
	Parker    string        // dial string, "PJSIP/101"
	Lot       string
	Space     int
	Left      time.Duration // until the stay times out; 0 = it does not
	Since     time.Duration // how long it has lasted
}

// tell says what has become of the stay. by is who has fetched the channel, nil = nobody.
func (s *Stay) tell(t pbx.EventType, by *pbx.Channel) {
	since := time.Since(s.Since)
	d := &Told{Parkee: s.c.Snapshot(), Parker: s.Parker, Lot: s.Lot, Space: s.Space, Since: since}
	if s.limit > 0 {
		d.Left = max(s.limit-since, 0).Round(time.Second)
	}
	if by != nil {
		d.Retriever = by.Snapshot()
	}
	s.lots.o.Switch.Tell(pbx.Event{Type: t, Data: d})
}
