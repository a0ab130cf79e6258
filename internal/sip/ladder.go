package sip

import (
	"strings"
	"sync"
	"time"

	"github.com/dialwright/dialwright/internal/call"
)

// Limits of the ladders.
const (
	ladderMax     = 200             // messages kept per leg
	unclaimedMax  = 512             // messages kept whose Call-ID belongs to no leg yet
	unclaimedLife = 5 * time.Second // how old they may be when a leg claims them
	releasedMax   = 256             // Call-IDs of ended legs that still get messages
)

// ladders sorts the traced messages of the whole server into legs.
//
// A leg claims its Call-ID. The INVITE of an incoming call is traced before
// that, so a bounded ring keeps the newest INVITE messages without an owner and
// claim takes those that match. A flood of foreign INVITEs can push them out of
// the ring: then the ladder begins later, nothing else happens.
//
// The last messages (the 200 to a BYE) are traced after the leg has ended.
// Therefore a released Call-ID keeps its owner until releasedMax others have
// ended after it: bounded, and without a timer per leg.
//
// All methods are safe concurrently; record runs on the network goroutines.
type ladders struct {
	mu        sync.Mutex
	owners    map[string]*ladder // by Call-ID
	unclaimed []traced           // ring
	next      int
	released  []string // ring
	oldest    int
}

type traced struct {
	callID string
	msg    call.SIPMessage
}

func newLadders() *ladders {
	return &ladders{owners: map[string]*ladder{}, unclaimed: make([]traced, 0, unclaimedMax)}
}

// record files one message; cseq is its CSeq value or method.
func (s *ladders) record(callID, cseq string, m call.SIPMessage) {
	s.mu.Lock()
	if l, ok := s.owners[callID]; ok {
		s.mu.Unlock()
		l.add(m)
		l.tell(callID, cseq, m)
		return
	}
	defer s.mu.Unlock()
	if !strings.HasSuffix(cseq, "INVITE") && !strings.HasSuffix(cseq, "ACK") {
		return
	}
	t := traced{callID, m}
	if len(s.unclaimed) < unclaimedMax {
		s.unclaimed = append(s.unclaimed, t)
		return
	}
	s.unclaimed[s.next] = t
	s.next = (s.next + 1) % unclaimedMax
}

// claim makes l the owner of callID and gives it what was traced already.
func (s *ladders) claim(callID string, l *ladder) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.owners[callID]; ok {
		return
	}
	s.owners[callID] = l
	n := len(s.unclaimed)
	for i := range n {
		t := &s.unclaimed[(s.next+i)%n]
		if t.callID == callID && time.Since(t.msg.At) < unclaimedLife {
			l.add(t.msg)
			*t = traced{}
		}
	}
}

// release says that the leg of callID has ended.
func (s *ladders) release(callID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.released) < releasedMax {
		s.released = append(s.released, callID)
		return
	}
	delete(s.owners, s.released[s.oldest])
	s.released[s.oldest] = callID
	s.oldest = (s.oldest + 1) % releasedMax
}

// ladder is the list of one leg's messages, oldest first. It keeps the first
// and the newest: when it is full, the message after the first half goes.
type ladder struct {
	mu       sync.Mutex
	msgs     []call.SIPMessage
	onSettle func(callID string) // see settles; called without the mutex
}

func (l *ladder) add(m call.SIPMessage) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.msgs) < ladderMax {
		l.msgs = append(l.msgs, m)
		return
	}
	const half = ladderMax / 2
	copy(l.msgs[half:], l.msgs[half+1:])
	l.msgs[ladderMax-1] = m
}

// watch has f called for every later message that settles a Call-ID.
func (l *ladder) watch(f func(callID string)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.onSettle = f
}

func (l *ladder) tell(callID, cseq string, m call.SIPMessage) {
	l.mu.Lock()
	f := l.onSettle
	l.mu.Unlock()
	if f != nil && settles(cseq, m) {
		f(callID)
	}
}

// settles reports whether a message is the peer's last word on a call that we
// have hung up: the final response to our BYE, or to the INVITE that we
// cancelled, or the ACK to our refusal.
func settles(cseq string, m call.SIPMessage) bool {
	if m.Sent {
		return false
	}
	status, isResponse := strings.CutPrefix(m.First, "SIP/2.0 ")
	if !isResponse {
		return strings.HasPrefix(m.First, "ACK ")
	}
	return status >= "2" && (strings.HasSuffix(cseq, "BYE") || strings.HasSuffix(cseq, "INVITE"))
}

// messages gives a copy.
func (l *ladder) messages() []call.SIPMessage {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]call.SIPMessage(nil), l.msgs...)
}

// note joins what is worth seeing of a message beside its first line.
func note(first, cseq string, hasSDP bool, reason string) string {
	var parts []string
	if strings.HasPrefix(first, "SIP/2.0 ") && cseq != "" {
		parts = append(parts, cseq)
	}
	if hasSDP {
		parts = append(parts, "SDP")
	}
	if reason != "" {
		parts = append(parts, "Reason: "+reason)
	}
	return strings.Join(parts, ", ")
}
