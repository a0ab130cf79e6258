package txn

import (
	"github.com/dialwright/dialwright/internal/sip/sipnet"
	"github.com/emiago/sipgo/sip"
)

// request finds a request's transaction or makes one (RFC 3261 §17.2.3).
func (l *Layer) request(f *sipnet.Flow, r *sip.Request) {
	l.stats.requests.Add(1)
	if fault := present(r); fault != nil {
		l.refuse(f, r, fault)
		return
	}
	switch r.Method {
	case sip.ACK:
		l.ack(f, r)
	case sip.CANCEL:
		l.cancel(f, r)
	default:
		key := keyOf(r, r.Method)
		if !l.absorb(key) {
			l.begin(f, r, key)
		}
	}
}

// absorb answers a repetition. It reports false for a new request.
func (l *Layer) absorb(key serverKey) bool {
	l.mu.Lock()
	s := l.servers[key]
	done, finished := l.finished[key]
	l.mu.Unlock()
	switch {
	case s != nil:
		s.repeated()
	case finished:
		l.stats.repeats.Add(1)
		if done.last != nil {
			_ = done.flow.Send(done.last) // the peer will ask again
		}
	default:
		return false
	}
	return true
}

// begin makes a transaction of a new request, if it passes the checks, and
// hands it to the user.
func (l *Layer) begin(f *sipnet.Flow, r *sip.Request, key serverKey) {
	if fault := l.check(r); fault != nil {
		l.refuse(f, r, fault)
		return
	}
	handler := l.onRequest.Load()
	s := &ServerTx{layer: l, flow: f, req: r, key: key}
	if fault := l.insert(s, handler != nil); fault != nil {
		l.refuse(f, r, fault)
		return
	}
	f.Retain()
	s.handle(*handler)
	s.await()
}

// insert takes s into the tables, unless the request is a copy of one that is
// there by another path, or there is no room.
func (l *Layer) insert(s *ServerTx, ready bool) *fault {
	merge, mergeable := mergeKeyOf(s.req)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopped || !ready || len(l.servers) >= maxLive {
		l.stats.overload.Add(1)
		return &fault{status: 503, reason: "Service Unavailable", header: "Retry-After", value: "5"}
	}
	if mergeable {
		if _, there := l.merged[merge]; there {
			l.stats.merged.Add(1)
			return &fault{status: 482, reason: "Loop Detected"} // RFC 3261 §8.2.2.2
		}
		s.merge = merge
		l.merged[merge] = s.key
	}
	l.servers[s.key] = s
	return nil
}

// handle calls the user. A panic there ends this transaction only.
func (s *ServerTx) handle(fn func(*ServerTx)) {
	defer func() {
		if r := recover(); r != nil {
			s.layer.panicked("request", r)
			// ErrEnded if it panicked after its final response.
			_ = s.Respond(NewResponse(s.req, 500, "Server Internal Error", s.layer.tag(s.req)))
		}
	}()
	fn(s)
}

// ack ends the wait of a completed INVITE, or is for the user.
func (l *Layer) ack(f *sipnet.Flow, r *sip.Request) {
	key := keyOf(r, sip.INVITE)
	l.mu.Lock()
	s := l.servers[key]
	done, finished := l.finished[key]
	l.mu.Unlock()
	switch {
	case s != nil:
		s.acked()
	case finished && !done.accepted:
		l.stats.repeats.Add(1) // confirmed: absorbed
	default:
		if fault := l.check(r); fault != nil {
			l.refuse(f, r, fault)
			return
		}
		if fn := l.onAck.Load(); fn != nil {
			(*fn)(f, r)
		}
	}
}

// cancel answers a CANCEL and tells the user of its INVITE (RFC 3261 §9.2).
// Its answer follows from the INVITE's state, so repetitions need no memory.
func (l *Layer) cancel(f *sipnet.Flow, r *sip.Request) {
	if fault := l.check(r); fault != nil {
		l.refuse(f, r, fault)
		return
	}
	key := keyOf(r, sip.INVITE)
	l.mu.Lock()
	s := l.servers[key]
	_, finished := l.finished[key]
	l.mu.Unlock()
	if s == nil && !finished {
		l.refuse(f, r, &fault{status: 481, reason: "Call/Transaction Does Not Exist"})
		return
	}
	tag := l.tag(r)
	if s != nil {
		tag = s.tagOr(tag)
	}
	if raw, err := render(NewResponse(r, 200, "OK", tag)); err == nil {
		_ = f.Send(raw) // the peer will ask again
	}
	if s != nil {
		s.cancelled(r)
	}
}
