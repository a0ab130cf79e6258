package apps_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"log/slog"
	"math"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/apps"
	"github.com/dialwright/dialwright/internal/dialplan/funcs"
	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/local"
	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/sip/siptest"
)

// office is a server as a vector wants it: a real switch with media, the
// machine with all its applications and functions, and everything allowed.
type office struct {
	t   *testing.T
	o   officeOptions
	eng *media.Engine
	sw  *pbx.Switch
	m   *run.Machine
	log *lines
	sip *scriptedPhones // nil unless wanted

	destroyed <-chan pbx.Event
	stop      func()
}

type officeOptions struct {
	dir    string // has conf, snd and tmp
	compat string
	sip    bool // with phones
	change func(*run.Options)
}

// lines collects the trace, and the log for whoever wants it.
type lines struct {
	mu    sync.Mutex
	trace []string
	log   bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.log.Write(p)
}

func (l *lines) notice(_ *run.Exec, level, text string) {
	if level != "NOTICE" {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.trace = append(l.trace, text)
}

// logged gives the log so far.
func (o *office) logged() string {
	o.log.mu.Lock()
	defer o.log.mu.Unlock()
	return o.log.log.String()
}

// trace gives what Log(NOTICE,…) has said so far.
func (o *office) trace() []string {
	o.log.mu.Lock()
	defer o.log.mu.Unlock()
	return slices.Clone(o.log.trace)
}

func openOffice(t *testing.T, oo officeOptions) *office {
	t.Helper()
	o := &office{t: t, o: oo, log: &lines{}}
	wire := siptest.NewNet()
	var err error
	o.eng, err = media.New(media.Config{Bind: netip.MustParseAddr("10.0.0.1"), ListenPacket: func(a netip.AddrPort) (net.PacketConn, error) {
		return wire.ListenPacket("udp", a.String())
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := o.eng.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	recordings, err := os.OpenRoot(filepath.Join(oo.dir, "tmp"))
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(o.log, nil))
	o.sw = pbx.New(pbx.Options{Media: o.eng, Log: log, Recordings: recordings, Sounds: os.DirFS(filepath.Join(oo.dir, "snd")), Linger: -1,
		Files: []pbx.FileRoot{{Path: "/", Write: true}}})
	ro := run.Options{
		Switch: o.sw, Log: log, Apps: apps.All(), Funcs: funcs.All(), DB: &database{m: map[string]string{}},
		Allow: run.Commands | run.Files | run.Net, Compat: oo.compat, Notice: o.log.notice, CommandLimit: 20 * time.Second,
		Dirs: run.Dirs{
			Etc: filepath.Join(oo.dir, "conf"), Spool: filepath.Join(oo.dir, "tmp"), Monitor: filepath.Join(oo.dir, "tmp", "monitor"),
			Sounds: filepath.Join(oo.dir, "snd"), AGI: filepath.Join(oo.dir, "tmp"),
		},
		ConfDir: filepath.Join(oo.dir, "conf"),
	}
	if oo.change != nil {
		oo.change(&ro)
	}
	o.m = run.New(ro)
	o.sw.SetDialplan(o.m.Dialplan())
	o.sw.Register(local.NewWith(o.sw, local.Options{Exists: o.m.Exists}))
	if oo.sip {
		o.sip = startPhones(t, o, wire)
	}
	o.destroyed, o.stop = o.sw.Subscribe(pbx.EventFilter{Types: []pbx.EventType{pbx.ChannelDestroyed}}, 100)
	writeSounds(t, filepath.Join(oo.dir, "snd"))
	t.Cleanup(func() { _ = recordings.Close() })
	return o
}

// close hangs up what is left and stops the server.
func (o *office) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second) // t.Context may have ended
	defer cancel()
	if err := o.sw.Stop(ctx); err != nil {
		o.t.Errorf("calls do not end: %v\n%s", err, o.logged())
	}
	if o.sip != nil {
		o.sip.stop(ctx)
	}
	o.stop()
	if err := o.eng.Stop(ctx); err != nil {
		o.t.Error(err)
	}
	if o.t.Failed() {
		o.t.Log(o.logged())
	}
}

// load puts an extensions.conf with its includes in force.
func (o *office) load(text string, files map[string]string) []dialplan.Problem {
	o.t.Helper()
	conf := filepath.Join(o.o.dir, "conf")
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(conf, name), []byte(text), 0o600); err != nil {
			o.t.Fatal(err)
		}
	}
	write("extensions.conf", text+holding)
	for name, text := range files {
		write(name, text)
	}
	plan, problems, err := dialplan.Load(os.DirFS(conf), "extensions.conf", dialplan.LoadOptions{Expand: run.ExpandGlobals})
	if err != nil {
		o.t.Fatal(err)
	}
	o.m.SetPlan(plan)
	return problems
}

// holding is the other side of a call of mode "answered".
const holding = `
[harness-other-side]
exten => up,1,Answer(,i)
 same => n,Wait(3600)
`

// call places a vector's call and returns when it has begun.
func (o *office) call(c vectorCall) *pbx.Channel {
	o.t.Helper()
	oo := pbx.OriginateOptions{CreateOptions: pbx.CreateOptions{CallerID: readCallerID(c.CallerID)}}
	for _, v := range c.Vars {
		name, value, _ := strings.Cut(v, "=")
		oo.Variables = append(oo.Variables, call.Variable{Name: name, Value: value})
	}
	if c.Mode == "answered" {
		oo.Endpoint = "Local/up@harness-other-side"
		oo.Handler = o.m.Handler(run.Position{Context: c.Context, Exten: c.Exten, Priority: c.Priority})
	} else {
		oo.Endpoint = call.Endpoint("Local/" + c.Exten + "@" + c.Context)
		oo.Handler = o.caller(c)
	}
	ch, err := o.sw.Originate(o.t.Context(), oo)
	if err != nil {
		o.t.Fatal(err)
	}
	if c.GiveUpMS > 0 {
		time.AfterFunc(time.Duration(c.GiveUpMS)*time.Millisecond, func() {
			if ch.State() != pbx.Up {
				ch.Hangup(cause.NormalClearing)
			}
		})
	}
	return ch
}

// caller is what the caller does once it has been answered.
func (o *office) caller(c vectorCall) pbx.Handler {
	if name, data, ok := strings.Cut(strings.TrimSuffix(c.CallerApp, ")"), "("); ok {
		return o.m.Application(name, data)
	}
	return pbx.HandlerFunc(func(ctx context.Context, ch *pbx.Channel) {
		if c.DTMF != "" {
			if err := ch.SendDTMF(c.DTMF, pbx.DTMFOptions{Duration: 60 * time.Millisecond, Between: 150 * time.Millisecond}); err != nil {
				o.t.Error(err)
			}
		}
		<-ctx.Done()
	})
}

// waitIdle waits until the last channel has gone, at most d; what is left is
// hung up then.
func (o *office) waitIdle(d time.Duration) {
	limit := time.NewTimer(d)
	defer limit.Stop()
	for o.sw.Stats().Channels > 0 {
		select {
		case <-o.destroyed:
			// The channel is counted until its actor has left, right after this.
			for _, sn := range o.sw.Channels() {
				if c, ok := o.sw.Channel(sn.ID); ok && sn.HungUp {
					<-c.Gone()
				}
			}
		case <-time.After(10 * time.Millisecond):
		case <-limit.C:
			for _, sn := range o.sw.Channels() {
				if c, ok := o.sw.Channel(sn.ID); ok {
					c.Hangup(cause.NormalClearing)
				}
			}
			limit.Reset(d)
		}
	}
}

// readCallerID reads `"Name" <number>`.
func readCallerID(text string) call.CallerID {
	name, number, ok := strings.Cut(text, "<")
	if !ok {
		return call.CallerID{Number: text}
	}
	return call.CallerID{Name: strings.Trim(strings.TrimSpace(name), `"`), Number: strings.TrimSuffix(number, ">")}
}

// writeSounds makes the sounds of the vectors: 8 kHz mono, 16 bits.
func writeSounds(t *testing.T, dir string) {
	t.Helper()
	for name, s := range map[string]struct {
		seconds float64
		hz      float64
	}{"half": {0.5, 440}, "one": {1, 440}, "long": {10, 440}, "silence": {10, 0}} {
		n := int(s.seconds * 8000)
		b := wavHeader(n)
		for i := range n {
			v := int16(8000 * math.Sin(2*math.Pi*s.hz*float64(i)/8000))
			b = binary.LittleEndian.AppendUint16(b, uint16(v))
		}
		if err := os.WriteFile(filepath.Join(dir, name+".wav"), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// wavHeader is the header of a file of n samples.
func wavHeader(n int) []byte {
	le := binary.LittleEndian
	b := append([]byte("RIFF"), le.AppendUint32(nil, uint32(36+2*n))...)
	b = append(b, "WAVEfmt "...)
	b = le.AppendUint32(b, 16)
	b = le.AppendUint16(b, 1)
	b = le.AppendUint16(b, 1)
	b = le.AppendUint32(b, 8000)
	b = le.AppendUint32(b, 16000)
	b = le.AppendUint16(b, 2)
	b = le.AppendUint16(b, 16)
	b = append(b, "data"...)
	return le.AppendUint32(b, uint32(2*n))
}

// database is an AstDB in memory.
type database struct {
	mu sync.Mutex // guards m
	m  map[string]string
}

func (d *database) DBGet(_ context.Context, family, key string) (string, bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	v, ok := d.m[family+"/"+key]
	return v, ok, nil
}

func (d *database) DBPut(_ context.Context, family, key, value string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.m[family+"/"+key] = value
	return nil
}

func (d *database) DBDel(_ context.Context, family, key string) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, ok := d.m[family+"/"+key]
	delete(d.m, family+"/"+key)
	return ok, nil
}

// below lists the paths of a tree, sorted; mu is held.
func (d *database) below(prefix string) []string {
	var out []string
	for path := range d.m {
		if prefix == "" || path == prefix || strings.HasPrefix(path, prefix+"/") {
			out = append(out, path)
		}
	}
	sort.Strings(out)
	return out
}

func (d *database) DBTree(_ context.Context, prefix string, each func(path, value string)) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, path := range d.below(prefix) {
		each(path, d.m[path])
	}
	return nil
}

func (d *database) DBDelTree(_ context.Context, prefix string) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := d.below(prefix)
	for _, path := range list {
		delete(d.m, path)
	}
	return len(list), nil
}
