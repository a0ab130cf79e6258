package app

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/config"
	"github.com/dialwright/dialwright/internal/door/ami"
	wire "github.com/dialwright/dialwright/internal/wire/ami"
)

// amiConfig translates the section [ami]; the configuration has been checked. Users are
// in the order of their names.
func amiConfig(c *config.Config) (*ami.Config, error) {
	a := c.AMI
	out := &ami.Config{
		Listen: a.Listen, TLSListen: a.TLSListen, TLSCert: a.TLSCert, TLSKey: a.TLSKey, Web: a.Web, WebPrefix: a.Prefix,
		AuthTimeout: a.AuthTimeout.Duration, AuthLimit: a.AuthLimit, MaxConnections: a.MaxConnections, HTTPTimeout: a.HTTPTimeout.Duration,
		RefuseGETLogin: a.RefuseGETLogin, TimestampEvents: a.TimestampEvents, ChannelVars: a.ChannelVars, DisabledEvents: a.DisabledEvents,
		CDREvents: a.CDREvents, BrokenEventsAction: a.BrokenEventsAction, Applications: a.Applications, Lenient: !a.Strict,
		EventQueue: a.EventQueue, EventQueueSize: a.EventQueueSize,
	}
	for _, name := range slices.Sorted(maps.Keys(a.Users)) {
		u, err := amiUser(name, a.Users[name])
		if err != nil {
			return nil, fmt.Errorf("ami.users.%s.%w", name, err)
		}
		out.Users = append(out.Users, u)
	}
	return out, nil
}

// amiUser translates one user. The error begins with the key.
func amiUser(name string, u config.AMIUser) (ami.User, error) {
	out := ami.User{
		Name: name, Secret: u.Secret, Format: u.SecretFormat, SingleLogin: u.SingleLogin, HideConnects: u.HideConnects,
		WriteTimeout: u.WriteTimeout.Duration, Account: call.AccountID(u.Account), PerSecond: u.PerSecond, AtOnce: u.AtOnce, MaxConnection: u.MaxConnections,
	}
	var err error
	if out.Permit, err = networks(u.Permit); err != nil {
		return out, fmt.Errorf("permit: %w", err)
	}
	if out.Deny, err = networks(u.Deny); err != nil {
		return out, fmt.Errorf("deny: %w", err)
	}
	if out.Read, err = amiClasses(u.Read); err != nil {
		return out, fmt.Errorf("read: %w", err)
	}
	if out.Write, err = amiClasses(u.Write); err != nil {
		return out, fmt.Errorf("write: %w", err)
	}
	for _, v := range u.Variables {
		name, value, _ := strings.Cut(v, "=")
		out.SetVar = append(out.SetVar, call.Variable{Name: name, Value: value})
	}
	for _, text := range u.Filters {
		f, err := config.ParseEventFilter(text)
		if err != nil {
			return out, fmt.Errorf("filters: %q: %w", text, err)
		}
		out.Filters = append(out.Filters, f)
	}
	return out, nil
}

// amiClasses joins a list of classes.
func amiClasses(list []string) (wire.Class, error) {
	c, unknown := wire.ParseClasses(strings.Join(list, ","))
	if len(unknown) > 0 {
		return c, fmt.Errorf("there is no class %q", unknown[0])
	}
	return c, nil
}
