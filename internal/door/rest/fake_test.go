package rest

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/door/auth"
)

// fake is a server in memory: it keeps calls and events and dials nothing.
type fake struct {
	mu      sync.Mutex
	calls   map[call.ID]call.Call
	keys    map[string]call.ID
	events  []call.Event
	oldest  int64         // events before are gone
	grown   chan struct{} // closed and renewed when events grow
	refuse  error
	ended   []string
	paused  []string
	reloads int
	ready   error
	bridges []Bridge
}

func newFake() *fake {
	return &fake{calls: map[call.ID]call.Call{}, keys: map[string]call.ID{}, grown: make(chan struct{}), oldest: 1}
}

func (f *fake) Submit(_ context.Context, r call.Request) (call.Call, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.refuse != nil {
		return call.Call{}, false, f.refuse
	}
	key := r.Origin.Principal + "/" + r.Key
	if c, ok := f.calls[f.keys[key]]; ok && r.Key != "" && c.Request.Digest != r.Digest {
		return call.Call{}, false, &Refusal{Code: "key-reused", Text: "The key was used before.", Field: "key"}
	}
	if id, ok := f.keys[key]; ok && r.Key != "" {
		return f.calls[id], true, nil
	}
	c := call.Call{ID: call.ID(fmt.Sprintf("call-%d", len(f.calls)+1)), Request: r, State: call.Queued,
		RouteA: call.Route{Endpoint: "PJSIP/" + r.First}, CreatedAt: time.Unix(1, 0).UTC(), DueAt: time.Unix(1, 0).UTC()}
	f.calls[c.ID], f.keys[key] = c, c.ID
	f.publish(call.Event{Type: call.EvAccepted, Call: c.ID, State: c.State, Account: r.Account})
	return c, false, nil
}

// Records gives one record of each call that has ended by a hangup.
func (f *fake) Records(_ context.Context, fl Filter) ([]call.CDR, string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []call.CDR
	for _, id := range f.ended {
		if fl.Account == "" || f.calls[call.ID(id)].Request.Account == fl.Account {
			out = append(out, call.CDR{Call: call.ID(id), Attempt: 1, Account: f.calls[call.ID(id)].Request.Account, Door: "rest"})
		}
	}
	return out, "", nil
}

func (f *fake) Bridges(context.Context) ([]Bridge, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.bridges), nil
}

func (f *fake) DestroyBridges(_ context.Context, creator string, _ bool) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	before := len(f.bridges)
	f.bridges = slices.DeleteFunc(f.bridges, func(b Bridge) bool { return b.Creator == creator })
	return before - len(f.bridges), nil
}

// publish adds an event; f.mu is held.
func (f *fake) publish(e call.Event) {
	e.Seq = f.oldest + int64(len(f.events))
	f.events = append(f.events, e)
	close(f.grown)
	f.grown = make(chan struct{})
}

func (f *fake) SubmitBatch(ctx context.Context, list []call.Request) ([]Submitted, error) {
	var out []Submitted
	for _, r := range list {
		if r.First == "bad" {
			out = append(out, Submitted{Err: &Refusal{Code: "destination", Text: "There is no phone bad.", Field: "first"}})
			continue
		}
		c, repeated, err := f.Submit(ctx, r)
		out = append(out, Submitted{c, repeated, err})
	}
	return out, nil
}

func (f *fake) CheckKeys(_ context.Context, list []call.Request) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range list {
		if c, ok := f.calls[f.keys[r.Origin.Principal+"/"+r.Key]]; ok && r.Key != "" && c.Request.Digest != r.Digest {
			return &Refusal{Code: "key-reused", Text: "The key was used before.", Field: "key"}
		}
	}
	return nil
}

func (f *fake) Check(_ context.Context, r call.Request) (Decision, error) {
	if r.First == "bad" {
		return Decision{Refusal: &Refusal{Code: "guard", Rule: "deny +1900", Text: "Premium numbers are not allowed."}}, nil
	}
	return Decision{RouteA: call.Route{Endpoint: "PJSIP/" + r.First}, Rules: []string{"account default"}}, nil
}

func (f *fake) Get(_ context.Context, id call.ID) (call.Call, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c, ok := f.calls[id]
	if !ok {
		return c, &Refusal{Code: "not-found", Text: "There is no call " + string(id) + "."}
	}
	return c, nil
}

func (f *fake) List(_ context.Context, flt Filter) ([]call.Call, string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []call.Call
	for i := range len(f.calls) {
		c := f.calls[call.ID(fmt.Sprintf("call-%d", i+1))]
		if (flt.Account == "" || c.Request.Account == flt.Account) && (flt.Batch == "" || c.Request.Batch == flt.Batch) {
			out = append(out, c)
		}
	}
	if len(out) > flt.Limit {
		return out[:flt.Limit], "more", nil
	}
	return out, "", nil
}

func (f *fake) Attempts(_ context.Context, id call.ID) ([]Attempt, error) {
	out := call.Outcome{
		Disposition: call.Busy,
		Failure:     &call.Failure{Leg: "a", Disposition: call.Busy, Cause: 17, SIPStatus: 486},
		A: call.LegOutcome{Endpoint: "PJSIP/101", Cause: 17, SIPStatus: 486, Disposition: call.Busy,
			Ladder: []call.SIPMessage{{Sent: true, First: "INVITE sip:101 SIP/2.0"}, {First: "SIP/2.0 486 Busy Here"}}},
	}
	return []Attempt{{Attempt: call.Attempt{Call: id, Number: 1}, Outcome: &out}}, nil
}

func (f *fake) Cancel(_ context.Context, id call.ID, by string) error {
	return f.end("cancel " + string(id) + " by " + by)
}

func (f *fake) Hangup(_ context.Context, id call.ID, by string) error {
	return f.end("hangup " + string(id) + " by " + by)
}

func (f *fake) end(what string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended = append(f.ended, what)
	return f.refuse
}

func (f *fake) PauseBatch(_ context.Context, b call.BatchID) error  { return f.pause("pause", b) }
func (f *fake) ResumeBatch(_ context.Context, b call.BatchID) error { return f.pause("resume", b) }
func (f *fake) CancelBatch(_ context.Context, b call.BatchID, _ string) (int, error) {
	return 2, f.pause("cancel", b)
}

func (f *fake) pause(what string, b call.BatchID) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.paused = append(f.paused, what+" "+string(b))
	return nil
}

func (f *fake) Events(ctx context.Context, after int64, flt EventFilter) iter.Seq2[call.Event, error] {
	return func(yield func(call.Event, error) bool) {
		f.mu.Lock()
		if after == FromNow {
			after = f.oldest + int64(len(f.events)) - 1
		}
		f.mu.Unlock()
		for {
			f.mu.Lock()
			if after < f.oldest-1 {
				oldest := f.oldest
				f.mu.Unlock()
				yield(call.Event{}, &LostError{After: after, Oldest: oldest})
				return
			}
			todo, grown := f.events[after-f.oldest+1:], f.grown
			f.mu.Unlock()
			for _, e := range todo {
				after = e.Seq
				if flt.Account != "" && e.Account != flt.Account || flt.Call != "" && e.Call != flt.Call {
					continue
				}
				if !yield(e, nil) {
					return
				}
			}
			select {
			case <-grown:
			case <-ctx.Done():
				return
			}
		}
	}
}

func (f *fake) Stats(context.Context) (Stats, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return Stats{Node: "n1", LastSeq: f.oldest + int64(len(f.events)) - 1, Live: 3, Accepted: 7, Denied: map[string]uint64{"guard": 2}, Ended: map[string]uint64{"BUSY": 1},
		Resources: []Resource{{Name: "trunk:carrier", InUse: 2}},
		Media:     MediaStats{Invalid: 11, UnknownPT: 12, Foreign: 13, NoPorts: 14, Panics: 1},
		SIP: SIPStats{Received: 21, Sent: 22, SendErrors: 23, Unparseable: 24, Limited: 25, Keepalives: 26, ReadErrors: 27, Connections: 28,
			Accepted: 29, Turned: 30, Transactions: 31, Legs: 32, Registered: 33, Panics: 2}}, nil
}

func (f *fake) Audit(_ context.Context, flt AuditFilter) ([]AuditEntry, error) {
	var out []AuditEntry
	for seq := int64(3); seq > 0; seq-- { // 3 was accepted, 2 and 1 denied
		if (flt.Cursor == 0 || seq < flt.Cursor) && (!flt.Denied || seq < 3) && len(out) < flt.Limit {
			out = append(out, AuditEntry{Seq: seq, Accepted: seq == 3, Door: "rest", Principal: "sales", Remote: "192.0.2.1:5", First: "101", Rule: "rule"})
		}
	}
	return out, nil
}

func (f *fake) Endpoints(context.Context) ([]call.EndpointState, error) {
	return []call.EndpointState{{Name: "101", Kind: "phone", Registered: true}, {Name: "carrier", Kind: "trunk"}}, nil
}

func (f *fake) Explain(account call.AccountID, typed string) Trace {
	return Trace{Typed: typed, Steps: []Step{{Rule: "phone", Before: typed, After: "PJSIP/" + typed, Note: string(account)}}, Endpoint: "PJSIP/" + typed}
}

func (f *fake) ExplainLabel(_ context.Context, only call.AccountID, typed, label string) Trace {
	return Trace{Typed: typed, Steps: []Step{{Rule: "label", Before: typed, After: typed + "@" + label, Note: string(only)}}}
}

func (f *fake) Reload(context.Context) (Reloaded, error) {
	f.reloads++
	return Reloaded{Files: []string{"dialwright.toml"}}, f.refuse
}

func (f *fake) Ready() error                   { return f.ready }
func (f *fake) DefaultAccount() call.AccountID { return "default" }

// house is a door on a test server with three keys.
type house struct {
	*fake
	door  *Server
	url   string
	admin string
	sales string // account sales, calls only
	watch string // account sales, reads only
}

// threeKeys is made once: hashes cost by design.
var threeKeys = sync.OnceValue(func() (k [3]struct{ key, hash string }) {
	for i, name := range []string{"admin", "sales", "watch"} {
		k[i].key = auth.NewKey(name)
		k[i].hash = auth.Hash(k[i].key)
	}
	return k
})

func setup(t testing.TB) *house {
	t.Helper()
	k := threeKeys()
	h := &house{fake: newFake(), admin: k[0].key, sales: k[1].key, watch: k[2].key}
	keys, err := auth.NewKeys([]auth.Entry{
		{Name: "admin", Hash: k[0].hash, Scopes: []auth.Scope{auth.Admin}},
		{Name: "sales", Hash: k[1].hash, Account: "sales", Scopes: []auth.Scope{auth.CallsRead, auth.CallsWrite, auth.EventsRead}},
		{Name: "watch", Hash: k[2].hash, Account: "sales", Scopes: []auth.Scope{auth.CallsRead}},
	})
	if err != nil {
		t.Fatal(err)
	}
	h.door, err = New(Options{Calls: h, Endpoints: h, Live: h, Routes: h, Control: h, Imports: newLists(t, h.fake, 128<<10), Keys: keys, Version: "test", MaxBody: 64 << 10, TrustedOrigins: []string{"https://crm.example.com"}})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(h.door)
	t.Cleanup(func() {
		if err := h.door.Stop(context.Background()); err != nil { // the test's own context has ended
			t.Error(err)
		}
		srv.Close()
	})
	h.url = srv.URL
	return h
}

// do sends a request and gives the answer with its body read.
func (h *house) do(t testing.TB, method, path, key, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, h.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var b strings.Builder
	buf := make([]byte, 4096)
	for {
		n, err := resp.Body.Read(buf)
		b.Write(buf[:n])
		if err != nil {
			return resp, b.String()
		}
	}
}
