package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"sync"
	"time"
)

// Bounds of Sessions.
const (
	sessionSlots   = 10_000 // sessions at once
	subjectSlots   = 100    // of one subject
	sessionIdle    = time.Hour
	sessionLongest = 12 * time.Hour
)

// SessionOptions are what Sessions are made of. The zero value is good.
type SessionOptions struct {
	// Life says how long a session may rest, and how long it lasts at most. It is asked
	// at each use, so that it can be changed; nil, and 0, = 1 h and 12 h.
	Life func() (idle, longest time.Duration)
	Now  func() time.Time // nil = time.Now
	// Key makes the digests, 32 bytes: sessions of Keep can be taken over by who has the
	// same. nil = a random one.
	Key []byte
}

// Sessions are the logins of browsers. They live in memory: a restart ends them all but for
// those that are carried over it by Keep and Restore.
//
// A session is found by its value, which has 128 bits of randomness and is given out once,
// when it is opened. What is kept is a keyed digest of it, so that who reads the memory of
// the process, or a dump, gets no value that works. A session says who has logged in (its
// subject) and nothing of what that one may do: who asks looks that up at each use.
//
// The number is bounded: when there is no more room the session that has rested longest
// goes, of the same subject if it has too many. Sessions are safe for concurrent use.
type Sessions struct {
	o   SessionOptions
	key [32]byte

	mu   sync.Mutex // guards all, and what is named in Session
	all  map[[sha256.Size]byte]*Session
	over bool
}

// Login says who has logged in, in words of the caller.
type Login struct {
	Subject string // "user:123@tenant.com"
	By      string // the subject on whose word, if somebody else has vouched for it; "" = its own
	Stamp   string // of the subject's password, for the caller to compare; "" = none
}

// Session is one login.
type Session struct {
	list   *Sessions
	digest [sha256.Size]byte
	login  Login
	opened time.Time
	done   chan struct{}

	// Guarded by Sessions.mu.
	used  time.Time
	ended bool
	timer *time.Timer // ends it when it has lasted longest
}

// NewSessions makes an empty list with a key of its own.
func NewSessions(o SessionOptions) *Sessions {
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Sessions{o: o, all: map[[sha256.Size]byte]*Session{}}
	if copy(s.key[:], o.Key) < len(s.key) {
		rand.Read(s.key[:]) // never fails (crypto/rand)
	}
	return s
}

// Open begins a session. value is what finds it: [A-Z2-7]{26}, to be told to nobody but the
// client. After EndAll the session is over already.
func (s *Sessions) Open(l Login) (value string, n *Session) {
	value = rand.Text()
	now := s.o.Now()
	_, longest := s.life()
	n = &Session{list: s, digest: s.sum(value), login: l, opened: now, used: now, done: make(chan struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		n.end()
		return value, n
	}
	s.room(now, l.Subject)
	s.all[n.digest] = n
	n.timer = time.AfterFunc(longest, n.End)
	return value, n
}

// Find gives the session with a value, and counts that as a use of it.
func (s *Sessions) Find(value string) (*Session, bool) {
	if value == "" {
		return nil, false
	}
	digest := s.sum(value)
	s.mu.Lock()
	n := s.all[digest]
	s.mu.Unlock()
	if n == nil || !n.Touch() {
		return nil, false
	}
	return n, true
}

// EndOf ends all sessions of a subject, and those opened on its word, and says how many
// there were: its password is another, or it may not log in any more.
func (s *Sessions) EndOf(subject string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	count := 0
	for _, n := range s.all {
		if n.login.Subject == subject || n.login.By == subject {
			n.end()
			count++
		}
	}
	return count
}

// EndAll ends all sessions, and those that will be opened.
func (s *Sessions) EndAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	for _, n := range s.all {
		n.end()
	}
}

// Len says how many sessions there are.
func (s *Sessions) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.all)
}

// Login says who has logged in.
func (n *Session) Login() Login { return n.login }

// Token gives a text that only this session has, for forms and scripts to prove that a page
// which could read it asks: [A-Z2-7]{32}. It does not find the session.
func (n *Session) Token() string {
	mac := hmac.New(sha256.New, n.list.key[:])
	mac.Write([]byte("token\n"))
	mac.Write(n.digest[:])
	return base32.StdEncoding.EncodeToString(mac.Sum(nil)[:20])
}

// Proves compares a text with Token, in constant time.
func (n *Session) Proves(token string) bool { return hmac.Equal([]byte(token), []byte(n.Token())) }

// Deadline says when the session ends even if it is used.
func (n *Session) Deadline() time.Time {
	_, longest := n.list.life()
	return n.opened.Add(longest)
}

// Done is closed when the session has ended: by End, by its age, or to make room. A
// session that has rested too long ends when it is next looked at.
func (n *Session) Done() <-chan struct{} { return n.done }

// Touch counts a use of the session, and says whether it still lasts. What holds on to a
// session, such as a socket, calls it more often than the idle time.
func (n *Session) Touch() bool {
	s := n.list
	now := s.o.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !n.ended && s.past(n, now) {
		n.end()
	}
	if n.ended {
		return false
	}
	if now.After(n.used) {
		n.used = now
	}
	return true
}

// End ends the session. It may be called twice.
func (n *Session) End() {
	n.list.mu.Lock()
	defer n.list.mu.Unlock()
	n.end()
}

// end is End with Sessions.mu held.
func (n *Session) end() {
	if n.ended {
		return
	}
	n.ended = true
	if n.timer != nil {
		n.timer.Stop()
	}
	delete(n.list.all, n.digest)
	close(n.done)
}

// life is SessionOptions.Life with what stands for 0.
func (s *Sessions) life() (idle, longest time.Duration) {
	if s.o.Life != nil {
		idle, longest = s.o.Life()
	}
	if idle <= 0 {
		idle = sessionIdle
	}
	if longest <= 0 {
		longest = sessionLongest
	}
	return idle, longest
}

// past says whether a session has rested or lasted too long.
func (s *Sessions) past(n *Session, now time.Time) bool {
	idle, longest := s.life()
	return now.Sub(n.used) > idle || now.Sub(n.opened) > longest
}

// room makes room for one more session of a subject. s.mu is held.
func (s *Sessions) room(now time.Time, subject string) {
	if len(s.all) < subjectSlots { // neither bound can be reached
		return
	}
	var eldest, own *Session
	count := 0
	for _, n := range s.all {
		if s.past(n, now) {
			n.end()
			continue
		}
		if eldest == nil || n.used.Before(eldest.used) {
			eldest = n
		}
		if n.login.Subject == subject {
			count++
			if own == nil || n.used.Before(own.used) {
				own = n
			}
		}
	}
	switch {
	case count >= subjectSlots:
		own.end()
	case len(s.all) >= sessionSlots:
		eldest.end()
	}
}

// sum is the digest under which a value is kept.
func (s *Sessions) sum(value string) (out [sha256.Size]byte) {
	mac := hmac.New(sha256.New, s.key[:])
	mac.Write([]byte(value))
	mac.Sum(out[:0])
	return out
}
