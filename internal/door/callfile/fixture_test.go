package callfile_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/door/callfile"
	"github.com/dialwright/dialwright/internal/originate"
	"github.com/dialwright/dialwright/internal/store/sqlite"
)

// calls gives an originator the shape that the door declares, as package app does.
type calls struct {
	o     *originate.Originator
	store originate.Store
}

func (c calls) SubmitBatch(ctx context.Context, list []call.Request) ([]callfile.Submitted, error) {
	subs, err := c.o.SubmitBatch(ctx, list)
	if err != nil {
		return nil, refusal(err)
	}
	out := make([]callfile.Submitted, len(subs))
	for i, s := range subs {
		out[i] = callfile.Submitted{Call: s.Call, Repeated: s.Repeated, Err: refusal(s.Err)}
	}
	return out, nil
}

func refusal(err error) error {
	r, ok := errors.AsType[*originate.Refusal](err)
	if !ok {
		return err
	}
	return &callfile.Refusal{
		Text: r.Error(), RetryAfter: r.RetryAfter, KeyReused: r.Code == originate.RefusedKeyReused,
		Temporary: slices.Contains([]originate.RefusalCode{originate.RefusedRate, originate.RefusedStopping, originate.RefusedStore}, r.Code),
	}
}

func (c calls) Find(ctx context.Context, key string) (call.Call, bool, error) {
	a, err := c.store.FindKey(ctx, originate.Key{Door: callfile.DoorName, Principal: callfile.Principal, ID: key})
	if errors.Is(err, originate.ErrNotFound) {
		return call.Call{}, false, nil
	}
	return a.Call, err == nil, err
}

func (c calls) Get(ctx context.Context, id call.ID) (call.Call, bool, error) {
	got, err := c.store.Get(ctx, id)
	return got, err == nil, err
}

func (c calls) Cancel(ctx context.Context, id call.ID, by string) error {
	return c.o.Cancel(ctx, id, by)
}

func (c calls) LastSeq(ctx context.Context) (int64, error) {
	n, err := c.store.Counts(ctx)
	return n.Seq, err
}

func (c calls) Events(ctx context.Context, after int64, types []call.EventType) iter.Seq2[call.Event, error] {
	return c.o.Events(ctx, after, originate.EventFilter{Types: types})
}

// anyRoute takes every endpoint as it is.
type anyRoute struct{}

func (anyRoute) Route(_ call.AccountID, e call.Endpoint) (call.Route, error) {
	return call.Route{Typed: string(e), Endpoint: e}, nil
}

// party is an engine whose parties are named by their destination: Local/busy@x
// is busy. It notes each dial.
type party struct {
	hold chan struct{} // ends one party named hold for each value

	mu    sync.Mutex // guards what follows
	dials []dial
	live  int
	high  int // most at once
}

type dial struct {
	call.Attempt
	at, end time.Time
}

func (p *party) Endpoints(context.Context) ([]call.EndpointState, error) { return nil, nil }

func (p *party) Place(ctx context.Context, a call.Attempt, events func(call.Event)) (call.Outcome, error) {
	p.mu.Lock()
	i := len(p.dials)
	p.dials = append(p.dials, dial{Attempt: a, at: time.Now()})
	p.live++
	p.high = max(p.high, p.live)
	p.mu.Unlock()
	out := p.meet(ctx, a, events)
	p.mu.Lock()
	p.dials[i].end = time.Now()
	p.live--
	p.mu.Unlock()
	return out, nil
}

// meet is what becomes of a dial.
func (p *party) meet(ctx context.Context, a call.Attempt, events func(call.Event)) call.Outcome {
	name, _, _ := strings.Cut(a.RouteA.Endpoint.Resource(), "@")
	answer := func(talk <-chan time.Time) call.Outcome {
		now := time.Now()
		events(call.Event{Type: call.EvAnswered, Leg: "a"})
		events(call.Event{Type: call.EvConnected})
		select {
		case <-talk:
		case <-p.hold:
		case <-ctx.Done():
		}
		out := call.Outcome{Disposition: call.Answered, Reason: 4, Detail: call.Completed, HangupBy: "a"}
		out.A.AnsweredAt = now
		if a.Request.Then.Context == "nowhere" {
			out.Detail = call.CompletedNoDestination
		}
		return out
	}
	refuse := func(d call.Disposition, cause, sip, reason int) call.Outcome {
		return call.Outcome{Disposition: d, Reason: reason, Failure: &call.Failure{Leg: "a", Disposition: d, Cause: cause, SIPStatus: sip}}
	}
	switch name {
	case "answer":
		done := make(chan time.Time)
		close(done)
		return answer(done)
	case "hold":
		return answer(nil)
	case "slow": // rings for a while, then is busy
		wait(ctx, 1200*time.Millisecond)
		return refuse(call.Busy, 17, 486, 5)
	case "ring":
		events(call.Event{Type: call.EvRinging, Leg: "a"})
		<-ctx.Done()
		return call.Outcome{Disposition: call.Cancelled, HangupBy: "server"}
	case "nobody":
		return refuse(call.Failed, 1, 404, 0)
	}
	return refuse(call.Busy, 17, 486, 5)
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// made gives the dials so far.
func (p *party) made() []dial {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.dials)
}

// logbook keeps what is logged.
type logbook struct {
	mu   sync.Mutex // guards text
	text strings.Builder
}

func (l *logbook) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// spool is a server with a folder: a real originator on a real store, and the
// parties of party.
type spool struct {
	*testing.T
	base   string // outgoing, outgoing_done, outgoing_failed and tmp are below it
	log    *logbook
	party  *party
	policy *originate.Policy
	change func(*callfile.Options)

	store *sqlite.Store
	o     *originate.Originator
	door  *callfile.Door
}

const account = "calls"

// start starts a server. change may set options of the door.
func start(t *testing.T, change func(*callfile.Options)) *spool {
	t.Helper()
	s := &spool{T: t, base: memoryDir(t), log: &logbook{}, party: &party{hold: make(chan struct{})}, change: change}
	s.policy = &originate.Policy{Accounts: map[call.AccountID]originate.Account{account: {}}, Limits: map[string]originate.Limits{}}
	if err := os.Mkdir(filepath.Join(s.base, "tmp"), 0o755); err != nil {
		t.Fatal(err)
	}
	s.up()
	t.Cleanup(func() {
		s.down()
		if t.Failed() {
			t.Logf("log:\n%s", s.log)
		}
	})
	return s
}

// up starts the server over what is there.
func (s *spool) up() {
	s.Helper()
	var err error
	if s.store, err = sqlite.Open(s.Context(), sqlite.Options{Path: filepath.Join(s.base, "calls.db"), Synchronous: "OFF"}); err != nil {
		s.Fatal(err)
	}
	s.o = originate.New(originate.Options{Store: s.store, Engine: s.party, Router: anyRoute{}, Node: "n1", Policy: func() *originate.Policy { return s.policy }})
	if err := s.o.Start(s.Context()); err != nil {
		s.Fatal(err)
	}
	o := callfile.Options{
		Dir: s.path("outgoing", ""), Calls: calls{s.o, s.store}, Account: account, Log: slog.New(slog.NewTextHandler(s.log, nil)),
		Settle: 300 * time.Millisecond, Rescan: 500 * time.Millisecond,
	}
	if s.change != nil {
		s.change(&o)
	}
	if s.door, err = callfile.New(o); err != nil {
		s.Fatal(err)
	}
	if err := s.door.Start(s.Context()); err != nil {
		s.Fatal(err)
	}
}

// down stops the server in order; calls that are up are hung up.
func (s *spool) down() {
	s.Helper()
	if s.door == nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background()) // t.Context may have ended
	cancel()
	if err := errors.Join(s.door.Stop(ctx), s.o.Stop(ctx), s.store.Close()); err != nil {
		s.Errorf("stop: %v", err)
	}
	s.door = nil
}

// path gives a path below a folder of the server.
func (s *spool) path(folder, name string) string { return filepath.Join(s.base, folder, name) }

// put moves a file into the folder, as the documentation of Asterisk says.
func (s *spool) put(name, text string, at ...time.Time) {
	s.Helper()
	s.prepare(name, text, at...)
	if err := os.Rename(s.path("tmp", name), s.path("outgoing", name)); err != nil {
		s.Fatal(err)
	}
}

func (s *spool) prepare(name, text string, at ...time.Time) {
	s.Helper()
	if err := os.WriteFile(s.path("tmp", name), []byte(text), 0o644); err != nil {
		s.Fatal(err)
	}
	if len(at) > 0 {
		if err := os.Chtimes(s.path("tmp", name), at[0], at[0]); err != nil {
			s.Fatal(err)
		}
	}
}

// text reads a file of a folder, "" if there is none.
func (s *spool) text(folder, name string) string {
	s.Helper()
	b, err := os.ReadFile(s.path(folder, name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.Fatal(err)
	}
	return string(b)
}

func (s *spool) there(folder, name string) bool {
	_, err := os.Lstat(s.path(folder, name))
	return err == nil
}

// names lists a folder.
func (s *spool) names(folder string) []string {
	s.Helper()
	list, err := os.ReadDir(s.path(folder, ""))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.Fatal(err)
	}
	out := []string{}
	for _, e := range list {
		out = append(out, e.Name())
	}
	return out
}

// until waits for something to become true.
func (s *spool) until(what string, ok func() bool) {
	s.Helper()
	await(s.T, what, ok)
}

func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(20 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("waited for 20 s: %s", what)
		}
	}
}

// dials waits for n dials.
func (s *spool) dials(n int) []dial {
	s.Helper()
	s.until(fmt.Sprintf("%d dials", n), func() bool { return len(s.party.made()) >= n })
	return s.party.made()
}

// quiet lets a time pass in which nothing must be dialled.
func (s *spool) quiet(d time.Duration) {
	s.Helper()
	n := len(s.party.made())
	<-time.After(d)
	if got := s.party.made(); len(got) != n {
		s.Fatalf("%d more dials, the last of %s", len(got)-n, got[len(got)-1].RouteA.Endpoint)
	}
}

// emptied waits until the folder is empty.
func (s *spool) emptied() {
	s.Helper()
	s.until("empty folder", func() bool { return len(s.names("outgoing")) == 0 })
}

// logged waits for a text in the log.
func (s *spool) logged(text string) {
	s.Helper()
	s.until("log: "+text, func() bool { return strings.Contains(s.log.String(), text) })
}

// release ends one party named hold.
func (s *spool) release() {
	s.Helper()
	select {
	case s.party.hold <- struct{}{}:
	case <-time.After(10 * time.Second):
		s.Fatal("nobody holds")
	}
}

// file is a call file for a party.
func file(dest, more string) string {
	return "Channel: Local/" + dest + "@x\nContext: in\nExtension: 100\n" + more
}
