package extmedia

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/pbx"
)

// audioSocket is frames over TCP: HOST:PORT/UUID[/c(FORMAT)] (Asterisk:
// chan_audiosocket.c).
type audioSocket struct{ technology }

// socketLeg is a channel on an AudioSocket.
type socketLeg struct {
	leg
	host string
	id   uuid.UUID
	s    *stream
	kind byte
}

// Request reads the resource; it connects when it is dialled.
func (t audioSocket) Request(_ context.Context, resource string, o pbx.RequestOptions) (pbx.Leg, error) {
	host, rest, _ := strings.Cut(resource, "/")
	text, options, _ := strings.Cut(rest, "/")
	if err := checkHost(host); err != nil {
		return nil, t.refuse(resource, cause.InvalidNumber, err)
	}
	id, err := uuid.Parse(text)
	if err != nil {
		return nil, t.refuse(resource, cause.InvalidNumber, fmt.Errorf("%w: %w", ErrData, err))
	}
	d, err := parseOptions(options, "slin")
	if err != nil {
		return nil, t.refuse(resource, cause.BearerNotAvail, err)
	}
	if t.m.c.Engine == nil {
		return nil, t.refuse(resource, cause.BearerNotAvail, pbx.ErrNoMedia)
	}
	f := linear(d.format)
	l := &socketLeg{host: host, id: id, kind: audioKind(f)}
	l.s = newStream(f, func([]notice) {}) // nothing is ever told
	l.s.feed.startBuffering()             // messages may be cut anywhere
	l.init(t.m, o, pbx.LegInfo{
		Technology: t.name, Name: host, Endpoint: resource, Codec: f.codec, Peer: "tcp:" + host,
		Channel: t.name + "/" + host + "-" + id.String(), Context: "default",
		Variables: []call.Variable{{Name: "AUDIOSOCKET_UUID", Value: id.String()}, {Name: "AUDIOSOCKET_SERVICE", Value: host}},
	})
	return l, nil
}

// Dial connects in the background.
func (l *socketLeg) Dial(pbx.DialOptions) error {
	if err := l.dial(); err != nil {
		return err
	}
	if !l.m.run(func() { l.end(l.serve()) }) {
		l.end(pbx.ErrStopping)
	}
	return nil
}

// SendDTMFInfo tells the program a digit.
func (l *socketLeg) SendDTMFInfo(digit rune, _ time.Duration) error {
	l.s.say(appendMessage(nil, kindDTMF, []byte(string(digit))))
	return nil
}

// serve is the life of the connection: nil when either side has hung up.
func (l *socketLeg) serve() error {
	ctx, cancel := context.WithTimeout(l.ctx, l.m.connectTime())
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", l.host)
	cancel()
	if err != nil {
		return err
	}
	defer c.Close() //nolint:errcheck // it has served
	if err := send(c, appendMessage(nil, kindUUID, l.id[:])); err != nil {
		return err
	}
	defer l.s.Close() //nolint:errcheck // nothing that could fail
	l.port.SetLeg(l.s, l.s.f.spoken())
	l.s.start(l.m.c.Engine)
	l.answered()
	return l.talk(c)
}

// talk reads and writes until one of them ends.
func (l *socketLeg) talk(c net.Conn) error {
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		err := l.s.write(done, func(b []byte) error { return send(c, b) },
			func(b []byte) error { return send(c, appendMessage(make([]byte, 0, len(b)+3), l.kind, b)) })
		if err != nil {
			l.stop(err)
		}
	})
	unset := context.AfterFunc(l.ctx, func() {
		if _, ours := errors.AsType[hungUp](context.Cause(l.ctx)); ours {
			_ = c.SetWriteDeadline(time.Now().Add(byeTime))     // ends a write that waits, too
			_, _ = c.Write(appendMessage(nil, kindHangup, nil)) // the close says the same
		}
		_ = c.Close() // ends the reader
	})
	err := l.read(bufio.NewReaderSize(c, 4096))
	close(done)
	unset()
	_ = c.Close() // ends the writer
	wg.Wait()
	return l.ending(err)
}

// byeTime is how long the last message may take.
const byeTime = 500 * time.Millisecond

// send writes all of b in time.
func send(c net.Conn, b []byte) error {
	if err := c.SetWriteDeadline(time.Now().Add(writeTime)); err != nil {
		return err
	}
	_, err := c.Write(b)
	return err
}

// read takes the program's messages until it hangs up (nil) or goes (io.EOF).
func (l *socketLeg) read(r *bufio.Reader) error {
	var buf []byte
	for {
		m, b, err := readMessage(r, buf)
		if err != nil {
			return err
		}
		buf = b
		switch m.kind {
		case kindHangup:
			return nil
		case kindUUID: // it knows itself
		case kindDTMF:
			if len(m.payload) == 1 && isDigit(m.payload[0]) {
				l.post(pbx.LegEvent{Kind: pbx.LegDTMF, Digit: rune(m.payload[0])})
			}
		case kindError:
			return fmt.Errorf("the program reports error %x", m.payload)
		default:
			if m.kind != l.kind {
				return errKind(m.kind)
			}
			if err := l.hear(m.payload); err != nil {
				return err
			}
		}
	}
}

// hear queues audio; a program that sends too far ahead waits.
func (l *socketLeg) hear(b []byte) error {
	for l.s.feed.isFull() {
		select {
		case <-l.s.feed.room:
		case <-l.ctx.Done():
			return context.Cause(l.ctx)
		}
	}
	l.s.feed.put(b)
	return nil
}

func isDigit(c byte) bool { return strings.IndexByte("0123456789*#ABCD", c) >= 0 }
