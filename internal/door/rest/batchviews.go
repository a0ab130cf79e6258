package rest

import (
	"context"
	"time"

	"github.com/dialwright/dialwright/internal/bulk"
	"github.com/dialwright/dialwright/internal/call"
)

// BatchView is a batch with the numbers of its calls.
type BatchView struct {
	Batch        string         `json:"batch"`
	Account      string         `json:"account" doc:"Of its first call"`
	CreatedAt    time.Time      `json:"created_at"`
	Paused       bool           `json:"paused"`
	Calls        int            `json:"calls" doc:"All that are kept"`
	Waiting      int            `json:"waiting" doc:"Their next attempt lies ahead"`
	Live         int            `json:"live" doc:"An attempt runs"`
	Ended        int            `json:"ended"`
	Cancelled    int            `json:"cancelled" doc:"Withdrawn; not among those that ended"`
	Dispositions map[string]int `json:"dispositions" doc:"Of the last attempts of calls that are over"`
	LastAt       *time.Time     `json:"last_at,omitempty" doc:"When the last call ended"`
	Import       string         `json:"import,omitempty" doc:"ID of the newest list that was submitted to it"`
}

func viewBatch(b *bulk.Batch) BatchView {
	v := BatchView{
		Batch: string(b.ID), Account: string(b.Account), CreatedAt: b.CreatedAt, Paused: b.Paused, Calls: b.Calls, Waiting: b.Waiting, Live: b.Live,
		Ended: b.Ended, Cancelled: b.Cancelled, Dispositions: map[string]int{}, LastAt: timeOrNil(b.LastAt), Import: b.Import,
	}
	for d, n := range b.Dispositions {
		v.Dispositions[string(d)] = n
	}
	return v
}

type batchViewOutput struct{ Body BatchView }

func (s *Server) getBatch(ctx context.Context, in *batchIDInput) (*batchViewOutput, error) {
	b, err := s.theBatch(ctx, in.Batch)
	if err != nil {
		return nil, err
	}
	return &batchViewOutput{viewBatch(&b)}, nil
}

// theBatch gives a batch if the principal may see all its calls.
func (s *Server) theBatch(ctx context.Context, id string) (bulk.Batch, error) {
	lists, err := s.lists()
	if err != nil {
		return bulk.Batch{}, err
	}
	b, err := lists.Batch(ctx, call.BatchID(id), s.importer(ctx))
	return b, importError(err)
}

type batchesInput struct {
	Cursor string `query:"cursor" maxLength:"512" doc:"next of the previous page"`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

type batchesOutput struct {
	Body struct {
		Batches []BatchView `json:"batches" nullable:"false"`
		Next    string      `json:"next,omitempty" doc:"Cursor of the next page; absent on the last"`
	}
}

func (s *Server) listBatches(ctx context.Context, in *batchesInput) (*batchesOutput, error) {
	lists, err := s.lists()
	if err != nil {
		return nil, err
	}
	list, next, err := lists.Batches(ctx, s.importer(ctx), in.Cursor, in.Limit)
	if err != nil {
		return nil, importError(err)
	}
	out := &batchesOutput{}
	out.Body.Batches, out.Body.Next = []BatchView{}, next
	for i := range list {
		out.Body.Batches = append(out.Body.Batches, viewBatch(&list[i]))
	}
	return out, nil
}
