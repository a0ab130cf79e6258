package extmedia_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/extmedia"
	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/pbx/pbxtest"
	"github.com/dialwright/dialwright/internal/pretend"
)

// patience is how long a test waits for what has to come.
const patience = 30 * time.Second

// lab is a switch with a media engine on the loopback, pretended phones and programs.
type lab struct {
	t  *testing.T
	e  *media.Engine
	s  *pbx.Switch
	m  *extmedia.Media
	in context.Context // ends after patience
}

func newLab(t *testing.T, c extmedia.Config) *lab {
	t.Helper()
	e, err := media.New(media.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	// Programs that only listen are no broken lines, so the timeout may be short.
	l := &lab{t: t, e: e, s: pbx.New(pbx.Options{Media: e, RTPTimeout: 500 * time.Millisecond, Linger: -1})}
	c.Switch, c.Engine = l.s, e
	l.m = extmedia.New(c)
	for _, tech := range append(l.m.Technologies(), pretend.New(pretend.Options{Media: e})) {
		l.s.Register(tech)
	}
	var cancel context.CancelFunc
	l.in, cancel = context.WithTimeout(t.Context(), patience)
	t.Cleanup(func() {
		cancel()
		ctx, cancel := context.WithTimeout(context.Background(), patience) // t's own context is over
		defer cancel()
		if err := l.s.Stop(ctx); err != nil {
			t.Errorf("stop of the switch: %v", err)
		}
		l.m.Stop()
		if st := e.Stats(); st.Ports != 0 || st.Sessions != 0 || st.Clocked != 0 || st.Panics != 0 {
			t.Errorf("left behind: %+v", st)
		}
		if err := e.Stop(ctx); err != nil {
			t.Errorf("stop of the engine: %v", err)
		}
	})
	return l
}

// stay is a handler that lets its channel stay.
var stay = pbx.HandlerFunc(func(ctx context.Context, _ *pbx.Channel) { <-ctx.Done() })

// open opens a channel.
func (l *lab) open(o extmedia.Options) *pbx.Channel {
	l.t.Helper()
	if o.Handler == nil {
		o.Handler = stay
	}
	c, err := l.m.Open(l.in, o)
	if err != nil {
		l.t.Fatal(err)
	}
	return c
}

// until waits for a state of a channel.
func (l *lab) until(c *pbx.Channel, want pbx.State) {
	l.t.Helper()
	changed := make(chan struct{}, 1)
	defer c.Watch(func(*pbx.Event) {
		select {
		case changed <- struct{}{}:
		default:
		}
	})()
	for c.State() != want {
		select {
		case <-changed:
		case <-c.Gone():
			r, _ := c.Result()
			l.t.Fatalf("%s ended (%+v) before it was %s", c.Name(), r, want)
		case <-l.in.Done():
			l.t.Fatalf("%s is %s, not %s", c.Name(), c.State(), want)
		}
	}
}

// gone waits for a channel's end.
func (l *lab) gone(c *pbx.Channel) pbx.Result {
	l.t.Helper()
	select {
	case <-c.Gone():
	case <-l.in.Done():
		l.t.Fatalf("%s is still %s", c.Name(), c.State())
	}
	r, _ := c.Result()
	return r
}

// with bridges a channel with a phone that says a tone of 500 Hz.
func (l *lab) with(c *pbx.Channel) (phone *pbx.Channel) {
	l.t.Helper()
	phone, err := l.s.Originate(l.in, pbx.OriginateOptions{
		CreateOptions: pbx.CreateOptions{Endpoint: call.Endpoint("Pretend/100?tone=500")}, Handler: stay,
	})
	if err != nil {
		l.t.Fatal(err)
	}
	l.until(phone, pbx.Up)
	b, err := l.s.NewBridge(pbx.BridgeOptions{})
	if err != nil {
		l.t.Fatal(err)
	}
	for _, m := range []*pbx.Channel{c, phone} {
		if err := b.Add(m, pbx.AddOptions{}); err != nil {
			l.t.Fatal(err)
		}
	}
	return phone
}

// hears waits until what a phone hears is these tones, and nothing else.
func (l *lab) hears(phone *pbx.Channel, hz ...int) {
	l.t.Helper()
	ear := newEar(hz)
	defer phone.Port().Tap(ear, media.TapOptions{Out: true, Rate: 8000})()
	l.waitFor(ear, phone.Name())
}

// waitFor waits until an ear has heard what it waits for.
func (l *lab) waitFor(e *ear, who string) {
	l.t.Helper()
	select {
	case <-e.done:
	case <-l.in.Done():
		l.t.Fatalf("%s hears %v, want %v", who, e.last(), e.want)
	}
}

// ear listens for tones in audio of 8 kHz, 200 ms at a time.
type ear struct {
	want []int
	done chan struct{}

	mu  sync.Mutex // guards what follows
	pcm []int16
	got []int
}

func newEar(want []int) *ear { return &ear{want: want, done: make(chan struct{})} }

// WriteFrame implements media.Sink.
func (e *ear) WriteFrame(pcm []int16, _ int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.pcm = append(e.pcm, pcm...)
	if len(e.pcm) < 1600 {
		return
	}
	e.got = pbxtest.Tones(e.pcm)
	e.pcm = e.pcm[:0]
	if slices.Equal(e.got, e.want) {
		select {
		case <-e.done:
		default:
			close(e.done)
		}
	}
}

func (e *ear) last() []int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.got
}

// tone gives audio of a frequency, of 8 or 16 kHz.
func tone(hz, rate, samples int) []int16 {
	src := pbxtest.Beep(hz*8000/rate, 8000, time.Hour)
	pcm := make([]int16, samples)
	_, _ = src.ReadFrame(pcm) // it never ends
	return pcm
}
