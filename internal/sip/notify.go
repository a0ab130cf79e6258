package sip

import (
	"errors"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/sip/ua"
)

// keyPress is a key that somebody wants pressed.
type keyPress struct {
	event string
	done  func(status int, err error)
	late  bool // the devices have had their time to ring
}

// keyPatience is how long the devices of a phone have to ring before one of those that do
// has to be the one that presses the key.
const keyPatience = 2 * time.Second

// Notify asks the phone to press a key: NOTIFY in its dialog with Event: talk or hold, as
// snom, Yealink and Polycom phones take it without a subscription. A phone that is called is
// asked as soon as a device of it rings that allows the event; if it declines, so is the
// next. done gets the final status once, or pbx.ErrNotSupported, pbx.ErrState. It implements
// pbx.Notifier.
func (l *leg) Notify(event string, done func(status int, err error)) {
	k := &keyPress{event: event}
	timer := time.AfterFunc(keyPatience, func() {
		l.q.post(func() {
			k.late = true
			l.pressKeys()
		})
	})
	k.done = func(status int, err error) {
		timer.Stop()
		done(status, err)
	}
	l.q.post(func() {
		l.keys = append(l.keys, k)
		l.pressKeys()
	})
}

// pressKeys asks for the keys that wait, if there is a device that can be asked.
func (l *leg) pressKeys() {
	ask, more := l.dialogs()
	keys := l.keys
	l.keys = nil
	for _, k := range keys {
		able := allowing(ask, k.event)
		switch {
		case len(able) > 0:
			l.notifyFirst(able, k.event, k.done)
		case more && (len(ask) == 0 || !k.late):
			l.keys = append(l.keys, k)
		case len(ask) > 0:
			k.done(0, pbx.ErrNotSupported)
		default:
			k.done(0, pbx.ErrState)
		}
	}
}

// dialogs gives the calls in which the phone can be asked for something; more says that
// there may be others soon.
func (l *leg) dialogs() (calls []*ua.Call, more bool) {
	switch l.state {
	case legNew:
		return nil, true
	case legUp:
		return []*ua.Call{l.conn}, false
	case legCalling:
		for _, f := range l.forks {
			switch {
			case f.ended || f.losing:
			case f.early:
				calls = append(calls, f.call)
			default:
				more = true
			}
		}
		return calls, more || len(l.forks) == 0 || l.pending > 0 || l.conn != nil
	}
	return nil, false
}

// notifyFirst asks one call after the other until one agrees.
func (l *leg) notifyFirst(ask []*ua.Call, event string, done func(int, error)) {
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
