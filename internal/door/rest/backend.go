package rest

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/dialwright/dialwright/internal/call"
)

// Calls is what the door needs from the originator. Refused requests are
// *Refusal errors.
type Calls interface {
	Submit(ctx context.Context, r call.Request) (c call.Call, repeated bool, err error)
	SubmitBatch(ctx context.Context, list []call.Request) ([]Submitted, error)
	// CheckKeys is a *Refusal if the key of one of these was used with another request.
	CheckKeys(ctx context.Context, list []call.Request) error
	Check(ctx context.Context, r call.Request) (Decision, error)
	Get(ctx context.Context, id call.ID) (call.Call, error)
	List(ctx context.Context, f Filter) (calls []call.Call, next string, err error)
	Attempts(ctx context.Context, id call.ID) ([]Attempt, error)
	// Records gives a page of call detail records; From and To are about their ends.
	Records(ctx context.Context, f Filter) (records []call.CDR, next string, err error)
	Cancel(ctx context.Context, id call.ID, by string) error
	Hangup(ctx context.Context, id call.ID, by string) error
	PauseBatch(ctx context.Context, b call.BatchID) error
	ResumeBatch(ctx context.Context, b call.BatchID) error
	CancelBatch(ctx context.Context, b call.BatchID, by string) (int, error)
	// Events gives the events after a cursor and then those that come, until ctx
	// ends. FromNow as cursor skips the past. A *LostError says that some are gone.
	Events(ctx context.Context, after int64, f EventFilter) iter.Seq2[call.Event, error]
	// Audit gives a page of the audit trail.
	Audit(ctx context.Context, f AuditFilter) ([]AuditEntry, error)
	Stats(ctx context.Context) (Stats, error)
}

// Endpoints is what the door needs from the switch.
type Endpoints interface {
	Endpoints(ctx context.Context) ([]call.EndpointState, error)
}

// Live is what the door needs from the switch to show and end what runs.
type Live interface {
	Bridges(ctx context.Context) ([]Bridge, error)
	// DestroyBridges ends every bridge of a creator, with or without its channels, and
	// says how many.
	DestroyBridges(ctx context.Context, creator string, hangup bool) (int, error)
}

// Bridge is a bridge as it is now.
type Bridge struct {
	ID        string    `json:"id"`
	Name      string    `json:"name,omitempty"`
	Type      string    `json:"type" enum:"mixing,holding"`
	Creator   string    `json:"creator" doc:"Stasis: an application; Dial, ConfBridge: the dialplan"`
	Channels  []string  `json:"channels" nullable:"false" doc:"Ids, in the order in which they came"`
	CreatedAt time.Time `json:"created_at"`
}

// Routes is what the door needs from routing.
type Routes interface {
	Explain(account call.AccountID, typed string) Trace
	// ExplainLabel is Explain for a number that a label of dialproxy.php asks for. only
	// is the account whose labels may be seen; "" = all.
	ExplainLabel(ctx context.Context, only call.AccountID, typed, label string) Trace
}

// Control is what the door needs from the process.
type Control interface {
	// Reload loads the configuration files. The error says why the old
	// configuration stays in force.
	Reload(ctx context.Context) (Reloaded, error)
	// Ready is nil when calls are accepted, else says why not.
	Ready() error
	// DefaultAccount is the account of principals that have none.
	DefaultAccount() call.AccountID
}

// FromNow as a cursor means: nothing of the past.
const FromNow int64 = -1

// Submitted is the result for one request of a batch.
type Submitted struct {
	Call     call.Call
	Repeated bool
	Err      error // *Refusal
}

// Decision is what Submit would decide.
type Decision struct {
	RouteA, RouteB call.Route
	Rules          []string // guard rules that were looked at, in order
	Refusal        *Refusal // nil if it would be accepted
}

// Refusal says why something was not done.
type Refusal struct {
	Code       string        // one of the codes of refusalStatus
	Rule       string        // the rule that decided, "" if none
	Text       string        // what happened and what to do
	RetryAfter time.Duration // for rate limits; 0 = unknown
	Field      string        // offending field, "" if none
}

// Error gives the text.
func (r *Refusal) Error() string { return r.Text }

// LostError says that events after a cursor are no longer kept.
type LostError struct {
	After, Oldest int64 // what was asked for; the oldest that is there
}

// Error names both positions.
func (e *LostError) Error() string {
	return fmt.Sprintf("events after %d are no longer kept; the oldest is %d", e.After, e.Oldest)
}

// Filter selects calls. Zero fields do not restrict.
type Filter struct {
	States      []call.State
	Account     call.AccountID
	Batch       call.BatchID
	Door        string
	Principal   string
	Disposition call.Disposition
	Number      string
	Reference   string
	From, To    time.Time
	Cursor      string
	Limit       int
	Oldest      bool
}

// EventFilter selects events. Zero fields do not restrict.
type EventFilter struct {
	Call    call.ID
	Account call.AccountID
	Batch   call.BatchID
	Types   []call.EventType
}

// AuditFilter selects entries of the audit trail. Zero fields do not restrict.
type AuditFilter struct {
	Cursor int64 // Seq of the last entry of the page before, 0 = begin
	Limit  int
	Oldest bool
	Denied bool

	Door      string // by which they came
	Principal string // who asked
	Account   call.AccountID
	Call      call.ID   // the one that was accepted
	From, To  time.Time // at or after, before
}

// AuditEntry is one line of the audit trail: a request that was accepted, or
// one that was denied.
type AuditEntry struct {
	Seq       int64     `json:"seq" doc:"Grows with time"`
	At        time.Time `json:"at"`
	Accepted  bool      `json:"accepted"`
	Door      string    `json:"door" doc:"By which door it came; sip = a phone or trunk"`
	Principal string    `json:"principal,omitempty" doc:"Who asked: the key's name, local, or a phone's channel"`
	Remote    string    `json:"remote,omitempty" doc:"From which address; absent for the control socket"`
	Reference string    `json:"reference,omitempty"`
	Account   string    `json:"account"`
	First     string    `json:"first" doc:"As asked for"`
	Second    string    `json:"second,omitempty" doc:"As asked for"`
	Call      string    `json:"call,omitempty" doc:"ID of the call that was accepted"`
	Code      string    `json:"code,omitempty" doc:"Why it was denied, for programs"`
	Rule      string    `json:"rule,omitempty" doc:"The guard's rules that decided"`
	Text      string    `json:"text,omitempty" doc:"Why it was denied"`
}

// Attempt is an attempt with what became of it; Outcome and CDR are nil while
// it runs.
type Attempt struct {
	Attempt call.Attempt
	Outcome *call.Outcome
	CDR     *call.CDR
}

// Step is one thing that routing did to a number.
type Step struct {
	Rule   string `json:"rule" doc:"What did it: compact, phone, the route's name"`
	Before string `json:"before" doc:"Dial string before the step"`
	After  string `json:"after" doc:"Dial string after it"`
	Note   string `json:"note,omitempty" doc:"In words"`
}

// Trace is the way from what was typed to what would be dialled.
type Trace struct {
	Typed    string `json:"typed" doc:"As typed"`
	Steps    []Step `json:"steps" doc:"In order"`
	Endpoint string `json:"endpoint,omitempty" doc:"What would be dialled; absent when the number leads nowhere"`
	Number   string `json:"number,omitempty" doc:"Number sent to the trunk"`
	Phone    string `json:"phone,omitempty" doc:"Phone that would ring"`
	Trunk    string `json:"trunk,omitempty" doc:"Trunk by which it would leave"`
	Error    string `json:"error,omitempty" doc:"Why it leads nowhere, and what to do"`
	Denied   string `json:"denied,omitempty" doc:"Why the guard would refuse it, with the rule in brackets"`
}

// Stats is a snapshot of the server.
type Stats struct {
	Node         string            `json:"node"`
	Version      string            `json:"version"`
	StartedAt    time.Time         `json:"started_at"`
	Queued       int               `json:"queued" doc:"Calls that are due and wait for a free place"`
	Scheduled    int               `json:"scheduled" doc:"Calls whose time lies ahead"`
	WaitingRetry int               `json:"waiting_retry" doc:"Calls that wait for their next attempt"`
	Live         int               `json:"live" doc:"Attempts that are running"`
	MaxLive      int               `json:"max_live" doc:"Most attempts at once that this server allows itself"`
	Accepted     uint64            `json:"accepted" doc:"Calls accepted since the start"`
	Repeated     uint64            `json:"repeated" doc:"Requests that repeated an earlier one"`
	Denied       map[string]uint64 `json:"denied" doc:"Requests refused since the start, by code"`
	Started      uint64            `json:"started" doc:"Attempts started since the start"`
	Ended        map[string]uint64 `json:"ended" doc:"Attempts ended since the start, by disposition"`
	Recovered    uint64            `json:"recovered" doc:"Attempts found interrupted at the start"`
	StoreErrors  uint64            `json:"store_errors" doc:"Failed operations of the store"`
	LastSeq      int64             `json:"last_seq" doc:"Number of the newest event"`
	Resources    []Resource        `json:"resources" doc:"Capped resources: phones, trunks, accounts, batches"`
	Paused       []string          `json:"paused" doc:"Batches that are paused"`
	Media        MediaStats        `json:"media"`
	SIP          SIPStats          `json:"sip"`
}

// Resource is one capped or used resource.
type Resource struct {
	Name     string  `json:"name" doc:"server, phone:101, trunk:carrier, account:sales, batch:b1"`
	InUse    int     `json:"in_use"`
	Channels int     `json:"channels" doc:"Cap; 0 = unlimited"`
	CPS      float64 `json:"cps" doc:"New attempts per second; 0 = unlimited"`
}

// MediaStats counts the work of the media engine.
type MediaStats struct {
	PortsUsed  int    `json:"ports_used" doc:"RTP port pairs in use"`
	PortsFree  int    `json:"ports_free" doc:"RTP port pairs that are free"`
	PacketsIn  uint64 `json:"packets_in"`
	PacketsOut uint64 `json:"packets_out"`
	Invalid    uint64 `json:"invalid" doc:"Datagrams that were no RTP, or failed authentication"`
	UnknownPT  uint64 `json:"unknown_payload_type" doc:"RTP with a payload type that was not negotiated"`
	Foreign    uint64 `json:"foreign" doc:"RTP from another source than the call's"`
	NoPorts    uint64 `json:"no_ports" doc:"Legs refused because no port pair was free"`
	Panics     uint64 `json:"panics" doc:"Mistakes of ours that ended one stream"`
}

// SIPStats counts the work of signalling since the start.
type SIPStats struct {
	Received     uint64 `json:"received" doc:"Messages received"`
	Sent         uint64 `json:"sent" doc:"Messages sent"`
	SendErrors   uint64 `json:"send_errors" doc:"Messages that could not be sent"`
	Unparseable  uint64 `json:"unparseable" doc:"Received messages that are no usable SIP"`
	Limited      uint64 `json:"limited" doc:"Messages dropped: a stranger sent too many per second"`
	Keepalives   uint64 `json:"keepalives" doc:"Keepalives received"`
	ReadErrors   uint64 `json:"read_errors" doc:"Errors of UDP sockets"`
	Connections  int    `json:"connections" doc:"TCP, TLS and WebSocket connections that are open"`
	Accepted     uint64 `json:"accepted" doc:"Connections accepted"`
	Turned       uint64 `json:"turned_away" doc:"Connections closed at once: too many are open"`
	Transactions int    `json:"transactions" doc:"Transactions in progress"`
	Legs         int    `json:"legs" doc:"Legs that are alive"`
	Registered   int    `json:"registered" doc:"Phones with at least one contact"`
	Panics       uint64 `json:"panics" doc:"Mistakes of ours that ended one leg or message"`
}

// Reloaded says what a reload did.
type Reloaded struct {
	Files    []string `json:"files" doc:"Files that were read"`
	Changed  []string `json:"changed" doc:"Sections that are now in force"`
	Restart  []string `json:"restart" doc:"Keys whose change waits for the next start"`
	Warnings []string `json:"warnings" doc:"What works but should be looked at"`
}
