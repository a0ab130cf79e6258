package sip

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"sync"

	"github.com/emiago/sipgo/sip"

	"github.com/dialwright/dialwright/internal/sip/sipnet"
	"github.com/dialwright/dialwright/internal/sip/ua"
)

// ErrRestart says that Reload was given a change that needs a restart:
// listeners, domain, user agent, session timers, overrides. Phones and trunks
// have been taken over nevertheless.
var ErrRestart = errors.New("listeners, domain, user agent, session timers and overrides change with a restart only")

// Reload takes over phones, trunks, Qualify, QualifyFailures and
// MaxForwardsFollow. Calls in progress go on with what they began with. A
// phone that is gone cannot register or call any more; trunks that are new,
// gone or changed register or unregister. An invalid configuration changes
// nothing and is refused with all its mistakes.
func (t *Technology) Reload(c Config) error {
	if err := c.Validate(); err != nil {
		return err
	}
	t.reloading.Lock()
	defer t.reloading.Unlock()
	c = c.withDefaults()
	dir := newDirectory(c)
	old := t.dir.Swap(dir)
	t.dropPhones(dir)
	t.registerTrunks(dir)
	t.tellDirectory(old, dir)
	t.forgetLines(dir)
	t.wg.Go(func() { t.resolveTrunks(t.base, dir) })
	t.log.Info("phones and trunks reloaded", "phones", len(c.Phones), "trunks", len(c.Trunks))
	if !sameFrame(t.config, c) {
		return ErrRestart
	}
	return nil
}

// sameFrame compares what only a restart can change. TLS certificates of
// listeners reload by themselves (tls.Config.GetCertificate), so they do not count.
func sameFrame(a, b Config) bool {
	frame := func(c Config) Config {
		c.Phones, c.Trunks, c.Qualify, c.QualifyFailures, c.MaxForwardsFollow = nil, nil, 0, 0, 0
		listen := make([]Listener, len(c.Listen))
		for i, l := range c.Listen {
			l.TLS = nil
			listen[i] = l
		}
		c.Listen = listen
		return c
	}
	return reflect.DeepEqual(frame(a), frame(b))
}

// trunkRegistration is a running registration and the trunk it was made for.
type trunkRegistration struct {
	trunk Trunk
	reg   *ua.Registration
}

// registrations holds those of the trunks.
type registrations struct {
	mu sync.Mutex
	m  map[string]*trunkRegistration // by trunk
}

// byFlow finds the trunk whose registration runs over the flow. Where several
// do (two accounts at one provider), the user part that the call is for decides.
func (r *registrations) byFlow(dir *directory, f *sipnet.Flow, user string) (*profile, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var found *profile
	for name, tr := range r.m {
		p, ok := dir.byName[name]
		if !ok || p.kind != kindTrunk {
			continue
		}
		if s := tr.reg.State(); s.Registered && s.Flow == f && (found == nil || tr.trunk.User == user) {
			found = p
		}
	}
	return found, found != nil
}

// registerTrunks makes the registrations those that the directory wants.
func (t *Technology) registerTrunks(dir *directory) {
	t.registrations.mu.Lock()
	old := t.registrations.m
	t.registrations.m = map[string]*trunkRegistration{}
	var fresh []*profile
	for _, p := range dir.trunks {
		if !p.trunk.Register {
			continue
		}
		if tr, ok := old[p.name]; ok && sameRegistration(tr.trunk, p.trunk) {
			t.registrations.m[p.name] = tr
			delete(old, p.name)
			continue
		}
		fresh = append(fresh, p)
	}
	t.registrations.mu.Unlock()
	for name, tr := range old {
		t.lineOf(name).setRegistration(registration{}, "")
		t.tellRegistration(name, ua.RegState{})
		t.wg.Go(func() { t.unregister(t.base, tr) })
	}
	for _, p := range fresh {
		t.register(p)
	}
}

// sameRegistration reports whether a changed trunk may keep its registration.
func sameRegistration(a, b Trunk) bool {
	return a.Host == b.Host && a.Port == b.Port && a.Transport == b.Transport && a.User == b.User && a.Password == b.Password &&
		a.AuthUser == b.AuthUser && a.FromDomain == b.FromDomain && a.Expires == b.Expires && a.OutboundProxy == b.OutboundProxy
}

func (t *Technology) register(p *profile) {
	n := t.lineOf(p.name)
	tr := p.trunk
	o := ua.RegisterOptions{
		AOR:       sip.Uri{Scheme: "sip", User: escapeUser(tr.User), Host: tr.FromDomain},
		Registrar: tr.uri(""), ContactUser: escapeUser(tr.User), Expires: tr.Expires,
		Auth: ua.Credentials{User: tr.AuthUser, Password: tr.Password},
		OnState: func(s ua.RegState) {
			n.setRegistration(registration{registered: s.Registered, expiresAt: s.ExpiresAt}, s.LastError)
			t.tellRegistration(p.name, s)
			t.tellState(p.name)
			if !s.Registered && s.LastError != "" {
				t.log.Warn("trunk is not registered", "trunk", p.name, "status", s.Status, "err", s.LastError)
			}
		},
	}
	if tr.OutboundProxy != "" {
		proxy, err := parseProxy(tr.OutboundProxy)
		if err != nil {
			n.fail(err.Error())
			return
		}
		o.Route = []sip.Uri{proxy}
	}
	reg, err := t.agent.Register(t.base, o)
	if err != nil {
		n.fail(fmt.Sprintf("cannot register: %v", err))
		t.log.Warn("trunk cannot register", "trunk", p.name, "err", err)
		return
	}
	t.registrations.mu.Lock()
	t.registrations.m[p.name] = &trunkRegistration{trunk: tr, reg: reg}
	t.registrations.mu.Unlock()
}

func (n *line) setRegistration(r registration, lastError string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.trunkReg = r
	if r.registered || lastError != "" {
		n.lastError = lastError
	}
}

func (t *Technology) unregister(ctx context.Context, tr *trunkRegistration) {
	if err := tr.reg.Stop(ctx); err != nil {
		t.log.Info("trunk not unregistered", "trunk", tr.trunk.Name, "err", err)
	}
}

// stopRegistrations unregisters from all providers at once.
func (t *Technology) stopRegistrations(ctx context.Context) {
	t.registrations.mu.Lock()
	all := maps.Clone(t.registrations.m)
	clear(t.registrations.m)
	t.registrations.mu.Unlock()
	var wg sync.WaitGroup
	for _, tr := range all {
		wg.Go(func() { t.unregister(ctx, tr) })
	}
	wg.Wait()
}

// dropPhones forgets the contacts of phones that no longer exist.
func (t *Technology) dropPhones(dir *directory) {
	for name := range t.agent.Registrar().All() {
		if _, ok := dir.phone(name); !ok {
			t.agent.Registrar().Unregister(name)
		}
	}
}
