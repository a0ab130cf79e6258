package bulk_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/bulk"
	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/number"
	"github.com/dialwright/dialwright/internal/originate"
	"github.com/dialwright/dialwright/internal/sheet"
	"github.com/dialwright/dialwright/internal/store/sqlite"
)

// office is a Book on a real originator and a real store. Its engine answers every call at once
// and counts how often each number was dialled.
type office struct {
	t     *testing.T
	dir   string
	conf  bulk.Config
	left  int // calls that accounts may still ask for today, negative = any
	store *sqlite.Store
	orig  *originate.Originator
	book  *bulk.Book

	mu     sync.Mutex
	policy originate.Policy
	dialed map[call.Endpoint]int
}

func newOffice(t *testing.T) *office {
	o := &office{t: t, dir: t.TempDir(), left: -1, dialed: map[call.Endpoint]int{}, policy: originate.Policy{
		Country:  "DE",
		Accounts: map[call.AccountID]originate.Account{"sales": {Deny: []string{"+49900"}}, "support": {}},
	}}
	o.open()
	return o
}

func (o *office) must(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

// open starts everything on the office's folder.
func (o *office) open() {
	o.t.Helper()
	var err error
	o.store, err = sqlite.Open(o.t.Context(), sqlite.Options{Path: filepath.Join(o.dir, "db"), Synchronous: "OFF"})
	o.must(err)
	o.orig = originate.New(originate.Options{Store: o.store, Engine: o, Router: o, Node: "n", Policy: func() *originate.Policy {
		o.mu.Lock()
		defer o.mu.Unlock()
		return new(o.policy)
	}})
	o.must(o.orig.Start(o.t.Context()))
	o.book = bulk.New(bulk.Options{
		Dir: filepath.Join(o.dir, "imports"), Store: o.store, Queue: o.orig, Config: func() bulk.Config { return o.conf }, Zone: time.UTC,
		Left: func(context.Context, call.AccountID) (int, error) { return o.left, nil },
		Same: func(_ call.AccountID, r call.Route) string {
			return number.Inspect(r.Number, "DE").E164 + string(r.Phone)
		},
	})
	o.must(o.book.Start(o.t.Context()))
	o.t.Cleanup(o.close)
}

// close stops everything in order. It may be called again.
func (o *office) close() {
	ctx := context.Background() // the test's own may have ended
	for _, err := range []error{o.orig.Stop(ctx), o.book.Stop(ctx), o.store.Close()} {
		if err != nil {
			o.t.Error(err)
		}
	}
}

// Place is originate.Engine.
func (o *office) Place(_ context.Context, a call.Attempt, events func(call.Event)) (call.Outcome, error) {
	o.mu.Lock()
	o.dialed[a.RouteB.Endpoint]++
	o.mu.Unlock()
	for _, e := range []call.EventType{call.EvRinging, call.EvAnswered, call.EvConnected} {
		events(call.Event{Type: e, Leg: "a"})
	}
	now := time.Now()
	return call.Outcome{Disposition: call.Answered, EndedAt: now, ConnectedAt: now, A: call.LegOutcome{Endpoint: a.RouteA.Endpoint, StartedAt: now, AnsweredAt: now, EndedAt: now, Disposition: call.Answered, Cause: 16}}, nil
}

func (*office) Endpoints(context.Context) ([]call.EndpointState, error) { return nil, nil }

// Route is originate.Router: three digits are a phone, others leave by a trunk.
func (*office) Route(_ call.AccountID, e call.Endpoint) (call.Route, error) {
	n := number.Compact(string(e))
	switch {
	case !number.IsDialable(n):
		return call.Route{}, &originate.Refusal{Code: originate.RefusedDestination, Text: fmt.Sprintf("%q is no number.", string(e))}
	case len(n) == 3:
		return call.Route{Typed: string(e), Endpoint: call.Endpoint("PJSIP/" + n), Number: n, Phone: n}, nil
	}
	return call.Route{Typed: string(e), Endpoint: call.Endpoint("PJSIP/" + n + "@x"), Number: n, Trunk: "x"}, nil
}

var (
	sales   = bulk.By{Door: "rest", Principal: "crm", Own: "sales"}
	support = bulk.By{Door: "rest", Principal: "help", Own: "support"}
	admin   = bulk.By{Door: "cli", Principal: "local", Own: "sales", All: true}
)

func (o *office) upload(text string) bulk.Import {
	o.t.Helper()
	i, err := o.book.Upload(o.t.Context(), sales, "list.csv", strings.NewReader(text), sheet.ReadOptions{})
	o.must(err)
	return i
}

// planOf rings 101 and connects it with what a column holds.
func planOf(i bulk.Import, column int) bulk.Plan {
	return bulk.Plan{Header: i.Table.Header, Mapping: bulk.Mapping{First: &bulk.Source{Value: "101"}, Second: &bulk.Source{Column: &column}}}
}

// list makes a list of n rows with a header and different numbers.
func list(n int) string {
	var b strings.Builder
	b.WriteString("Name;Telefon;Stadt\n")
	for i := range n {
		fmt.Fprintf(&b, "Customer %d;030 4%07d;Berlin\n", i, i)
	}
	return b.String()
}

// until waits for an import to be as wanted.
func (o *office) until(id string, what string, ok func(bulk.Import) bool) bulk.Import {
	o.t.Helper()
	for o.t.Context().Err() == nil {
		i, err := o.book.Get(o.t.Context(), id, admin)
		o.must(err)
		if ok(i) {
			return i
		}
		wait := time.NewTimer(time.Millisecond)
		<-wait.C
	}
	o.t.Fatal("never happened: ", what)
	return bulk.Import{}
}

// ended waits until so many calls of a batch are over.
func (o *office) ended(batch call.BatchID, n int) {
	o.t.Helper()
	for _, err := range o.orig.Events(o.t.Context(), 0, originate.EventFilter{Batch: batch, Types: []call.EventType{call.EvEnded}}) {
		o.must(err)
		if n--; n == 0 {
			return
		}
	}
}

func over(i bulk.Import) bool { return i.State == bulk.Submitted || i.State == bulk.Failed }
