package app

import (
	"context"
	"errors"
	"iter"
	"strings"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/door/callfile"
	"github.com/dialwright/dialwright/internal/originate"
)

// startCallfile starts the call-file door, if there is a folder.
func (a *App) startCallfile(ctx context.Context) error {
	c := a.Config().Callfile
	if c.Dir == "" {
		return nil
	}
	account := call.AccountID(c.Account)
	if account == "" {
		account = a.DefaultAccount()
	}
	door, err := callfile.New(callfile.Options{
		Dir: c.Dir, Done: c.Done, Failed: c.Failed, Calls: folderCalls{a.originator, a.store}, Account: account, Log: a.log,
		Compat: c.Compat, Settle: c.Settle.Duration, Rescan: c.Rescan.Duration, Poll: c.Poll,
		NoWriteback: c.NoWriteback, DeleteInvalid: c.DeleteInvalid, Ignore: c.Ignore, NoRetryOn: c.NoRetryOn, Results: c.Results,
		AllowExec: c.AllowExec, Dangerous: a.dangerous,
		FilesAllowed: func() bool { return a.Config().Dialplan.AllowFiles },
	})
	if err != nil {
		return err
	}
	if err := door.Start(ctx); err != nil {
		return err
	}
	a.stack.push("call files", door.Stop)
	return nil
}

// dangerous tells of an application or function whether it runs commands or
// touches files.
func (a *App) dangerous(name string, function bool) bool {
	const danger = run.Commands | run.Files
	if function {
		f, ok := a.machine.Func(strings.ToUpper(name))
		return ok && f.Danger&danger != 0
	}
	app, ok := a.machine.App(name)
	return ok && app.Danger&danger != 0
}

// folderCalls gives the originator the shape that the call-file door declares.
type folderCalls struct {
	o     *originate.Originator
	store originate.Store
}

// SubmitBatch is callfile.Calls.
func (f folderCalls) SubmitBatch(ctx context.Context, list []call.Request) ([]callfile.Submitted, error) {
	subs, err := f.o.SubmitBatch(ctx, list)
	if err != nil {
		return nil, folderRefusal(err)
	}
	out := make([]callfile.Submitted, len(subs))
	for i, s := range subs {
		out[i] = callfile.Submitted{Call: s.Call, Repeated: s.Repeated, Err: folderRefusal(s.Err)}
	}
	return out, nil
}

// folderRefusal translates the originator's refusals.
func folderRefusal(err error) error {
	r, ok := errors.AsType[*originate.Refusal](err)
	if !ok {
		return err
	}
	out := &callfile.Refusal{Text: r.Error(), RetryAfter: r.RetryAfter}
	switch r.Code {
	case originate.RefusedRate, originate.RefusedStopping, originate.RefusedStore:
		out.Temporary = true
	case originate.RefusedKeyReused:
		out.KeyReused = true
	}
	return out
}

// Find is callfile.Calls.
func (f folderCalls) Find(ctx context.Context, key string) (call.Call, bool, error) {
	a, err := f.store.FindKey(ctx, originate.Key{Door: callfile.DoorName, Principal: callfile.Principal, ID: key})
	if errors.Is(err, originate.ErrNotFound) {
		return call.Call{}, false, nil
	}
	return a.Call, err == nil, err
}

// Get is callfile.Calls.
func (f folderCalls) Get(ctx context.Context, id call.ID) (call.Call, bool, error) {
	c, err := f.store.Get(ctx, id)
	if errors.Is(err, originate.ErrNotFound) {
		return call.Call{}, false, nil
	}
	return c, err == nil, err
}

// Cancel is callfile.Calls.
func (f folderCalls) Cancel(ctx context.Context, id call.ID, by string) error {
	err := f.o.Cancel(ctx, id, by)
	if r, ok := errors.AsType[*originate.Refusal](err); ok && (r.Code == originate.RefusedState || r.Code == originate.RefusedNotFound) {
		return nil
	}
	return err
}

// LastSeq is callfile.Calls.
func (f folderCalls) LastSeq(ctx context.Context) (int64, error) {
	c, err := f.store.Counts(ctx)
	return c.Seq, err
}

// Events is callfile.Calls.
func (f folderCalls) Events(ctx context.Context, after int64, types []call.EventType) iter.Seq2[call.Event, error] {
	return f.o.Events(ctx, after, originate.EventFilter{Types: types})
}
