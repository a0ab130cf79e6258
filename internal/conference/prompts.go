package conference

import (
	"io"
	"strconv"
	"sync"
	"time"

	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/pbx"
)

// pinTries is how often a pin may be typed (Asterisk: app_confbridge.c conf_get_pin).
const pinTries = 3

// checkPIN asks for the pin, if there is one.
func (u *user) checkPIN() bool {
	for range pinTries {
		if u.p.PIN == "" || u.readPIN() == u.p.PIN {
			return true
		}
		u.say(u.e.Bridge.sound("sound_invalid_pin"))
		if u.ctx.Err() != nil {
			break
		}
	}
	return false
}

// How long a pin is waited for (Asterisk: app_readdata's defaults).
const (
	pinFirst   = 10 * time.Second
	pinBetween = 5 * time.Second
)

// readPIN reads as many digits as the pin has, or up to #.
func (u *user) readPIN() string {
	got := ""
	wait := pinFirst
	d := u.play(true, soundURIs(u.e.Bridge.sound("sound_get_pin"))...)
	for {
		if d == '#' {
			return got
		}
		if d != 0 {
			wait = pinBetween
			if got += string(d); len(got) == len(u.p.PIN) {
				return got
			}
		}
		select {
		case d = <-u.e.Digits:
		case <-time.After(wait):
			return got
		case <-u.ctx.Done():
			return ""
		}
	}
}

// say plays prompts to the user alone and waits for their end. What the room
// wants meanwhile is done at once.
func (u *user) say(files ...string) { u.play(false, soundURIs(files...)...) }

// play plays media to the user alone. If a digit may break it, it gives that
// digit, else 0.
func (u *user) play(breaks bool, uris ...string) rune {
	if len(uris) == 0 || u.ctx.Err() != nil {
		return 0
	}
	lang := u.e.Bridge.Language
	p, err := u.c.Play(pbx.PlayOptions{Media: uris, Language: lang})
	if err != nil {
		u.note("prompt", err)
		return 0
	}
	defer p.Stop()
	digits := u.e.Digits
	if !breaks {
		digits = nil
	}
	woken := false
	defer func() {
		if woken {
			u.wake() // there may be prompts too, which come after this one
		}
	}()
	for {
		select {
		case <-p.Done():
			return 0
		case <-u.ctx.Done():
			return 0
		case <-u.poke:
			woken = true
			if u.room != nil && u.entered() {
				u.apply()
			}
		case d := <-digits:
			return d
		}
	}
}

func (u *user) entered() bool {
	u.room.mu.Lock()
	defer u.room.mu.Unlock()
	return u.inside
}

// greet says what somebody who comes in is to hear, and to the others who
// comes.
func (u *user) greet() {
	m := u.room
	u.say(u.p.Announcement)
	n := m.count()
	m.mu.Lock()
	waiting := u.want.waiting
	m.mu.Unlock()
	if !u.p.Quiet {
		switch {
		case waiting:
			u.say(m.p.sound("sound_wait_for_leader"))
		case n == 1 && u.p.AnnounceOnlyUser:
			u.say(m.p.sound("sound_only_person"))
		case u.p.AnnounceCount:
			u.sayCount(n)
		}
	}
	if u.name != nil {
		u.announceName("sound_has_joined")
	}
	if all := u.p.AnnounceCountAll; all > 0 && n > all && !u.p.Quiet {
		m.say(m.countURIs(n)...)
	}
}

// sayCount tells the user how many others are there.
func (u *user) sayCount(n int) {
	if n <= 1 {
		u.say(u.room.p.sound("sound_only_person"))
		return
	}
	u.say(u.room.countURIs(n)...)
}

// countURIs says that there are n in the room, to one of them (Asterisk:
// app_confbridge.c announce_user_count).
func (m *room) countURIs(n int) []string {
	if n == 2 {
		return []string{m.p.sound("sound_only_one")}
	}
	return []string{m.p.sound("sound_there_are"), "number:" + strconv.Itoa(n-1), m.p.sound("sound_other_in_party")}
}

func (u *user) joinSound() {
	if !u.p.Quiet && u.room.count() > 1 {
		u.room.say(u.room.p.sound("sound_join"))
	}
}

func (u *user) announceLeave() {
	if u.name != nil {
		u.announceName("sound_has_left")
		return
	}
	u.room.say(u.room.p.sound("sound_leave"))
}

// announceName lets everybody in the room hear who comes or goes. It returns
// at once; the prompt follows the name.
func (u *user) announceName(sound string) {
	m := u.room
	if m.count() == 0 {
		return
	}
	if _, err := m.bridge.PlaySource(u.name.source(), func(error) { m.say(m.p.sound(sound)) }); err != nil {
		u.note("name", err)
	}
}

// nameTime is the longest name.
const nameTime = 10 * time.Second

// recordName lets the user say its name: until a digit, a second of silence
// after it, or ten seconds.
func (u *user) recordName() {
	if u.c.Port() == nil {
		return
	}
	u.say("vm-rec-name", "beep")
	k := &clip{full: make(chan struct{})}
	remove := u.c.Port().Tap(k, media.TapOptions{In: true, Rate: clipRate})
	defer remove()
	select {
	case <-k.full:
	case <-u.e.Digits:
	case <-u.ctx.Done():
	}
	k.finish()
	u.name = k
}

const clipRate = 8000

// clip is a short piece of speech in memory: a sink first, then as many
// sources as are wanted.
type clip struct {
	full chan struct{} // closed when it has heard enough

	mu    sync.Mutex // guards what follows
	pcm   []int16
	quiet int // samples of silence at the end
	spoke bool
	over  bool
}

// WriteFrame implements media.Sink.
func (k *clip) WriteFrame(pcm []int16, _ int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.over {
		return
	}
	k.pcm = append(k.pcm, pcm...)
	sum := 0
	for _, v := range pcm {
		sum += max(int(v), -int(v))
	}
	if sum/max(len(pcm), 1) < 256 { // Asterisk: dsp.h DEFAULT_SILENCE_THRESHOLD
		k.quiet += len(pcm)
	} else {
		k.quiet, k.spoke = 0, true
	}
	if k.spoke && k.quiet >= clipRate || len(k.pcm) >= int(nameTime.Seconds())*clipRate {
		k.over = true
		close(k.full)
	}
}

// finish takes no more.
func (k *clip) finish() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.over {
		k.over = true
		close(k.full)
	}
}

func (k *clip) source() media.Source { return &clipSource{rest: k.pcm} }

type clipSource struct{ rest []int16 }

func (s *clipSource) Rate() int { return clipRate }

func (s *clipSource) ReadFrame(pcm []int16) (int, error) {
	n := copy(pcm, s.rest)
	s.rest = s.rest[n:]
	if n < len(pcm) {
		return n, io.EOF
	}
	return n, nil
}
