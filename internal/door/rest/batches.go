package rest

import (
	"context"
	"strconv"

	"github.com/dialwright/dialwright/internal/call"
)

// NewBatch is the body that asks for many calls.
type NewBatch struct {
	Batch string    `json:"batch,omitempty" maxLength:"128" doc:"Name given to calls that name no batch of their own; with it they can be paused and cancelled together"`
	Calls []NewCall `json:"calls" minItems:"1" maxItems:"100000" nullable:"false"`
}

// BatchResult is the result for one call of a batch.
type BatchResult struct {
	Index    int      `json:"index" doc:"Its place in the request, from 0"`
	ID       string   `json:"id,omitempty" doc:"Call ID; absent if it was refused"`
	Replayed bool     `json:"replayed,omitempty" doc:"Its key was used before; this is the earlier call"`
	Error    *Problem `json:"error,omitempty" doc:"Why it was refused"`
}

type batchInput struct {
	Key  string `header:"Idempotency-Key" maxLength:"256" doc:"Repeating the request with the same key dials nobody twice; stands for the keys of calls that have none"`
	Body batchBody
}

type batchOutput struct {
	Body struct {
		Batch    string        `json:"batch,omitempty"`
		Accepted int           `json:"accepted"`
		Refused  int           `json:"refused"`
		Results  []BatchResult `json:"results" nullable:"false"`
	}
}

// createBatch submits the calls that can be understood, in their order, and
// answers for each.
func (s *Server) createBatch(ctx context.Context, in *batchInput) (*batchOutput, error) {
	name, items, err := s.readBatch(in.Body)
	if err != nil {
		return nil, err
	}
	if err := s.mayAdd(ctx, call.BatchID(name)); err != nil {
		return nil, err
	}
	out := &batchOutput{}
	out.Body.Batch = name
	out.Body.Results = make([]BatchResult, len(items))
	var list []call.Request
	var index []int
	refuse := func(i int, err error) {
		out.Body.Refused++
		out.Body.Results[i].Error = problemOf(ctx, s.log, err)
	}
	digest := in.Body.digest()
	for i, item := range items {
		out.Body.Results[i].Index = i
		r, err := s.readItem(ctx, item)
		if err != nil {
			refuse(i, err)
			continue
		}
		if r.Batch == "" {
			r.Batch = call.BatchID(name)
		}
		if r.Key == "" && in.Key != "" {
			r.Key, r.Digest = in.Key+"#"+strconv.Itoa(i), digest
		}
		list, index = append(list, r), append(index, i)
	}
	if len(list) == 0 {
		return out, nil
	}
	if in.Key != "" {
		if err := s.o.Calls.CheckKeys(ctx, list); err != nil {
			return nil, err
		}
	}
	results, err := s.o.Calls.SubmitBatch(ctx, list)
	if err != nil {
		return nil, err
	}
	for j, sub := range results {
		i := index[j]
		if sub.Err != nil {
			refuse(i, sub.Err)
			continue
		}
		out.Body.Accepted++
		out.Body.Results[i].ID, out.Body.Results[i].Replayed = string(sub.Call.ID), sub.Repeated
	}
	return out, nil
}

type batchIDInput struct {
	Batch string `path:"batch" maxLength:"128" doc:"Name of the batch"`
}

type batchDone struct {
	Body struct {
		Batch     string `json:"batch"`
		Cancelled int    `json:"cancelled,omitempty" doc:"Calls that were withdrawn"`
	}
}

// ownBatch checks that the batch exists and that the principal may touch all its
// calls: names of batches are common to all accounts, and whoever adds a call to
// a foreign batch must not gain power over the others.
func (s *Server) ownBatch(ctx context.Context, b string) error {
	_, err := s.theBatch(ctx, b)
	return err
}

func (s *Server) pauseBatch(ctx context.Context, in *batchIDInput) (*batchDone, error) {
	return s.batchDo(ctx, in.Batch, func() (int, error) { return 0, s.o.Calls.PauseBatch(ctx, call.BatchID(in.Batch)) })
}

func (s *Server) resumeBatch(ctx context.Context, in *batchIDInput) (*batchDone, error) {
	return s.batchDo(ctx, in.Batch, func() (int, error) { return 0, s.o.Calls.ResumeBatch(ctx, call.BatchID(in.Batch)) })
}

func (s *Server) cancelBatch(ctx context.Context, in *batchIDInput) (*batchDone, error) {
	return s.batchDo(ctx, in.Batch, func() (int, error) {
		// First what would go on adding calls to it.
		if err := s.o.Imports.Cancel(ctx, call.BatchID(in.Batch), principal(ctx).Name); err != nil {
			return 0, importError(err)
		}
		return s.o.Calls.CancelBatch(ctx, call.BatchID(in.Batch), principal(ctx).Name)
	})
}

func (s *Server) batchDo(ctx context.Context, b string, do func() (int, error)) (*batchDone, error) {
	if err := s.ownBatch(ctx, b); err != nil {
		return nil, err
	}
	n, err := do()
	if err != nil {
		return nil, err
	}
	out := &batchDone{}
	out.Body.Batch, out.Body.Cancelled = b, n
	return out, nil
}
