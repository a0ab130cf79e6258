package rest

import (
	"context"
	"time"

	"github.com/dialwright/dialwright/internal/call"
)

type recordsInput struct {
	Account     string    `query:"account" maxLength:"64"`
	Batch       string    `query:"batch" maxLength:"128"`
	Door        string    `query:"door" maxLength:"32" doc:"By which they were asked for: rest, cli, callfile, ari"`
	Disposition string    `query:"disposition" enum:"ANSWERED,NO ANSWER,BUSY,FAILED,CONGESTION,CANCELLED,INTERRUPTED"`
	Number      string    `query:"number" maxLength:"128" doc:"Part of either endpoint"`
	From        time.Time `query:"from" doc:"Ended at or after"`
	To          time.Time `query:"to" doc:"Ended before"`
	Cursor      string    `query:"cursor" maxLength:"512" doc:"next of the previous page"`
	Limit       int       `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	Order       string    `query:"order" enum:"newest,oldest" default:"newest"`
}

type recordsOutput struct {
	Body struct {
		Records []call.CDR `json:"records" nullable:"false"`
		Next    string     `json:"next,omitempty" doc:"Cursor of the next page; absent on the last"`
	}
}

// listRecords gives call detail records: one for each attempt of a call, and one for
// each channel that a remote-control application has dialled.
func (s *Server) listRecords(ctx context.Context, in *recordsInput) (*recordsOutput, error) {
	f := Filter{
		Account: call.AccountID(in.Account), Batch: call.BatchID(in.Batch), Door: in.Door, Disposition: call.Disposition(in.Disposition),
		Number: in.Number, From: in.From, To: in.To, Cursor: in.Cursor, Limit: in.Limit, Oldest: in.Order == "oldest",
	}
	if only := s.visible(ctx); only != "" {
		f.Account = only
	}
	list, next, err := s.o.Calls.Records(ctx, f)
	if err != nil {
		return nil, err
	}
	out := &recordsOutput{}
	out.Body.Records, out.Body.Next = list, next
	if list == nil {
		out.Body.Records = []call.CDR{}
	}
	return out, nil
}

type bridgesOutput struct {
	Body struct {
		Bridges []Bridge `json:"bridges" nullable:"false"`
	}
}

func (s *Server) listBridges(ctx context.Context, _ *struct{}) (*bridgesOutput, error) {
	list, err := s.o.Live.Bridges(ctx)
	out := &bridgesOutput{}
	out.Body.Bridges = list
	if list == nil {
		out.Body.Bridges = []Bridge{}
	}
	return out, err
}

type destroyInput struct {
	Creator string `query:"creator" maxLength:"64" doc:"Only bridges that were made by this: Stasis for applications, Dial, ConfBridge. Absent = Stasis"`
	Hangup  bool   `query:"hangup" doc:"Hang up their channels too"`
}

type destroyOutput struct {
	Body struct {
		Destroyed int `json:"destroyed"`
	}
}

// destroyBridges ends all bridges of applications at once, for whoever has lost track
// of them (spec: ari 1 C4).
func (s *Server) destroyBridges(ctx context.Context, in *destroyInput) (*destroyOutput, error) {
	creator := in.Creator
	if creator == "" {
		creator = "Stasis"
	}
	n, err := s.o.Live.DestroyBridges(ctx, creator, in.Hangup)
	out := &destroyOutput{}
	out.Body.Destroyed = n
	return out, err
}
