package media

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/fstest"
	"time"
)

// counting is a source of n samples that counts how often it is closed.
type counting struct {
	left, closed int
	err          error
}

func (c *counting) Rate() int { return 8000 }
func (c *counting) ReadFrame(pcm []int16) (int, error) {
	n := min(len(pcm), c.left)
	c.left -= n
	for i := range n {
		pcm[i] = 1000
	}
	if n < len(pcm) {
		if c.err != nil {
			return n, c.err
		}
		return n, io.EOF
	}
	return n, nil
}
func (c *counting) Close() error { c.closed++; return nil }

func TestPlayout(t *testing.T) {
	inLab(t, func(l *lab) {
		ph := l.phone("192.0.2.1:4000")
		p, _ := l.call(ph, nil)
		type end struct {
			calls int
			err   error
		}
		play := func(src Source) (*Playout, *end) {
			e := &end{}
			return p.Play(src, func(err error) { e.calls++; e.err = err }), e
		}
		check := func(what string, e *end, src *counting, want error) {
			t.Helper()
			if e.calls != 1 || !errors.Is(e.err, want) || src.closed != 1 {
				t.Errorf("%s: done called %d times with %v, source closed %d times", what, e.calls, e.err, src.closed)
			}
		}

		src := &counting{left: 1700} // 10 frames and a bit
		_, e := play(src)
		pass(time.Second)
		check("to the end", e, src, nil)
		got := ph.heard()
		if len(got) != 11 {
			t.Errorf("%d packets", len(got))
		}
		checkStream(t, got)

		src = &counting{left: 1 << 20}
		po, e := play(src)
		pass(110 * time.Millisecond)
		po.Pause()
		n := len(ph.heard())
		pass(time.Second)
		if k := len(ph.heard()); n < 5 || k > 0 {
			t.Errorf("%d packets, %d while paused", n, k)
		}
		po.Resume()
		po.Skip(10 * time.Second)
		pass(50 * time.Millisecond)
		if at := po.Position(); at < 10*time.Second || at > 11*time.Second {
			t.Errorf("position %v after the skip", at)
		}
		po.Stop()
		po.Stop()
		check("stopped twice", e, src, ErrStopped)

		first := &counting{left: 1 << 20}
		_, e1 := play(first)
		second := &counting{left: 1 << 20}
		_, e2 := play(second)
		check("replaced", e1, first, ErrStopped)
		broken := &counting{left: 300, err: io.ErrNoProgress}
		_, e3 := play(broken)
		check("replaced again", e2, second, ErrStopped)
		pass(time.Second)
		check("source fails", e3, broken, io.ErrNoProgress)
		third := &counting{left: 1 << 20}
		_, e4 := play(third)
		p.Close()
		check("port closed", e4, third, ErrClosed)
		late := &counting{left: 5}
		_, e5 := play(late)
		check("port was closed", e5, late, ErrClosed)
	})
}

func TestPlayoutWithoutLegTakesItsTime(t *testing.T) {
	inLab(t, func(l *lab) {
		p := l.e.NewPort("x")
		begin := time.Now()
		ended := make(chan time.Duration, 1)
		p.Play(Silence(time.Second), func(error) { ended <- time.Since(begin) })
		if d := <-ended; d < time.Second || d > 1050*time.Millisecond {
			t.Errorf("a second without a leg took %v", d)
		}
		p.Close()
	})
}

// A prompt waits for the media of a browser that was answered, whole; not for that of one that
// does not come.
func TestPlayoutAwaitsTheLeg(t *testing.T) {
	inLab(t, func(l *lab) {
		p := l.e.NewPort("late")
		p.Await(true)
		src := &counting{left: 800} // five frames
		ended := false
		p.Play(src, func(error) { ended = true })
		pass(time.Second)
		if ended || src.left != 800 {
			t.Fatalf("ended %v with %d samples left, although nobody hears it yet", ended, src.left)
		}
		ph := l.phone("192.0.2.1:4000")
		l.answer(p, ph, nil)
		pass(time.Second)
		if n := len(ph.heard()); !ended || n != 5 {
			t.Errorf("ended %v, %d packets, want all five", ended, n)
		}
		p.Await(true) // there is a leg: nothing to wait for
		again := false
		p.Play(&counting{left: 800}, func(error) { again = true })
		pass(time.Second)
		if !again {
			t.Error("a port with a leg waits for one")
		}

		q := l.e.NewPort("never")
		q.Await(true)
		over := false
		q.Play(&counting{left: 800}, func(error) { over = true })
		q.Await(false)
		pass(time.Second)
		if !over {
			t.Error("it waits for a leg that does not come")
		}
		p.Close()
		q.Close()
	})
}

func TestPlayoutFollowsPTime(t *testing.T) {
	inLab(t, func(l *lab) {
		ph := l.phone("192.0.2.1:4000")
		p, r := l.call(ph, nil)
		p.Play(Silence(0), nil)
		for _, ptime := range []int{10, 20, 30, 40, 60, 17} {
			p.SetLeg(r, Format{Codec: "PCMU", PTime: ptime})
			pass(200 * time.Millisecond)
			ph.heard()
			pass(600 * time.Millisecond)
			got := ph.heard()
			want := ptime
			if ptime == 17 {
				want = 20
			}
			if n := len(got); n < 600/want-1 || n > 600/want+1 || len(got[0].Payload) != want*8 {
				t.Errorf("ptime %d: %d packets of %d octets in 600 ms", ptime, n, len(got[0].Payload))
			}
			checkStream(t, got)
		}
		p.Close()
	})
}

// TestPlayoutAfterAStall: what a stalled clock missed is not sent in a burst.
func TestClockSkipsWhatItMissed(t *testing.T) {
	inLab(t, func(l *lab) {
		w := l.e.slow.wheels[0]
		n := 0
		e := l.e.slow.add(tickFunc(func(now time.Time) {
			if n++; n == 3 {
				pass2(5 * time.Second) // a client that blocks stands for a stopped process
			}
		}), slowTick)
		pass(5300 * time.Millisecond)
		if n > 6 {
			t.Errorf("%d ticks in half a second of running", n)
		}
		e.remove()
		pass(time.Second)
		if c := w.clients.Load(); c != 0 {
			t.Errorf("%d clients", c)
		}
	})
}

// pass2 waits inside a tick, where synctest.Wait is not allowed twice at once.
func pass2(d time.Duration) { <-time.After(d) }

type tickFunc func(time.Time)

func (f tickFunc) tick(now time.Time) { f(now) }

func TestClockSurvivesAPanic(t *testing.T) {
	inLab(t, func(l *lab) {
		n := 0
		bad := l.e.media.add(tickFunc(func(time.Time) { panic("bad client") }), 20*time.Millisecond)
		good := l.e.media.add(tickFunc(func(time.Time) { n++ }), 20*time.Millisecond)
		pass(time.Second)
		if n < 49 || l.e.Stats().Panics != 1 || l.e.Stats().Clocked != 1 {
			t.Errorf("%d ticks, stats %+v", n, l.e.Stats())
		}
		good.remove()
		bad.remove()
		l.e.panics.Store(0)
	})
}

func TestClockSpreadsClients(t *testing.T) {
	inLab(t, func(l *lab) {
		var list []*clockEntry
		for range 400 {
			list = append(list, l.e.media.add(tickFunc(func(time.Time) {}), 20*time.Millisecond))
		}
		turned := func(w *wheel, slot int) (n int) {
			for period, lists := range w.lists {
				if lists != nil {
					n += len(lists[slot%period])
				}
			}
			return n
		}
		pass(20 * time.Millisecond)
		for w, wheel := range l.e.media.wheels {
			for s := range clockSlots {
				if n := turned(wheel, s); n < 400/4/len(l.e.media.wheels)-1 || n > 400/4/len(l.e.media.wheels)+1 {
					t.Errorf("wheel %d slot %d has %d clients", w, s, n)
				}
			}
		}
		for i, e := range list {
			e.remove()
			e.remove()
			if i == len(list)/2 { // one that goes before the wheel has seen it
				l.e.media.add(tickFunc(func(time.Time) { t.Error("called after it has gone") }), 20*time.Millisecond).remove()
			}
		}
		pass(20 * time.Millisecond)
		for w, wheel := range l.e.media.wheels {
			for s := range clockSlots {
				if n := turned(wheel, s); n != 0 {
					t.Errorf("wheel %d slot %d still has %d clients", w, s, n)
				}
			}
		}
	})
}

// TestPromptInThePartysCodec: such a file is sent octet by octet, in another
// codec it is converted; both end with silence up to a full frame.
func TestPromptInThePartysCodec(t *testing.T) {
	inLab(t, func(l *lab) {
		ph := l.phone("192.0.2.1:4000")
		p, r := l.call(ph, nil)
		data := bytesOf(0x80, 410)
		for i := range data {
			data[i] += byte(i % 50)
		}
		files := fstest.MapFS{"a.ulaw": {Data: data}, "b.wav": {Data: append(wavHeader(wavULaw, 8000, 1, 410), data...)}}
		for name := range files {
			for _, c := range []string{"PCMU", "PCMA"} {
				p.SetLeg(r, Format{Codec: c})
				src, err := OpenFile(files, name)
				if err != nil {
					t.Fatal(err)
				}
				p.Play(src, nil)
				pass(time.Second)
				var got []byte
				for _, pkt := range ph.heard() {
					got = append(got, pkt.Payload...)
				}
				silent := map[string]byte{"PCMU": 0xff, "PCMA": 0xd5}[c]
				if len(got) != 480 || !bytes.Equal(got[410:], bytesOf(silent, 70)) {
					t.Fatalf("%s as %s: %d octets ending with %x", name, c, len(got), got[min(len(got), 400):])
				}
				if same := bytes.Equal(got[:410], data); same != (c == "PCMU") {
					t.Errorf("%s as %s: same octets: %v", name, c, same)
				}
			}
		}
		p.Close()
	})
}
