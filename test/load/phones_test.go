package load

import (
	"bytes"
	"fmt"
	"maps"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// phones plays any number of phones behind one trunk: it answers each INVITE,
// hangs up after a while, and counts what it saw. It is written on bare
// datagrams and shares no code with the server, so that its counts are
// evidence. One goroutine reads; timers hang up.
type phones struct {
	t        *testing.T
	conn     *net.UDPConn
	port     int
	ring     time.Duration // between 180 and 200
	talk     time.Duration // between ACK and BYE; 0 = the server hangs up
	stays    string        // numbers with this prefix do not hang up; "" = all do
	mu       sync.Mutex    // guards what follows
	calls    map[string]*phoneCall
	live     int                  // calls that are ringing or up now
	high     int                  // most of them at once
	dialled  map[string]int       // number → different Call-IDs seen
	first    map[string]time.Time // number → its first INVITE
	invites  int                  // different INVITEs
	started  []time.Time          // when each was first seen
	answered int
}

type phoneCall struct {
	number string
	peer   *net.UDPAddr
	from   string // of the INVITE
	to     string // with our tag
	target string // the server's Contact
	up     bool
	over   bool
	last   []byte // last final response to the INVITE, for repeats
	bye    *time.Timer
}

func startPhones(t *testing.T, ring, talk time.Duration) *phones {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	conn.SetReadBuffer(8 << 20)
	p := &phones{
		t: t, conn: conn, port: conn.LocalAddr().(*net.UDPAddr).Port, ring: ring, talk: talk,
		calls: map[string]*phoneCall{}, dialled: map[string]int{}, first: map[string]time.Time{},
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for buf := make([]byte, 65536); ; {
			n, peer, err := conn.ReadFromUDP(buf)
			if err != nil {
				return
			}
			p.handle(string(buf[:n]), peer)
		}
	}()
	t.Cleanup(func() { conn.Close(); <-done })
	return p
}

// header gives the first value of a header line.
func header(m, name string) string {
	for line := range strings.SplitSeq(m, "\r\n") {
		if line == "" {
			break
		}
		if k, v, ok := strings.Cut(line, ":"); ok && strings.EqualFold(strings.TrimSpace(k), name) {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

func (p *phones) handle(m string, peer *net.UDPAddr) {
	method, rest, _ := strings.Cut(m, " ")
	id := header(m, "Call-ID")
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.calls[id]
	switch {
	case method == "INVITE" && c == nil:
		uri, _, _ := strings.Cut(rest, " ")
		number, _, _ := strings.Cut(strings.TrimPrefix(uri, "sip:"), "@")
		contact := header(m, "Contact")
		target := strings.Trim(contact[strings.Index(contact, "<")+1:strings.Index(contact, ">")], " ")
		c = &phoneCall{number: number, peer: peer, from: header(m, "From"), to: header(m, "To") + ";tag=t" + number, target: target}
		p.calls[id] = c
		p.dialled[number]++
		if p.dialled[number] == 1 {
			p.first[number] = time.Now()
		}
		p.invites++
		p.started = append(p.started, time.Now())
		p.live++
		p.high = max(p.high, p.live)
		p.send(c, response(m, c.to, 180, "Ringing", ""))
		if p.ring == 0 {
			p.answer(c, m)
			return
		}
		time.AfterFunc(p.ring, func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.answer(c, m)
		})
	case method == "INVITE":
		if c.last != nil {
			p.conn.WriteToUDP(c.last, peer)
		}
	case method == "ACK":
		if c != nil && c.up && c.bye == nil && p.talk > 0 && (p.stays == "" || !strings.HasPrefix(c.number, p.stays)) {
			c.bye = time.AfterFunc(p.talk, func() { p.hangUp(id, c, 0) })
		}
	case method == "BYE" || method == "CANCEL":
		if c == nil {
			p.conn.WriteToUDP(response(m, header(m, "To"), 481, "Call Does Not Exist", ""), peer)
			return
		}
		p.conn.WriteToUDP(response(m, c.to, 200, "OK", ""), peer)
		if method == "CANCEL" && !c.up && !c.over {
			c.last = []byte(strings.Replace(string(response(m, c.to, 487, "Request Terminated", "")), " CANCEL\r\n", " INVITE\r\n", 1))
			p.conn.WriteToUDP(c.last, peer)
		}
		if method == "BYE" || !c.up {
			p.end(c)
		}
	case strings.HasPrefix(method, "SIP/2.0") && strings.HasSuffix(header(m, "CSeq"), "BYE"):
		if c != nil {
			p.end(c)
		}
	case method == "OPTIONS":
		p.conn.WriteToUDP(response(m, header(m, "To")+";tag=o", 200, "OK", ""), peer)
	}
}

const sdp = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"

func response(request, to string, status int, reason, body string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "SIP/2.0 %d %s\r\n", status, reason)
	for line := range strings.SplitSeq(request, "\r\n") {
		if line == "" {
			break
		}
		switch name, _, _ := strings.Cut(line, ":"); strings.ToLower(strings.TrimSpace(name)) {
		case "via", "from", "call-id", "cseq", "record-route":
			b.WriteString(line + "\r\n")
		}
	}
	fmt.Fprintf(&b, "To: %s\r\nContact: <sip:phones@127.0.0.1>\r\n", to)
	if body != "" {
		b.WriteString("Content-Type: application/sdp\r\n")
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(body), body)
	return b.Bytes()
}

func (p *phones) send(c *phoneCall, b []byte) { p.conn.WriteToUDP(b, c.peer) }

func (p *phones) answer(c *phoneCall, invite string) {
	if c.over {
		return
	}
	c.up = true
	p.answered++
	c.last = bytes.Replace(response(invite, c.to, 200, "OK", sdp), []byte("<sip:phones@127.0.0.1>"), fmt.Appendf(nil, "<sip:phones@127.0.0.1:%d>", p.port), 1)
	p.send(c, c.last)
}

// hangUp sends BYE, and again until it is answered (RFC 3261 timer E), giving
// up after ten times: the server may have been killed.
func (p *phones) hangUp(id string, c *phoneCall, try int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.over {
		return
	}
	if try == 10 {
		p.end(c)
		return
	}
	fmt.Fprintf(udpWriter{p.conn, c.peer}, "BYE %s SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:%d;branch=z9hG4bKb%s;rport\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: 1 BYE\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
		c.target, p.port, c.number, c.to, c.from, id)
	c.bye = time.AfterFunc(500*time.Millisecond, func() { p.hangUp(id, c, try+1) })
}

type udpWriter struct {
	conn *net.UDPConn
	to   *net.UDPAddr
}

func (w udpWriter) Write(b []byte) (int, error) { return w.conn.WriteToUDP(b, w.to) }

func (p *phones) end(c *phoneCall) {
	if c.over {
		return
	}
	c.over = true
	p.live--
	if c.bye != nil {
		c.bye.Stop()
	}
}

// forgetLive ends what the phones believe is up: the server was killed.
func (p *phones) forgetLive() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.calls {
		p.end(c)
	}
}

type counts struct {
	high, invites, answered, numbers int
	most                             int // times that one number was rung
	busiest                          int // INVITEs in the busiest second
}

func (p *phones) counts() counts {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := counts{high: p.high, invites: p.invites, answered: p.answered, numbers: len(p.dialled)}
	for _, n := range p.dialled {
		c.most = max(c.most, n)
	}
	for i, j := 0, 0; i < len(p.started); i++ {
		for p.started[i].Sub(p.started[j]) >= time.Second {
			j++
		}
		c.busiest = max(c.busiest, i-j+1)
	}
	return c
}

// rung gives how often each number was called.
func (p *phones) rung() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := make(map[string]int, len(p.dialled))
	for k, v := range p.dialled {
		m[k] = v
	}
	return m
}

// firstSeen gives when each number was first called.
func (p *phones) firstSeen() map[string]time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.first)
}
