package ami

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/pbx"
)

// place is where a Redirect sends a channel.
type place struct{ context, exten, priority string }

// redirect is the action Redirect (Asterisk: manager.c action_redirect; observed: Asterisk
// 22.10, traces s3, t2, t3). The other party of a bridge is hung up, unless ExtraChannel
// names it.
func (s *Server) redirect(ctx context.Context, q *request) answer {
	to, bad := s.placeOf(q, "")
	if bad != "" {
		return q.fail(bad)
	}
	extra := to
	second := q.get("ExtraChannel")
	if second != "" && q.get("ExtraContext") != "" {
		if extra, bad = s.placeOf(q, "Extra"); bad != "" {
			return q.fail(bad)
		}
	}
	c, ok := s.find(q.get("Channel"))
	if !ok {
		return q.fail("Channel does not exist: " + q.get("Channel"))
	}
	if second == "" {
		if err := s.send(ctx, q, c, to); err != nil {
			return q.fail(redirectFailed(err))
		}
		return q.done("Redirect successful")
	}
	c2, ok := s.find(second)
	if !ok {
		return q.fail("ExtraChannel does not exist: " + second)
	}
	if err := s.sendBoth(ctx, q, c, to, c2, extra); err != nil {
		return q.fail(redirectFailed(err))
	}
	return q.done("Dual Redirect successful")
}

func redirectFailed(err error) string {
	if errors.Is(err, pbx.ErrGone) {
		return "Redirect failed, channel not up."
	}
	return "Redirect failed"
}

// placeOf reads where a channel is to go: headers Context, Exten and Priority with a prefix.
// bad says what is wrong.
func (s *Server) placeOf(q *request, prefix string) (to place, bad string) {
	to = place{q.get(prefix + "Context"), q.get(prefix + "Exten"), q.get(prefix + "Priority")}
	switch {
	case prefix == "" && q.get("Channel") == "":
		return to, "Channel not specified"
	case to.context == "":
		return to, prefix + "Context not specified"
	case to.exten == "":
		return to, prefix + "Exten not specified"
	case to.priority == "":
		return to, prefix + "Priority not specified"
	}
	if n, err := strconv.Atoi(strings.TrimSpace(to.priority)); err == nil {
		to.priority = strconv.Itoa(max(n, 1))
		return to, ""
	}
	n, ok := s.label(to.context, to.exten, to.priority)
	if !ok {
		return to, prefix + "Priority is invalid"
	}
	to.priority = strconv.Itoa(n)
	return to, ""
}

// send lets a channel leave its bridge and go on elsewhere. A place that is not there ends
// as the dialplan's rules say.
func (s *Server) send(ctx context.Context, q *request, c *pbx.Channel, to place) error {
	h, err := s.leading(ctx, q, c, to)
	if err != nil {
		return err
	}
	if err := s.leaveBridge(c); err != nil {
		return err
	}
	return c.Run(h)
}

// sendBoth is send for two channels that may be in a call with each other: none is hung up
// because of the other.
func (s *Server) sendBoth(ctx context.Context, q *request, a *pbx.Channel, toA place, b *pbx.Channel, toB place) error {
	ha, errA := s.leading(ctx, q, a, toA)
	hb, errB := s.leading(ctx, q, b, toB)
	if err := errors.Join(errA, errB); err != nil {
		return err
	}
	if err := errors.Join(s.leaveBridge(a), s.leaveBridge(b)); err != nil {
		return err
	}
	return pbx.RunBoth(a, ha, b, hb)
}

// leading gives what runs on a channel at a place, or why the user may not send it there.
func (s *Server) leading(ctx context.Context, q *request, c *pbx.Channel, to place) (pbx.Handler, error) {
	if err := s.o.Dial.Dialplan(ctx, q.ask(), to.context); err != nil {
		s.log.Warn("redirect denied", "door", "ami", "remote", q.remote, "context", to.context, "error", err)
		return nil, err
	}
	h, _ := s.sw.Follow(c.Snapshot().Account, call.Then{
		Kind: call.ThenDialplan, Context: to.context, Extension: to.exten, Priority: to.priority,
	})
	return h, nil
}

// leaveBridge takes a channel that no handler has out of its bridge: who was called, and who is
// in a bridge of an application's. The handler of another one does that itself.
func (s *Server) leaveBridge(c *pbx.Channel) error {
	sn := c.Snapshot()
	b, ok := s.sw.Bridge(sn.Bridge)
	if !ok || c.Handled() {
		return nil
	}
	if err := b.Remove(c); err != nil && !errors.Is(err, pbx.ErrNotMember) {
		return err
	}
	return nil
}

// blindTransfer is the action BlindTransfer: the channel leaves, and the other party of its
// bridge goes on elsewhere (Asterisk: manager.c action_blind_transfer; observed:
// Asterisk 22.10, trace t1).
func (s *Server) blindTransfer(ctx context.Context, q *request) answer {
	c, bad := s.transferring(q)
	if bad != nil {
		return bad
	}
	in := q.get("Context")
	if in == "" {
		in = c.Snapshot().Context
	}
	if err := s.o.Dial.Dialplan(ctx, q.ask(), in); err != nil {
		s.log.Warn("transfer denied", "door", "ami", "remote", q.remote, "context", in, "error", err)
		return q.fail("Transfer not permitted")
	}
	switch c.BlindTransfer(in, q.get("Exten")) {
	case pbx.TransferDone:
		return q.done("Transfer succeeded")
	case pbx.TransferInvalid:
		return q.fail("Transfer invalid")
	}
	return q.fail("Transfer failed")
}

// transferring reads who transfers, and that there is an extension.
func (s *Server) transferring(q *request) (*pbx.Channel, answer) {
	switch {
	case q.get("Channel") == "":
		return nil, q.fail(noChannel)
	case q.get("Exten") == "":
		return nil, q.fail("No extension specified")
	}
	c, ok := s.find(q.get("Channel"))
	if !ok {
		return nil, q.fail("Channel specified does not exist")
	}
	return c, nil
}

// atxfer is the action Atxfer. There are no feature codes here, as in Asterisk unless
// somebody configures one (observed: Asterisk 22.10, trace t6). Phones transfer by themselves.
func (s *Server) atxfer(_ context.Context, q *request) answer {
	if _, bad := s.transferring(q); bad != nil {
		return bad
	}
	return q.fail("No attended transfer feature code found")
}

// cancelAtxfer is the action CancelAtxfer, see atxfer.
func (s *Server) cancelAtxfer(_ context.Context, q *request) answer {
	switch name := q.get("Channel"); {
	case name == "":
		return q.fail(noChannel)
	default:
		if _, ok := s.find(name); !ok {
			return q.fail("Channel specified does not exist")
		}
	}
	return q.fail("No disconnect feature code found")
}

// absoluteTimeout is the function that says when a channel ends.
const absoluteTimeout = "TIMEOUT(absolute)"

// absoluteTimeout is the action AbsoluteTimeout: the channel is hung up after so many
// seconds, or goes to extension T if its dialplan has one (Asterisk: manager.c
// action_timeout).
func (s *Server) absoluteTimeout(ctx context.Context, q *request) answer {
	seconds, err := strconv.ParseFloat(strings.TrimSpace(q.get("Timeout")), 64)
	switch {
	case q.get("Channel") == "":
		return q.fail(noChannel)
	case err != nil || !(seconds > 0):
		return q.fail("No timeout specified")
	}
	c, bad := s.channelOf(q)
	if bad != nil {
		return bad
	}
	if err := c.WriteVariable(ctx, absoluteTimeout, q.get("Timeout")); err != nil {
		s.log.Info("timeout not set", "door", "ami", "channel", c.Name(), "error", err)
		return q.fail(noSuchChannel)
	}
	return q.done("Timeout Set")
}
