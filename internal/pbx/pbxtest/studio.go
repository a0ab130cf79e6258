package pbxtest

import (
	"context"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/pbx"
)

// Studio is a technology of phones with media that the test holds in its
// hands: each can send a tone, press digits, and measure which tone it hears. It
// runs on a real switch and media engine in a synctest bubble.
type Studio struct {
	Engine *media.Engine
	Switch *pbx.Switch

	t      *testing.T
	mu     sync.Mutex // guards phones
	phones map[string]*Phone
	all    []*Phone
}

// InStudio runs f in a bubble with a switch and a studio, and checks that
// nothing is left of either.
func InStudio(t *testing.T, o pbx.Options, f func(t *testing.T, st *Studio)) {
	synctest.Test(t, func(t *testing.T) {
		e, err := media.New(media.Config{})
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		o.Media = e
		st := &Studio{t: t, Engine: e, Switch: pbx.New(o), phones: map[string]*Phone{}}
		st.Switch.Register(st)
		f(t, st)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute) // t.Context may be over
		defer cancel()
		if err := st.Switch.Stop(ctx); err != nil {
			t.Errorf("stop of the switch: %v", err)
		}
		for _, p := range st.all {
			p.far.Close()
			p.nearLeg.Close()
			p.farLeg.Close()
		}
		if err := e.Stop(ctx); err != nil {
			t.Errorf("stop of the engine: %v", err)
		}
	})
}

// Name implements pbx.Technology, as the methods below.
func (st *Studio) Name() string { return "Studio" }

// DeviceState tells nothing.
func (st *Studio) DeviceState(string) pbx.DeviceState { return pbx.DeviceUnknown }

// Endpoints lists nothing.
func (st *Studio) Endpoints() []call.EndpointState { return nil }

// Request makes a phone. A resource with the prefix "wide" speaks G.722, with
// "alaw" PCMA, all others PCMU; "inband" has no telephone-event.
func (st *Studio) Request(_ context.Context, resource string, o pbx.RequestOptions) (pbx.Leg, error) {
	p := st.phone(resource)
	p.on, p.near = o.OnEvent, o.Port
	return p, nil
}

func (st *Studio) phone(name string) *Phone {
	p := &Phone{st: st, name: name, format: media.Format{Codec: "PCMU", ClockRate: 8000, PTime: 20, EventPT: true}}
	switch {
	case len(name) >= 4 && name[:4] == "wide":
		p.format.Codec = "G722"
	case len(name) >= 4 && name[:4] == "alaw":
		p.format.Codec = "PCMA"
	case len(name) >= 6 && name[:6] == "inband":
		p.format.EventPT = false
	}
	p.nearLeg, p.farLeg = media.NewPipe()
	p.far = st.Engine.NewPort("far " + name)
	st.mu.Lock()
	defer st.mu.Unlock()
	st.phones[name] = p
	st.all = append(st.all, p)
	return p
}

// Phone gives the newest phone of a name, nil if there is none.
func (st *Studio) Phone(name string) *Phone {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.phones[name]
}

// Incoming lets a phone call in, answered with media as soon as the handler
// answers.
func (st *Studio) Incoming(name string, h pbx.Handler) (*pbx.Channel, *Phone) {
	st.t.Helper()
	p := st.phone(name)
	ready := make(chan struct{})
	c, err := st.Switch.Incoming(p, pbx.IncomingOptions{
		Endpoint: name, CallerID: call.CallerID{Number: name}, Dialled: "s", Context: "default",
		Handler: pbx.HandlerFunc(func(ctx context.Context, c *pbx.Channel) { <-ready; h.Handle(ctx, c) }),
	})
	if err != nil {
		st.t.Fatal(err)
	}
	p.near, p.on = c.Port(), c.Deliver
	close(ready)
	synctest.Wait()
	return c, p
}

// Up dials a phone, which answers.
func (st *Studio) Up(name string) (*pbx.Channel, *Phone) {
	st.t.Helper()
	c, err := st.Switch.Create(st.t.Context(), pbx.CreateOptions{Endpoint: call.Endpoint("Studio/" + name)})
	if err != nil {
		st.t.Fatal(err)
	}
	if err := c.Dial(pbx.DialOptions{}); err != nil {
		st.t.Fatal(err)
	}
	p := st.Phone(name)
	p.Answers()
	return c, p
}

// Phone is one leg of the studio. It is a pbx.Leg; the methods for tests are
// those that begin with Says.
type Phone struct {
	st              *Studio
	name            string
	format          media.Format
	near, far       *media.Port // the switch's, the phone's
	nearLeg, farLeg media.Leg
	on              func(pbx.LegEvent)

	mu    sync.Mutex // guards what follows
	over  bool
	begun bool
	told  []string
}

// media gives the leg its media, once, as SDP would.
func (p *Phone) media() {
	p.mu.Lock()
	begun := p.begun
	p.begun = true
	p.mu.Unlock()
	if !begun && p.near != nil {
		p.far.SetLeg(p.farLeg, p.format)
		p.near.SetLeg(p.nearLeg, p.format)
		p.near.DetectInBand(!p.format.EventPT)
	}
}

// Says lets the phone send a tone of hz until something else is said; 0 =
// silence, which is sent too.
func (p *Phone) Says(hz int) {
	src := media.Silence(0)
	if hz != 0 {
		var err error
		if src, err = media.Tone(strconv.Itoa(hz)); err != nil {
			p.st.t.Fatal(err)
		}
	}
	p.Plays(src)
}

// Plays lets the phone send a source, then nothing.
func (p *Phone) Plays(src media.Source) { p.far.Play(src, func(error) {}) }

// Press sends digits as telephone-events, or as tones if the phone's name
// begins with "inband"; w waits half a second. It returns when they are out.
func (p *Phone) Press(digits string) {
	p.st.t.Helper()
	for _, d := range digits {
		if d == 'w' {
			<-time.After(500 * time.Millisecond)
			continue
		}
		done := make(chan error, 1)
		p.far.SendDTMF(string(d), media.DTMFOptions{Duration: 100 * time.Millisecond, InBand: !p.format.EventPT}, func(err error) { done <- err })
		if err := <-done; err != nil {
			p.st.t.Errorf("digit %c of %s: %v", d, p.name, err)
		}
		<-time.After(100 * time.Millisecond)
	}
	synctest.Wait()
}

// OnDigit names who hears of each digit that the phone receives.
func (p *Phone) OnDigit(f func(rune)) { p.far.OnDTMF(func(d media.Digit) { f(d.Rune) }) }

// Hears gives the frequency of the tone that the phone hears during the next
// half second, to the nearest 10 Hz; 0 = no single tone.
func (p *Phone) Hears() int {
	hz := p.HearsAll()
	if len(hz) != 1 {
		return 0
	}
	return hz[0]
}

// HearsAll gives the frequencies of all tones that the phone hears during the
// next half second, to the nearest 10 Hz, ascending. It looks for those of
// Tones.
func (p *Phone) HearsAll() []int {
	<-time.After(300 * time.Millisecond) // what is on its way
	ear := &ear{}
	remove := p.far.Tap(ear, media.TapOptions{In: true, Rate: 8000})
	<-time.After(500 * time.Millisecond)
	remove()
	return ear.tones()
}

// Expect checks what the phone hears.
func (p *Phone) Expect(what string, hz ...int) {
	p.st.t.Helper()
	slices.Sort(hz)
	if got := p.HearsAll(); !slices.Equal(got, hz) {
		p.st.t.Errorf("%s: %s hears %v Hz, want %v", what, p.name, got, hz)
	}
}

// Answers lets a phone that is being called answer.
func (p *Phone) Answers() {
	p.media()
	p.on(pbx.LegEvent{Kind: pbx.LegAnswered})
	synctest.Wait()
}

// HangUp lets the phone hang up.
func (p *Phone) HangUp() { p.end(pbx.LegEvent{ByPeer: true, Cause: cause.NormalClearing}) }

// Heard gives what the phone was told by the switch since it was last asked:
// "answer", "hangup Normal Clearing".
func (p *Phone) Heard() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := p.told
	p.told = nil
	return out
}

// ear keeps what it hears.
type ear struct {
	mu  sync.Mutex // guards pcm
	pcm []int16
}

func (e *ear) WriteFrame(pcm []int16, _ int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.pcm = append(e.pcm, pcm...)
}

func (e *ear) tones() []int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return Tones(e.pcm)
}

// Tones finds the tones in audio of 8 kHz: multiples of 100 Hz from 300 to
// 3300 Hz, by Goertzel's filter over whole periods, above -40 dBm0 or so.
func Tones(pcm []int16) []int {
	pcm = pcm[:len(pcm)/80*80]
	var out []int
	for hz := 300; hz <= 3300 && len(pcm) > 0; hz += 100 {
		k := 2 * math.Cos(2*math.Pi*float64(hz)/8000)
		s1, s2 := 0.0, 0.0
		for _, v := range pcm {
			s1, s2 = float64(v)+k*s1-s2, s1
		}
		if 2*math.Sqrt(max(s1*s1+s2*s2-k*s1*s2, 0))/float64(len(pcm)) > 250 {
			out = append(out, hz)
		}
	}
	return out
}

// ReadFile gives the audio of a sound file below dir, which must be of 8 kHz.
func ReadFile(t *testing.T, dir, name string) []int16 {
	t.Helper()
	src, err := media.OpenFile(os.DirFS(dir), name)
	if err != nil {
		t.Fatal(err)
	}
	defer src.(io.Closer).Close()
	if src.Rate() != 8000 {
		t.Fatalf("%s has %d Hz", name, src.Rate())
	}
	var pcm []int16
	for frame := make([]int16, 160); ; {
		n, err := src.ReadFrame(frame)
		pcm = append(pcm, frame[:n]...)
		if err != nil || n == 0 {
			return pcm
		}
	}
}

func (p *Phone) tell(s string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.told = append(p.told, s)
	return nil
}

func (p *Phone) end(e pbx.LegEvent) {
	p.mu.Lock()
	over := p.over
	p.over = true
	p.mu.Unlock()
	if !over && p.on != nil {
		e.Kind = pbx.LegEnded
		p.on(e)
	}
}

// Dial implements pbx.Leg, as the methods below.
func (p *Phone) Dial(pbx.DialOptions) error { return p.tell("dial") }

// Ring notes it.
func (p *Phone) Ring() error { return p.tell("ring") }

// Progress opens the media.
func (p *Phone) Progress() error { p.media(); return p.tell("progress") }

// Answer opens the media.
func (p *Phone) Answer() error { p.media(); return p.tell("answer") }

// Redirect notes it.
func (p *Phone) Redirect(to string) error { return p.tell("redirect " + to) }

// Transfer notes it.
func (p *Phone) Transfer(to string) error { return p.tell("transfer " + to) }

// Hold notes it.
func (p *Phone) Hold(on bool) error { return p.tell("hold " + strconv.FormatBool(on)) }

// SendDTMFInfo notes it.
func (p *Phone) SendDTMFInfo(d rune, _ time.Duration) error { return p.tell("info " + string(d)) }

// UpdateCallerID notes it.
func (p *Phone) UpdateCallerID(id call.CallerID) { _ = p.tell("connected " + id.Number) }

// Reject ends the leg.
func (p *Phone) Reject(code cause.Code) error {
	p.end(pbx.LegEvent{Cause: code})
	return p.tell("reject " + code.String())
}

// Hangup ends the leg.
func (p *Phone) Hangup(code cause.Code) {
	_ = p.tell("hangup " + code.String())
	p.end(pbx.LegEvent{Cause: code})
}

// Describe tells who it is.
func (p *Phone) Describe() pbx.LegInfo {
	return pbx.LegInfo{Technology: "Studio", Name: p.name, Endpoint: p.name, Phone: p.name, Codec: p.format.Codec}
}

// Ladder is empty.
func (p *Phone) Ladder() []call.SIPMessage { return nil }

// Header is empty.
func (p *Phone) Header(string) string { return "" }

// Beep is a tone of hz with a peak of so many units of 16-bit samples, for so
// long, at 8 kHz.
func Beep(hz, peak int, long time.Duration) media.Source {
	return &beep{step: 2 * math.Pi * float64(hz) / 8000, peak: float64(peak), left: int(long.Seconds() * 8000)}
}

type beep struct {
	step, peak float64
	at, left   int
}

func (b *beep) Rate() int { return 8000 }

func (b *beep) ReadFrame(pcm []int16) (int, error) {
	n := min(len(pcm), b.left)
	for i := range n {
		pcm[i] = int16(b.peak * math.Sin(b.step*float64(b.at)))
		b.at++
	}
	if b.left -= n; n < len(pcm) {
		return n, io.EOF
	}
	return n, nil
}
