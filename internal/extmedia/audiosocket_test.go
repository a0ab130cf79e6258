package extmedia_test

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/extmedia"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/pbx/pbxtest"
)

const streamID = "40325ec2-5efd-4bd3-805f-53576e581d13"

// tcpServer is a program that listens for AudioSockets. serve has each connection;
// nil = it is only accepted.
func tcpServer(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				serve(c)
			}()
		}
	}()
	t.Cleanup(func() { _ = ln.Close(); <-done })
	return ln.Addr().String()
}

// program is one connection of a program.
type program struct {
	l *lab
	net.Conn
	r *bufio.Reader
}

// connected opens an AudioSocket channel and gives both its ends.
func connected(l *lab, format string) (*pbx.Channel, *program) {
	l.t.Helper()
	conns := make(chan net.Conn, 1)
	over := make(chan struct{})
	l.t.Cleanup(func() { close(over) })
	host := tcpServer(l.t, func(c net.Conn) { conns <- c; <-over })
	c := l.open(extmedia.Options{
		ExternalHost: host, Encapsulation: "audiosocket", Transport: "tcp", Format: format, Data: streamID,
	})
	p := &program{l: l, Conn: <-conns}
	p.r = bufio.NewReader(p)
	deadline, _ := l.in.Deadline()
	_ = p.SetDeadline(deadline)
	l.until(c, pbx.Up)
	if want := "AudioSocket/" + host + "-" + streamID; c.Name() != want {
		l.t.Errorf("name %s, want %s", c.Name(), want)
	}
	if v, _ := c.PlainVariable("AUDIOSOCKET_UUID"); v != streamID {
		l.t.Errorf("AUDIOSOCKET_UUID = %s", v)
	}
	if kind, b := p.next(); kind != 1 || hex.EncodeToString(b) != strings.ReplaceAll(streamID, "-", "") {
		l.t.Errorf("first message %02x % x", kind, b)
	}
	return c, p
}

// next reads one message.
func (p *program) next() (kind byte, payload []byte) {
	p.l.t.Helper()
	head := make([]byte, 3)
	if _, err := io.ReadFull(p.r, head); err != nil {
		p.l.t.Fatalf("program reads: %v", err)
	}
	payload = make([]byte, binary.BigEndian.Uint16(head[1:]))
	if _, err := io.ReadFull(p.r, payload); err != nil {
		p.l.t.Fatalf("program reads: %v", err)
	}
	return head[0], payload
}

// send writes one message.
func (p *program) send(kind byte, payload []byte) {
	p.l.t.Helper()
	b := append([]byte{kind, byte(len(payload) >> 8), byte(len(payload))}, payload...)
	if _, err := p.Write(b); err != nil {
		p.l.t.Errorf("program writes: %v", err)
	}
}

// hears waits for a tone.
func (p *program) hears(hz int, kind byte, rate int) {
	p.l.t.Helper()
	ear := newEar([]int{hz})
	for {
		select {
		case <-ear.done:
			return
		default:
		}
		k, b := p.next()
		if k != kind || len(b) != rate/50*2 {
			p.l.t.Fatalf("message of kind %02x with %d octets", k, len(b))
		}
		ear.WriteFrame(half(samples(b), rate), 8000)
	}
}

// samples and octets are linear audio as programs have it.
func samples(b []byte) []int16 {
	pcm := make([]int16, len(b)/2)
	for i := range pcm {
		pcm[i] = int16(binary.LittleEndian.Uint16(b[2*i:]))
	}
	return pcm
}

func octets(pcm []int16) []byte {
	b := make([]byte, 0, 2*len(pcm))
	for _, s := range pcm {
		b = binary.LittleEndian.AppendUint16(b, uint16(s))
	}
	return b
}

// Both directions; the program sends a second at once, cut anywhere.
func TestAudioSocketAudio(t *testing.T) {
	for _, tt := range []struct {
		format string
		kind   byte
		rate   int
	}{{"slin", 0x10, 8000}, {"ulaw", 0x10, 8000}, {"slin16", 0x12, 16000}, {"g722", 0x12, 16000}} {
		t.Run(tt.format, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, extmedia.Config{})
			c, p := connected(l, tt.format)
			phone := l.with(c)
			p.hears(500, tt.kind, tt.rate)
			b := octets(tone(900, tt.rate, tt.rate))
			for part := range slices.Chunk(b, 998) {
				p.send(tt.kind, part)
			}
			l.hears(phone, 900)
			l.hears(phone) // it is over: silence
		})
	}
}

// Digits in both directions, our hangup, and the program's in three ways.
func TestAudioSocketEnds(t *testing.T) {
	digits := func(l *lab) (<-chan pbx.Event, func()) {
		return l.s.Subscribe(pbx.EventFilter{Types: []pbx.EventType{pbx.ChannelDTMF}}, 10)
	}
	for _, tt := range []struct {
		what   string
		do     func(l *lab, c *pbx.Channel, p *program)
		cause  int
		byPeer bool
	}{
		{"we hang up", func(l *lab, c *pbx.Channel, p *program) {
			c.Hangup(17)
			for {
				if kind, b := p.next(); kind == 0 {
					if len(b) != 0 {
						l.t.Errorf("hangup with % x", b)
					}
					return
				}
			}
		}, 17, false},
		{"digits", func(l *lab, c *pbx.Channel, p *program) {
			events, stop := digits(l)
			defer stop()
			if err := c.SendDTMF("7", pbx.DTMFOptions{}); err != nil {
				l.t.Error(err)
			}
			for {
				if kind, b := p.next(); kind == 3 {
					if string(b) != "7" {
						l.t.Errorf("digit %q", b)
					}
					break
				}
			}
			p.send(3, []byte("?"))
			p.send(3, []byte("#"))
			if e := <-events; e.Digit != '#' {
				l.t.Errorf("%+v", e)
			}
			p.send(0, nil)
		}, 16, true},
		{"it closes", func(_ *lab, _ *pbx.Channel, p *program) { _ = p.Close() }, 16, true},
		{"it closes in a message", func(_ *lab, _ *pbx.Channel, p *program) {
			_, _ = p.Write([]byte{0x10, 1})
			_ = p.Close()
		}, 27, true},
		{"it reports an error", func(_ *lab, _ *pbx.Channel, p *program) { p.send(0xff, []byte{4}) }, 27, true},
		{"garbage", func(_ *lab, _ *pbx.Channel, p *program) {
			_, _ = p.Write([]byte("GET / HTTP/1.1\r\n\r\n" + strings.Repeat("x", 70000)))
		}, 27, true},
		{"another rate", func(_ *lab, _ *pbx.Channel, p *program) { p.send(0x12, make([]byte, 640)) }, 27, true},
	} {
		t.Run(tt.what, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, extmedia.Config{})
			c, p := connected(l, "slin")
			tt.do(l, c, p)
			if r := l.gone(c); int(r.Cause) != tt.cause || r.ByPeer != tt.byPeer {
				t.Errorf("%+v", r)
			}
		})
	}
}

// A program that does not read loses audio and at last its connection; one that sends
// more than can wait is not read from.
func TestAudioSocketBounds(t *testing.T) {
	t.Run("it does not read", func(t *testing.T) {
		t.Parallel()
		l := newLab(t, extmedia.Config{})
		c, p := connected(l, "slin")
		_ = p.Conn.(*net.TCPConn).SetReadBuffer(1)
		// Words are not dropped: they fill the buffers of the connection and then ours.
		for c.Context().Err() == nil {
			if l.in.Err() != nil {
				t.Fatal("the connection holds")
			}
			_ = c.Leg().SendDTMFInfo('1', 0)
		}
		if r := l.gone(c); r.Cause != 27 || !r.ByPeer || !strings.Contains(r.Peer, "does not read") && !strings.Contains(r.Peer, "timeout") {
			t.Errorf("%+v", r)
		}
	})
	t.Run("it sends too much", func(t *testing.T) {
		t.Parallel()
		l := newLab(t, extmedia.Config{})
		c, p := connected(l, "slin")
		_ = p.SetWriteDeadline(time.Now().Add(500 * time.Millisecond))
		sent := 0
		for message := append([]byte{0x10, 0xff, 0x00}, make([]byte, 0xff00)...); ; {
			n, err := p.Write(message)
			sent += n
			if err != nil {
				break
			}
		}
		if sent < 1000*320 || sent > 64<<20 {
			t.Errorf("%d octets were taken", sent)
		}
		c.Hangup(0) // although its reader waits
		l.gone(c)
	})
}

// A program that is not there is a failure of the channel.
func TestAudioSocketUnreachable(t *testing.T) {
	l := newLab(t, extmedia.Config{})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host := ln.Addr().String()
	_ = ln.Close()
	c := l.open(extmedia.Options{ExternalHost: host, Encapsulation: "audiosocket", Transport: "tcp", Format: "slin", Data: streamID})
	if r := l.gone(c); r.Failure == nil || r.Cause != 27 || !r.AnsweredAt.IsZero() {
		t.Errorf("%+v", r)
	}
}

func TestAudioSocketConformance(t *testing.T) {
	pbxtest.Run(t, func(t *testing.T) pbxtest.Subject {
		l := newLab(t, extmedia.Config{})
		answers := tcpServer(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
		hangsUp := tcpServer(t, func(c net.Conn) { _, _ = io.ReadFull(c, make([]byte, 19)) })
		return pbxtest.Subject{
			Technology: l.m.Technologies()[1], Switch: l.s, Media: true, Unknown: answers + "/no-uuid",
			Answers: answers + "/" + streamID, HangsUp: hangsUp + "/" + streamID + "/c(slin16)",
		}
	})
}
