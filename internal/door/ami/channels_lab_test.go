package ami

import (
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/apps"
	"github.com/dialwright/dialwright/internal/dialplan/funcs"
	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/local"
	"github.com/dialwright/dialwright/internal/parking"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/pbx/pbxtest"
	"github.com/dialwright/dialwright/internal/pretend"
	wire "github.com/dialwright/dialwright/internal/wire/ami"
)

// parlourDialplan is what the calls of a parlour do.
const parlourDialplan = `[globals]
GLOB=globalvalue
[default]
exten => 601,1,Answer()
same => n,Wait(30)
same => n,Wait(5)
same => n,Hangup()
exten => 101,1,Dial(Studio/alice,20)
exten => 102,1,Dial(Studio/bob,20)
same => n,Wait(7)
exten => 600,1,Answer()
same => n,Echo()
exten => 700,1,Answer()
same => n,Wait(60)
exten => 603,1,Answer()
same => n,UserEvent(Hello)
same => n,Wait(1)
exten => T,1,UserEvent(Late)
same => n,Wait(3)
[plain]
exten => 601,1,Answer()
same => n,Wait(60)
[xfer]
exten => _X.,1,Answer()
same => n(here),Wait(10)
[denied]
exten => 1,1,NoOp(never)
`

// parlour is a door on a switch with phones whose media the test holds in its hands, parking
// lots, recordings and global variables, in a bubble.
type parlour struct {
	*office
	st    *pbxtest.Studio
	dir   string
	texts *texts
}

// texts is Phones: it keeps what was sent.
type texts struct {
	mu  sync.Mutex // guards all
	all []string
}

func (x *texts) Message(_ context.Context, from, to, body string, _ map[string]string) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if body == "refused" {
		return errors.New("refused")
	}
	x.all = append(x.all, from+" > "+to+": "+body)
	return nil
}

// globalVariables is Globals; package app has the real one.
type globalVariables struct{ m *run.Machine }

func (g globalVariables) Global(_ context.Context, name string) string {
	v, _ := g.m.Global(name)
	return v
}

func (g globalVariables) SetGlobal(_ context.Context, name, value string) error {
	g.m.SetGlobal(name, value)
	return nil
}

// machineApps is Applications, as package app's.
type machineApps struct{ m *run.Machine }

func (x machineApps) Beside(ctx context.Context, c *pbx.Channel, name, data string) error {
	return apps.Beside(ctx, x.m, c, name, data)
}

func (x machineApps) MuteRecordings(c *pbx.Channel, id string, in, out, on bool) bool {
	return apps.MuteRecordings(x.m, c, id, in, out, on) > 0
}

func (x machineApps) StopRecordings(c *pbx.Channel, id string) bool {
	return apps.StopRecordings(x.m, c, id) > 0
}

// inParlour runs f in a bubble. change may give the machine other rights.
func inParlour(t *testing.T, change func(*run.Options), f func(t *testing.T, p *parlour)) {
	t.Helper()
	pbxtest.InStudio(t, pbx.Options{Linger: -1}, func(t *testing.T, st *pbxtest.Studio) {
		p := &parlour{st: st, dir: t.TempDir()}
		p.writeMusic(t)
		ro := run.Options{
			Switch: st.Switch, Apps: apps.All(), Funcs: funcs.All(), ConfDir: p.dir, Dirs: run.Dirs{Monitor: filepath.Join(p.dir, "monitor"), Data: p.dir},
		}
		if change != nil {
			change(&ro)
		}
		m := run.New(ro)
		lots, problems := parking.NewConfig().Extensions()
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		var extra []dialplan.Extra
		for _, x := range lots {
			extra = append(extra, dialplan.Extra(x))
		}
		plan, wrong, err := dialplan.Load(fstest.MapFS{"x": {Data: []byte(parlourDialplan)}}, "x", dialplan.LoadOptions{Extra: extra})
		if err != nil || len(wrong) > 0 {
			t.Fatal(err, wrong)
		}
		m.SetPlan(plan)
		st.Switch.SetDialplan(m.Dialplan())
		st.Switch.Register(local.NewWith(st.Switch, local.Options{Exists: m.Exists}))
		st.Switch.Register(players{pretend.New(pretend.Options{Media: st.Engine})})
		l := newLab(t, func(o *Options, c *Config) {
			o.Switch, o.Dial, p.texts = st.Switch, clerk{}, &texts{}
			o.Globals, o.Apps, o.Phones, o.Plan = globalVariables{m}, machineApps{m}, p.texts, m.Plan
			o.Parking = func() (*parking.Config, *parking.Lots) { return apps.Parking(m) }
			c.Users = append(c.Users, User{Name: "recorder", Secret: "recorder", Write: wire.System}, User{Name: "operator", Secret: "operator", Write: wire.Call | wire.Reporting})
		})
		l.sw = st.Switch
		p.office = &office{l, m}
		f(t, p)
	})
}

// writeMusic makes what is heard on hold a tone of 700 Hz.
func (p *parlour) writeMusic(t *testing.T) {
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
	for name, text := range map[string][]byte{"moh/hold.sln": pcm, "musiconhold.conf": []byte("[default]\nmode=files\ndirectory=moh\n")} {
		file := filepath.Join(p.dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, text, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
}

// calls lets a phone call an extension.
func (p *parlour) calls(phone, in, exten string) (*pbx.Channel, *pbxtest.Phone) {
	p.t.Helper()
	c, far := p.st.Incoming(phone, p.m.Handler(run.Position{Context: in, Exten: exten, Priority: 1}))
	time.Sleep(time.Second) // of the bubble: it has answered
	synctest.Wait()
	return c, far
}

// talks is a call of alice with bob.
func (p *parlour) talks() (a, b *pbx.Channel, alice, bob *pbxtest.Phone) {
	p.t.Helper()
	a, alice = p.calls("alice", "default", "102")
	bob = p.st.Phone("bob")
	bob.Answers()
	for _, sn := range p.sw.Channels() {
		if sn.ID != a.ID() {
			b, _ = p.sw.Channel(sn.ID)
		}
	}
	if a.Snapshot().Bridge == "" || b.Snapshot().Bridge != a.Snapshot().Bridge {
		p.t.Fatal("they are not in a bridge")
	}
	return a, b, alice, bob
}

// order says an action, its headers apart by "|", and gives the text of the answer: that of
// an error, "" if there is none. Lists are read to their end.
func (u *user) order(format string, names ...string) string {
	u.t.Helper()
	for i, name := range names {
		format = strings.ReplaceAll(format, "$"+string(rune('1'+i)), name)
	}
	u.say(strings.Split("Action: "+format, "|")...)
	p := u.next()
	if strings.Contains(p, "\nEventList: start") {
		for !strings.Contains(u.next(), "\nEventList: Complete") {
		}
	}
	kind, rest, _ := strings.Cut(strings.TrimPrefix(p, "Response: "), "\n")
	_, text, _ := strings.Cut("\n"+rest, "\nMessage: ")
	text, _, _ = strings.Cut(text, "\n")
	if kind == "Success" {
		return "+" + text
	}
	return text
}

// at says where a channel is: "xfer,777,2 Wait".
func at(c *pbx.Channel) string {
	synctest.Wait()
	sn := c.Snapshot()
	if sn.HungUp {
		return "hung up"
	}
	return sn.Context + "," + sn.Extension + "," + itoa(sn.Priority) + " " + sn.App
}

func (p *parlour) at(what string, c *pbx.Channel, want string) {
	p.t.Helper()
	if got := at(c); got != want {
		p.t.Errorf("%s: %s is at %q, want %q", what, c.Name(), got, want)
	}
}

func (p *parlour) want(got, want string) {
	p.t.Helper()
	if got != want {
		p.t.Errorf("answer %q, want %q", got, want)
	}
}

func (x *texts) sent() []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return append([]string(nil), x.all...)
}

// stays is a handler that does nothing, as one of Stasis between two requests.
func stays(ctx context.Context, _ *pbx.Channel) { <-ctx.Done() }
