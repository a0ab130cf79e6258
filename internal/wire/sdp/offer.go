package sdp

import "slices"

// Offer gives our new offer: the first one of the dialog, or a re-offer with
// what changed since. Nothing agreed changes until SetAnswer. The only error
// is that of Local.Rand, and NoCodec when Local.Codecs names none.
func (n *Negotiator) Offer() ([]byte, error) {
	formats := n.formats()
	if len(formats) == 0 || equalFold(formats[0].Name, telephoneEvent) {
		return nil, refuse(NoCodec, "none configured")
	}
	m := n.section(n.offerProto())
	m.RTCPMux = n.local.RTCPMux || n.agreed != nil && n.agreed.RTCPMux
	for _, f := range n.inForceFirst(formats) {
		if pt, ok := n.pts.give(f); ok {
			f.PT = pt
			m.Formats = append(m.Formats, f)
		}
	}
	if n.local.Browser != nil {
		m.RTCPMux, m.Attributes = true, n.transportLines("actpass", n.mid()) // RFC 8842 §5.2, §5.5
	}
	for i, suite := range n.offerSuites() {
		key, err := n.key(suite)
		if err != nil {
			return nil, err
		}
		m.Crypto = append(m.Crypto, Crypto{Tag: i + 1, Suite: suite, Key: key})
	}
	body, err := n.describe(n.lines, n.audio, m)
	if err != nil {
		return nil, err
	}
	n.offered = &m
	return body, nil
}

// offerProto is the transport that we offer: once agreed, always the same
// (RFC 3264 §8.3.2 leaves no way back from RTP/SAVP that phones understand).
func (n *Negotiator) offerProto() string {
	switch {
	case n.proto != "":
		return n.proto
	case n.local.Browser != nil:
		return browserProto
	case n.local.SRTP == Required:
		return "RTP/SAVP"
	}
	return "RTP/AVP"
}

// offerSuites are the suites for which we offer keys: once agreed, only the one
// in force.
func (n *Negotiator) offerSuites() []string {
	switch {
	case n.agreed != nil && n.agreed.SRTP != nil:
		return []string{n.agreed.SRTP.Suite}
	case n.agreed != nil || n.local.SRTP == Off || n.local.Browser != nil:
		return nil
	}
	return Suites()
}

// inForceFirst moves the codec in force to the front, so that a re-offer for
// hold does not change it.
func (n *Negotiator) inForceFirst(formats []Format) []Format {
	if n.agreed == nil || n.fresh {
		return formats
	}
	i := slices.IndexFunc(formats, n.inForce)
	if i < 0 {
		return formats
	}
	f := formats[i]
	return slices.Insert(slices.Delete(formats, i, i+1), 0, f)
}

// inForce says whether f is the codec now used.
func (n *Negotiator) inForce(f Format) bool {
	return n.agreed != nil && f.Is(n.agreed.Codec, n.agreed.ClockRate, n.agreed.Channels)
}

// SetAnswer takes the peer's answer to our last offer. It may be called again
// for a later answer to the same offer (early media of several forks, then the
// 200): the newest one counts (design rule D8). The error is an *Error; what
// was agreed before then stays.
func (n *Negotiator) SetAnswer(body []byte) (Agreed, error) {
	if n.offered == nil {
		return Agreed{}, refuse(WrongState, "answer without an offer of ours")
	}
	s, err := Parse(body)
	if err != nil {
		return Agreed{}, err
	}
	m, err := n.answered(s)
	if err != nil {
		return Agreed{}, err
	}
	a, err := conclude(s, m, n.taken(m), n.offered.Direction, n.ownPTime())
	if err != nil {
		return Agreed{}, err
	}
	a.setRTCP(m, m.RTCPMux && n.offered.RTCPMux)
	if !n.offered.Direction.Sends() && n.agreed != nil {
		a.RemoteHold = n.agreed.RemoteHold // it could not say
	}
	if n.local.Browser != nil {
		a.Browser, err = n.answeredTransport(s, m)
	} else {
		a.SRTP, err = n.answeredKeys(m)
	}
	if err != nil {
		return Agreed{}, err
	}
	n.agree(a, n.offered.Proto)
	return a.clone(), nil
}

// answered finds our stream in an answer: the section at its place, or, in
// answers that left out the refused ones, the first that could be it.
func (n *Negotiator) answered(s *Session) (*Media, error) {
	if n.audio < len(s.Media) && s.Media[n.audio].Type == "audio" && s.Media[n.audio].Port != 0 {
		return &s.Media[n.audio], nil
	}
	i := slices.IndexFunc(s.Media, func(m Media) bool { return m.Type == "audio" && m.Port != 0 })
	if i < 0 {
		return nil, refuse(NoAudio, "the answer refuses it")
	}
	return &s.Media[i], nil
}

// taken pairs what the answer lists with what we offered, in its order. A
// dynamic number without rtpmap means what we offered under it.
func (n *Negotiator) taken(m *Media) []pair {
	var out []pair
	for rank, theirs := range m.Formats {
		i := slices.IndexFunc(n.offered.Formats, func(o Format) bool {
			return keyOf(o) == keyOf(theirs) || theirs.Name == "" && o.PT == theirs.PT
		})
		if i >= 0 {
			out = append(out, pair{ours: n.offered.Formats[i], theirs: theirs, rank: rank})
		}
	}
	return out
}

// answeredKeys finds the suite that the answerer chose (RFC 4568 §5.1.3).
func (n *Negotiator) answeredKeys(m *Media) (*SRTP, error) {
	for _, c := range m.Crypto {
		ours := slices.IndexFunc(n.offered.Crypto, func(o Crypto) bool { return o.Suite == c.Suite })
		if ours < 0 {
			continue // the tag is not looked at: some phones always answer 1
		}
		return &SRTP{Suite: c.Suite, LocalKey: n.offered.Crypto[ours].Key, RemoteKey: c.Key, RemoteMKI: c.MKI}, nil
	}
	switch {
	case isSecure(n.offered.Proto), isSecure(m.Proto), n.agreed != nil && n.agreed.SRTP != nil:
		return nil, refuse(NoEncryption, "no usable a=crypto in the answer")
	}
	return nil, nil
}

// agree makes the outcome the one in force.
func (n *Negotiator) agree(a Agreed, proto string) {
	n.agreed, n.proto, n.fresh = &a, proto, false
	n.peer = a.Browser
}
