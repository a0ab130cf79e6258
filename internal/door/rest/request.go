package rest

import (
	"fmt"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	wire "github.com/dialwright/dialwright/internal/wire/ari"
)

// NewCall is the body that asks for a call. Exactly one of second, dialplan,
// application and app says what happens when the first party has answered.
type NewCall struct {
	First       string       `json:"first" minLength:"1" maxLength:"256" example:"101" doc:"Who is rung first: a number, a phone, or an endpoint such as PJSIP/101"`
	Second      string       `json:"second,omitempty" maxLength:"256" example:"+4930123456" doc:"Who is then dialled and connected"`
	Dialplan    *Dialplan    `json:"dialplan,omitempty" doc:"Where in the dialplan the first party then goes on"`
	Application *Application `json:"application,omitempty" doc:"What is then run with the first party"`
	App         *App         `json:"app,omitempty" doc:"Which ARI application the first party is then handed to"`

	Confirm    bool    `json:"confirm,omitempty" doc:"The first party must press 1 before the second is dialled"`
	Prompt     string  `json:"prompt,omitempty" maxLength:"256" doc:"Sound played for confirm; built in if absent"`
	SecondWait Seconds `json:"second_wait,omitempty" doc:"How long the second party may ring"`
	MaxTime    Seconds `json:"max_time,omitempty" doc:"Longest connected time; absent = unlimited"`

	Account    string     `json:"account,omitempty" maxLength:"64" doc:"On whose behalf; absent = the key's account"`
	CallerID   CallerID   `json:"caller_id,omitzero" required:"false"`
	WaitTime   Seconds    `json:"wait_time,omitempty" doc:"How long the first party may ring"`
	Retry      *Retry     `json:"retry,omitempty" doc:"When to try again"`
	NotBefore  *time.Time `json:"not_before,omitempty" doc:"Earliest time of the first attempt"`
	NotAfter   *time.Time `json:"not_after,omitempty" doc:"No attempt starts later"`
	Priority   int        `json:"priority,omitempty" minimum:"-1000000" maximum:"1000000" doc:"Lower goes first"`
	Batch      string     `json:"batch,omitempty" maxLength:"128" doc:"Name of the batch to which the call belongs"`
	AutoAnswer bool       `json:"auto_answer,omitempty" doc:"Ask the first phone to answer by itself"`
	EarlyMedia bool       `json:"early_media,omitempty" doc:"Early media of the first party counts as an answer"`
	Codecs     []string   `json:"codecs,omitempty" maxItems:"8" nullable:"false" doc:"Codecs for the first party, in order"`
	Variables  Variables  `json:"variables,omitempty" required:"false"`
	Reference  string     `json:"reference,omitempty" maxLength:"256" doc:"Your own reference, shown in events and records"`
	Key        string     `json:"key,omitempty" maxLength:"256" doc:"Idempotency key, as the header Idempotency-Key; for the calls of a batch"`
}

// Dialplan is a position in the dialplan.
type Dialplan struct {
	Context   string `json:"context" minLength:"1" maxLength:"128" example:"default"`
	Extension string `json:"extension" minLength:"1" maxLength:"128" example:"100"`
	Priority  string `json:"priority,omitempty" maxLength:"64" example:"1" doc:"Number or label; absent = 1"`
}

// Application is one dialplan application with its data.
type Application struct {
	Name string `json:"name" minLength:"1" maxLength:"80" example:"Playback"`
	Data string `json:"data,omitempty" maxLength:"4096" example:"hello-world"`
}

// App is an ARI application.
type App struct {
	Name string   `json:"name" minLength:"1" maxLength:"80"`
	Args []string `json:"args,omitempty" maxItems:"64" nullable:"false"`
}

// Retry says when a call is tried again.
type Retry struct {
	Max         int                `json:"max,omitempty" minimum:"0" maximum:"1000" doc:"Further attempts after the first"`
	Wait        Seconds            `json:"wait,omitempty" doc:"Between the end of an attempt and the next"`
	On          []string           `json:"on,omitempty" enum:"BUSY,NO ANSWER,CONGESTION,FAILED" nullable:"false" doc:"After which dispositions; absent = all of these"`
	WaitBy      map[string]Seconds `json:"wait_by,omitempty" doc:"Wait for single dispositions"`
	Interrupted bool               `json:"interrupted,omitempty" doc:"Also after an attempt whose fate is unknown because the server died"`
}

// request translates the body. The error is a *Refusal.
func (n *NewCall) request() (call.Request, error) {
	then, err := n.then()
	if err != nil {
		return call.Request{}, err
	}
	r := call.Request{
		Key:        n.Key,
		Account:    call.AccountID(n.Account),
		First:      call.Endpoint(strings.TrimSpace(n.First)),
		Then:       then,
		CallerID:   call.CallerID(n.CallerID),
		Variables:  n.Variables,
		WaitTime:   time.Duration(n.WaitTime),
		Priority:   n.Priority,
		Batch:      call.BatchID(n.Batch),
		AutoAnswer: n.AutoAnswer,
		EarlyMedia: n.EarlyMedia,
		Codecs:     n.Codecs,
		Origin:     call.Origin{Reference: n.Reference},
	}
	if n.NotBefore != nil {
		r.NotBefore = n.NotBefore.UTC()
	}
	if n.NotAfter != nil {
		r.NotAfter = n.NotAfter.UTC()
	}
	if n.Retry != nil {
		r.Retry = n.Retry.retry()
	}
	return r, nil
}

func (n *NewCall) then() (call.Then, error) {
	var given []string
	then := call.Then{WaitTime: time.Duration(n.SecondWait), MaxTime: time.Duration(n.MaxTime)}
	if n.Second != "" {
		given = append(given, "second")
		then.Kind, then.Second = call.ThenConnect, call.Endpoint(strings.TrimSpace(n.Second))
		then.Confirm, then.Prompt = n.Confirm, n.Prompt
	}
	if d := n.Dialplan; d != nil {
		given = append(given, "dialplan")
		then.Kind, then.Context, then.Extension, then.Priority = call.ThenDialplan, d.Context, d.Extension, d.Priority
	}
	if a := n.Application; a != nil {
		given = append(given, "application")
		then.Kind, then.Name, then.Data = call.ThenApplication, a.Name, a.Data
	}
	if a := n.App; a != nil {
		given = append(given, "app")
		then.Kind, then.Name, then.Data = call.ThenApp, a.Name, wire.JoinArgs(a.Args)
	}
	switch {
	case len(given) == 0:
		return then, &Refusal{Code: "invalid", Field: "second", Text: "Nothing says what happens after the answer. Give second, dialplan, application or app."}
	case len(given) > 1:
		return then, &Refusal{Code: "invalid", Field: given[1], Text: fmt.Sprintf("Only one of %s can be given.", strings.Join(given, ", "))}
	case n.Confirm && n.Second == "":
		return then, &Refusal{Code: "invalid", Field: "confirm", Text: "Confirm needs second: it asks before the second party is dialled."}
	}
	return then, nil
}

func (r *Retry) retry() call.Retry {
	out := call.Retry{Max: r.Max, Wait: time.Duration(r.Wait), Interrupted: r.Interrupted}
	for _, d := range r.On {
		out.On = append(out.On, call.Disposition(d))
	}
	for d, w := range r.WaitBy {
		if out.WaitBy == nil {
			out.WaitBy = map[call.Disposition]time.Duration{}
		}
		out.WaitBy[call.Disposition(d)] = time.Duration(w)
	}
	return out
}
