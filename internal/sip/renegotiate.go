package sip

import (
	"errors"
	"slices"

	"github.com/dialwright/dialwright/internal/wire/sdp"
)

// A leg changes its codec when the switch asks it to, because what its party
// is to hear cannot be had in the codec that it speaks (rule M5: Opus is
// passed on, never converted).
//
//	new, calling   noted; a re-INVITE follows the answer
//	early          our answer is made again, unless a 183 has shown it already
//	up             re-INVITE with an offer of those codecs only (rule D10)
//
// A peer that refuses keeps the session that it has (RFC 3261 §14.1).

// errCodecs says that not one of the codecs asked for is known.
var errCodecs = errors.New("no known codec is asked for")

// speechState is the codec that the switch wants, and what an answer of ours
// can still follow.
type speechState struct {
	want  []string // one of these is to be spoken; nil = nothing is wanted
	offer []byte   // incoming: the caller's offer
	fixed bool     // incoming: our answer has gone out in a 183 (RFC 3261 §13.2.1: the 200 repeats it)
}

// Renegotiate makes the peer speak one of the codecs, the first preferred; one
// that does so already is left alone. It implements pbx.Renegotiator.
func (l *leg) Renegotiate(codecs []string) error {
	want := slices.DeleteFunc(canonicalCodecs(codecs), func(c string) bool { return !slices.Contains(codecNames, c) })
	if len(want) == 0 {
		return errCodecs
	}
	l.do(func() {
		l.speech.want = want
		switch {
		case l.state == legUp:
			l.tellSpeech()
		case l.state == legEarly && !l.speech.fixed:
			l.reanswer()
		}
	}, legNew, legCalling, legEarly, legUp)
	return nil
}

// restricted is what is offered to speak one of want: those that the endpoint
// is configured for, in the order wanted. If it has none of them, all: to be
// asked is better for a phone than to hear nothing.
func (l *leg) restricted(want []string) []string {
	own := slices.DeleteFunc(slices.Clone(want), func(c string) bool { return !slices.Contains(l.prof.codecs, c) })
	if len(own) == 0 {
		own = want
	}
	return offered(l.prof, own)
}

// speaks reports whether what was agreed, or is about to be, is wanted.
func (l *leg) speaks(want []string) bool {
	return slices.Contains(want, canonicalCodec(l.agreed.Codec))
}

// reanswer makes the answer to the INVITE again, or limits our offer in it.
// A caller that has nothing of what is wanted gets the answer as it was.
func (l *leg) reanswer() {
	want := l.speech.want
	if l.answer == nil {
		l.neg.SetCodecs(l.restricted(want))
		return
	}
	if l.speaks(want) {
		return
	}
	l.neg.SetCodecs(l.restricted(want))
	answer, ag, err := l.neg.Answer(l.speech.offer)
	if err != nil {
		l.t.log.Info("the caller offers no codec that can be converted", "leg", l.o.ChannelID, "want", want, "err", err)
		l.unrestrict()
		return
	}
	l.answer, l.agreed = answer, ag
}

// unrestrict gives the negotiator back what the endpoint may speak, the codec
// in force first, so that the next exchange keeps it.
func (l *leg) unrestrict() {
	l.neg.SetCodecs(offered(l.prof, chooseCodecs(l.prof.codecs, []string{l.agreed.Codec})))
}

// tellSpeech sends the re-INVITE for what is wanted, if nothing is in its way.
func (l *leg) tellSpeech() {
	want := l.speech.want
	if want == nil || l.asking || l.state != legUp || l.agreed.Codec == "" {
		return
	}
	l.speech.want = nil
	if l.speaks(want) {
		return
	}
	l.neg.SetCodecs(l.restricted(want))
	offer, err := l.neg.Offer()
	if err != nil {
		l.t.log.Warn("cannot offer other codecs", "leg", l.o.ChannelID, "err", err)
		l.unrestrict()
		return
	}
	l.asking = true
	l.conn.Reinvite(offer, func(answer []byte, err error) {
		l.do(func() { l.speechTold(want, answer, err) }, legUp)
	})
}

// speechTold takes the peer's answer to other codecs.
func (l *leg) speechTold(want []string, answer []byte, err error) {
	l.asking = false
	var ag sdp.Agreed
	if err == nil {
		ag, err = l.neg.SetAnswer(answer)
	}
	if err != nil {
		l.t.log.Info("peer keeps its codec", "leg", l.o.ChannelID, "codec", l.agreed.Codec, "want", want, "err", err)
		l.unrestrict()
	} else {
		l.renegotiated(ag)
	}
	l.tellHold()
	l.tellSpeech()
}
