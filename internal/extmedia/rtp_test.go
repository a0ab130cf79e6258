package extmedia_test

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/extmedia"
	"github.com/dialwright/dialwright/internal/media/codec"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/pbx/pbxtest"
)

// udpProgram is a program that speaks RTP.
type udpProgram struct {
	l    *lab
	conn *net.UDPConn
}

func newUDPProgram(l *lab) *udpProgram {
	l.t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { _ = c.Close() })
	deadline, _ := l.in.Deadline()
	_ = c.SetDeadline(deadline)
	return &udpProgram{l, c}
}

func (p *udpProgram) host() string { return p.conn.LocalAddr().String() }

// says sends a tone to the channel until stop is closed.
func (p *udpProgram) says(c *pbx.Channel, hz int, f codec.Codec, pt byte, stop <-chan struct{}) {
	to := localAddr(p.l.t, c)
	pcm := tone(hz, f.SampleRate(), f.SampleRate()/50)
	enc := f.NewEncoder()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for seq := uint16(0); ; seq++ {
		b := []byte{0x80, pt}
		b = binary.BigEndian.AppendUint16(b, seq)
		b = binary.BigEndian.AppendUint32(b, uint32(seq)*uint32(f.ClockRate()/50))
		b = enc.Encode(append(b, 1, 2, 3, 4), pcm)
		if _, err := p.conn.WriteToUDPAddrPort(b, to); err != nil {
			return
		}
		select {
		case <-stop:
			return
		case <-tick.C:
		}
	}
}

// localAddr is where the channel's variables say that it listens.
func localAddr(t *testing.T, c *pbx.Channel) netip.AddrPort {
	host, _ := c.PlainVariable("UNICASTRTP_LOCAL_ADDRESS")
	port, _ := c.PlainVariable("UNICASTRTP_LOCAL_PORT")
	a, err := netip.ParseAddrPort(net.JoinHostPort(host, port))
	if err != nil {
		t.Errorf("variables: %v", err)
	}
	return a
}

// hears waits for a tone in packets of a payload type.
func (p *udpProgram) hears(hz int, f codec.Codec, pt byte) {
	p.l.t.Helper()
	dec := f.NewDecoder()
	ear := newEar([]int{hz})
	buf := make([]byte, 2048)
	var pcm []int16
	for {
		select {
		case <-ear.done:
			return
		default:
		}
		n, err := p.conn.Read(buf)
		if err != nil {
			p.l.t.Fatalf("program hears %v, want %d: %v", ear.last(), hz, err)
		}
		if n < 12 || buf[0] != 0x80 || buf[1]&0x7f != pt {
			p.l.t.Fatalf("packet % x of %d octets, want payload type %d", buf[:min(n, 12)], n, pt)
		}
		pcm = dec.Decode(pcm[:0], buf[12:n])
		ear.WriteFrame(half(pcm, f.SampleRate()), 8000)
	}
}

// half takes audio of 16 kHz to 8 kHz; the tones of these tests are far below 4 kHz.
func half(pcm []int16, rate int) []int16 {
	if rate == 8000 {
		return pcm
	}
	out := make([]int16, 0, len(pcm)/2)
	for i := 0; i+1 < len(pcm); i += 2 {
		out = append(out, pcm[i])
	}
	return out
}

// Both directions in every format.
func TestRTPAudio(t *testing.T) {
	for _, tt := range []struct {
		format, codec string
		pt            byte
	}{
		{"ulaw", "PCMU", 0}, {"ALAW", "PCMA", 8}, {"gsm", "GSM", 3}, {"g722", "G722", 9}, {"slin", "L16", 10}, {"slin16", "L16/16000", 118},
	} {
		t.Run(tt.format, func(t *testing.T) {
			t.Parallel()
			f, _ := codec.Lookup(tt.codec)
			l := newLab(t, extmedia.Config{})
			p := newUDPProgram(l)
			c := l.open(extmedia.Options{ExternalHost: p.host(), Format: tt.format})
			l.until(c, pbx.Up)
			phone := l.with(c)
			p.hears(500, f, tt.pt)
			stop := make(chan struct{})
			defer close(stop)
			go p.says(c, 900, f, tt.pt, stop)
			l.hears(phone, 900)
		})
	}
}

// Audio goes to the given host alone, although another source is heard: that of a
// program that sends from a port of its own. A third source is not heard any more.
func TestRTPSources(t *testing.T) {
	l := newLab(t, extmedia.Config{})
	ulaw, _ := codec.Lookup("PCMU")
	listens, sends, stranger := newUDPProgram(l), newUDPProgram(l), newUDPProgram(l)
	c := l.open(extmedia.Options{ExternalHost: listens.host(), Format: "ulaw"})
	l.until(c, pbx.Up)
	phone := l.with(c)
	stop := make(chan struct{})
	defer close(stop)
	go sends.says(c, 900, ulaw, 0, stop)
	l.hears(phone, 900)
	go stranger.says(c, 1300, ulaw, 0, stop)
	before := l.e.Stats().Foreign
	for l.e.Stats().Foreign < before+20 { // the program reads meanwhile: half a second
		listens.hears(500, ulaw, 0)
	}
	l.hears(phone, 900)
	listens.hears(500, ulaw, 0)
	for _, p := range []*udpProgram{sends, stranger} {
		_ = p.conn.SetReadDeadline(time.Now().Add(-time.Second))
		if n, err := p.conn.Read(make([]byte, 100)); err == nil {
			t.Errorf("%s got %d octets", p.host(), n)
		}
	}
}

// A program that only listens, for four times the RTP timeout.
func TestRTPOnlyListens(t *testing.T) {
	l := newLab(t, extmedia.Config{})
	p := newUDPProgram(l)
	c := l.open(extmedia.Options{ExternalHost: p.host(), Format: "ulaw"})
	l.until(c, pbx.Up)
	l.with(c)
	buf := make([]byte, 2048)
	for range 100 {
		if _, err := p.conn.Read(buf); err != nil {
			t.Fatal(err)
		}
	}
	if c.Context().Err() != nil {
		t.Error("it was taken for dead")
	}
}

// Garbage is counted and nothing else; digits of the program are heard.
func TestRTPGarbage(t *testing.T) {
	l := newLab(t, extmedia.Config{})
	ulaw, _ := codec.Lookup("PCMU")
	p := newUDPProgram(l)
	digits, stopDigits := l.s.Subscribe(pbx.EventFilter{Types: []pbx.EventType{pbx.ChannelDTMF}}, 10)
	defer stopDigits()
	c := l.open(extmedia.Options{ExternalHost: p.host(), Format: "ulaw"})
	l.until(c, pbx.Up)
	phone := l.with(c)
	to := localAddr(t, c)
	for _, b := range [][]byte{{}, {0x80}, []byte(strings.Repeat("x", 2000)), {0x80, 99, 0, 1, 0, 0, 0, 1, 1, 2, 3, 4, 5}} {
		if _, err := p.conn.WriteToUDPAddrPort(b, to); err != nil {
			t.Fatal(err)
		}
	}
	event := []byte{0x80, 101, 0, 1, 0, 0, 0, 1, 1, 2, 3, 4, 5, 0x8a, 0x03, 0x20} // RFC 4733: 5, its end, 100 ms
	if _, err := p.conn.WriteToUDPAddrPort(event, to); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	defer close(stop)
	go p.says(c, 900, ulaw, 0, stop)
	l.hears(phone, 900)
	if e := <-digits; e.Digit != '5' || e.Channel.ID != c.ID() {
		t.Errorf("%+v", e)
	}
	if st := l.e.Stats(); st.Invalid < 3 || st.UnknownPT < 1 {
		t.Errorf("%+v", st)
	}
}

// What it looks like (vector 08b).
func TestRTPEvents(t *testing.T) {
	l := newLab(t, extmedia.Config{})
	p := newUDPProgram(l)
	events, stop := l.s.Subscribe(pbx.EventFilter{Types: []pbx.EventType{pbx.Dial, pbx.ChannelStateChange, pbx.ChannelHandlerStarted, pbx.ChannelHangupRequest, pbx.ChannelDestroyed}}, 100)
	defer stop()
	var created string
	c := l.open(extmedia.Options{
		ID: "EM", ExternalHost: p.host(), Format: "ulaw", Account: "acme", Variables: []call.Variable{{Name: "XV", Value: "1"}},
		Created: func(c *pbx.Channel) { created = c.State().String() },
	})
	l.until(c, pbx.Up)
	sn := c.Snapshot()
	if !strings.HasPrefix(sn.Name, "UnicastRTP/"+p.host()+"-0x") || len(sn.Name) != len("UnicastRTP/"+p.host()+"-0x")+12 || sn.ID != "EM" ||
		sn.Context != "default" || sn.Extension != "s" || sn.Account != "acme" || created != "Down" {
		t.Errorf("%+v, created %s", sn, created)
	}
	if v, _ := c.PlainVariable("XV"); v != "1" {
		t.Errorf("XV = %q", v)
	}
	if a := localAddr(t, c); a.Addr().String() != "127.0.0.1" {
		t.Errorf("local address %s", a)
	}
	c.Hangup(0)
	l.gone(c)
	var got []string
	for len(got) == 0 || !strings.HasPrefix(got[len(got)-1], "ChannelDestroyed") {
		e := <-events
		s := string(e.Type)
		if e.Type == pbx.Dial {
			s += " " + strconv.Quote(e.DialStatus) + " " + e.DialString
		}
		got = append(got, s)
	}
	want := []string{
		`Dial "" ` + p.host() + "/c(ulaw)", "ChannelStateChange", `Dial "ANSWER" ` + p.host() + "/c(ulaw)", "ChannelHandlerStarted",
		"ChannelHangupRequest", "ChannelDestroyed",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("events (-want +got):\n%s", d)
	}
}

func TestRTPConformance(t *testing.T) {
	pbxtest.Run(t, func(t *testing.T) pbxtest.Subject {
		l := newLab(t, extmedia.Config{})
		return pbxtest.Subject{
			Technology: l.m.Technologies()[0], Switch: l.s, Media: true, Answers: newUDPProgram(l).host() + "/c(ulaw)", Unknown: "127.0.0.1/c(ulaw)",
			Left: func() int { return l.e.Stats().Sessions },
		}
	})
}

// What is refused, and how.
func TestOptions(t *testing.T) {
	l := newLab(t, extmedia.Config{Clients: map[string]extmedia.Client{"bot": {URI: "ws://127.0.0.1:1/"}}})
	const host, id = "127.0.0.1:9", "40325ec2-5efd-4bd3-805f-53576e581d13"
	for _, tt := range []struct {
		what string
		o    extmedia.Options
		want error
	}{
		{"no host", extmedia.Options{Format: "ulaw"}, extmedia.ErrHost},
		{"no port", extmedia.Options{Format: "ulaw", ExternalHost: "127.0.0.1"}, extmedia.ErrHost},
		{"port 0", extmedia.Options{Format: "ulaw", ExternalHost: "127.0.0.1:0"}, extmedia.ErrHost},
		{"options in the host", extmedia.Options{Format: "ulaw", ExternalHost: "a/c(gsm):1"}, extmedia.ErrHost},
		{"unknown name", extmedia.Options{Format: "ulaw", ExternalHost: "no.such.host.invalid:9"}, extmedia.ErrHost},
		{"many hosts", extmedia.Options{Format: "ulaw", ExternalHost: "224.0.0.1:9"}, extmedia.ErrHost},
		{"no format", extmedia.Options{ExternalHost: host}, extmedia.ErrFormat},
		{"unknown format", extmedia.Options{ExternalHost: host, Format: "zzz"}, extmedia.ErrFormat},
		{"direction", extmedia.Options{ExternalHost: host, Format: "ulaw", Direction: "in"}, extmedia.ErrDirection},
		{"unknown direction", extmedia.Options{Transport: "websocket", Encapsulation: "none", ExternalHost: "bot", Format: "ulaw", Direction: "up"}, extmedia.ErrDirection},
		{"AudioSocket over UDP", extmedia.Options{ExternalHost: host, Format: "ulaw", Encapsulation: "audiosocket"}, extmedia.ErrTransport},
		{"RTP over TCP", extmedia.Options{ExternalHost: host, Format: "ulaw", Transport: "tcp"}, extmedia.ErrTransport},
		{"RTP over a WebSocket", extmedia.Options{ExternalHost: "bot", Format: "ulaw", Transport: "websocket"}, extmedia.ErrTransport},
		{"server of RTP", extmedia.Options{ExternalHost: host, Format: "ulaw", ConnectionType: "server"}, extmedia.ErrConnection},
		{"connection type", extmedia.Options{ExternalHost: host, Format: "ulaw", ConnectionType: "x"}, extmedia.ErrConnection},
		{"no UUID", extmedia.Options{ExternalHost: host, Format: "slin", Encapsulation: "audiosocket", Transport: "tcp"}, extmedia.ErrData},
		{"AudioSocket without port", extmedia.Options{ExternalHost: "x", Format: "slin", Encapsulation: "audiosocket", Transport: "tcp", Data: id}, extmedia.ErrHost},
		{"unknown client", extmedia.Options{ExternalHost: "nobody", Format: "slin", Encapsulation: "none", Transport: "websocket"}, extmedia.ErrClient},
		{"http address", extmedia.Options{ExternalHost: "http://x/", Format: "slin", Encapsulation: "none", Transport: "websocket"}, extmedia.ErrClient},
	} {
		c, err := l.m.Open(l.in, tt.o)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.what, err, tt.want)
		}
		if c != nil {
			t.Errorf("%s: a channel", tt.what)
		}
	}
	for _, bad := range []string{"q(x)", "n(", "v(a b)"} {
		o := extmedia.Options{ExternalHost: "bot", Format: "slin", Encapsulation: "none", Transport: "websocket", TransportData: bad}
		if _, err := l.m.Open(l.in, o); err == nil {
			t.Errorf("transport data %s is taken", bad)
		}
	}
	l.m.SetClients(nil)
	if _, err := l.m.Open(l.in, extmedia.Options{ExternalHost: "bot", Format: "slin", Encapsulation: "none", Transport: "websocket"}); !errors.Is(err, extmedia.ErrClient) {
		t.Errorf("a client that was taken away: %v", err)
	}
	if n := l.s.Stats().Channels; n != 0 {
		t.Errorf("%d channels", n)
	}
}
