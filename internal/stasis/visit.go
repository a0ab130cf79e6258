package stasis

import (
	"context"
	"errors"
	"strings"

	"github.com/dialwright/dialwright/internal/pbx"
)

// Handler gives the handler that gives a channel to an application with arguments.
// It sets STASISSTATUS, tells Start and End, and returns when the channel hangs up,
// goes on in the dialplan (Continue) and has come to the end of that, or another
// handler takes it. ok is false if the application is not connected now and PerCall
// knows no way to it; the handler looks again when it runs, and returns at once with
// STASISSTATUS FAILED if that is still so: the channel is then hung up (spec: ari
// 3.4 rule 4). It serves pbx.OriginateOptions and pbx.Channel.Run.
func (h *Hub) Handler(app string, args []string) (handler pbx.Handler, ok bool) {
	return &visit{h: h, app: app, args: args}, h.reachable(app)
}

// Dialplan is Handler for the application Stasis() of a dialplan (run.Options.Stasis):
// the position of the channel is the dialplan's to tell, and Continue without a place
// lets the handler return, so that the dialplan goes on behind it.
func (h *Hub) Dialplan(app string, args []string) (handler pbx.Handler, ok bool) {
	return &visit{h: h, app: app, args: args, dialplan: true}, h.reachable(app)
}

// Enter gives a channel to an application and returns when Start is out, so that
// what the client asks next finds it there. Errors: ErrNoApp, the channel is then
// hung up; pbx.ErrGone; the cause of ctx.
func (h *Hub) Enter(ctx context.Context, c *pbx.Channel, app string, args []string) error {
	v := &visit{h: h, app: app, args: args, entered: make(chan error, 1)}
	if err := c.Run(v); err != nil {
		return err
	}
	select {
	case err := <-v.entered:
		return err
	case <-c.Gone():
		return pbx.ErrGone
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (h *Hub) reachable(app string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, ok := h.active(app)
	return ok || h.o.PerCall != nil && (h.o.HasPerCall == nil || h.o.HasPerCall(app))
}

// visit is the handler of a channel that goes to an application.
type visit struct {
	h        *Hub
	app      string
	args     []string
	dialplan bool       // whoever called goes on when Handle returns
	entered  chan error // told once how the beginning went; nil = nobody asks
}

// statusName is the variable that tells a dialplan how a visit went: "" while it
// lasts, SUCCESS, or FAILED (Asterisk: app_stasis.c).
const statusName = "STASISSTATUS"

// Handle implements pbx.Handler. The order of what it tells is that of the traces:
// position, STASISSTATUS, Start; End, STASISSTATUS (spec: ari 5.3).
func (v *visit) Handle(ctx context.Context, c *pbx.Channel) {
	if !v.dialplan {
		_ = c.EnterApplication("Stasis", applicationData(v.app, v.args)) // ErrGone: begin finds out
	}
	setStatus(c, "")
	s, done, err := v.begin(ctx, c)
	if v.entered != nil {
		v.entered <- err
	}
	if err != nil {
		if errors.Is(err, ErrNoApp) {
			v.h.log.Info("the application of a channel is not connected", "channel", c.ID(), "application", v.app)
		}
		setStatus(c, "FAILED")
		return
	}
	d := v.h.wait(ctx, s)
	v.h.leave(s, d)
	done()
	v.goOn(ctx, c, d)
}

// applicationData writes an application's name and arguments as the dialplan would, with
// quotes around an argument that has a comma in it (observed: Asterisk 22.10 shows what
// the client wrote).
func applicationData(app string, args []string) string {
	var b strings.Builder
	b.WriteString(app)
	for _, a := range args {
		b.WriteByte(',')
		if !strings.ContainsAny(a, ",\"\\") {
			b.WriteString(a)
			continue
		}
		b.WriteString(`"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(a) + `"`)
	}
	return b.String()
}

// begin lets the channel into the application, which may have to be connected first.
// done is to be called when it has left.
func (v *visit) begin(ctx context.Context, c *pbx.Channel) (s *stay, done func(), err error) {
	// One that has hung up may still be in its dialplan: "_." matches h as well.
	if ctx.Err() != nil || c.Snapshot().HungUp {
		return nil, nil, pbx.ErrGone
	}
	name, done := v.app, func() {}
	v.h.mu.Lock()
	_, ok := v.h.active(name)
	v.h.mu.Unlock()
	if !ok && v.h.o.PerCall != nil {
		var end func()
		if name, end, ok = v.h.o.PerCall(ctx, c, v.app); ok && end != nil {
			done = end
		}
	}
	if !ok {
		return nil, nil, ErrNoApp
	}
	s, err = v.h.arrive(c, name, v.dialplan)
	if err == nil {
		err = v.h.enter(s, name, v.args)
	}
	if err != nil {
		done()
		return nil, nil, err
	}
	return s, done, nil
}

// goOn does what follows a visit. A channel that no dialplan has called may have
// one before it: STASISSTATUS then waits for the end of that (observed: Asterisk
// 22.10, vectors 10a, 10b).
func (v *visit) goOn(ctx context.Context, c *pbx.Channel, d departure) {
	if d.next != nil && !v.dialplan {
		d.next.Handle(ctx, c)
		if errors.Is(context.Cause(ctx), pbx.ErrReplaced) && c.Context().Err() == nil {
			return
		}
	}
	setStatus(c, "SUCCESS")
	if d.next != nil && v.dialplan {
		_ = c.Run(d.next) // ErrGone: it has hung up
	}
}

// setStatus sets STASISSTATUS and tells of it, also between the hangup and the end
// of the channel.
func setStatus(c *pbx.Channel, value string) {
	if c.SetVariable(statusName, value) == nil {
		return
	}
	c.SetDeadVariable(statusName, value)
	_ = c.Tell(pbx.Event{Type: pbx.ChannelVarset, Variable: statusName, Value: value}) // ErrGone: nobody is told any more
}
