package pbx_test

import (
	"context"
	"sync"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/pbx"
)

// scripted is a leg that does nothing by itself and notes what it is told.
type scripted struct {
	info pbx.LegInfo
	on   func(pbx.LegEvent)

	mu   sync.Mutex
	told []string
	over bool
}

func (l *scripted) tell(s string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told = append(l.told, s)
	return nil
}

func (l *scripted) heard() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := l.told
	l.told = nil
	return out
}

func (l *scripted) end(e pbx.LegEvent) {
	l.mu.Lock()
	over := l.over
	l.over = true
	l.mu.Unlock()
	if !over && l.on != nil {
		e.Kind = pbx.LegEnded
		l.on(e)
	}
}

func (l *scripted) Dial(o pbx.DialOptions) error { return l.tell("dial as " + o.CallerID.Number) }
func (l *scripted) Ring() error                  { return l.tell("ring") }
func (l *scripted) Progress() error              { return l.tell("progress") }
func (l *scripted) Answer() error                { return l.tell("answer") }
func (l *scripted) Redirect(to string) error     { return l.tell("redirect " + to) }
func (l *scripted) Transfer(to string) error     { return l.tell("transfer " + to) }
func (l *scripted) Hold(on bool) error {
	if on {
		return l.tell("hold")
	}
	return l.tell("unhold")
}
func (l *scripted) SendDTMFInfo(d rune, _ time.Duration) error { return l.tell("info " + string(d)) }
func (l *scripted) UpdateCallerID(id call.CallerID)            { _ = l.tell("connected " + id.Number) }
func (l *scripted) Reject(code cause.Code) error {
	_ = l.tell("reject " + code.String())
	l.end(pbx.LegEvent{Cause: code})
	return nil
}
func (l *scripted) Hangup(code cause.Code) {
	_ = l.tell("hangup " + code.String())
	l.end(pbx.LegEvent{Cause: code})
}
func (l *scripted) Describe() pbx.LegInfo     { return l.info }
func (l *scripted) Ladder() []call.SIPMessage { return nil }
func (l *scripted) Header(string) string      { return "" }

// panicky is a technology whose legs break when they are held.
type panicky struct{}

type panickyLeg struct{ scripted }

func (l *panickyLeg) Hold(bool) error { panic("broken leg") }

func (panicky) Name() string                       { return "Panicky" }
func (panicky) DeviceState(string) pbx.DeviceState { return pbx.DeviceUnknown }
func (panicky) Endpoints() []call.EndpointState    { return nil }
func (panicky) Request(_ context.Context, _ string, o pbx.RequestOptions) (pbx.Leg, error) {
	return &panickyLeg{scripted{on: o.OnEvent}}, nil
}
