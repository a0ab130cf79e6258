package pbx

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
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
	ExistsAppend    IfExists = "append" // as RecordOptions.Append
)

// RecordOptions says what is recorded and when it ends by itself. The zero
// value but for Name and Format records what the party says until the hangup.
type RecordOptions struct {
	Name        string        // below the recordings directory, without ending; may contain /
	Format      string        // "wav", "ulaw", "alaw", "sln", ...: as media.NewRecorder knows them
	MaxDuration time.Duration // by the clock on the wall, media or not (spec: dialplan D4); 0 = no limit
	MaxSilence  time.Duration // ends after so much silence; 0 = never. A party that sends nothing is silent
	IfExists    IfExists
	TerminateOn string // "", "any", or digits that end it
	Beep        bool   // play a beep first
	Both        bool   // record what the party hears too (MixMonitor); else only what it says
	Out         bool   // record only what the party hears (MixMonitor's t()); implies Aside
	Aside       bool   // does not keep the channel out of bridges, as Both does not either (MixMonitor's r())

	// File is written to instead of a file in the recordings directory, open for
	// reading and writing, from its beginning. The recording closes it in any
	// case, also when Record fails, and never removes it. Name may then be
	// empty: such a recording has no events and is not found by Switch.Recording.
	File *os.File
	// DropSilence leaves of the silence that ended the recording only a second in
	// the file (Asterisk: app_record.c).
	DropSilence bool
	// Append goes on behind what is in the file. A WAV must be of the same
	// format, else Record gives ErrFormat. Without File it implies
	// ExistsOverwrite.
	Append bool
}

// aside says that the channel may be in a bridge meanwhile.
func (o *RecordOptions) aside() bool { return o.Both || o.Out || o.Aside }

// tap gives what is listened to.
func (o *RecordOptions) tap() media.TapOptions {
	return media.TapOptions{In: !o.Out || o.Both, Out: o.Out || o.Both}
}

// RecordingEnd says what ended a recording.
type RecordingEnd string

// The ends.
const (
	EndedByStop    RecordingEnd = "stop" // Stop or Cancel
	EndedByDigit   RecordingEnd = "digit"
	EndedBySilence RecordingEnd = "silence"
	EndedByLimit   RecordingEnd = "limit" // MaxDuration
	EndedByHangup  RecordingEnd = "hangup"
	EndedByError   RecordingEnd = "error"
)

// Recording is a recording in progress. It ends by Stop, Cancel, a limit, a
// digit, or the hangup; its file stays except after Cancel.
type Recording struct {
	sw     *Switch
	o      RecordOptions
	target string
	file   *os.File
	path   string // below the recordings directory; "" = the file is the caller's
	fresh  bool   // the file did not exist before
	emit   func(Event)
	post   func(func()) bool // runs in the target's actor
	told   func(RecordedFile)
	id     string // for told
	done   chan struct{}

	mu      sync.Mutex // guards what follows
	state   RecordingState
	rec     *media.Recorder
	untap   func()
	limit   *time.Timer
	muted   bool
	over    bool
	ended   RecordingEnd  // the first thing that asked for the end
	key     rune          // the digit that did
	silence time.Duration // at the end of what was recorded
	talking time.Duration
	quiet   time.Duration
	detach  func() // frees the target
}

// Record records what the party says. It returns when the recording runs.
// Errors: ErrRecording (name in use), ErrFormat, ErrBridged (ARI records
// channels only outside bridges, unless Both, Out or Aside is set), ErrNoMedia,
// ErrNotSupported without a recordings directory, fs.ErrInvalid for a path
// that leaves it. ErrBridged of a recording with a name is told by RecordingFailed
// too, as ARI's clients expect.
func (c *Channel) Record(o RecordOptions) (*Recording, error) {
	if c.port == nil {
		return nil, errors.Join(ErrNoMedia, o.closeFile())
	}
	o.Append = o.Append || o.IfExists == ExistsAppend
	r, err := c.sw.openRecording("channel:"+c.id, o)
	if err != nil {
		return nil, err
	}
	err = c.do(func() error {
		if !o.aside() && c.bridge != nil {
			if o.File == nil {
				c.emit(Event{Type: RecordingFailed, Recording: &RecordingSnapshot{
					Name: o.Name, Format: o.Format, Target: c.targetURI(), State: RecordingError, Cause: causeBridged,
				}})
			}
			return ErrBridged
		}
		if !o.aside() && c.beingRecorded() {
			return ErrRecording
		}
		r.emit, r.post, r.told = c.emit, c.box.postFinal, c.Recorded
		c.recordings = append(c.recordings, r)
		r.detach = func() {
			c.recordings = slices.DeleteFunc(c.recordings, func(o *Recording) bool { return o == r })
		}
		r.begin(func(s media.Sink) func() { return c.port.Tap(s, o.tap()) })
		if o.Beep {
			if src, err := c.sw.openSound("beep", c.language()); err == nil {
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

// causeBridged is the cause of a RecordingFailed (spec: ari 5.6). Clients match
// on it.
const causeBridged = "Cannot record channel while in bridge"

// beingRecorded reports whether what the party says is being recorded, which
// keeps the channel out of bridges (spec: ari 5.6). Recordings beside the call do not.
func (c *Channel) beingRecorded() bool {
	return slices.ContainsFunc(c.recordings, func(r *Recording) bool { return !r.o.aside() })
}

// Record records the mix of a bridge. As Channel.Record.
func (b *Bridge) Record(o RecordOptions) (*Recording, error) {
	if b.sw.o.Media == nil {
		return nil, errors.Join(ErrNoMedia, o.closeFile())
	}
	o.Append = o.Append || o.IfExists == ExistsAppend
	r, err := b.sw.openRecording("bridge:"+b.id, o)
	if err != nil {
		return nil, err
	}
	r.emit, r.post, r.told = b.emitPlayback, b.box.postFinal, b.Recorded
	r.detach = func() {
		b.recordings = slices.DeleteFunc(b.recordings, func(o *Recording) bool { return o == r })
		b.feed(-1)
	}
	began := make(chan struct{})
	ok := b.box.post(func() {
		defer close(began)
		b.recordings = append(b.recordings, r)
		if b.isDestroyed() {
			r.end(RecordingError, "the bridge has ended")
			return
		}
		b.feed(1)
		b.mu.Lock()
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
		return nil, b.refusal()
	}
	<-began
	return r, nil
}

// begin taps the media; it runs in the target's actor, as end does.
func (r *Recording) begin(tap func(media.Sink) func()) {
	r.mu.Lock()
	r.state = RecordingRunning
	r.untap = tap(r)
	if r.o.MaxDuration > 0 {
		r.limit = time.AfterFunc(r.o.MaxDuration, func() { r.stop(EndedByLimit, 0) })
	}
	r.mu.Unlock()
	r.tell(RecordingStarted)
	r.id = rand.Text()
	r.tellFile(false)
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
		r.note(EndedBySilence, 0)
		r.post(func() { r.end(RecordingDone, "") })
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
func (r *Recording) Stop() { r.stop(EndedByStop, 0) }

func (r *Recording) stop(why RecordingEnd, key rune) {
	r.mu.Lock()
	r.note(why, key)
	r.mu.Unlock()
	r.post(func() { r.end(RecordingDone, "") })
}

// note keeps the first reason for the end. Called with mu held.
func (r *Recording) note(why RecordingEnd, key rune) {
	if r.ended == "" {
		r.ended, r.key = why, key
	}
}

// Ended says what ended the recording, and which digit if one did; "" before
// the end.
func (r *Recording) Ended() (why RecordingEnd, digit rune) {
	select {
	case <-r.done:
	default:
		return "", 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ended, r.key
}

// Cancel ends the recording and removes the file, unless that is
// RecordOptions.File. It is reported as done (spec: ari 5.6).
func (r *Recording) Cancel() {
	r.Stop()
	<-r.done // also closed when the target has gone: that ends its recordings
	if err := r.remove(); err != nil && !errors.Is(err, fs.ErrNotExist) {
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
		r.mu.Lock()
		r.note(EndedByDigit, d)
		r.mu.Unlock()
		r.end(RecordingDone, "")
	}
}

// end ends the recording once, in the target's actor. Who has not noted a
// reason is the target's own end.
func (r *Recording) end(s RecordingState, reason string) {
	r.mu.Lock()
	if r.over {
		r.mu.Unlock()
		return
	}
	r.over = true
	r.state = s
	r.note(EndedByHangup, 0)
	if keep := time.Second; r.ended == EndedBySilence && r.o.DropSilence && r.o.MaxSilence > keep {
		r.rec.DropEnd(r.o.MaxSilence - keep)
	}
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
	if r.id != "" {
		r.tellFile(true)
	}
	if s == RecordingError {
		r.mu.Lock()
		r.state, r.ended = s, EndedByError
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

func (r *Recording) tell(t EventType) { r.tellCause(t, "") }

func (r *Recording) tellCause(t EventType, reason string) {
	if r.o.Name == "" {
		return
	}
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
