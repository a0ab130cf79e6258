package pbx

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dialwright/dialwright/internal/media"
)

// RecordingState says where a live recording stands (spec: ari 8).
type RecordingState string

// The states of a recording.
const (
	RecordingQueued  RecordingState = "queued"
	RecordingRunning RecordingState = "recording"
	RecordingPaused  RecordingState = "paused"
	RecordingDone    RecordingState = "done"
	RecordingError   RecordingState = "failed"
)

// IfExists says what happens when a recording's file exists already.
type IfExists string

// The choices.
const (
	ExistsFail      IfExists = "fail" // also ""
	ExistsOverwrite IfExists = "overwrite"
)

// RecordOptions says what is recorded and when it ends by itself.
type RecordOptions struct {
	Name        string // below the recordings directory, without ending; may contain /
	Format      string // "wav", "ulaw", "alaw", "sln", ...: as media.NewRecorder knows them
	MaxDuration time.Duration
	MaxSilence  time.Duration // ends after so much silence; 0 = never
	IfExists    IfExists
	TerminateOn string // "", "any", or digits that end it
	Beep        bool   // play a beep first
	Both        bool   // record what the party hears too (MixMonitor); else only what it says
}

// Recording is a recording in progress. It ends by Stop, Cancel, a limit, a
// digit, or the hangup; its file stays except after Cancel.
type Recording struct {
	sw     *Switch
	o      RecordOptions
	target string
	file   *os.File
	path   string
	emit   func(Event)
	post   func(func()) bool // runs in the target's actor
	done   chan struct{}

	mu      sync.Mutex // guards what follows
	state   RecordingState
	rec     *media.Recorder
	untap   func()
	limit   *time.Timer
	muted   bool
	over    bool
	silence time.Duration // at the end of what was recorded
	talking time.Duration
	quiet   time.Duration
	detach  func() // frees the target
}

// Record records what the party says. It returns when the recording runs.
// Errors: ErrRecording (name in use), ErrFormat, ErrBridged (ARI records
// channels only outside bridges, unless Both is set), ErrNoMedia,
// ErrNotSupported without a recordings directory, fs.ErrInvalid for a path
// that leaves it.
func (c *Channel) Record(o RecordOptions) (*Recording, error) {
	if c.port == nil {
		return nil, ErrNoMedia
	}
	r, err := c.sw.openRecording("channel:"+c.id, o)
	if err != nil {
		return nil, err
	}
	err = c.do(func() error {
		if !o.Both && c.bridge != nil {
			return ErrBridged
		}
		if !o.Both && c.beingRecorded() {
			return ErrRecording
		}
		r.emit, r.post = c.emit, c.box.postFinal
		c.recordings = append(c.recordings, r)
		r.detach = func() {
			c.recordings = slices.DeleteFunc(c.recordings, func(o *Recording) bool { return o == r })
		}
		r.begin(func(s media.Sink) func() { return c.port.Tap(s, media.TapOptions{In: true, Out: o.Both}) })
		if o.Beep {
			if src, err := finite(builtinSound("beep")); err == nil {
				c.port.Play(src, func(error) {})
			}
		}
		return nil
	})
	if err != nil {
		r.discard()
		return nil, err
	}
	return r, nil
}

// beingRecorded reports whether what the party says is being recorded, which
// keeps the channel out of bridges (spec: ari 5.6). Recordings of both sides do not.
func (c *Channel) beingRecorded() bool {
	return slices.ContainsFunc(c.recordings, func(r *Recording) bool { return !r.o.Both })
}

// Record records the mix of a bridge. As Channel.Record.
func (b *Bridge) Record(o RecordOptions) (*Recording, error) {
	if b.sw.o.Media == nil {
		return nil, ErrNoMedia
	}
	r, err := b.sw.openRecording("bridge:"+b.id, o)
	if err != nil {
		return nil, err
	}
	r.emit, r.post = b.emitPlayback, b.box.postFinal
	r.detach = func() {
		b.recordings = slices.DeleteFunc(b.recordings, func(o *Recording) bool { return o == r })
		b.feed(-1)
	}
	ok := b.box.post(func() {
		b.recordings = append(b.recordings, r)
		if b.isDestroyed() {
			r.end(RecordingError, "the bridge has ended")
			return
		}
		b.mu.Lock()
		b.feeds++
		if b.kind == Mixing && !b.destroyed {
			b.mix()
		}
		mixer := b.mixer
		b.mu.Unlock()
		if mixer == nil {
			r.end(RecordingError, "the bridge has no mix to record")
			return
		}
		r.begin(mixer.Tap)
	})
	if !ok {
		r.discard()
		return nil, ErrGone
	}
	return r, nil
}

// openRecording checks the options, takes the name and makes the file.
func (s *Switch) openRecording(target string, o RecordOptions) (*Recording, error) {
	if s.o.Recordings == nil {
		return nil, fmt.Errorf("record %q: no recordings directory: %w", o.Name, ErrNotSupported)
	}
	if o.Name == "" || !fs.ValidPath(o.Name) {
		return nil, fmt.Errorf("record %q: %w", o.Name, fs.ErrInvalid)
	}
	r := &Recording{sw: s, o: o, target: target, path: o.Name + "." + o.Format, state: RecordingQueued, done: make(chan struct{})}
	s.mu.Lock()
	if _, used := s.recordings[o.Name]; used {
		s.mu.Unlock()
		return nil, fmt.Errorf("record %q: %w", o.Name, ErrRecording)
	}
	s.recordings[o.Name] = r
	s.mu.Unlock()
	if err := r.create(); err != nil {
		r.forget()
		return nil, fmt.Errorf("record %q: %w", o.Name, err)
	}
	return r, nil
}

// create makes the file and its writer.
func (r *Recording) create() error {
	root := r.sw.o.Recordings
	if dir := path.Dir(r.path); dir != "." {
		if err := root.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	flags := os.O_RDWR | os.O_CREATE | os.O_TRUNC
	if r.o.IfExists != ExistsOverwrite {
		flags |= os.O_EXCL
	}
	f, err := root.OpenFile(r.path, flags, 0o640)
	if errors.Is(err, fs.ErrExist) {
		return ErrRecording
	}
	if err != nil {
		return err
	}
	rec, err := media.NewRecorder(f, r.o.Format, 0)
	if err != nil {
		err = errors.Join(ErrFormat, err, f.Close(), root.Remove(r.path))
		return err
	}
	r.file, r.rec = f, rec
	return nil
}

// begin taps the media; it runs in the target's actor, as end does.
func (r *Recording) begin(tap func(media.Sink) func()) {
	r.mu.Lock()
	r.state = RecordingRunning
	r.untap = tap(r)
	if r.o.MaxDuration > 0 {
		r.limit = time.AfterFunc(r.o.MaxDuration, r.Stop)
	}
	r.mu.Unlock()
	r.tell(RecordingStarted)
}

// silenceLevel is the mean amplitude below which a frame counts as silence
// (Asterisk: dsp.h DEFAULT_SILENCE_THRESHOLD 256).
const silenceLevel = 256

// WriteFrame takes what is heard, in the media's own goroutine.
func (r *Recording) WriteFrame(pcm []int16, rate int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over || r.state == RecordingPaused || len(pcm) == 0 || rate <= 0 {
		return
	}
	if r.muted {
		pcm = make([]int16, len(pcm))
	}
	r.rec.WriteFrame(pcm, rate)
	r.measure(pcm, time.Duration(len(pcm))*time.Second/time.Duration(rate))
	if r.o.MaxSilence > 0 && r.silence >= r.o.MaxSilence {
		r.silence = 0
		r.Stop()
	}
}

// measure counts talking and silence.
func (r *Recording) measure(pcm []int16, long time.Duration) {
	var sum int
	for _, v := range pcm {
		sum += max(int(v), -int(v))
	}
	if sum/len(pcm) < silenceLevel {
		r.silence += long
		r.quiet += long
		return
	}
	r.silence = 0
	r.talking += long
}

// Stop ends the recording and keeps the file. It returns at once; Done says
// when the file is complete.
func (r *Recording) Stop() { r.post(func() { r.end(RecordingDone, "") }) }

// Cancel ends the recording and removes the file. It is reported as done
// (spec: ari 5.6).
func (r *Recording) Cancel() {
	r.Stop()
	<-r.done // also closed when the target has gone: that ends its recordings
	if err := r.sw.o.Recordings.Remove(r.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.sw.log.Warn("cancelled recording not removed", "recording", r.o.Name, "error", err)
	}
}

// Pause stops writing, and goes on with it.
func (r *Recording) Pause(on bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case on && r.state == RecordingRunning:
		r.state = RecordingPaused
	case !on && r.state == RecordingPaused:
		r.state = RecordingRunning
	}
}

// Mute writes silence instead of what is heard.
func (r *Recording) Mute(on bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.muted = on
}

// Done is closed when the recording has ended and its file is complete.
func (r *Recording) Done() <-chan struct{} { return r.done }

// digit ends the recording if it is a digit that shall.
func (r *Recording) digit(d rune) {
	if r.o.TerminateOn == "any" || strings.ContainsRune(r.o.TerminateOn, d) {
		r.end(RecordingDone, "")
	}
}

// end ends the recording once, in the target's actor.
func (r *Recording) end(s RecordingState, reason string) {
	r.mu.Lock()
	if r.over {
		r.mu.Unlock()
		return
	}
	r.over = true
	r.state = s
	untap, limit, detach := r.untap, r.limit, r.detach
	r.mu.Unlock()
	if limit != nil {
		limit.Stop()
	}
	if untap != nil {
		untap()
	}
	err := errors.Join(r.rec.Close(), r.file.Close())
	if err != nil {
		r.sw.log.Warn("recording is incomplete", "recording", r.o.Name, "error", err)
		s, reason = RecordingError, err.Error()
	}
	r.forget()
	if s == RecordingError {
		r.mu.Lock()
		r.state = s
		r.mu.Unlock()
		r.tellCause(RecordingFailed, reason)
	} else {
		r.tell(RecordingFinished)
	}
	close(r.done)
	if detach != nil {
		detach()
	}
}

// discard undoes a recording that never began.
func (r *Recording) discard() {
	r.forget()
	if err := errors.Join(r.rec.Close(), r.file.Close(), r.sw.o.Recordings.Remove(r.path)); err != nil {
		r.sw.log.Warn("unused recording not removed", "recording", r.o.Name, "error", err)
	}
	close(r.done)
}

func (r *Recording) forget() {
	r.sw.mu.Lock()
	delete(r.sw.recordings, r.o.Name)
	r.sw.mu.Unlock()
}

func (r *Recording) tell(t EventType) { r.tellCause(t, "") }

func (r *Recording) tellCause(t EventType, reason string) {
	s := r.Snapshot()
	s.Cause = reason
	r.emit(Event{Type: t, Recording: &s})
}

// Snapshot gives the recording as it is now.
func (r *Recording) Snapshot() RecordingSnapshot {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := RecordingSnapshot{Name: r.o.Name, Format: r.o.Format, Target: r.target, State: r.state}
	if r.rec != nil {
		s.Duration = r.rec.Duration()
	}
	if r.o.MaxSilence > 0 {
		s.Talking, s.Silence = r.talking, r.quiet
	}
	return s
}

// Recording finds a live recording by its name.
func (s *Switch) Recording(name string) (*Recording, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.recordings[name]
	return r, ok
}
