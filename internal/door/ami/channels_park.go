package ami

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/parking"
	"github.com/dialwright/dialwright/internal/pbx"
	wire "github.com/dialwright/dialwright/internal/wire/ami"
)

// parkActions are those about parking lots.
func (s *Server) parkActions() []action {
	return []action{
		{"Park", "Park a channel.", wire.Call, s.park},
		{"ParkedCalls", "List parked calls.", wire.Call, s.parkedCalls},
		{"Parkinglots", "List parking lots.", wire.Call, s.parkinglots},
	}
}

// notParked is what is said of a lot that is not there, too.
const notParked = "Park action failed"

// park is the action Park: the channel leaves what it does for a parking lot. TimeoutChannel
// is rung when its time is over (Asterisk: parking_manager.c manager_park; observed:
// Asterisk 22.10, trace t5). AnnounceChannel hears nothing: it has no effect.
func (s *Server) park(_ context.Context, q *request) answer {
	name := q.get("Channel")
	if name == "" {
		return q.fail("Channel not specified")
	}
	data := ""
	if text := strings.TrimSpace(q.get("Timeout")); text != "" {
		if n, err := strconv.Atoi(text); err != nil || n < 1 {
			return q.fail("Invalid Timeout value.")
		}
		data = text
	}
	c, ok := s.find(name)
	if !ok {
		return q.fail("Channel does not exist: " + name)
	}
	parker, ok := c, true
	if other := q.get("TimeoutChannel"); other != "" {
		if parker, ok = s.find(other); !ok {
			return q.fail("TimeoutChannel does not exist: " + other)
		}
	}
	lot := q.get("Parkinglot")
	if c, _ := s.lots(); c == nil || lot != "" && !hasLot(c, lot) {
		return q.fail(notParked)
	}
	h, err := s.sw.Follow(c.Snapshot().Account, call.Then{
		Kind: call.ThenApplication, Name: "Park", Data: data + ",,,,," + lot, // the old form has the time in milliseconds
	})
	if err == nil {
		err = c.SetVariable("BLINDTRANSFER", parker.Name())
	}
	if err == nil {
		err = s.leaveFor(c, h)
	}
	if err != nil {
		s.log.Info("channel not parked", "door", "ami", "channel", c.ID(), "error", err)
		return q.fail(notParked)
	}
	return q.done("Park successful")
}

// leaveFor lets a channel leave its bridge for a handler. Who had called it is hung up by
// what it runs, as when a called party leaves.
func (s *Server) leaveFor(c *pbx.Channel, h pbx.Handler) error {
	if err := s.leaveBridge(c); err != nil && !errors.Is(err, pbx.ErrGone) {
		return err
	}
	return c.Run(h)
}

// lots gives the parking lots and who is in them, nil if there are none.
func (s *Server) lots() (*parking.Config, *parking.Lots) {
	if s.o.Parking == nil {
		return nil, nil
	}
	return s.o.Parking()
}

func hasLot(c *parking.Config, name string) bool {
	_, ok := c.Lots[name]
	return ok
}

// parkedCalls is the action ParkedCalls (observed: Asterisk 22.10, trace t5).
func (s *Server) parkedCalls(_ context.Context, q *request) answer {
	c, lots := s.lots()
	if lot := q.get("Parkinglot"); lot != "" && (c == nil || !hasLot(c, lot)) {
		return q.fail("Requested parking lot could not be found.")
	}
	var items []*wire.Message
	if c != nil {
		for _, name := range c.Names() {
			if want := q.get("Parkinglot"); want != "" && want != name {
				continue
			}
			for _, p := range lots.List(name) {
				if m := s.parkedCall(p); m != nil {
					items = append(items, q.last(m))
				}
			}
		}
	}
	return q.list("Parked calls will follow", "ParkedCallsComplete", items, wire.Header{Name: "Total", Value: itoa(len(items))})
}

// parkedCall writes one, nil if it has just left.
func (s *Server) parkedCall(p parking.Info) *wire.Message {
	c, ok := s.sw.Channel(p.Channel)
	if !ok {
		return nil
	}
	m := wire.Event("ParkedCall", "")
	s.channelBlock(m, "Parkee", c.Snapshot())
	m.Add("ParkerDialString", p.Parker).Add("Parkinglot", p.Lot).Add("ParkingSpace", itoa(p.Space))
	left := 0
	if p.Limit > 0 {
		left = max(int((p.Limit-time.Since(p.Since)).Round(time.Second)/time.Second), 0)
	}
	return m.Add("ParkingTimeout", itoa(left)).Add("ParkingDuration", itoa(int(time.Since(p.Since).Round(time.Second)/time.Second)))
}

// parkinglots is the action Parkinglots (Asterisk: parking_manager.c manager_parking_lot_list).
func (s *Server) parkinglots(_ context.Context, q *request) answer {
	c, _ := s.lots()
	var items []*wire.Message
	if c != nil {
		for _, name := range c.Names() {
			lot := c.Lots[name]
			items = append(items, q.item("Parkinglot").Add("Name", name).Add("StartSpace", itoa(lot.First)).
				Add("StopSpace", itoa(lot.Last)).Add("Timeout", itoa(int(lot.Time/time.Second))))
		}
	}
	return q.list("Parking lots will follow", "ParkinglotsComplete", items)
}
