package sip

import (
	"errors"
	"strings"

	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/sip/ua"
)

// Notify asks the phone to press a key: NOTIFY in its dialog with Event: talk or hold, as
// snom, Yealink and Polycom phones take it without a subscription. While several contacts
// ring the first that allows the event is asked, and the next if it declines. done gets the
// final status once, or pbx.ErrNotSupported, pbx.ErrState. It implements pbx.Notifier.
func (l *leg) Notify(event string, done func(status int, err error)) {
	l.q.post(func() {
		var ask []*ua.Call
		switch {
		case l.state == legUp:
			ask = []*ua.Call{l.conn}
		case l.state == legCalling:
			for _, f := range l.forks {
				if !f.ended && !f.losing {
					ask = append(ask, f.call)
				}
			}
		default:
			done(0, pbx.ErrState)
			return
		}
		l.notifyFirst(allowing(ask, event), event, done)
	})
}

// notifyFirst asks one call after the other until one agrees.
func (l *leg) notifyFirst(ask []*ua.Call, event string, done func(int, error)) {
	if len(ask) == 0 {
		done(0, pbx.ErrNotSupported)
		return
	}
	ask[0].Notify(event, "", nil, func(status int, err error) {
		if err == nil && status < 300 || len(ask) == 1 || errors.Is(err, ua.ErrStopped) {
			done(status, err)
			return
		}
		l.q.post(func() { l.notifyFirst(ask[1:], event, done) })
	})
}

// allowing gives the calls whose peer says that it takes an event.
func allowing(calls []*ua.Call, event string) []*ua.Call {
	var out []*ua.Call
	for _, c := range calls {
		if allows(c, event) {
			out = append(out, c)
		}
	}
	return out
}

// allows says whether the peer of a call has named an event in Allow-Events (RFC 6665
// §8.2.2), in long or compact form, or as an option that it supports.
func allows(c *ua.Call, event string) bool {
	for _, name := range [...]string{"Allow-Events", "u", "Supported", "k"} {
		for _, list := range [...]string{c.ResponseHeader(name), c.RequestHeader(name)} {
			for word := range strings.SplitSeq(list, ",") {
				if strings.EqualFold(strings.TrimSpace(word), event) {
					return true
				}
			}
		}
	}
	return false
}

var _ pbx.Notifier = (*leg)(nil)
