package apps

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/parking"
	"github.com/dialwright/dialwright/internal/pbx"
)

// parkings lists the applications of parking lots.
func parkings() []run.App {
	return []run.App{
		{Name: "Park", Run: park},
		{Name: "ParkedCall", Run: parkedCall},
		{Name: "ParkAndAnnounce", Run: parkAndAnnounce},
	}
}

// Parking gives who is parked in the machine's lots, and the lots as res_parking.conf has
// them now; what is wrong with that is not told.
func Parking(m *run.Machine) (*parking.Config, *parking.Lots) {
	return parking.LoadDir(m.Options().ConfDir, func(string, ...any) {}), lotsOf(m)
}

// lotsOf gives who is parked in the machine's lots.
func lotsOf(m *run.Machine) *parking.Lots {
	return m.Value("parking", func() any {
		return parking.New(parking.Options{Switch: m.Switch(), Log: m.Log()})
	}).(*parking.Lots)
}

// parkingConfig reads res_parking.conf.
func parkingConfig(x *run.Exec) *parking.Config {
	return parking.LoadDir(x.Machine().Options().ConfDir, x.Warn)
}

// chooseLot finds the lot of a name, else of PARKINGLOT, else of CHANNEL(parkinglot),
// else the default one. The error says that there is none of that name.
func chooseLot(ctx context.Context, x *run.Exec, c *parking.Config, name string) (parking.Lot, error) {
	own, _, _ := x.Machine().ReadFunction(ctx, x.Channel(), "CHANNEL", "parkinglot") // "" when it fails
	name = cmp.Or(name, x.Get("PARKINGLOT"), own, parking.DefaultName)
	lot, ok := c.Lots[name]
	if !ok {
		return lot, fmt.Errorf("there is no parking lot %q", name)
	}
	return lot, nil
}

// parked is one channel that parks.
type parked struct {
	parkArgs
	x      *run.Exec
	lot    parking.Lot
	parker string // dial string of who parks
	sent   bool   // by a transfer, so that it is not the parker itself
}

// park is Park([lot[,options]]): parks the channel until it is fetched, hangs up, or
// its time is over. It answers, and says the number of the space. PARKINGEXTEN is
// the space that is wanted; if it is taken the next free one is. Options: r ringing
// instead of music; R a space by chance; s does not say the space; c(place) where the
// call goes when its time is over; t(seconds) the time. A lot that does not exist or is
// full: the next priority follows. PARKING_SPACE, PARKEDLOT, PARKER and PARKER_FLAT
// say where it is parked and by whom (observed: Asterisk 22.10, which sets them
// when the time is over).
func park(ctx context.Context, x *run.Exec, text string) error {
	config := parkingConfig(x)
	args, err := parsePark(x, text, func(name string) bool { _, ok := config.Lots[name]; return ok })
	if err != nil {
		x.Warn("Park: %v", err)
	}
	return parkIn(ctx, x, config, args, args.o.has('s'), func(int) {})
}

// parkAndAnnounce is ParkAndAnnounce([lot],[options],template,dial): parks the
// channel and calls somebody, who hears the files of the template, "a:b:PARKED", with
// the number of the space for PARKED. That channel inherits PARKEDAT, the space.
// Options as Park's.
func parkAndAnnounce(ctx context.Context, x *run.Exec, text string) error {
	args, err := parseAnnounce(x, text)
	if err != nil {
		x.Warn("ParkAndAnnounce: %v", err)
		return nil
	}
	return parkIn(ctx, x, parkingConfig(x), args, true, func(space int) { announceSpace(ctx, x, args, space) })
}

// parkIn finds the lot, parks, and does what follows. told is called with the space.
func parkIn(ctx context.Context, x *run.Exec, config *parking.Config, args parkArgs, quiet bool, told func(space int)) error {
	p := &parked{parkArgs: args, x: x}
	by := x.Get("BLINDTRANSFER")
	p.sent = by != ""
	p.parker = dialString(cmp.Or(by, x.Channel().Name()))
	quiet = quiet || p.sent
	var err error
	if err := x.Channel().Answer(); err != nil {
		return err
	}
	var stay *parking.Stay
	if p.lot, err = chooseLot(ctx, x, config, args.lot); err == nil {
		stay, err = lotsOf(x.Machine()).Park(x.Channel(), &p.lot, p.wish())
	}
	if stay != nil {
		defer stay.Leave()
	}
	switch {
	case x.Channel().Context().Err() != nil:
		return pbx.ErrGone
	case err != nil:
		x.Warn("not parked: %v", err)
		if quiet {
			return nil
		}
		return playTo(ctx, x, x.Channel(), "pbx-parkingfailed")
	}
	p.say(ctx, stay)
	told(stay.Space)
	return p.stay(ctx, stay, quiet)
}

// dialString is what calls a channel's phone again: "PJSIP/101" of "PJSIP/101-0000001a"
// (Asterisk: channel.c, ast_channel_name_to_dial_string).
func dialString(channel string) string {
	if i := strings.LastIndexByte(channel, '-'); i >= 0 {
		return channel[:i]
	}
	return channel
}

// wish says what space is wanted, and for how long.
func (p *parked) wish() parking.Wish {
	w := parking.Wish{Parker: p.parker, Time: p.lot.Time}
	if p.limited {
		w.Time = p.limit
	}
	wanted := p.x.Get("PARKINGEXTEN")
	switch n, err := strconv.Atoi(wanted); {
	case p.o.has('R'):
		w.Space = p.lot.First + rand.IntN(p.lot.Last-p.lot.First+1)
	case wanted == "":
	case err != nil || !p.lot.Has(n):
		p.x.Warn("PARKINGEXTEN is %q, which is no space of parking lot %s (%d-%d); another one is taken", wanted, p.lot.Name, p.lot.First, p.lot.Last)
	default:
		w.Space = n
	}
	return w
}

// say tells by variables where the channel is parked.
func (p *parked) say(ctx context.Context, s *parking.Stay) {
	for _, v := range [...][2]string{
		{"PARKING_SPACE", strconv.Itoa(s.Space)}, {"PARKEDLOT", s.Lot}, {"PARKER", p.parker}, {"PARKER_FLAT", flat(p.parker)},
	} {
		p.x.Set(ctx, v[0], v[1])
	}
}

// flat is a dial string as an extension, which must have no slash.
func flat(dial string) string { return strings.ReplaceAll(dial, "/", "_") }

// stay lets the party hear where it is, and music, until its stay ends.
func (p *parked) stay(ctx context.Context, s *parking.Stay, quiet bool) error {
	c := p.x.Channel()
	p.entertain(ctx)
	stopSaying := func() {}
	if !quiet {
		switch saying, err := c.Play(pbx.PlayOptions{Media: []string{fmt.Sprintf("digits:%d", s.Space)}}); {
		case err == nil:
			stopSaying = saying.Stop
		case !errors.Is(err, pbx.ErrNoMedia) && !errors.Is(err, pbx.ErrGone):
			p.x.Logger().Info("parking space not said", "space", s.Space, "error", err)
		}
	}
	how, err := s.Wait(ctx)
	stopSaying()
	if quietErr := noMatter(c.StopTone()); err == nil {
		err = quietErr
	}
	p.x.Flush()
	if err != nil {
		return err
	}
	switch how {
	case parking.TimedOut:
		s.Leave()
		return p.comeback(ctx)
	case parking.Taken:
		if err := s.HandOver(ctx); err != nil {
			return err
		}
	}
	return run.ErrEnd
}

// entertain begins music of the channel's own class, else of the lot's.
func (p *parked) entertain(ctx context.Context) {
	o := letters{}
	if p.o.has('r') {
		o['e'] = "r"
	} else if own, _, _ := p.x.Machine().ReadFunction(ctx, p.x.Channel(), "CHANNEL", "musicclass"); own == "" && p.lot.MusicClass != "" {
		o['m'] = p.lot.MusicClass
	}
	entertain(ctx, p.x, o)
}

// comeback sends the channel on when its time is over: where option c says, else to
// who has parked it, or into the lot's context, as the lot says.
func (p *parked) comeback(ctx context.Context) error {
	p.x.Set(ctx, "COMEBACKDIALTIME", strconv.Itoa(int(p.lot.DialTime/time.Second)))
	if p.back != "" {
		to, err := p.x.Target(ctx, p.back)
		if err == nil {
			return p.goTo(ctx, to)
		}
		p.x.Warn("the parking time is over: %v", err)
	}
	places := []run.Position{{Context: parking.ComebackContext, Exten: flat(p.parker), Priority: 1}}
	if !p.lot.ToOrigin {
		places = []run.Position{{Context: p.lot.Comeback, Exten: flat(p.parker), Priority: 1}, {Context: p.lot.Comeback, Exten: "s", Priority: 1}}
	}
	places = append(places, run.Position{Context: "default", Exten: "s", Priority: 1})
	for _, to := range places {
		if p.x.Step(to) != nil {
			return p.goTo(ctx, to)
		}
	}
	p.x.Warn("the parking time is over, and there is no %s in the dialplan; the call is ended", places[0])
	return run.ErrEnd
}

// goTo sends the channel to a place, also if no dialplan runs it but Park alone.
func (p *parked) goTo(ctx context.Context, to run.Position) error {
	if p.x.Position().Context != "" {
		p.x.Goto(to)
		return nil
	}
	if err := p.x.Channel().Run(p.x.Machine().Handler(to)); err != nil {
		return err
	}
	return context.Cause(ctx)
}

// announceSpace calls somebody and plays the template. It does not wait.
func announceSpace(ctx context.Context, x *run.Exec, p parkArgs, space int) {
	words := strings.Split(p.template, ":")
	for i, w := range words {
		if w == "PARKED" {
			words[i] = fmt.Sprintf("say:digits:%d", space)
		}
	}
	sn := x.Channel().Snapshot()
	g := origination{target: p.dial, o: letters{}, request: call.Request{
		First: call.Endpoint(p.dial), Lenient: true, WaitTime: originateWait, CallerID: sn.Caller, Account: sn.Account, AccountCode: sn.AccountCode,
		Then:      call.Then{Kind: call.ThenApplication, Name: "Playback", Data: strings.Join(words, "&")},
		Variables: []call.Variable{{Name: "_PARKEDAT", Value: strconv.Itoa(space)}},
		Origin:    call.Origin{Door: "dialplan", Principal: x.Channel().Name()},
	}}
	go g.place(context.WithoutCancel(ctx), x, func(int) {}) // it outlives a call that is fetched meanwhile
}
