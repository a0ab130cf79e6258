package link

import (
	"errors"
	"time"

	"github.com/dialwright/dialwright/internal/call"
)

// Link is one link. Times are UTC in whole milliseconds.
type Link struct {
	ID        string         // 16 characters of [a-z2-7]
	User      string         // name of the user whose phone rings, "123@tenant.com"
	Dest      string         // destination: [+]digits, A-D, *, #
	Name      string         // shown with it, "" = none
	Note      string         // for whoever looks at the list; the only text that is not signed
	Connect   bool           // do not ask to press 1
	Direct    bool           // a click on it dials at once, without the page in between
	NotBefore time.Time      // zero = at once
	Expires   time.Time      // never zero
	Uses      int            // how often it may be used, 0 = any number of times
	Origins   []string       // it works from web pages of these origins only, "https://crm.example.com"; empty = from its own page and from programs
	CreatedAt time.Time      // never zero
	CreatedBy string         // "key:crm", "local"
	Account   call.AccountID // the user's at that time; who may see it, and who pays
	RevokedAt time.Time      // zero = in force
	RevokedBy string

	Used   int       // calls that it has placed or is placing
	UsedAt time.Time // last time
}

// Use is one time that a link was opened to dial.
type Use struct {
	Number  int64 // from 1, per link
	At      time.Time
	Remote  string  // address, without port
	Origin  string  // web page, "" = none told
	Call    call.ID // "" = none was placed
	Refused string  // why, "" = placed
	Open    bool    // neither yet
}

// Errors of links, found with errors.Is. Their texts are for whoever holds the link.
var (
	ErrUnknown = errors.New("this link is not valid") // unknown or forged: the same for both
	ErrExpired = errors.New("this link has expired")
	ErrEarly   = errors.New("this link is not valid yet")
	ErrUsed    = errors.New("this link was used already")
	ErrRevoked = errors.New("this link was withdrawn")
	ErrUser    = errors.New("the user of this link makes no calls any more")
	ErrOrigin  = errors.New("this link does not work from this page")
)

// State is what a link is good for now.
type State string

// The states.
const (
	Early   State = "early"   // before NotBefore
	Active  State = "active"  // it dials
	Expired State = "expired" // after Expires
	Used    State = "used"    // as often as it may be
	Revoked State = "revoked"
)

// State gives the state at a time. What its maker has done goes first, then the clock.
func (l *Link) State(now time.Time) State {
	switch {
	case !l.RevokedAt.IsZero():
		return Revoked
	case !now.Before(l.Expires):
		return Expired
	case l.Uses > 0 && l.Used >= l.Uses:
		return Used
	case now.Before(l.NotBefore):
		return Early
	}
	return Active
}

// Usable says why a link dials nobody at a time; nil = it does.
func (l *Link) Usable(now time.Time) error {
	switch l.State(now) {
	case Early:
		return ErrEarly
	case Expired:
		return ErrExpired
	case Used:
		return ErrUsed
	case Revoked:
		return ErrRevoked
	}
	return nil
}
