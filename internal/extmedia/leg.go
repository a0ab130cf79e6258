package extmedia

import (
	"context"
	"errors"
	"io"
	"sync"
	"syscall"
	"time"

	"github.com/coder/websocket"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/pbx"
)

// leg is what the legs of all three technologies have in common. Its life:
//
//	requested ──Dial──► dialled ──answer──► up ──end──► over
//	    └──────────────Hangup, the program──────────────┘
//
// A leg that has been dialled, or whose program has come, says LegEnded once.
type leg struct {
	m    *Media
	info pbx.LegInfo
	port *media.Port // nil without a media engine

	ctx  context.Context // ends with the leg; the cause says why
	stop context.CancelCauseFunc

	mu      sync.Mutex // guards what follows, and the order of events; on never blocks
	on      func(pbx.LegEvent)
	dialled bool
	answer  bool // the program is there and has answered
	up      bool // and the channel knows
	over    bool
}

// hungUp is the cause of a leg's context that we have hung up.
type hungUp struct{ code cause.Code }

func (hungUp) Error() string { return "the channel has hung up" }

func (l *leg) init(m *Media, o pbx.RequestOptions, info pbx.LegInfo) {
	l.m, l.on, l.port, l.info = m, o.OnEvent, o.Port, info
	l.info.Listens = true
	l.ctx, l.stop = context.WithCancelCause(m.base)
}

// dial notes that the leg is dialled; what was answered before is told now.
func (l *leg) dial() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dialled {
		return pbx.ErrDialled
	}
	if l.over || l.ctx.Err() != nil {
		return pbx.ErrGone
	}
	l.dialled = true
	l.tellAnswer()
	return nil
}

// answered notes the program's answer.
func (l *leg) answered() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answer = true
	l.tellAnswer()
}

// tellAnswer is called with mu held.
func (l *leg) tellAnswer() {
	if l.dialled && l.answer && !l.up && !l.over {
		l.up = true
		l.on(pbx.LegEvent{Kind: pbx.LegAnswered})
	}
}

// post tells an event unless the leg is over.
func (l *leg) post(e pbx.LegEvent) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.over {
		l.on(e)
	}
}

// end is the leg's end: err nil = the program has hung up.
func (l *leg) end(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return
	}
	l.over = true
	e := pbx.LegEvent{Kind: pbx.LegEnded, Cause: cause.NormalClearing, ByPeer: true}
	if h, ours := errors.AsType[hungUp](context.Cause(l.ctx)); ours {
		e.Cause, e.ByPeer = h.code, false
		err = nil
	}
	if err != nil {
		e.Cause, e.Text = cause.OutOfOrder, err.Error()
	}
	if !l.up && e.ByPeer {
		if err == nil {
			e.Cause = cause.Rejected
		}
		e.Failure = &call.Failure{
			Disposition: call.Disposition(e.Cause.Disposition()), Cause: int(e.Cause), Err: err,
			Text: l.info.Technology + "/" + l.info.Endpoint + " could not be reached",
		}
		if err == nil {
			e.Failure.Text = l.info.Technology + "/" + l.info.Endpoint + " has closed the connection"
		}
	}
	l.stop(errEnded)
	l.on(e)
}

// ending gives what has ended a connection whose reader has stopped with err: nil if
// either side has hung up. A writer may have failed first, for the same reason.
func (l *leg) ending(err error) error {
	why := context.Cause(l.ctx)
	_, ours := errors.AsType[hungUp](why)
	switch {
	case errors.Is(why, errSlow):
		return why
	case ours, errors.Is(why, errHangup), err == nil, isClose(err):
		return nil
	case why != nil:
		return why // the reader only knows that the connection was closed
	}
	return err
}

// isClose says that the program has closed its connection, or has died.
func isClose(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || websocket.CloseStatus(err) >= 0
}

// errHangup is the cause of the end that a program has asked for.
var errHangup = errors.New("the program has hung up")

// errEnded is the cause of a leg's context that has ended by itself.
var errEnded = errors.New("the connection has ended")

// Hangup ends the leg; the connection's goroutine says when it is done.
func (l *leg) Hangup(code cause.Code) { l.stop(hungUp{code}) }

// What only calls that come in have.
func (l *leg) Ring() error             { return pbx.ErrState }
func (l *leg) Progress() error         { return pbx.ErrState }
func (l *leg) Answer() error           { return pbx.ErrState }
func (l *leg) Reject(cause.Code) error { return pbx.ErrState }
func (l *leg) Redirect(string) error   { return pbx.ErrState }
func (l *leg) Transfer(string) error   { return pbx.ErrState }

// Hold and names have nobody to tell.
func (l *leg) Hold(bool) error                        { return nil }
func (l *leg) UpdateCallerID(call.CallerID)           {}
func (l *leg) SendDTMFInfo(rune, time.Duration) error { return nil }

// Describe implements pbx.Leg.
func (l *leg) Describe() pbx.LegInfo { return l.info }

// Ladder is empty: what is on the wire is audio.
func (l *leg) Ladder() []call.SIPMessage { return nil }

// Header is empty: there is no message.
func (l *leg) Header(string) string { return "" }

// technology is what the three have in common.
type technology struct {
	m    *Media
	name string
}

// Name implements pbx.Technology.
func (t technology) Name() string { return t.name }

// DeviceState is unknown: nothing tells whether a program runs.
func (technology) DeviceState(string) pbx.DeviceState { return pbx.DeviceUnknown }

// Endpoints lists nothing: programs are no phones.
func (technology) Endpoints() []call.EndpointState { return nil }

// refuse makes the refusal of a resource that cannot be dialled.
func (t technology) refuse(resource string, code cause.Code, err error) error {
	return &call.Failure{
		Disposition: call.Failed, Cause: int(code), Permanent: code != cause.CircuitCongestion, Err: err,
		Text: t.name + "/" + resource + " cannot be dialled",
	}
}
