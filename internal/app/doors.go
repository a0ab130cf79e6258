package app

import (
	"cmp"
	"context"
	"maps"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/dialwright/dialwright/internal/config"
	"github.com/dialwright/dialwright/internal/door/ctl"
	"github.com/dialwright/dialwright/internal/door/rest"
	"github.com/dialwright/dialwright/internal/originate"
)

// lastRequests is how many requests of each door are told.
const lastRequests = 5

// door is a line of the table of doors.
type door struct {
	name    string
	trail   string // call.Origin.Door of what comes by it; "" = name
	title   string
	page    string // in docs
	setting string
	enabled func(*App, *config.Config) bool
	address func(*App, *config.Config) string
	uses    func(s site) []rest.DoorUse
}

// site is what the uses of a door are made of.
type site struct {
	base  string // address of the HTTP listener, as others reach it; "" = it is off
	phone string // a phone, for examples
	other string // another
	sip   string // host:port, UDP if that is served
	c     *config.Config
	a     *App
}

// doors is rest.Doors.
type doors struct{ a *App }

// Doors is rest.Doors.
func (d doors) Doors(ctx context.Context) ([]rest.Door, error) {
	counts, err := d.a.store.AuditCounts(ctx, time.Now().Add(-24*time.Hour))
	if err != nil {
		return nil, err
	}
	s := d.a.site()
	var out []rest.Door
	for _, x := range doorTable {
		trail := cmp.Or(x.trail, x.name)
		v := rest.Door{
			Name: x.name, Title: x.title, Page: x.page, Setting: x.setting, Enabled: x.enabled(d.a, s.c),
			Uses: x.uses(s), Accepted: counts[trail].Accepted, Denied: counts[trail].Denied, Last: []rest.AuditEntry{},
		}
		if v.Enabled {
			v.Address = x.address(d.a, s.c)
		}
		last, err := d.a.originator.Audit(ctx, originate.AuditFilter{Door: trail, Limit: lastRequests})
		if err != nil {
			return nil, refusal(err)
		}
		for _, e := range last {
			v.Last = append(v.Last, viewAudit(e))
		}
		out = append(out, v)
	}
	return out, nil
}

// site says where this server is.
func (a *App) site() site {
	c := a.Config()
	s := site{base: a.ownBase(), phone: "101", other: "102", c: c, a: a}
	phones := slices.Sorted(maps.Keys(c.Phones))
	if len(phones) > 0 {
		s.phone = phones[0]
	}
	if len(phones) > 1 {
		s.other = phones[1]
	} else if s.phone == s.other {
		s.other = "101"
	}
	for _, l := range a.sip.Listeners() {
		if s.sip == "" || l.Transport == "udp" {
			s.sip = a.seen(l.Addr.String())
		}
	}
	return s
}

// seen writes the address of a listener as others reach it: one on all addresses is named
// like this machine.
func (a *App) seen(addr string) string {
	at, err := netip.ParseAddrPort(addr)
	if err != nil || !at.Addr().IsUnspecified() {
		return addr
	}
	_, port, _ := net.SplitHostPort(addr) // it was parsed above
	return net.JoinHostPort(machine(), port)
}

// machine is the name of this machine.
func machine() string {
	if host, err := os.Hostname(); err == nil && host != "" {
		return host
	}
	return "localhost"
}

// web is the base of the HTTP listener for texts, also where that is off.
func (s site) web() string { return cmp.Or(s.base, "http://THIS-SERVER:8088") }

// dialplanContext is the context that calls of the first phone begin in.
func (s site) dialplanContext() string {
	return cmp.Or(s.c.Phones[s.phone].Context, "default")
}

// user names a user whose phone there is, for examples.
func (s site) user() string {
	for _, u := range s.a.people.Users() {
		if u.Phone != "" && !u.Disabled {
			return u.Name.String()
		}
	}
	return s.phone
}

// spool is the folder of call files, also where there is none.
func (s site) spool() string { return cmp.Or(s.c.Callfile.Dir, "/var/spool/asterisk/outgoing") }

// callFile is an example of one.
func (s site) callFile() string {
	return "Channel: PJSIP/" + s.phone + "\nCallerID: \"Reminder\" <" + s.phone + ">\nMaxRetries: 1\nRetryTime: 60\nWaitTime: 30\nContext: " +
		s.dialplanContext() + "\nExtension: " + s.other + "\nPriority: 1\n"
}

// onWeb gives the address of a path on the HTTP listener.
func onWeb(path string) func(*App, *config.Config) string {
	return func(a *App, _ *config.Config) string {
		if base := a.ownBase(); base != "" {
			return base + path
		}
		return ""
	}
}

// webAnd says whether something is switched on that the HTTP listener serves.
func webAnd(on func(*config.Config) bool) func(*App, *config.Config) bool {
	return func(a *App, c *config.Config) bool { return a.httpAddr != nil && on(c) }
}

func control(_ *App, c *config.Config) string { return filepath.Join(c.Server.DataDir, ctl.Name) }
