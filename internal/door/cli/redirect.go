package cli

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/pbx"
)

// redirect sends a channel elsewhere in the dialplan (spec: cli 4.4).
func redirect(ctx context.Context, q *ask) Outcome {
	if len(q.args) != 2 {
		return Usage
	}
	name, dest := q.args[0], q.args[1]
	c, ok := q.s.findChannel(name)
	if !ok {
		q.printf("Channel '%s' not found\n", name)
		return Failed
	}
	if err := q.s.redirect(ctx, q.by, c, dest); err != nil {
		q.printf("Channel '%s' failed to be redirected to %s\n", name, dest)
		q.s.log.Info("channel not redirected", "door", "cli", "by", q.by.Name, "channel", c.Name(), "to", dest, "error", err)
		return Failed
	}
	q.printf("Channel '%s' successfully redirected to %s\n", name, dest)
	return Done
}

// redirect gives the channel to the handler of [[context,]exten,]priority; what is
// missing stays as it is (Asterisk: pbx.c ast_parseable_goto). A priority that is no
// number is a label, which must exist.
func (s *Shell) redirect(ctx context.Context, by Caller, c *pbx.Channel, dest string) error {
	at := c.Snapshot()
	then := call.Then{Kind: call.ThenDialplan, Context: at.Context, Extension: at.Extension}
	parts := strings.Split(dest, ",")
	switch len(parts) {
	case 1:
	case 2:
		then.Extension = parts[0]
	case 3:
		then.Context, then.Extension = parts[0], parts[1]
	default:
		return errors.New("a place has at most three parts: context,exten,priority")
	}
	then.Priority = parts[len(parts)-1]
	if n, err := strconv.Atoi(then.Priority); err == nil && n < 1 || then.Priority == "" {
		return errors.New("the priority must be a number from 1 or a label")
	} else if err != nil && s.label(then, at.Caller.Number) == 0 {
		return errors.New("there is no such label")
	}
	if s.o.Contexts != nil {
		if err := s.o.Contexts(ctx, by, then.Context); err != nil {
			return err
		}
	}
	h, err := s.o.Switch.Follow(at.Account, then)
	if err != nil { // it goes there all the same, and the dialplan's own rules say what happens
		s.log.Info("redirected to a place that is not there", "door", "cli", "channel", c.Name(), "to", dest, "error", err)
	}
	return c.Run(h)
}

func (s *Shell) label(then call.Then, caller string) int {
	if s.o.Plan == nil {
		return 0
	}
	return s.o.Plan().Label(then.Context, then.Extension, then.Priority, dialplan.Caller{Number: caller})
}
