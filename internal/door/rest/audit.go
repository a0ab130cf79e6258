package rest

import (
	"context"
	"strconv"
	"time"

	"github.com/dialwright/dialwright/internal/call"
)

type auditInput struct {
	Denied    bool      `query:"denied" doc:"Denials only"`
	Door      string    `query:"door" maxLength:"64" doc:"What came by this door"`
	Principal string    `query:"principal" maxLength:"256" doc:"What this one asked for"`
	Account   string    `query:"account" maxLength:"64" doc:"On behalf of this account"`
	Call      string    `query:"call" maxLength:"64" doc:"What this call was accepted for"`
	From      time.Time `query:"from" doc:"At or after"`
	To        time.Time `query:"to" doc:"Before"`
	Cursor    string    `query:"cursor" maxLength:"32" doc:"next of the previous page"`
	Limit     int       `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	Order     string    `query:"order" enum:"newest,oldest" default:"newest"`
}

type auditOutput struct {
	Body struct {
		Entries []AuditEntry `json:"entries" nullable:"false"`
		Next    string       `json:"next,omitempty" doc:"Cursor of the next page; absent when there is none"`
	}
}

// audit pages through the trail. The cursor is the number of the last entry. A
// full page may be the last: then the next is empty.
func (s *Server) audit(ctx context.Context, in *auditInput) (*auditOutput, error) {
	f := AuditFilter{
		Limit: in.Limit, Oldest: in.Order == "oldest", Denied: in.Denied, Door: in.Door, Principal: in.Principal,
		Account: call.AccountID(in.Account), Call: call.ID(in.Call), From: in.From, To: in.To,
	}
	if in.Cursor != "" {
		var err error
		if f.Cursor, err = strconv.ParseInt(in.Cursor, 10, 64); err != nil || f.Cursor < 1 {
			return nil, &Refusal{Code: "invalid", Field: "cursor", Text: "The cursor is not valid; begin without one."}
		}
	}
	list, err := s.o.Calls.Audit(ctx, f)
	if err != nil {
		return nil, err
	}
	out := &auditOutput{}
	out.Body.Entries = append([]AuditEntry{}, list...)
	if len(list) == in.Limit {
		out.Body.Next = strconv.FormatInt(list[len(list)-1].Seq, 10)
	}
	return out, nil
}
