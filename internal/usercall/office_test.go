package usercall_test

import (
	"context"
	"net/netip"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/local"
	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/originate"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/sip"
	"github.com/dialwright/dialwright/internal/softphone"
	"github.com/dialwright/dialwright/internal/store/sqlite"
	"github.com/dialwright/dialwright/internal/usercall"
)

// What each phone of an office sends, and what is played to who is on hold.
const (
	toneOf201 = 400
	toneOf202 = 550
	toneOf203 = 700
	holdMusic = 1000
	busyTone  = 425 // Germany's
)

// office is a whole server with real phones on loopback: SIP, audio, the queue, and the table
// under test.
type office struct {
	*testing.T
	ctx        context.Context
	media      *media.Engine
	sw         *pbx.Switch
	sip        *sip.Technology
	queue      *originate.Originator
	table      *usercall.Table
	recordings string
	phones     map[string]*softphone.Phone // 201, 202, 203
}

// open opens an office; change says what the phones are like.
func open(t *testing.T, change func(*softphone.Config)) *office {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	o := &office{T: t, ctx: ctx, recordings: filepath.Join(t.TempDir(), "monitor"), phones: map[string]*softphone.Phone{}}
	o.openSwitch()
	o.openQueue()
	for i, name := range []string{"201", "202", "203"} {
		o.phones[name] = o.phone(name, [...]float64{toneOf201, toneOf202, toneOf203}[i], change)
	}
	return o
}

func (o *office) must(err error) {
	o.Helper()
	if err != nil {
		o.Fatal(err)
	}
}

// later does something when the test is over.
func (o *office) later(f func(context.Context) error) {
	o.Cleanup(func() {
		ctx, cancel := withPatience()
		defer cancel()
		if err := f(ctx); err != nil {
			o.Error(err)
		}
	})
}

func (o *office) openSwitch() {
	o.Helper()
	loopback := netip.MustParseAddr("127.0.0.1")
	var err error
	o.media, err = media.New(media.Config{Bind: loopback, PortMin: 20000, PortMax: 32766})
	o.must(err)
	o.must(o.media.Start(o.ctx))
	o.later(o.media.Stop)
	o.sw = pbx.New(pbx.Options{Media: o.media, Router: desks{}, MusicOn: "tone:1000", Country: "de", Linger: -1, RingTime: patience})
	c := sip.Config{Domain: "pbx.test", Listen: []sip.Listener{{Transport: "udp", Addr: "127.0.0.1:0"}}}
	for _, name := range []string{"201", "202", "203"} {
		c.Phones = append(c.Phones, sip.Phone{Name: name, Password: "secret" + name, Context: "desk", Account: "sales", Codecs: []string{"PCMU"}})
	}
	o.sip, err = sip.New(c, o.media, o.sw, sip.Options{T1: 50 * time.Millisecond, T2: 400 * time.Millisecond, T4: 500 * time.Millisecond})
	o.must(err)
	o.sw.Register(o.sip)
	o.sw.Register(local.New(o.sw))
	o.must(o.sip.Start(o.ctx))
	o.later(func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		defer cancel()
		_ = o.sip.Stop(ctx) // dialogs that wait for repeated 200s are dropped at the deadline
		return nil
	})
	o.later(o.sw.Stop)
}

func (o *office) openQueue() {
	o.Helper()
	o.table = usercall.New(usercall.Options{Switch: o.sw, Self: self, Recordings: o.recordings, Check: mayDial})
	o.must(o.table.Start(o.ctx))
	o.later(o.table.Stop)
	store, err := sqlite.Open(o.ctx, sqlite.Options{Path: filepath.Join(o.TempDir(), "calls.db"), Synchronous: "OFF"})
	o.must(err)
	o.queue = originate.New(originate.Options{
		Store: store, Engine: o.table.Engine(pbx.NewEngine(o.sw)), Router: desks{}, Node: "n1",
		Policy: func() *originate.Policy {
			return &originate.Policy{Country: "DE", Accounts: map[call.AccountID]originate.Account{"sales": {}}}
		},
	})
	o.table.SetQueue(o.queue)
	o.must(o.queue.Start(o.ctx))
	o.later(func(ctx context.Context) error {
		hurry, now := context.WithCancel(ctx)
		now()
		defer func() { o.must(store.Close()) }()
		return o.queue.Stop(hurry)
	})
}

// phone starts a phone and waits until it is registered. Phones of one name are contacts of it.
func (o *office) phone(name string, tone float64, change func(*softphone.Config)) *softphone.Phone {
	o.Helper()
	c := softphone.Config{
		User: name, Password: "secret" + name, Server: o.sip.Listeners()[0].Addr.String(), Tone: tone,
		Codecs: []string{"PCMU", "telephone-event"}, Rule: softphone.Rule{Action: softphone.Ring}, Keys: true,
	}
	if change != nil {
		change(&c)
	}
	p, err := softphone.New(c)
	o.must(err)
	o.must(p.Start(o.ctx))
	o.later(func(ctx context.Context) error {
		_ = p.Stop(ctx) // its calls have ended
		return nil
	})
	o.must(p.WaitRegistered(o.ctx))
	return p
}

// desks lead 2xx to the phone of that name.
type desks struct{}

func (desks) Route(_ call.AccountID, e call.Endpoint) (call.Route, error) {
	n := e.Resource()
	return call.Route{Typed: string(e), Endpoint: call.Endpoint("PJSIP/" + n), Number: n, Phone: n}, nil
}

func (d desks) Inbound(a call.AccountID, _, dialled string) (call.Route, error) {
	if err := mayDial(context.Background(), pbx.Snapshot{Context: "desk", Account: a}, dialled); err != nil { // nothing waits
		return call.Route{}, err
	}
	return d.Route(a, call.Endpoint(dialled))
}

// errDenied is what the office has against numbers that are no desk's.
type errDenied string

func (e errDenied) Error() string { return "not allowed: " + string(e) }

func mayDial(_ context.Context, phone pbx.Snapshot, number string) error {
	if len(number) != 3 || number[0] != '2' || phone.Context != "desk" || phone.Account != "sales" {
		return errDenied(number)
	}
	return nil
}

// click asks for a call from one phone to another.
func (o *office) click(a, b string) string {
	o.Helper()
	c, _, err := o.queue.Submit(o.ctx, call.Request{
		Origin: call.Origin{Door: "test", Principal: "vodia:anna"}, Account: "sales", First: call.Endpoint(a),
		Then: call.Then{Kind: call.ThenConnect, Second: call.Endpoint(b)},
	})
	o.must(err)
	return string(c.ID)
}

// await waits until a phone's calls have these states.
func (o *office) await(phone, want string) []usercall.Call {
	o.Helper()
	told := make(chan struct{}, 1)
	defer o.table.Watch(phone, func() { ring(told) })()
	for {
		list := o.table.Of(phone)
		if states(list) == want {
			return list
		}
		select {
		case <-told:
		case <-o.ctx.Done():
			o.Fatalf("phone %s: %q, want %q", phone, states(list), want)
		}
	}
}

// next gives the next call that rings a phone, ringing.
func (o *office) next(phone string) *softphone.Call {
	o.Helper()
	c, err := o.phones[phone].NextCall(o.ctx)
	o.must(err)
	o.must(c.WaitState(o.ctx, softphone.Ringing))
	return c
}

// talk lets a click be answered by both, and gives its ID and both calls.
func (o *office) talk(a, b string) (id string, one, two *softphone.Call) {
	o.Helper()
	id = o.click(a, b)
	one = o.next(a)
	one.Answer()
	two = o.next(b)
	two.Answer()
	o.must(one.WaitAnswered(o.ctx))
	o.must(two.WaitAnswered(o.ctx))
	return id, one, two
}

// dial lets a phone call another one, which answers.
func (o *office) dial(a, b string) (one, two *softphone.Call) {
	o.Helper()
	one, err := o.phones[a].Dial(o.ctx, b)
	o.must(err)
	two = o.next(b)
	two.Answer()
	o.must(one.WaitAnswered(o.ctx))
	return one, two
}

// hears waits until calls hear tones.
func (o *office) hears(c *softphone.Call, hz float64) {
	o.Helper()
	o.must(c.WaitTone(o.ctx, hz))
}

// record gives how a call of the queue has ended.
func (o *office) record(id string) call.Call {
	o.Helper()
	for e, err := range o.queue.Events(o.ctx, 0, originate.EventFilter{Call: call.ID(id)}) {
		o.must(err)
		if e.Type == call.EvEnded || e.Type == call.EvCancel {
			break
		}
	}
	c, err := o.queue.Get(o.ctx, call.ID(id))
	o.must(err)
	return c
}

// awaitRecording waits until a phone's call is recorded, or not any more.
func (o *office) awaitRecording(phone string, on bool) {
	o.Helper()
	told := make(chan struct{}, 1)
	defer o.table.Watch(phone, func() { ring(told) })()
	for {
		if list := o.table.Of(phone); len(list) == 1 && list[0].Recording == on {
			return
		}
		select {
		case <-told:
		case <-o.ctx.Done():
			o.Fatalf("recording of phone %s is not %v", phone, on)
		}
	}
}

// channelOf gives the ID of a phone's one channel.
func channelOf(o *office, phone string) string {
	for _, sn := range o.sw.Channels() {
		if sn.Phone == phone {
			return sn.ID
		}
	}
	return ""
}

// second is a sink that says when it has heard a second of audio.
type second struct {
	once  sync.Once
	heard int
	done  chan struct{}
}

// WriteFrame implements media.Sink.
func (s *second) WriteFrame(pcm []int16, rate int) {
	if s.heard += len(pcm); s.heard >= rate {
		s.once.Do(func() { close(s.done) })
	}
}
