package webrtc

import (
	"crypto/rand"
	"net/netip"
	"strings"
	"time"

	"github.com/pion/stun/v4"
)

// The lengths of our credentials: 48 and 144 bits (RFC 8445 §5.3 wants 24 and 128).
const (
	ufragLen = 8
	pwdLen   = 24
)

// maxSources are the addresses that one leg may have proved: each of a
// browser's networks towards each of our addresses, and a change of network.
const maxSources = 16

// reader is what the reading goroutine keeps between datagrams.
type reader struct{ in, out stun.Message }

// iceText makes n random ice-chars (RFC 8839 §5.4).
func iceText(n int) string {
	const chars = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	b := make([]byte, n)
	rand.Read(b) // never fails (crypto/rand)
	for i := range b {
		b[i] = chars[b[i]&63]
	}
	return string(b)
}

// check answers a connectivity check (RFC 8445 §7.3). Whoever does not know the
// password of a live leg gets no answer: RFC 8489 §9.1.3 asks for an error, which
// would tell strangers what is here and send datagrams to where they point.
func (s *Server) check(r *reader, b []byte, from netip.AddrPort) {
	r.in.Raw = append(r.in.Raw[:0], b...)
	if err := r.in.Decode(); err != nil || r.in.Type.Method != stun.MethodBinding {
		s.counts.strangers.Add(1)
		return
	}
	if r.in.Type.Class != stun.ClassRequest {
		return // an indication keeps a NAT open; answers we did not ask for
	}
	a, ok := s.agentOf(&r.in)
	if !ok || stun.MessageIntegrity(a.pwd).Check(&r.in) != nil || stun.Fingerprint.Check(&r.in) != nil {
		s.counts.refusedChecks.Add(1)
		return
	}
	setters := []stun.Setter{&r.in, stun.BindingSuccess, &stun.XORMappedAddress{IP: from.Addr().AsSlice(), Port: int(from.Port())}}
	conflict := r.in.Contains(stun.AttrICEControlled)
	if conflict { // a lite agent is controlled, always (RFC 8445 §6.1.1, §7.3.1.1)
		setters = []stun.Setter{&r.in, stun.BindingError, stun.CodeRoleConflict}
	}
	r.out.Reset()
	if err := r.out.Build(append(setters, stun.MessageIntegrity(a.pwd), stun.Fingerprint)...); err != nil {
		s.log.Debug("connectivity check not answered", "leg", a.conn.id, "err", err)
		return
	}
	if !conflict && !a.conn.checked(from, r.in.Contains(stun.AttrUseCandidate)) {
		return
	}
	_, _ = s.sock.WriteToUDPAddrPort(r.out.Raw, from) // checks are repeated
}

// agentOf finds whom a check is for: its user name is ours, a colon, the
// browser's (RFC 8445 §7.2.2).
func (s *Server) agentOf(m *stun.Message) (agent, bool) {
	name, err := m.Get(stun.AttrUsername)
	if err != nil {
		return agent{}, false
	}
	ours, _, ok := strings.Cut(string(name), ":")
	s.mu.RLock()
	defer s.mu.RUnlock()
	a, known := s.agents[ours]
	return a, ok && known
}

// checked notes that the browser has proved to be at from, and whether it has
// nominated that way. It gives false when the leg is gone or has enough
// addresses.
func (c *Conn) checked(from netip.AddrPort, nominated bool) bool {
	c.seen.Store(time.Now().UnixNano())
	way := c.way.Load()
	if way != nil && way.to == from && (way.nominated || !nominated) && c.s.owns(from, c) {
		return true // the usual case: the same way again
	}
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, open := s.conns[c]; !open {
		return false
	}
	if s.sources[from] != c {
		if len(c.sources) >= maxSources && !c.forgetSource() {
			return false
		}
		if other := s.sources[from]; other != nil { // a port that a NAT or the machine gave to somebody else
			delete(other.sources, from)
		}
		s.sources[from] = c
		c.sources[from] = struct{}{}
	}
	if way == nil || nominated || !way.nominated {
		c.way.Store(&path{to: from, nominated: nominated || way != nil && way.nominated && way.to == from})
	}
	c.reach()
	return true
}

// owns says whether from is known as c's.
func (s *Server) owns(from netip.AddrPort, c *Conn) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.sources[from] == c
}

// forgetSource makes room for another address. The server's mutex is held.
func (c *Conn) forgetSource() bool {
	way := c.way.Load()
	for a := range c.sources {
		if way == nil || a != way.to {
			delete(c.sources, a)
			delete(c.s.sources, a)
			return true
		}
	}
	return false
}

// addAgent makes credentials for c. The server's mutex is held.
func (s *Server) addAgent(c *Conn) (ufrag, pwd string) {
	for {
		ufrag, pwd = iceText(ufragLen), iceText(pwdLen)
		if _, taken := s.agents[ufrag]; !taken {
			s.agents[ufrag] = agent{c, pwd}
			c.ufrags = append(c.ufrags, ufrag)
			return ufrag, pwd
		}
	}
}
