package auth

import (
	"crypto/sha256"
	"time"
)

// Kept is a session as it is kept over a restart. Nothing in it opens the session: that does
// the value of which Digest is a keyed digest.
type Kept struct {
	Digest []byte    `json:"digest"`
	Login  Login     `json:"login"`
	Opened time.Time `json:"opened"`
	Used   time.Time `json:"used"`
}

// Keep gives all sessions, for Restore of Sessions with the same key.
func (s *Sessions) Keep() []Kept {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Kept
	for digest, n := range s.all {
		out = append(out, Kept{Digest: digest[:], Login: n.login, Opened: n.opened, Used: n.used})
	}
	return out
}

// Restore takes sessions over that Keep has given, but for those that have rested or lasted
// too long, and says how many there were.
func (s *Sessions) Restore(list []Kept) int {
	now := s.o.Now()
	_, longest := s.life()
	s.mu.Lock()
	defer s.mu.Unlock()
	count := 0
	for _, k := range list {
		n := &Session{list: s, login: k.Login, opened: k.Opened, used: k.Used, done: make(chan struct{})}
		if len(k.Digest) != sha256.Size || k.Opened.After(now) || k.Used.After(now) || s.past(n, now) || s.over {
			continue
		}
		n.digest = [sha256.Size]byte(k.Digest)
		if s.all[n.digest] != nil {
			continue
		}
		s.room(now, k.Login.Subject)
		s.all[n.digest] = n
		n.timer = time.AfterFunc(longest-now.Sub(k.Opened), n.End)
		count++
	}
	return count
}
