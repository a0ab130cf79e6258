package callfile

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// linkDelay is how long Asterisk waits whether somebody opens a new name (spec:
// callfile 1, hard link).
const linkDelay = 2 * time.Second

// errTaken says that two servers have one folder. Each would dial every file.
var errTaken = errors.New("the folder is locked")

// ignored reports whether files of this name are not taken.
func (d *Door) ignored(name string) bool {
	return slices.ContainsFunc(d.o.Ignore, func(p string) bool {
		ok, _ := path.Match(p, name) // the patterns were checked
		return ok
	})
}

// rescan reads the whole folder: at the start, every few seconds, and when
// events were missed. first: whatever is there may have calls from before.
func (d *Door) rescan(first bool) {
	if d.folder.moved() {
		if !d.reopen() {
			return
		}
		first = true
	}
	if !d.folder.ours {
		if !d.folder.lock() {
			d.complain("another server takes the files of the call-file folder; this one waits until it ends", errTaken)
			return
		}
		d.folder.ours, d.told, first = true, false, true
	}
	d.watch()
	list, err := d.folder.list()
	if err != nil {
		d.complain("the call-file folder cannot be read; it is tried again", err)
		return
	}
	slices.Sort(list) // files of the same second go in the order of their names
	seen := make(map[string]bool, len(list))
	for _, name := range list {
		seen[name] = true
		d.look(name, found, first)
	}
	for name, e := range d.names {
		switch {
		case !seen[name]:
			d.gone(name)
		case e.stuck:
			d.leave(e)
		}
	}
}

// changed takes what the system tells.
func (d *Door) changed(list []change) {
	// First what is gone, without acting on it: a file that is renamed inside the
	// folder is gone from one name and there under the other.
	for _, c := range list {
		if e := d.names[c.name]; c.what == left && e != nil {
			e.removed = true
		}
	}
	for _, c := range list {
		if c.what != left {
			d.look(c.name, c.what, false)
		}
	}
	for _, c := range list {
		if c.what == left {
			d.gone(c.name)
		}
	}
}

// look finds out what is behind a name now.
func (d *Door) look(name string, how what, old bool) {
	if d.ignored(name) {
		return
	}
	e := d.names[name]
	if e != nil && e.stage == placed && how == touched {
		return // most likely our own mirroring
	}
	st, err := d.folder.stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		d.gone(name)
		return
	case err != nil:
		d.log.Error("call file cannot be looked at", "file", name, "error", err)
		return
	case e != nil && e.id == st.id:
		e.removed = false
		d.again(e, st, how)
		return
	}
	due := time.Time{}
	if e != nil {
		due = e.due
		d.detach(e)
	}
	if !st.mode.IsRegular() && st.mode&fs.ModeSymlink == 0 {
		return // directories, FIFOs, sockets and devices are left alone
	}
	// A placed file that has lost its name finds it again here; one that was
	// removed and comes back is another delivery.
	if was := d.inodes[st.id]; was != nil && (was.lost && !was.removed || !was.lost && was.name != name && !d.still(was)) {
		d.rename(was, name)
		d.again(was, st, written)
		return
	}
	d.add(name, st, how, old)
	if d.o.compat() && e != nil && e.stage == waiting && due.Before(d.names[name].due) {
		d.at(d.names[name], due) // spec: callfile 4, a file moved over a queued one
	}
}

// still reports whether e's name means e.
func (d *Door) still(e *entry) bool {
	st, err := d.folder.stat(e.name)
	return err == nil && st.id == e.id
}

// add takes a file that is new here.
func (d *Door) add(name string, st info, how what, old bool) {
	d.arrivals++
	e := &entry{
		name: name, id: st.id, order: d.arrivals, complete: how == written, old: old,
		// Only such a file can have been delivered before: to an earlier server, or by
		// another of its names.
		lookup: old || st.id.born == 0 || st.id.born < d.begun.UnixNano() || st.links > 1,
	}
	d.names[name], d.inodes[e.id] = e, e
	switch {
	case old:
		d.at(e, time.Time{}) // looked into at once: its call may be running
	case d.o.compat() && how == appeared:
		d.at(e, time.Now().Add(linkDelay))
	default:
		d.schedule(e, st)
	}
}

// schedule waits for the time of a file. Where it is not to be had, reading it
// will say why.
func (d *Door) schedule(e *entry, st info) {
	at, err := d.folder.modTime(e.name, st)
	if err != nil {
		at = time.Now()
	}
	d.wait(e, at)
}

// again takes news of a file that is known.
func (d *Door) again(e *entry, st info, how what) {
	fresh := how == written && !e.complete
	e.complete = e.complete || fresh
	switch e.stage {
	case waiting:
		// Asterisk fixes the time when the file has arrived (spec: callfile 9, W6).
		if !e.old && (fresh || !d.o.compat()) {
			d.schedule(e, st)
		}
	case settling:
		if how != found {
			d.at(e, time.Now())
		}
	case kept:
		d.revive(e, st)
	}
}

// revive dials a file again that was kept, if somebody has given it a new time
// or content (spec: callfile 9, W12).
func (d *Door) revive(e *entry, st info) {
	delayed := e.place > 0 // see keepDelayed
	if delayed || st.modTime.Equal(e.kept.modTime) && st.size == e.kept.size {
		return
	}
	d.renew(e)
	d.schedule(e, st)
}

// renew makes e a file that was not dialled yet.
func (d *Door) renew(e *entry) {
	d.drop(e)
	d.arrivals++
	*e = entry{name: e.name, id: e.id, order: d.arrivals, complete: true, gen: e.gen + 1}
	d.names[e.name], d.inodes[e.id] = e, e
}

// rename follows a file that was renamed inside the folder.
func (d *Door) rename(e *entry, name string) {
	if d.names[e.name] == e {
		delete(d.names, e.name)
	}
	e.name, e.removed, e.lost = name, false, false
	d.names[name] = e
}

// renameTime is how much later the second half of a rename may be heard of.
const renameTime = 100 * time.Millisecond

// leaving is a call's file whose name is gone: perhaps it will be seen under
// another.
type leaving struct {
	e    *entry
	till time.Time
}

// gone deals with a name that is said to be gone.
func (d *Door) gone(name string) {
	e := d.names[name]
	switch {
	case e == nil:
	case d.still(e):
		e.removed = false
	case e.stage != placed:
		d.drop(e)
	default:
		e.removed = true
		d.leaving = append(d.leaving, leaving{e, time.Now().Add(renameTime)})
	}
}

// left deals with files that were not seen under another name.
func (d *Door) left() {
	for len(d.leaving) > 0 && !d.leaving[0].till.After(time.Now()) {
		e := d.leaving[0].e
		d.leaving = d.leaving[1:]
		if e.removed && d.names[e.name] == e && !d.still(e) {
			d.detach(e)
		}
	}
}

// detach takes e's name from it: it was removed, or another file has it. A call
// whose file was removed is withdrawn, at the latest after its present attempt; one
// whose name was taken goes on (spec: callfile 9, W5).
func (d *Door) detach(e *entry) {
	if e.stage != placed {
		d.drop(e)
		return
	}
	if d.names[e.name] == e {
		delete(d.names, e.name)
	}
	e.lost = true
	if !e.removed {
		d.log.Warn("another call file has taken the name of one whose call is not over", "file", e.name, "call", e.call)
		return
	}
	if !e.live {
		d.unwanted(e)
	}
}

// unwanted has a call withdrawn whose file was removed.
func (d *Door) unwanted(e *entry) {
	d.log.Info("call file was removed: its call is withdrawn", "file", e.name, "call", e.call)
	d.stats.withdrawn.Add(1)
	d.unwant.put(e.call)
}

// printable gives a file name as it can stand in records: other bytes are
// written as %XX.
func printable(name string) string {
	if !strings.ContainsFunc(name, strange) && isUTF8(name) {
		return name
	}
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		if c := name[i]; c < ' ' || c >= 0x7f || c == '%' {
			const hex = "0123456789ABCDEF"
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
			continue
		}
		b.WriteByte(name[i])
	}
	return clip(b.String(), maxText)
}
