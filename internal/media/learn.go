package media

import "net/netip"

// learnAfter consecutive valid packets of one SSRC with rising sequence lock a
// session to their source (rule M3).
const learnAfter = 3

// learner decides which source a session listens to and sends to.
//
//	             3 packets in a row from one source
//	┌──────────┐ ─────────────────────────────────► ┌────────┐
//	│ learning │                                    │ locked │
//	└──────────┘ ◄───────────────────────────────── └────────┘
//	              SDP names another remote address
//
// While learning, packets from the SDP address pass and those of others are
// held back until the third. The SDP address itself can win: then nobody who
// guesses the port later can pull the stream away. A phone behind a NAT wins
// with the address that its NAT gave it. With strict only the SDP address is
// heard, ever.
type learner struct {
	sdp    netip.AddrPort // what the peer said
	locked netip.AddrPort // invalid while learning
	strict bool

	cand     netip.AddrPort
	candSSRC uint32
	candSeq  uint16
	candRun  int
}

// setRemote takes the address of a new offer or answer. An unspecified
// address (hold in the old style, c=0.0.0.0) and a repeated one change nothing.
func (l *learner) setRemote(remote netip.AddrPort, strict bool) {
	l.strict = strict
	if !remote.IsValid() || remote.Addr().IsUnspecified() || remote == l.sdp {
		return
	}
	*l = learner{sdp: remote, strict: strict}
}

// target is where to send; invalid when nothing is known yet.
func (l *learner) target() netip.AddrPort {
	if l.locked.IsValid() && !l.strict {
		return l.locked
	}
	return l.sdp
}

// accept says whether a valid packet from there belongs to the peer.
func (l *learner) accept(from netip.AddrPort, ssrc uint32, seq uint16) bool {
	if l.strict {
		return from == l.sdp
	}
	if l.locked.IsValid() {
		return from == l.locked
	}
	if from == l.cand && ssrc == l.candSSRC && int16(seq-l.candSeq) > 0 {
		l.candRun++
	} else {
		l.cand, l.candSSRC, l.candRun = from, ssrc, 1
	}
	l.candSeq = seq
	if l.candRun >= learnAfter {
		l.locked = from
	}
	return l.locked.IsValid() || from == l.sdp
}
