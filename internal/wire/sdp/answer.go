package sdp

import (
	"maps"
	"slices"
	"strings"
)

// Answer takes the peer's offer and gives our answer to it. The error is an
// *Error whose Status is what to refuse the offer with; what was agreed before
// then stays in force.
//
// The answer takes the first audio section that we can use and refuses all
// others. It names one codec (and telephone-event), so that a peer does not
// change its mind in the middle of the stream; Agreed.Codecs has the others.
func (n *Negotiator) Answer(offer []byte) ([]byte, Agreed, error) {
	s, err := Parse(offer)
	if err != nil {
		return nil, Agreed{}, err
	}
	first := error(refuse(NoAudio, "no audio stream in the offer"))
	found := false
	for i := range s.Media {
		if s.Media[i].Type != "audio" {
			continue
		}
		body, a, err := n.accept(s, i)
		if err == nil {
			return body, a, nil
		}
		if !found { // why the first one failed says most
			first, found = err, true
		}
	}
	return nil, Agreed{}, first
}

// accept tries section at of the offer as our stream.
func (n *Negotiator) accept(s *Session, at int) ([]byte, Agreed, error) {
	m := &s.Media[at]
	if m.Port == 0 {
		return nil, Agreed{}, refuse(NoAudio, "the offer has it switched off")
	}
	p := strings.ToUpper(m.Proto)
	plain := p == "RTP/AVP" || p == "RTP/SAVP" || p == "RTP/AVPF" || p == "RTP/SAVPF"
	if !plain && !isBrowser(p) || isBrowser(p) != (n.local.Browser != nil) {
		return nil, Agreed{}, refuse(NoAudio, "transport %.30q", m.Proto)
	}
	pts := maps.Clone(n.pts)
	a, err := conclude(s, m, n.preferred(m, pts), n.want, n.ownPTime())
	if err != nil {
		return nil, Agreed{}, err
	}
	a.setRTCP(m, m.RTCPMux)
	ours := n.section(m.Proto)
	ours.Direction, ours.RTCPMux = a.Direction, a.RTCPMux
	ours.Formats = n.answerFormats(a)
	if isBrowser(p) {
		err = n.acceptTransport(s, m, &ours, &a)
	} else {
		err = n.acceptKeys(m, &ours, &a)
	}
	if err != nil {
		return nil, Agreed{}, err
	}
	lines := refuseAll(s)
	body, err := n.describe(lines, at, ours)
	if err != nil {
		return nil, Agreed{}, err
	}
	n.lines, n.audio, n.offered, n.pts = lines, at, nil, pts
	n.agree(a, m.Proto)
	return body, a.clone(), nil
}

// preferred pairs what the offer lists with what we can do, in the order in
// which one is to be taken: the codec in force (design rule D10), then the
// offerer's order, or ours if we are to follow that (S5). We receive under the
// offerer's numbers where they are free, as RFC 3264 §6.1 asks.
func (n *Negotiator) preferred(m *Media, pts numbers) []pair {
	var out []pair
	for _, f := range n.formats() {
		i := slices.IndexFunc(m.Formats, func(o Format) bool { return keyOf(o) == keyOf(f) })
		if i < 0 {
			continue
		}
		f.PT = m.Formats[i].PT
		pt, ok := pts.give(f)
		if !ok {
			continue
		}
		f.PT = pt
		out = append(out, pair{ours: f, theirs: m.Formats[i], rank: i})
	}
	for i := range out {
		switch {
		case !n.fresh && n.inForce(out[i].ours):
			out[i].rank = -1
		case n.local.PreferOwn || n.fresh:
			out[i].rank = i
		}
	}
	slices.SortStableFunc(out, func(a, b pair) int { return a.rank - b.rank })
	return out
}

// answerFormats lists what was chosen, under the numbers of our side.
func (n *Negotiator) answerFormats(a Agreed) []Format {
	out := []Format{{
		PT: a.RecvPT, Name: a.Codec, Rate: a.ClockRate, Channels: a.Channels,
		FMTP: n.local.FMTP[strings.ToLower(a.Codec)],
	}}
	if a.EventRate != 0 {
		out = append(out, Format{PT: a.EventRecvPT, Name: telephoneEvent, Rate: a.EventRate, Channels: 1, FMTP: eventCodes})
	}
	return out
}

// acceptKeys chooses the first suite of the offer that we know (RFC 4568
// §5.1.2), or the one in force, and answers with our key.
func (n *Negotiator) acceptKeys(m, ours *Media, a *Agreed) error {
	if n.local.SRTP == Off {
		if isSecure(m.Proto) {
			return refuse(NotEncryption, "the offer is %.30q", m.Proto)
		}
		return nil
	}
	inForce := n.agreed != nil && n.agreed.SRTP != nil
	if len(m.Crypto) == 0 {
		if isSecure(m.Proto) || n.local.SRTP == Required || inForce {
			return refuse(NoEncryption, "no usable a=crypto in the offer")
		}
		return nil
	}
	c := m.Crypto[0]
	if inForce {
		if i := slices.IndexFunc(m.Crypto, func(c Crypto) bool { return c.Suite == n.agreed.SRTP.Suite }); i >= 0 {
			c = m.Crypto[i]
		}
	}
	key, err := n.key(c.Suite)
	if err != nil {
		return err
	}
	ours.Crypto = []Crypto{{Tag: c.Tag, Suite: c.Suite, Key: key}}
	a.SRTP = &SRTP{Suite: c.Suite, LocalKey: key, RemoteKey: c.Key, RemoteMKI: c.MKI}
	return nil
}

// isSecure says whether the transport is SRTP.
func isSecure(proto string) bool { return strings.Contains(strings.ToUpper(proto), "SAVP") }

// refuseAll gives the sections of an offer as an answer refuses them: port 0,
// with their own transport and formats (RFC 3264 §6, design rule S3).
func refuseAll(s *Session) []Media {
	out := make([]Media, len(s.Media))
	for i, m := range s.Media {
		tokens := m.Tokens
		if len(tokens) == 0 {
			tokens = []string{"0"} // the grammar wants one
		}
		out[i] = Media{Type: m.Type, Proto: m.Proto, Tokens: tokens}
		if mid, ok := m.Attr("mid"); ok { // RFC 9429 §5.3.1: browsers look for it in refused ones too
			out[i].Attributes = []Attribute{{"mid", mid}}
		}
	}
	return out
}
