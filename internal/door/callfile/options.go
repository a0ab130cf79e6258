package callfile

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"log/slog"
	"path"
	"path/filepath"
	"time"

	"github.com/dialwright/dialwright/internal/call"
)

// DoorName is call.Origin.Door of calls from the folder.
const DoorName = "callfile"

// Principal is call.Origin.Principal of calls from the folder: whoever may write
// it. An account with a list of principals must name it.
const Principal = "callfile"

// Modes of Options.Compat.
const (
	Safe       = "safe"       // nothing is lost that Asterisk loses
	Asterisk22 = "asterisk22" // as Asterisk 22 does, for scripts that count on it
)

// Options say where call files are and how they are treated. Dir, Calls and
// Account are required.
type Options struct {
	Dir    string // watched folder; made if it is missing
	Done   string // where files with "Archive: yes" go; "" = outgoing_done beside Dir
	Failed string // where files that cannot be carried out go; "" = outgoing_failed beside Dir

	Calls   Calls          // the originator
	Account call.AccountID // on whose behalf the calls are made
	Log     *slog.Logger   // nil = nothing is logged

	Compat string        // Safe or Asterisk22; "" = Safe
	Settle time.Duration // a file that does not parse is judged when it has been left alone for so long; 0 = 2 s. Not with Asterisk22
	Rescan time.Duration // the folder is read again this often, beside being watched; 0 = 5 s
	Poll   bool          // only read the folder every Rescan: for network file systems

	NoWriteback   bool     // write no StartRetry and EndRetry lines, and leave the times alone
	DeleteInvalid bool     // delete what cannot be carried out, as Asterisk does, instead of keeping it in Failed
	Ignore        []string // patterns of names that are not taken (path.Match); nil = DefaultIgnore, with Asterisk22 none
	NoRetryOn     []int    // SIP statuses after which a file is not tried again (spec: callfile 9, W14)
	Results       bool     // write NAME.result with the outcome as JSON into Done when a file is done

	// AllowExec lets files run applications and write functions that command this
	// machine or touch its files, as far as the dialplan may. Off, such files are
	// refused (spec: callfile 9, W20).
	AllowExec bool
	// Dangerous tells of an application (in any case), or of a function if function
	// is set, whether it is one of those. nil = DefaultDangerous.
	Dangerous func(name string, function bool) bool
	// FilesAllowed tells whether the dialplan may write files anywhere. nil = it may.
	// Then a file whose recording would lie elsewhere is refused without AllowExec.
	FilesAllowed func() bool
}

// DefaultIgnore lists the names that editors and copy programs use for files
// that are not there yet (spec: callfile 9, W7).
func DefaultIgnore() []string { return []string{".*", "*~", "*.tmp", "*.swp", "*.part"} }

// Calls is what this door needs of the originator. Errors may be *Refusal.
type Calls interface {
	// SubmitBatch admits many requests; the results are parallel to them. The
	// error is about the batch as a whole.
	SubmitBatch(ctx context.Context, list []call.Request) ([]Submitted, error)
	// Find gives the call of an idempotency key of this door and Principal; ok is
	// false if there is none.
	Find(ctx context.Context, key string) (c call.Call, ok bool, err error)
	// Get gives a call; ok is false if it is no longer kept.
	Get(ctx context.Context, id call.ID) (c call.Call, ok bool, err error)
	// Cancel withdraws a call; by says who asks. One that has ended is no error.
	Cancel(ctx context.Context, id call.ID, by string) error
	// LastSeq gives the number of the newest event.
	LastSeq(ctx context.Context) (int64, error)
	// Events gives the events of these types after a number, in order, without
	// gap or repetition, until ctx ends or the originator stops.
	Events(ctx context.Context, after int64, types []call.EventType) iter.Seq2[call.Event, error]
}

// Submitted is the result for one request of a batch.
type Submitted struct {
	Call     call.Call
	Repeated bool  // Call was made by an earlier submission with this key
	Err      error // a *Refusal, or nil
}

// Refusal says why a request was not accepted.
type Refusal struct {
	Text       string        // what happened and what to do
	Temporary  bool          // the same request may be accepted later: rate, full disk, stopping
	KeyReused  bool          // the key belongs to another request
	RetryAfter time.Duration // of Temporary, 0 = unknown
}

// Error gives the text.
func (r *Refusal) Error() string { return r.Text }

// complete checks o and fills its defaults.
func (o *Options) complete() error {
	var errs []error
	if o.Dir == "" || o.Calls == nil || o.Account == "" {
		errs = append(errs, errors.New("a call-file door needs a folder, an originator and an account"))
	}
	o.Compat = cmp.Or(o.Compat, Safe)
	if o.Compat != Safe && o.Compat != Asterisk22 {
		errs = append(errs, errors.New("compat is "+Safe+" or "+Asterisk22))
	}
	if o.Ignore == nil && o.Compat == Safe {
		o.Ignore = DefaultIgnore()
	}
	for _, p := range o.Ignore {
		if _, err := path.Match(p, ""); err != nil {
			errs = append(errs, errors.New(p+" is not a pattern"))
		}
	}
	o.Dir = filepath.Clean(o.Dir)
	o.Done = cmp.Or(o.Done, filepath.Join(filepath.Dir(o.Dir), "outgoing_done"))
	o.Failed = cmp.Or(o.Failed, filepath.Join(filepath.Dir(o.Dir), "outgoing_failed"))
	for _, other := range []string{o.Done, o.Failed} {
		if filepath.Clean(other) == o.Dir {
			errs = append(errs, errors.New("the folders of archived and failed files must not be the watched one"))
		}
	}
	o.Settle = cmp.Or(max(o.Settle, 0), 2*time.Second)
	o.Rescan = cmp.Or(max(o.Rescan, 0), 5*time.Second)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Dangerous == nil {
		o.Dangerous = DefaultDangerous
	}
	return errors.Join(errs...)
}

func (o *Options) compat() bool { return o.Compat == Asterisk22 }
