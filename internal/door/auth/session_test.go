package auth

import (
	"regexp"
	"testing"
	"testing/synctest"
	"time"
)

// ended says whether a session's Done is closed.
func ended(n *Session) bool {
	select {
	case <-n.Done():
		return true
	default:
		return false
	}
}

func TestSessionIsFoundByItsValue(t *testing.T) {
	s := NewSessions(SessionOptions{})
	value, n := s.Open(Login{Subject: "user:123", By: "user:admin"})
	if !regexp.MustCompile(`^[A-Za-z0-9_-]{26}$`).MatchString(value) {
		t.Errorf("value %q", value)
	}
	got, ok := s.Find(value)
	if !ok || got != n || got.Login() != (Login{Subject: "user:123", By: "user:admin"}) {
		t.Errorf("found %+v %v", got, ok)
	}
	for _, wrong := range []string{"", value[1:], value + "A", "sess"} {
		if _, ok := s.Find(wrong); ok {
			t.Errorf("%q finds a session", wrong)
		}
	}
	if other, _ := s.Open(Login{Subject: "user:123"}); other == value {
		t.Error("the same value twice")
	}
	n.End()
	n.End()
	if _, ok := s.Find(value); ok || !ended(n) || n.Touch() {
		t.Error("a session lasts after End")
	}
}

func TestSessionsEndByTime(t *testing.T) {
	for _, c := range []struct {
		name  string
		steps []time.Duration // uses
		last  bool            // it is alive after the last step
	}{
		{"rests as long as it may", []time.Duration{time.Hour}, true},
		{"rests too long", []time.Duration{time.Hour + time.Second}, false},
		{"is used", []time.Duration{50 * time.Minute, 50 * time.Minute, 50 * time.Minute}, true},
		{"lasts too long", []time.Duration{50 * time.Minute, 50 * time.Minute, 50 * time.Minute, 31 * time.Minute}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := NewSessions(SessionOptions{Life: func() (time.Duration, time.Duration) { return time.Hour, 3 * time.Hour }})
				value, n := s.Open(Login{Subject: "u"})
				for i, d := range c.steps {
					time.Sleep(d) // the bubble's clock
					if _, ok := s.Find(value); ok != (c.last || i < len(c.steps)-1) {
						t.Errorf("step %d: found %v", i, ok)
					}
				}
				if ended(n) == c.last {
					t.Errorf("ended %v", ended(n))
				}
				s.EndAll()
			})
		})
	}
}

func TestSessionEndsByItselfWhenItHasLastedLongest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewSessions(SessionOptions{})
		began := time.Now()
		_, n := s.Open(Login{Subject: "u"})
		<-n.Done()
		if d := time.Since(began); d != 12*time.Hour || s.Len() != 0 {
			t.Errorf("ended after %v, %d left", d, s.Len())
		}
	})
}

func TestSessionsOfASubjectEnd(t *testing.T) {
	s := NewSessions(SessionOptions{})
	_, a := s.Open(Login{Subject: "user:a"})
	_, a2 := s.Open(Login{Subject: "user:a"})
	_, vouched := s.Open(Login{Subject: "tenant:x", By: "user:a"})
	value, b := s.Open(Login{Subject: "user:b"})
	if count := s.EndOf("user:a"); count != 3 || !ended(a) || !ended(a2) || !ended(vouched) || ended(b) {
		t.Errorf("%d ended: %v %v %v, the other's %v", count, ended(a), ended(a2), ended(vouched), ended(b))
	}
	s.EndAll()
	if _, ok := s.Find(value); ok || !ended(b) {
		t.Error("a session outlives EndAll")
	}
	value, late := s.Open(Login{Subject: "user:c"})
	if _, ok := s.Find(value); ok || !ended(late) {
		t.Error("a session is opened after EndAll")
	}
}

func TestSessionsMakeRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewSessions(SessionOptions{})
		defer s.EndAll()
		_, other := s.Open(Login{Subject: "other"})
		var mine []*Session
		for range subjectSlots {
			time.Sleep(time.Millisecond)
			_, n := s.Open(Login{Subject: "me"})
			mine = append(mine, n)
		}
		mine[0].Touch() // now it is the youngest
		s.Open(Login{Subject: "me"})
		if ended(mine[0]) || !ended(mine[1]) || ended(other) {
			t.Errorf("touched %v, eldest %v, another subject's %v", ended(mine[0]), ended(mine[1]), ended(other))
		}
		for i := s.Len(); i < sessionSlots; i++ {
			s.mu.Lock() // as Open, without its search
			n := &Session{list: s, digest: s.sum(time.Duration(i).String()), login: Login{Subject: "many"}, opened: time.Now(), used: time.Now(), done: make(chan struct{})}
			s.all[n.digest] = n
			s.mu.Unlock()
		}
		s.Open(Login{Subject: "new"})
		if s.Len() != sessionSlots || !ended(other) {
			t.Errorf("%d sessions, the eldest ended %v", s.Len(), ended(other))
		}
	})
}

func TestSessionToken(t *testing.T) {
	s := NewSessions(SessionOptions{})
	value, a := s.Open(Login{Subject: "user:123"})
	_, b := s.Open(Login{Subject: "user:123"})
	if token := a.Token(); !regexp.MustCompile(`^[A-Z2-7]{32}$`).MatchString(token) || a.Token() != token {
		t.Errorf("token %q, then %q", token, a.Token())
	}
	for _, wrong := range []string{"", value, b.Token(), a.Token() + "A", a.Token()[1:]} {
		if a.Proves(wrong) {
			t.Errorf("%q proves", wrong)
		}
	}
	if !a.Proves(a.Token()) {
		t.Error("its own token does not prove")
	}
	if _, ok := s.Find(a.Token()); ok {
		t.Error("the token finds the session")
	}
}
