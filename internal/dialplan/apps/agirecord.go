package apps

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/wire/agi"
)

// recordFile is RECORD FILE name format escape timeout_ms [offset] [BEEP]
// [s=silence_s]. The answer tells what ended it: (dtmf) with the digit as result,
// (timeout), (hangup), and how long the file is. With an offset it goes on
// behind what the file has.
func (s *agiSession) recordFile(ctx context.Context, args []string) (agi.Answer, error) {
	limit, ok := agiMillis(args[3])
	if !ok {
		return agi.Answer{}, errAGIArgument
	}
	o := pbx.RecordOptions{Format: args[1], MaxDuration: max(limit, 0), TerminateOn: args[2]}
	for _, a := range args[4:] {
		switch silence, isSilence := strings.CutPrefix(strings.ToLower(a), "s="); {
		case isSilence:
			if o.MaxSilence, ok = agiSeconds(silence); !ok {
				return agi.Answer{}, errAGIArgument
			}
		case strings.EqualFold(a, "BEEP"):
			o.Beep = true
		default:
			offset, err := strconv.Atoi(a)
			if err != nil {
				return agi.Answer{}, errAGIArgument
			}
			o.Append = offset > 0
		}
	}
	f, err := agiRecordFile(s.x, args[0], args[1], o.Append)
	if err != nil {
		s.x.Warn("AGI: RECORD FILE: %v", err)
		return agi.Result(-1).WithText("writefile"), nil
	}
	o.File = f
	r, err := s.c.Record(o)
	if err != nil {
		s.note(err)
		return agi.Result(-1).WithText("writefile"), nil
	}
	select {
	case <-r.Done():
	case <-ctx.Done():
		r.Stop()
		<-r.Done() // the hangup ends it too
	}
	s.x.Flush() // the digit that ended it
	return recordAnswer(r), nil
}

// recordAnswer says how a recording has ended.
func recordAnswer(r *pbx.Recording) agi.Answer {
	length := samples(r.Snapshot().Duration)
	switch why, digit := r.Ended(); why {
	case pbx.EndedByDigit:
		return agi.Result(int(digit)).WithText("dtmf").At(length)
	case pbx.EndedByLimit, pbx.EndedBySilence:
		return agi.Result(0).WithText("timeout").At(length)
	case pbx.EndedByError:
		return agi.Result(-1).WithText("randomerror").At(length)
	}
	return agi.Result(-1).WithText("hangup").At(length)
}

// agiRecordFile opens the file of a recording below the sounds directory, as
// Record does; one elsewhere only if the dialplan may write files anywhere.
func agiRecordFile(x *run.Exec, name, format string, appends bool) (*os.File, error) {
	flags := os.O_RDWR | os.O_CREATE
	if !appends {
		flags |= os.O_TRUNC
	}
	name += "." + format
	if filepath.IsAbs(name) {
		if !x.Allowed(run.Files, "recording to "+name) {
			return nil, fs.ErrPermission
		}
		return os.OpenFile(name, flags, 0o640)
	}
	dir := x.Machine().Options().Dirs.Sounds
	if dir == "" {
		return nil, errors.New("there is no sounds directory to record into")
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	if parent := filepath.Dir(name); parent != "." {
		if err := root.MkdirAll(parent, 0o755); err != nil {
			return nil, err
		}
	}
	return root.OpenFile(name, flags, 0o640)
}
