package apps_test

import (
	"encoding/binary"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/apps"
	"github.com/dialwright/dialwright/internal/dialplan/funcs"
	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/pbx/pbxtest"
)

// booth is a studio whose phones run a dialplan: what they hear and say is
// real audio through a real switch and media engine, in fake time.
type booth struct {
	*pbxtest.Studio
	t    *testing.T
	m    *run.Machine
	dir  string // has etc and monitor
	warn *warnings

	mu    sync.Mutex // guards trace
	trace []string
}

// inBooth loads a dialplan and runs f.
func inBooth(t *testing.T, extensions string, change func(*run.Options), f func(t *testing.T, b *booth)) {
	dir := t.TempDir()
	writeMusic(t, dir)
	inBoothWith(t, dir, pbx.Options{MusicOn: "tone:700"}, extensions, change, f)
}

// inBoothWith is inBooth with a directory and a switch of one's own.
func inBoothWith(t *testing.T, dir string, po pbx.Options, extensions string, change func(*run.Options), f func(t *testing.T, b *booth)) {
	pbxtest.InStudio(t, po, func(t *testing.T, st *pbxtest.Studio) {
		b := &booth{Studio: st, t: t, dir: dir, warn: &warnings{}}
		o := run.Options{
			Switch: st.Switch, Apps: apps.All(), Funcs: funcs.All(), Log: b.warn.logger(), Allow: run.Net,
			ConfDir: filepath.Join(dir, "etc"), Dirs: run.Dirs{Monitor: filepath.Join(dir, "monitor"), Data: dir},
			Notice: func(_ *run.Exec, _, text string) {
				b.mu.Lock()
				defer b.mu.Unlock()
				b.trace = append(b.trace, text)
			},
		}
		if change != nil {
			change(&o)
		}
		b.m = run.New(o)
		plan, problems, err := dialplan.Load(fstest.MapFS{"extensions.conf": {Data: []byte(extensions)}}, "extensions.conf", dialplan.LoadOptions{})
		if err != nil || len(problems) > 0 {
			t.Fatalf("dialplan: %v, %v", err, problems)
		}
		b.m.SetPlan(plan)
		f(t, b)
	})
}

// writeMusic makes the default class of music a tone of 700 Hz.
func writeMusic(t *testing.T, dir string) {
	t.Helper()
	var pcm []byte
	frame := make([]int16, 160)
	for src := pbxtest.Beep(700, 4000, 10*time.Second); ; {
		n, err := src.ReadFrame(frame)
		for _, v := range frame[:n] {
			pcm = binary.LittleEndian.AppendUint16(pcm, uint16(v))
		}
		if err != nil {
			break
		}
	}
	write(t, filepath.Join(dir, "moh/hold.sln"), string(pcm))
	write(t, filepath.Join(dir, "etc/musiconhold.conf"), "[default]\nmode=files\ndirectory=moh\n")
}

// call lets a phone call an extension of context t.
func (b *booth) call(phone, exten string) (*pbx.Channel, *pbxtest.Phone) {
	b.t.Helper()
	return b.Incoming(phone, b.m.Handler(run.Position{Context: "t", Exten: exten, Priority: 1}))
}

// traced gives what Log(NOTICE,…) has said since it was last asked.
func (b *booth) traced() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := b.trace
	b.trace = nil
	return out
}

// wait waits until a channel has gone.
func (b *booth) wait(c *pbx.Channel) {
	b.t.Helper()
	select {
	case <-c.Gone():
	case <-time.After(time.Hour):
		b.t.Fatalf("%s is still there", c.Name())
	}
	synctest.Wait()
}

func (b *booth) expect(want ...string) {
	b.t.Helper()
	if d := cmp.Diff(want, b.traced()); d != "" {
		b.t.Errorf("trace (-want +got):\n%s\nwarnings: %s", d, b.warn.text())
	}
}

// get reads a variable of a channel that may have ended.
func get(c *pbx.Channel, name string) string {
	v, _ := c.PlainVariable(name)
	return v
}

// events collects the user events of a name until stop.
func (b *booth) events(name string) (stop func() []string) {
	ch, done := b.Switch.Subscribe(pbx.EventFilter{Types: []pbx.EventType{pbx.ChannelUserEvent}}, 256)
	return func() []string {
		synctest.Wait()
		done()
		var out []string
		for e := range ch {
			if e.Variable == name {
				out = append(out, strings.ReplaceAll(e.Value, "\n", ", "))
			}
		}
		return out
	}
}

// hasWarning says whether something was warned of.
func (b *booth) hasWarning(text string) bool { return strings.Contains(b.warn.text(), text) }

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }
