package sip

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/dialwright/dialwright/internal/sip/sipnet"
	"github.com/dialwright/dialwright/internal/sip/ua"
)

// bindings gives the registrations of a phone, best first.
func (t *Technology) bindings(phone string) []ua.Binding {
	return t.agent.Registrar().Lookup(phone)
}

// contacts gives the registrations of a phone that may be called: those that
// have not failed to answer OPTIONS, on flows that are still there.
func (t *Technology) contacts(dir *directory, p *profile) []ua.Binding {
	n := t.lineOf(p.name)
	return slices.DeleteFunc(slices.Clone(t.bindings(p.name)), func(b ua.Binding) bool {
		return !n.reachable(b.Contact.String(), dir.config.QualifyFailures) || (b.Flow != nil && !b.Flow.Alive())
	})
}

// known remembers the addresses of those who have shown who they are, for the
// limit on strangers (rule N2) and for telling phones from trunks.
type known struct {
	mu     *sync.RWMutex
	phones map[string][]netip.AddrPort // by phone
	flows  map[netip.AddrPort]int      // how many bindings came from it
	addrs  map[netip.Addr]int
	hosts  map[string][]netip.Addr // addresses of the trunks' host names; replaced, never changed
}

func newKnown() known {
	return known{
		mu: new(sync.RWMutex), phones: map[string][]netip.AddrPort{}, flows: map[netip.AddrPort]int{},
		addrs: map[netip.Addr]int{}, hosts: map[string][]netip.Addr{},
	}
}

// set replaces what is known of a phone.
func (k *known) set(phone string, from []netip.AddrPort) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, a := range k.phones[phone] {
		count(k.flows, a, -1)
		count(k.addrs, a.Addr(), -1)
	}
	delete(k.phones, phone)
	for _, a := range from {
		count(k.flows, a, 1)
		count(k.addrs, a.Addr(), 1)
	}
	if len(from) > 0 {
		k.phones[phone] = from
	}
}

func count[K comparable](m map[K]int, key K, by int) {
	if m[key] += by; m[key] <= 0 {
		delete(m, key)
	}
}

// registered reports whether a phone has registered from exactly there.
func (k *known) registered(a netip.AddrPort) bool {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.flows[unmap(a)] > 0
}

// phone reports whether a phone has registered from the address.
func (k *known) phone(a netip.Addr) bool {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.addrs[a.Unmap()] > 0
}

// resolved gives the addresses of the trunks' host names. The map must not be
// changed.
func (k *known) resolved() map[string][]netip.Addr {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.hosts
}

func (k *known) setHosts(hosts map[string][]netip.Addr) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.hosts = hosts
}

func unmap(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }

// bindingsChanged follows the registrar: each registration, refresh and loss.
// It runs on network goroutines, in order.
func (t *Technology) bindingsChanged(aor string, bs []ua.Binding) {
	from := make([]netip.AddrPort, 0, len(bs))
	contacts := make(map[string]time.Time, len(bs))
	for _, b := range bs {
		if b.Received.IsValid() {
			from = append(from, unmap(b.Received))
		}
		contacts[b.Contact.String()] = b.ExpiresAt
	}
	t.known.set(aor, from)
	t.lineOf(aor).keepReach(contacts)
	t.tellContacts(aor, bs)
	t.tellState(aor)
	if t.store == nil {
		return
	}
	if err := t.store.Save(aor, bs); err != nil {
		t.log.Warn("registration not kept", "phone", aor, "err", err)
	}
}

// BindingStore keeps registrations over a restart. Save is called in order and
// must not block; it replaces what is kept of a phone (none = forget it). Flows
// are not kept.
type BindingStore interface {
	Save(phone string, b []ua.Binding) error
	Load(ctx context.Context) (map[string][]ua.Binding, error)
}

// restoreBindings puts what was kept back into the registrar: those of phones
// that still exist.
func (t *Technology) restoreBindings(ctx context.Context) error {
	if t.store == nil {
		return nil
	}
	kept, err := t.store.Load(ctx)
	if err != nil {
		return err
	}
	dir := t.dir.Load()
	for phone, bs := range kept {
		if _, ok := dir.phone(phone); ok {
			t.agent.Registrar().Restore(phone, bs)
		}
	}
	return nil
}

// flowTo gives the flow to a contact (rule N6). A binding that was restored
// has none: over UDP its phone is reached at the address from which it had
// registered; over a connection, its Contact is tried until it registers again.
func (t *Technology) flowTo(ctx context.Context, b ua.Binding) *sipnet.Flow {
	if b.Flow != nil || !b.Received.IsValid() || transportOf(b.Contact) != sipnet.UDP {
		return b.Flow
	}
	f, err := t.net.Flow(ctx, sipnet.Target{Transport: sipnet.UDP, Addr: b.Received}) // at once over UDP
	if err != nil {
		return nil
	}
	return f
}

func transportOf(u sip.Uri) sipnet.Transport {
	if u.Scheme == "sips" {
		return sipnet.TLS
	}
	if v, ok := u.UriParams.Get("transport"); ok {
		return sipnet.Transport(strings.ToLower(v))
	}
	return sipnet.UDP
}
