package rest

import (
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
)

// Call is a call as the API shows it.
type Call struct {
	ID          string          `json:"id" doc:"UUIDv7; sorts by time"`
	State       string          `json:"state" enum:"scheduled,queued,dialing,ringing,answered,confirming,connecting,connected,waiting-retry,ended,cancelled"`
	Account     string          `json:"account"`
	First       string          `json:"first" doc:"As asked for"`
	FirstDial   string          `json:"first_dialled" doc:"As dialled"`
	Then        string          `json:"then" enum:"connect,dialplan,application,app"`
	Second      string          `json:"second,omitempty" doc:"As asked for"`
	SecondDial  string          `json:"second_dialled,omitempty" doc:"As dialled"`
	Dialplan    *Dialplan       `json:"dialplan,omitempty"`
	Application *Application    `json:"application,omitempty" doc:"Application, or ARI application, with its data"`
	CallerID    *call.CallerID  `json:"caller_id,omitempty"`
	Variables   []call.Variable `json:"variables,omitempty"`
	Batch       string          `json:"batch,omitempty"`
	Priority    int             `json:"priority,omitempty"`
	Reference   string          `json:"reference,omitempty"`
	Door        string          `json:"door" doc:"By which door it came"`
	Principal   string          `json:"principal,omitempty" doc:"Who asked for it"`
	CreatedAt   time.Time       `json:"created_at"`
	DueAt       time.Time       `json:"due_at" doc:"When the next attempt may start"`
	NotAfter    *time.Time      `json:"not_after,omitempty"`
	EndedAt     *time.Time      `json:"ended_at,omitempty"`
	Attempts    int             `json:"attempts" doc:"Attempts started so far; one that the server's own stop cut short does not count towards max_attempts, so this may be larger"`
	MaxAttempts int             `json:"max_attempts"`
	Node        string          `json:"node,omitempty" doc:"Server that runs the current attempt"`
	Reason      string          `json:"reason,omitempty" doc:"Why it ended, in words"`
	Disposition string          `json:"disposition,omitempty" doc:"Of the newest attempt that has ended"`
	Cause       int             `json:"cause,omitempty" doc:"Q.850 hangup cause of that attempt"`
	CauseText   string          `json:"cause_text,omitempty"`
	SIPStatus   int             `json:"sip_status,omitempty"`
	HangupBy    string          `json:"hangup_by,omitempty" doc:"a, b, request, server or limit"`
	ConnectedAt *time.Time      `json:"connected_at,omitempty"`
}

// viewCall makes the view of c.
func viewCall(c call.Call) Call {
	r := c.Request
	v := Call{
		ID: string(c.ID), State: string(c.State), Account: string(r.Account),
		First: string(r.First), FirstDial: string(c.RouteA.Endpoint), Then: string(r.Then.Kind),
		Second: string(r.Then.Second), SecondDial: string(c.RouteB.Endpoint),
		Variables: r.Variables, Batch: string(r.Batch), Priority: r.Priority,
		Reference: r.Origin.Reference, Door: r.Origin.Door, Principal: r.Origin.Principal,
		CreatedAt: c.CreatedAt, DueAt: c.DueAt, NotAfter: timeOrNil(r.NotAfter), EndedAt: timeOrNil(c.EndedAt),
		Attempts: c.Attempts, MaxAttempts: r.Retry.Max + 1, Node: c.Node, Reason: c.Reason,
	}
	switch r.Then.Kind {
	case call.ThenDialplan:
		v.Dialplan = &Dialplan{r.Then.Context, r.Then.Extension, r.Then.Priority}
	case call.ThenApplication, call.ThenApp:
		v.Application = &Application{r.Then.Name, r.Then.Data}
	}
	if r.CallerID != (call.CallerID{}) {
		v.CallerID = &r.CallerID
	}
	if o := c.Last; o != nil {
		v.Disposition, v.HangupBy, v.ConnectedAt = string(o.Disposition), o.HangupBy, timeOrNil(o.ConnectedAt)
		v.Cause, v.SIPStatus = outcomeCause(*o)
		v.CauseText = cause.Code(v.Cause).String()
	}
	return v
}

// outcomeCause gives the hangup cause and SIP status that decided an attempt:
// those of the failure, else of leg A.
func outcomeCause(o call.Outcome) (q850, sip int) {
	if o.Failure != nil {
		return o.Failure.Cause, o.Failure.SIPStatus
	}
	return o.A.Cause, o.A.SIPStatus
}

// AttemptView is an attempt as the API shows it.
type AttemptView struct {
	Number      int        `json:"number"`
	Node        string     `json:"node"`
	StartedAt   time.Time  `json:"started_at"`
	ConnectedAt *time.Time `json:"connected_at,omitempty"`
	EndedAt     *time.Time `json:"ended_at,omitempty" doc:"Absent while it runs"`
	Disposition string     `json:"disposition,omitempty"`
	Cause       int        `json:"cause,omitempty"`
	CauseText   string     `json:"cause_text,omitempty"`
	SIPStatus   int        `json:"sip_status,omitempty"`
	Failure     string     `json:"failure,omitempty" doc:"What happened, in words"`
	Permanent   bool       `json:"permanent,omitempty" doc:"No further attempt can help"`
	HangupBy    string     `json:"hangup_by,omitempty"`
	Legs        []Leg      `json:"legs" nullable:"false"`
	CDR         *call.CDR  `json:"cdr,omitempty"`
}

// Leg is one party's side of an attempt.
type Leg struct {
	Leg         string            `json:"leg" enum:"a,b"`
	Channel     string            `json:"channel"`
	ChannelID   string            `json:"channel_id"`
	Endpoint    string            `json:"endpoint"`
	CallID      string            `json:"call_id,omitempty" doc:"SIP Call-ID"`
	StartedAt   time.Time         `json:"started_at"`
	RingingAt   *time.Time        `json:"ringing_at,omitempty"`
	AnsweredAt  *time.Time        `json:"answered_at,omitempty"`
	EndedAt     time.Time         `json:"ended_at"`
	Disposition string            `json:"disposition"`
	Cause       int               `json:"cause"`
	CauseText   string            `json:"cause_text"`
	SIPStatus   int               `json:"sip_status,omitempty"`
	Peer        string            `json:"peer,omitempty" doc:"The peer's own reason text"`
	Codec       string            `json:"codec,omitempty"`
	PacketsIn   uint64            `json:"packets_in,omitempty"`
	PacketsOut  uint64            `json:"packets_out,omitempty"`
	LostIn      uint64            `json:"lost_in,omitempty"`
	Jitter      Seconds           `json:"jitter,omitempty"`
	Ladder      []call.SIPMessage `json:"ladder,omitempty" doc:"Its SIP messages, without credentials"`
}

func viewAttempt(a Attempt) AttemptView {
	v := AttemptView{Number: a.Attempt.Number, Node: a.Attempt.Node, StartedAt: a.Attempt.StartedAt, CDR: a.CDR, Legs: []Leg{}}
	o := a.Outcome
	if o == nil {
		return v
	}
	v.ConnectedAt, v.EndedAt, v.Disposition, v.HangupBy = timeOrNil(o.ConnectedAt), timeOrNil(o.EndedAt), string(o.Disposition), o.HangupBy
	v.Cause, v.SIPStatus = outcomeCause(*o)
	v.CauseText = cause.Code(v.Cause).String()
	if o.Failure != nil {
		v.Failure, v.Permanent = o.Failure.Error(), o.Failure.Permanent
	}
	v.Legs = append(v.Legs, viewLeg("a", o.A))
	if o.B != nil {
		v.Legs = append(v.Legs, viewLeg("b", *o.B))
	}
	return v
}

func viewLeg(name string, l call.LegOutcome) Leg {
	return Leg{
		Leg: name, Channel: l.Channel, ChannelID: l.ChannelID, Endpoint: string(l.Endpoint), CallID: l.CallID,
		StartedAt: l.StartedAt, RingingAt: timeOrNil(l.RingingAt), AnsweredAt: timeOrNil(l.AnsweredAt), EndedAt: l.EndedAt,
		Disposition: string(l.Disposition), Cause: l.Cause, CauseText: cause.Code(l.Cause).String(), SIPStatus: l.SIPStatus,
		Peer: l.Peer, Codec: l.Codec, PacketsIn: l.PacketsIn, PacketsOut: l.PacketsOut, LostIn: l.LostIn,
		Jitter: Seconds(l.Jitter), Ladder: l.Ladder,
	}
}

// Explanation says why a call ended as it did.
type Explanation struct {
	Call     Call          `json:"call"`
	Words    string        `json:"words" doc:"What became of the call, in a sentence"`
	Advice   string        `json:"advice,omitempty" doc:"What to do about it"`
	Attempts []AttemptView `json:"attempts" nullable:"false"`
}

func explain(c call.Call, attempts []Attempt) Explanation {
	e := Explanation{Call: viewCall(c), Words: c.Reason, Attempts: []AttemptView{}}
	for _, a := range attempts {
		e.Attempts = append(e.Attempts, viewAttempt(a))
	}
	if e.Words == "" {
		e.Words = "The call is " + string(c.State) + "."
	}
	if o := c.Last; o != nil && o.Failure != nil {
		q850, _ := outcomeCause(*o)
		e.Advice = cause.Code(q850).Advice()
	}
	return e
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
