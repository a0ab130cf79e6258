package sip

import (
	"errors"
	"net/netip"
	"slices"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/sip/sipnet"
	"github.com/dialwright/dialwright/internal/sip/ua"
	"github.com/dialwright/dialwright/internal/webrtc"
	"github.com/dialwright/dialwright/internal/wire/sdp"
)

// stream is a transport of a leg's media: a pair of ports, which all its forks
// to phones share, or the way to one browser, which each fork has for itself,
// because its keys are made by a handshake. Its fields are touched only inside
// the leg's queue.
//
//	of a browser:  opened ─► joining (Connect) ─► joined, its keys are there
//	                                         └──► failed
type stream struct {
	rtp *media.RTP
	way *webrtc.Conn // nil: a pair of ports

	joining bool
	keys    *media.SRTPKeys
	failed  error
	waiting []joiner
	unhook  func() // ends our interest in the flow of its signalling
}

// joiner waits for the keys with what was agreed.
type joiner struct {
	ag   sdp.Agreed
	then func(error)
}

// browserFlow says whether who is at the other end of a flow is a browser:
// nobody else speaks SIP over WebSocket, and browsers speak nothing else.
func (t *Technology) browserFlow(f *sipnet.Flow) bool {
	return t.browsers != nil && f != nil && (f.Transport() == sipnet.WS || f.Transport() == sipnet.WSS)
}

// openStream gives the transport for a dialog: that of a browser, or the leg's
// pair of ports. Without one the call is refused with cause 34 (rule M1).
func (l *leg) openStream(browser bool, flow *sipnet.Flow) (*stream, error) {
	if browser {
		return l.openBrowser(flow)
	}
	if l.plain != nil {
		return l.plain, nil
	}
	r, err := l.t.media.OpenRTP(media.RTPOptions{ID: l.o.ChannelID})
	if err != nil {
		return nil, noCircuit("no RTP port for the call", err)
	}
	l.plain = &stream{rtp: r}
	return l.plain, nil
}

func (l *leg) openBrowser(flow *sipnet.Flow) (*stream, error) {
	if l.t.browsers == nil {
		return nil, &sdp.Error{Reason: sdp.BadTransport, Status: 488, Detail: "media of browsers is switched off (webrtc.enabled)"}
	}
	way, err := l.t.browsers.Open(l.o.ChannelID)
	if err != nil {
		return nil, noCircuit("no media for another browser (webrtc.max_legs)", err)
	}
	r, err := l.t.media.OpenRTP(media.RTPOptions{ID: l.o.ChannelID, Socket: way})
	if err != nil {
		return nil, noCircuit("no media for the browser", err)
	}
	s := &stream{rtp: r, way: way}
	if flow != nil {
		s.unhook = flow.OnClose(func(error) { way.Doubt() })
	}
	l.streams = append(l.streams, s)
	return s, nil
}

func noCircuit(text string, err error) *call.Failure {
	return &call.Failure{Disposition: call.Congestion, Cause: int(cause.CircuitCongestion), SIPStatus: 503, Text: text, Err: err}
}

// close gives the transport back. The channel's port may be closed already.
func (s *stream) close() {
	if s.unhook != nil {
		s.unhook()
	}
	_ = s.rtp.Close() // closing a socket that only loses packets cannot fail usefully
}

// closeMedia gives all transports back.
func (l *leg) closeMedia() {
	if l.plain != nil {
		l.plain.close()
	}
	for _, s := range l.streams {
		s.close()
	}
	l.streams = nil
}

// closeOthers gives back what the fork that has answered does not use.
func (l *leg) closeOthers(used *stream) {
	if l.plain != nil && l.plain != used {
		l.plain.close()
		l.plain = nil
	}
	l.streams = slices.DeleteFunc(l.streams, func(s *stream) bool {
		if s == used {
			return false
		}
		s.close()
		return true
	})
}

// browserOf is what our side's description says about the way to a browser.
func (l *leg) browserOf(s *stream, p *profile, flow *sipnet.Flow) *sdp.Browser {
	ufrag, pwd := s.way.Credentials()
	return &sdp.Browser{
		Ufrag: ufrag, Pwd: pwd, Fingerprint: l.t.browsers.Fingerprint(), Renew: s.way.Renew,
		Candidates: l.t.candidates(p, flow),
	}
}

// candidates are the addresses at which a browser may find our media: the one
// that peers are told, and the one at which it has found us.
func (t *Technology) candidates(p *profile, flow *sipnet.Flow) []netip.AddrPort {
	bound := t.browsers.Addr()
	told := t.config.BrowserAddr
	if !told.IsValid() {
		told = bound.Addr()
	}
	out := []netip.AddrPort{netip.AddrPortFrom(t.mediaAddr(told, flow, p), bound.Port())}
	if flow == nil || !bound.Addr().IsUnspecified() {
		return out
	}
	found := netip.AddrPortFrom(flow.LocalAddr().Addr().Unmap(), bound.Port())
	if found.Addr().IsValid() && !found.Addr().IsUnspecified() && !found.Addr().IsLoopback() && found != out[0] {
		out = append(out, found)
	}
	return out
}

// join makes the way to a browser, once, and calls then inside the leg's queue
// with the media in force.
func (l *leg) join(s *stream, c *ua.Call, ag sdp.Agreed, then func(error)) {
	if s.failed != nil {
		then(s.failed)
		return
	}
	if s.keys != nil {
		then(l.configure(s, ag))
		return
	}
	s.waiting = append(s.waiting, joiner{ag, then})
	if s.joining {
		return
	}
	s.joining = true
	if l.incoming { // it is answered before its media is there
		l.o.Port.Await(true)
	}
	s.way.OnLost(func(err error) { l.q.post(func() { l.browserGone(s, err) }) })
	err := s.way.Connect(webrtc.Peer{Fingerprints: ag.Browser.Fingerprints, Client: ag.Browser.Client}, func(keys *media.SRTPKeys, err error) {
		l.q.post(func() { l.joined(s, keys, err) })
	})
	if err != nil {
		l.joined(s, nil, err)
	}
	l.t.log.Debug("waiting for the browser's media", "leg", l.o.ChannelID, "call_id", c.CallID())
}

// joined goes on with what has waited for the way to a browser.
func (l *leg) joined(s *stream, keys *media.SRTPKeys, err error) {
	s.keys, s.failed = keys, err
	if err != nil {
		l.o.Port.Await(false)
	}
	waiting := s.waiting
	s.waiting = nil
	for _, w := range waiting {
		if l.state == legEnding || l.state == legEnded {
			return
		}
		if err != nil {
			w.then(err)
			continue
		}
		w.then(l.configure(s, w.ag))
	}
}

// browserGone ends the leg of a browser that was connected and is no more.
func (l *leg) browserGone(s *stream, err error) {
	if s != l.str || l.state != legUp && l.state != legEarly {
		return
	}
	l.t.log.Info("browser lost", "leg", l.o.ChannelID, "err", err)
	l.failure = mediaFailure(err)
	l.ln.fail(l.failure.Error())
	l.hangup(cause.Code(l.failure.Cause))
}

// browserFailure says in words why a browser has no media; ok is false for
// other errors.
func browserFailure(err error) (f *call.Failure, ok bool) {
	e, ok := errors.AsType[*webrtc.Error](err)
	if !ok {
		return nil, false
	}
	return &call.Failure{Disposition: call.Failed, Cause: int(cause.NetworkOutOfOrder), Text: e.Text, Err: e.Err}, true
}
