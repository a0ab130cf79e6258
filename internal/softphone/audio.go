package softphone

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"

	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/wire/sdp"
)

// audio is the media side of a call: what was agreed, the RTP session, the
// tone that is sent and the ear that listens. Without media (Config.NoMedia)
// only the agreement is real.
type audio struct {
	phone *Phone

	mu     sync.Mutex // guards what follows; taken before Call.mu, never after
	neg    *sdp.Negotiator
	rtp    *media.RTP  // nil without media
	port   *media.Port // nil without media
	meter  *media.ToneMeter
	closed bool
}

var errNoMedia = errors.New("softphone: the phone has no media")

// openAudio takes a port pair and begins to send the phone's tone, which is
// heard as soon as there is somebody to send it to.
func (p *Phone) openAudio(id string, onDigit func(media.Digit)) (*audio, error) {
	a := &audio{phone: p}
	if p.cfg.NoMedia {
		addr, err := netip.ParseAddrPort(p.sink.LocalAddr().String())
		if err != nil {
			return nil, err
		}
		a.neg = p.negotiator(addr)
		return a, nil
	}
	rtp, err := p.media.OpenRTP(media.RTPOptions{ID: id})
	if err != nil {
		return nil, err
	}
	a.rtp, a.port, a.meter = rtp, p.media.NewPort(id), media.NewToneMeter()
	a.neg = p.negotiator(rtp.LocalAddr())
	a.port.OnDTMF(onDigit)
	a.port.Tap(a.meter, media.TapOptions{In: true})
	if p.cfg.Tone > 0 {
		tone, err := media.Tone(fmt.Sprintf("%g", p.cfg.Tone))
		if err != nil {
			a.close()
			return nil, err
		}
		a.port.Play(tone, func(error) {})
	}
	return a, nil
}

func (p *Phone) negotiator(at netip.AddrPort) *sdp.Negotiator {
	return sdp.NewNegotiator(sdp.Local{
		Addr: at.Addr(), Port: int(at.Port()), Codecs: p.cfg.Codecs, SRTP: p.policy, PTime: p.cfg.PTime,
	})
}

// offer gives our first offer.
func (a *audio) offer() ([]byte, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.neg.Offer()
}

// reoffer gives an offer with another direction.
func (a *audio) reoffer(d sdp.Direction) ([]byte, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.neg.SetHold(d)
	return a.neg.Offer()
}

// want sets the direction of the next offer or answer.
func (a *audio) want(d sdp.Direction) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.neg.SetHold(d)
}

// answer answers the peer's offer and puts the outcome into force.
func (a *audio) answer(offer []byte) ([]byte, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	body, agreed, err := a.neg.Answer(offer)
	if err != nil {
		return nil, err
	}
	return body, a.apply(agreed)
}

// answered takes the peer's answer to our offer. An empty one changes nothing.
func (a *audio) answered(answer []byte) error {
	if len(answer) == 0 {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	agreed, err := a.neg.SetAnswer(answer)
	if err != nil {
		return err
	}
	return a.apply(agreed)
}

// apply puts what was agreed into force. A host name in c= is not looked up:
// the phone sends nothing until the peer's packets show where it is. a.mu is
// held.
func (a *audio) apply(g sdp.Agreed) error {
	if a.rtp == nil || a.closed {
		return nil
	}
	config := media.RTPConfig{
		Remote: g.RemoteAddr, RemoteRTCP: g.RemoteRTCP, RTCPMux: g.RTCPMux, Codec: g.Codec, ClockRate: g.ClockRate,
		SendPT: g.SendPT, RecvPT: g.RecvPT, EventSendPT: g.EventSendPT, EventRecvPT: g.EventRecvPT, EventRate: g.EventRate,
		SendOK: g.Direction.Sends(), RecvOK: g.Direction.Receives(), PTime: g.PTime,
	}
	if g.SRTP != nil {
		config.SRTP = &media.SRTPKeys{Suite: g.SRTP.Suite, Local: g.SRTP.LocalKey, Remote: g.SRTP.RemoteKey, RemoteMKI: g.SRTP.RemoteMKI}
	}
	if err := a.rtp.Configure(config); err != nil {
		return err
	}
	a.port.SetLeg(a.rtp, media.Format{
		Codec: g.Codec, ClockRate: g.ClockRate, PTime: g.PTime, EventPT: g.EventRate != 0, EventRate: g.EventRate,
	})
	return nil
}

// press sends digits by RFC 4733; done is called once.
func (a *audio) press(digits string, done func(error)) {
	if a.port == nil {
		done(errNoMedia)
		return
	}
	a.port.SendDTMF(digits, media.DTMFOptions{}, done)
}

// heard gives the tone heard now.
func (a *audio) heard() (hz float64, ok bool) {
	if a.meter == nil {
		return 0, false
	}
	hz, _, ok = a.meter.Dominant()
	return hz, ok
}

// remoteHold says whether the peer holds us.
func (a *audio) remoteHold() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	agreed, _ := a.neg.Agreed()
	return agreed.RemoteHold
}

// describe fills in what the media side knows.
func (a *audio) describe(i *Info) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if agreed, ok := a.neg.Agreed(); ok {
		i.Codec, i.Encrypted = agreed.Codec, agreed.SRTP != nil
	}
	if a.rtp != nil {
		s := a.rtp.Stats()
		i.PacketsIn, i.PacketsOut = s.PacketsIn, s.PacketsOut
	}
}

// close gives everything back. It may be called twice.
func (a *audio) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed || a.rtp == nil {
		return
	}
	a.closed = true
	a.port.Close()
	a.rtp.Close()
}
