package media

import (
	"errors"
	"net"
	"net/netip"
	"time"
)

// read is the session's goroutine.
func (r *RTP) read() {
	defer r.e.wg.Done()
	defer r.guard()
	buf := make([]byte, maxPacket)
	var pkt Packet
	for failed := 0; failed < maxReadErrors; {
		n, from, err := r.conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			if r.closed.Load() || errors.Is(err, net.ErrClosed) {
				return
			}
			failed++ // an ICMP error of an earlier send; the next read blocks again
			continue
		}
		failed = 0
		r.receive(buf[:n], unmap(from), &pkt)
	}
	r.e.log.Warn("RTP socket cannot be read any more", "leg", r.id)
}

// maxReadErrors in a row say that a socket is broken; reading on would spin.
const maxReadErrors = 100

// guard ends this session only when its goroutine panics.
func (r *RTP) guard() {
	if v := recover(); v != nil {
		r.e.panicked(v)
		r.Close()
	}
}

// receive takes one datagram: authenticate, parse, classify, check the source,
// count, hand up.
func (r *RTP) receive(b []byte, from netip.AddrPort, pkt *Packet) {
	st := r.state.Load()
	if st == nil {
		return // before any SDP nothing is negotiated
	}
	now := time.Now()
	if isRTCP(b) {
		if st.RTCPMux {
			r.receiveRTCP(b, from, now)
		}
		return
	}
	if !r.admit(b, from, now, st, pkt) || !st.RecvOK {
		return
	}
	sink := r.sink.Load()
	if sink == nil {
		return
	}
	if pkt.PT != st.RecvPT && pkt.Kind == KindAudio {
		st.also[pkt.PT].convert(pkt)
	}
	(*sink)(pkt)
}

// admit applies rules M2 and M3 and counts.
func (r *RTP) admit(b []byte, from netip.AddrPort, now time.Time, st *rtpState, pkt *Packet) bool {
	r.in.Lock()
	defer r.in.Unlock()
	b, err := r.open(b)
	if err == nil {
		err = parseRTP(b, pkt)
	}
	if err != nil {
		r.in.invalid++
		return false
	}
	switch {
	case pkt.PT == st.RecvPT:
		pkt.Kind = KindAudio
	case pkt.PT == st.EventRecvPT && st.EventRecvPT != 0:
		pkt.Kind = KindEvent
	case st.also[pkt.PT] != nil:
		pkt.Kind = KindAudio
	default:
		r.in.unknown++
		return false
	}
	learning := !r.in.learn.locked.IsValid()
	if !r.in.learn.accept(from, pkt.SSRC, pkt.Seq) {
		r.in.foreign++
		return false
	}
	if learning && r.in.learn.locked.IsValid() && !st.Fixed {
		dst := r.in.learn.target()
		r.dst.Store(&dst)
	}
	pkt.At = now
	r.in.packets++
	r.in.bytes += uint64(len(pkt.Payload))
	r.in.last = now
	r.in.recv.seen(pkt, st.ClockRate, pkt.Kind == KindAudio)
	if pkt.Kind == KindAudio && st.ClockRate > 0 {
		r.in.spread.jitter.add(r.in.recv.jitter / float64(st.ClockRate))
	}
	return true
}

// open authenticates and decrypts in place. Called with in held.
func (r *RTP) open(b []byte) ([]byte, error) {
	if r.in.secure == nil {
		return b, nil
	}
	if len(b) < headerSize {
		return nil, errShort
	}
	if _, err := headerLen(b); err != nil {
		return nil, err
	}
	return r.in.secure.rtp.openRTP(b)
}
