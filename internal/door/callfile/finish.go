package callfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	wire "github.com/dialwright/dialwright/internal/wire/callfile"
)

// conclude ends the work on a file whose call has ended.
func (d *Door) conclude(e *entry) {
	switch {
	case e.last != nil && e.last.Disposition == call.Answered:
		d.finish(e, wire.Completed, e.started)
	case barred(e.failure):
		d.fail(e, e.file, e.failure.Text)
	default:
		d.finish(e, wire.Expired, e.started)
	}
}

// barred tells whether our own guard has refused the attempt: since the file was
// accepted, the account may have lost a right. A peer's refusal has a SIP status.
func barred(f *call.Failure) bool {
	return f != nil && f.Cause == int(cause.OutgoingBarred) && f.SIPStatus == 0 && f.Permanent
}

// finish ends the work on a file after so many attempts of ours: it is removed,
// archived, or kept (spec: callfile 5.4).
func (d *Door) finish(e *entry, status wire.Status, attempts int) {
	if status == wire.Completed {
		d.stats.completed.Add(1)
		d.log.Info("Call completed to "+e.file.Channel(), "file", e.name, "call", e.call)
	} else {
		d.stats.expired.Add(1)
		n := attempts
		if e.call != "" {
			n += e.file.Retries
			if d.o.compat() && n > 0 {
				n-- // spec: callfile 5.2: one less than the truth
			}
		}
		d.log.Info(fmt.Sprintf("Queued call to %s expired without completion after %d attempt%s", e.file.Channel(), n, plural(n)),
			"file", e.name, "call", e.call)
	}
	d.result(e, status, "")
	switch {
	case e.lost:
		d.drop(e)
	case e.file.KeepFuture && d.keepFuture(e, status):
	default:
		e.status = status
		d.leave(e)
	}
}

func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}

// leave takes a file that is done with out of the folder. If that fails it is kept,
// never dialled again, and tried again with each re-scan.
func (d *Door) leave(e *entry) {
	err := d.takeOut(e)
	if d.isOut(e, err) {
		return
	}
	switch {
	case e.stuck:
	case e.status == wire.Failed:
		d.log.Error("failed call file cannot be moved; it stays and is not dialled", "file", e.name, "to", d.o.Failed, "error", err)
	default:
		d.log.Error("call file cannot be removed; it stays and is not dialled again", "file", e.name, "call", e.call, "error", err)
	}
	d.keep(e, e.status)
	e.stuck = true
}

// takeOut removes, archives or puts aside a file, by how it ended.
func (d *Door) takeOut(e *entry) error {
	switch {
	case e.status == wire.Failed && e.file.Archive && e.file.Err() != nil: // spec: callfile 3.2
		err := d.archive(e, wire.Failed)
		if err == nil && !d.o.DeleteInvalid {
			d.reasonFile(filepath.Join(d.o.Failed, e.name), e)
		}
		return err
	case e.status == wire.Failed && !d.o.DeleteInvalid:
		return d.putAside(e)
	case e.status != wire.Failed && e.file.Archive:
		return d.archive(e, e.status)
	}
	return d.folder.remove(e.name, e.id)
}

// isOut reports whether a file is out of the folder, or not ours to remove, and
// forgets it then.
func (d *Door) isOut(e *entry, err error) bool {
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errReplaced) {
		return false
	}
	d.drop(e)
	return true
}

// keep leaves a file where it is and remembers what it is like.
func (d *Door) keep(e *entry, status wire.Status) {
	d.unschedule(e)
	delete(d.calls, e.call)
	e.stage, e.status = kept, status
	st, err := d.folder.stat(e.name)
	if err == nil {
		e.kept = st
	}
}

// keepFuture decides about a file with AlwaysDelete: no. Ours (spec: callfile 9,
// W12): it stays, in the archive if it is to go there; and if somebody has given it a time in the future meanwhile, it
// is dialled again then, as a fresh call.
func (d *Door) keepFuture(e *entry, status wire.Status) bool {
	st, err := d.folder.stat(e.name)
	if err != nil || st.id != e.id {
		return false
	}
	at, err := d.folder.modTime(e.name, st)
	if err != nil {
		return false
	}
	future := at.Truncate(time.Second).After(time.Now()) // as when it was dialled: the whole second counts
	switch {
	case d.o.compat():
		return future && d.keepDelayed(e, status)
	case !future && e.file.Archive:
		return false
	case future:
		d.renew(e)
		d.wait(e, at)
		return true
	}
	d.keep(e, status)
	return true
}

// archive moves a file to the archive and adds its status.
func (d *Door) archive(e *entry, status wire.Status) error {
	to, err := d.folder.moveOut(e.name, e.id, d.o.Done, d.o.compat())
	if err != nil {
		return err
	}
	if err := appendStatus(to, status.Line(), d.o.compat()); err != nil {
		d.log.Warn("status not written into the archived call file", "file", to, "error", err)
	}
	return nil
}

// fail puts a file aside that cannot be carried out, with the reason beside it. f
// is nil if it could not be read.
func (d *Door) fail(e *entry, f *wire.File, reason string) {
	reason = oneLine(reason)
	d.stats.failed.Add(1)
	d.log.Warn("call file failed", "file", e.name, "call", e.call, "reason", reason)
	if e.lost {
		d.drop(e)
		return
	}
	if e.file = f; f == nil {
		e.file = &wire.File{}
	}
	d.result(e, wire.Failed, reason)
	e.status, e.reason = wire.Failed, reason
	d.leave(e)
}

// putAside moves a file into the folder of failed ones.
func (d *Door) putAside(e *entry) error {
	to, err := d.folder.moveOut(e.name, e.id, d.o.Failed, false)
	if err != nil {
		return err
	}
	// A link, or a file that may not be written, has the reason beside it only.
	_ = appendStatus(to, wire.Failed.Line()+"Reason: "+e.reason+"\n", false)
	d.reasonFile(to, e)
	return nil
}

// reasonFile writes NAME.reason: why the file failed, and what was odd about it.
func (d *Door) reasonFile(to string, e *entry) {
	var b strings.Builder
	fmt.Fprintf(&b, "Status: %s\nReason: %s\n", wire.Failed, e.reason)
	for _, w := range e.file.Warnings {
		fmt.Fprintf(&b, "Warning: %s\n", oneLine(w.String()))
	}
	d.writeBeside(to, ".reason", []byte(b.String()))
}

// writeBeside writes a file with a suffix to the name of another. It appears whole or
// not at all.
func (d *Door) writeBeside(to, suffix string, text []byte) {
	dir, name := filepath.Split(to)
	to = filepath.Join(dir, name[:min(len(name), maxName-len(suffix))]+suffix)
	tmp := filepath.Join(dir, ".writing-"+strconv.Itoa(d.pid))
	err := os.MkdirAll(dir, 0o777)
	if err == nil {
		err = os.WriteFile(tmp, text, 0o666)
	}
	if err == nil {
		err = os.Rename(tmp, to)
	}
	if err != nil {
		_ = os.Remove(tmp) // half of it, or nothing
		d.log.Error("not written", "file", to, "error", err)
	}
}

func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if strange(r) {
			return ' '
		}
		return r
	}, s)
}

// Result is what NAME.result holds, in JSON (spec: callfile 9, W15 and W19).
type Result struct {
	File        string           `json:"file"`
	Call        call.ID          `json:"call,omitempty"` // empty: none was made
	Status      wire.Status      `json:"status"`
	Outcome     string           `json:"outcome"`  // completed, completed_no_destination, completed_no_application, interrupted, expired, failed
	Attempts    int              `json:"attempts"` // earlier ones of the file included
	Disposition call.Disposition `json:"disposition,omitempty"`
	Reason      int              `json:"reason"` // REASON of the last attempt
	Cause       int              `json:"cause"`
	SIPStatus   int              `json:"sip_status,omitempty"`
	Text        string           `json:"text,omitempty"` // of the failure, in words
	StartedAt   time.Time        `json:"started_at,omitzero"`
	AnsweredAt  time.Time        `json:"answered_at,omitzero"`
	EndedAt     time.Time        `json:"ended_at,omitzero"`
}

// result writes NAME.result into the archive folder.
func (d *Door) result(e *entry, status wire.Status, text string) {
	if !d.o.Results {
		return
	}
	r := Result{File: printable(e.name), Call: e.call, Status: status, Outcome: strings.ToLower(string(status)), Attempts: e.file.Retries + e.started, Text: text}
	if c := e.last; c != nil {
		r.Disposition, r.Reason, r.Cause, r.SIPStatus = c.Disposition, c.Reason, c.Cause, c.SIPStatus
		r.StartedAt, r.AnsweredAt, r.EndedAt = c.StartedAt, c.AnsweredAt, c.EndedAt
		if status == wire.Completed {
			r.Outcome = c.Detail
		}
	}
	if e.failure != nil && status == wire.Expired {
		r.Text = e.failure.Error()
	}
	body, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		d.log.Error("result not written", "file", e.name, "error", err)
		return
	}
	d.writeBeside(filepath.Join(d.o.Done, e.name), ".result", append(body, '\n'))
}
