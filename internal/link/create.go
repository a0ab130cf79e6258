package link

import (
	"context"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/dialwright/dialwright/internal/number"
)

// Draft is a link that somebody wants.
type Draft struct {
	User      string        // as typed: "123", "123@tenant.com"
	Number    string        // as typed: "+49 (30) 1234-56"
	Name      string        // shown with it
	Note      string        // for the list
	Connect   bool          // do not ask to press 1
	Direct    bool          // dial without the page in between
	NotBefore time.Time     // zero = at once
	Expires   time.Time     // zero = Life after it becomes valid
	Life      time.Duration // 0 = Config.Life
	Uses      int           // 0 = any number of times
	Origins   []string
}

// Invalid says what is wrong with a new link, and what to do. Field is the part of it in
// question, as the API names it.
type Invalid struct {
	Field string
	Text  string
}

// Error gives the text.
func (e *Invalid) Error() string { return e.Text }

// Bounds of a new link.
const (
	maxText    = 200 // bytes of Name and Note
	maxOrigins = 20
	maxTimes   = 1_000_000 // of Uses
)

// defaultLife is that of links where neither they nor the configuration say one.
const defaultLife = 24 * time.Hour

// Create makes a link. The error is an *Invalid, what Options.Check says, or that of the
// store.
func (b *Book) Create(ctx context.Context, n Draft, by By) (Link, error) {
	u, ok := b.o.People.Resolve(n.User, "", nil)
	if !ok || by.Account != "" && by.Account != u.Account {
		return Link{}, &Invalid{"user", fmt.Sprintf("There is no user %.80q on this account.", n.User)}
	}
	if u.Disabled {
		return Link{}, &Invalid{"user", "The user " + u.Name.String() + " is disabled; links for it would ring nobody."}
	}
	l := Link{
		ID: NewID(), User: u.Name.String(), Dest: number.Compact(strings.TrimSpace(n.Number)), Name: strings.TrimSpace(n.Name), Note: strings.TrimSpace(n.Note),
		Connect: n.Connect, Direct: n.Direct, Uses: n.Uses, Origins: slices.Compact(slices.Sorted(slices.Values(n.Origins))),
		CreatedAt: now(), CreatedBy: by.Name, Account: u.Account,
	}
	if err := l.window(n, b.o.Config()); err != nil {
		return Link{}, err
	}
	if err := l.check(); err != nil {
		return Link{}, err
	}
	if err := b.o.Check(ctx, l, u, by); err != nil {
		return Link{}, err
	}
	err := b.o.Store.AddLink(ctx, l, Act{At: l.CreatedAt, By: by.Name, Remote: by.Remote, Text: "link made by " + by.Name + ": " + l.terms()})
	return l, err
}

// window sets from when and until when a link is valid.
func (l *Link) window(n Draft, c Config) error {
	from := l.CreatedAt
	if n.NotBefore.UnixMilli() > 0 { // what is kept as 0 means none
		l.NotBefore = n.NotBefore.UTC().Truncate(time.Millisecond)
		if l.NotBefore.After(from) {
			from = l.NotBefore
		}
	}
	life := c.Life
	if life <= 0 {
		life = defaultLife
	}
	switch {
	case n.Life < 0:
		return &Invalid{"life", "The life of a link cannot be negative."}
	case n.Life > 0 && !n.Expires.IsZero():
		return &Invalid{"expires", "Only one of life, expires can be given."}
	case n.Life > 0:
		life = n.Life
	}
	l.Expires = from.Add(life).Truncate(time.Millisecond)
	if !n.Expires.IsZero() {
		l.Expires = n.Expires.UTC().Truncate(time.Millisecond)
	}
	switch {
	case !l.Expires.After(from):
		return &Invalid{"expires", "The link would have expired before it is valid."}
	case c.MaxLife > 0 && l.Expires.Sub(l.CreatedAt) > c.MaxLife:
		return &Invalid{"expires", fmt.Sprintf("The link would be valid until %s; links.max_life lets it live %v at most.", l.Expires.Format(time.RFC3339), c.MaxLife)}
	case l.Expires.Year() > 9999:
		return &Invalid{"expires", "The link would be valid for too long."}
	}
	return nil
}

// check says what else is wrong with a new link.
func (l *Link) check() error {
	for _, t := range []struct{ field, text string }{{"name", l.Name}, {"note", l.Note}} {
		if len(t.text) > maxText || !utf8.ValidString(t.text) || strings.ContainsFunc(t.text, unicode.IsControl) {
			return &Invalid{t.field, fmt.Sprintf("The %s has more than %d bytes, or control characters.", t.field, maxText)}
		}
	}
	switch {
	case !Dialable(l.Dest):
		return &Invalid{"number", "The number is none that can be dialled: write it with digits, *, # and A to D, with + only in front."}
	case l.Uses < 0 || l.Uses > maxTimes:
		return &Invalid{"uses", fmt.Sprintf("The number of uses is not from 0, which is any number of times, to %d.", maxTimes)}
	case len(l.Origins) > maxOrigins:
		return &Invalid{"origins", fmt.Sprintf("There are more than %d origins.", maxOrigins)}
	case l.Direct && len(l.Origins) > 0:
		return &Invalid{"direct", "A link that dials at once tells no origin, so it cannot be locked to origins."}
	}
	for _, o := range l.Origins {
		if !isOrigin(o) {
			return &Invalid{"origins", fmt.Sprintf("%.80q is not an origin; write it as browsers do, \"https://crm.example.com\": no path, no capitals, no port 443.", o)}
		}
	}
	return nil
}

// Dialable says whether a text is a number that a link may have: [+]digits, A-D, *, #.
func Dialable(s string) bool {
	return number.IsDialable(strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'D' {
			return '0'
		}
		return r
	}, s))
}

// isOrigin says whether a text is an origin as browsers write it: scheme, host in small
// ASCII letters, and the port unless it is the scheme's own (RFC 6454 §6.2). Nothing else gets into the
// page's frame-ancestors.
func isOrigin(s string) bool {
	u, err := url.Parse(s)
	if err != nil || s != u.Scheme+"://"+u.Host || strings.HasSuffix(u.Host, ":") {
		return false
	}
	own := map[string]string{"https": "443", "http": "80"}[u.Scheme]
	if own == "" || u.Port() == own || u.Port() != "" && !isPort(u.Port()) {
		return false
	}
	host := u.Hostname()
	if strings.HasPrefix(u.Host, "[") {
		a, err := netip.ParseAddr(host)
		return err == nil && a.Is6() && a.Zone() == "" && a.String() == host
	}
	return host != "" && strings.Trim(host, "abcdefghijklmnopqrstuvwxyz0123456789.-_") == ""
}

// isPort says whether a text is a port as browsers write it, "1" to "65535".
func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0 && strconv.FormatUint(n, 10) == s
}

// terms tells the bounds of a link in words, for the audit trail.
func (l *Link) terms() string {
	var s []string
	switch l.Uses {
	case 0:
		s = append(s, "any number of uses")
	case 1:
		s = append(s, "one use")
	default:
		s = append(s, fmt.Sprintf("%d uses", l.Uses))
	}
	if !l.NotBefore.IsZero() {
		s = append(s, "from "+l.NotBefore.Format(time.RFC3339))
	}
	s = append(s, "until "+l.Expires.Format(time.RFC3339))
	if len(l.Origins) > 0 {
		s = append(s, "from "+strings.Join(l.Origins, ", ")+" only")
	}
	if l.Direct {
		s = append(s, "dials at once")
	}
	return strings.Join(s, ", ")
}
