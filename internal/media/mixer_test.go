package media

import (
	"math"
	"sync"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/media/codec"
	"github.com/dialwright/dialwright/internal/media/dsp"
)

// toneOf makes n frames of a tone in a codec.
func toneOf(t testing.TB, name, spec string, n int) (frames [][]byte) {
	c, _ := codec.Lookup(name)
	tone, err := dsp.ParseTone(spec)
	if err != nil {
		t.Fatal(err)
	}
	gen, enc := dsp.NewToneGen(c.SampleRate(), tone), c.NewEncoder()
	pcm := make([]int16, c.SampleRate()/50)
	for range n {
		gen.Read(pcm)
		frames = append(frames, enc.Encode(nil, pcm))
	}
	return frames
}

// levels gives how strong each frequency is in payloads, relative to full scale 1.
func levels(name string, payloads [][]byte, freqs ...float64) (list []float64) {
	c, _ := codec.Lookup(name)
	dec := c.NewDecoder()
	var pcm []int16
	for _, p := range payloads {
		pcm = dec.Decode(pcm, p)
	}
	for _, f := range freqs {
		var re, im float64
		for i, s := range pcm {
			w := 2 * math.Pi * f * float64(i) / float64(c.SampleRate())
			re += float64(s) * math.Cos(w)
			im += float64(s) * math.Sin(w)
		}
		list = append(list, 2*math.Hypot(re, im)/float64(len(pcm))/32768)
	}
	return list
}

func TestM8_EachHearsTheOthers(t *testing.T) {
	inLab(t, func(l *lab) {
		codecs := []string{"PCMU", "PCMA", "G722", "PCMU"}
		freqs := []float64{440, 620, 1000, 0} // the last one is silent
		specs := []string{"440", "620", "1000", ""}
		m := l.e.NewMixer(0)
		var list []*phone
		var ports []*Port
		var frames [][][]byte
		for i, c := range codecs {
			ph := l.phone([]string{"192.0.2.1:4000", "192.0.2.2:4000", "192.0.2.3:4000", "192.0.2.4:4000"}[i])
			p, _ := l.call(ph, func(cfg *RTPConfig) { cfg.Codec = c })
			if _, err := m.Add(p, MemberOptions{}); err != nil {
				t.Fatal(err)
			}
			list, ports = append(list, ph), append(ports, p)
			if specs[i] != "" {
				frames = append(frames, toneOf(t, c, specs[i], 100))
			}
		}
		for n := range 100 {
			for i := range frames {
				list[i].send(frames[i][n])
			}
			pass(20 * time.Millisecond)
		}
		for i, ph := range list {
			got := ph.heard()
			checkStream(t, got)
			if len(got) < 90 {
				t.Fatalf("member %d heard %d packets", i, len(got))
			}
			var payloads [][]byte
			for _, p := range got[40:90] {
				payloads = append(payloads, p.Payload)
			}
			for k, level := range levels(codecs[i], payloads, freqs[:3]...) {
				if k == i && level > 0.005 {
					t.Errorf("member %d hears itself: %.3f", i, level)
				}
				if k != i && level < 0.02 {
					t.Errorf("member %d does not hear %d: %.3f", i, k, level)
				}
			}
		}
		if m.rate != 16000 {
			t.Errorf("rate %d with a wideband member", m.rate)
		}
		ports[2].Close()
		if m.rate != 8000 {
			t.Errorf("rate %d without one", m.rate)
		}
		m.Close()
		m.Close()
		if n := l.e.Stats().Clocked; n != 0 {
			t.Errorf("%d clients on the clock after Close", n)
		}
		for _, p := range ports {
			p.Close()
		}
	})
}

func TestM8_SumIsClipped(t *testing.T) {
	for _, tt := range []struct {
		sum  int32
		want int16
	}{{0, 0}, {32767, 32767}, {32768, 32767}, {1 << 30, 32767}, {-32768, -32768}, {-32769, -32768}, {-1 << 30, -32768}} {
		if got := clip(tt.sum); got != tt.want {
			t.Errorf("clip(%d) = %d", tt.sum, got)
		}
	}
}

func TestM8_MuteDeafPlayTap(t *testing.T) {
	inLab(t, func(l *lab) {
		a, b := l.phone("192.0.2.1:4000"), l.phone("192.0.2.2:4000")
		pa, _ := l.call(a, nil)
		pb, _ := l.call(b, nil)
		m := l.e.NewMixer(8000)
		ma, _ := m.Add(pa, MemberOptions{Mute: true})
		mb, _ := m.Add(pb, MemberOptions{})
		rec := &collector{}
		remove := m.Tap(rec)
		loud := func() (heard int, recorded int) {
			rec.taken()
			b.heard()
			a.talk(50, 0x80) // full scale
			dec, _ := codec.Lookup("PCMU")
			var pcm []int16
			for _, p := range b.heard() {
				pcm = dec.NewDecoder().Decode(pcm, p.Payload)
			}
			return energy(pcm), energy(rec.taken())
		}
		if h, r := loud(); h > 10 || r > 10 {
			t.Errorf("muted member is heard: %d, recorded: %d", h, r)
		}
		ma.Mute(false, false)
		loud()
		if h, r := loud(); h < 10000 || r < 10000 {
			t.Errorf("member is not heard: %d, recorded: %d", h, r)
		}
		mb.Mute(false, true)
		loud()
		b.heard()
		a.talk(5, 1)
		if n := len(b.heard()); n != 0 {
			t.Errorf("deaf member got %d packets", n)
		}
		mb.Mute(false, false)
		remove()
		ends := 0
		m.Play(&counting{left: 1600}, func(err error) {
			if err == nil {
				ends++
			}
		})
		m.Play(&counting{left: 1 << 20}, func(err error) {
			if err == ErrClosed {
				ends++
			}
		}).Pause()
		pass(time.Second)
		got := b.heard()
		tone := 0
		for _, p := range got {
			if p.Payload[0] != 0xff {
				tone++
			}
		}
		if tone < 9 || tone > 12 {
			t.Errorf("%d packets of the announcement", tone)
		}
		m.Close()
		if ends != 2 {
			t.Errorf("%d playouts ended as they should", ends)
		}
		if _, err := m.Add(pa, MemberOptions{}); err != ErrClosed {
			t.Errorf("Add after Close: %v", err)
		}
		pa.Close()
		pb.Close()
	})
}

// collector is a Sink that keeps everything.
type collector struct {
	mu  sync.Mutex
	pcm []int16
}

func (c *collector) WriteFrame(pcm []int16, rate int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pcm = append(c.pcm, pcm...)
}

// taken gives what was collected since the last time.
func (c *collector) taken() []int16 {
	c.mu.Lock()
	defer c.mu.Unlock()
	pcm := c.pcm
	c.pcm = nil
	return pcm
}
