package ami

import (
	"cmp"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	wire "github.com/dialwright/dialwright/internal/wire/ami"
)

// session is a connection. One goroutine reads packets, and waits with each until it is
// its turn; another carries them out and writes. So an action that takes its time holds
// back the next one, and events too (spec: ami 1, rule 9).
type session struct {
	client
	raw     net.Conn // closing it ends everything
	conn    net.Conn // what is spoken on; with TLS it wraps raw
	packets chan input
	next    *input // taken from packets already, and not yet carried out
	done    chan struct{}
	once    sync.Once
	slow    sync.Once   // of dropped
	acting  atomic.Bool // an action is carried out
	buf     []byte
	taken   []record
}

// input is a packet, or what is wrong with it.
type input struct {
	packet wire.Packet
	err    error
	end    bool // nothing comes any more
}

const (
	batchBytes = 64 << 10 // of events, written together
	keptBuffer = 64 << 10
)

func newSession(s *Server, conn net.Conn, secure bool) *session {
	t := &session{
		client:  client{s: s, remote: conn.RemoteAddr().String(), since: time.Now()},
		raw:     conn,
		conn:    conn,
		packets: make(chan input), done: make(chan struct{}),
	}
	t.session, t.cut = t, t.close
	t.reader = s.journal.read(0, t.behind)
	if secure {
		t.conn = tls.Server(conn, s.cert.config())
	}
	return t
}

// close ends the connection at once.
func (t *session) close() {
	t.once.Do(func() {
		close(t.done)
		_ = t.raw.Close() // whoever reads or writes notices
	})
}

// run serves the connection until it ends.
func (t *session) run() {
	defer t.close()
	within := cmp.Or(t.s.o.Config().AuthTimeout, defaultAuthTimeout)
	limit := time.NewTimer(within)
	defer limit.Stop()
	greeted := t.greet(within)
	if greeted {
		t.s.work.Go(t.read)
		t.serve(limit)
	}
	t.reader.close()
	t.s.leave(t) // before it is closed: who sees that sees that it is counted no more
	if greeted {
		t.linger()
	}
	if u := t.user.Load(); u != nil && !u.HideConnects {
		t.s.log.Info("logged off", "door", "ami", "user", u.Name, "remote", t.remote)
	}
}

// greet shakes hands and sends the banner, in one write (spec: ami 1, rule 2).
func (t *session) greet(within time.Duration) bool {
	_ = t.conn.SetDeadline(time.Now().Add(within)) // a connection that is gone fails below
	if x, ok := t.conn.(*tls.Conn); ok {
		if err := x.HandshakeContext(t.s.base); err != nil {
			t.s.log.Info("TLS handshake failed", "door", "ami", "remote", t.remote, "err", err)
			return false
		}
	}
	_, err := t.conn.Write([]byte("Asterisk Call Manager/" + t.s.version + "\r\n"))
	_ = t.conn.SetDeadline(time.Time{})
	return err == nil
}

// read hands over packets, one at a time. The end of what the client sends is handed over
// as well: what it has asked for before is still answered (spec: ami 1, rule 13).
func (t *session) read() {
	r := wire.NewReader(t.conn)
	for {
		p, err := r.Read()
		_, refused := errors.AsType[wire.Refusal](err)
		in := input{packet: p, err: err, end: err != nil && !refused}
		select {
		case t.packets <- in:
		case <-t.done:
			return
		}
		if in.end {
			return
		}
	}
}

// serve takes packets and events in turn.
func (t *session) serve(limit *time.Timer) {
	for {
		if in := t.next; in != nil {
			t.next = nil
			if !t.handle(*in, limit) {
				return
			}
			continue
		}
		select {
		case in := <-t.packets:
			if !t.handle(in, limit) {
				return
			}
		case <-t.reader.bell:
			if !t.tell() {
				return
			}
		case <-limit.C:
			if t.user.Load() == nil { // silently (spec: ami 1, rule 12)
				t.s.log.Info("not logged in in time, connection closed", "door", "ami", "remote", t.remote)
				return
			}
		case <-t.s.quit:
			t.tellRest()
			return
		case <-t.done:
			return
		}
	}
}

// lingerTime is how long a connection is still read after we have said the last word.
const lingerTime = 250 * time.Millisecond

// linger closes our sending side, and reads what the client has sent behind its last
// action, until it closes too: closing at once would throw away an answer that it has not
// read yet, since the kernel then resets the connection.
func (t *session) linger() {
	_ = t.conn.SetWriteDeadline(time.Now().Add(lingerTime)) // for what TLS says at the end; a connection that is gone fails below
	for _, c := range []net.Conn{t.conn, t.raw} {
		half, ok := c.(interface{ CloseWrite() error })
		if !ok || half.CloseWrite() != nil {
			return
		}
	}
	limit := time.NewTimer(lingerTime)
	defer limit.Stop()
	for {
		select {
		case in := <-t.packets:
			if in.end {
				return
			}
		case <-limit.C:
			return
		case <-t.s.base.Done():
			return
		case <-t.done:
			return
		}
	}
}

// handle carries out one packet and writes the answer. It says whether to go on.
func (t *session) handle(in input, limit *time.Timer) bool {
	if in.end {
		return false
	}
	q := &request{s: t.s, client: &t.client, remote: t.remote, packet: in.packet, id: in.packet.ActionID(), gone: t.done}
	var a answer
	if in.err != nil {
		a = q.fail(in.err.Error())
	} else {
		t.acting.Store(true)
		a = t.s.perform(q)
		t.acting.Store(false)
	}
	if t.user.Load() != nil {
		limit.Stop()
	}
	t.buf = appendAnswer(t.buf[:0], a)
	ok := true
	for part := range slices.Chunk(t.buf, batchBytes) { // each in the time of one write: long lists need more
		ok = ok && t.write(net.Buffers{part})
	}
	if cap(t.buf) > keptBuffer {
		t.buf = nil
	}
	return ok && !q.leaving
}

// tell writes a batch of events. It says whether to go on.
func (t *session) tell() bool {
	out, err := t.reader.take(t.taken[:0], batchBytes)
	if err != nil {
		t.dropped()
		return false
	}
	if len(out) == 0 {
		return true // the bell rings when there is more
	}
	text, n := t.join(out)
	clear(out)
	t.taken = out[:0]
	if n > 0 && !t.write(text) {
		return false
	}
	t.s.count.events.Add(uint64(n))
	ring(t.reader.bell) // look again
	return true
}

// join makes as few pieces as it can of the events that pass the filters: those that
// follow each other in the journal's block are one piece, and nothing is copied.
func (t *session) join(records []record) (pieces net.Buffers, n int) {
	for i := range records {
		r := &records[i]
		if !t.passes(r) {
			continue
		}
		n++
		if last := len(pieces) - 1; last >= 0 && follows(pieces[last], r.text) {
			pieces[last] = pieces[last][:len(pieces[last])+len(r.text)]
			continue
		}
		pieces = append(pieces, r.text)
	}
	return pieces, n
}

// follows says whether b begins right where a ends, in the same block.
func follows(a, b []byte) bool {
	return len(b) > 0 && cap(a)-len(a) >= len(b) && &a[:len(a)+1][len(a)] == &b[0]
}

// tellRest writes the events that are left when the server stops.
func (t *session) tellRest() {
	for t.tell() {
		if t.reader.idle() {
			return
		}
	}
}

// write sends pieces. A client that takes nothing within its user's write timeout is
// closed (spec: ami 1, rule 12, and 10.6).
func (t *session) write(pieces net.Buffers) bool {
	limit := defaultWriteTimeout
	u := t.user.Load()
	if u != nil && u.WriteTimeout > 0 {
		limit = u.WriteTimeout
	}
	_ = t.conn.SetWriteDeadline(time.Now().Add(limit)) // a connection that is gone fails below
	_, err := pieces.WriteTo(t.conn)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.dropped()
	}
	return err == nil
}

// behind is called by the journal when the session has missed events. One that is held
// back by an action of its own still gets the answer, and is then closed by tell.
func (t *session) behind() {
	if t.acting.Load() {
		ring(t.reader.bell)
		return
	}
	t.dropped()
	t.close()
}

// dropped counts and logs that the session is closed because its client does not read.
func (t *session) dropped() {
	t.slow.Do(func() {
		name := ""
		if u := t.user.Load(); u != nil {
			name = u.Name
		}
		t.s.log.Warn("client does not take its events, session closed", "door", "ami", "user", name, "remote", t.remote)
		t.s.count.dropped.Add(1)
	})
}
