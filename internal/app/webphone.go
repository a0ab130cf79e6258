package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"syscall"
	"time"

	"github.com/dialwright/dialwright/internal/door/rest"
	"github.com/dialwright/dialwright/internal/webrtc"
)

// sipPath is where SIP over WebSocket is served on the HTTP listener.
const sipPath = "/sip"

// phoneLook is how often it is looked whether the session of an open phone lasts.
const phoneLook = 2 * time.Second

// startBrowsers opens the port for the media of browsers, if it is switched on.
func (a *App) startBrowsers(ctx context.Context) error {
	c := a.Config()
	if !c.WebRTC.Enabled {
		return nil
	}
	bind, _ := mediaAddrs(c)
	ports := []int{c.WebRTC.Port}
	if c.WebRTC.Port == 0 {
		ports = ports[:0]
		for p := c.Media.PortMax; p >= c.Media.PortMin; p-- {
			ports = append(ports, p)
		}
	}
	var err error
	for _, port := range ports {
		var s *webrtc.Server
		s, err = webrtc.New(webrtc.Config{Listen: netip.AddrPortFrom(bind, uint16(port)), MaxLegs: c.WebRTC.MaxLegs, Log: a.log})
		if err != nil {
			return err
		}
		if err = s.Start(ctx); err == nil {
			a.browsers = s
			a.stack.push("browser media", s.Stop)
			return nil
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			break
		}
	}
	return fmt.Errorf("%w; change webrtc.port, or set webrtc.enabled = false", err)
}

// browserAddr is where browsers are told to send their media; invalid = where they
// find the port by themselves.
func (a *App) browserAddr() netip.Addr {
	c := a.Config()
	if at, err := netip.ParseAddr(c.WebRTC.Advertise); err == nil {
		return at
	}
	_, advertise := mediaAddrs(c)
	return advertise
}

// phoneDoor is SIP over WebSocket.
type phoneDoor struct{ http.Handler }

// Serves implements front.
func (phoneDoor) Serves(path string) bool { return path == sipPath }

// newPhoneDoor gives it, nil if browsers are no phones here.
func (a *App) newPhoneDoor() front {
	if a.browsers == nil {
		return nil
	}
	return phoneDoor{a.sip.WebSocket()}
}

// identify says whose phone a page is that opens a WebSocket with the cookie of the
// console. Everybody else proves its phone by digest.
func (a *App) identify(r *http.Request) (phone string, done <-chan struct{}, ok bool) {
	if a.console == nil {
		return "", nil, false
	}
	v, err := a.console.Visit(r)
	if err != nil || v.Phone == "" {
		return "", nil, false
	}
	over := make(chan struct{})
	go func() { // ends with the request, which lasts as long as its WebSocket
		defer close(over)
		look := time.NewTicker(phoneLook)
		defer look.Stop()
		for a.console.Lasts(v.Session) {
			if now, err := a.console.Visit(r); err != nil || now.Phone != v.Phone {
				return // another phone is theirs now
			}
			select {
			case <-r.Context().Done():
				return
			case <-v.Session.Done():
				return
			case <-look.C:
			}
		}
	}()
	return v.Phone, over, true
}

// webphones tells pages how to be phones.
type webphones struct{ a *App }

// restWebphones gives them, nil if browsers are no phones here.
func (a *App) restWebphones() rest.Webphones {
	if a.browsers == nil || a.httpOff() {
		return nil
	}
	return webphones{a}
}

func (a *App) httpOff() bool { return a.Config().HTTP.Listen == "" }

// Webphone implements rest.Webphones.
func (w webphones) Webphone(phone string) rest.Webphone {
	c := w.a.Config()
	p, known := c.Phones[phone]
	switch {
	case phone == "":
		return rest.Webphone{Why: "No phone belongs to this user. An administrator may give it one: dialwright user set NAME --phone 103."}
	case !known:
		return rest.Webphone{Phone: phone, Why: fmt.Sprintf("The phone %s is not configured. An administrator may add [phones.%s].", phone, phone)}
	}
	codecs := p.Codecs
	if len(codecs) == 0 {
		codecs = []string{"G722", "PCMU", "PCMA"}
	}
	return rest.Webphone{
		Enabled: true, Phone: phone, URI: "sip:" + phone + "@" + c.SIP.Domain, Path: sipPath, Codecs: codecs,
	}
}
