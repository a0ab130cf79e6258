package app

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/config"
	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/door/auth"
	"github.com/dialwright/dialwright/internal/door/callfile"
	"github.com/dialwright/dialwright/internal/number"
	"github.com/dialwright/dialwright/internal/originate"
	"github.com/dialwright/dialwright/internal/route"
	"github.com/dialwright/dialwright/internal/sip"
)

// CallerID reads a caller ID as the configuration and the command line write it.
func CallerID(s string) call.CallerID { return callerID(s) }

// callerID reads a caller ID as the configuration writes it.
func callerID(s string) call.CallerID {
	name, num := number.SplitCallerID(s)
	return call.CallerID{Name: name, Number: num}
}

// accounts turns names into account IDs.
func accounts(names []string) []call.AccountID {
	var out []call.AccountID
	for _, n := range names {
		out = append(out, call.AccountID(n))
	}
	return out
}

// routes makes the route table of c. contexts says which contexts the dialplan
// has; nil = there is none.
func routes(c *config.Config, contexts func(string) bool) (*route.Table, error) {
	rc := route.Config{
		Phones:           slices.Sorted(maps.Keys(c.Phones)),
		OutboundContexts: c.SIP.OutboundContexts,
		AllowPretend:     c.SIP.AllowPretend,
		Aliases:          c.Dialplan.Aliases,
		Dialplan:         contexts,
	}
	for _, name := range slices.Sorted(maps.Keys(c.Trunks)) {
		rc.Trunks = append(rc.Trunks, route.Trunk{Name: name, CallerID: callerID(c.Trunks[name].CallerID), Private: c.Trunks[name].Private})
	}
	for _, r := range c.Routes {
		rc.Rules = append(rc.Rules, route.Rule{
			Name: r.Name, Match: r.Match, Strip: r.Strip, Prepend: r.Prepend, Trunk: r.Trunk,
			Accounts: accounts(r.Accounts), CallerID: callerID(r.CallerID),
		})
	}
	for _, in := range c.Inbound {
		rc.Inbound = append(rc.Inbound, route.Inbound{Context: in.Context, Match: in.Match, To: call.Endpoint(in.To)})
	}
	return route.New(rc)
}

// known lists what the switch can carry out for a request. Applications that
// run commands or touch files are for the dialplan, which its owner writes; nobody gets
// them by asking for a call. Whether a remote-control application is connected shows
// when the call is answered.
func known(m *run.Machine) originate.Known {
	var names []string
	for _, name := range m.AppNames() {
		if a, ok := m.App(name); ok && a.Danger&(run.Commands|run.Files) == 0 && a.Old == "" {
			names = append(names, a.Name)
		}
	}
	return originate.Known{
		Kinds:        []call.ThenKind{call.ThenConnect, call.ThenDialplan, call.ThenApplication, call.ThenApp},
		Applications: names,
		Codecs:       config.Codecs(),
	}
}

// policy makes the guard's and the queue's rules of c.
func policy(c *config.Config) *originate.Policy {
	p := &originate.Policy{
		Accounts: map[call.AccountID]originate.Account{},
		Limits:   map[string]originate.Limits{},
		Defaults: originate.Defaults{
			WaitTime: c.Originate.WaitTime.Duration, SecondWait: c.Originate.SecondWait.Duration, RetryWait: c.Originate.RetryWait.Duration,
		},
		Country:     c.Numbers.Country,
		AddressRate: rateOf(c.Limits.RequestsPerSecond),
		MaxBatch:    c.Limits.BatchCalls,
	}
	for name, a := range c.Accounts {
		p.Accounts[call.AccountID(name)] = originate.Account{
			Disabled: a.Disabled, Principals: a.Principals,
			CallerID: callerID(a.CallerID), FixedCallerID: a.FixedCallerID, Country: a.Country,
			Allow: a.Allow, Deny: a.Deny, International: a.International, Premium: a.Premium, Emergency: a.Emergency,
			Contexts: a.Contexts, Rate: rateOf(a.RequestsPerSecond), Daily: a.DailyCalls,
		}
		limit(p, "account:"+name, a.Channels, a.CPS)
	}
	// Phones, trunks and the folder of call files may always use the account that the
	// configuration gives them, and the dialplan the one for which it runs.
	for id, a := range p.Accounts {
		if len(a.Principals) > 0 {
			a.Principals = append(slices.Clone(a.Principals), dialplanPrincipal)
			p.Accounts[id] = a
		}
	}
	own := func(account, principal string) {
		id := call.AccountID(cmp.Or(account, c.Originate.Account))
		if a := p.Accounts[id]; len(a.Principals) > 0 {
			a.Principals = append(slices.Clone(a.Principals), principal)
			p.Accounts[id] = a
		}
	}
	own(c.Callfile.Account, callfile.Principal)
	for name, ph := range c.Phones {
		own(ph.Account, "phone:"+name)
	}
	for name, t := range c.Trunks {
		own(t.Account, "trunk:"+name)
	}
	for name, u := range c.ARI.Users {
		own(u.Account, "ari:"+name)
	}
	for name, t := range c.Trunks {
		limit(p, "trunk:"+name, t.Channels, t.CPS)
	}
	for name, ph := range c.Phones {
		switch {
		case ph.Channels < 0:
			p.Limits["phone:"+name] = originate.Limits{} // an entry without caps: unlimited
		case ph.Channels > 0:
			limit(p, "phone:"+name, ph.Channels, 0)
		}
	}
	limit(p, "batch:*", c.Limits.BatchChannels, c.Limits.BatchCPS)
	limit(p, originate.ServerResource, 0, c.Limits.CPS) // limits.channels is Options.MaxLive: descriptors bound it too
	return p
}

func limit(p *originate.Policy, resource string, channels int, cps float64) {
	if channels > 0 || cps > 0 {
		p.Limits[resource] = originate.Limits{Channels: channels, CPS: cps}
	}
}

// rateOf gives a bucket that allows twice the rate at once.
func rateOf(perSecond float64) originate.Rate {
	return originate.Rate{PerSecond: perSecond, Burst: max(int(2*perSecond), 1)}
}

// keys gives the API keys of c.
func keys(c *config.Config) []auth.Entry {
	var out []auth.Entry
	for name, k := range c.Keys {
		e := auth.Entry{Name: name, Hash: k.Hash, Account: call.AccountID(k.Account)}
		for _, s := range k.Scopes {
			e.Scopes = append(e.Scopes, auth.Scope(s))
		}
		out = append(out, e)
	}
	return out
}

// sipConfig makes the SIP technology's configuration of c. The error names
// certificates that cannot be read.
func sipConfig(c *config.Config, userAgent string) (sip.Config, error) {
	s := sip.Config{
		Domain: c.SIP.Domain, UserAgent: userAgent,
		SessionExpires: c.SIP.SessionExpires.Duration, MinSE: c.SIP.MinSE.Duration,
		Qualify: c.SIP.Qualify.Duration, QualifyFailures: c.SIP.QualifyFailures, MaxForwardsFollow: c.SIP.MaxForwards,
	}
	serverTLS, err := certificate(c.SIP.TLSCert, c.SIP.TLSKey)
	errs := []error{err}
	for _, l := range c.SIP.Listen {
		transport, addr, _ := strings.Cut(l, ":")
		sl := sip.Listener{Transport: transport, Addr: addr, Advertise: c.SIP.Advertise}
		if transport == "tls" {
			sl.TLS = serverTLS
		}
		s.Listen = append(s.Listen, sl)
	}
	for _, prefix := range slices.Sorted(maps.Keys(c.SIP.AdvertiseTo)) {
		p, err := netip.ParsePrefix(prefix)
		errs = append(errs, err)
		s.Overrides = append(s.Overrides, sip.Override{Prefix: p, Host: c.SIP.AdvertiseTo[prefix]})
	}
	for _, name := range slices.Sorted(maps.Keys(c.Phones)) {
		s.Phones = append(s.Phones, phone(name, c.Phones[name], c.Originate.Account))
	}
	for _, name := range slices.Sorted(maps.Keys(c.Trunks)) {
		t, err := trunk(name, c.Trunks[name], c.Originate.Account)
		errs = append(errs, err)
		s.Trunks = append(s.Trunks, t)
	}
	return s, errors.Join(errs...)
}

func phone(name string, p config.Phone, account string) sip.Phone {
	if p.Account != "" {
		account = p.Account
	}
	return sip.Phone{
		Name: name, Password: p.Password, DisplayName: p.DisplayName, CallerID: callerID(p.CallerID), Context: p.Context,
		Account: call.AccountID(account), Codecs: p.Codecs, SRTP: p.SRTP, AutoAnswer: p.AutoAnswer, NAT: p.NAT,
		MaxContacts: p.MaxContacts, DTMF: p.DTMF, Forward: p.Forward,
	}
}

func trunk(name string, t config.Trunk, account string) (sip.Trunk, error) {
	if t.Account != "" {
		account = t.Account
	}
	out := sip.Trunk{
		Name: name, Host: t.Host, Port: t.Port, Transport: t.Transport,
		User: t.User, Password: t.Password, AuthUser: t.AuthUser, FromUser: t.FromUser, FromDomain: t.FromDomain,
		Register: t.Register, Expires: t.Expires.Duration, OutboundProxy: t.OutboundProxy,
		Codecs: t.Codecs, SRTP: t.SRTP, Context: t.Context, Account: call.AccountID(account),
		Forward: t.Forward, Qualify: t.Qualify.Duration, DTMF: t.DTMF,
		Identity: sip.TrunkIdentity{
			PAI:     slices.Contains(t.Identity, "pai"),
			RPID:    slices.Contains(t.Identity, "rpid"),
			Privacy: slices.Contains(t.Identity, "privacy"),
		},
	}
	var errs []error
	for _, m := range t.Match {
		p, err := netip.ParsePrefix(m)
		errs = append(errs, err)
		out.Match = append(out.Match, p)
	}
	if t.TLSServerName != "" || t.TLSRoots != "" || t.TLSCert != "" {
		var err error
		out.TLS, err = clientTLS(t)
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return out, fmt.Errorf("trunks.%s: %w", name, err)
	}
	return out, nil
}

func clientTLS(t config.Trunk) (*tls.Config, error) {
	c, err := certificate(t.TLSCert, t.TLSKey)
	if err != nil {
		return nil, err
	}
	if c == nil {
		c = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	c.ServerName = t.TLSServerName
	if c.ServerName == "" {
		c.ServerName = t.Host
	}
	if t.TLSRoots != "" {
		pem, err := os.ReadFile(t.TLSRoots)
		if err != nil {
			return nil, err
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("tls_roots: %s holds no certificate in PEM form", t.TLSRoots)
		}
	}
	return c, nil
}

// certificate reads a key pair; without names it gives nil.
func certificate(cert, key string) (*tls.Config, error) {
	if cert == "" {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("certificate %s with key %s: %w", cert, key, err)
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}}, nil
}

// mediaAddrs gives the bind and the advertised address of RTP.
func mediaAddrs(c *config.Config) (bind, advertise netip.Addr) {
	parse := func(s string) netip.Addr {
		a, err := netip.ParseAddr(s)
		if err != nil {
			return netip.Addr{}
		}
		return a
	}
	bind, advertise = parse(c.Media.Bind), parse(c.Media.Advertise)
	if !bind.IsValid() && len(c.SIP.Listen) > 0 {
		_, addr, _ := strings.Cut(c.SIP.Listen[0], ":")
		if host, _, err := net.SplitHostPort(addr); err == nil {
			bind = parse(host)
		}
	}
	if !bind.IsValid() {
		bind = netip.IPv4Unspecified()
	}
	return bind, advertise
}
