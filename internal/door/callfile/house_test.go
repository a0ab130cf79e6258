package callfile_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing/fstest"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/apps"
	"github.com/dialwright/dialwright/internal/dialplan/funcs"
	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/door/callfile"
	"github.com/dialwright/dialwright/internal/local"
	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/originate"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/route"
	"github.com/dialwright/dialwright/internal/sip"
	"github.com/dialwright/dialwright/internal/sip/siptest"
	"github.com/dialwright/dialwright/internal/softphone"
	"github.com/dialwright/dialwright/internal/store/sqlite"
)

// houseOptions say what a house is made of.
type houseOptions struct {
	dir        string // the folders and the store are below it
	compat     bool
	extensions string           // extensions.conf
	phone      *softphone.Rule  // what the phone behind the trunk does; nil = there is none
	trace      func(string)     // is told what Log(NOTICE,…) says
	event      func(call.Event) // is told of attempts
	fast       bool             // the store does without fsync
	wait       func()           // is called before the door opens; nil = it opens at once
	log        io.Writer
}

// phoneDial is the dial string of the phone behind the trunk.
const phoneDial = "PJSIP/1001@phone"

// house is a whole server but for its configuration: folder, door, originator,
// store, switch, dialplan, media, Local channels, and SIP if there is a phone.
type house struct {
	o     *originate.Originator
	stops []func(context.Context) error // in the order of stopping
}

// openHouse starts a house.
func openHouse(ctx context.Context, ho houseOptions) (*house, error) {
	h := &house{}
	log := slog.New(slog.NewTextHandler(ho.log, &slog.HandlerOptions{Level: slog.LevelInfo}))
	so := sqlite.Options{Path: filepath.Join(ho.dir, "calls.db")}
	if ho.fast {
		so.Synchronous = "OFF"
	}
	store, err := sqlite.Open(ctx, so)
	if err != nil {
		return nil, err
	}
	h.push(func(context.Context) error { return store.Close() })
	wire := siptest.NewNet()
	eng, err := media.New(media.Config{Bind: netip.MustParseAddr("10.0.0.1"), ListenPacket: func(a netip.AddrPort) (net.PacketConn, error) {
		return wire.ListenPacket("udp", a.String())
	}})
	if err != nil {
		return h, err
	}
	if err := eng.Start(ctx); err != nil {
		return h, err
	}
	h.push(eng.Stop)
	sw := pbx.New(pbx.Options{Media: eng, Log: log, Linger: -1})
	m, err := h.machine(sw, ho, log)
	if err != nil {
		return h, err
	}
	sw.Register(local.NewWith(sw, local.Options{Exists: m.Exists}))
	table, err := route.New(route.Config{Trunks: []route.Trunk{{Name: "phone", Private: true}}, Dialplan: m.Plan().HasContext})
	if err != nil {
		return h, err
	}
	if ho.phone != nil {
		if err := h.phone(ctx, sw, eng, *ho.phone, log); err != nil {
			return h, err
		}
	}
	if err := sw.Start(ctx); err != nil {
		return h, err
	}
	h.push(sw.Stop)
	return h, h.doors(ctx, ho, store, pbx.NewEngineWith(sw, pbx.EngineOptions{Compat: ho.compat}), table, log)
}

// machine makes the dialplan side.
func (h *house) machine(sw *pbx.Switch, ho houseOptions, log *slog.Logger) (*run.Machine, error) {
	compat := ""
	if ho.compat {
		compat = "asterisk22"
	}
	m := run.New(run.Options{
		Switch: sw, Log: log, Apps: apps.All(), Funcs: funcs.All(), Allow: run.Net, Compat: compat,
		Notice: func(_ *run.Exec, level, text string) {
			if level == "NOTICE" {
				ho.trace(text)
			}
		},
	})
	plan, _, err := dialplan.Load(fstest.MapFS{"extensions.conf": {Data: []byte(ho.extensions)}}, "extensions.conf", dialplan.LoadOptions{Expand: run.ExpandGlobals})
	if err != nil {
		return nil, err
	}
	m.SetPlan(plan)
	sw.SetDialplan(m.Dialplan())
	return m, nil
}

// phone puts a phone behind the trunk "phone".
func (h *house) phone(ctx context.Context, sw *pbx.Switch, eng *media.Engine, rule softphone.Rule, log *slog.Logger) error {
	p, err := softphone.New(softphone.Config{User: "1001", Domain: "127.0.0.1", NoMedia: true, Rule: rule})
	if err != nil {
		return err
	}
	if err := p.Start(ctx); err != nil {
		return err
	}
	h.push(p.Stop)
	tech, err := sip.New(sip.Config{
		Domain: "pbx.test", Listen: []sip.Listener{{Transport: "udp", Addr: "127.0.0.1:0"}},
		Trunks: []sip.Trunk{{Name: "phone", Host: "127.0.0.1", Port: int(p.Addr().Port()), Transport: "udp", Qualify: -1}},
	}, eng, sw, sip.Options{Log: log})
	if err != nil {
		return err
	}
	sw.Register(tech)
	if err := tech.Start(ctx); err != nil {
		return err
	}
	h.push(tech.Stop)
	return nil
}

// doors starts the originator and the door.
func (h *house) doors(ctx context.Context, ho houseOptions, store *sqlite.Store, engine originate.Engine, table *route.Table, log *slog.Logger) error {
	policy := &originate.Policy{Accounts: map[call.AccountID]originate.Account{account: {}}}
	h.o = originate.New(originate.Options{
		Store: store, Engine: engine, Router: tableRouter{table}, Node: "n1", Log: log, Policy: func() *originate.Policy { return policy },
	})
	if err := h.o.Start(ctx); err != nil {
		return err
	}
	h.push(func(ctx context.Context) error {
		ctx, cancel := context.WithCancel(ctx)
		cancel() // what is up is hung up at once
		return h.o.Stop(ctx)
	})
	seq, err := calls{h.o, store}.LastSeq(ctx)
	if err != nil {
		return err
	}
	go func() { // ends with the originator
		for e, err := range h.o.Events(context.WithoutCancel(ctx), seq, originate.EventFilter{Types: []call.EventType{call.EvStarted}}) {
			if err != nil {
				return
			}
			ho.event(e)
		}
	}()
	o := callfile.Options{Dir: filepath.Join(ho.dir, "outgoing"), Calls: calls{h.o, store}, Account: account, Log: log}
	if ho.compat {
		o.Compat = callfile.Asterisk22
	}
	door, err := callfile.New(o)
	if err != nil {
		return err
	}
	if ho.wait != nil {
		ho.wait()
	}
	if err := door.Start(ctx); err != nil {
		return err
	}
	h.push(door.Stop)
	return nil
}

func (h *house) push(stop func(context.Context) error) {
	h.stops = append([]func(context.Context) error{stop}, h.stops...)
}

// close hangs up what is up and stops everything.
func (h *house) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second) // t.Context may have ended
	defer cancel()
	var errs []error
	for _, stop := range h.stops {
		errs = append(errs, stop(ctx))
	}
	return errors.Join(errs...)
}

// tableRouter is the routing table as the originator sees it.
type tableRouter struct{ t *route.Table }

func (r tableRouter) Route(account call.AccountID, e call.Endpoint) (call.Route, error) {
	out, err := r.t.Route(account, e)
	if re, ok := errors.AsType[*route.Error](err); ok {
		return out, &originate.Refusal{Code: originate.RefusedDestination, Text: re.Error()}
	}
	return out, err
}

// rule reads the STEPS of {phone:STEPS}.
func rule(steps string) (softphone.Rule, error) {
	r := softphone.Rule{Action: softphone.Ring}
	answered := false
	for s := range strings.SplitSeq(steps, "-") {
		var secs float64
		switch n, _ := fmt.Sscanf(s, "w%f", &secs); {
		case n == 1 && answered:
			r.HangupAfter = time.Duration(secs * float64(time.Second))
		case n == 1:
			r.After = time.Duration(secs * float64(time.Second))
		case s == "ring", s == "bye":
		case s == "prog":
			r.EarlyMedia = true
		case s == "dead":
			r.Action = softphone.Silent
		case s == "ans":
			r.Action, answered = softphone.Answer, true
		default:
			if n, _ := fmt.Sscanf(s, "r%d", &r.Status); n != 1 {
				return r, fmt.Errorf("unknown step %q", s)
			}
			r.Action = softphone.Reject
		}
	}
	return r, nil
}

// houseVar names, for a child process, the directory of a house that it is to
// open and keep until it is killed.
const houseVar = "DIALWRIGHT_CALLFILE_TEST_HOUSE"

// keepHouse is the child: what is traced and attempted is appended to a file
// that survives its death.
func keepHouse(dir string) error {
	ctx := context.Background() // a process of its own: killed, not cancelled
	extensions, err := os.ReadFile(filepath.Join(dir, "extensions.conf"))
	if err != nil {
		return err
	}
	note, err := appendTo(filepath.Join(dir, "trace"))
	if err != nil {
		return err
	}
	log, err := os.OpenFile(filepath.Join(dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = openHouse(ctx, houseOptions{
		dir: dir, compat: os.Getenv(houseVar+"_COMPAT") != "", extensions: string(extensions), log: log,
		trace: func(text string) { note(text) },
		event: func(call.Event) { note(attemptNote) },
		wait: func() { // for a line
			_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
		},
		fast: true, // what is written survives the process, if not the machine
	})
	if err != nil {
		return err
	}
	fmt.Println("started")
	select {}
}

// attemptNote stands in the trace file of a child for an attempt.
const attemptNote = "ATTEMPT"

// appendTo gives a function that appends a line with the time in front.
func appendTo(path string) (func(string), error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	return func(line string) {
		if _, err := fmt.Fprintf(f, "%d %s\n", time.Now().UnixNano(), line); err != nil {
			panic(err)
		}
	}, err
}
