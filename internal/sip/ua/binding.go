package ua

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/dialwright/dialwright/internal/sip/sipnet"
	"github.com/dialwright/dialwright/internal/sip/txn"
)

// Binding is one place where a phone can be reached. Call it with
// InviteOptions{Target: Contact, Route: Path, Flow: Flow}.
type Binding struct {
	Contact    sip.Uri
	Flow       *sipnet.Flow // on which it registered; nil after Restore until it registers again
	Path       []sip.Uri    // RFC 3327: routes to it, outermost first
	ExpiresAt  time.Time
	Q          float64 // 0-1, 1 if not given
	UserAgent  string
	Instance   string         // +sip.instance, without its quotes (RFC 5626 §4.1)
	Received   netip.AddrPort // where the REGISTER came from
	callID     string
	cseq       uint32
	registered time.Time
	timer      *time.Timer
}

// RegisteredAt says when it registered, or last refreshed that; zero for one that was restored.
func (b Binding) RegisteredAt() time.Time { return b.registered }

// newBinding reads one Contact; ok is false if it wants to live too briefly.
func newBinding(c *sip.ContactHeader, tx *txn.ServerTx, general time.Duration, hasGeneral bool) (b *Binding, life time.Duration, ok bool) {
	req := tx.Request()
	life = maxExpires
	if hasGeneral {
		life = general
	}
	q := 1.0
	b = &Binding{Contact: *c.Address.Clone(), Flow: tx.Flow(), UserAgent: cleanText(headerValue(req, "User-Agent")),
		Received: tx.Flow().RemoteAddr(), callID: callIDOf(req), cseq: cseqOf(req), registered: time.Now()}
	for _, kv := range c.Params {
		v := strings.Trim(strings.TrimSpace(kv.V), `"`)
		switch strings.ToLower(strings.TrimSpace(kv.K)) {
		case "expires":
			if d, ok := seconds(v); ok { // malformed: as if not there (RFC 3261 §20.19)
				life = d
			}
		case "q":
			if f, err := strconv.ParseFloat(v, 64); err == nil && f >= 0 && f <= 1 {
				q = f
			}
		case "+sip.instance":
			b.Instance = cleanText(v)
		}
	}
	b.Q = q
	if life > 0 && life < minExpires {
		return nil, 0, false
	}
	life = min(life, maxExpires)
	b.ExpiresAt = b.registered.Add(life)
	for _, line := range headerValues(req, "Path") {
		for _, v := range splitList(line) {
			if u, err := parseURI(v); err == nil {
				b.Path = append(b.Path, u)
			}
		}
	}
	return b, life, true
}

// same finds the binding that b replaces: of the same instance, or with an
// equal Contact.
func (r *Registrar) same(aor string, b *Binding) *Binding {
	for _, old := range r.bindings[aor] {
		if b.Instance != "" && old.Instance == b.Instance || sameURI(old.Contact, b.Contact) {
			return old
		}
	}
	return nil
}

// sameURI compares as RFC 3261 §19.1.4: user and password exactly, the rest
// without case; user, ttl, method, maddr and transport must be in both or
// neither, other parameters must agree where both have them.
func sameURI(a, b sip.Uri) bool {
	if !strings.EqualFold(a.Scheme, b.Scheme) || UnescapeUser(a.User) != UnescapeUser(b.User) || a.Password != b.Password ||
		!strings.EqualFold(a.Host, b.Host) || a.Port != b.Port || a.Raw() != b.Raw() {
		return false
	}
	agree := func(x, y sip.HeaderParams) bool {
		for _, kv := range x {
			k, other, found := strings.ToLower(kv.K), "", false
			for _, o := range y {
				if strings.EqualFold(o.K, k) {
					other, found = o.V, true
				}
			}
			strict := k == "user" || k == "ttl" || k == "method" || k == "maddr" || k == "transport"
			if found && !strings.EqualFold(other, kv.V) || !found && strict {
				return false
			}
		}
		return true
	}
	return agree(a.UriParams, b.UriParams) && agree(b.UriParams, a.UriParams)
}
