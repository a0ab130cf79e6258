// Package pretend is a technology without a network: the number decides the
// outcome. It serves the demo, dry runs and tests.
//
// The end of the number says what the far phone does:
//
//	…486 …603 …404 …480 …503 and the other statuses in refusals   refuses
//	…000 or …timeout                     nothing happens at all
//	…180                                 rings, then answers
//	…183                                 early media, then answers
//	…302                                 has moved: cause 23 (nothing is followed)
//	…offline                             is not registered: cause 20 at once
//	unknown                              does not exist: cause 1 at once
//	anything else                        answers
//
// Options follow a question mark, as in "100180?ring=2s&talk=3s":
//
//	ring=2s      how long it takes to ring before the answer or refusal
//	talk=3s      hangs up so long after the answer; default never
//	digits=1     presses these after the answer, one every 200 ms (RFC 4733 is pretended too)
//	hold=1s      puts the call on hold so long after the answer
//	resume=1s    and takes it back so long after that
//	cause=34     Q.850 cause of its own hangup; default 16
//	late=true    answers when it is cancelled: the CANCEL/200 crossing
//	tone=440     sends a tone of so many hertz, if the switch has media
//
// A leg has no goroutine: it is a few timers that post events. Its life is
//
//	requested ─► dialled ─► ringing ─► up ─► ended
//	                └──────────┴────────┴──────┘
//
// and it keeps the promise of pbx.Leg: one LegEnded, last.
package pretend

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/pbx"
)

// Options configure the technology.
type Options struct {
	Media  *media.Engine // nil: legs carry no media
	Phones []string      // numbers to list as phones
	Ring   time.Duration // default of ring=; 0 = as soon as possible
}

// Technology makes pretended legs. It is safe concurrently.
type Technology struct {
	o Options

	mu   sync.Mutex // guards the fields below
	live map[*leg]struct{}
	seen uint64
	most int
}

// New makes the technology.
func New(o Options) *Technology {
	return &Technology{o: o, live: make(map[*leg]struct{})}
}

// Name gives "Pretend".
func (t *Technology) Name() string { return "Pretend" }

// Request prepares a leg. Options that cannot be read are a permanent failure
// with cause 28.
func (t *Technology) Request(_ context.Context, resource string, o pbx.RequestOptions) (pbx.Leg, error) {
	p, err := parse(resource, t.o.Ring)
	if err != nil {
		return nil, &call.Failure{
			Disposition: call.Failed, Cause: int(cause.InvalidNumber), Permanent: true, Text: "Pretend/" + resource, Err: err,
		}
	}
	switch {
	case p.number == "unknown" || p.number == "":
		return nil, &call.Failure{
			Disposition: call.Failed, Cause: int(cause.Unallocated), Permanent: true, Text: "no such pretended phone " + strconv.Quote(p.number),
		}
	case strings.HasSuffix(p.number, "offline"):
		return nil, &call.Failure{
			Disposition: call.NoAnswer, Cause: int(cause.SubscriberAbsent), Text: "the pretended phone " + p.number + " is not registered",
		}
	}
	return &leg{t: t, plan: p, on: o.OnEvent, port: o.Port, resource: resource, callID: o.ChannelID + "@pretend"}, nil
}

// DeviceState says whether a number is in a call.
func (t *Technology) DeviceState(resource string) pbx.DeviceState {
	number, _, _ := strings.Cut(resource, "?")
	if strings.HasSuffix(number, "offline") {
		return pbx.DeviceUnavailable
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	state := pbx.DeviceNotInUse
	for l := range t.live {
		if l.plan.number != number {
			continue
		}
		if l.isUp() {
			return pbx.DeviceInUse
		}
		state = pbx.DeviceRinging
	}
	return state
}

// Endpoints lists the numbers that Options names.
func (t *Technology) Endpoints() []call.EndpointState {
	out := make([]call.EndpointState, 0, len(t.o.Phones))
	for _, n := range t.o.Phones {
		state := "not in use"
		switch t.DeviceState(n) {
		case pbx.DeviceInUse:
			state = "in use"
		case pbx.DeviceRinging:
			state = "ringing"
		case pbx.DeviceUnavailable:
			state = "unavailable"
		}
		out = append(out, call.EndpointState{Name: n, Kind: "phone", State: state, Registered: state != "unavailable"})
	}
	return out
}

// Stats says how many legs are live, how many were at most, and how many have
// been dialled since the start.
func (t *Technology) Stats() (live, most int, dialled uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.live), t.most, t.seen
}

func (t *Technology) enter(l *leg) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.live[l] = struct{}{}
	t.seen++
	t.most = max(t.most, len(t.live))
}

func (t *Technology) forget(l *leg) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.live, l)
}

// plan is what a number says that its phone does.
type plan struct {
	number string
	status int // refuses with this SIP status, 0 = it does not
	silent bool
	early  bool
	rings  bool
	late   bool
	ring   time.Duration
	talk   time.Duration
	hold   time.Duration
	resume time.Duration
	digits string
	cause  cause.Code
	tone   int
}

// parse reads a resource.
func parse(resource string, ring time.Duration) (plan, error) {
	number, query, _ := strings.Cut(resource, "?")
	p := plan{number: number, ring: ring, cause: cause.NormalClearing}
	p.byNumber()
	values, err := url.ParseQuery(query)
	if err != nil {
		return p, fmt.Errorf("options: %w", err)
	}
	for key := range values {
		if err := p.option(key, values.Get(key)); err != nil {
			return p, fmt.Errorf("option %s: %w", key, err)
		}
	}
	return p, nil
}

// byNumber decides by the end of the number.
func (p *plan) byNumber() {
	switch {
	case strings.HasSuffix(p.number, "timeout"), strings.HasSuffix(p.number, "000"):
		p.silent = true
	case strings.HasSuffix(p.number, "180"):
		p.rings = true
	case strings.HasSuffix(p.number, "183"):
		p.early = true
	case strings.HasSuffix(p.number, "302"):
		p.status = 302
	case len(p.number) >= 3:
		status, err := strconv.Atoi(p.number[len(p.number)-3:])
		if err == nil && slices.Contains(refusals, status) {
			p.status = status
		}
	}
}

// refusals are the endings that refuse. Not every three digits from 400 to 699
// are: 101 to 699 are likely extension numbers.
var refusals = []int{403, 404, 408, 410, 480, 484, 486, 488, 500, 502, 503, 504, 600, 603, 604}

func (p *plan) option(key, value string) (err error) {
	switch key {
	case "ring":
		p.ring, err = time.ParseDuration(value)
	case "talk":
		p.talk, err = time.ParseDuration(value)
	case "hold":
		p.hold, err = time.ParseDuration(value)
	case "resume":
		p.resume, err = time.ParseDuration(value)
	case "digits":
		p.digits = value
	case "tone":
		p.tone, err = strconv.Atoi(value)
	case "late":
		p.late, err = strconv.ParseBool(value)
	case "cause":
		var n int
		if n, err = strconv.Atoi(value); err == nil && (n < 1 || n > 127) {
			err = fmt.Errorf("%d is not a Q.850 cause", n)
		}
		p.cause = cause.Code(n)
	default:
		err = errors.New("unknown")
	}
	return err
}
