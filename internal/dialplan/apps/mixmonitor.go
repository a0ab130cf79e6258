package apps

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/mixmonitor"
	"github.com/dialwright/dialwright/internal/pbx"
)

// recordings are what MixMonitor has begun on a channel.
type recordings struct {
	mu    sync.Mutex // guards the fields below
	next  int
	live  map[string]*taping // by MixMonitor id
	order []string           // the newest last
}

// taping is one of them.
type taping struct {
	r     *mixmonitor.Recording
	after func() // what is done when the files are complete
}

func recordingsOf(x *run.Exec) *recordings {
	return x.Value("mixmonitor", func() any { return &recordings{live: map[string]*taping{}} }).(*recordings)
}

// mixMonitor records both directions of the channel, now and through Dial,
// bridges and conferences, until StopMixMonitor or its end:
// MixMonitor([file.ext][,options[,command]]). The file is relative to the
// directory of recordings; its suffix says the format (wav, WAV, ulaw, alaw, sln,
// gsm, g722 …). It sets MIXMONITOR_FILENAME to the full path. Options: a append,
// b only while bridged, r(file) and t(file) the two directions apart, v(x)
// V(x) W(x) volume of what the party says, hears, both (-4 to 4), i(var)
// gives the recording's id, p and P a beep at start and end, d deletes the files
// after the command. What cannot be recorded is a warning; the call goes on
// (spec: dialplan 5.4; Asterisk: app_mixmonitor.c).
func mixMonitor(ctx context.Context, x *run.Exec, args string) error {
	file, rest, _ := strings.Cut(args, ",")
	options, command := cutOutside(rest, ',')
	o, err := parseLetters(options)
	if err != nil {
		x.Warn("MixMonitor: %v", err)
	}
	o.only("abdirtvVWpPsS", "BcDmn", x.Warn)
	if strings.TrimSpace(file) == "" && !o.has('r') && !o.has('t') {
		x.Warn("MixMonitor needs a file")
		return run.ErrEnd
	}
	t := taping{}
	record, err := recordOptions(x, strings.TrimSpace(file), o)
	if err != nil {
		x.Warn("MixMonitor: %v; the call is not recorded", err)
		return nil
	}
	if record.Mixed != nil {
		x.Set(ctx, "MIXMONITOR_FILENAME", record.Mixed.Path())
	}
	t.after = afterRecording(ctx, x, record, o, command)
	beep(x, o.has('p'))
	return startTaping(ctx, x, record, t, strings.TrimSpace(o['i']))
}

// startTaping begins to record and keeps the recording on the channel.
func startTaping(ctx context.Context, x *run.Exec, o mixmonitor.Options, t taping, idVariable string) error {
	r, err := mixmonitor.Start(x.Channel(), o)
	if err != nil {
		x.Warn("MixMonitor: %v; the call is not recorded", err)
		return nil
	}
	t.r = r
	rs := recordingsOf(x)
	rs.mu.Lock()
	rs.next++
	id := "0x" + strconv.FormatInt(int64(rs.next), 16)
	rs.live[id] = &t
	rs.order = append(rs.order, id)
	rs.mu.Unlock()
	if idVariable != "" {
		x.Set(ctx, idVariable, id)
	}
	log := x.Logger()
	go func() { // ends with the channel at the latest
		<-r.Done()
		if err := r.Err(); err != nil {
			log.Warn("recording is incomplete", "error", err)
		}
		if t.after != nil {
			t.after()
		}
	}()
	return nil
}

// recordOptions opens the files.
func recordOptions(x *run.Exec, file string, o letters) (out mixmonitor.Options, err error) {
	out.WhileBridged = o.has('b')
	out.GainIn, out.GainOut = volume(x, o, 'v'), volume(x, o, 'V')
	if o.has('W') {
		out.GainIn = volume(x, o, 'W')
		out.GainOut = out.GainIn
	}
	for _, f := range [...]struct {
		name string
		to   **mixmonitor.File
	}{{file, &out.Mixed}, {strings.TrimSpace(o['r']), &out.In}, {strings.TrimSpace(o['t']), &out.Out}} {
		if f.name == "" {
			continue
		}
		if *f.to, err = recordFile(x, f.name, o.has('a')); err != nil {
			for _, opened := range [...]*mixmonitor.File{out.Mixed, out.In, out.Out} {
				if opened != nil {
					err = errors.Join(err, opened.Close())
				}
			}
			return mixmonitor.Options{}, err
		}
	}
	return out, nil
}

// recordFile opens a file below the directory of recordings, or elsewhere if
// that is allowed.
func recordFile(x *run.Exec, name string, more bool) (*mixmonitor.File, error) {
	dir := x.Machine().Options().Dirs.Monitor
	full, inside := mixmonitor.Path(dir, name)
	if !inside && !x.Allowed(run.Files, "recording into "+full) {
		return nil, mixmonitor.ErrOutside
	}
	return mixmonitor.Create(dir, name, mixmonitor.FileOptions{Append: more, Outside: !inside})
}

// volume reads a factor of -4 to 4.
func volume(x *run.Exec, o letters, l rune) int {
	if !o.has(l) {
		return 0
	}
	n, err := strconv.Atoi(strings.TrimSpace(o[l]))
	if err != nil || n < -4 || n > 4 {
		x.Warn("MixMonitor: volume %c(%s) is not a number from -4 to 4", l, o[l])
		return 0
	}
	return n
}

// afterRecording gives what is to be done when the files are complete, nil if
// nothing is. The command's ^{NAME} are variables of this moment.
func afterRecording(ctx context.Context, x *run.Exec, r mixmonitor.Options, o letters, command string) func() {
	command = strings.TrimSpace(command)
	if command != "" {
		if !x.Allowed(run.Commands, "MixMonitor's command") {
			command = ""
		}
		command = expandLate(ctx, x, command)
	}
	remove, beeps := o.has('d'), o.has('P')
	if command == "" && !remove && !beeps {
		return nil
	}
	c, log, limit := x.Channel(), x.Logger(), x.Machine().Options().CommandLimit
	// The command belongs to the recording, not to the call, which may be over.
	ctx = context.WithoutCancel(ctx)
	return func() {
		if beeps && c.Context().Err() == nil {
			if _, err := c.Play(pbx.PlayOptions{Media: []string{"sound:beep"}}); err != nil {
				log.Debug("no beep", "error", err)
			}
		}
		if command != "" {
			runAfterCall(ctx, limit, command, log)
		}
		if remove {
			for _, f := range [...]*mixmonitor.File{r.Mixed, r.In, r.Out} {
				if f == nil {
					continue
				}
				if err := f.Remove(); err != nil {
					log.Warn("recording not removed", "file", f.Path(), "error", err)
				}
			}
		}
	}
}

// expandLate replaces ^{NAME} in a command whose ${NAME} were replaced already: what
// came out of those, such as a caller's name, is not looked at again, which Asterisk does.
func expandLate(ctx context.Context, x *run.Exec, command string) string {
	var out strings.Builder
	for {
		before, rest, ok := strings.Cut(command, "^{")
		out.WriteString(before)
		if !ok {
			return out.String()
		}
		depth, end := 1, 0
		for end < len(rest) && depth > 0 {
			switch rest[end] {
			case '{':
				depth++
			case '}':
				depth--
			}
			end++
		}
		out.WriteString(x.Expand(ctx, "${"+strings.ReplaceAll(rest[:end], "^{", "${")))
		command = rest[end:]
	}
}

// afterCallLimit ends a command that nothing else ends.
const afterCallLimit = 10 * time.Minute

// runAfterCall runs MixMonitor's command; limit 0 takes afterCallLimit.
func runAfterCall(ctx context.Context, limit time.Duration, command string, log *slog.Logger) {
	if limit <= 0 {
		limit = afterCallLimit
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if out, err := runCommand(ctx, command); err != nil {
		log.Warn("command of MixMonitor failed", "command", command, "error", err, "output", out)
	}
}

// beep lets the party know that it is recorded.
func beep(x *run.Exec, wanted bool) {
	if !wanted {
		return
	}
	if _, err := x.Channel().Play(pbx.PlayOptions{Media: []string{"sound:beep"}}); err != nil {
		x.Logger().Debug("no beep", "error", err)
	}
}

// stopMixMonitor ends a recording of the channel: StopMixMonitor([id]), by
// default all. The files are complete when it returns.
func stopMixMonitor(_ context.Context, x *run.Exec, args string) error {
	id := strings.TrimSpace(args)
	if n := stopRecordings(x, id); n == 0 && id != "" {
		x.Warn("StopMixMonitor: there is no recording %q on this channel", id)
	}
	return nil
}

// StopRecordings ends the recording of a channel with an id of MixMonitor's, "" = all, and
// says how many there were.
func StopRecordings(m *run.Machine, c *pbx.Channel, id string) int {
	return stopRecordings(m.Exec(c), id)
}

func stopRecordings(x *run.Exec, id string) int {
	rs := recordingsOf(x)
	rs.mu.Lock()
	var stop []*taping
	for _, k := range rs.order {
		if t := rs.live[k]; t != nil && (id == "" || strings.EqualFold(k, id)) {
			stop = append(stop, t)
			delete(rs.live, k)
		}
	}
	rs.mu.Unlock()
	for _, t := range stop {
		_ = t.r.Stop() // told by who waits for its end
	}
	return len(stop)
}

// MuteRecordings leaves directions out of the recording of a channel with an id of
// MixMonitor's, "" = all, or no longer, and says how many there were (mixmonitor.Recording.Mute).
func MuteRecordings(m *run.Machine, c *pbx.Channel, id string, in, out, on bool) int {
	rs := recordingsOf(m.Exec(c))
	rs.mu.Lock()
	var found []*taping
	for _, k := range rs.order {
		if t := rs.live[k]; t != nil && (id == "" || strings.EqualFold(k, id)) {
			found = append(found, t)
		}
	}
	rs.mu.Unlock()
	for _, t := range found {
		t.r.Mute(in, out, on)
	}
	return len(found)
}

// Beside runs an application for a manager on a channel that goes on with what it does: one
// that does not take the channel, such as MixMonitor. An unknown one is an error, and so is a
// recording that would run a command or be written elsewhere than below the directory of
// recordings, whatever the dialplan may do.
func Beside(ctx context.Context, m *run.Machine, c *pbx.Channel, name, data string) error {
	app, ok := m.App(name)
	if !ok {
		return fmt.Errorf("there is no application %s", name)
	}
	if strings.EqualFold(name, "MixMonitor") {
		if err := harmless(m, data); err != nil {
			return err
		}
	}
	return app.Run(ctx, m.Exec(c), data)
}

// errCommand is why a manager's recording is refused.
var errCommand = errors.New("a command after the recording is for the dialplan only")

// harmless says why MixMonitor's arguments are not for somebody outside of the dialplan.
func harmless(m *run.Machine, args string) error {
	file, rest, _ := strings.Cut(args, ",")
	options, command := cutOutside(rest, ',')
	if strings.TrimSpace(command) != "" {
		return errCommand
	}
	o, err := parseLetters(options)
	if err != nil {
		return err
	}
	for _, name := range [...]string{file, o['r'], o['t']} {
		if _, inside := mixmonitor.Path(m.Options().Dirs.Monitor, strings.TrimSpace(name)); name != "" && !inside {
			return mixmonitor.ErrOutside
		}
	}
	return nil
}

// monitorApart is Monitor([format[:base][,name[,options]]]): the two directions go
// into name-in and name-out, or with m both into name. b: only while bridged.
// The name is that of the channel by default (Asterisk 20: res_monitor.c).
func monitorApart(ctx context.Context, x *run.Exec, args string) error {
	parts := append(dialplan.SplitArgs(args), "", "", "")
	format, _, _ := strings.Cut(strings.TrimSpace(parts[0]), ":")
	if format == "" {
		format = "wav"
	}
	name := strings.TrimSpace(parts[1])
	if name == "" {
		name = strings.ReplaceAll(x.Channel().Name(), "/", "-")
	}
	o := letters{}
	if strings.Contains(parts[2], "b") {
		o['b'] = ""
	}
	mixed := ""
	if strings.Contains(parts[2], "m") {
		mixed = name + "." + format
	} else {
		o['r'], o['t'] = name+"-in."+format, name+"-out."+format
	}
	record, err := recordOptions(x, mixed, o)
	if err != nil {
		x.Warn("Monitor: %v; the call is not recorded", err)
		return nil
	}
	full, _ := mixmonitor.Path(x.Machine().Options().Dirs.Monitor, name)
	x.Set(ctx, "MONITOR_FILENAME", full)
	return startTaping(ctx, x, record, taping{}, "")
}
