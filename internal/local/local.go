// Package local is the technology of Local channels: Local/EXTEN@CONTEXT
// dials into the server itself. A Local channel is two channels back to back:
//
//	whoever dialled ── ;1 ══════ ;2 ── handler of incoming calls, at EXTEN in CONTEXT
//	                    what one is told, the other does
//
// The first half (";1") is the one that was asked for. When it is dialled the
// second half (";2") comes into the switch as an incoming call and is given to
// the switch's handler: the built-in routing, or a dialplan. Ringing, early
// media, answer and hangup of the second half are those of the first; audio and digits pass
// both ways. Both halves share the variables that were set before the dial.
//
// The options after a slash (/n: do not optimise away) are accepted; nothing
// is ever optimised away.
package local

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/pbx"
)

// maxDepth is how many Local channels may follow from one another: a dialplan
// that dials itself is stopped and does not eat the server.
const maxDepth = 20

// Technology makes Local channels. It is safe concurrently.
type Technology struct {
	s *pbx.Switch
	o Options
}

// Options tune the technology.
type Options struct {
	// Exists says whether an extension is there for a caller's number. One that
	// is not is refused when it is dialled: cause 1, "no such extension"
	// (Asterisk: core_local.c local_call). nil: everything exists.
	Exists func(context, exten, caller string) bool
	// Fixed says whether the calls of an account show one caller ID only: whoever one
	// half talks to is not shown behind the other then. nil: no account's do.
	Fixed func(call.AccountID) bool
}

// New makes the technology for a switch; every extension exists.
func New(s *pbx.Switch) *Technology { return NewWith(s, Options{}) }

// NewWith makes the technology for a switch.
func NewWith(s *pbx.Switch, o Options) *Technology { return &Technology{s, o} }

// Name gives "Local".
func (t *Technology) Name() string { return "Local" }

// Request prepares the first half. A resource is EXTEN@CONTEXT, or EXTEN for
// the context "default".
func (t *Technology) Request(_ context.Context, resource string, o pbx.RequestOptions) (pbx.Leg, error) {
	exten, context := place(resource)
	if exten == "" {
		return nil, &call.Failure{
			Disposition: call.Failed, Cause: int(cause.InvalidNumber), Permanent: true,
			Text: "Local/" + resource + " names no extension",
		}
	}
	depth := 0
	if o.Originator != nil {
		if v, ok := o.Originator.Variable(depthVariable); ok {
			depth, _ = strconv.Atoi(v) // only we write it
		}
	}
	if depth >= maxDepth {
		return nil, &call.Failure{
			Disposition: call.Congestion, Cause: int(cause.SwitchCongestion),
			Text: fmt.Sprintf("Local/%s: %d Local channels follow from one another already", resource, depth),
		}
	}
	w := &wire{
		t: t, exten: exten, context: context, seq: o.Sequence, depth: depth + 1, codec: "PCMU",
		id: o.ChannelID, otherID: o.OtherID, keep: stays(resource), told: make(chan struct{}),
	}
	if w.otherID == "" {
		w.otherID = o.ChannelID + ";2" // spec: ari 6.1, otherChannelId
	}
	if from := o.Originator; from != nil && from.Port() != nil {
		// Speaking what the originator speaks saves two conversions (S5). Not so
		// opus: what is behind the other half may not speak it (M5).
		if f, ok := from.Port().Format(); ok && f.Codec != "" && f.Convertible() {
			w.codec, w.clock = f.Codec, f.ClockRate
		}
	}
	w.one = &half{w: w, first: true, on: o.OnEvent, port: o.Port}
	w.two = &half{w: w}
	return w.one, nil
}

// depthVariable counts Local channels that follow from one another. It is
// inherited on and on.
const depthVariable = "DIALWRIGHT_LOCAL_DEPTH"

// place reads "EXTEN[@CONTEXT][/options]".
func place(resource string) (exten, context string) {
	address, _, _ := strings.Cut(resource, "/")
	exten, context, _ = strings.Cut(address, "@")
	return exten, cmp.Or(context, "default")
}

// stays says whether the options of a resource have n: it is not to be optimised away
// (Asterisk: core_local.c local_alloc).
func stays(resource string) bool {
	_, options, _ := strings.Cut(resource, "/")
	return strings.Contains(options, "n")
}

// DeviceState of an extension is in use while a Local channel that has been
// dialled leads to it, invalid if there is neither one nor the extension
// (Asterisk: core_local.c local_devicestate). It looks at every channel.
func (t *Technology) DeviceState(resource string) pbx.DeviceState {
	exten, context := place(resource)
	for _, sn := range t.s.Channels() {
		name, second := strings.CutSuffix(sn.Name, ";2")
		if i := strings.LastIndexByte(name, '-'); second && i >= 0 && name[:i] == "Local/"+exten+"@"+context {
			return pbx.DeviceInUse
		}
	}
	if f := t.o.Exists; exten == "" || f != nil && !f(context, exten, "") {
		return pbx.DeviceInvalid
	}
	return pbx.DeviceNotInUse
}

// Endpoints lists nothing: extensions are no phones.
func (t *Technology) Endpoints() []call.EndpointState { return nil }

// wire joins the two halves.
type wire struct {
	t              *Technology
	exten, context string
	keep           bool // option n: not to be optimised away
	id, otherID    string
	seq            uint32
	depth          int
	codec          string
	clock          int
	one, two       *half
	told           chan struct{} // closed when Bridged is out

	mu      sync.Mutex // guards the fields below, and port and pipe of the halves; nothing is called under it
	dialled bool
	up      bool
	over    bool
	fixed   bool // the caller ID of its account is
}

// half is one of the two legs.
type half struct {
	w     *wire
	first bool
	port  *media.Port
	pipe  media.Leg

	say   sync.Mutex // guards the fields below and the order of events; on never blocks
	on    func(pbx.LegEvent)
	ended bool // its LegEnded has been posted
}

// other gives the half on the other end of the wire.
func (h *half) other() *half {
	if h.first {
		return h.w.two
	}
	return h.w.one
}

// post sends an event to the half's channel: nothing after its LegEnded.
func (h *half) post(e pbx.LegEvent) {
	h.say.Lock()
	defer h.say.Unlock()
	if h.on == nil || h.ended {
		return
	}
	h.ended = e.Kind == pbx.LegEnded
	h.on(e)
}

// attach names the channel of the second half.
func (h *half) attach(c *pbx.Channel) {
	h.say.Lock()
	h.on = c.Deliver
	h.say.Unlock()
	h.w.mu.Lock()
	h.port = c.Port()
	h.w.mu.Unlock()
}

// Dial brings the second half into the switch.
func (h *half) Dial(o pbx.DialOptions) error {
	w := h.w
	if !h.first {
		return pbx.ErrState
	}
	w.mu.Lock()
	if w.dialled || w.over {
		w.mu.Unlock()
		return pbx.ErrDialled
	}
	w.dialled = true
	w.mu.Unlock()
	if f := w.t.o.Exists; f != nil && !f(w.context, w.exten, o.CallerID.Number) {
		return &call.Failure{
			Disposition: call.Failed, Cause: int(cause.Unallocated), Permanent: true,
			Text: "no such extension/context " + w.exten + "@" + w.context + " while calling Local channel",
		}
	}
	vars := append(o.Variables[:len(o.Variables):len(o.Variables)],
		call.Variable{Name: "__" + depthVariable, Value: strconv.Itoa(w.depth)})
	first := w.first()
	w.mu.Lock()
	w.fixed = w.t.o.Fixed != nil && w.t.o.Fixed(first.Account)
	w.mu.Unlock()
	connected := cmp.Or(first.Caller, o.CallerID) // Asterisk: core_local.c local_call
	defer close(w.told)
	two, err := w.t.s.Incoming(w.two, pbx.IncomingOptions{
		ID: w.otherID, Name: fmt.Sprintf("Local/%s@%s-%08x;2", w.exten, w.context, w.seq),
		Endpoint: w.exten + "@" + w.context, CallerID: o.CallerID, Connected: connected, Dialled: w.exten, Context: w.context,
		LinkedID: first.LinkedID, Account: first.Account, AccountCode: first.AccountCode, Language: first.Language, Variables: vars, Handler: pbx.HandlerFunc(w.run),
	})
	if err != nil {
		return &call.Failure{
			Disposition: call.Congestion, Cause: int(cause.SwitchCongestion), Text: "the second half could not be made", Err: err,
		}
	}
	sn := *two.Snapshot()
	sn.Caller, sn.Connected = o.CallerID, connected // which it may be about to tell
	// Its actor waits for nobody now: what it has told comes first, then this. ErrGone: nobody cares.
	_ = two.Tell(pbx.Event{Type: Bridged, Data: &Pair{One: first, Two: &sn, Context: w.context, Exten: w.exten, Optimizes: !w.keep}})
	return nil
}

// first describes the first half's channel.
func (w *wire) first() *pbx.Snapshot {
	if c, ok := w.t.s.Channel(w.id); ok {
		return c.Snapshot()
	}
	return &pbx.Snapshot{LinkedID: w.id}
}

// run joins the media, then lets the switch's handler have the second half.
// It is the first thing that happens to that half, so nothing is lost.
func (w *wire) run(ctx context.Context, two *pbx.Channel) {
	w.two.attach(two)
	<-w.told
	w.mu.Lock()
	over := w.over
	w.mu.Unlock()
	if over { // the first half hung up in between
		w.two.post(pbx.LegEvent{Kind: pbx.LegEnded, Cause: cause.NormalClearing, ByPeer: true})
		<-two.Context().Done()
		return
	}
	w.join()
	w.t.s.Inbound().Handle(ctx, two)
}

// join puts a pipe between the two ports.
func (w *wire) join() {
	if w.one.port == nil || w.two.port == nil {
		return
	}
	a, b := media.NewPipe()
	f := media.Format{Codec: w.codec, ClockRate: w.clock, PTime: 20, EventPT: true}
	w.mu.Lock()
	w.one.pipe, w.two.pipe = a, b
	w.mu.Unlock()
	w.one.port.SetLeg(a, f)
	w.two.port.SetLeg(b, f)
}

// Ring of the second half: the first one rings.
func (h *half) Ring() error {
	if h.first {
		return pbx.ErrState
	}
	h.other().post(pbx.LegEvent{Kind: pbx.LegRinging})
	return nil
}

// Progress of the second half: early media on the first.
func (h *half) Progress() error {
	if h.first {
		return pbx.ErrState
	}
	h.other().post(pbx.LegEvent{Kind: pbx.LegProgress})
	return nil
}

// Answer of the second half answers the first.
func (h *half) Answer() error {
	w := h.w
	if h.first {
		return pbx.ErrState
	}
	w.mu.Lock()
	if w.up || w.over {
		w.mu.Unlock()
		return nil
	}
	w.up = true
	w.mu.Unlock()
	h.other().post(pbx.LegEvent{Kind: pbx.LegAnswered})
	return nil
}

// Reject refuses the call: the first half ends with the cause.
func (h *half) Reject(code cause.Code) error {
	if h.first {
		return pbx.ErrState
	}
	h.Hangup(code)
	return nil
}

// Indicate of the second half: the first one ends as busy or congested, which
// is not the hangup of a party (Asterisk: app_dial.c counts it apart).
func (h *half) Indicate(code cause.Code) error {
	if h.first {
		return pbx.ErrState
	}
	h.finish(code, true)
	return nil
}

// Redirect sends the first half elsewhere, as a 302 would.
func (h *half) Redirect(target string) error {
	if h.first {
		return pbx.ErrState
	}
	h.other().post(pbx.LegEvent{Kind: pbx.LegForwarded, Target: target})
	h.Hangup(cause.Redirected)
	return nil
}

// Hangup of one half ends the other with the same cause.
func (h *half) Hangup(code cause.Code) { h.finish(code, false) }

// finish ends both halves; indicated says that the second one has signalled
// busy or congestion.
func (h *half) finish(code cause.Code, indicated bool) {
	w := h.w
	w.mu.Lock()
	first := !w.over
	w.over = true
	up, dialled := w.up, w.dialled
	pipes := [...]media.Leg{w.one.pipe, w.two.pipe}
	w.mu.Unlock()
	if first {
		e := pbx.LegEvent{Kind: pbx.LegEnded, Cause: code, ByPeer: true}
		if !up && h.other().first {
			e.Failure = &call.Failure{
				Disposition: call.Disposition(code.Disposition()), Cause: int(code), Permanent: code.Permanent(), Indicated: indicated,
				Text: "Local/" + w.exten + "@" + w.context + " was refused: " + code.String(),
			}
		}
		if dialled {
			h.other().post(e)
		}
		for _, p := range pipes {
			if p != nil {
				_ = p.Close() // a pipe in memory: nothing to be done about it
			}
		}
	}
	h.post(pbx.LegEvent{Kind: pbx.LegEnded, Cause: code, ByPeer: indicated})
}

// Hold of one half is a hold by the phone for the other.
func (h *half) Hold(on bool) error {
	kind := pbx.LegResumed
	if on {
		kind = pbx.LegHeld
	}
	h.other().post(pbx.LegEvent{Kind: kind})
	return nil
}

// SendDTMFInfo presses a digit on the other half.
func (h *half) SendDTMFInfo(digit rune, d time.Duration) error {
	h.other().post(pbx.LegEvent{Kind: pbx.LegDTMF, Digit: digit, Duration: d})
	return nil
}

// Transfer asks the other half's controller for a transfer.
func (h *half) Transfer(target string) error {
	h.other().post(pbx.LegEvent{Kind: pbx.LegTransfer, Target: target})
	return nil
}

// UpdateCallerID makes whom one half talks to the caller ID of the other: the halves pass
// the connected line on (Asterisk: core_unreal.c unreal_colp_redirect_indicate; observed:
// Asterisk 22.10, AMI trace a3). The caller ID of an account that has a fixed one stays.
func (h *half) UpdateCallerID(id call.CallerID) {
	h.w.mu.Lock()
	fixed := h.w.fixed
	h.w.mu.Unlock()
	if fixed {
		return
	}
	h.other().post(pbx.LegEvent{Kind: pbx.LegIdentity, CallerID: id})
}

// Describe names the half.
func (h *half) Describe() pbx.LegInfo {
	name := h.w.exten + "@" + h.w.context
	suffix := ";2"
	if h.first {
		suffix = ";1"
	}
	return pbx.LegInfo{
		Technology: "Local", Name: name, Suffix: suffix, Endpoint: name, Codec: h.w.codec, Peer: "local",
		Context: h.w.context, Extension: h.w.exten,
	}
}

// Ladder is empty: nothing is on a wire.
func (h *half) Ladder() []call.SIPMessage { return nil }

// Header is empty: there is no message.
func (h *half) Header(string) string { return "" }
