// Package call holds the words that every other package speaks: a request
// asks for a call, a call has attempts, an attempt has legs, and each attempt
// leaves one CDR.
//
// A Request is what a door accepted. Admission turns it into a Call, which is
// durable. A Call has up to Retry.Max+1 Attempts, numbered from 1. An Attempt
// rings leg A and, once A has answered, carries out Then. Its end is an
// Outcome. The package imports the standard library only and holds no
// behaviour beyond the state machine (state.go) and small pure helpers.
package call

import (
	"strings"
	"time"
)

// ID identifies a call. It is a UUIDv7 in text form, so that IDs sort by the
// time of admission.
type ID string

// AccountID names the account on whose behalf a call is made, as written in
// the configuration ("sales").
type AccountID string

// BatchID groups calls that were submitted together; empty means none.
type BatchID string

// Endpoint is a dialable resource in Asterisk's form TECH/resource
// ("PJSIP/101", "PJSIP/4930123456@carrier", "Local/5@default",
// "Pretend/100ok"), or a bare number that routing resolves to one.
type Endpoint string

// Tech gives the technology part of e in upper case, or "" for a bare number.
// SIP is an alias of PJSIP.
func (e Endpoint) Tech() string {
	tech, _, ok := strings.Cut(string(e), "/")
	if !ok {
		return ""
	}
	tech = strings.ToUpper(tech)
	if tech == "SIP" {
		return "PJSIP"
	}
	return tech
}

// Resource gives the part of e after the first slash, or all of a bare number.
func (e Endpoint) Resource() string {
	if _, res, ok := strings.Cut(string(e), "/"); ok {
		return res
	}
	return string(e)
}

// Origin says who asked for a call, and how.
type Origin struct {
	Door      string `json:"door"`                // "rest", "cli", "callfile", ...
	Principal string `json:"principal,omitempty"` // authenticated name: API key or user name, never a secret
	Remote    string `json:"remote,omitempty"`    // remote address host:port, "" for a local door
	Reference string `json:"reference,omitempty"` // the caller's own reference, echoed in events and CDRs
}

// CallerID is a name and a number as a pair. Both may be empty.
type CallerID struct {
	Name    string `json:"name,omitempty"`
	Number  string `json:"number,omitempty"`
	Private bool   `json:"private,omitempty"` // presentation restricted (RFC 3323 Privacy: id)
}

// Variable is a channel variable. Name may carry the inheritance prefixes _
// and __ of Asterisk, or be a function such as CALLERID(num).
type Variable struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// ThenKind says what happens when leg A has answered.
type ThenKind string

// The kinds of Then.
const (
	ThenConnect     ThenKind = "connect"     // dial leg B and bridge it with A
	ThenDialplan    ThenKind = "dialplan"    // continue at context, extension, priority
	ThenApplication ThenKind = "application" // run one application with data
	ThenApp         ThenKind = "app"         // hand over to an ARI application
)

// Then says what happens when leg A has answered. Exactly the fields of its
// Kind are used.
type Then struct {
	Kind ThenKind `json:"kind"`

	// Connect.
	Second   Endpoint      `json:"second,omitempty"`    // leg B
	Confirm  bool          `json:"confirm,omitempty"`   // A must press 1 before B is dialled
	Prompt   string        `json:"prompt,omitempty"`    // sound name of the press-1 prompt; "" = built in
	WaitTime time.Duration `json:"wait_time,omitempty"` // how long B may ring; 0 = the server's default
	MaxTime  time.Duration `json:"max_time,omitempty"`  // longest connected time; 0 = unlimited
	// Prompts is how often A is asked to press 1, 0 = 3; PromptWait how long each answer is
	// waited for, 0 = 5 s; FailTone how long A hears busy or congestion when B cannot be
	// reached, 0 = as the engine does.
	Prompts    int           `json:"prompts,omitempty"`
	PromptWait time.Duration `json:"prompt_wait,omitempty"`
	FailTone   time.Duration `json:"fail_tone,omitempty"`

	// Dialplan.
	Context   string `json:"context,omitempty"`
	Extension string `json:"extension,omitempty"`
	Priority  string `json:"priority,omitempty"` // number or label; "" = 1

	// Application: Name and Data, which is not expanded. App: Name and Data split
	// at commas. Without a dialplan the embedded switch knows Playback, Hangup,
	// Wait, Echo and Milliwatt; with one, all of its applications.
	Name string `json:"name,omitempty"`
	Data string `json:"data,omitempty"`
}

// Retry says when a call is tried again.
type Retry struct {
	Max  int           `json:"max,omitempty"`  // further attempts after the first, 0 = none
	Wait time.Duration `json:"wait,omitempty"` // between the end of an attempt and the next; 0 = the server's default

	// On lists the dispositions that are retried; empty means BUSY,
	// NO ANSWER, CONGESTION and FAILED. A Failure that is Permanent is never retried.
	On []Disposition `json:"on,omitempty"`
	// WaitBy overrides Wait for single dispositions.
	WaitBy map[Disposition]time.Duration `json:"wait_by,omitempty"`
	// Interrupted allows a further attempt after one whose fate is unknown
	// because the server died while it ran (design: at most one dial per attempt). One that is
	// known to have been answered is not tried again.
	Interrupted bool `json:"interrupted,omitempty"`

	// Not lists final SIP statuses (300-699) after which nothing is tried again.
	Not []int `json:"not,omitempty"`
}

// Request is what a door accepted: the wire form translated, nothing decided.
type Request struct {
	Key        string        `json:"key,omitempty"`    // idempotency key within Origin.Door; "" = never a repeat
	Digest     string        `json:"digest,omitempty"` // of the whole body when Key stands for that too; a repeat must have the same
	Origin     Origin        `json:"origin"`
	Account    AccountID     `json:"account"`
	First      Endpoint      `json:"first"`
	Then       Then          `json:"then"`
	CallerID   CallerID      `json:"caller_id,omitzero"`
	Callee     CallerID      `json:"callee,omitzero"` // shown to leg A in the place of CallerID: whom it will be connected with; zero = CallerID
	Variables  []Variable    `json:"variables,omitempty"`
	WaitTime   time.Duration `json:"wait_time,omitempty"` // how long leg A may ring; 0 = the server's default (45 s)
	Retry      Retry         `json:"retry,omitzero"`
	NotBefore  time.Time     `json:"not_before,omitzero"` // zero = now
	NotAfter   time.Time     `json:"not_after,omitzero"`  // zero = never expires
	Priority   int           `json:"priority,omitempty"`  // lower first
	Batch      BatchID       `json:"batch,omitempty"`
	AutoAnswer bool          `json:"auto_answer,omitempty"` // ask phone A to answer by itself (Call-Info, Alert-Info)
	NoForward  bool          `json:"no_forward,omitempty"`  // phone A must not send the call elsewhere: its 302 is not followed
	EarlyMedia bool          `json:"early_media,omitempty"` // A's early media counts as an answer (Asterisk: Early_media); ignored with ThenApplication and ThenApp
	Codecs     []string      `json:"codecs,omitempty"`      // codec names for leg A, "" = the endpoint's own

	// AccountCode is what the record and CHANNEL(accountcode) show. Nobody's
	// rights depend on it: those are Account's.
	AccountCode string `json:"account_code,omitempty"`
	// AttemptBase is how many attempts came before the first one of this request:
	// a call file that brings EndRetry lines. It is added to the attempt's number
	// in AST_OUTGOING_ATTEMPT.
	AttemptBase int `json:"attempt_base,omitempty"`
	// Lenient dials the leg even if the destination or application of Then does
	// not exist, and lets the answer count all the same; and no failure is
	// permanent (spec: callfile 6.1, 6.2).
	Lenient bool `json:"lenient,omitempty"`
	// Late accepts an endpoint First that routing does not know: its attempts
	// fail, and that is what retries and the extension "failed" see (spec:
	// callfile 6.2). What routing does know, the guard judges as always.
	Late bool `json:"late,omitempty"`
}

// Route is one leg as resolved by routing at admission: what will be dialled,
// and which capped resources that uses.
type Route struct {
	Typed    string   `json:"typed"`              // as requested
	Endpoint Endpoint `json:"endpoint"`           // as dialled, always TECH/resource
	Number   string   `json:"number,omitempty"`   // normalised number, "" when the endpoint has none
	Phone    string   `json:"phone,omitempty"`    // name of the phone, if it is one
	Trunk    string   `json:"trunk,omitempty"`    // name of the trunk, if it goes out by one
	Private  bool     `json:"private,omitempty"`  // the trunk is an own exchange or a lab: its numbers are in no public plan
	CallerID CallerID `json:"caller_id,omitzero"` // overrides the request's caller ID on this leg, if not zero
	Unknown  string   `json:"unknown,omitempty"`  // why routing does not know it (Request.Late): it is not dialled, the attempt fails
}

// Resources lists the capped resources of the leg: "phone:101", "trunk:carrier".
func (r Route) Resources() []string {
	var out []string
	if r.Phone != "" {
		out = append(out, "phone:"+r.Phone)
	}
	if r.Trunk != "" {
		out = append(out, "trunk:"+r.Trunk)
	}
	return out
}

// Call is one accepted request and what became of it. All times are UTC.
type Call struct {
	ID        ID        `json:"id"`
	Request   Request   `json:"request"`
	State     State     `json:"state"`
	RouteA    Route     `json:"route_a"`
	RouteB    Route     `json:"route_b,omitzero"` // only with ThenConnect
	CreatedAt time.Time `json:"created_at"`
	DueAt     time.Time `json:"due_at"`            // when the next attempt may start
	EndedAt   time.Time `json:"ended_at,omitzero"` // zero while the call lives
	Attempts  int       `json:"attempts"`          // attempts started so far
	Last      *Outcome  `json:"last,omitempty"`    // of the newest attempt that has ended
	Reason    string    `json:"reason,omitempty"`  // why the call ended, in words; never empty once ended
	Node      string    `json:"node,omitempty"`    // node that runs the current attempt
}

// Attempt is one try at a call.
type Attempt struct {
	Call      ID        `json:"call"`
	Number    int       `json:"number"` // from 1
	Request   Request   `json:"request"`
	RouteA    Route     `json:"route_a"`
	RouteB    Route     `json:"route_b,omitzero"`
	StartedAt time.Time `json:"started_at"`
	Node      string    `json:"node"`
}

// Disposition is how an attempt (or leg) ended, as the CDR says it.
type Disposition string

// The dispositions. The first five are Asterisk's (cdr.h AST_CDR_*).
const (
	Answered    Disposition = "ANSWERED"
	NoAnswer    Disposition = "NO ANSWER"
	Busy        Disposition = "BUSY"
	Failed      Disposition = "FAILED"
	Congestion  Disposition = "CONGESTION"
	Cancelled   Disposition = "CANCELLED"   // ended by whoever asked for it, before an answer
	Interrupted Disposition = "INTERRUPTED" // the server stopped or died; whether the phone rang is unknown after a crash
)

// SIPMessage is one line of a leg's ladder. Credentials are removed before it
// is made.
type SIPMessage struct {
	At    time.Time `json:"at"`
	Sent  bool      `json:"sent"`           // true: we sent it
	Peer  string    `json:"peer"`           // transport:host:port
	First string    `json:"first"`          // request or status line
	Note  string    `json:"note,omitempty"` // CSeq method of a response, "SDP", Reason header
}

// LegOutcome says how one leg fared.
type LegOutcome struct {
	Channel     string        `json:"channel"` // channel name, "PJSIP/101-0000001a"
	ChannelID   string        `json:"channel_id"`
	Endpoint    Endpoint      `json:"endpoint"`          // as dialled
	CallID      string        `json:"call_id,omitempty"` // SIP Call-ID
	StartedAt   time.Time     `json:"started_at"`
	RingingAt   time.Time     `json:"ringing_at,omitzero"`
	AnsweredAt  time.Time     `json:"answered_at,omitzero"`
	EndedAt     time.Time     `json:"ended_at"`
	Disposition Disposition   `json:"disposition"`
	Cause       int           `json:"cause"` // Q.850 hangup cause, 0-127
	SIPStatus   int           `json:"sip_status,omitempty"`
	Peer        string        `json:"peer,omitempty"` // peer's own reason text
	Codec       string        `json:"codec,omitempty"`
	PacketsIn   uint64        `json:"packets_in,omitempty"`
	PacketsOut  uint64        `json:"packets_out,omitempty"`
	LostIn      uint64        `json:"lost_in,omitempty"`
	Jitter      time.Duration `json:"jitter,omitempty"`
	Ladder      []SIPMessage  `json:"ladder,omitempty"`
}

// Outcome is how an attempt ended.
type Outcome struct {
	Disposition Disposition `json:"disposition"`
	Failure     *Failure    `json:"failure,omitempty"` // nil when ANSWERED
	A           LegOutcome  `json:"a"`
	B           *LegOutcome `json:"b,omitempty"`
	ConnectedAt time.Time   `json:"connected_at,omitzero"` // A and B bridged, or Then begun
	EndedAt     time.Time   `json:"ended_at"`
	HangupBy    string      `json:"hangup_by,omitempty"` // "a", "b", "dialplan", "request", "server", "limit"

	// Reason is REASON of call files and AMI: 0 failure, 3 no answer, 4
	// answered, 5 busy, 8 congestion (spec: callfile 6.3).
	Reason int `json:"reason"`
	// Detail says what followed the answer, "" if there was none: one of the
	// Completed… constants, or NotConfirmed.
	Detail string `json:"detail,omitempty"`
	// Dialplan is what the dialplan said about the record; nil if none ran.
	Dialplan *DialplanRecord `json:"dialplan,omitempty"`
}

// What followed an answer (spec: callfile W15, vodia 4.9).
const (
	Completed              = "completed"                // Then was carried out
	CompletedNoDestination = "completed_no_destination" // there was no such context or extension
	CompletedNoApplication = "completed_no_application" // there was no such application
	NotConfirmed           = "not_confirmed"            // leg A was asked to press 1, and did not
)

// DialplanRecord is what a dialplan said about the record of a call, with the
// names of its CDR function (spec: dialplan 6.1 CDR).
type DialplanRecord struct {
	Context     string `json:"dcontext,omitempty"` // where the channel was last
	Extension   string `json:"dst,omitempty"`
	App         string `json:"lastapp,omitempty"` // application that ran last, "" = none
	Data        string `json:"lastdata,omitempty"`
	UserField   string `json:"userfield,omitempty"`
	AccountCode string `json:"accountcode,omitempty"`
}

// CDR is the record of one attempt, as every door shows it. Durations are
// whole seconds, as in Asterisk's cdr.
type CDR struct {
	Call        ID          `json:"call"`
	Attempt     int         `json:"attempt"`
	Account     AccountID   `json:"account"`
	Door        string      `json:"door"`
	Reference   string      `json:"reference,omitempty"`
	Source      CallerID    `json:"source"`      // caller ID shown
	First       Endpoint    `json:"first"`       // leg A as dialled
	Destination string      `json:"destination"` // leg B as dialled, or the extension, application or app
	Channel     string      `json:"channel"`
	DestChannel string      `json:"dest_channel,omitempty"`
	StartedAt   time.Time   `json:"started_at"`
	AnsweredAt  time.Time   `json:"answered_at,omitzero"`
	EndedAt     time.Time   `json:"ended_at"`
	Duration    int         `json:"duration"` // seconds from start to end
	Billable    int         `json:"billable"` // seconds from answer of A to end
	Disposition Disposition `json:"disposition"`
	Cause       int         `json:"cause"`
	CauseText   string      `json:"cause_text"`
	SIPStatus   int         `json:"sip_status,omitempty"`
	Batch       BatchID     `json:"batch,omitempty"`

	Dialled     string `json:"dialled,omitempty"`     // number of leg A, or its resource ("101", "100@internal")
	Context     string `json:"dcontext,omitempty"`    // dialplan context in which leg A was last
	Extension   string `json:"dst,omitempty"`         // and extension
	LastApp     string `json:"lastapp,omitempty"`     // application that ran last on leg A
	LastData    string `json:"lastdata,omitempty"`    // its arguments, expanded
	UserField   string `json:"userfield,omitempty"`   // CDR(userfield)
	AccountCode string `json:"accountcode,omitempty"` // CHANNEL(accountcode), a text
	Reason      int    `json:"reason"`                // as Outcome.Reason
	Detail      string `json:"detail,omitempty"`      // as Outcome.Detail
}

// EndpointState is what is known of a phone or trunk.
type EndpointState struct {
	Name       string    `json:"name"`
	Kind       string    `json:"kind"`  // "phone" or "trunk"
	State      string    `json:"state"` // device state: "not in use", "in use", "ringing", "unavailable", "on hold"
	Registered bool      `json:"registered"`
	Contacts   []string  `json:"contacts,omitempty"`
	LastError  string    `json:"last_error,omitempty"`
	ExpiresAt  time.Time `json:"expires_at,omitzero"`
	Channels   int       `json:"channels"` // channels in use

	Since    time.Time      `json:"since,omitzero"`         // when LastError came up, or the registration began; zero = unknown
	Account  AccountID      `json:"account,omitempty"`      // on whose behalf it calls
	Max      int            `json:"max_channels,omitempty"` // cap on Channels; 0 = none
	Bindings []ContactState `json:"bindings,omitempty"`     // what is known of each of Contacts, in their order
}

// ContactState is what is known of one address of a phone, or of a trunk's.
type ContactState struct {
	URI          string    `json:"uri"`
	UserAgent    string    `json:"user_agent,omitempty"`   // what the phone says it is: for people only
	Address      string    `json:"address,omitempty"`      // where it registered from
	RegisteredAt time.Time `json:"registered_at,omitzero"` // or when it last refreshed that
	ExpiresAt    time.Time `json:"expires_at,omitzero"`    // of the registration
	Answers      string    `json:"answers"`                // to OPTIONS: "yes", "no", "unknown"
	RoundTrip    float64   `json:"round_trip,omitempty"`   // seconds, of the last answer
}
