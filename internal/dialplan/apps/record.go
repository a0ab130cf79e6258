package apps

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/pbx"
)

// taking is one recording by Record.
type taking struct {
	base, format string // absolute path without suffix; suffix
	silence      time.Duration
	limit        time.Duration
	opts         letters
}

// record is Record(file.suffix[,silence_s[,max_s[,options]]]): records what the
// party says until #, so much silence, or the time is over, which counts by the
// clock on the wall (spec: dialplan 5.1 Record, D4). A relative file is in the
// sounds directory; %d in it counts up to the first that is not there. Options: a
// appends, n does not answer, s skips it if the party is not up, q plays no beep, t
// ends by *, y by any digit, x by none, o also by 0, k keeps the file of a party
// that hangs up, u keeps the silence at its end. RECORD_STATUS is DTMF, SILENCE,
// SKIP, TIMEOUT, HANGUP, OPERATOR or ERROR; RECORDED_FILE the path without suffix.
func record(ctx context.Context, x *run.Exec, args string) error {
	r, err := readTaking(x, args)
	if err != nil {
		x.Warn("Record(%s): %v", args, err)
		x.Set(ctx, "RECORD_STATUS", "ERROR")
		return nil
	}
	skipped, err := upFirst(ctx, x, r.opts.has('s'), r.opts.has('n'))
	if skipped {
		x.Set(ctx, "RECORD_STATUS", "SKIP")
		return nil
	}
	if err == nil && !r.opts.has('q') {
		if err = playAll(ctx, x, "sound:beep"); unheard(err) {
			err = nil
		}
	}
	if err != nil {
		x.Set(ctx, "RECORD_STATUS", "HANGUP")
		return err
	}
	x.Set(ctx, "RECORDED_FILE", r.base)
	status, err := r.take(ctx, x)
	x.Set(ctx, "RECORD_STATUS", status)
	return err
}

// readTaking reads Record's arguments.
func readTaking(x *run.Exec, args string) (*taking, error) {
	a := arguments(args, 4)
	opts, err := parseLetters(a[3])
	if err != nil {
		x.Warn("Record: %v", err)
	}
	opts.only("anqstuxyok", "", x.Warn)
	r := &taking{opts: opts}
	name := a[0]
	if i := strings.LastIndexByte(name, ':'); i > strings.LastIndexByte(name, '/') { // as Asterisk 1.0 wrote it
		name = name[:i] + "." + name[i+1:]
	}
	ext := filepath.Ext(name)
	r.format = strings.TrimPrefix(ext, ".")
	r.base = strings.TrimSuffix(name, ext)
	switch {
	case r.base == "" || ext == "":
		return nil, errors.New("a file with a suffix is needed, such as greeting.wav")
	case !media.CanRecord(r.format):
		return nil, fmt.Errorf("no such format %q", r.format)
	}
	if !filepath.IsAbs(r.base) {
		dir := x.Machine().Options().Dirs.Sounds
		if dir == "" {
			return nil, errors.New("there is no sounds directory: name the file by its whole path")
		}
		if r.base, err = filepath.Abs(filepath.Join(dir, r.base)); err != nil {
			return nil, err
		}
	}
	if r.base, err = counted(x, r.base, ext); err != nil {
		return nil, err
	}
	if d, ok := readSeconds(a[1]); ok {
		r.silence = max(d, 0)
	}
	if d, ok := readSeconds(a[2]); ok {
		r.limit = max(d, 0)
	}
	return r, nil
}

// counted replaces %d by the first number from 0 on with which there is no such file.
func counted(x *run.Exec, base, ext string) (string, error) {
	if !strings.Contains(base, "%d") {
		return base, nil
	}
	const most = 100_000
	for n := range most {
		name := strings.ReplaceAll(base, "%d", strconv.Itoa(n))
		if !x.Machine().Switch().FileExists(name + ext) {
			return name, nil
		}
	}
	return "", fmt.Errorf("%d files are there already", most)
}

// file is the whole path.
func (r *taking) file() string { return r.base + "." + r.format }

// take records, and gives the status.
func (r *taking) take(ctx context.Context, x *run.Exec) (string, error) {
	sw := x.Machine().Switch()
	digits, err := x.Digits()
	if err != nil {
		return "HANGUP", err
	}
	f, err := sw.WriteFile(r.file(), r.opts.has('a'))
	if err != nil {
		x.Warn("Record: %v", err)
		return "ERROR", nil
	}
	rec, err := x.Channel().Record(pbx.RecordOptions{
		File: f, Format: r.format, Append: r.opts.has('a'), MaxSilence: r.silence, MaxDuration: r.limit, DropSilence: !r.opts.has('u'),
	})
	switch {
	case errors.Is(err, pbx.ErrGone):
		return "HANGUP", r.lost(x, err)
	case err != nil:
		x.Warn("Record: %v", err)
		return "ERROR", nil
	}
	status, err := r.wait(ctx, digits, rec)
	rec.Stop()
	<-rec.Done()
	why, _ := rec.Ended()
	switch {
	case why == pbx.EndedByError:
		return "ERROR", err
	case status == "HANGUP", why == pbx.EndedByHangup:
		if err == nil {
			err = pbx.ErrGone
		}
		return "HANGUP", r.lost(x, err)
	case status == "" && why == pbx.EndedBySilence:
		return "SILENCE", nil
	case status == "":
		return "TIMEOUT", nil
	}
	return status, nil
}

// wait waits for a digit that ends it, the recording's own end, "", or the end
// of the call.
func (r *taking) wait(ctx context.Context, digits <-chan rune, rec *pbx.Recording) (string, error) {
	for {
		select {
		case d := <-digits:
			if status := r.ends(d); status != "" {
				return status, nil
			}
		case <-rec.Done():
			return "", nil
		case <-ctx.Done():
			return "HANGUP", context.Cause(ctx)
		}
	}
}

// ends gives the status with which a digit ends the recording, "" if it does not.
func (r *taking) ends(d rune) string {
	end := "#"
	switch {
	case r.opts.has('y'):
		end = "0123456789*#ABCD"
	case r.opts.has('x'):
		end = ""
	case r.opts.has('t'):
		end = "*"
	}
	switch {
	case d == '0' && r.opts.has('o'):
		return "OPERATOR"
	case strings.ContainsRune(end, d):
		return "DTMF"
	}
	return ""
}

// lost removes the file of a party that has hung up, unless it is to be kept.
func (r *taking) lost(x *run.Exec, why error) error {
	if !r.opts.has('k') {
		if err := x.Machine().Switch().RemoveFile(r.file()); err != nil {
			x.Warn("Record: %v", err)
		}
	}
	return why
}
