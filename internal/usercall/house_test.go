package usercall_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/local"
	"github.com/dialwright/dialwright/internal/originate"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/pretend"
	"github.com/dialwright/dialwright/internal/store/sqlite"
	"github.com/dialwright/dialwright/internal/usercall"
)

// house is a switch with pretended phones, a queue on SQLite, and the table under test; all
// of it in a bubble of fake time.
type house struct {
	*testing.T
	sw    *pbx.Switch
	queue *originate.Originator
	table *usercall.Table
}

// bubble runs f in a house.
func bubble(t *testing.T, f func(*house)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := &house{T: t}
		h.sw = pbx.New(pbx.Options{Router: extensions{}, Linger: -1})
		h.sw.Register(pretend.New(pretend.Options{}))
		h.sw.Register(local.New(h.sw))
		h.table = usercall.New(usercall.Options{Switch: h.sw, Self: self})
		store, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "calls.db"), Synchronous: "OFF"})
		h.must(err)
		h.queue = originate.New(originate.Options{
			Store: store, Engine: h.table.Engine(pbx.NewEngine(h.sw)), Router: extensions{}, Node: "n1", LeaseTTL: time.Hour,
			Policy: func() *originate.Policy {
				return &originate.Policy{Country: "DE", Accounts: map[call.AccountID]originate.Account{"sales": {}}}
			},
		})
		h.table.SetQueue(h.queue)
		h.must(h.table.Start(t.Context()))
		h.must(h.queue.Start(t.Context()))
		defer func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute) // t's own may have ended
			defer cancel()
			hurry, now := context.WithCancel(ctx)
			now()
			h.must(h.queue.Stop(hurry))
			h.must(h.sw.Stop(ctx))
			synctest.Wait()
			if left := h.table.Of(""); len(left) > 0 {
				t.Errorf("calls that are left: %+v", left)
			}
			h.must(h.table.Stop(ctx))
			h.must(store.Close())
		}()
		f(h)
	})
}

// self is how phones show themselves.
func self(phone string) call.CallerID {
	return call.CallerID{Name: "Phone " + phone, Number: phone}
}

// extensions lead everywhere: TECH/resource to itself, 1… to a pretended phone, trunk:… to
// one that stands for a trunk.
type extensions struct{}

func (extensions) Route(_ call.AccountID, e call.Endpoint) (call.Route, error) {
	r := call.Route{Typed: string(e), Endpoint: e}
	if e.Tech() == "" {
		r.Endpoint = "Pretend/" + e
	}
	r.Number, _, _ = strings.Cut(r.Endpoint.Resource(), "?")
	if r.Endpoint.Tech() == "PRETEND" {
		r.Phone = r.Number
	}
	return r, nil
}

func (x extensions) Inbound(a call.AccountID, _, dialled string) (call.Route, error) {
	r, err := x.Route(a, call.Endpoint(dialled))
	r.Phone = ""
	return r, err
}

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

// click asks for a call from one pretended phone to another.
func (h *house) click(a, b string, change ...func(*call.Request)) call.Call {
	h.Helper()
	r := call.Request{
		Origin: call.Origin{Door: "test", Principal: "vodia:anna", Reference: "as typed: " + b}, Account: "sales",
		First: call.Endpoint("Pretend/" + a), Callee: call.CallerID{Name: "Dr. B", Number: "42"},
		Then: call.Then{Kind: call.ThenConnect, Second: call.Endpoint("Pretend/" + b)},
	}
	for _, f := range change {
		f(&r)
	}
	c, _, err := h.queue.Submit(h.Context(), r)
	h.must(err)
	return c
}

// pass lets fake time pass, and what is due then happen.
func (h *house) pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// only gives the one call of a phone.
func (h *house) only(phone string) usercall.Call {
	h.Helper()
	list := h.table.Of(phone)
	if len(list) != 1 {
		h.Fatalf("phone %s has %d calls: %+v", phone, len(list), list)
	}
	return list[0]
}

// states gives the states of a phone's calls, in order.
func (h *house) states(phone string) string {
	return states(h.table.Of(phone))
}

func states(list []usercall.Call) string {
	out := make([]string, len(list))
	for i, c := range list {
		out[i] = string(c.State)
	}
	return strings.Join(out, " ")
}

// want checks the states of a phone's calls.
func (h *house) want(phone, states string) {
	h.Helper()
	synctest.Wait()
	if got := h.states(phone); got != states {
		h.Errorf("phone %s: %q, want %q", phone, got, states)
	}
}

// film is what a watcher of a phone has seen.
type film struct {
	mu     sync.Mutex
	frames []string
}

// watch begins a film of a phone.
func (h *house) watch(phone string) *film {
	f := &film{}
	h.Cleanup(h.table.Watch(phone, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.frames = append(f.frames, h.states(phone))
	}))
	return f
}

// want checks what was seen, without frames in which only something else than a state is new.
func (f *film) want(t *testing.T, frames ...string) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if d := cmp.Diff(frames, slices.Compact(slices.Clone(f.frames)), cmpopts.EquateEmpty()); d != "" {
		t.Errorf("what the watcher saw (-want +got):\n%s", d)
	}
}

// dialled is a call that a phone itself makes: a leg of ours comes in.
func (h *house) dialled(phone, number string) *pbx.Channel {
	h.Helper()
	c, err := h.sw.Incoming(&set{phone: phone}, pbx.IncomingOptions{
		Endpoint: phone, CallerID: self(phone), Dialled: number, Account: "sales",
	})
	h.must(err)
	return c
}

// called is a call from a trunk.
func (h *house) called(from, number string) *pbx.Channel {
	h.Helper()
	c, err := h.sw.Incoming(&set{trunk: "carrier"}, pbx.IncomingOptions{
		Endpoint: "carrier", CallerID: call.CallerID{Name: "Outside", Number: from}, Dialled: number,
	})
	h.must(err)
	return c
}

func (h *house) String() string { return fmt.Sprintf("%+v", h.table.Of("")) }
