package apps_test

import (
	"context"
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	sipmsg "github.com/emiago/sipgo/sip"

	"github.com/dialwright/dialwright/internal/sip"
	"github.com/dialwright/dialwright/internal/sip/siptest"
)

// scriptedPhones are the {phone:STEPS} of the vectors: one SIP peer, on a
// network in memory, that does for each call what the user part of its URI says:
// "ring-w0.3-ans-w0.5-bye".
type scriptedPhones struct {
	t    *testing.T
	tech *sip.Technology
	conn net.PacketConn
	done sync.WaitGroup

	mu    sync.Mutex // guards calls
	calls map[string]*phoneCall
}

// phoneCall is one call to a phone, by its Call-ID.
type phoneCall struct {
	invite *sipmsg.Request
	from   net.Addr
	ended  chan struct{} // CANCEL or BYE has come
	once   sync.Once
	final  bool // a final response was sent; guarded by scriptedPhones.mu
}

const phonesAt, serverAt = "10.0.0.2:5060", "10.0.0.1:5060"

// startPhones gives the office a SIP technology whose only trunk leads to the phones.
func startPhones(t *testing.T, o *office, wire *siptest.Net) *scriptedPhones {
	t.Helper()
	p := &scriptedPhones{t: t, calls: map[string]*phoneCall{}}
	var err error
	if p.conn, err = wire.ListenPacket("udp", phonesAt); err != nil {
		t.Fatal(err)
	}
	p.tech, err = sip.New(sip.Config{
		Domain: "pbx.test", Listen: []sip.Listener{{Transport: "udp", Addr: serverAt}},
		Trunks: []sip.Trunk{{Name: "phone", Host: "10.0.0.2", Port: 5060, Transport: "udp", Qualify: -1}},
	}, o.eng, o.sw, sip.Options{PacketConn: wire.ListenPacket})
	if err != nil {
		t.Fatal(err)
	}
	o.sw.Register(p.tech)
	if err := p.tech.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.done.Go(p.listen)
	return p
}

func (p *scriptedPhones) stop(ctx context.Context) {
	if err := p.tech.Stop(ctx); err != nil {
		p.t.Error(err)
	}
	_ = p.conn.Close()
	p.mu.Lock()
	for _, c := range p.calls {
		c.end()
	}
	p.mu.Unlock()
	p.done.Wait()
}

func (c *phoneCall) end() { c.once.Do(func() { close(c.ended) }) }

var phonePlaceholder = regexp.MustCompile(`\{phone:([^}]*)\}`)

// fillPhones replaces {phone:STEPS} by dial strings.
func fillPhones(text string) string { return phonePlaceholder.ReplaceAllString(text, "PJSIP/$1@phone") }

// listen takes what the server sends.
func (p *scriptedPhones) listen() {
	buf := make([]byte, 65536)
	for {
		n, from, err := p.conn.ReadFrom(buf)
		if err != nil {
			return
		}
		m, err := sipmsg.NewParser().ParseSIP(buf[:n])
		if err != nil {
			p.t.Errorf("phone received what it cannot parse: %v", err)
			continue
		}
		if r, ok := m.(*sipmsg.Request); ok {
			p.request(r, from)
		}
	}
}

func (p *scriptedPhones) request(r *sipmsg.Request, from net.Addr) {
	id := r.CallID().Value()
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.calls[id]
	switch {
	case r.Method == sipmsg.INVITE && c == nil:
		c = &phoneCall{invite: r, from: from, ended: make(chan struct{})}
		p.calls[id] = c
		p.done.Go(func() { p.play(c, strings.Split(r.Recipient.User, "-")) })
	case r.Method == sipmsg.CANCEL && c != nil:
		p.send(from, siptest.Answer(r, 200, "OK", "phone"))
		if !c.final {
			c.final = true
			p.send(from, siptest.Answer(c.invite, 487, "Request Terminated", "phone"))
		}
		c.end()
	case r.Method == sipmsg.BYE && c != nil:
		p.send(from, siptest.Answer(r, 200, "OK", "phone"))
		c.end()
	case r.Method == sipmsg.OPTIONS:
		p.send(from, siptest.Answer(r, 200, "OK", "phone"))
	}
}

func (p *scriptedPhones) send(to net.Addr, m sipmsg.Message) {
	if _, err := p.conn.WriteTo([]byte(m.String()), to); err != nil {
		p.t.Error(err)
	}
}

// answer sends a response to the INVITE, unless a final one was sent.
func (p *scriptedPhones) answer(c *phoneCall, status int, reason string, change func(*sipmsg.Response)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.final {
		return
	}
	c.final = status >= 200
	res := siptest.Answer(c.invite, status, reason, "phone")
	if change != nil {
		change(res)
	}
	p.send(c.from, res)
}

// withMedia gives a response the phone's session description.
func withMedia(res *sipmsg.Response) {
	res.AppendHeader(sipmsg.NewHeader("Contact", "<sip:phone@"+phonesAt+">"))
	res.AppendHeader(sipmsg.NewHeader("Content-Type", "application/sdp"))
	res.SetBody([]byte("v=0\r\no=- 1 1 IN IP4 10.0.0.2\r\ns=-\r\nc=IN IP4 10.0.0.2\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n"))
}

// play does the steps of one call.
func (p *scriptedPhones) play(c *phoneCall, steps []string) {
	p.answer(c, 100, "Trying", nil)
	for _, s := range steps {
		switch {
		case s == "ring":
			p.answer(c, 180, "Ringing", nil)
		case s == "prog":
			p.answer(c, 183, "Session Progress", withMedia)
		case s == "ans":
			p.answer(c, 200, "OK", withMedia)
		case s == "bye":
			p.bye(c)
			return
		case s == "dead":
		case s[0] == 'w':
			secs, err := strconv.ParseFloat(s[1:], 64)
			if err != nil {
				p.t.Errorf("phone: step %q: %v", s, err)
			}
			select {
			case <-time.After(time.Duration(secs * float64(time.Second))):
			case <-c.ended:
				return
			}
		case s[0] == 'r':
			status, err := strconv.Atoi(s[1:])
			if err != nil {
				p.t.Errorf("phone: step %q: %v", s, err)
			}
			p.answer(c, status, "Scripted", func(res *sipmsg.Response) {
				if status < 400 {
					res.AppendHeader(sipmsg.NewHeader("Contact", "<sip:elsewhere@"+phonesAt+">"))
				}
			})
		default:
			p.t.Errorf("phone: unknown step %q", s)
		}
	}
	<-c.ended
}

// bye ends an answered call from the phone's side.
func (p *scriptedPhones) bye(c *phoneCall) {
	r := sipmsg.NewRequest(sipmsg.BYE, c.invite.Contact().Address)
	to := c.invite.To().Value() + ";tag=phone"
	for _, h := range [][2]string{
		{"Via", "SIP/2.0/UDP " + phonesAt + ";branch=z9hG4bKbye" + c.invite.CallID().Value()},
		{"From", to}, {"To", c.invite.From().Value()}, {"Call-ID", c.invite.CallID().Value()}, {"CSeq", "1 BYE"}, {"Max-Forwards", "70"},
	} {
		r.AppendHeader(sipmsg.NewHeader(h[0], h[1]))
	}
	r.SetBody(nil)
	p.send(net.UDPAddrFromAddrPort(netip.MustParseAddrPort(serverAt)), r)
}
