// Package history makes a store with many calls in its history, for tests of how long it
// takes to look at them. A thousand calls are made by the store's own operations, then
// copied in the database: a hundred thousand take seconds, not minutes.
package history

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net/url"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/originate"
	"github.com/dialwright/dialwright/internal/store/sqlite"
)

const base = 1000 // calls that are made one by one

// Every is the time between two copies of the thousand.
const Every = 7 * time.Hour

// Rare is part of a number that one call in a thousand has, and Batch the batch that a few
// of them are in.
const (
	Rare  = "30777777"
	Batch = "campaign-3-5"
)

// kinds are how calls end, of a hundred.
var kinds = []struct {
	until int
	d     call.Disposition
	sip   int
	cause int
}{{55, call.Answered, 0, 16}, {72, call.Busy, 486, 17}, {88, call.NoAnswer, 480, 19}, {97, call.Failed, 404, 1}, {99, call.Congestion, 503, 34}, {100, call.Interrupted, 0, 0}}

// Fill makes a store at path with calls (a multiple of 1,000) in the history that ends
// now, all of them over, with attempts, records, events and the audit trail. Times within
// documents are those of the thousand that were copied.
func Fill(t testing.TB, path string, calls int) {
	t.Helper()
	copies := calls / base
	begin := time.Now().UTC().Truncate(time.Second).Add(-time.Duration(copies) * Every)
	s, err := sqlite.Open(t.Context(), sqlite.Options{Path: path, Synchronous: "OFF"})
	if err != nil {
		t.Fatal(err)
	}
	m := &maker{t: t, ctx: t.Context(), s: s, now: begin, r: rand.New(rand.NewPCG(1, 2))}
	m.all()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	multiply(t, path, copies)
}

type maker struct {
	t   testing.TB
	ctx context.Context
	s   *sqlite.Store
	now time.Time
	r   *rand.Rand
	l   originate.Lease
}

func (m *maker) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

func (m *maker) all() {
	var err error
	m.l, err = m.s.Acquire(m.ctx, "filler", m.now, 24*time.Hour)
	m.must(err)
	for i := range base {
		m.one(i)
		m.now = m.now.Add(Every / (2 * base))
	}
	m.must(m.s.Release(m.ctx, m.l))
	for i := range base / 10 {
		m.must(m.s.Deny(m.ctx, originate.AuditEntry{
			At: m.now, Origin: call.Origin{Door: "rest", Principal: "shop", Remote: "192.0.2.7"}, Account: "sales", First: "101",
			Second: fmt.Sprintf("+1900%06d", i), Code: originate.RefusedGuard, Rule: "account sales: deny +1900", Text: "Numbers that begin with +1900 are not allowed.",
		}))
	}
}

// one makes a call and lets it end, perhaps after a second attempt.
func (m *maker) one(i int) {
	number := fmt.Sprintf("+4930%08d", m.r.IntN(1e8))
	if i == 333 {
		number = "+49" + Rare + "1"
	}
	phone := fmt.Sprint(101 + i%30)
	c := call.Call{
		ID: call.ID(uuid.Must(uuid.NewV7()).String()), State: call.Queued, CreatedAt: m.now, DueAt: m.now,
		Request: call.Request{
			Origin: call.Origin{
				Door: []string{"rest", "rest", "rest", "vodia", "callfile", "cli"}[i%6], Principal: []string{"shop", "crm", "123@office"}[i%3],
				Remote: "192.0.2.7", Reference: fmt.Sprintf("lead-%d", i),
			},
			Account: []call.AccountID{"sales", "sales", "sales", "support", "default"}[i%5], First: call.Endpoint(phone),
			Then:     call.Then{Kind: call.ThenConnect, Second: call.Endpoint(number), WaitTime: 30 * time.Second},
			CallerID: call.CallerID{Name: "Sales", Number: "+493012345"}, WaitTime: 30 * time.Second,
			Variables: []call.Variable{{Name: "CUSTOMER", Value: fmt.Sprint(4711 + i)}, {Name: "CAMPAIGN", Value: "autumn"}},
			Retry:     call.Retry{Max: i % 2, Wait: time.Millisecond},
		},
		RouteA: call.Route{Typed: phone, Endpoint: call.Endpoint("PJSIP/" + phone), Number: phone, Phone: phone},
		RouteB: call.Route{Typed: number, Endpoint: call.Endpoint("PJSIP/" + number + "@carrier"), Number: number, Trunk: "carrier"},
	}
	if i%3 == 0 {
		c.Request.Batch = call.BatchID(fmt.Sprintf("campaign-%d", i%10))
	}
	got, err := m.s.Admit(m.ctx, []originate.Admission{{Call: c, Rule: "account " + string(c.Request.Account)}})
	m.must(err)
	m.must(got[0].Err)
	for n := 0; ; n++ {
		m.now = m.now.Add(time.Second)
		got, err := m.s.Claim(m.ctx, originate.Claim{Lease: m.l, Now: m.now, Max: 1, Limits: func(string) originate.Limits { return originate.Limits{} }})
		m.must(err)
		if len(got.Attempts) == 0 {
			return
		}
		m.attempt(got.Attempts[0])
	}
}

func (m *maker) attempt(a call.Attempt) {
	ref := originate.AttemptRef{Call: a.Call, Number: a.Number, Lease: m.l}
	start, dice := m.now, m.r.IntN(100)
	k := kinds[0]
	for _, k = range kinds {
		if dice < k.until {
			break
		}
	}
	events := []call.Event{{At: start.Add(time.Second), Type: call.EvRinging, Leg: "a", Channel: "PJSIP/101-00000001"}}
	end := start.Add(20 * time.Second)
	o := call.Outcome{
		Disposition: k.d, EndedAt: end, HangupBy: "b",
		A: call.LegOutcome{
			Channel: "PJSIP/101-00000001", ChannelID: "1764370000.1", Endpoint: a.RouteA.Endpoint, CallID: uuid.NewString(), StartedAt: start,
			RingingAt: start.Add(time.Second), EndedAt: end, Disposition: k.d, Cause: k.cause, SIPStatus: k.sip, Codec: "opus", PacketsIn: 1000, PacketsOut: 1000,
			Ladder: ladder(start),
		},
	}
	if k.d == call.Answered {
		o.A.AnsweredAt, o.ConnectedAt = start.Add(4*time.Second), start.Add(8*time.Second)
		b := o.A
		b.Endpoint, b.AnsweredAt, b.Ladder = a.RouteB.Endpoint, o.ConnectedAt, ladder(start.Add(4*time.Second))
		o.B = &b
		for i, typ := range []call.EventType{call.EvAnswered, call.EvConnecting, call.EvConnected} {
			events = append(events, call.Event{At: start.Add(time.Duration(4+2*i) * time.Second), Type: typ, Leg: "a", Channel: "PJSIP/101-00000001"})
		}
	} else {
		o.Failure = &call.Failure{Leg: "a", Disposition: k.d, Cause: k.cause, SIPStatus: k.sip, Peer: "Busy Here"}
	}
	_, err := m.s.Progress(m.ctx, ref, events)
	m.must(err)
	_, err = m.s.EndAttempt(m.ctx, originate.AttemptEnd{Ref: ref, Outcome: o, CDR: originate.MakeCDR(a, o), Now: end})
	m.must(err)
}

// ladder is what a leg's SIP looks like.
func ladder(at time.Time) (out []call.SIPMessage) {
	for i, first := range []string{
		"INVITE sip:101@192.0.2.20:5060;transport=udp SIP/2.0", "SIP/2.0 100 Trying", "SIP/2.0 180 Ringing", "SIP/2.0 200 OK",
		"ACK sip:101@192.0.2.20:5060;transport=udp SIP/2.0", "BYE sip:101@192.0.2.20:5060;transport=udp SIP/2.0", "SIP/2.0 200 OK",
	} {
		out = append(out, call.SIPMessage{At: at.Add(time.Duration(i) * 100 * time.Millisecond), Sent: i == 0 || i == 4 || i == 5, Peer: "udp:192.0.2.20:5060", First: first, Note: "SDP"})
	}
	return out
}

// multiply copies everything until it is there n times, each copy later than the one
// before.
func multiply(t testing.TB, path string, n int) {
	t.Helper()
	q := url.Values{"_pragma": {"journal_mode(WAL)", "synchronous(OFF)", "cache_size(-65536)"}}
	db, err := sql.Open("sqlite", "file:"+path+"?"+q.Encode())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	// A call's copy k has the number n + 1000k, and its id says so.
	const id = `substr(c.id, 1, 24) || printf('%012x', c.n + 1000 * :k)`
	for _, text := range []string{"BEGIN", "CREATE TEMP TABLE was AS SELECT * FROM call", "CREATE TEMP TABLE tried AS SELECT * FROM attempt",
		"CREATE TEMP TABLE told AS SELECT * FROM event", "CREATE TEMP TABLE kept AS SELECT * FROM cdr", "CREATE TEMP TABLE trail AS SELECT * FROM audit",
		"CREATE INDEX temp.was_id ON was (id)", "CREATE TEMP TABLE minutes AS SELECT * FROM minute"} {
		if _, err := db.ExecContext(t.Context(), text); err != nil {
			t.Fatal(text, err)
		}
	}
	for k := 1; k < n; k++ {
		for _, text := range []string{
			`INSERT OR IGNORE INTO batch (id, created_at) SELECT DISTINCT c.batch || '-' || :k, c.created_at + :shift FROM was c WHERE c.batch <> ''`,
			`INSERT INTO call (n, id, state, lane, priority, due_at, not_after, created_at, ended_at, attempts, reason, disposition, door, principal, key, fingerprint,
				account, batch, reference, numbers, request, route_a, route_b)
				SELECT c.n + 1000 * :k, ` + id + `, c.state, c.lane, c.priority, c.due_at + :shift, c.not_after, c.created_at + :shift, c.ended_at + :shift, c.attempts,
				c.reason, c.disposition, c.door, c.principal, c.key, c.fingerprint, c.account, CASE c.batch WHEN '' THEN '' ELSE c.batch || '-' || :k END,
				c.reference || '-' || :k, c.numbers, c.request, c.route_a, c.route_b FROM was c`,
			`INSERT INTO attempt (call, number, lane, node, epoch, started_at, ended_at, outcome)
				SELECT call + 1000 * :k, number, lane, node, epoch, started_at + :shift, ended_at + :shift, outcome FROM tried`,
			`INSERT INTO event (at, type, call_id, account, batch, body)
				SELECT e.at + :shift, e.type, ` + id + `, e.account, e.batch, replace(e.body, c.id, ` + id + `) FROM told e JOIN was c ON c.id = e.call_id ORDER BY e.seq`,
			`INSERT INTO cdr (call_id, attempt, account, batch, door, disposition, numbers, ended_at, body)
				SELECT ` + id + `, d.attempt, d.account, d.batch, d.door, d.disposition, d.numbers, d.ended_at + :shift, replace(d.body, c.id, ` + id + `)
				FROM kept d JOIN was c ON c.id = d.call_id ORDER BY d.n`,
			`INSERT INTO audit (at, accepted, origin, account, first, second, call_id, code, rule, text)
				SELECT a.at + :shift, a.accepted, a.origin, a.account, a.first, a.second, CASE WHEN c.id IS NULL THEN '' ELSE ` + id + ` END, a.code, a.rule, a.text
				FROM trail a LEFT JOIN was c ON c.id = a.call_id ORDER BY a.seq`,
			`INSERT OR IGNORE INTO minute (at, account, attempts, ended, answered, to_answer)
				SELECT at + :shift, account, attempts, ended, answered, to_answer FROM minutes`,
		} {
			if _, err := db.ExecContext(t.Context(), text, sql.Named("k", k), sql.Named("shift", int64(k)*Every.Milliseconds())); err != nil {
				t.Fatalf("%.60s…: %v", text, err)
			}
		}
	}
	if _, err := db.ExecContext(t.Context(), "COMMIT"); err != nil {
		t.Fatal(err)
	}
}
