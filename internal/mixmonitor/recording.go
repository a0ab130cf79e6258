package mixmonitor

import (
	"context"
	"errors"
	"sync"

	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/pbx"
)

// Options say what is recorded where. At least one file must be there; the
// Recording closes them all.
type Options struct {
	Mixed *File // both directions
	In    *File // what the party says
	Out   *File // what the party hears

	// GainIn and GainOut make each direction louder in the mixed file by that
	// many doublings, -4 to 4 (Asterisk: app_mixmonitor.c get_volfactor).
	GainIn, GainOut int
	// WhileBridged leaves out what is said outside of bridges.
	WhileBridged bool
}

// Recording is a channel's recording in progress.
type Recording struct {
	c     *pbx.Channel
	o     Options
	done  chan struct{}
	err   error // valid after done
	once  sync.Once
	unset func() bool
	untap []func()

	mu      sync.Mutex // guards what follows
	over    bool
	in, out []int16 // heard, and not yet mixed
	rate    int
	noIn    bool // of Mute
	noOut   bool
}

// Start records a channel. It ends with Stop or with the channel. Error:
// pbx.ErrNoMedia without a media engine; the files are closed then.
func Start(c *pbx.Channel, o Options) (*Recording, error) {
	r := &Recording{c: c, o: o, rate: 8000, done: make(chan struct{})}
	port := c.Port()
	if port == nil {
		return nil, errors.Join(pbx.ErrNoMedia, r.closeFiles())
	}
	for _, f := range r.files() {
		r.rate = max(r.rate, f.Rate())
	}
	r.untap = []func(){
		port.Tap(side{r, &r.in}, media.TapOptions{In: true, Rate: r.rate}),
		port.Tap(side{r, &r.out}, media.TapOptions{Out: true, Rate: r.rate}),
	}
	for _, f := range r.files() {
		c.Recorded(f.Begun())
	}
	_ = c.Tell(pbx.Event{Type: Started}) // ErrGone: it ends at once
	r.unset = context.AfterFunc(c.Context(), r.finish)
	return r, nil
}

func (r *Recording) files() []*File {
	var out []*File
	for _, f := range [...]*File{r.o.Mixed, r.o.In, r.o.Out} {
		if f != nil {
			out = append(out, f)
		}
	}
	return out
}

// side is one direction as a sink.
type side struct {
	r  *Recording
	at *[]int16
}

// WriteFrame implements media.Sink.
func (s side) WriteFrame(pcm []int16, _ int) {
	s.r.mu.Lock()
	defer s.r.mu.Unlock()
	if s.r.over {
		return
	}
	*s.at = append(*s.at, pcm...)
	s.r.flush()
}

// slack is how far one direction may be ahead of the other, as a part of a
// second; then the other is taken to be silent.
const slack = 5

// flush writes what both directions have. Called with mu held.
func (r *Recording) flush() {
	n := min(len(r.in), len(r.out))
	if ahead := max(len(r.in), len(r.out)); ahead > r.rate/slack {
		n = ahead
		r.in = append(r.in, make([]int16, n-min(n, len(r.in)))...)
		r.out = append(r.out, make([]int16, n-min(n, len(r.out)))...)
	}
	if n == 0 {
		return
	}
	if !r.o.WhileBridged || r.c.Snapshot().Bridge != "" {
		r.write(silenced(r.in[:n], r.noIn), silenced(r.out[:n], r.noOut))
	}
	r.in = append(r.in[:0], r.in[n:]...)
	r.out = append(r.out[:0], r.out[n:]...)
}

// silenced gives silence in the place of what is not to be recorded.
func silenced(pcm []int16, yes bool) []int16 {
	if yes {
		return make([]int16, len(pcm))
	}
	return pcm
}

// Mute leaves what the party says (in), what it hears (out), or both out of the recording
// from now on, or with on false no longer. The recording is as long as without.
func (r *Recording) Mute(in, out, on bool) {
	r.mu.Lock()
	if in {
		r.noIn = on
	}
	if out {
		r.noOut = on
	}
	r.mu.Unlock()
	direction := "both"
	switch {
	case !out:
		direction = "read"
	case !in:
		direction = "write"
	}
	_ = r.c.Tell(pbx.Event{Type: Muted, Data: &Mute{Direction: direction, On: on}}) // ErrGone: it ends at once
}

func (r *Recording) write(in, out []int16) {
	if r.o.In != nil {
		r.o.In.WriteFrame(in, r.rate)
	}
	if r.o.Out != nil {
		r.o.Out.WriteFrame(out, r.rate)
	}
	if r.o.Mixed == nil {
		return
	}
	mix := make([]int16, len(in))
	for i := range mix {
		v := gain(int(in[i]), r.o.GainIn) + gain(int(out[i]), r.o.GainOut)
		mix[i] = int16(min(max(v, -32768), 32767))
	}
	r.o.Mixed.WriteFrame(mix, r.rate)
}

// gain doubles or halves v as often as by says.
func gain(v, by int) int {
	if by < 0 {
		return v / (1 << -by)
	}
	return v << by
}

// Stop ends the recording, completes its files and gives what went wrong with
// them. It may be called twice.
func (r *Recording) Stop() error {
	r.unset()
	r.finish()
	<-r.done
	return r.err
}

// Done is closed when the files are complete.
func (r *Recording) Done() <-chan struct{} { return r.done }

// Err says what was wrong with the files, once Done is closed.
func (r *Recording) Err() error { return r.err }

func (r *Recording) finish() {
	r.once.Do(func() {
		for _, f := range r.untap {
			f()
		}
		r.mu.Lock()
		r.over = true
		r.mu.Unlock()
		r.err = r.closeFiles()
		for _, f := range r.files() {
			r.c.Recorded(f.Done())
		}
		_ = r.c.Tell(pbx.Event{Type: Stopped}) // ErrGone: nobody is told any more
		close(r.done)
	})
}

func (r *Recording) closeFiles() error {
	var errs []error
	for _, f := range r.files() {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}
