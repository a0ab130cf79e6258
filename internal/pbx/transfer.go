package pbx

import (
	"errors"
	"strings"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
)

// Transfers that a phone asks for (REFER) while its channel is in a bridge that a
// remote application has made. Nobody else would carry them out: bridges of a
// dialplan and of the engine have a controller that sees ChannelTransfer.
//
//	blind      the other party leaves the bridge and its application, and goes on
//	           in the dialplan or the routing with the rights of who sent it
//	attended   the other party takes the place of the phone's second call

// BlindTransfer is Event.Data of BridgeBlindTransfer: a party has sent the other
// one of its bridge elsewhere (spec: ari 5.1; Asterisk: bridge.c
// ast_bridge_transfer_blind). Event.Channel is who did it, Event.Bridge where.
type BlindTransfer struct {
	Transferee *Snapshot // who was sent; nil: there were more than one, see Replace
	Replace    *Snapshot // the channel that stands in the bridge for who did it, nil = none
	Extension  string
	Context    string
	Result     TransferResult
	External   bool // asked for by the phone itself, and not by a feature code
}

// AttendedTransfer is Event.Data of BridgeAttendedTransfer: a party has joined
// those that it was talking to in two calls. Event.Channel is its first call.
type AttendedTransfer struct {
	First, Second             *Snapshot       // the calls of who did it; the REFER came in the first
	FirstBridge, SecondBridge *BridgeSnapshot // as they were before
	Transferee, Target        *Snapshot       // the other party of the first and of the second; nil: more than one
	Destination               string          // id of the bridge in which they are now, "" = it failed
	Result                    TransferResult
	External                  bool
}

// TransferResult says what became of a transfer, in Asterisk's words.
type TransferResult string

// The results.
const (
	TransferDone    TransferResult = "Success"
	TransferFailed  TransferResult = "Fail"
	TransferInvalid TransferResult = "Invalid" // there is nobody to send
)

// transferAsked carries a phone's REFER out if its bridge is an application's;
// replaces names the second call of an attended one. It runs in the actor.
func (c *Channel) transferAsked(target, replaces string) {
	b := c.bridge
	if b == nil || b.class != classStasis {
		return
	}
	// What follows waits for other actors.
	b.box.post(func() {
		if replaces != "" {
			if second, ok := b.sw.channelOfCall(replaces); ok && second.sameEndpoint(c) {
				b.attendedTransfer(c, second)
				return
			}
		}
		b.blindTransfer(c, transferContext(c), target)
	})
}

// classStasis is the class of bridges that remote applications make.
const classStasis = "stasis"

// blindTransfer sends the others of the bridge to an extension; it runs in the
// bridge's actor.
func (b *Bridge) blindTransfer(by *Channel, context, target string) TransferResult {
	t := &BlindTransfer{Extension: target, Context: context, Result: TransferDone, External: true}
	e := Event{Type: BridgeBlindTransfer, Data: t, Bridge: b.Snapshot()}
	others := b.others(by)
	var err error
	switch len(others) {
	case 0:
		t.Result = TransferInvalid
	case 1:
		t.Transferee = others[0].Snapshot()
	default:
		var stand *Channel
		if stand, err = b.standIn(by, t); err == nil {
			t.Replace = stand.Snapshot()
		}
	}
	if err != nil {
		t.Result = TransferFailed
		b.sw.log.Info("blind transfer failed", "by", by.id, "to", target, "error", err)
	}
	if err := by.Tell(e); err != nil || t.Result != TransferDone {
		return t.Result
	}
	if len(others) == 1 {
		b.sendOn(by, others[0], t)
		return t.Result
	}
	by.Hangup(cause.NormalClearing)
	return t.Result
}

// BlindTransfer lets the channel leave its bridge and sends the other party to an
// extension, as if its phone had asked for that. It returns when that is done:
// TransferInvalid outside of a bridge.
func (c *Channel) BlindTransfer(context, exten string) TransferResult {
	b, ok := c.sw.Bridge(c.Snapshot().Bridge)
	if !ok {
		return TransferInvalid
	}
	done := make(chan TransferResult, 1)
	if !b.box.post(func() { done <- b.blindTransfer(c, context, exten) }) {
		return TransferFailed
	}
	return <-done
}

// sendOn lets one party leave the bridge and go on elsewhere. What follows is known
// before it leaves: a handler that ends with its bridge must not end the channel.
func (b *Bridge) sendOn(by, other *Channel, t *BlindTransfer) {
	defer by.Hangup(cause.NormalClearing)
	_ = other.SetVariable("BLINDTRANSFER", by.Name()) // Asterisk: bridge.c; ErrGone is seen next
	h, ok := b.sw.dialplanAt(t.Context, t.Extension)
	if !ok {
		h = b.sw.transferred(by, t.Extension)
	}
	stop, err := other.precede(h)
	if err == nil {
		err = b.Remove(other)
	}
	switch {
	case err != nil && !errors.Is(err, ErrNotMember):
	case stop != nil:
		stop()
		return
	default:
		if err = other.Run(h); err == nil {
			return
		}
	}
	b.sw.log.Info("nobody to transfer", "by", by.id, "channel", other.id, "error", err)
}

// standIn puts a Local channel to the extension into the bridge: it stands for
// who leaves a bridge of more than two.
func (b *Bridge) standIn(by *Channel, t *BlindTransfer) (*Channel, error) {
	sn := by.Snapshot()
	c, err := b.sw.Create(b.sw.base, CreateOptions{
		Endpoint: call.Endpoint("Local/" + t.Extension + "@" + t.Context), Originator: by, Account: sn.Account,
	})
	if err != nil {
		return nil, err
	}
	if err = b.Add(c, AddOptions{}); err == nil {
		err = c.Dial(DialOptions{Timeout: b.sw.o.RingTime, Caller: by})
	}
	if err != nil {
		c.Hangup(cause.NormalClearing)
		return nil, err
	}
	return c, nil
}

// attendedTransfer puts the others of the bridge into the bridge of the second
// call, in the place of who has both; it runs in the bridge's actor.
func (b *Bridge) attendedTransfer(by, second *Channel) {
	t := &AttendedTransfer{
		First: by.Snapshot(), Second: second.Snapshot(), FirstBridge: b.Snapshot(), Result: TransferInvalid, External: true,
	}
	others := b.others(by)
	if len(others) == 1 {
		t.Transferee = others[0].Snapshot()
	}
	to, ok := b.sw.Bridge(second.Snapshot().Bridge)
	if ok {
		t.SecondBridge = to.Snapshot()
		if targets := to.others(second); len(targets) == 1 {
			t.Target = targets[0].Snapshot()
		}
	}
	if ok && to != b && len(others) > 0 {
		t.Result, t.Destination = TransferDone, to.id
	}
	if err := by.Tell(Event{Type: BridgeAttendedTransfer, Bridge: t.FirstBridge, Data: t}); err != nil || t.Result != TransferDone {
		return
	}
	for _, c := range others {
		_ = c.SetVariable("ATTENDEDTRANSFER", by.Name()) // ErrGone is seen next
		if err := to.Add(c, AddOptions{}); err != nil {
			b.sw.log.Info("party not transferred", "by", by.id, "channel", c.id, "error", err)
		}
	}
	second.Hangup(cause.NormalClearing)
	by.Hangup(cause.NormalClearing)
}

// others gives the members but one.
func (b *Bridge) others(but *Channel) []*Channel {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []*Channel
	for _, m := range b.members {
		if m.c != but {
			out = append(out, m.c)
		}
	}
	return out
}

// dialplanAt gives what runs at an extension, false if the dialplan does not know it.
func (s *Switch) dialplanAt(context, exten string) (Handler, bool) {
	if s.o.Runner == nil {
		return nil, false
	}
	h, err := s.o.Runner.Runner(call.Then{Kind: call.ThenDialplan, Context: context, Extension: exten})
	return h, err == nil
}

// sameEndpoint says that two channels are calls of one phone or trunk: nobody
// transfers a call that is not its own.
func (c *Channel) sameEndpoint(o *Channel) bool {
	mine, theirs := c.snap.Load(), o.snap.Load()
	return c != o && mine.Technology == theirs.Technology && mine.Phone == theirs.Phone && mine.Trunk == theirs.Trunk
}

// transferContext is where the targets of a party's transfers are looked for
// (Asterisk: bridge_basic.c get_transfer_context).
func transferContext(by *Channel) string {
	if v, ok := by.Variable("TRANSFER_CONTEXT"); ok && v != "" {
		return v
	}
	return by.Snapshot().Context
}

// channelOfCall finds the live channel of a call by the value of a Replaces
// header, "call-id;to-tag=…;from-tag=…" (RFC 3891). It looks at every channel.
func (s *Switch) channelOfCall(replaces string) (*Channel, bool) {
	id, _, _ := strings.Cut(replaces, ";")
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.channels {
		if c != nil && id != "" && c.snap.Load().ProtocolID == id {
			return c, true
		}
	}
	return nil, false
}
