package pbx_test

import (
	"cmp"
	"context"
	"math"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/pbx"
)

// studio is a technology of phones with media, driven by the test: each can
// send a tone and measure which one it hears.
type studio struct {
	t *testing.T
	e *media.Engine
	s *pbx.Switch

	mu     sync.Mutex
	phones map[string]*talker
	codec  map[string]string // by resource; "" = PCMU
	callID string            // of the next leg

	phoneName string // of the next leg, "" = its resource
}

// talker is one leg of the studio.
type talker struct {
	scripted
	st        *studio
	port      *media.Port // the switch's
	phone     *media.Port // the far end's
	near, far media.Leg
	format    media.Format
}

func (st *studio) Name() string                       { return "Studio" }
func (st *studio) DeviceState(string) pbx.DeviceState { return pbx.DeviceUnknown }
func (st *studio) Endpoints() []call.EndpointState    { return nil }

func (st *studio) Request(_ context.Context, resource string, o pbx.RequestOptions) (pbx.Leg, error) {
	l := st.talker(resource)
	l.on, l.port = o.OnEvent, o.Port
	if l.format.Codec == "opus" {
		return &bilingual{talker: l}, nil
	}
	return l, nil
}

func (st *studio) talker(name string) *talker {
	l := &talker{st: st}
	l.info = pbx.LegInfo{Technology: "Studio", Name: name, Endpoint: name, Phone: cmp.Or(st.phoneName, name), CallID: st.callID}
	l.near, l.far = media.NewPipe()
	l.format = media.Format{Codec: "PCMU", ClockRate: 8000, PTime: 20, EventPT: true}
	if c := st.codec[name]; c != "" {
		l.format.Codec = c
	}
	l.phone = st.e.NewPort("far " + name)
	st.mu.Lock()
	st.phones[name] = l
	st.mu.Unlock()
	return l
}

// phone gives the newest leg of a resource.
func (st *studio) phone(name string) *talker {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.phones[name]
}

// incoming lets a phone call in.
func (st *studio) incoming(name, dialled string, h pbx.Handler) (*pbx.Channel, *talker) {
	st.t.Helper()
	l := st.talker(name)
	c, err := st.s.Incoming(l, pbx.IncomingOptions{
		Endpoint: name, CallerID: call.CallerID{Number: name}, Dialled: dialled, Context: "default", Handler: h,
	})
	if err != nil {
		st.t.Fatal(err)
	}
	l.port = c.Port()
	l.on = c.Deliver
	return c, l
}

// media gives the leg its media, as SDP would.
func (l *talker) media() {
	l.phone.SetLeg(l.far, l.format)
	l.port.SetLeg(l.near, l.format)
}

// does lets the phone do something and waits until the switch has dealt with it.
func (l *talker) does(k pbx.LegEventKind) {
	if k == pbx.LegProgress || k == pbx.LegAnswered {
		l.media()
	}
	l.on(pbx.LegEvent{Kind: k})
	synctest.Wait()
}

// says lets the phone send a tone until the end of the call.
func (l *talker) says(hz int) { l.plays(hz) }

// plays is says that can be stopped.
func (l *talker) plays(hz int) *media.Playout {
	src, err := media.Tone(strconv.Itoa(hz))
	if err != nil {
		l.st.t.Fatal(err)
	}
	return l.phone.Play(src, nil)
}

// hears gives the frequency of the tone that the phone hears during the next
// half second, to the nearest 10 Hz; 0 = silence.
func (l *talker) hears() int {
	<-time.After(200 * time.Millisecond) // what is on its way
	m := media.NewToneMeter()
	remove := l.phone.Tap(m, media.TapOptions{In: true})
	<-time.After(500 * time.Millisecond)
	remove()
	hz, _, ok := m.Dominant()
	if !ok {
		return 0
	}
	return int(math.Round(hz/10)) * 10
}

func (l *talker) expect(what string, hz int) {
	l.st.t.Helper()
	if got := l.hears(); got != hz {
		l.st.t.Errorf("%s: %s hears %d Hz, want %d", what, l.info.Name, got, hz)
	}
}

// inStudio runs f in a bubble with a switch, a media engine and a studio.
func inStudio(t *testing.T, o pbx.Options, f func(t *testing.T, st *studio)) {
	synctest.Test(t, func(t *testing.T) {
		e, err := media.New(media.Config{})
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		o.Media = e
		st := &studio{t: t, e: e, phones: map[string]*talker{}, codec: map[string]string{"wide": "G722", "alaw": "PCMA"}}
		st.s = pbx.New(o)
		st.s.Register(st)
		f(t, st)
		stop(t, st.s)
		for _, l := range st.phones {
			l.phone.Close()
			l.near.Close()
			l.far.Close()
		}
		if err := e.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

// up creates a channel of the studio, dials and answers it.
func (st *studio) up(name string, change ...func(*pbx.CreateOptions)) (*pbx.Channel, *talker) {
	st.t.Helper()
	c := create(st.t, st.s, "Studio/"+name, nil, change...)
	if err := c.Dial(pbx.DialOptions{}); err != nil {
		st.t.Fatal(err)
	}
	l := st.phone(name)
	l.does(pbx.LegAnswered)
	return c, l
}
